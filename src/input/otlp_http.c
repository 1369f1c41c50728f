/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OTLP over HTTP: POST /v1/traces, protobuf and JSON, answered in the
 * request's own encoding with the status codes of the OTLP specification.
 * What is sent to the wrong place (metrics, gRPC, TLS) gets an answer that
 * says where to go, and one hint in the log.
 */
#include <assert.h>
#include <stdlib.h>

#include "otlp_reply.h"
#include "otlp_take.h"
#include "xr/input.h"
#include "xr/log.h"

#define SERVERS_MAX 4
#define RETRY_AFTER_S 1
#define RETRY_AFTER "1"
#define PROTOBUF "application/x-protobuf"
#define JSON "application/json"
#define PREFLIGHT_HEADERS_MAX 1024

/* The others are what becomes of an endpoint with a slash at its end. */
static const char *const paths[] = {"/v1/traces", "/v1/traces/", "//v1/traces"};
#define PATHS (sizeof(paths) / sizeof(paths[0]))

/* Mix-ups; each is logged once. */
enum mixup { MIXUP_GRPC, MIXUP_TLS, MIXUP_METRICS, MIXUP_LOGS, MIXUPS };

struct otlp_http {
    struct otlp_http_options o;
    struct otlp_taker *taker;
    struct http1 *servers[SERVERS_MAX]; /* to be paused when sinks are busy */
    size_t n_servers;
    unsigned open;
    bool hinted[MIXUPS];
};

/* One request under way. */
struct otlp_call {
    struct otlp_http *http;
    struct http1_request *request; /* NULL: it came some other way, to fn */
    otlp_spans_fn fn;
    void *arg;
    struct otlp_job *job;
    enum otlp_encoding encoding;
};

static bool is_path(struct slice path);
static bool find_encoding(struct http1_request *r, enum otlp_encoding *out);
static enum coding find_coding(const struct http1_request *r);
static struct slice media_type(struct http1_request *r);
static void reply_unsupported(struct otlp_http *h, struct http1_request *r);
static void on_gone(void *arg);
static void on_done(void *arg, const struct otlp_outcome *o);
static void on_imported(void *arg, const struct otlp_outcome *o);
static void reply_status(struct http1_request *r, enum otlp_encoding encoding,
                         int status, enum rpc_code code, const char *message);
static void reply_body(struct http1_request *r, enum otlp_encoding encoding,
                       int status, struct buf *body);
static void on_busy(void *arg);
static void on_preflight(void *arg, struct http1_request *r);
static const char *allowed_origin(const struct otlp_http *h,
                                  struct slice origin);
static void add_cors(struct otlp_http *h, struct http1_request *r);
static void on_metrics(void *arg, struct http1_request *r);
static void on_logs(void *arg, struct http1_request *r);
static void reply_other_signal(struct otlp_http *h, struct http1_request *r,
                               const char *what);
static void on_wrong_method(void *arg, struct http1_request *r);
static void on_elsewhere(void *arg, struct http1_request *r);
static void on_stray(void *arg, struct slice first);
static void hint(struct otlp_http *h, enum mixup which);

struct otlp_http *otlp_http_new(struct loop *l, struct pipeline *p,
                                struct translator *t,
                                const struct otlp_http_options *o)
{
    struct otlp_http *h = calloc(1, sizeof(*h));
    if (!h)
        log_fatal("out of memory for OTLP over HTTP");
    h->o = *o;
    struct otlp_taker_options k = {.intake = "otlp_http",
                                   .body_max = o->body_max,
                                   .never_retry = o->lambda,
                                   .on_busy = on_busy,
                                   .arg = h};
    h->taker = otlp_taker_new(l, p, t, &k);
    return h;
}

void otlp_http_free(struct otlp_http *h)
{
    if (!h)
        return;
    assert(h->open == 0);
    otlp_taker_free(h->taker);
    free(h);
}

