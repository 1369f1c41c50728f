/* SPDX-License-Identifier: Apache-2.0 */
/* A life with a clock of its own, for the tests of the state machine. */
#ifndef XR_TESTS_LIFE_WORLD_H
#define XR_TESTS_LIFE_WORLD_H

#include "lambda/lifecycle.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define TIMEOUT_MS 3000

/* A life with its clock, what waits, and the last step. */
struct world {
    struct life life;
    int64_t now;
    struct lambda_queue queue;
    struct life_step step;
    unsigned invoked;
    char id[16];
};

static inline void begin_with(struct world *w, struct lambda_policy policy)
{
    *w = (struct world){.now = 1000};
    life_init(&w->life, &policy);
}

static inline void begin(struct world *w)
{
    begin_with(w, (struct lambda_policy){.interval_ms = 5000});
}

static inline unsigned feed(struct world *w, struct life_event e)
{
    e.now_ms = w->now;
    e.queue = w->queue;
    life_step(&w->life, &e, &w->step);
    return w->step.actions;
}

static inline unsigned kind(struct world *w, enum life_event_kind k)
{
    return feed(w, (struct life_event){.kind = k});
}

/* Lets time pass, with the ticks that were asked for. */
static inline unsigned pass(struct world *w, int64_t ms)
{
    int64_t end = w->now + ms;
    unsigned all = 0;
    while (w->step.wake_ms != 0 && w->step.wake_ms <= end) {
        w->now = w->step.wake_ms > w->now ? w->step.wake_ms : w->now + 1;
        all |= kind(w, LIFE_EVENT_TICK);
    }
    w->now = end;
    return all;
}

static inline unsigned invoke(struct world *w)
{
    snprintf(w->id, sizeof(w->id), "r%u", ++w->invoked);
    return feed(w, (struct life_event){.kind = LIFE_EVENT_INVOKE,
                                       .deadline_ms = w->now + TIMEOUT_MS,
                                       .request_id = slice_str(w->id)});
}

static inline unsigned done(struct world *w, const char *id)
{
    return feed(w, (struct life_event){.kind = LIFE_EVENT_RUNTIME_DONE,
                                       .request_id = slice_str(id)});
}

static inline void to_waiting(struct world *w, enum life_event_kind telemetry)
{
    kind(w, LIFE_EVENT_START);
    kind(w, LIFE_EVENT_REGISTERED);
    assert_true(kind(w, telemetry) & LIFE_NEXT);
}

/* As most tests find it: subscribed, and waiting for the first invocation. */
static inline void begin_waiting(struct world *w)
{
    begin(w);
    to_waiting(w, LIFE_EVENT_SUBSCRIBED);
}

/* A whole invocation without documents. */
static inline void invocation(struct world *w)
{
    unsigned a = invoke(w);
    if (a & LIFE_NEXT)
        return;
    assert_true(done(w, w->id) & LIFE_DRAIN);
    assert_true(kind(w, LIFE_EVENT_DRAINED) & LIFE_NEXT);
}

static inline void invocations(struct world *w, unsigned n, int64_t gap)
{
    for (unsigned i = 0; i < n; i++) {
        pass(w, gap);
        invocation(w);
    }
}

static inline void queued(struct world *w, unsigned documents)
{
    w->queue.documents = documents;
    w->queue.oldest_ms = documents ? w->now : 0;
}

/* What the sink does when it is told to upload. */
static inline unsigned uploaded(struct world *w)
{
    queued(w, 0);
    w->queue.uploads = 1;
    return kind(w, LIFE_EVENT_UPLOADED);
}

static inline unsigned upload_ends(struct world *w)
{
    w->queue.uploads = 0;
    return kind(w, LIFE_EVENT_CHANGED);
}

#endif
