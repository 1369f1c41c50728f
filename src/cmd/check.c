/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `xray-relay check`: sends one real segment through the whole path and says
 * line by line what works: listeners, region, endpoint, clock, credentials,
 * permission and round trip, each failure with its likely cause and mend.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "cmd.h"
#include "relay.h"
#include "xr/clock.h"
#include "xr/hash.h"
#include "xr/log.h"

#define STEP_MS 15000
#define SKEW_MAX_S 240 /* X-Ray refuses at five minutes */

struct check {
    struct relay relay;
    struct timer *limit;
    bool waiting, timed_out, failed;
    /* what the step under way has found */
    bool answered;
    struct err why;
    char date[64];
};

static bool make_parts(struct check *k, struct config *c);
static void check_listeners(struct check *k);
static void check_listener(struct check *k, const char *what,
                           const char *address, int type);
static bool check_region(struct check *k);
static bool check_endpoint(struct check *k);
static void check_clock(struct check *k);
static bool check_credentials(struct check *k);
static void check_round_trip(struct check *k);
static void check_exporter(struct check *k, struct relay_exporter *at);
static void make_request(struct buf *out);
static void make_document(char *out, size_t size);
static void wait_step(struct check *k);
static void step_done(struct check *k);
static void on_limit(void *arg);
static void on_place(void *arg, const struct place *place,
                     const struct err *err);
static void on_answer(void *arg, const struct client_answer *a);
static void on_cred(void *arg, struct cred *cred, const struct err *err);
static void on_drained(void *arg);
static void report(struct check *k, bool ok, const char *what, const char *fmt,
                   ...) __attribute__((format(printf, 4, 5)));

int cmd_check(struct config *c)
{
    struct check k;
    memset(&k, 0, sizeof(k));
    log_set_level(LOG_LEVEL_ERROR);
    if (!make_parts(&k, c))
        return 1;
    check_listeners(&k);
    if (k.relay.xray != NULL && check_region(&k) && check_endpoint(&k)) {
        check_clock(&k);
        if (check_credentials(&k))
            check_round_trip(&k);
    }
    for (size_t i = 0; i < k.relay.n_exporters; i++)
        check_exporter(&k, &k.relay.exporters[i]);
    puts(k.failed ? "Something is wrong: see the lines marked FAIL."
                  : "All is well: a segment went the whole way.");
    timer_free(k.limit);
    relay_fini_exporters(&k.relay);
    xray_free(k.relay.xray);
    cred_chain_free(k.relay.cred);
    client_free(k.relay.client);
    pipeline_free(k.relay.pipeline);
    stats_free(k.relay.stats);
    loop_free(k.relay.loop);
    config_free(c);
    return k.failed ? 1 : 0;
}

static bool make_parts(struct check *k, struct config *c)
{
    struct relay *r = &k->relay;
    struct err err;
    relay_init(r, c, RELAY_UPLOAD);
    r->loop = loop_new(&err);
    r->stats = stats_new();
    r->pipeline = pipeline_new(r->stats);
    k->limit = timer_new(r->loop, on_limit, k);
    if (!relay_make_client(r, &err) || !relay_make_upload(r, &err)) {
        report(k, false, "start", "%s", err.text);
        return false;
    }
    return true;
}

static void check_listeners(struct check *k)
{
    const struct options *o = k->relay.options;
    check_listener(k, "UDP", o->udp_address, SOCK_DGRAM);
    check_listener(k, "TCP", o->tcp_address, SOCK_STREAM);
    if (o->otlp_http)
        check_listener(k, "OTLP/HTTP", o->otlp_http_address, SOCK_STREAM);
    if (o->otlp_grpc)
        check_listener(k, "OTLP/gRPC", o->otlp_grpc_address, SOCK_STREAM);
}

static void check_listener(struct check *k, const char *what,
                           const char *address, int type)
{
    struct address a;
    struct err err;
    if (address_parse(address, type, &a, &err) != 0) {
        report(k, false, what, "%s", err.text);
        return;
    }
    int fd = address_bind(&a, type, &err);
    if (fd >= 0) {
        close(fd);
        report(k, true, what, "%s can be bound", address);
    } else {
        report(k, true, what,
               "%s is in use (by a relay that runs already? see "
               "`xray-relay healthcheck`): %s",
               address, err.text);
    }
}

