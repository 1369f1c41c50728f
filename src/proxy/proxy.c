/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sampling calls that SDKs make on TCP 2000: each is signed and passed on,
 * and its answer passed back as it came. When there is none (no credentials
 * or region yet, nobody there, a fault of the service) the SDK is told the
 * last good rules or an empty document, since SDKs handle a failing poll
 * badly. Everything but an allow-list is refused: whoever reaches the port
 * would otherwise act in AWS in this host's name. Knows nothing of spans.
 */
#include "xr/proxy.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "answers.h"
#include "forward.h"
#include "xr/clock.h"
#include "xr/http_date.h"
#include "xr/json_out.h"
#include "xr/log.h"

#define JSON "application/json"
#define CONNECT_TIMEOUT_MS 5000
#define ANSWER_MAX (16u << 20)
#define LOG_EVERY_MS 30000
#define SKEW_MS 240000 /* X-Ray refuses at five minutes */
#define BASE_MAX 512

/* What became of a request: label values. */
enum outcome {
    OUT_PASSED,
    OUT_KEPT,    /* answered from the last good answer */
    OUT_EMPTY,   /* answered with an empty document */
    OUT_LOCAL,   /* answered from built-in rules */
    OUT_REFUSED, /* not on the allow-list */
    OUT_FAILED,  /* signed anything: no answer to pass on */
    OUTCOMES,
};

/* What the routes of one operation hand over. */
struct proxy_route {
    struct proxy *proxy;
    enum operation op;
};

struct proxy {
    struct loop *loop;
    struct client *client;
    struct cred_chain *cred;
    struct proxy_options o;
    char base[BASE_MAX], region[64];
    struct proxy_route routes[OP_OTHER + 1];
    struct kept_answers kept;
    struct proxy_call *first;
    uint64_t *outcomes[OUTCOMES];
    int64_t skew_ms; /* how far the service's clock is ahead of ours */
    struct log_limit fail_limit, refuse_limit;
};

/* One request under way. */
struct proxy_call {
    struct proxy *proxy;
    struct proxy_call *next, *prev;
    struct http1_request *request;
    struct client_call *upstream; /* NULL: waiting for credentials */
    struct cred *cred;            /* those it was signed with */
    enum operation op;
    bool again; /* the second try, with fresh credentials */
};

static void on_operation(void *arg, struct http1_request *r);
static void on_other(void *arg, struct http1_request *r);
static void refuse(struct proxy *p, struct http1_request *r);
static void answer_local(struct proxy *p, enum operation op,
                         struct http1_request *r);
static void call_begin(struct proxy *p, enum operation op,
                       struct http1_request *r);
static void call_gone(void *arg);
static void call_signable(void *arg, struct cred *cred, const struct err *err);
static int call_send(struct proxy_call *c, struct cred *cred, struct err *err);
static void call_answered(void *arg, const struct client_answer *a);
static bool call_try_again(struct proxy_call *c, const struct client_answer *a);
static bool clock_was_off(struct proxy *p, const struct client_answer *a);
static void call_pass(struct proxy_call *c, const struct client_answer *a);
static void call_keep(struct proxy_call *c, const struct client_answer *a);
static bool kept_key(struct proxy_call *c, struct buf *out);
static void call_without_backend(struct proxy_call *c, const char *why);
static bool call_answer_kept(struct proxy_call *c);
static void call_free(struct proxy_call *c);
static void reply_message(struct http1_request *r, int status,
                          const char *text);

