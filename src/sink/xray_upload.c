/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is sent when, and what comes of it. Batches that have failed wait for
 * their own time; when several uploads in a row have failed, a single one
 * goes on trying and the rest wait for its success, after which the number
 * doubles with each success. Credentials are asked for before each round, and
 * without them, or without a region, batches simply wait.
 */
#include "xray_parts.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "xr/clock.h"
#include "xr/http_date.h"

#define NO_CREDENTIALS_MS 1000 /* between questions for credentials */
#define CONNECT_TIMEOUT_MS 5000
#define SKEW_SURE_MS 30000   /* worth correcting if the code names the clock */
#define SKEW_MAYBE_MS 240000 /* if the signature may be wrong otherwise too */
#define ANSWER_MAX (4 << 20)

static void on_credentials(void *arg, struct cred *cred, const struct err *err);
static struct batch *next_due(struct xray *x);
static bool probing(const struct xray *x);
static void set_retry_timer(struct xray *x);
static void send(struct xray *x, struct batch *b, struct cred *cred);
static void on_answer(void *arg, const struct client_answer *a);
static void on_good_answer(struct upload *u, const struct client_answer *a);
static void on_failure(struct upload *u, enum retry_class class,
                       const struct client_answer *a,
                       const struct xray_error *e);
static bool mend_at_once(struct upload *u, enum retry_class class,
                         const struct client_answer *a,
                         const struct xray_error *e);
static bool correct_clock(struct upload *u, const struct client_answer *a,
                          const struct xray_error *e);
static bool renew_credentials(struct upload *u);
static int64_t wait_of(struct xray *x, const struct batch *b,
                       enum retry_class class, const struct client_answer *a);
static void alive(struct xray *x);
static void log_failure(struct xray *x, const struct batch *b,
                        enum retry_class class, const struct client_answer *a,
                        const struct xray_error *e);
static void describe(struct err *out, const struct client_answer *a,
                     const struct xray_error *e);
static const char *advice(enum retry_class class,
                          const struct client_answer *a);

void xray_pump(struct xray *x)
{
    if (x->asking || x->held || !x->endpoint.known)
        return;
    if (x->lists[BATCH_INFLIGHT].n >= x->limit || !next_due(x)) {
        set_retry_timer(x);
        return;
    }
    x->asking = true;
    cred_get(x->cred, on_credentials, x);
}

static void on_credentials(void *arg, struct cred *cred, const struct err *err)
{
    struct xray *x = arg;
    struct batch *b;
    uint64_t missed;
    x->asking = false;
    x->no_cred = !cred;
    if (!cred) {
        x->why = err ? *err : (struct err){"no credentials could be found"};
        if (log_limit_pass(&x->cred_limit, loop_now_ms(x->loop),
                           3 * XRAY_LOG_EVERY_MS, &missed))
            log_error("No credentials, so segments wait in the buffer: %s",
                      x->why.text);
        timer_start(x->retry_timer, NO_CREDENTIALS_MS);
        xray_tell_change(x);
        return;
    }
    while (!x->held && x->lists[BATCH_INFLIGHT].n < x->limit &&
           (b = next_due(x)))
        send(x, b, cred);
    set_retry_timer(x);
}

/* The batch to send now: the oldest one whose wait is over, else the first
 * that is ready. While probing, what has failed already tries on, whatever
 * its own wait: the probe's wait stands for all. */
static struct batch *next_due(struct xray *x)
{
    int64_t now = loop_now_ms(x->loop);
    struct batch *best = NULL, *b = x->lists[BATCH_BACKOFF].first;
    if (probing(x) && now < x->probe_ms)
        return NULL;
    for (; b; b = b->next) {
        if ((b->due_ms <= now || probing(x)) &&
            (!best || b->first_ms < best->first_ms))
            best = b;
    }
    return best ? best : x->lists[BATCH_READY].first;
}

static bool probing(const struct xray *x)
{
    return x->failures >= XRAY_PROBE_AFTER && x->failures >= x->o.concurrency;
}

static void set_retry_timer(struct xray *x)
{
    int64_t now = loop_now_ms(x->loop), due = INT64_MAX;
    const struct batch *b = x->lists[BATCH_BACKOFF].first;
    bool waiting = b || x->lists[BATCH_READY].first;
    if (!waiting || x->lists[BATCH_INFLIGHT].n >= x->limit)
        return; /* a new batch or the next answer goes on */
    for (; b; b = b->next) {
        if (b->due_ms < due)
            due = b->due_ms;
    }
    if (probing(x))
        due = x->probe_ms;
    if (due != INT64_MAX)
        timer_start(x->retry_timer, due > now ? due - now : 0);
}

