/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The X-Ray sink: takes documents into batches and holds them within the
 * memory bound until they are settled. A batch is on one of five lists, by
 * its state; what it costs, slack included, is what counts. Nothing is given
 * up for age or number of attempts: only when memory is full does the oldest
 * batch go that is not just being sent, and its documents are counted.
 */
#include "xray_parts.h"

#include <assert.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdlib.h>

#include "xr/clock.h"

#define BUSY_BATCHES 16      /* more wait: stop reading from senders */
#define DRAIN_FLUSH_MS 10    /* a document's wait while draining */
#define TIDY_MS 5000         /* between looks whether memory can go back */
#define TIDY_BYTES (1 << 20) /* a peak worth the cost of giving back */
#define POOL_SPARE 2         /* free batches beyond Concurrency */
#define HINT_FIRST 4096
#define HINT_STEP 4096
#define CONCURRENCY_DEFAULT 8
#define UNHEALTHY_AFTER 3 /* failed uploads in a row */

static enum push_result push(struct sink *s, const struct segment *seg,
                             enum push_when_full when_full, struct err *err);
static enum push_result push_alone(struct xray *x, struct slice document,
                                   struct err *err);
static bool make_room(struct xray *x, size_t bytes,
                      enum push_when_full when_full);
static size_t growth(const struct xray *x, size_t document_bytes);
static bool drop_oldest(struct xray *x);
static struct batch *oldest(struct xray *x);
static bool append(struct xray *x, struct slice document);
static void seal(struct xray *x, struct batch *b);
static void seal_filling(struct xray *x);
static void trim(struct batch *b);
static void free_pool(struct xray *x);
static bool has_room(struct sink *s, size_t bytes);
static bool busy(struct sink *s);
static void flush(struct sink *s);
static uint64_t pending(struct sink *s);
static void on_flush_timer(void *arg);
static void on_retry_timer(void *arg);
static void on_tidy_timer(void *arg);
static void on_deadline(void *arg);
static struct xray *of(struct sink *s);
static void drop_batch(struct xray *x, struct batch *b);

struct xray *xray_new(const struct xray_wiring *w, const struct xray_options *o)
{
    struct xray *x = calloc(1, sizeof(*x));
    if (!x)
        log_fatal("out of memory while starting");
    x->user_agent = xray_user_agent(o->user_agent);
    x->sink = (struct sink){.name = "xray",
                            .push = push,
                            .has_room = has_room,
                            .busy = busy,
                            .flush = flush,
                            .pending = pending};
    x->loop = w->loop;
    x->client = w->client;
    x->cred = w->cred;
    x->pipeline = w->pipeline;
    x->stats = w->stats;
    x->o = *o;
    x->o.user_agent = x->user_agent;
    if (x->o.concurrency == 0)
        x->o.concurrency = CONCURRENCY_DEFAULT;
    if (x->o.batch_documents == 0 || x->o.batch_documents > BATCH_DOCUMENTS_MAX)
        x->o.batch_documents = BATCH_DOCUMENTS_MAX;
    if (x->o.batch_bytes > x->o.memory_bytes)
        x->o.batch_bytes = x->o.memory_bytes;
    x->limit = x->o.concurrency;
    x->held = o->freezes;
    x->body_hint = HINT_FIRST;
    x->flush_timer = timer_new(w->loop, on_flush_timer, x);
    x->retry_timer = timer_new(w->loop, on_retry_timer, x);
    x->tidy_timer = timer_new(w->loop, on_tidy_timer, x);
    drain_init(&x->drain, w->loop, on_deadline, x);
    xray_count_init(x);
    return x;
}

void xray_free(struct xray *x)
{
    if (!x)
        return;
    xray_telemetry_free(x);
    cred_cancel(x->cred, x);
    for (int i = 0; i <= BATCH_BACKOFF; i++) {
        while (x->lists[i].first) {
            struct batch *b = x->lists[i].first;
            xray_release_upload(x, b);
            batch_set_state(b, BATCH_FREE, NULL);
            batch_free(b);
        }
    }
    while (x->uploads) {
        struct upload *u = x->uploads;
        x->uploads = u->next;
        free(u);
    }
    timer_free(x->flush_timer);
    timer_free(x->retry_timer);
    timer_free(x->tidy_timer);
    drain_fini(&x->drain);
    free(x->user_agent);
    free(x);
}

