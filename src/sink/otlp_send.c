/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is sent when, and what comes of it, by the rules of OTLP/HTTP: 429, 502,
 * 503, 504 and failures on the way are tried again, after the time that the
 * backend asks for; any other status but a good one settles the request. A
 * backend that fails does so for all, so that all wait after a failure and then
 * one request at a time tries.
 */
#include "otlp_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "xr/clock.h"
#include "xr/http_date.h"

#define CONNECT_TIMEOUT_MS 5000
#define NO_CREDENTIALS_MS 1000
#define PACK_STEP ((size_t)128 << 10)
#define ANSWER_MAX (1u << 20)
/* A process that pays for each wait asks a backend out of reach so rarely. */
#define FREEZING_FAILURES 3
#define FREEZING_WAIT_MS 30000
#define SKEW_MS 60000 /* worth correcting */

static bool can_send(struct exporter *x);
static bool filling_due(const struct exporter *x);
static void set_timers(struct exporter *x);
static void on_credentials(void *arg, struct cred *cred, const struct err *err);
static void begin(struct exporter *x, struct cred *cred);
static void on_pack_timer(void *arg);
static void transmit(struct package *p);
static void on_answer(void *arg, const struct client_answer *a);
static void on_good(struct package *p, const struct client_answer *a,
                    const struct otlp_said *said);
static void on_failure(struct package *p, const struct client_answer *a,
                       const struct otlp_said *said);
static bool is_worth_it(const struct exporter *x,
                        const struct client_answer *a);
static bool mend_signature(struct package *p, const struct client_answer *a);
static int64_t wait_of(struct exporter *x, const struct client_answer *a);
static void give_up(struct package *p);
static void refuse(struct package *p);
static void settle(struct package *p);
static void describe(struct exporter *x, const struct client_answer *a,
                     const struct otlp_said *said);
static void log_failure(struct exporter *x, const struct package *p);
static uint32_t random_number(void);

void exporter_send_init(struct exporter *x)
{
    x->pack_timer = timer_new(x->loop, on_pack_timer, x);
}

void exporter_pump(struct exporter *x)
{
    if (x->pumping)
        return;
    x->pumping = true;
    while (can_send(x)) {
        if (!x->o.service) {
            begin(x, NULL);
            continue;
        }
        x->asking = true;
        cred_get(x->cred, on_credentials, x);
    }
    x->pumping = false;
    set_timers(x);
}

static bool can_send(struct exporter *x)
{
    unsigned limit = x->failures > 0 ? 1 : x->o.concurrency;
    if (x->held || x->asking || x->packing || x->sending.n >= limit ||
        loop_now_ms(x->loop) < x->resume_ms)
        return false;
    if (x->o.service && x->region[0] == '\0')
        return false;
    /* What comes while others are on the wire waits with its like. */
    if (!x->ready.first && filling_due(x))
        exporter_seal(x);
    return x->ready.first != NULL;
}

static bool filling_due(const struct exporter *x)
{
    const struct package *p = x->filling;
    if (!p || (x->o.freezes && !x->drain.begun))
        return false;
    return x->drain.begun ||
           (!timer_running(x->flush_timer) &&
            loop_now_ms(x->loop) >= p->first_ms + x->o.flush_idle_ms);
}

static void set_timers(struct exporter *x)
{
    int64_t now = loop_now_ms(x->loop);
    if (now < x->resume_ms && (x->ready.first || x->filling))
        timer_start(x->retry_timer, x->resume_ms - now);
}

static void on_credentials(void *arg, struct cred *cred, const struct err *err)
{
    struct exporter *x = arg;
    uint64_t missed;
    x->asking = false;
    if (!cred) {
        x->why = err ? *err : (struct err){"no credentials could be found"};
        x->resume_ms = loop_now_ms(x->loop) + NO_CREDENTIALS_MS;
        if (log_limit_pass(&x->failure_limit, loop_now_ms(x->loop),
                           3 * OTLP_LOG_EVERY_MS, &missed))
            log_error("%s: no credentials, so spans wait in the buffer: %s",
                      x->o.name, x->why.text);
    } else if (can_send(x)) {
        begin(x, cred);
    }
    if (x->pumping)
        return;
    exporter_pump(x);
    exporter_settled(x);
}

/* The oldest goes on its way: compressed first, in steps. */
static void begin(struct exporter *x, struct cred *cred)
{
    struct package *p = x->ready.first;
    package_list_remove(&x->ready, p);
    package_list_add(&x->sending, p, false);
    p->cred = cred ? cred_ref(cred) : NULL;
    p->sent_ms = loop_now_ms(x->loop);
    if (p->attempts++ == 0)
        p->begun_ms = p->sent_ms;
    else
        ++*x->n.retries;
    if (x->o.compression == CODING_IDENTITY) {
        transmit(p);
        return;
    }
    x->packing = p;
    if (deflater_begin(x->deflater, x->o.compression, buf_slice(&p->body)))
        on_pack_timer(x);
    else
        log_fatal("out of memory for compression");
}