static void send(struct xray *x, struct batch *b, struct cred *cred)
{
    struct upload *u = xray_upload_of(x, b);
    struct err err = {0};
    cred_unref(u->cred);
    u->cred = cred_ref(cred);
    if (b->attempts++ > 0)
        ++*x->n.retries;
    batch_set_state(b, BATCH_INFLIGHT, &x->lists[BATCH_INFLIGHT]);
    struct xray_request r;
    xray_request_init(&r);
    xray_request_sign(&r, x,
                      &(struct xray_call){.operation = "/TraceSegments",
                                          .id = u->id,
                                          .attempt = b->attempts,
                                          .cred = cred,
                                          .body = buf_slice(&b->body),
                                          .sha256 = b->sha256});
    unsigned timeout = x->o.request_timeout_ms;
    struct client_request q = {
        .method = "POST",
        .url = r.url,
        .headers = r.headers,
        .n_headers = r.n_headers,
        .body = buf_slice(&b->body),
        .timeout_ms = timeout,
        .connect_timeout_ms =
            timeout < CONNECT_TIMEOUT_MS ? timeout : CONNECT_TIMEOUT_MS,
        .answer_max = ANSWER_MAX,
    };
    u->call = client_start(x->client, &q, on_answer, u, &err);
    xray_request_fini(&r);
    if (!u->call) {
        struct client_answer a = {.outcome = CLIENT_OTHER, .why = err.text};
        on_failure(u, RETRY_AGAIN, &a, &(struct xray_error){0});
    }
}

static void on_answer(void *arg, const struct client_answer *a)
{
    struct upload *u = arg;
    struct xray *x = u->x;
    struct xray_error e = {0};
    u->call = NULL;
    xray_count_answer(x, a);
    if (a->outcome == CLIENT_ANSWERED && a->status >= 300)
        xray_read_error(a, &e);
    enum retry_class class =
        retry_classify(a->outcome, a->status, slice_str(e.code));
    if (class == RETRY_OK) {
        on_good_answer(u, a);
    } else if (class == RETRY_REFUSED) {
        alive(x);
        xray_refuse(x, u, &e);
    } else {
        on_failure(u, class, a, &e);
    }
    xray_settled(x);
    xray_pump(x);
}

static void on_good_answer(struct upload *u, const struct client_answer *a)
{
    struct xray *x = u->x;
    struct batch *b = u->batch;
    unsigned n = b->n;
    if (!xray_settle(x, u, a)) {
        struct client_answer bad = *a;
        bad.why = "the answer is no JSON; does a proxy or a login page "
                  "stand between?";
        ++*x->n.not_json;
        on_failure(u, RETRY_AGAIN, &bad, &(struct xray_error){0});
        return;
    }
    alive(x);
    log_info("Successfully sent batch of %u segments (%" PRId64
             ".%03d seconds)",
             n, a->took_ms / 1000, (int)(a->took_ms % 1000));
}

static void on_failure(struct upload *u, enum retry_class class,
                       const struct client_answer *a,
                       const struct xray_error *e)
{
    struct xray *x = u->x;
    struct batch *b = u->batch;
    if (mend_at_once(u, class, a, e)) {
        xray_again(x, b, 0);
        return;
    }
    int64_t wait = wait_of(x, b, class, a);
    log_failure(x, b, class, a, e);
    xray_failed(x, wait);
    /* The next attempt may mend again. */
    u->refreshed = u->skewed = false;
    xray_again(x, b, wait);
}

/* Whether the cause has been removed, so that the batch can go right away. A
 * wrong signature can come of the clock, or of keys changed meanwhile. */
static bool mend_at_once(struct upload *u, enum retry_class class,
                         const struct client_answer *a,
                         const struct xray_error *e)
{
    if (class == RETRY_SKEW && correct_clock(u, a, e))
        return true;
    if (class == RETRY_SKEW || class == RETRY_CREDENTIALS)
        return renew_credentials(u);
    return false;
}

static bool correct_clock(struct upload *u, const struct client_answer *a,
                          const struct xray_error *e)
{
    struct xray *x = u->x;
    int64_t date, now = clock_wall_ms();
    if (u->skewed || !http_date_parse(client_answer_header(a, "Date"), &date))
        return false;
    int64_t off = date - (now + x->skew_ms);
    bool sure = strncmp(e->code, "Request", 7) == 0;
    if (llabs(off) < (sure ? SKEW_SURE_MS : SKEW_MAYBE_MS))
        return false;
    u->skewed = true;
    x->skew_ms = date - now;
    log_warn("The clock of this machine is %" PRId64 " s %s that of X-Ray; "
             "requests are dated accordingly. Set the clock (NTP)",
             (int64_t)llabs(x->skew_ms) / 1000,
             x->skew_ms > 0 ? "behind" : "ahead of");
    return true;
}

static bool renew_credentials(struct upload *u)
{
    if (u->refreshed)
        return false;
    u->refreshed = true;
    cred_invalidate(u->x->cred, u->cred);
    return true;
}