struct proxy *proxy_new(struct loop *l, struct client *client,
                        struct cred_chain *cred, struct stats *stats,
                        const struct proxy_options *o)
{
    static const char *const names[OUTCOMES] = {
        [OUT_PASSED] = "passed",   [OUT_KEPT] = "kept",
        [OUT_EMPTY] = "empty",     [OUT_LOCAL] = "local",
        [OUT_REFUSED] = "refused", [OUT_FAILED] = "failed"};
    struct proxy *p = calloc(1, sizeof(*p));
    if (!p)
        log_fatal("out of memory for the sampling proxy");
    *p = (struct proxy){.loop = l, .client = client, .cred = cred, .o = *o};
    for (int i = 0; i < OUTCOMES; i++) {
        char labels[64];
        snprintf(labels, sizeof(labels), "outcome=\"%s\"", names[i]);
        p->outcomes[i] = stats_counter(
            stats, "xray_relay_proxy_requests_total", labels,
            "Sampling calls on the TCP port, by what they were answered from.");
    }
    return p;
}

void proxy_free(struct proxy *p)
{
    if (!p)
        return;
    while (p->first) {
        http1_on_gone(p->first->request, NULL, NULL);
        call_free(p->first);
    }
    kept_answers_fini(&p->kept);
    free(p);
}

void proxy_set_endpoint(struct proxy *p, const char *region, const char *base)
{
    snprintf(p->region, sizeof(p->region), "%s", region);
    snprintf(p->base, sizeof(p->base), "%s", base);
}

void proxy_routes(struct proxy *p, struct http1 *server)
{
    static char patterns[OPERATIONS][64];
    for (int op = 0; op < OPERATIONS; op++) {
        snprintf(patterns[op], sizeof(patterns[op]), "*%s",
                 operation_path((enum operation)op));
        p->routes[op] = (struct proxy_route){p, (enum operation)op};
        http1_route(server, (struct http1_route){"POST", patterns[op],
                                                 on_operation, &p->routes[op]});
    }
    p->routes[OP_OTHER] = (struct proxy_route){p, OP_OTHER};
    http1_route(server,
                (struct http1_route){"*", "*", on_other, &p->routes[OP_OTHER]});
}

static void on_operation(void *arg, struct http1_request *r)
{
    struct proxy_route *route = arg;
    log_debug("Received request on HTTP Proxy server : %s",
              operation_path(route->op));
    if (route->proxy->o.local)
        answer_local(route->proxy, route->op, r);
    else
        call_begin(route->proxy, route->op, r);
}

static void on_other(void *arg, struct http1_request *r)
{
    struct proxy_route *route = arg;
    if (route->proxy->o.sign_anything && !route->proxy->o.local)
        call_begin(route->proxy, OP_OTHER, r);
    else
        refuse(route->proxy, r);
}

static void refuse(struct proxy *p, struct http1_request *r)
{
    char text[512];
    uint64_t held;
    struct slice method = http1_method(r), path = http1_path(r);
    path.n = path.n < 128 ? path.n : 128;
    snprintf(text, sizeof(text),
             "%.*s %.*s is not passed on: only POST of GetSamplingRules, "
             "SamplingTargets, SamplingStatisticSummaries, TelemetryRecords "
             "and TraceSegments is. To have any request signed, as the X-Ray "
             "daemon does, set SignAnything: true in section Proxy",
             SLICE_ARG(method), SLICE_ARG(path));
    ++*p->outcomes[OUT_REFUSED];
    if (log_limit_pass(&p->refuse_limit, loop_now_ms(p->loop), LOG_EVERY_MS,
                       &held))
        log_warn("TCP: %s; it came from %s (%llu more before)", text,
                 http1_peer(r), (unsigned long long)held);
    reply_message(r, 403, text);
}

static void answer_local(struct proxy *p, enum operation op,
                         struct http1_request *r)
{
    struct buf out;
    struct err err;
    buf_init(&out, ANSWER_MAX);
    ++*p->outcomes[OUT_LOCAL];
    if (operation_local(op, http1_body(r), clock_wall_ms() / 1000, &out, &err) <
        0)
        reply_message(r, 400, err.text);
    else
        http1_reply(r, 200, JSON, buf_slice(&out));
    buf_fini(&out);
}

