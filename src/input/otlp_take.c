/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Jobs: each holds one OTLP request body on its way into the pipeline. A job
 * does one slice of work when its body has come, and, if that was not all,
 * one more each time its turn comes; one job has a slice in a turn of the
 * loop, so a turn stays short however many large bodies there are. Counts
 * every span once in the ledger. Knows neither HTTP nor gRPC.
 */
#include "otlp_take.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "otlp_encode.h"
#include "xr/clock.h"
#include "xr/log.h"

/* A slice ends with the first of these: only time tells what spans cost. */
#define SLICE_SPANS 500
#define SLICE_US 2000
#define SLICE_UNPACKED ((size_t)512 << 10)
/* Unpacked bytes that are decoded in the same slice. */
#define UNPACKED_SMALL ((size_t)128 << 10)
#define BODY_SMALL ((size_t)64 << 10)
/* Documents are larger than the spans they are made of. */
#define GROWTH 3
#define ARENA_MAX ((size_t)64 << 20)
#define IDLE_JOBS 4
#define LOG_EVERY_MS 30000
/* What is not passed on as it came has grown by what processors add. */
#define ENCODED_MAX ((size_t)64 << 20)

enum job_phase { JOB_UNPACK, JOB_DECODE, JOB_ENCODE, JOB_DONE };

struct otlp_job {
    struct otlp_taker *taker;
    struct otlp_job *next; /* in the queue, or idle */
    enum job_phase phase;
    struct otlp_body body;
    otlp_done_fn fn;
    void *arg;
    struct inflater *inflater;
    struct buf unpacked;
    struct arena arena;
    struct otlp_decoder *decoder;
    const struct span *held; /* decoded, to be translated in the next slice */
    int64_t slice_end_us;
    bool counting; /* spans are counted only: there is no room for them */
    bool forced;   /* more than could ever fit: what fits is taken */
    uint64_t accepted, rejected, left_out, items_left_out;
    /* Where requests are passed on: */
    bool passes;          /* there is somebody who takes them */
    bool alone;           /* the answer waits for what comes of the passing */
    struct slice request; /* unpacked */
    uint64_t spans, without_ids; /* without: or too large, not passed on */
    uint64_t waiting;            /* for that answer */
    struct otlp_encoder encoder;
    enum otlp_verdict verdict;
    struct err why; /* the first reason */
};

struct otlp_taker {
    struct loop *loop;
    struct pipeline *pipeline;
    struct translator *translator;
    struct intake *intake;
    struct otlp_taker_options o;
    struct timer *turn;
    struct otlp_job *first, *last; /* waiting for their next slice */
    struct otlp_job *idle;
    unsigned n_idle;
    struct log_limit limit;
};

static struct otlp_job *job_new(struct otlp_taker *t);
static void job_begin(struct otlp_job *j);
static void job_slice(struct otlp_job *j);
static void job_unpack(struct otlp_job *j);
static void job_begin_decode(struct otlp_job *j, struct slice bytes);
static void job_decode(struct otlp_job *j);
static bool take_span(void *arg, const struct span *span);
static void push_span(struct otlp_job *j, const struct span *span);
static bool push_documents(struct otlp_job *j, const struct segment *docs,
                           int n);
static void accept(struct otlp_job *j);
static void leave_out(struct otlp_job *j);
static void job_pass(struct otlp_job *j);
static void job_encode(struct otlp_job *j);
static bool encode_span(void *arg, const struct span *span);
static void pass_request(struct otlp_job *j, const struct otlp_request *r);
static void settle_waiting(struct otlp_job *j, enum push_result r,
                           const char *why);
static void reject(struct otlp_job *j, enum reject_reason reason,
                   const char *why);
static void job_fail(struct otlp_job *j, enum otlp_verdict verdict,
                     const char *why);
static void job_retry_unread(struct otlp_job *j, const char *why);
static void job_end(struct otlp_job *j);
static const char *job_message(struct otlp_job *j, char *text, size_t size);
static void job_release(struct otlp_job *j);
static void job_free(struct otlp_job *j);
static void queue_add(struct otlp_taker *t, struct otlp_job *j);
static void queue_remove(struct otlp_taker *t, struct otlp_job *j);
static void on_turn(void *arg);

