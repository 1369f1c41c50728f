/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OTLP over gRPC: the unary call TraceService/Export, and the health service,
 * by the gRPC protocol over HTTP/2 (one length-prefixed message each way,
 * status in trailers). What is sent to the wrong place is told where to go.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "otlp_reply.h"
#include "otlp_take.h"
#include "xr/h2.h"
#include "xr/hash.h"
#include "xr/input.h"
#include "xr/log.h"
#include "xr/pb.h"

#define CONNECTIONS_MAX 1024
#define STREAMS_MAX 128
#define HELD_MAX ((size_t)64 << 20)
#define TIMEOUT_S 60
#define PREFIX 5 /* a flag and four bytes of length before each message */
#define RETRY_S 1
#define DEADLINE_MAX_MS ((int64_t)3600 * 1000)
#define HEALTH_MAX 1024 /* bytes of a request of the health service */
#define ENCODINGS "identity,gzip,deflate,zstd"
#define NOT_HTTP1                                                              \
    "This port speaks gRPC (HTTP/2). OTLP over HTTP/1 has a port of its own, " \
    "by default 4318."

#define SERVICES "/opentelemetry.proto.collector."
#define TRACE_SERVICE "opentelemetry.proto.collector.trace.v1.TraceService"

enum mixup { MIXUP_HTTP, MIXUP_TLS, MIXUP_METRICS, MIXUP_LOGS, MIXUPS };

struct otlp_grpc {
    struct loop *loop;
    struct h2 *server;
    struct otlp_taker *taker;
    size_t message_max;
    bool stopping;
    unsigned open; /* jobs that outlive their handler */
    bool paused, lambda;
    struct grpc_call *first, *last; /* waiting meanwhile */
    struct timer *resume;
    unsigned *hinted, hinted_here; /* bits of enum mixup */
};

/* One Export call that waits, or whose job goes on for more than a slice. */
struct grpc_call {
    struct otlp_grpc *grpc;
    struct h2_stream *stream;
    struct otlp_body body;
    struct otlp_job *job; /* NULL while it waits */
    struct grpc_call *next, *prev;
    struct timer *deadline;
};

static void on_call(void *arg, struct h2_stream *s);
static bool is_grpc(struct otlp_grpc *g, struct h2_stream *s);
static bool is_grpc_type(struct slice type);
static void on_export(struct otlp_grpc *g, struct h2_stream *s);
static bool unwrap(struct h2_stream *s, struct slice *message,
                   enum coding *coding);
static void call_keep(struct grpc_call *c);
static int64_t timeout_ms(struct slice text);
static void call_wait(struct grpc_call *c);
static void call_begin_next(struct otlp_grpc *g);
static void call_refuse(struct grpc_call *c);
static void call_unlink(struct grpc_call *c);
static void on_resume(void *arg);
static void call_give_up(struct grpc_call *c);
static void on_deadline(void *arg);
static void on_gone(void *arg);
static void on_done(void *arg, const struct otlp_outcome *o);
static void call_free(struct grpc_call *c);
static void on_health(struct otlp_grpc *g, struct h2_stream *s);
static void on_unknown(struct otlp_grpc *g, struct h2_stream *s);
static void reply_message(struct h2_stream *s, struct slice message);
static void reply_error(struct h2_stream *s, enum rpc_code code,
                        const char *text, unsigned retry_s);
static void on_busy(void *arg);
static void on_stray(void *arg, struct slice first);
static void hint(struct otlp_grpc *g, enum mixup which);

