/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an answer means for each document of a batch. An accepted batch may
 * name documents that were not processed, by segment id or, with some
 * backends, without: those to be tried again, to be mended and to be given up
 * part ways here, into batches of their own. Where it cannot be told which
 * document is meant, the batch is halved and sent again until it can; X-Ray
 * takes the same document twice without harm.
 */
#include "xray_parts.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "xr/arena.h"
#include "xr/json_scan.h"

#define GOOD_ANSWER "{\"UnprocessedTraceSegments\":[]}"
#define ENTRIES_MAX 1024 /* more than a batch has documents */
#define DRAIN_WAIT_MS 250
#define REFUSED_LOG_MS 1000
#define ARENA_SLACK 65536
#define LOAD_FLAGS (JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL)

enum fate {
    FATE_DELIVERED,
    FATE_AGAIN,
    FATE_REPAIR,
    FATE_REFUSED,
    FATE_UNKNOWN, /* this one or another of the batch */
};

/* The settling of one batch. */
struct settling {
    struct xray *x;
    struct upload *u;
    struct batch *b;
    enum fate fate[BATCH_DOCUMENTS_MAX];
    struct xray_error error[BATCH_DOCUMENTS_MAX];
    bool wait; /* unknown ones: something passing was among the causes */
    struct arena arena;
    struct segment facts[BATCH_DOCUMENTS_MAX]; /* once scanned is set */
    bool scanned;
};

/* One element of UnprocessedTraceSegments. */
struct entry {
    const char *id; /* "" without */
    struct xray_error error;
};

static json_t *load(struct slice text);
static void apply(struct settling *s, json_t *list);
static void read_entry(json_t *item, struct entry *out);
static int find_document(struct settling *s, const char *id);
static void give_to(struct settling *s, unsigned i, const struct xray_error *e);
static void give_rest(struct settling *s, const struct entry *rest,
                      unsigned n_rest);
static void scan(struct settling *s);
static struct slice plain_document(struct settling *s, unsigned i);
static void carry_out(struct settling *s);
static void carry_again(struct settling *s);
static void carry_repair(struct settling *s);
static void carry_unknown(struct settling *s);
static void refuse_one(struct settling *s, unsigned i);
static struct batch *child_of(struct settling *s);
static void child_done(struct settling *s, struct batch *child, bool repaired,
                       int64_t wait_ms);
static int64_t backoff(const struct settling *s);
static void lost(struct settling *s, unsigned n);
static unsigned count(const struct settling *s, enum fate fate);
static const char *text_of(json_t *object, const char *a, const char *b);
static void copy_text(char *to, size_t size, const char *from, size_t n);

void xray_read_error(const struct client_answer *a, struct xray_error *out)
{
    *out = (struct xray_error){0};
    struct slice type = client_answer_header(a, "X-Amzn-ErrorType");
    json_t *root = load(a->body);
    if (type.n == 0)
        type = slice_str(text_of(root, "__type", "code"));
    if (type.n == 0)
        type = slice_str(text_of(root, "Code", "code"));
    type = retry_code(type);
    copy_text(out->code, sizeof(out->code), type.p, type.n);
    const char *message = text_of(root, "message", "Message");
    copy_text(out->message, sizeof(out->message), message, strlen(message));
    json_decref(root);
}

bool xray_settle(struct xray *x, struct upload *u,
                 const struct client_answer *a)
{
    struct batch *b = u->batch;
    if (a->body.n == 0 || slice_is(a->body, GOOD_ANSWER)) {
        *x->sink.delivered += b->n;
        xray_recycle(x, b);
        return true;
    }
    json_t *root = load(a->body);
    if (!json_is_object(root)) {
        json_decref(root);
        return false;
    }
    struct settling s = {.x = x, .u = u, .b = b};
    arena_init(&s.arena, 2 * b->body.n + ARENA_SLACK);
    apply(&s, json_object_get(root, "UnprocessedTraceSegments"));
    carry_out(&s);
    arena_fini(&s.arena);
    json_decref(root);
    return true;
}

void xray_refuse(struct xray *x, struct upload *u, const struct xray_error *e)
{
    struct settling s = {.x = x, .u = u, .b = u->batch};
    uint64_t missed;
    arena_init(&s.arena, 2 * s.b->body.n + ARENA_SLACK);
    if (s.b->n == 1) {
        give_to(&s, 0, e);
        if (s.fate[0] == FATE_AGAIN) /* the class of the batch has been asked */
            s.fate[0] = FATE_REFUSED;
    } else {
        for (unsigned i = 0; i < s.b->n; i++)
            s.fate[i] = FATE_UNKNOWN;
        if (log_limit_pass(&x->split_limit, loop_now_ms(x->loop),
                           XRAY_LOG_EVERY_MS, &missed))
            log_warn("X-Ray refused a batch of %u segments (%s%s%s); it is "
                     "split to find the segment at fault",
                     s.b->n, e->code[0] ? e->code : "no code",
                     e->message[0] ? ": " : "", e->message);
    }
    carry_out(&s);
    arena_fini(&s.arena);
}