struct otlp_taker *otlp_taker_new(struct loop *l, struct pipeline *p,
                                  struct translator *t,
                                  const struct otlp_taker_options *o)
{
    struct otlp_taker *k = calloc(1, sizeof(*k));
    if (!k)
        log_fatal("out of memory for OTLP");
    *k =
        (struct otlp_taker){.loop = l, .pipeline = p, .translator = t, .o = *o};
    k->intake = pipeline_intake(p, o->intake);
    k->turn = timer_new(l, on_turn, k);
    return k;
}

void otlp_taker_free(struct otlp_taker *t)
{
    if (!t)
        return;
    while (t->first)
        otlp_job_cancel(t->first);
    while (t->idle) {
        struct otlp_job *j = t->idle;
        t->idle = j->next;
        job_free(j);
    }
    timer_free(t->turn);
    free(t);
}

struct intake *otlp_taker_intake(struct otlp_taker *t)
{
    return t->intake;
}

void otlp_taker_reject(struct otlp_taker *t, enum reject_reason reason,
                       const char *why)
{
    pipeline_reject(t->pipeline, t->intake,
                    &(struct rejection){.reason = reason, .why = why});
}

struct otlp_job *otlp_take(struct otlp_taker *t, const struct otlp_body *body,
                           otlp_done_fn fn, void *arg)
{
    struct otlp_job *j = job_new(t);
    if (!j) {
        struct otlp_outcome o = {OTLP_RETRY, 0, 0, "out of memory"};
        ++*t->intake->retry;
        fn(arg, &o);
        return NULL;
    }
    j->body = *body;
    j->fn = fn;
    j->arg = arg;
    job_begin(j);
    /* Where others wait a large body does so as well; in a long turn any. */
    if (j->phase != JOB_DONE && (!t->first || body->bytes.n <= BODY_SMALL) &&
        !loop_turn_is_long(t->loop))
        job_slice(j);
    if (j->phase == JOB_DONE) {
        job_end(j);
        return NULL;
    }
    queue_add(t, j);
    return j;
}

void otlp_job_cancel(struct otlp_job *j)
{
    queue_remove(j->taker, j);
    job_release(j);
}

static struct otlp_job *job_new(struct otlp_taker *t)
{
    struct otlp_job *j = t->idle;
    if (j) {
        t->idle = j->next;
        t->n_idle--;
    } else {
        j = calloc(1, sizeof(*j));
        if (!j)
            return NULL;
        j->taker = t;
        arena_init(&j->arena, ARENA_MAX);
        buf_init(&j->unpacked, t->o.body_max);
        otlp_encoder_init(&j->encoder, ENCODED_MAX);
    }
    j->counting = j->forced = false;
    j->accepted = j->rejected = j->left_out = j->items_left_out = 0;
    j->held = NULL;
    j->spans = j->without_ids = j->waiting = 0;
    j->passes = pipeline_takes_otlp(t->pipeline);
    j->alone = pipeline_otlp_alone(t->pipeline);
    j->verdict = OTLP_TAKEN;
    j->why.text[0] = '\0';
    return j;
}

static void job_begin(struct otlp_job *j)
{
    if (j->body.coding == CODING_IDENTITY) {
        job_begin_decode(j, j->body.bytes);
        return;
    }
    if (!j->inflater)
        j->inflater = inflater_new();
    j->phase = JOB_UNPACK;
    if (!j->inflater ||
        !inflater_begin(j->inflater, j->body.coding, j->body.bytes))
        job_retry_unread(j, "out of memory");
}

static void job_slice(struct otlp_job *j)
{
    j->slice_end_us = clock_mono_us() + SLICE_US;
    if (j->phase == JOB_UNPACK) {
        job_unpack(j);
        if (j->unpacked.n > UNPACKED_SMALL)
            return;
    }
    if (j->phase == JOB_DECODE)
        job_decode(j);
    if (j->phase == JOB_ENCODE && clock_mono_us() < j->slice_end_us)
        job_encode(j);
}