struct otlp_grpc *otlp_grpc_new(struct loop *l, struct pipeline *p,
                                struct translator *t,
                                const struct otlp_grpc_options *o,
                                struct err *err)
{
    struct otlp_grpc *g = calloc(1, sizeof(*g));
    if (!g)
        log_fatal("out of memory for OTLP over gRPC");
    g->loop = l;
    g->message_max = o->message_max;
    g->lambda = o->lambda;
    g->hinted = o->hinted ? o->hinted : &g->hinted_here;
    struct h2_options h = {.address = o->address,
                           .tls = o->tls,
                           .body_max = o->message_max + PREFIX,
                           .held_max = HELD_MAX,
                           .connections = CONNECTIONS_MAX,
                           .streams = STREAMS_MAX,
                           .timeout_s = TIMEOUT_S,
                           .not_http1 = NOT_HTTP1,
                           .fn = on_call,
                           .arg = g};
    struct otlp_taker_options k = {.intake = "otlp_grpc",
                                   .body_max = o->message_max,
                                   .never_retry = o->lambda,
                                   .on_busy = on_busy,
                                   .arg = g};
    g->server = h2_new(l, &h, err);
    if (!g->server) {
        free(g);
        return NULL;
    }
    g->taker = otlp_taker_new(l, p, t, &k);
    g->resume = timer_new(l, on_resume, g);
    h2_on_stray(g->server, on_stray, g);
    return g;
}

const char *otlp_grpc_bound(const struct otlp_grpc *g)
{
    return h2_bound(g->server);
}

void otlp_grpc_pause(struct otlp_grpc *g, bool pause)
{
    g->paused = pause;
    h2_pause(g->server, pause);
    /* Not at once: who calls is in the middle of what it does. */
    if (!pause && g->first)
        timer_start(g->resume, 0);
}

void otlp_grpc_stop(struct otlp_grpc *g)
{
    g->stopping = true;
    while (g->first && g->lambda)
        call_begin_next(g);
    while (g->first)
        call_refuse(g->first);
    h2_stop(g->server);
}

unsigned otlp_grpc_open_streams(const struct otlp_grpc *g)
{
    return h2_open_streams(g->server);
}

void otlp_grpc_free(struct otlp_grpc *g)
{
    if (!g)
        return;
    h2_free(g->server);
    assert(g->open == 0);
    timer_free(g->resume);
    otlp_taker_free(g->taker);
    free(g);
}

static void on_call(void *arg, struct h2_stream *s)
{
    struct otlp_grpc *g = arg;
    struct slice path = h2_path(s);
    if (!is_grpc(g, s))
        return;
    if (slice_is(path, "/" TRACE_SERVICE "/Export"))
        on_export(g, s);
    else if (slice_is(path, "/grpc.health.v1.Health/Check"))
        on_health(g, s);
    else
        on_unknown(g, s);
}

/* Answers what speaks HTTP/2 but not gRPC, in HTTP's own words. */
static bool is_grpc(struct otlp_grpc *g, struct h2_stream *s)
{
    bool post = slice_is(h2_method(s), "POST");
    if (post && is_grpc_type(h2_header(s, "content-type")))
        return true;
    struct h2_header plain = {SLICE("content-type"), SLICE("text/plain")};
    struct h2_answer a = {.status = post ? 415 : 405,
                          .headers = &plain,
                          .n_headers = 1,
                          .body = SLICE(NOT_HTTP1 "\n")};
    hint(g, MIXUP_HTTP);
    h2_reply(s, &a);
    return false;
}

/* With or without the word for protobuf and parameters, but neither another
 * encoding of messages nor gRPC-Web, which are other protocols. */
static bool is_grpc_type(struct slice type)
{
    const char *semicolon = memchr(type.p, ';', type.n);
    if (semicolon)
        type.n = (size_t)(semicolon - type.p);
    while (type.n > 0 && type.p[type.n - 1] == ' ')
        type.n--;
    return slice_is_nocase(type, "application/grpc") ||
           slice_is_nocase(type, "application/grpc+proto");
}