struct sink *xray_sink(struct xray *x)
{
    return &x->sink;
}

void xray_set_endpoint(struct xray *x, const char *region, const char *base)
{
    xray_set_base(&x->endpoint, region, base);
    xray_pump(x);
}

void xray_drain(struct xray *x, int64_t deadline_ms, loop_fn done, void *arg)
{
    x->held = false;
    drain_begin(&x->drain, deadline_ms, done, arg);
    x->probe_ms = 0;
    for (struct batch *b = x->lists[BATCH_BACKOFF].first; b; b = b->next)
        b->due_ms = 0;
    flush(&x->sink);
    xray_pump(x);
    xray_settled(x);
}

bool xray_healthy(const struct xray *x, struct err *why)
{
    if (!x->endpoint.known) {
        err_set(why, "the region is not known yet, so nothing is uploaded");
        return false;
    }
    if (x->no_cred || x->failures >= UNHEALTHY_AFTER) {
        err_set(why, "%s", x->why.text);
        return false;
    }
    return true;
}

static enum push_result push(struct sink *s, const struct segment *seg,
                             enum push_when_full when_full, struct err *err)
{
    struct xray *x = of(s);
    size_t need = growth(x, seg->document.n);
    if (need && !make_room(x, need, when_full)) {
        if (when_full == WHEN_FULL_REFUSE) {
            err_set(err,
                    "the buffer of %zu MB is full of segments that wait "
                    "for X-Ray",
                    x->o.memory_bytes >> 20);
            return PUSH_FULL;
        }
        ++*s->made; /* no one can be told, so it counts as taken and lost */
        ++*s->dropped;
        return PUSH_ACCEPTED;
    }
    if (!append(x, seg->document)) {
        seal_filling(x);
        if (!append(x, seg->document))
            return push_alone(x, seg->document, err);
    }
    ++*s->made;
    if (x->filling->n >= x->o.batch_documents)
        seal_filling(x);
    xray_tell_change(x);
    return PUSH_ACCEPTED;
}

/* A document too large for any batch goes in one of its own size. */
static enum push_result push_alone(struct xray *x, struct slice document,
                                   struct err *err)
{
    struct batch *b = xray_take_batch(x, 0);
    if (b) {
        b->body.max = x->o.memory_bytes;
        if (batch_append(b, document)) {
            ++*x->sink.made;
            b->first_ms = loop_now_ms(x->loop);
            seal(x, b);
            xray_tell_change(x);
            return PUSH_ACCEPTED;
        }
        xray_recycle(x, b);
    }
    err_set(err,
            "a document of %zu bytes does not fit the buffer of %zu MB "
            "(TotalBufferSizeMB)",
            document.n, x->o.memory_bytes >> 20);
    return PUSH_INVALID;
}

/* Bytes by which memory grows if a document is taken in now. */
static size_t growth(const struct xray *x, size_t document_bytes)
{
    size_t need = document_bytes + document_bytes / 4 + 128;
    const struct batch *b = x->filling;
    if (b && b->body.cap - b->body.n >= need)
        return 0;
    if (!b || b->body.n + need > x->o.batch_bytes)
        return need > x->body_hint ? need : x->body_hint;
    return need > b->body.cap ? need : b->body.cap; /* it doubles */
}

static bool make_room(struct xray *x, size_t bytes,
                      enum push_when_full when_full)
{
    size_t max = x->o.memory_bytes;
    if (xray_held(x) + bytes <= max)
        return true;
    free_pool(x);
    while (xray_held(x) + bytes > max) {
        if (when_full == WHEN_FULL_REFUSE || !drop_oldest(x))
            return false;
    }
    return true;
}