static void job_unpack(struct otlp_job *j)
{
    struct err err;
    size_t before = j->unpacked.n;
    int rc;
    do /* a member of the packed body may be as small as can be */
        rc = inflater_step(j->inflater, SLICE_UNPACKED, &j->unpacked, &err);
    while (rc > 0 && j->unpacked.n - before < SLICE_UNPACKED / 2 &&
           clock_mono_us() < j->slice_end_us);
    if (rc < 0)
        job_fail(j, j->unpacked.failed ? OTLP_TOO_LARGE : OTLP_MALFORMED,
                 err.text);
    else if (rc == 0)
        job_begin_decode(j, buf_slice(&j->unpacked));
}

/* Whether there is room is asked before the first span is taken, so that a
 * request is taken or sent again as a whole. */
static void job_begin_decode(struct otlp_job *j, struct slice bytes)
{
    struct pipeline *p = j->taker->pipeline;
    j->phase = JOB_DECODE;
    j->request = bytes;
    j->decoder = otlp_decoder_new(j->body.encoding, bytes, &j->arena);
    if (!j->decoder) {
        job_retry_unread(j, "out of memory");
        return;
    }
    if (pipeline_has_room(p, bytes.n * GROWTH) &&
        (!j->alone || pipeline_has_room_otlp(p, bytes.n)))
        return;
    if (pipeline_pending(p) == 0)
        j->forced = true;
    else
        j->counting = true;
}

static void job_decode(struct otlp_job *j)
{
    struct err err;
    /* Jobs take turns, and their arenas are used again. */
    translator_begin_request(j->taker->translator);
    if (j->held)
        push_span(j, j->held);
    j->held = NULL;
    enum otlp_result rc =
        otlp_decode(j->decoder, SLICE_SPANS, take_span, j, &err);
    j->items_left_out = otlp_decoder_left_out(j->decoder);
    if (rc == OTLP_END)
        job_pass(j);
    else if (rc < 0)
        job_fail(j, rc == OTLP_LARGE ? OTLP_TOO_LARGE : OTLP_MALFORMED,
                 err.text);
    if (rc != OTLP_SPAN_LARGE)
        return;
    reject(j, REJECT_TOO_LARGE, err.text);
    j->spans++;
    j->without_ids++;
}

/* False ends the slice, not the job. A span whose decoding took the rest of
 * the time is translated in the next slice. */
static bool take_span(void *arg, const struct span *span)
{
    struct otlp_job *j = arg;
    bool in_time = clock_mono_us() < j->slice_end_us;
    if (j->counting)
        leave_out(j);
    else if (in_time)
        push_span(j, span);
    else
        j->held = span;
    return in_time;
}

static void push_span(struct otlp_job *j, const struct span *span)
{
    struct otlp_taker *t = j->taker;
    struct segment docs[TRANSLATE_DOCUMENTS_MAX];
    struct err err = {"a span without a trace id or span id"};
    j->spans++;
    j->without_ids += j->passes && !otlp_has_ids(span);
    if (j->passes && !pipeline_takes_segments(t->pipeline)) {
        if (otlp_has_ids(span))
            accept(j);
        else
            reject(j, REJECT_BAD_IDS, err.text);
        return;
    }
    int n = translate_span(t->translator, span, docs, &err);
    if (n == 0)
        reject(j, otlp_has_ids(span) ? REJECT_INVALID : REJECT_BAD_IDS,
               err.text);
    else if (n == TRANSLATE_LEFT_OUT || push_documents(j, docs, n))
        accept(j); /* also when the configuration wants none of it */
}

/* False: they were not accepted, which has been counted. */
static bool push_documents(struct otlp_job *j, const struct segment *docs,
                           int n)
{
    struct err err = {""};
    for (int i = 0; i < n; i++) {
        enum push_result r =
            pipeline_push(j->taker->pipeline, &docs[i], WHEN_FULL_REFUSE, &err);
        if (r == PUSH_ACCEPTED)
            continue;
        j->counting = r == PUSH_FULL;
        if (j->counting)
            leave_out(j);
        else
            reject(j, REJECT_INVALID, err.text);
        return false;
    }
    return true;
}

static void accept(struct otlp_job *j)
{
    if (j->alone) {
        j->waiting++;
        return;
    }
    ++*j->taker->intake->accepted;
    j->accepted++;
}