static void on_export(struct otlp_grpc *g, struct h2_stream *s)
{
    struct otlp_body body = {.encoding = OTLP_PROTOBUF};
    struct intake *in = otlp_taker_intake(g->taker);
    struct otlp_job *job;
    char text[128];
    if (h2_body_state(s) == H2_BODY_TOO_LARGE) {
        snprintf(text, sizeof(text), "the message is larger than %zu bytes",
                 g->message_max);
        otlp_taker_reject(g->taker, REJECT_TOO_LARGE, text);
        reply_error(s, RPC_RESOURCE_EXHAUSTED, text, 0);
        return;
    }
    if (h2_body_state(s) == H2_BODY_NO_ROOM) {
        ++*in->retry;
        reply_error(s, RPC_UNAVAILABLE, "too many messages at a time", RETRY_S);
        return;
    }
    if (!unwrap(s, &body.bytes, &body.coding)) {
        otlp_taker_reject(g->taker, REJECT_OTLP_MALFORMED,
                          "the message's frame or compression is not valid");
        return;
    }
    struct grpc_call *c = calloc(1, sizeof(*c));
    if (!c) {
        ++*in->retry;
        reply_error(s, RPC_UNAVAILABLE, "out of memory", RETRY_S);
        return;
    }
    *c = (struct grpc_call){.grpc = g, .stream = s, .body = body};
    g->open++;
    if (g->paused && !g->stopping) {
        call_wait(c);
        call_keep(c);
    } else if ((job = otlp_take(g->taker, &body, on_done, c)) != NULL) {
        c->job = job;
        call_keep(c);
    }
}

/* It goes on after its handler's return, but not for ever. */
static void call_keep(struct grpc_call *c)
{
    int64_t limit = timeout_ms(h2_header(c->stream, "grpc-timeout"));
    h2_on_gone(c->stream, on_gone, c);
    if (limit >= 0) {
        c->deadline = timer_new(c->grpc->loop, on_deadline, c);
        timer_start(c->deadline, limit);
    }
}

/* Takes the message out of its frame; answers and returns false when there is
 * not exactly one that can be read. */
static bool unwrap(struct h2_stream *s, struct slice *message,
                   enum coding *coding)
{
    struct slice body = h2_body(s);
    const unsigned char *p = (const unsigned char *)body.p;
    if (body.n < PREFIX) {
        reply_error(s, RPC_INTERNAL, "the call has no whole message", 0);
        return false;
    }
    uint32_t n = (uint32_t)p[1] << 24 | (uint32_t)p[2] << 16 |
                 (uint32_t)p[3] << 8 | p[4];
    if (p[0] > 1 || n != body.n - PREFIX) {
        reply_error(s, RPC_INTERNAL,
                    "the call is not one message of the length that it says",
                    0);
        return false;
    }
    *message = slice_of(body.p + PREFIX, n);
    *coding = CODING_IDENTITY;
    if (p[0] == 0)
        return true;
    *coding = coding_parse(h2_header(s, "grpc-encoding"));
    if (*coding == CODING_IDENTITY) {
        reply_error(s, RPC_INTERNAL,
                    "the message is marked as packed, grpc-encoding does not "
                    "say how",
                    0);
        return false;
    }
    if (*coding == CODING_UNKNOWN) {
        reply_error(s, RPC_UNIMPLEMENTED,
                    "this grpc-encoding is not known; gzip, deflate, zstd and "
                    "identity are",
                    0);
        return false;
    }
    return true;
}

/* Grpc-timeout: at most eight digits and a unit; -1 for none. */
static int64_t timeout_ms(struct slice text)
{
    int64_t n = 0;
    if (text.n < 2 || text.n > 9)
        return -1;
    for (size_t i = 0; i + 1 < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9')
            return -1;
        n = n * 10 + (text.p[i] - '0');
    }
    switch (text.p[text.n - 1]) {
    case 'H':
        n *= 3600 * 1000;
        break;
    case 'M':
        n *= 60 * 1000;
        break;
    case 'S':
        n *= 1000;
        break;
    case 'm':
        break;
    case 'u':
        n /= 1000;
        break;
    case 'n':
        n /= 1000 * 1000;
        break;
    default:
        return -1;
    }
    return n < DEADLINE_MAX_MS ? n : DEADLINE_MAX_MS;
}

static void call_wait(struct grpc_call *c)
{
    struct otlp_grpc *g = c->grpc;
    c->prev = g->last;
    if (g->last)
        g->last->next = c;
    else
        g->first = c;
    g->last = c;
}

/* Takes up the call that has waited longest. */
static void call_begin_next(struct otlp_grpc *g)
{
    struct grpc_call *c = g->first;
    call_unlink(c);
    struct otlp_job *job = otlp_take(g->taker, &c->body, on_done, c);
    if (job) /* else it is answered and gone */
        c->job = job;
}

