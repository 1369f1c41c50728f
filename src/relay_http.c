/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server on TCP 2000 and who answers on it: segments, OTLP, the sampling
 * calls or local mode, health and metrics.
 */
#include <stdio.h>

#include "relay.h"
#include "xr/log.h"

#define TCP_RETRY_MS 10000
#define METRICS_MAX (1u << 20)
#define READY_MAX 2048
#define CONNECTIONS_MAX 1024
#define LOCAL_CONNECTIONS_MAX 256
#define HEADERS_MAX (16u << 10)
#define TIMEOUT_S 60
#define LOCAL_TIMEOUT_S 30
#define LOCAL_HEAD_S 10
#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

static bool open_tcp(struct relay *r, struct err *err);
static void on_tcp_retry(void *arg);
static void add_routes(struct relay *r);
static void on_healthz(void *arg, struct http1_request *q);
static void on_readyz(void *arg, struct http1_request *q);
static void on_metrics(void *arg, struct http1_request *q);

bool relay_listen_tcp(struct relay *r)
{
    struct err err;
    struct address a;
    struct proxy_options proxy = {
        .sign_anything = r->options->proxy_sign_anything,
        .timeout_ms = (unsigned)r->options->proxy_timeout_ms,
        .local = r->local,
    };
    r->proxy = proxy_new(r->loop, r->client, r->cred, r->stats, &proxy);
    if (r->region[0] != '\0')
        proxy_set_endpoint(r->proxy, r->region, r->endpoint);
    if (address_parse(r->options->tcp_address, SOCK_STREAM, &a, &err) != 0) {
        log_error("TCP %s: %s", r->options->tcp_address, err.text);
        return false;
    }
    r->tcp_retry = timer_new(r->loop, on_tcp_retry, r);
    if (open_tcp(r, &err))
        return true;
    log_error("TCP %s: %s%s", r->options->tcp_address, err.text,
              r->local ? ""
                       : "; sampling rules are not served, segments are "
                         "taken by UDP only; tried again each 10 s");
    if (r->local && strstr(err.text, "already in use") != NULL)
        relay_explain_taken(r->options->tcp_address, true);
    timer_start(r->tcp_retry, TCP_RETRY_MS);
    return !r->local;
}

static bool open_tcp(struct relay *r, struct err *err)
{
    struct http1_limits limits = {
        .body_max = (size_t)r->options->otlp_body_max_mb << 20,
        .headers_max = HEADERS_MAX,
        .connections =
            r->traces != NULL ? LOCAL_CONNECTIONS_MAX : CONNECTIONS_MAX,
        .timeout_s = r->traces != NULL ? LOCAL_TIMEOUT_S : TIMEOUT_S,
        .head_s = r->traces != NULL ? LOCAL_HEAD_S : 0,
    };
    r->tcp = http1_new(r->loop, r->options->tcp_address, &limits, NULL, err);
    if (r->tcp == NULL)
        return false;
    add_routes(r);
    log_info("Listening on TCP %s", http1_bound(r->tcp));
    return true;
}

static void on_tcp_retry(void *arg)
{
    struct relay *r = arg;
    struct err err;
    if (!open_tcp(r, &err))
        timer_start(r->tcp_retry, TCP_RETRY_MS);
}

static void add_routes(struct relay *r)
{
    const struct http1_route routes[] = {
        {"GET", "/healthz", on_healthz, r},
        {"GET", "/readyz", on_readyz, r},
        {"GET", "/metrics", on_metrics, r},
        {"POST", "*/TraceSegments", xray_tcp_handle, r->segments},
        {"POST", "/v1/traces", otlp_http_handle, r->otlp},
    };
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++)
        http1_route(r->tcp, routes[i]);
    http1_on_refused(r->tcp, otlp_http_refused, r->otlp);
    if (r->traces == NULL) {
        proxy_routes(r->proxy, r->tcp);
    } else {
        local_watch(r->traces, r->tcp, NULL, 0);
        local_routes(r->traces, r->tcp);
    }
}

static void on_healthz(void *arg, struct http1_request *q)
{
    (void)arg;
    http1_reply(q, 200, "text/plain", SLICE("xray-relay ok\n"));
}

/* Ready: segments that come in can go out. */
static void on_readyz(void *arg, struct http1_request *q)
{
    struct relay *r = arg;
    struct buf why;
    struct err err = {""};
    buf_init(&why, READY_MAX);
    if (r->state != RELAY_RUNNING)
        buf_str(&why, "shutting down\n");
    if (r->uploads && r->region[0] == '\0' && relay_needs_region(r))
        buf_str(&why, "no region is known\n");
    if (r->xray != NULL && !xray_healthy(r->xray, &err))
        buf_printf(&why, "%s\n", err.text);
    for (size_t i = 0; i < r->n_exporters; i++)
        if (!exporter_healthy(r->exporters[i].exporter, &err))
            buf_printf(&why, "%s\n", err.text);
    if (why.n == 0)
        http1_reply(q, 200, "text/plain", SLICE("ready\n"));
    else
        http1_reply(q, 503, "text/plain", buf_slice(&why));
    buf_fini(&why);
}

static void on_metrics(void *arg, struct http1_request *q)
{
    struct relay *r = arg;
    struct buf text;
    buf_init(&text, METRICS_MAX);
    stats_render(r->stats, &text);
    http1_reply(q, 200, METRICS_TYPE, buf_slice(&text));
    buf_fini(&text);
}