/* A message that quotes a document may hold bytes that are no UTF-8, for which
 * the answer as a whole must not be taken for bad. */
static json_t *load(struct slice text)
{
    json_t *root = json_loadb(text.p ? text.p : "", text.n, LOAD_FLAGS, NULL);
    char *copy = root || text.n == 0 ? NULL : malloc(text.n);
    if (!copy)
        return root;
    for (size_t i = 0; i < text.n; i++)
        copy[i] = (signed char)text.p[i] < 0 ? '?' : text.p[i];
    root = json_loadb(copy, text.n, LOAD_FLAGS, NULL);
    free(copy);
    return root;
}

/* First what names a document, then the rest. */
static void apply(struct settling *s, json_t *list)
{
    struct entry rest[BATCH_DOCUMENTS_MAX];
    unsigned n_rest = 0;
    size_t n = json_array_size(list);
    for (size_t i = 0; i < n && i < ENTRIES_MAX; i++) {
        struct entry e;
        read_entry(json_array_get(list, i), &e);
        int at = find_document(s, e.id);
        if (at >= 0)
            give_to(s, (unsigned)at, &e.error);
        else if (n_rest < BATCH_DOCUMENTS_MAX)
            rest[n_rest++] = e;
    }
    give_rest(s, rest, n_rest);
}

static void read_entry(json_t *item, struct entry *out)
{
    const char *code = text_of(item, "ErrorCode", "errorCode");
    const char *message = text_of(item, "Message", "message");
    out->id = text_of(item, "Id", "id");
    out->error = (struct xray_error){0};
    copy_text(out->error.code, sizeof(out->error.code), code, strlen(code));
    copy_text(out->error.message, sizeof(out->error.message), message,
              strlen(message));
}

/* The same id may come twice in a batch (a segment in progress, and whole). */
static int find_document(struct settling *s, const char *id)
{
    if (!id[0])
        return -1;
    scan(s);
    for (unsigned i = 0; i < s->b->n; i++) {
        if (s->fate[i] == FATE_DELIVERED && slice_is(s->facts[i].id, id))
            return (int)i;
    }
    return -1;
}

static void give_to(struct settling *s, unsigned i, const struct xray_error *e)
{
    enum retry_class class = retry_classify_document(slice_str(e->code));
    bool name = strcmp(e->code, "InvalidName") == 0;
    s->error[i] = *e;
    if (class != RETRY_REFUSED)
        s->fate[i] = FATE_AGAIN;
    else if (name && s->x->o.repair_names && !s->u->repaired)
        s->fate[i] = FATE_REPAIR;
    else
        s->fate[i] = FATE_REFUSED;
}

/* Entries that name no document: by position if they are as many as the
 * documents left over. */
static void give_rest(struct settling *s, const struct entry *rest,
                      unsigned n_rest)
{
    unsigned left = count(s, FATE_DELIVERED), taken = 0;
    if (n_rest == 0)
        return;
    for (unsigned i = 0; i < n_rest; i++) {
        struct slice code = slice_str(rest[i].error.code);
        if (retry_classify_document(code) != RETRY_REFUSED)
            s->wait = true;
    }
    for (unsigned i = 0; i < s->b->n; i++) {
        if (s->fate[i] != FATE_DELIVERED)
            continue;
        if (n_rest >= left)
            give_to(s, i, &rest[taken++].error);
        else
            s->fate[i] = FATE_UNKNOWN;
    }
}

static void scan(struct settling *s)
{
    if (s->scanned)
        return;
    s->scanned = true;
    for (unsigned i = 0; i < s->b->n; i++)
        segment_scan(plain_document(s, i), &s->facts[i], NULL);
}

static struct slice plain_document(struct settling *s, unsigned i)
{
    struct slice raw = batch_document(s->b, i);
    char *text = arena_alloc(&s->arena, raw.n);
    return slice_of(text, text ? js_unescape(raw, text) : 0);
}

/* The batch is gone afterwards: each document is counted or in a new one. */
static void carry_out(struct settling *s)
{
    struct xray *x = s->x;
    *x->sink.delivered += count(s, FATE_DELIVERED);
    carry_repair(s); /* may give up on some */
    carry_again(s);
    carry_unknown(s);
    for (unsigned i = 0; i < s->b->n; i++) {
        if (s->fate[i] == FATE_REFUSED)
            refuse_one(s, i);
    }
    xray_recycle(x, s->b);
}