static void on_pack_timer(void *arg)
{
    struct exporter *x = arg;
    struct package *p = x->packing;
    if (!p)
        return;
    int rc = deflater_step(x->deflater, PACK_STEP, &p->packed);
    if (rc > 0) {
        timer_start(x->pack_timer, 0);
        return;
    }
    x->packing = NULL;
    if (rc < 0) { /* it goes as it is */
        buf_fini(&p->packed);
        buf_init(&p->packed, p->body.max);
    }
    transmit(p);
    exporter_pump(x);
}

static void transmit(struct package *p)
{
    struct exporter *x = p->x;
    struct err err = {"out of memory for a request"};
    struct otlp_out out;
    if (otlp_out_init(&out, x, p)) {
        unsigned timeout = x->o.timeout_ms;
        struct client_request q = {
            .method = "POST",
            .url = x->o.url,
            .headers = out.headers,
            .n_headers = out.n_headers,
            .body = buf_slice(p->packed.n ? &p->packed : &p->body),
            .timeout_ms = timeout,
            .connect_timeout_ms = timeout && timeout < CONNECT_TIMEOUT_MS
                                      ? timeout
                                      : CONNECT_TIMEOUT_MS,
            .answer_max = ANSWER_MAX,
        };
        p->call = client_start(x->client, &q, on_answer, p, &err);
    }
    otlp_out_fini(&out);
    if (!p->call) {
        struct client_answer a = {.outcome = CLIENT_OTHER, .why = err.text};
        on_failure(p, &a, &(struct otlp_said){0});
    }
}

static void on_answer(void *arg, const struct client_answer *a)
{
    struct package *p = arg;
    struct exporter *x = p->x;
    struct otlp_said said = {0};
    bool answered = a->outcome == CLIENT_ANSWERED;
    bool ok = answered && a->status >= 200 && a->status < 300;
    p->call = NULL;
    if (answered)
        otlp_read_answer(a, ok, &said);
    ++*(ok ? x->n.ok : x->n.failed);
    if (ok)
        on_good(p, a, &said);
    else
        on_failure(p, a, &said);
    exporter_pump(x);
    exporter_settled(x);
}

static void on_good(struct package *p, const struct client_answer *a,
                    const struct otlp_said *said)
{
    struct exporter *x = p->x;
    uint64_t rejected = said->rejected > 0 ? (uint64_t)said->rejected : 0;
    uint64_t missed;
    if (rejected > p->spans)
        rejected = p->spans;
    if (x->failures >= FREEZING_FAILURES)
        log_info("%s can be reached again", x->o.name);
    x->failures = 0;
    x->resume_ms = 0;
    *x->sink.delivered += p->spans - rejected;
    exporter_lose(x, LOSS_PARTIAL, rejected);
    if ((rejected > 0 || said->message[0]) &&
        log_limit_pass(&x->loss_limit, loop_now_ms(x->loop), OTLP_LOG_EVERY_MS,
                       &missed))
        log_warn("%s took a request of %" PRIu64 " spans but rejected %" PRIu64
                 " of them%s%s",
                 x->o.name, p->spans, rejected, said->message[0] ? ": " : "",
                 said->message);
    log_info("Passed %" PRIu64 " spans on to %s (%" PRId64 ".%03d seconds)",
             p->spans - rejected, x->o.name, a->took_ms / 1000,
             (int)(a->took_ms % 1000));
    settle(p);
}

static void on_failure(struct package *p, const struct client_answer *a,
                       const struct otlp_said *said)
{
    struct exporter *x = p->x;
    describe(x, a, said);
    if (mend_signature(p, a)) {
        exporter_again(p);
        return;
    }
    if (!is_worth_it(x, a)) {
        refuse(p);
        return;
    }
    exporter_failed(x, p, wait_of(x, a));
    bool late = x->o.retry_total_ms > 0 &&
                loop_now_ms(x->loop) - p->begun_ms >= x->o.retry_total_ms;
    if (!x->o.retry || late) {
        give_up(p);
        return;
    }
    log_failure(x, p);
    p->renewed = false;
    exporter_again(p);
}

/* What the signer lacks can be mended from outside, as towards X-Ray. */
static bool is_worth_it(const struct exporter *x, const struct client_answer *a)
{
    if (a->outcome != CLIENT_ANSWERED)
        return true;
    if (x->o.service && (a->status == 401 || a->status == 403))
        return true;
    return a->status == 429 || (a->status >= 502 && a->status <= 504);
}

/* Whether the request can go again at once: with other keys, or by the
 * service's clock. */