/* A span for which there is no room. */
static void leave_out(struct otlp_job *j)
{
    struct otlp_taker *t = j->taker;
    if (t->o.never_retry || j->forced) {
        reject(j, REJECT_FULL,
               j->forced ? "the request is larger than the whole buffer"
                         : "the buffer is full");
        return;
    }
    j->left_out++;
    ++*t->intake->retry;
}

/* All has been read, so that what is passed on holds no fault. It goes as it
 * came, unless steps change spans or some are not to be passed on. */
static void job_pass(struct otlp_job *j)
{
    struct otlp_taker *t = j->taker;
    struct otlp_request whole = {.json = j->body.encoding == OTLP_JSON,
                                 .body = j->request,
                                 .spans = j->spans};
    j->phase = JOB_DONE;
    if (!j->passes || j->left_out > 0 || j->spans == j->without_ids)
        return;
    if (j->without_ids == 0 && !translator_alters(t->translator)) {
        pass_request(j, &whole);
        return;
    }
    otlp_decoder_free(j->decoder);
    j->decoder = otlp_decoder_new(j->body.encoding, j->request, &j->arena);
    otlp_encoder_begin(&j->encoder);
    j->phase = JOB_ENCODE;
    if (!j->decoder)
        pass_request(j, NULL);
}

static void job_encode(struct otlp_job *j)
{
    struct err err;
    translator_begin_request(j->taker->translator);
    int rc = otlp_decode(j->decoder, SLICE_SPANS, encode_span, j, &err);
    if (rc > 0)
        return;
    struct otlp_request r = {.body = otlp_encoder_end(&j->encoder),
                             .spans = j->encoder.spans};
    pass_request(j, rc < 0 || j->encoder.out.failed ? NULL : &r);
}

static bool encode_span(void *arg, const struct span *span)
{
    struct otlp_job *j = arg;
    const struct span *altered;
    int rc = otlp_has_ids(span)
                 ? translator_process(j->taker->translator, span, &altered)
                 : 0;
    if (rc > 0)
        otlp_encode_span(&j->encoder, altered, span->resource);
    else if (rc < 0)
        j->encoder.out.failed = true;
    return clock_mono_us() < j->slice_end_us;
}

/* r: NULL if it could not be made. Where others have taken the spans, they are
 * accepted by now, so that room is made for the request. */
static void pass_request(struct otlp_job *j, const struct otlp_request *r)
{
    struct otlp_taker *t = j->taker;
    struct err err = {"out of memory for the request to be passed on"};
    enum push_result result = PUSH_ACCEPTED;
    j->phase = JOB_DONE;
    if (r && r->spans > 0)
        result = pipeline_push_otlp(
            t->pipeline, r, j->alone ? WHEN_FULL_REFUSE : WHEN_FULL_DROP_OLDEST,
            &err);
    else if (!r && j->alone)
        result = PUSH_FULL;
    else if (!r)
        pipeline_lose_otlp(t->pipeline, j->spans - j->without_ids);
    settle_waiting(j, result, err.text);
}

static void settle_waiting(struct otlp_job *j, enum push_result r,
                           const char *why)
{
    struct intake *in = j->taker->intake;
    if (r == PUSH_ACCEPTED) {
        *in->accepted += j->waiting;
        j->accepted += j->waiting;
        j->waiting = 0;
    }
    for (; j->waiting > 0; j->waiting--) {
        if (r == PUSH_FULL)
            leave_out(j);
        else
            reject(j, REJECT_INVALID, why);
    }
}

static void reject(struct otlp_job *j, enum reject_reason reason,
                   const char *why)
{
    otlp_taker_reject(j->taker, reason, why);
    j->rejected++;
    if (!j->why.text[0])
        err_set(&j->why, "%s", why);
}

/* What can't be read holds an unknown number of spans: one is counted. */
static void job_fail(struct otlp_job *j, enum otlp_verdict verdict,
                     const char *why)
{
    bool large = verdict == OTLP_TOO_LARGE;
    otlp_taker_reject(j->taker,
                      large ? REJECT_TOO_LARGE : REJECT_OTLP_MALFORMED, why);
    j->verdict = verdict;
    err_set(&j->why, "%s", why);
    j->phase = JOB_DONE;
}

