/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes documents out of the pipeline: checks what makes one of a trace, hands
 * it to the store byte for byte. Counts them when the store has told what
 * became of them.
 */
#include "traces.h"

#include "trace.h"
#include "trace_id.h"
#include "xr/clock.h"
#include "xr/hash.h"

#define AGE_MAX_S (30 * 86400.0)
#define AHEAD_MAX_S 600.0
#define REDACTED_MAX (32u << 20)
#define WARN_EVERY_MS 10000

static enum push_result push(struct sink *s, const struct segment *seg,
                             enum push_when_full when_full, struct err *err);
static bool keep(struct traces *t, const struct store_document *d);
static bool has_room(struct sink *s, size_t bytes);
static void flush(struct sink *s);
static uint64_t pending(struct sink *s);
static const char *check(const struct segment *seg, bool strict, double now,
                         struct store_document *out);
static bool is_too_deep(struct slice document);
static bool is_of_age(const uint8_t *trace_id, double now);

void traces_init(struct traces *t, bool strict, traces_taken_fn taken,
                 void *arg)
{
    *t = (struct traces){.strict = strict, .taken = taken, .taken_arg = arg};
    buf_init(&t->redacted, REDACTED_MAX);
    t->sink.name = "local";
    t->sink.push = push;
    t->sink.has_room = has_room;
    t->sink.flush = flush;
    t->sink.pending = pending;
}

void traces_fini(struct traces *t)
{
    buf_fini(&t->redacted);
}

/* The word of the service for what is wrong with a document, NULL if nothing
 * is: then *out is what the store takes. now: epoch seconds. */
static const char *check(const struct segment *seg, bool strict, double now,
                         struct store_document *out)
{
    *out = (struct store_document){.subsegment = seg->subsegment,
                                   .in_progress = seg->in_progress,
                                   .start = seg->start_time,
                                   .end = seg->end_time,
                                   .received = now,
                                   .name = seg->name,
                                   .body = seg->document};
    if (is_too_deep(seg->document))
        return "ParseError";
    if (seg->id.n == 0)
        return "MissingId";
    if (seg->id.n != 2 * STORE_ID || !hex_decode(seg->id, out->id, STORE_ID))
        return "InvalidId";
    if (seg->trace_id.n == 0)
        return "MissingTraceId";
    if (!trace_id_read(seg->trace_id, out->trace_id) ||
        (strict && !is_of_age(out->trace_id, now)))
        return "InvalidTraceId";
    if (strict && seg->document.n > SEGMENT_MAX_BYTES)
        return "SegmentTooLarge";
    if (seg->name.n == 0)
        return "MissingName";
    if (seg->start_time == 0)
        return "MissingStartTime";
    if (seg->end_time == 0 && !seg->in_progress)
        return "MissingEndTime";
    out->has_parent = seg->parent_id.n == 2 * STORE_ID &&
                      hex_decode(seg->parent_id, out->parent, STORE_ID);
    return NULL;
}

/* Nobody could read it later. It is known to be JSON. */
static bool is_too_deep(struct slice document)
{
    unsigned depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < document.n; i++) {
        char c = document.p[i];
        if (c == '"')
            quoted = !quoted;
        else if (quoted && c == '\\')
            i++;
        else if (!quoted && (c == '{' || c == '['))
            depth++;
        else if (!quoted && (c == '}' || c == ']'))
            depth--;
        if (depth > TRACE_JSON_DEPTH_MAX)
            return true;
    }
    return false;
}

static bool is_of_age(const uint8_t *trace_id, double now)
{
    double second = trace_id_second(trace_id);
    return second >= now - AGE_MAX_S && second <= now + AHEAD_MAX_S;
}

const char *traces_take(struct traces *t, struct slice document,
                        struct err *err)
{
    struct segment seg;
    struct store_document d;
    if (segment_scan(document, &seg, err) < 0)
        return "ParseError";
    const char *wrong =
        check(&seg, t->strict, (double)clock_wall_ms() / 1e3, &d);
    if (wrong)
        return wrong;
    return keep(t, &d) ? NULL : "StoreFull";
}

/* The word stands behind "ErrorCode: ", as the service writes it. What is
 * refused for want of room can't be made good by dropping older ones: those
 * are on their way to the disk. */
static enum push_result push(struct sink *s, const struct segment *seg,
                             enum push_when_full when_full, struct err *err)
{
    struct traces *t = (struct traces *)s;
    struct store_document d;
    const char *wrong =
        check(seg, t->strict, (double)clock_wall_ms() / 1e3, &d);
    if (wrong) {
        err_set(err, "Invalid segment. ErrorCode: %s", wrong);
        return PUSH_INVALID;
    }
    if (keep(t, &d))
        return PUSH_ACCEPTED;
    if (when_full == WHEN_FULL_REFUSE)
        return PUSH_FULL;
    ++*s->made;
    ++*s->dropped;
    return PUSH_ACCEPTED;
}

static bool keep(struct traces *t, const struct store_document *d)
{
    struct store_document kept = *d;
    if (redact_document(&t->redact, d->body, &t->redacted))
        kept.body = buf_slice(&t->redacted);
    if (!store_put(t->store, &kept))
        return false;
    ++*t->sink.made;
    if (t->taken)
        t->taken(t->taken_arg, kept.body, d->received);
    return true;
}

static bool has_room(struct sink *s, size_t bytes)
{
    return store_has_room(((struct traces *)s)->store, bytes);
}

static void flush(struct sink *s)
{
    store_flush(((struct traces *)s)->store, NULL, NULL);
}

static uint64_t pending(struct sink *s)
{
    return store_pending(((struct traces *)s)->store);
}

void traces_on_tally(struct traces *t, const struct store_tally *tally)
{
    *t->sink.delivered += tally->kept;
    *t->sink.refused += tally->refused;
    *t->sink.dropped += tally->lost;
    if (tally->refused > 0 &&
        log_limit_pass(&t->beyond, clock_mono_ms(), WARN_EVERY_MS, NULL))
        log_warn("%llu documents are refused: their trace has %d documents or "
                 "%u MB already, which is all that one may have",
                 (unsigned long long)tally->refused, STORE_TRACE_DOCUMENTS_MAX,
                 STORE_TRACE_BYTES_MAX >> 20);
}