void otlp_http_routes(struct otlp_http *h, struct http1 *server)
{
    for (size_t i = 0; i < PATHS; i++) {
        http1_route(server, (struct http1_route){"POST", paths[i],
                                                 otlp_http_handle, h});
        http1_route(server,
                    (struct http1_route){"OPTIONS", paths[i], on_preflight, h});
        http1_route(server,
                    (struct http1_route){"*", paths[i], on_wrong_method, h});
    }
    const struct http1_route routes[] = {
        {"*", "/v1/metrics", on_metrics, h},
        {"*", "/v1/logs", on_logs, h},
        {"*", "*", on_elsewhere, h},
    };
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++)
        http1_route(server, routes[i]);
    http1_on_stray(server, on_stray, h);
    http1_on_refused(server, otlp_http_refused, h);
    assert(h->n_servers < SERVERS_MAX);
    h->servers[h->n_servers++] = server;
}

void otlp_http_handle(void *arg, struct http1_request *r)
{
    struct otlp_http *h = arg;
    enum otlp_encoding encoding;
    add_cors(h, r);
    if (!find_encoding(r, &encoding)) {
        reply_unsupported(h, r);
        return;
    }
    struct otlp_body body = {
        .encoding = encoding,
        .coding = find_coding(r),
        .bytes = http1_body(r),
    };
    if (body.coding == CODING_UNKNOWN) {
        http1_add(r, "Accept-Encoding", SLICE("gzip, deflate, zstd"));
        reply_status(r, encoding, 415, RPC_INVALID_ARGUMENT,
                     "this Content-Encoding is not known; gzip, deflate, zstd "
                     "and none are");
        return;
    }
    struct otlp_call *c = malloc(sizeof(*c));
    if (!c) {
        http1_add(r, "Retry-After", SLICE(RETRY_AFTER));
        reply_status(r, encoding, 503, RPC_UNAVAILABLE, "out of memory");
        return;
    }
    *c = (struct otlp_call){.http = h, .request = r, .encoding = encoding};
    h->open++;
    struct otlp_job *job = otlp_take(h->taker, &body, on_done, c);
    if (job) {
        c->job = job;
        http1_on_gone(r, on_gone, c);
    }
}

struct otlp_call *otlp_http_import(struct otlp_http *h, struct slice json,
                                   otlp_spans_fn fn, void *arg)
{
    struct otlp_body body = {.encoding = OTLP_JSON, .bytes = json};
    struct otlp_call *c = malloc(sizeof(*c));
    if (!c) {
        fn(arg, 0, 0, "out of memory", true);
        return NULL;
    }
    *c = (struct otlp_call){.http = h, .fn = fn, .arg = arg};
    h->open++;
    struct otlp_job *job = otlp_take(h->taker, &body, on_imported, c);
    if (!job)
        return NULL;
    c->job = job;
    return c;
}

void otlp_http_forget(struct otlp_call *c)
{
    on_gone(c);
}

static void on_imported(void *arg, const struct otlp_outcome *o)
{
    struct otlp_call c = *(struct otlp_call *)arg;
    bool unread = o->verdict == OTLP_MALFORMED || o->verdict == OTLP_TOO_LARGE;
    c.http->open--;
    free(arg);
    c.fn(c.arg, o->accepted, o->rejected + unread, o->message,
         o->verdict == OTLP_RETRY);
}

bool otlp_http_refused(void *arg, struct http1_request *r, int status,
                       const char *why)
{
    struct otlp_http *h = arg;
    enum otlp_encoding encoding;
    enum rpc_code code = RPC_INVALID_ARGUMENT;
    if (!slice_is(http1_method(r), "POST") || !is_path(http1_path(r)) ||
        !find_encoding(r, &encoding))
        return false;
    if (status == 503) {
        code = RPC_UNAVAILABLE;
        ++*otlp_taker_intake(h->taker)->retry;
    } else {
        otlp_taker_reject(
            h->taker, status == 413 ? REJECT_TOO_LARGE : REJECT_OTLP_MALFORMED,
            why);
    }
    add_cors(h, r);
    reply_status(r, encoding, status, code, why);
    return true;
}

static bool is_path(struct slice path)
{
    for (size_t i = 0; i < PATHS; i++)
        if (slice_is(path, paths[i]))
            return true;
    return false;
}