static bool drop_oldest(struct xray *x)
{
    struct batch *b = oldest(x);
    uint64_t missed;
    if (!b)
        return false;
    if (log_limit_pass(&x->full_limit, loop_now_ms(x->loop), XRAY_LOG_EVERY_MS,
                       &missed))
        log_warn("Spilling over %u segments: the buffer of %zu MB is full, "
                 "so the oldest go (%" PRIu64 " batches in all since the last "
                 "such line). Uploads are too slow or fail; a larger "
                 "TotalBufferSizeMB holds more",
                 b->n, x->o.memory_bytes >> 20, missed + 1);
    drop_batch(x, b);
    free_pool(x);
    return true;
}

/* Among those that wait; what is in flight may have arrived already. */
static struct batch *oldest(struct xray *x)
{
    struct batch *best = x->lists[BATCH_READY].first;
    struct batch *b = x->lists[BATCH_BACKOFF].first;
    for (; b; b = b->next) {
        if (!best || b->first_ms < best->first_ms)
            best = b;
    }
    return best;
}

static bool append(struct xray *x, struct slice document)
{
    if (!x->filling) {
        x->filling = xray_take_batch(x, x->body_hint);
        if (!x->filling)
            return false;
        batch_set_state(x->filling, BATCH_FILLING, &x->lists[BATCH_FILLING]);
    }
    struct batch *b = x->filling;
    if (!batch_append(b, document))
        return false;
    if (b->n == 1) {
        b->first_ms = loop_now_ms(x->loop);
        if (!timer_running(x->flush_timer))
            timer_start(x->flush_timer,
                        x->drain.begun ? DRAIN_FLUSH_MS : x->o.flush_idle_ms);
    }
    return true;
}

static void seal_filling(struct xray *x)
{
    struct batch *b = x->filling;
    if (!b || b->n == 0)
        return;
    x->filling = NULL;
    if (b->n == x->o.batch_documents) {
        size_t used = b->body.n + b->body.n / 8;
        x->body_hint = (used / HINT_STEP + 1) * HINT_STEP;
        if (x->body_hint > x->o.batch_bytes)
            x->body_hint = x->o.batch_bytes;
    }
    seal(x, b);
}

static void seal(struct xray *x, struct batch *b)
{
    batch_seal(b);
    batch_set_state(b, BATCH_FREE, NULL);
    /* It will wait a while, so its slack is better used otherwise. */
    if (x->lists[BATCH_READY].n + x->lists[BATCH_BACKOFF].n > BUSY_BATCHES)
        trim(b);
    batch_set_state(b, BATCH_READY, &x->lists[BATCH_READY]);
    if (xray_held(x) > x->peak)
        x->peak = xray_held(x);
    if (!timer_running(x->tidy_timer))
        timer_start(x->tidy_timer, TIDY_MS);
    if (!x->was_busy)
        x->was_busy = busy(&x->sink);
    xray_pump(x);
}

/* The batch must be on no list, since lists know its size. */
static void trim(struct batch *b)
{
    char *p = realloc(b->body.p, b->body.n);
    if (p) {
        b->body.p = p;
        b->body.cap = b->body.n;
    }
}

struct batch *xray_take_batch(struct xray *x, size_t bytes)
{
    struct batch *b = x->lists[BATCH_FREE].first;
    if (b)
        batch_set_state(b, BATCH_FREE, NULL);
    else
        b = batch_new(x->o.batch_bytes);
    /* Exactly so much, where a buf of itself would double. */
    char *p = b && bytes > b->body.cap ? realloc(b->body.p, bytes) : NULL;
    if (p) {
        b->body.p = p;
        b->body.cap = bytes;
    }
    return b;
}

void xray_recycle(struct xray *x, struct batch *b)
{
    xray_release_upload(x, b);
    batch_set_state(b, BATCH_FREE, NULL);
    batch_reset(b);
    b->body.max = x->o.batch_bytes;
    if (b->body.cap > 2 * x->body_hint + HINT_STEP) {
        size_t max = b->body.max;
        buf_fini(&b->body);
        buf_init(&b->body, max);
    }
    if (x->lists[BATCH_FREE].n >= x->o.concurrency + POOL_SPARE)
        batch_free(b);
    else
        batch_set_state(b, BATCH_FREE, &x->lists[BATCH_FREE]);
}