/* At the end: so much waits for upload that these spans might be lost here,
 * while their sender can still send them to whoever comes next. */
static void call_refuse(struct grpc_call *c)
{
    struct h2_stream *s = c->stream;
    ++*otlp_taker_intake(c->grpc->taker)->retry;
    call_give_up(c);
    reply_error(s, RPC_UNAVAILABLE, "the relay ends; send the spans again",
                RETRY_S);
}

static void call_unlink(struct grpc_call *c)
{
    struct otlp_grpc *g = c->grpc;
    if (c->prev)
        c->prev->next = c->next;
    else
        g->first = c->next;
    if (c->next)
        c->next->prev = c->prev;
    else
        g->last = c->prev;
}

static void on_resume(void *arg)
{
    struct otlp_grpc *g = arg;
    while (g->first && !g->paused && !loop_turn_is_long(g->loop))
        call_begin_next(g);
    if (g->first && !g->paused)
        timer_start(g->resume, 0);
}

static void on_deadline(void *arg)
{
    struct grpc_call *c = arg;
    struct h2_stream *s = c->stream;
    call_give_up(c);
    reply_error(s, RPC_DEADLINE_EXCEEDED,
                "the deadline passed before all spans were taken", 0);
}

/* The client did not wait; what was taken stays taken. */
static void on_gone(void *arg)
{
    call_give_up(arg);
}

static void call_give_up(struct grpc_call *c)
{
    if (c->job)
        otlp_job_cancel(c->job);
    else
        call_unlink(c);
    call_free(c);
}

static void on_done(void *arg, const struct otlp_outcome *o)
{
    struct grpc_call *c = arg;
    struct h2_stream *s = c->stream;
    struct buf message;
    call_free(c);
    switch (o->verdict) {
    case OTLP_TAKEN:
        buf_init(&message, 4096);
        otlp_reply_export(&message, OTLP_PROTOBUF, o->rejected, o->message);
        reply_message(s, buf_slice(&message));
        buf_fini(&message);
        break;
    case OTLP_RETRY:
        reply_error(s, RPC_UNAVAILABLE, o->message, RETRY_S);
        break;
    case OTLP_MALFORMED:
        reply_error(s, RPC_INVALID_ARGUMENT, o->message, 0);
        break;
    case OTLP_TOO_LARGE:
        reply_error(s, RPC_RESOURCE_EXHAUSTED, o->message, 0);
        break;
    }
}

static void call_free(struct grpc_call *c)
{
    c->grpc->open--;
    timer_free(c->deadline);
    free(c);
}

/* grpc.health.v1: the server as a whole (empty name) and the trace service
 * are known. */
static void on_health(struct otlp_grpc *g, struct h2_stream *s)
{
    struct slice message, service = SLICE("");
    enum coding coding;
    struct pb r;
    struct pb_field f;
    int rc;
    if (h2_body_state(s) != H2_BODY_WHOLE ||
        h2_body(s).n > PREFIX + HEALTH_MAX) {
        reply_error(s, RPC_RESOURCE_EXHAUSTED, "the name is too long", 0);
        return;
    }
    if (!unwrap(s, &message, &coding))
        return;
    if (coding != CODING_IDENTITY) {
        reply_error(s, RPC_UNIMPLEMENTED,
                    "health checks are taken unpacked only", 0);
        return;
    }
    pb_init(&r, message);
    while ((rc = pb_next(&r, &f)) > 0)
        if (f.number == 1 && f.type == PB_BYTES)
            service = f.bytes;
    if (rc < 0)
        reply_error(s, RPC_INVALID_ARGUMENT, "malformed protobuf", 0);
    else if (service.n > 0 && !slice_is(service, TRACE_SERVICE))
        reply_error(s, RPC_NOT_FOUND, "no such service here", 0);
    else /* status: SERVING or NOT_SERVING */
        reply_message(s, g->stopping ? SLICE("\x08\x02") : SLICE("\x08\x01"));
}