/* False when the content type is none of OTLP's. */
static bool find_encoding(struct http1_request *r, enum otlp_encoding *out)
{
    struct slice type = media_type(r);
    if (slice_is_nocase(type, JSON))
        *out = OTLP_JSON;
    else if (slice_is_nocase(type, PROTOBUF) ||
             slice_is_nocase(type, "application/protobuf"))
        *out = OTLP_PROTOBUF;
    else
        return false;
    return true;
}

/* A body that was packed twice is not taken; nobody sends one. */
static enum coding find_coding(const struct http1_request *r)
{
    struct http1_header h;
    enum coding coding = CODING_IDENTITY;
    bool found = false;
    for (size_t i = 0; http1_header_at(r, i, &h); i++) {
        if (!slice_is_nocase(h.name, "content-encoding"))
            continue;
        coding = found ? CODING_UNKNOWN : coding_parse(h.value);
        found = true;
    }
    return coding;
}

/* Content-Type without its parameters. */
static struct slice media_type(struct http1_request *r)
{
    struct slice type = http1_header(r, "content-type");
    const char *semicolon = memchr(type.p, ';', type.n);
    if (semicolon)
        type.n = (size_t)(semicolon - type.p);
    while (type.n > 0 && strchr(" \t", type.p[type.n - 1]))
        type.n--;
    return type;
}

static void reply_unsupported(struct otlp_http *h, struct http1_request *r)
{
    struct slice type = media_type(r);
    static const char text[] =
        "Content-Type must be application/x-protobuf or application/json\n";
    if (type.n >= 16 && strncasecmp(type.p, "application/grpc", 16) == 0)
        hint(h, MIXUP_GRPC);
    http1_reply(r, 415, "text/plain; charset=utf-8", slice_str(text));
}

/* The client did not wait; what was taken stays taken. */
static void on_gone(void *arg)
{
    struct otlp_call *c = arg;
    otlp_job_cancel(c->job);
    c->http->open--;
    free(c);
}

static void on_done(void *arg, const struct otlp_outcome *o)
{
    struct otlp_call *c = arg;
    struct http1_request *r = c->request;
    enum otlp_encoding encoding = c->encoding;
    struct buf body;
    c->http->open--;
    free(c);
    switch (o->verdict) {
    case OTLP_TAKEN:
        buf_init(&body, 4096);
        otlp_reply_export(&body, encoding, o->rejected, o->message);
        reply_body(r, encoding, 200, &body);
        break;
    case OTLP_RETRY:
        http1_add(r, "Retry-After", SLICE(RETRY_AFTER));
        reply_status(r, encoding, 503, RPC_UNAVAILABLE, o->message);
        break;
    case OTLP_MALFORMED:
        reply_status(r, encoding, 400, RPC_INVALID_ARGUMENT, o->message);
        break;
    case OTLP_TOO_LARGE:
        reply_status(r, encoding, 413, RPC_INVALID_ARGUMENT, o->message);
        break;
    }
}

static void reply_status(struct http1_request *r, enum otlp_encoding encoding,
                         int status, enum rpc_code code, const char *message)
{
    struct buf body;
    buf_init(&body, 4096);
    otlp_reply_status(&body, encoding, code, message,
                      status == 503 ? RETRY_AFTER_S : 0);
    reply_body(r, encoding, status, &body);
}

static void reply_body(struct http1_request *r, enum otlp_encoding encoding,
                       int status, struct buf *body)
{
    http1_reply(r, status, encoding == OTLP_JSON ? JSON : PROTOBUF,
                buf_slice(body));
    buf_fini(body);
}

/* Much is waiting: senders feel it before anything is refused. */
static void on_busy(void *arg)
{
    struct otlp_http *h = arg;
    for (size_t i = 0; i < h->n_servers; i++)
        http1_pause(h->servers[i], true);
}