static bool mend_signature(struct package *p, const struct client_answer *a)
{
    struct exporter *x = p->x;
    if (!p->cred || p->renewed || a->outcome != CLIENT_ANSWERED ||
        (a->status != 401 && a->status != 403))
        return false;
    p->renewed = true;
    int64_t date, now = clock_wall_ms();
    if (http_date_parse(client_answer_header(a, "Date"), &date) &&
        llabs(date - (now + x->skew_ms)) > SKEW_MS)
        x->skew_ms = date - now;
    else
        cred_invalidate(x->cred, p->cred);
    return true;
}

static int64_t wait_of(struct exporter *x, const struct client_answer *a)
{
    unsigned attempt = x->failures + 1;
    bool denied = a->status == 401 || a->status == 403;
    int64_t backoff =
        denied ? retry_denied_ms(attempt, random_number())
               : retry_backoff_from_ms(x->o.retry_first_ms, attempt,
                                       x->o.retry_max_ms, random_number());
    return retry_wait_ms(backoff, a, clock_wall_ms() + x->skew_ms,
                         x->drain.begun);
}

/* Requests that were under way together fail together, which is one failure.
 * While draining the time is over anyway. */
void exporter_failed(struct exporter *x, const struct package *p,
                     int64_t wait_ms)
{
    int64_t now = loop_now_ms(x->loop);
    if (p->sent_ms < x->failed_ms)
        return;
    if (x->failures < UINT32_MAX)
        x->failures++;
    if (x->o.freezes && !x->drain.begun && x->failures >= FREEZING_FAILURES &&
        wait_ms < FREEZING_WAIT_MS)
        wait_ms = FREEZING_WAIT_MS;
    x->failed_ms = now;
    x->resume_ms = now + wait_ms;
}

void exporter_stop(struct package *p)
{
    if (p->call)
        client_cancel(p->call);
    p->call = NULL;
    if (p->x->packing == p)
        p->x->packing = NULL;
    cred_unref(p->cred);
    p->cred = NULL;
    buf_fini(&p->packed);
    buf_init(&p->packed, p->body.max);
}

void exporter_again(struct package *p)
{
    exporter_stop(p);
    package_list_remove(&p->x->sending, p);
    package_list_add(&p->x->ready, p, true);
}

static void give_up(struct package *p)
{
    struct exporter *x = p->x;
    uint64_t missed;
    exporter_lose(x, LOSS_GAVE_UP, p->spans);
    if (log_limit_pass(&x->loss_limit, loop_now_ms(x->loop), OTLP_LOG_EVERY_MS,
                       &missed))
        log_error("%s: %" PRIu64 " spans are dropped after %u attempts, as "
                  "retry_on_failure says; the last failure: %s",
                  x->o.name, p->spans, p->attempts, x->why.text);
    settle(p);
}

/* Of several requests in one it may be one that is at fault. */
static void refuse(struct package *p)
{
    struct exporter *x = p->x;
    struct package *halves[2];
    uint64_t missed;
    x->failures = 0;
    x->resume_ms = 0;
    if (package_split(p, halves)) {
        package_list_add(&x->ready, halves[1], true);
        package_list_add(&x->ready, halves[0], true);
        settle(p);
        return;
    }
    exporter_lose(x, LOSS_REFUSED, p->spans);
    if (log_limit_pass(&x->loss_limit, loop_now_ms(x->loop), OTLP_LOG_EVERY_MS,
                       &missed))
        log_error("%s refused %" PRIu64 " spans, which are dropped: %s",
                  x->o.name, p->spans, x->why.text);
    settle(p);
}

static void settle(struct package *p)
{
    exporter_stop(p);
    package_list_remove(&p->x->sending, p);
    package_free(p);
}

static void describe(struct exporter *x, const struct client_answer *a,
                     const struct otlp_said *said)
{
    struct slice to = client_answer_header(a, "Location");
    if (a->outcome != CLIENT_ANSWERED)
        err_set(&x->why, "%s", a->why);
    else if (a->status >= 300 && a->status < 400)
        err_set(&x->why,
                "HTTP status %d redirects to %.*s, which is not "
                "followed",
                a->status, (int)(to.n < 200 ? to.n : 200), to.p);
    else
        err_set(&x->why, "HTTP status %d%s%s", a->status,
                said->message[0] ? ": " : "", said->message);
}

/* A new cause is told soon, an old one now and then. */
static void log_failure(struct exporter *x, const struct package *p)
{
    uint64_t missed;
    bool new = strcmp(x->why.text, x->logged.text) != 0;
    if (!log_limit_pass(&x->failure_limit, loop_now_ms(x->loop),
                        new ? OTLP_LOG_NEW_MS : OTLP_LOG_EVERY_MS, &missed))
        return;
    x->logged = x->why;
    log_error("%s: sending %" PRIu64 " spans failed (attempt %u): %s. They "
              "will be sent again; %" PRIu64 " spans wait",
              x->o.name, p->spans, p->attempts, x->why.text,
              x->sink.pending(&x->sink));
}

static uint32_t random_number(void)
{
    uint32_t r;
    random_bytes(&r, sizeof(r));
    return r;
}