/* Counts all of its documents as dropped. */
static void drop_batch(struct xray *x, struct batch *b)
{
    *x->sink.dropped += b->n;
    xray_recycle(x, b);
}

void xray_settled(struct xray *x)
{
    xray_tell_change(x);
    if (x->was_busy && !busy(&x->sink)) {
        x->was_busy = false;
        pipeline_relieved(x->pipeline);
    }
    /* The last record of telemetry counts the last batch too. */
    if (x->drain.begun && pending(&x->sink) == 0 && !x->finishing) {
        x->finishing = true;
        if (!xray_telemetry_stop(x))
            drain_end(&x->drain);
    }
}

size_t xray_held(const struct xray *x)
{
    size_t n = 0;
    for (int i = 0; i <= BATCH_BACKOFF; i++)
        n += x->lists[i].bytes;
    return n;
}

static void free_pool(struct xray *x)
{
    struct batch_list *pool = &x->lists[BATCH_FREE];
    while (pool->first) {
        struct batch *b = pool->first;
        batch_set_state(b, BATCH_FREE, NULL);
        batch_free(b);
    }
}

static bool has_room(struct sink *s, size_t bytes)
{
    const struct xray *x = of(s);
    size_t held = xray_held(x) - x->lists[BATCH_FREE].bytes;
    return held + bytes + bytes / 4 + x->body_hint <= x->o.memory_bytes;
}

static bool busy(struct sink *s)
{
    const struct xray *x = of(s);
    return !x->o.freezes &&
           x->lists[BATCH_READY].n + x->lists[BATCH_BACKOFF].n > BUSY_BATCHES;
}

static void flush(struct sink *s)
{
    seal_filling(of(s));
    /* What was sealed while held. */
    xray_pump(of(s));
}

static uint64_t pending(struct sink *s)
{
    const struct xray *x = of(s);
    uint64_t n = 0;
    for (int i = BATCH_FILLING; i <= BATCH_BACKOFF; i++)
        n += x->lists[i].documents;
    return n;
}

/* Runs on from batch to batch while documents come, and looks whether the
 * present one is old enough. */
static void on_flush_timer(void *arg)
{
    struct xray *x = arg;
    const struct batch *b = x->filling;
    if (!b || b->n == 0)
        return;
    int64_t wait = x->drain.begun ? DRAIN_FLUSH_MS : x->o.flush_idle_ms;
    int64_t left = b->first_ms + wait - loop_now_ms(x->loop);
    if (left > 0)
        timer_start(x->flush_timer, left);
    else
        seal_filling(x);
}

static void on_retry_timer(void *arg)
{
    xray_pump(arg);
}

/* Gives memory back after a peak and when nothing is left to do; then it does
 * not run on. */
static void on_tidy_timer(void *arg)
{
    struct xray *x = arg;
    bool idle = pending(&x->sink) == 0;
    bool fallen = x->peak > TIDY_BYTES && xray_held(x) < x->peak / 2;
    if (idle || fallen)
        free_pool(x);
#ifdef __GLIBC__
    if (fallen)
        malloc_trim(0);
#endif
    if (idle || fallen)
        x->peak = xray_held(x);
    if (!idle)
        timer_start(x->tidy_timer, TIDY_MS);
}

static void on_deadline(void *arg)
{
    struct xray *x = arg;
    uint64_t lost = pending(&x->sink);
    if (lost > 0)
        log_error("Shutdown: %" PRIu64 " segments could not be delivered "
                  "within the deadline and are dropped%s%s",
                  lost, x->why.text[0] ? "; last failure: " : "", x->why.text);
    for (int i = BATCH_FILLING; i <= BATCH_BACKOFF; i++) {
        while (x->lists[i].first)
            drop_batch(x, x->lists[i].first);
    }
    x->filling = NULL;
    drain_end(&x->drain);
}

/* Nobody should, but who has sent meanwhile is waited for. */
void xray_telemetry_ended(struct xray *x)
{
    x->finishing = false;
    xray_settled(x);
}

static struct xray *of(struct sink *s)
{
    return (struct xray *)s;
}