/* A browser asks whether it may send (Fetch standard, CORS preflight). */
static void on_preflight(void *arg, struct http1_request *r)
{
    struct otlp_http *h = arg;
    struct slice wanted = http1_header(r, "access-control-request-headers");
    if (!allowed_origin(h, http1_header(r, "origin"))) {
        http1_reply(r, 403, "text/plain; charset=utf-8",
                    SLICE("This origin is not on the list of origins that may "
                          "send from a browser (CorsOrigins).\n"));
        return;
    }
    add_cors(h, r);
    http1_add(r, "Access-Control-Allow-Methods", SLICE("POST"));
    if (wanted.n > 0 && wanted.n <= PREFLIGHT_HEADERS_MAX)
        http1_add(r, "Access-Control-Allow-Headers", wanted);
    http1_add(r, "Access-Control-Max-Age", SLICE("7200"));
    http1_reply(r, 204, NULL, SLICE(""));
}

/* The list's entry for the origin, NULL if it has none. */
static const char *allowed_origin(const struct otlp_http *h,
                                  struct slice origin)
{
    for (size_t i = 0; origin.n > 0 && i < h->o.n_cors_origins; i++) {
        const char *entry = h->o.cors_origins[i];
        if (strcmp(entry, "*") == 0 || slice_is_nocase(origin, entry))
            return entry;
    }
    return NULL;
}

static void add_cors(struct otlp_http *h, struct http1_request *r)
{
    struct slice origin = http1_header(r, "origin");
    if (!allowed_origin(h, origin))
        return;
    http1_add(r, "Access-Control-Allow-Origin", origin);
    http1_add(r, "Vary", SLICE("Origin"));
}

static void on_metrics(void *arg, struct http1_request *r)
{
    hint(arg, MIXUP_METRICS);
    reply_other_signal(arg, r,
                       "metrics are not taken here, only traces are; set "
                       "OTEL_METRICS_EXPORTER=none or send them elsewhere");
}

static void on_logs(void *arg, struct http1_request *r)
{
    hint(arg, MIXUP_LOGS);
    reply_other_signal(arg, r,
                       "logs are not taken here, only traces are; set "
                       "OTEL_LOGS_EXPORTER=none or send them elsewhere");
}

static void reply_other_signal(struct otlp_http *h, struct http1_request *r,
                               const char *what)
{
    enum otlp_encoding encoding;
    add_cors(h, r);
    if (!find_encoding(r, &encoding))
        encoding = OTLP_JSON;
    reply_status(r, encoding, 404, RPC_UNIMPLEMENTED, what);
}

static void on_wrong_method(void *arg, struct http1_request *r)
{
    (void)arg;
    http1_add(r, "Allow", SLICE("POST, OPTIONS"));
    http1_reply(r, 405, "text/plain; charset=utf-8",
                SLICE("Spans are sent by POST.\n"));
}

static void on_elsewhere(void *arg, struct http1_request *r)
{
    struct slice type = media_type(r);
    if (type.n >= 16 && strncasecmp(type.p, "application/grpc", 16) == 0)
        hint(arg, MIXUP_GRPC);
    http1_reply(r, 404, "text/plain; charset=utf-8",
                SLICE("This is the OTLP/HTTP port of xray-relay: POST "
                      "/v1/traces.\n"));
}

static void on_stray(void *arg, struct slice first)
{
    hint(arg, slice_starts(first, "PRI") ? MIXUP_GRPC : MIXUP_TLS);
}

static void hint(struct otlp_http *h, enum mixup which)
{
    static const char *const texts[MIXUPS] = {
        [MIXUP_GRPC] = "OTLP/HTTP: a client speaks gRPC to this port; set its "
                       "endpoint to the gRPC port (4317 by default) or its "
                       "protocol to http/protobuf",
        [MIXUP_TLS] = "OTLP/HTTP: a client speaks TLS and this port does not, "
                      "or the other way round; check http:// or https:// in "
                      "its endpoint and the Tls options here",
        [MIXUP_METRICS] = "OTLP/HTTP: a client sends metrics, which are not "
                          "taken; OTEL_METRICS_EXPORTER=none stops it",
        [MIXUP_LOGS] = "OTLP/HTTP: a client sends logs, which are not taken; "
                       "OTEL_LOGS_EXPORTER=none stops it",
    };
    if (h->hinted[which])
        return;
    h->hinted[which] = true;
    log_warn("%s", texts[which]);
}