static bool check_region(struct check *k)
{
    struct relay *r = &k->relay;
    const char *source = "instance metadata";
    if (!region_find_local(r->options->region, r->options->local_mode,
                           r->region, &source) &&
        !r->options->local_mode) {
        place_find(r->loop, r->client, on_place, k);
        wait_step(k);
    }
    if (r->region[0] == '\0') {
        report(k, false, "region",
               "none is known; give -n REGION, Region in "
               "cfg.yaml or AWS_REGION");
        return false;
    }
    report(k, true, "region", "%s, from %s", r->region, source);
    return true;
}

static bool check_endpoint(struct check *k)
{
    struct relay *r = &k->relay;
    struct err err;
    const char *wish = *r->options->endpoint ? r->options->endpoint : NULL;
    if (endpoint_resolve("xray", r->region, wish, r->endpoint, &err) != 0) {
        report(k, false, "endpoint", "%s", err.text);
        return false;
    }
    struct client_request q = {.method = "GET",
                               .url = r->endpoint,
                               .timeout_ms = STEP_MS,
                               .connect_timeout_ms = STEP_MS};
    if (client_start(r->client, &q, on_answer, k, &k->why) != NULL)
        wait_step(k);
    if (!k->answered)
        report(k, false, "endpoint",
               "%s does not answer: %s. Look at DNS, the route, the proxy "
               "(-p, HTTPS_PROXY) and the VPC endpoint",
               r->endpoint, k->why.text);
    else
        report(k, true, "endpoint", "%s answers", r->endpoint);
    return k->answered;
}

/* By the Date header of the endpoint's answer. */
static void check_clock(struct check *k)
{
    struct tm tm = {0};
    if (strptime(k->date, "%a, %d %b %Y %H:%M:%S GMT", &tm) == NULL) {
        report(k, true, "clock", "the endpoint tells no time");
        return;
    }
    int64_t off = clock_wall_ms() / 1000 - (int64_t)timegm(&tm);
    bool ok = off < SKEW_MAX_S && off > -SKEW_MAX_S;
    report(k, true, "clock", "%lld s %s the endpoint's%s",
           (long long)(off < 0 ? -off : off), off < 0 ? "behind" : "ahead of",
           ok ? "" : ": signatures are corrected by that; set the clock");
}

static bool check_credentials(struct check *k)
{
    struct relay *r = &k->relay;
    cred_set_region(r->cred, r->region);
    k->answered = false;
    cred_get(r->cred, on_cred, k);
    if (!k->answered && k->why.text[0] == '\0')
        wait_step(k);
    cred_cancel(r->cred, k);
    struct cred *c = cred_current(r->cred);
    if (c == NULL)
        report(k, false, "credentials", "none: %s",
               k->timed_out ? "no source has answered in time" : k->why.text);
    else
        report(k, true, "credentials", "%.*s, from %s",
               SLICE_ARG(c->access_key_id), c->source);
    return c != NULL;
}

static void check_round_trip(struct check *k)
{
    struct relay *r = &k->relay;
    struct sink *s = xray_sink(r->xray);
    struct segment seg;
    char document[512];
    make_document(document, sizeof(document));
    struct err err = {""};
    if (segment_scan(slice_str(document), &seg, &err) != 0)
        return;
    xray_set_endpoint(r->xray, r->region, r->endpoint);
    int64_t start = clock_mono_ms();
    pipeline_push(r->pipeline, &seg, WHEN_FULL_REFUSE, &err);
    xray_drain(r->xray, loop_now_ms(r->loop) + STEP_MS, on_drained, k);
    if (s->pending(s) > 0)
        wait_step(k);
    if (*s->delivered == 1) {
        report(k, true, "round trip", "trace %.*s stored after %lld ms",
               SLICE_ARG(seg.trace_id), (long long)(clock_mono_ms() - start));
        return;
    }
    err.text[0] = '\0';
    (void)xray_healthy(r->xray, &err);
    report(k, false, "round trip",
           "the segment was not stored: %s. The role needs xray:"
           "PutTraceSegments (policy AWSXRayDaemonWriteAccess)",
           err.text);
}