static void on_unknown(struct otlp_grpc *g, struct h2_stream *s)
{
    struct slice path = h2_path(s);
    const char *text = "no such method here";
    if (slice_starts(path, SERVICES "metrics.")) {
        hint(g, MIXUP_METRICS);
        text = "metrics are not taken here, only traces are; set "
               "OTEL_METRICS_EXPORTER=none or send them elsewhere";
    } else if (slice_starts(path, SERVICES "logs.")) {
        hint(g, MIXUP_LOGS);
        text = "logs are not taken here, only traces are; set "
               "OTEL_LOGS_EXPORTER=none or send them elsewhere";
    }
    reply_error(s, RPC_UNIMPLEMENTED, text, 0);
}

static void reply_message(struct h2_stream *s, struct slice message)
{
    static const struct h2_header headers[] = {
        {SLICE("content-type"), SLICE("application/grpc+proto")},
        {SLICE("grpc-accept-encoding"), SLICE(ENCODINGS)},
    };
    static const struct h2_header trailers[] = {
        {SLICE("grpc-status"), SLICE("0")},
    };
    struct buf body;
    buf_init(&body, GRPC_MESSAGE_MAX);
    buf_byte(&body, 0);
    for (int shift = 24; shift >= 0; shift -= 8)
        buf_byte(&body, (char)(message.n >> shift));
    buf_append(&body, message);
    struct h2_answer a = {.status = 200,
                          .headers = headers,
                          .n_headers = 2,
                          .body = buf_slice(&body),
                          .trailers = trailers,
                          .n_trailers = 1};
    h2_reply(s, &a);
    buf_fini(&body);
}

/* An answer of headers only: status and all in one frame. */
static void reply_error(struct h2_stream *s, enum rpc_code code,
                        const char *text, unsigned retry_s)
{
    char number[12];
    struct buf message, details;
    snprintf(number, sizeof(number), "%d", (int)code);
    buf_init(&message, GRPC_MESSAGE_MAX);
    buf_init(&details, GRPC_MESSAGE_MAX);
    otlp_reply_grpc_message(&message, text);
    if (retry_s)
        otlp_reply_grpc_details(&details, code, text, retry_s);
    struct h2_header headers[] = {
        {SLICE("content-type"), SLICE("application/grpc+proto")},
        {SLICE("grpc-accept-encoding"), SLICE(ENCODINGS)},
        {SLICE("grpc-status"), slice_str(number)},
        {SLICE("grpc-message"), buf_slice(&message)},
        {SLICE("grpc-status-details-bin"), buf_slice(&details)},
    };
    struct h2_answer a = {
        .status = 200, .headers = headers, .n_headers = retry_s ? 5 : 4};
    h2_reply(s, &a);
    buf_fini(&message);
    buf_fini(&details);
}

/* Much is waiting: senders feel it before anything is refused. */
static void on_busy(void *arg)
{
    otlp_grpc_pause(arg, true);
}

static void on_stray(void *arg, struct slice first)
{
    hint(arg, first.p[0] == 0x16 ? MIXUP_TLS : MIXUP_HTTP);
}

static void hint(struct otlp_grpc *g, enum mixup which)
{
    static const char *const texts[MIXUPS] = {
        [MIXUP_HTTP] = "OTLP/gRPC: a client speaks plain HTTP to this port; "
                       "set its endpoint to the HTTP port (4318 by default) "
                       "or its protocol to grpc; on a port with TLS it may "
                       "also lack https://",
        [MIXUP_TLS] = "OTLP/gRPC: a client speaks TLS and this port does not; "
                      "check http:// or https:// in its endpoint and the Tls "
                      "options here",
        [MIXUP_METRICS] = "OTLP/gRPC: a client sends metrics, which are not "
                          "taken; OTEL_METRICS_EXPORTER=none stops it",
        [MIXUP_LOGS] = "OTLP/gRPC: a client sends logs, which are not taken; "
                       "OTEL_LOGS_EXPORTER=none stops it",
    };
    if (*g->hinted & 1u << which)
        return;
    *g->hinted |= 1u << which;
    log_warn("%s", texts[which]);
}