static int64_t wait_of(struct xray *x, const struct batch *b,
                       enum retry_class class, const struct client_answer *a)
{
    bool mend_by_hand = class == RETRY_DENIED || class == RETRY_CREDENTIALS ||
                        class == RETRY_SKEW;
    int64_t backoff =
        mend_by_hand
            ? retry_denied_ms(b->attempts, xray_random())
            : retry_backoff_ms(b->attempts, x->o.backoff_max_ms, xray_random());
    return retry_wait_ms(backoff, a, clock_wall_ms() + x->skew_ms,
                         x->drain.begun);
}

/* X-Ray took or refused a request: it is there. */
static void alive(struct xray *x)
{
    if (probing(x)) {
        struct batch *b = x->lists[BATCH_BACKOFF].first;
        for (; b; b = b->next)
            b->due_ms = 0;
        log_info("X-Ray can be reached again; %" PRIu64 " segments wait",
                 x->sink.pending(&x->sink));
    }
    x->failures = 0;
    x->probe_ms = 0;
    if (x->limit < x->o.concurrency)
        x->limit =
            2 * x->limit < x->o.concurrency ? 2 * x->limit : x->o.concurrency;
}

void xray_failed(struct xray *x, int64_t wait_ms)
{
    if (x->failures < UINT32_MAX)
        x->failures++;
    if (!probing(x))
        return;
    x->limit = 1;
    x->probe_ms = loop_now_ms(x->loop) + wait_ms;
}

void xray_again(struct xray *x, struct batch *b, int64_t wait_ms)
{
    b->due_ms = loop_now_ms(x->loop) + wait_ms;
    batch_set_state(b, BATCH_BACKOFF, &x->lists[BATCH_BACKOFF]);
}

struct upload *xray_upload_of(struct xray *x, struct batch *b)
{
    struct upload *u = b->owner;
    if (u)
        return u;
    u = x->uploads;
    if (u)
        x->uploads = u->next;
    else if (!(u = malloc(sizeof(*u))))
        log_fatal("out of memory for an upload");
    *u = (struct upload){.x = x, .batch = b};
    xray_make_uuid(x, u->id);
    b->owner = u;
    return u;
}

void xray_release_upload(struct xray *x, struct batch *b)
{
    struct upload *u = b->owner;
    if (!u)
        return;
    if (u->call)
        client_cancel(u->call);
    cred_unref(u->cred);
    b->owner = NULL;
    u->next = x->uploads;
    x->uploads = u;
}

uint32_t xray_random(void)
{
    uint32_t r;
    random_bytes(&r, sizeof(r));
    return r;
}

static void log_failure(struct xray *x, const struct batch *b,
                        enum retry_class class, const struct client_answer *a,
                        const struct xray_error *e)
{
    uint64_t missed;
    describe(&x->why, a, e);
    /* A new cause is told soon, an old one now and then. */
    bool new = strcmp(x->why.text, x->logged.text) != 0;
    if (!log_limit_pass(&x->failure_limit, loop_now_ms(x->loop),
                        new ? XRAY_LOG_NEW_MS : XRAY_LOG_EVERY_MS, &missed))
        return;
    x->logged = x->why;
    char more[48] = "";
    if (missed)
        snprintf(more, sizeof(more), " (%" PRIu64 " more such failures)",
                 missed);
    log_error("Sending a batch of %u segments failed (attempt %u): %s%s. It "
              "will be sent again; %" PRIu64 " segments wait%s",
              b->n, b->attempts, x->why.text, more, x->sink.pending(&x->sink),
              advice(class, a));
}

static void describe(struct err *out, const struct client_answer *a,
                     const struct xray_error *e)
{
    if (a->why) {
        err_set(out, "%s", a->why);
    } else if (a->status >= 300 && a->status < 400) {
        struct slice to = client_answer_header(a, "Location");
        err_set(out, "HTTP status %d redirects to %.*s, which is not followed",
                a->status, (int)(to.n < 200 ? to.n : 200), to.p);
    } else {
        err_set(out, "HTTP status %d%s%s%s%s", a->status, e->code[0] ? " " : "",
                e->code, e->message[0] ? ": " : "", e->message);
    }
}

static const char *advice(enum retry_class class, const struct client_answer *a)
{
    if (a->outcome == CLIENT_TLS)
        return ". Is the endpoint's certificate signed by a private CA "
               "(AWS_CA_BUNDLE), or the clock wrong?";
    if (a->outcome == CLIENT_UNKNOWN_HOST)
        return ". Check the region, the Endpoint setting and DNS";
    if (a->outcome == CLIENT_REFUSED || a->outcome == CLIENT_TIMEOUT)
        return ". Is there a route to X-Ray (NAT, VPC endpoint, proxy)?";
    if (a->status == 407 || (a->why && strstr(a->why, "code 407")))
        return ". The proxy wants a user and password in its URL";
    if ((a->status >= 300 && a->status < 400) || a->status == 404)
        return ". Check the Endpoint setting";
    if (class == RETRY_CREDENTIALS || class == RETRY_SKEW)
        return ". Check the credentials in use";
    if (class == RETRY_DENIED)
        return ". Does the role allow xray:PutTraceSegments (policy "
               "AWSXRayDaemonWriteAccess)?";
    return "";
}