static void call_begin(struct proxy *p, enum operation op,
                       struct http1_request *r)
{
    struct proxy_call *c = calloc(1, sizeof(*c));
    if (!c) {
        reply_message(r, 503, "out of memory");
        return;
    }
    *c = (struct proxy_call){
        .proxy = p, .request = r, .op = op, .next = p->first};
    if (c->next)
        c->next->prev = c;
    p->first = c;
    http1_on_gone(r, call_gone, c);
    if (!p->base[0])
        call_without_backend(c, "the AWS region is not known yet");
    else
        cred_get(p->cred, call_signable, c);
}

/* The client did not wait. */
static void call_gone(void *arg)
{
    call_free(arg);
}

static void call_signable(void *arg, struct cred *cred, const struct err *err)
{
    struct proxy_call *c = arg;
    struct err why;
    if (!cred)
        call_without_backend(c, err ? err->text : "no AWS credentials");
    else if (call_send(c, cred, &why) < 0)
        call_without_backend(c, why.text);
}

static int call_send(struct proxy_call *c, struct cred *cred, struct err *err)
{
    struct proxy *p = c->proxy;
    struct forward f;
    struct forward_to to = {.base = slice_str(p->base),
                            .region = slice_str(p->region),
                            .cred = cred,
                            .now_s = (clock_wall_ms() + p->skew_ms) / 1000};
    const char *path = c->op == OP_OTHER ? NULL : operation_path(c->op);
    cred_unref(c->cred);
    c->cred = cred_ref(cred);
    forward_init(&f);
    int rc = forward_build(&f, c->request, path, &to, err);
    if (rc == 0) {
        struct client_request q = {
            .method = f.method,
            .url = f.url,
            .headers = f.headers,
            .n_headers = f.n,
            .body = http1_body(c->request),
            .timeout_ms = p->o.timeout_ms,
            .connect_timeout_ms = CONNECT_TIMEOUT_MS,
            .answer_max = ANSWER_MAX,
        };
        c->upstream = client_start(p->client, &q, call_answered, c, err);
        rc = c->upstream ? 0 : -1;
    }
    forward_fini(&f);
    return rc;
}

static void call_answered(void *arg, const struct client_answer *a)
{
    struct proxy_call *c = arg;
    char why[160];
    c->upstream = NULL;
    bool throttled = a->status == 429;
    if (a->outcome == CLIENT_ANSWERED && a->status < 500 && !throttled) {
        if (!call_try_again(c, a))
            call_pass(c, a);
        return;
    }
    if (a->outcome == CLIENT_ANSWERED && c->op == OP_OTHER) {
        call_pass(c, a);
        return;
    }
    if (a->outcome == CLIENT_ANSWERED)
        snprintf(why, sizeof(why), "X-Ray answered %d", a->status);
    call_without_backend(c, a->outcome == CLIENT_ANSWERED ? why : a->why);
}

/* Keys that the service no longer takes are fetched anew, once; where it is
 * the clock that is wrong, the request is dated by theirs. */
static bool call_try_again(struct proxy_call *c, const struct client_answer *a)
{
    static const char *const codes[] = {"ExpiredToken", "UnrecognizedClient",
                                        "InvalidClientTokenId",
                                        "InvalidSignature", "security token"};
    if (c->again || (a->status != 403 && a->status != 400))
        return false;
    if (clock_was_off(c->proxy, a)) {
        c->again = true;
        cred_get(c->proxy->cred, call_signable, c);
        return true;
    }
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        size_t n = strlen(codes[i]);
        if (!memmem(a->body.p, a->body.n, codes[i], n) &&
            !memmem(a->raw_headers.p, a->raw_headers.n, codes[i], n))
            continue;
        c->again = true;
        cred_invalidate(c->proxy->cred, c->cred);
        cred_get(c->proxy->cred, call_signable, c);
        return true;
    }
    return false;
}