static void job_retry_unread(struct otlp_job *j, const char *why)
{
    ++*j->taker->intake->retry;
    j->verdict = OTLP_RETRY;
    err_set(&j->why, "%s", why);
    j->phase = JOB_DONE;
}

/* Tells the outcome; the job is free for the next body then. */
static void job_end(struct otlp_job *j)
{
    struct otlp_taker *t = j->taker;
    char text[640];
    uint64_t held;
    if (j->verdict == OTLP_TAKEN && j->left_out > 0)
        j->verdict = OTLP_RETRY;
    struct otlp_outcome o = {j->verdict, j->accepted, j->rejected,
                             job_message(j, text, sizeof(text))};
    if (*o.message &&
        log_limit_pass(&t->limit, loop_now_ms(t->loop), LOG_EVERY_MS, &held))
        log_warn("%s: %s (%llu such requests more before)", t->o.intake,
                 o.message, (unsigned long long)held);
    otlp_done_fn fn = j->fn;
    void *arg = j->arg;
    job_release(j);
    if (t->o.on_busy && pipeline_busy(t->pipeline))
        t->o.on_busy(t->o.arg);
    fn(arg, &o);
}

static const char *job_message(struct otlp_job *j, char *text, size_t size)
{
    unsigned long long rejected = j->rejected, left_out = j->items_left_out;
    text[0] = '\0';
    if (j->verdict == OTLP_RETRY && j->left_out > 0)
        snprintf(text, size, "the buffer is full; send the spans again later");
    else if (j->verdict != OTLP_TAKEN)
        snprintf(text, size, "%s", j->why.text);
    else if (rejected > 0)
        snprintf(text, size, "%llu of %llu spans rejected; the first: %s",
                 rejected, rejected + j->accepted, j->why.text);
    size_t n = strlen(text);
    if (j->verdict == OTLP_TAKEN && left_out > 0)
        snprintf(text + n, size - n, "%s%llu items of long lists left out",
                 n ? "; " : "", left_out);
    return text;
}

static void job_release(struct otlp_job *j)
{
    struct otlp_taker *t = j->taker;
    otlp_decoder_free(j->decoder);
    j->decoder = NULL;
    if (t->n_idle >= IDLE_JOBS) {
        job_free(j);
        return;
    }
    arena_reset(&j->arena);
    otlp_encoder_begin(&j->encoder);
    buf_recycle(&j->unpacked, SLICE_UNPACKED);
    j->next = t->idle;
    t->idle = j;
    t->n_idle++;
}

static void job_free(struct otlp_job *j)
{
    inflater_free(j->inflater);
    buf_fini(&j->unpacked);
    otlp_encoder_fini(&j->encoder);
    arena_fini(&j->arena);
    free(j);
}

static void queue_add(struct otlp_taker *t, struct otlp_job *j)
{
    j->next = NULL;
    if (t->last)
        t->last->next = j;
    else
        t->first = j;
    t->last = j;
    if (!timer_running(t->turn))
        timer_start(t->turn, 0);
}

static void queue_remove(struct otlp_taker *t, struct otlp_job *j)
{
    struct otlp_job *before = NULL;
    for (struct otlp_job *at = t->first; at != j; at = at->next) {
        assert(at);
        before = at;
    }
    if (before)
        before->next = j->next;
    else
        t->first = j->next;
    if (t->last == j)
        t->last = before;
}

/* One slice of a large job or, as long as one lasts, several small jobs; those
 * first that have waited longest. */
static void on_turn(void *arg)
{
    struct otlp_taker *t = arg;
    int64_t end = clock_mono_us() + SLICE_US;
    for (bool small = true; small && t->first && clock_mono_us() < end;) {
        struct otlp_job *j = t->first;
        queue_remove(t, j);
        job_slice(j);
        small = j->phase == JOB_DONE;
        if (small)
            job_end(j);
        else
            queue_add(t, j);
    }
    if (t->first && !timer_running(t->turn))
        timer_start(t->turn, 0);
}