static void check_exporter(struct check *k, struct relay_exporter *at)
{
    struct relay *r = &k->relay;
    struct sink *s = exporter_sink(at->exporter);
    struct otlp_request q = {.json = true, .spans = 1};
    struct buf body;
    struct err err = {""};
    char region[64];
    const char *source;
    if (region_find_local(r->options->region, r->options->local_mode, region,
                          &source))
        relay_set_region(r, region);
    buf_init(&body, 1024);
    make_request(&body);
    q.body = buf_slice(&body);
    int64_t start = clock_mono_ms();
    s->push_otlp(s, &q, WHEN_FULL_REFUSE, &err);
    exporter_drain(at->exporter, loop_now_ms(r->loop) + STEP_MS, on_drained, k);
    if (s->pending(s) > 0)
        wait_step(k);
    buf_fini(&body);
    err.text[0] = '\0';
    exporter_failure(at->exporter, &err);
    if (*s->delivered == 1)
        report(k, true, s->name, "a span was taken after %lld ms",
               (long long)(clock_mono_ms() - start));
    else
        report(k, false, s->name, "a span was not taken: %s",
               err.text[0] ? err.text : "no answer in time");
}

static void make_request(struct buf *out)
{
    uint8_t random[24];
    char hex[2 * sizeof(random) + 1];
    long long now = (long long)clock_wall_ms();
    random_bytes(random, sizeof(random));
    hex_encode(random, sizeof(random), hex);
    buf_printf(out,
               "{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":"
               "\"service.name\",\"value\":{\"stringValue\":\"xray-relay "
               "check\"}}]},\"scopeSpans\":[{\"spans\":[{\"traceId\":"
               "\"%.32s\",\"spanId\":\"%s\",\"name\":\"xray-relay "
               "check\",\"kind\":1,\"startTimeUnixNano\":\"%lld000000\","
               "\"endTimeUnixNano\":\"%lld000000\"}]}]}]}",
               hex, hex + 32, now, now);
}

static void make_document(char *out, size_t size)
{
    uint8_t random[20];
    char hex[2 * sizeof(random) + 1];
    int64_t now = clock_wall_ms();
    random_bytes(random, sizeof(random));
    hex_encode(random, sizeof(random), hex);
    snprintf(out, size,
             "{\"name\":\"xray-relay check\",\"id\":\"%.16s\",\"trace_id\":"
             "\"1-%08llx-%s\",\"start_time\":%lld.%03d,\"end_time\":%lld.%03d}",
             hex, (unsigned long long)(now / 1000), hex + 16,
             (long long)(now / 1000), (int)(now % 1000),
             (long long)(now / 1000), (int)(now % 1000));
}

/* Lets the loop run until the step's call has come or the limit is over. */
static void wait_step(struct check *k)
{
    k->timed_out = false;
    k->waiting = true;
    timer_start(k->limit, STEP_MS);
    loop_run(k->relay.loop);
    timer_stop(k->limit);
}

/* A call may also come before anybody waits for it. */
static void step_done(struct check *k)
{
    if (k->waiting)
        loop_stop(k->relay.loop);
    k->waiting = false;
}

static void on_limit(void *arg)
{
    struct check *k = arg;
    k->timed_out = true;
    step_done(k);
}

static void on_place(void *arg, const struct place *place,
                     const struct err *err)
{
    struct check *k = arg;
    (void)err;
    if (place != NULL)
        snprintf(k->relay.region, sizeof(k->relay.region), "%s", place->region);
    step_done(k);
}

static void on_answer(void *arg, const struct client_answer *a)
{
    struct check *k = arg;
    struct slice date = client_answer_header(a, "Date");
    k->answered = a->outcome == CLIENT_ANSWERED;
    snprintf(k->date, sizeof(k->date), "%.*s", SLICE_ARG(date));
    if (!k->answered)
        err_set(&k->why, "%s", a->why);
    step_done(k);
}

static void on_cred(void *arg, struct cred *cred, const struct err *err)
{
    struct check *k = arg;
    k->answered = cred != NULL;
    if (cred == NULL)
        k->why = *err;
    step_done(k);
}

static void on_drained(void *arg)
{
    struct check *k = arg;
    step_done(k);
}

static void report(struct check *k, bool ok, const char *what, const char *fmt,
                   ...)
{
    va_list ap;
    printf("%-4s  %-12s ", ok ? "ok" : "FAIL", what);
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    putchar('\n');
    fflush(stdout);
    k->failed = k->failed || !ok;
}