static bool clock_was_off(struct proxy *p, const struct client_answer *a)
{
    int64_t theirs, now = clock_wall_ms();
    if (!http_date_parse(client_answer_header(a, "Date"), &theirs))
        return false;
    int64_t off = theirs - (now + p->skew_ms);
    if (off > -SKEW_MS && off < SKEW_MS)
        return false;
    p->skew_ms = theirs - now;
    return true;
}

static void call_pass(struct proxy_call *c, const struct client_answer *a)
{
    struct http1_request *r = c->request;
    if (a->status == 200)
        call_keep(c, a);
    ++*c->proxy->outcomes[OUT_PASSED];
    forward_answer_headers(r, a);
    call_free(c);
    http1_reply(r, a->status, NULL, a->body);
}

static void call_keep(struct proxy_call *c, const struct client_answer *a)
{
    struct buf key;
    buf_init(&key, KEPT_ANSWER_MAX);
    if (kept_key(c, &key))
        kept_answers_put(&c->proxy->kept, buf_slice(&key), a->body,
                         client_answer_header(a, "content-type"),
                         client_answer_header(a, "content-encoding"));
    buf_fini(&key);
}

/* Rules may be told again; targets count what was sampled since, and must
 * not. The body tells pages apart, the encoding who can read the answer. */
static bool kept_key(struct proxy_call *c, struct buf *out)
{
    if (c->op != OP_SAMPLING_RULES)
        return false;
    buf_append(out, http1_header(c->request, "accept-encoding"));
    buf_byte(out, '\n');
    buf_append(out, http1_body(c->request));
    return !out->failed;
}

static void call_without_backend(struct proxy_call *c, const char *why)
{
    struct proxy *p = c->proxy;
    struct http1_request *r = c->request;
    uint64_t held;
    if (log_limit_pass(&p->fail_limit, loop_now_ms(p->loop), LOG_EVERY_MS,
                       &held))
        log_warn("TCP: %s could not be passed on to X-Ray: %s (%llu more "
                 "before)",
                 c->op == OP_OTHER ? "a request" : operation_path(c->op) + 1,
                 why, (unsigned long long)held);
    if (call_answer_kept(c))
        return;
    enum operation op = c->op;
    ++*p->outcomes[op == OP_OTHER ? OUT_FAILED : OUT_EMPTY];
    if (op == OP_OTHER)
        reply_message(r, 502, why);
    else
        http1_reply(r, 200, JSON, slice_str(operation_empty(op)));
    call_free(c);
}

static bool call_answer_kept(struct proxy_call *c)
{
    struct buf key;
    buf_init(&key, KEPT_ANSWER_MAX);
    const struct kept_answer *kept =
        kept_key(c, &key) ? kept_answers_get(&c->proxy->kept, buf_slice(&key))
                          : NULL;
    buf_fini(&key);
    if (!kept)
        return false;
    ++*c->proxy->outcomes[OUT_KEPT];
    struct http1_request *r = c->request;
    call_free(c);
    if (kept->encoding[0])
        http1_add(r, "Content-Encoding", slice_str(kept->encoding));
    http1_reply(r, 200, kept->type[0] ? kept->type : JSON,
                slice_of(kept->body, kept->body_n));
    return true;
}

static void call_free(struct proxy_call *c)
{
    struct proxy *p = c->proxy;
    if (c->upstream)
        client_cancel(c->upstream);
    else
        cred_cancel(p->cred, c);
    if (c->prev)
        c->prev->next = c->next;
    else
        p->first = c->next;
    if (c->next)
        c->next->prev = c->prev;
    cred_unref(c->cred);
    free(c);
}

static void reply_message(struct http1_request *r, int status, const char *text)
{
    struct buf out;
    struct jw j;
    buf_init(&out, 4096);
    jw_init(&j, &out);
    jw_object(&j);
    jw_key(&j, SLICE("Message"));
    jw_string(&j, slice_str(text));
    jw_object_end(&j);
    http1_reply(r, status, JSON, buf_slice(&out));
    buf_fini(&out);
}