static void carry_again(struct settling *s)
{
    unsigned n = count(s, FATE_AGAIN);
    struct batch *child = n ? child_of(s) : NULL;
    if (!child) {
        lost(s, n);
        return;
    }
    for (unsigned i = 0; i < s->b->n; i++) {
        if (s->fate[i] == FATE_AGAIN &&
            !batch_append_escaped(child, batch_document(s->b, i)))
            lost(s, 1);
    }
    child->attempts = s->b->attempts;
    child_done(s, child, s->u->repaired, backoff(s));
}

static void carry_repair(struct settling *s)
{
    unsigned n = count(s, FATE_REPAIR);
    struct batch *child = n ? child_of(s) : NULL;
    struct buf out;
    buf_init(&out, s->b->body.max);
    for (unsigned i = 0; i < s->b->n; i++) {
        if (s->fate[i] != FATE_REPAIR)
            continue;
        buf_clear(&out);
        if (child && xray_repair_names(plain_document(s, i), &out) &&
            batch_append(child, buf_slice(&out)))
            ++*s->x->n.repairs;
        else
            s->fate[i] = FATE_REFUSED;
    }
    buf_fini(&out);
    if (child)
        child_done(s, child, true, 0);
}

static void carry_unknown(struct settling *s)
{
    unsigned n = count(s, FATE_UNKNOWN), i = 0;
    if (n == 0)
        return;
    ++*s->x->n.splits;
    for (unsigned half = 0; half < 2; half++) {
        unsigned want = half == 0 ? n / 2 : n - n / 2;
        struct batch *child = child_of(s);
        for (; want > 0; i++) {
            if (s->fate[i] != FATE_UNKNOWN)
                continue;
            want--;
            if (!child || !batch_append_escaped(child, batch_document(s->b, i)))
                lost(s, 1);
        }
        if (child)
            child_done(s, child, s->u->repaired, s->wait ? backoff(s) : 0);
    }
}

static void refuse_one(struct settling *s, unsigned i)
{
    struct xray *x = s->x;
    const struct xray_error *e = &s->error[i];
    uint64_t missed;
    ++*x->sink.refused;
    xray_count_refused(x, e->code);
    if (!log_limit_pass(&x->document_limit, loop_now_ms(x->loop),
                        REFUSED_LOG_MS, &missed))
        return;
    scan(s);
    char more[48] = "";
    if (missed)
        snprintf(more, sizeof(more), " (%" PRIu64 " others since)", missed);
    log_error("X-Ray refused a segment%s: trace ID %.*s, segment ID %.*s, "
              "%s: %s",
              more, SLICE_ARG(s->facts[i].trace_id), SLICE_ARG(s->facts[i].id),
              e->code[0] ? e->code : "no code",
              e->message[0] ? e->message : "no message");
}

/* An empty batch for documents of this one; each fits, since it did here. */
static struct batch *child_of(struct settling *s)
{
    struct batch *child = xray_take_batch(s->x, s->b->body.n);
    if (child && child->body.max < s->b->body.max)
        child->body.max = s->b->body.max;
    return child;
}

static void child_done(struct settling *s, struct batch *child, bool repaired,
                       int64_t wait_ms)
{
    if (child->n == 0) {
        xray_recycle(s->x, child);
        return;
    }
    child->first_ms = s->b->first_ms;
    xray_upload_of(s->x, child)->repaired = repaired;
    batch_seal(child);
    xray_again(s->x, child, wait_ms);
}

static int64_t backoff(const struct settling *s)
{
    int64_t ms =
        retry_backoff_ms(s->b->attempts, s->x->o.backoff_max_ms, xray_random());
    return s->x->drain.begun && ms > DRAIN_WAIT_MS ? DRAIN_WAIT_MS : ms;
}

/* For want of memory, which is the only way here. */
static void lost(struct settling *s, unsigned n)
{
    *s->x->sink.dropped += n;
}

static unsigned count(const struct settling *s, enum fate fate)
{
    unsigned n = 0;
    for (unsigned i = 0; i < s->b->n; i++)
        n += s->fate[i] == fate;
    return n;
}

/* The first of two members that is a text, else "". */
static const char *text_of(json_t *object, const char *a, const char *b)
{
    json_t *v = json_object_get(object, a);
    if (!json_is_string(v))
        v = json_object_get(object, b);
    const char *text = json_string_value(v);
    return text ? text : "";
}

static void copy_text(char *to, size_t size, const char *from, size_t n)
{
    if (n >= size)
        n = size - 1;
    if (n > 0)
        memcpy(to, from, n);
    to[n] = '\0';
}
