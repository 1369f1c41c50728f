/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The world around src/aws for its unit tests: a client whose answers a test
 * writes down beforehand, timers and a wall clock that move when told. Defines
 * the names of net/client.h, net/loop.h and base/clock.h that src/aws uses, so
 * that the real ones are not linked.
 */
#ifndef XR_TESTS_FAKE_CLOUD_H
#define XR_TESTS_FAKE_CLOUD_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xr/client.h"
#include "xr/clock.h"
#include "xr/loop.h"

#define FAKE_CALLS 64
#define FAKE_TIMERS 32
#define FAKE_RULES 32

struct fake_rule {
    const char *method, *url; /* url: a prefix */
    enum client_outcome outcome;
    int status;
    const char *body, *date;
    int64_t took_ms;
    int times; /* < 0: always */
};

struct client_call {
    bool open;
    char method[8], url[1024], headers[32768], body[32768];
    bool direct;
    client_fn fn;
    void *arg;
};

struct timer {
    bool used, running;
    int64_t due_ms;
    loop_fn fn;
    void *arg;
};

static struct {
    int64_t now_ms; /* both clocks */
    struct fake_rule rules[FAKE_RULES];
    size_t n_rules;
    struct client_call calls[FAKE_CALLS];
    size_t n_calls; /* ever made; the oldest are overwritten */
    struct timer timers[FAKE_TIMERS];
    size_t open_timers;
    const char *date;
} fake;

#define FAKE_START_MS 1714564800000 /* 2024-05-01T12:00:00Z */

static inline void fake_reset(void)
{
    memset(&fake, 0, sizeof fake);
    fake.now_ms = FAKE_START_MS;
}

/* Later rules go before earlier ones. */
static inline struct fake_rule *fake_answer(const char *method, const char *url,
                                            int status, const char *body)
{
    struct fake_rule *r = &fake.rules[fake.n_rules++];

    if (fake.n_rules > FAKE_RULES)
        abort();
    *r = (struct fake_rule){.method = method,
                            .url = url,
                            .status = status,
                            .body = body,
                            .times = -1};
    return r;
}

static inline struct fake_rule *fake_fault(const char *method, const char *url,
                                           enum client_outcome outcome)
{
    struct fake_rule *r = fake_answer(method, url, 0, "");

    r->outcome = outcome;
    return r;
}

static inline struct client_call *fake_last(void)
{
    return &fake.calls[(fake.n_calls - 1) % FAKE_CALLS];
}

static inline size_t fake_open_calls(void)
{
    size_t n = 0;

    for (size_t i = 0; i < FAKE_CALLS; i++)
        n += fake.calls[i].open;
    return n;
}

static inline void fake_deliver(struct client_call *c)
{
    struct client_answer a = {.outcome = CLIENT_REFUSED, .why = "refused"};

    for (size_t i = fake.n_rules; i-- > 0;) {
        struct fake_rule *r = &fake.rules[i];

        if (r->times == 0 || strcmp(r->method, c->method) != 0 ||
            strncmp(r->url, c->url, strlen(r->url)) != 0)
            continue;
        r->times -= r->times > 0;
        a.outcome = r->outcome;
        a.status = r->status;
        a.body = slice_str(r->body);
        a.why = r->outcome == CLIENT_TIMEOUT ? "timed out" : "broken";
        a.took_ms = r->took_ms;
        fake.date = r->date;
        break;
    }
    c->open = false;
    c->fn(c->arg, &a);
}

/* Lets ms pass: answers what is open, runs what is due. */
static inline void fake_run(int64_t ms)
{
    int64_t end = fake.now_ms + ms;

    for (;;) {
        struct timer *next = NULL;
        bool moved = false;

        for (size_t i = 0; i < FAKE_CALLS; i++)
            if (fake.calls[i].open) {
                fake_deliver(&fake.calls[i]);
                moved = true;
            }
        if (moved)
            continue;
        for (size_t i = 0; i < FAKE_TIMERS; i++) {
            struct timer *t = &fake.timers[i];

            if (t->used && t->running && t->due_ms <= end &&
                (!next || t->due_ms < next->due_ms))
                next = t;
        }
        if (!next)
            break;
        if (next->due_ms > fake.now_ms)
            fake.now_ms = next->due_ms;
        next->running = false;
        next->fn(next->arg);
    }
    fake.now_ms = end;
}

int64_t clock_wall_ms(void)
{
    return fake.now_ms;
}

int64_t clock_mono_us(void)
{
    return fake.now_ms * 1000;
}

int64_t loop_now_ms(struct loop *l)
{
    (void)l;
    return fake.now_ms;
}

struct client_call *client_start(struct client *c,
                                 const struct client_request *r, client_fn fn,
                                 void *arg, struct err *err)
{
    struct client_call *call = &fake.calls[fake.n_calls++ % FAKE_CALLS];
    size_t n = 0;

    (void)c, (void)err;
    if (call->open)
        abort();
    *call = (struct client_call){
        .open = true, .direct = r->direct, .fn = fn, .arg = arg};
    snprintf(call->method, sizeof call->method, "%s", r->method);
    snprintf(call->url, sizeof call->url, "%s", r->url);
    snprintf(call->body, sizeof call->body, "%.*s", (int)r->body.n,
             r->body.n ? r->body.p : "");
    for (size_t i = 0; i < r->n_headers; i++)
        n += (size_t)snprintf(call->headers + n, sizeof call->headers - n,
                              "%.*s: %.*s\n", (int)r->headers[i].name.n,
                              r->headers[i].name.p, (int)r->headers[i].value.n,
                              r->headers[i].value.p);
    return call;
}

void client_cancel(struct client_call *call)
{
    call->open = false;
}

struct slice client_answer_header(const struct client_answer *a,
                                  const char *name)
{
    (void)a;
    return strcmp(name, "Date") == 0 ? slice_str(fake.date) : slice_of(NULL, 0);
}

struct timer *timer_new(struct loop *l, loop_fn fn, void *arg)
{
    (void)l;
    for (size_t i = 0; i < FAKE_TIMERS; i++)
        if (!fake.timers[i].used) {
            fake.timers[i] = (struct timer){.used = true, .fn = fn, .arg = arg};
            fake.open_timers++;
            return &fake.timers[i];
        }
    abort();
}

void timer_start(struct timer *t, int64_t ms)
{
    t->running = true;
    t->due_ms = fake.now_ms + ms;
}

void timer_stop(struct timer *t)
{
    t->running = false;
}

bool timer_running(const struct timer *t)
{
    return t->running;
}

void timer_free(struct timer *t)
{
    if (!t)
        return;
    t->used = t->running = false;
    fake.open_timers--;
}

#endif
