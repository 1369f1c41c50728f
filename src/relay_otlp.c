/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The OTLP servers: HTTP and gRPC, each on its address and, beside 127.0.0.1,
 * on ::1, since some clients resolve localhost to that. Also the options of
 * the handler that takes OTLP on TCP 2000.
 */
#include <stdio.h>

#include "relay.h"
#include "xr/log.h"

#define CONNECTIONS_MAX 1024
#define HEADERS_MAX (16u << 10)
#define TIMEOUT_S 60
#define TWIN_MAX 32

static void on_relief(void *arg);
static bool make_tls(struct relay *r);
static bool listen_http(struct relay *r);
static bool listen_grpc(struct relay *r);
static bool must_have(const struct relay *r, bool explicitly);
static bool ends_start(bool explicitly, const char *address,
                       const struct err *err);
static const char *loopback_twin(const char *address, char out[TWIN_MAX]);

bool relay_make_otlp(struct relay *r)
{
    struct otlp_http_options o = {
        .body_max = (size_t)r->options->otlp_body_max_mb << 20,
        .cors_origins =
            (const char *const *)r->options->otlp_cors_origins.items,
        .n_cors_origins = r->options->otlp_cors_origins.n,
        .lambda = r->is_lambda,
    };
    r->otlp = otlp_http_new(r->loop, r->pipeline, r->translator, &o);
    pipeline_on_relief(r->pipeline, on_relief, r);
    return r->otlp != NULL;
}

bool relay_listen_otlp(struct relay *r)
{
    return make_tls(r) && listen_http(r) && listen_grpc(r);
}

void relay_stop_otlp(struct relay *r)
{
    for (int i = 0; i < 2; i++)
        if (r->otlp_server[i] != NULL)
            http1_stop(r->otlp_server[i]);
    for (int i = 0; i < 2; i++)
        if (r->grpc[i] != NULL)
            otlp_grpc_stop(r->grpc[i]);
}

void relay_fini_otlp(struct relay *r)
{
    for (int i = 0; i < 2; i++) {
        http1_free(r->otlp_server[i]);
        otlp_grpc_free(r->grpc[i]);
    }
    otlp_http_free(r->otlp);
    tls_server_free(r->tls_http);
    tls_server_free(r->tls_grpc);
}

unsigned relay_open_otlp(const struct relay *r)
{
    unsigned n = 0;
    for (int i = 0; i < 2; i++) {
        n += r->otlp_server[i] ? http1_open_requests(r->otlp_server[i]) : 0;
        n += r->grpc[i] ? otlp_grpc_open_streams(r->grpc[i]) : 0;
    }
    return n;
}

static void on_relief(void *arg)
{
    struct relay *r = arg;
    for (int i = 0; i < 2; i++) {
        if (r->otlp_server[i] != NULL)
            http1_pause(r->otlp_server[i], false);
        if (r->grpc[i] != NULL)
            otlp_grpc_pause(r->grpc[i], false);
    }
}

static bool make_tls(struct relay *r)
{
    const struct options *o = r->options;
    struct err err;
    struct tls_server_options t = {
        .certificate = o->otlp_tls_certificate,
        .key = o->otlp_tls_key,
        .client_ca = *o->otlp_tls_client_ca ? o->otlp_tls_client_ca : NULL,
    };
    if (*o->otlp_tls_certificate == '\0')
        return true;
    r->tls_http = tls_server_new(&t, &err);
    t.http2 = true;
    r->tls_grpc = r->tls_http ? tls_server_new(&t, &err) : NULL;
    if (r->tls_grpc == NULL)
        log_error("TLS of the OTLP servers: %s", err.text);
    return r->tls_grpc != NULL;
}

static bool listen_http(struct relay *r)
{
    const struct options *o = r->options;
    struct err err;
    char twin[TWIN_MAX];
    struct http1_limits limits = {
        .body_max = (size_t)o->otlp_body_max_mb << 20,
        .headers_max = HEADERS_MAX,
        .connections = CONNECTIONS_MAX,
        .timeout_s = TIMEOUT_S,
    };
    const char *at[2] = {o->otlp_http_address,
                         loopback_twin(o->otlp_http_address, twin)};
    for (int i = 0; o->otlp_http && i < 2 && at[i] != NULL; i++) {
        struct http1 *s = http1_new(r->loop, at[i], &limits, r->tls_http, &err);
        r->otlp_server[i] = s;
        if (s != NULL) {
            otlp_http_routes(r->otlp, s);
            if (r->traces != NULL)
                local_watch(r->traces, s,
                            (const char *const *)o->otlp_cors_origins.items,
                            o->otlp_cors_origins.n);
            log_info("Listening for OTLP/HTTP on %s", http1_bound(s));
        } else if (ends_start(i == 0 && must_have(r, o->otlp_http_address_set),
                              at[i], &err)) {
            return false;
        } else {
            break; /* another program's port: its clients use ::1 too */
        }
    }
    return true;
}

static bool listen_grpc(struct relay *r)
{
    const struct options *o = r->options;
    struct err err;
    char twin[TWIN_MAX];
    struct otlp_grpc_options g = {
        .message_max = (size_t)o->otlp_message_max_mb << 20,
        .tls = r->tls_grpc,
        .lambda = r->is_lambda,
        .hinted = &r->grpc_hinted,
    };
    const char *at[2] = {o->otlp_grpc_address,
                         loopback_twin(o->otlp_grpc_address, twin)};
    for (int i = 0; o->otlp_grpc && i < 2 && at[i] != NULL; i++) {
        g.address = at[i];
        r->grpc[i] =
            otlp_grpc_new(r->loop, r->pipeline, r->translator, &g, &err);
        if (r->grpc[i] != NULL)
            log_info("Listening for OTLP/gRPC on %s",
                     otlp_grpc_bound(r->grpc[i]));
        else if (ends_start(i == 0 && must_have(r, o->otlp_grpc_address_set),
                            at[i], &err))
            return false;
        else
            break;
    }
    return true;
}

/* A Lambda extension that ends fails the function. */
static bool must_have(const struct relay *r, bool explicitly)
{
    return explicitly && !r->is_lambda;
}

/* A default port that is taken is a warning, one that was asked for an error
 * that ends the start. The twin on ::1 is optional. */
static bool ends_start(bool explicitly, const char *address,
                       const struct err *err)
{
    if (explicitly)
        log_error("OTLP on %s: %s", address, err->text);
    else if (address[0] == '[')
        log_debug("OTLP on %s: %s", address, err->text);
    else
        log_warn("OTLP on %s: %s; going on without it", address, err->text);
    return explicitly;
}

/* NULL for addresses other than 127.0.0.1. */
static const char *loopback_twin(const char *address, char out[TWIN_MAX])
{
    const char *port = strrchr(address, ':');
    if (strncmp(address, "127.0.0.1:", 10) != 0 || strcmp(port, ":0") == 0)
        return NULL;
    snprintf(out, TWIN_MAX, "[::1]%s", port);
    return out;
}
