/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A PutTraceSegments body built in place. Each document is escaped straight
 * into the body, and hashed while it is still in the cache; sealing costs two
 * bytes and the end of the hash. Pure: knows no socket, clock or sink.
 */
#include "xr/batch.h"

#include <assert.h>
#include <stdlib.h>

#include "xr/json_out.h"

#define BODY_OPEN "{\"TraceSegmentDocuments\":["
#define BODY_CLOSE "]}"
/* Comma, two quotes and the close of the body. */
#define DOCUMENT_FRAME (3 + sizeof(BODY_CLOSE) - 1)
/* Bytes of escapes that a document is at first given room for. */
#define ESCAPE_ALLOWANCE(n) ((n) / 8 + 64)

static size_t memory_of(const struct batch *b);
static bool begin_document(struct batch *b, size_t n);
static bool end_document(struct batch *b);
static void take_back(struct batch *b, size_t body_n);
static bool escape_into(struct buf *body, struct slice document);
static void account(struct batch *b, size_t memory_before);

struct batch *batch_new(size_t body_max)
{
    struct batch *b = calloc(1, sizeof(*b));
    if (b == NULL)
        return NULL;
    b->hash = sha256_new();
    if (b->hash == NULL) {
        free(b);
        return NULL;
    }
    buf_init(&b->body, body_max);
    return b;
}

void batch_free(struct batch *b)
{
    if (b == NULL)
        return;
    assert(b->list == NULL);
    buf_fini(&b->body);
    sha256_free(b->hash);
    free(b);
}

void batch_set_state(struct batch *b, enum batch_state state,
                     struct batch_list *to)
{
    struct batch_list *from = b->list;
    if (from != NULL) {
        *(b->prev ? &b->prev->next : &from->first) = b->next;
        *(b->next ? &b->next->prev : &from->last) = b->prev;
        from->n--;
        from->bytes -= memory_of(b);
        from->documents -= b->n;
    }
    b->state = state;
    b->list = to;
    b->next = b->prev = NULL;
    if (to == NULL)
        return;
    b->prev = to->last;
    *(to->last ? &to->last->next : &to->first) = b;
    to->last = b;
    to->n++;
    to->bytes += memory_of(b);
    to->documents += b->n;
}

void batch_reset(struct batch *b)
{
    if (b->list != NULL)
        b->list->documents -= b->n;
    buf_clear(&b->body);
    b->hashed = 0;
    b->n = 0;
    b->first_ms = b->due_ms = 0;
    b->attempts = 0;
    b->owner = NULL;
}

bool batch_append(struct batch *b, struct slice document)
{
    size_t before = b->body.n, memory = memory_of(b);
    bool ok = begin_document(b, document.n) &&
              escape_into(&b->body, document) && end_document(b);
    if (!ok)
        take_back(b, before);
    account(b, memory);
    return ok;
}

bool batch_append_escaped(struct batch *b, struct slice escaped)
{
    size_t before = b->body.n, memory = memory_of(b);
    bool ok = begin_document(b, escaped.n);
    if (ok) {
        buf_append(&b->body, escaped);
        ok = end_document(b);
    }
    if (!ok)
        take_back(b, before);
    account(b, memory);
    return ok;
}

void batch_seal(struct batch *b)
{
    assert(b->n > 0);
    buf_append(&b->body, SLICE(BODY_CLOSE));
    assert(!b->body.failed); /* end_document has kept the room */
    sha256_update(b->hash,
                  slice_of(b->body.p + b->hashed, b->body.n - b->hashed));
    b->hashed = b->body.n;
    sha256_final(b->hash, b->sha256);
}

struct slice batch_document(const struct batch *b, unsigned i)
{
    assert(i < b->n);
    return slice_of(b->body.p + b->begin[i], b->end[i] - b->begin[i]);
}

/* Struct and body with slack, bytes. */
static size_t memory_of(const struct batch *b)
{
    return sizeof(*b) + b->body.cap;
}

/* Writes what stands before the document's text. */
static bool begin_document(struct batch *b, size_t n)
{
    if (b->n == BATCH_DOCUMENTS_MAX)
        return false;
    if (b->body.n + n + DOCUMENT_FRAME > b->body.max)
        return false; /* cannot fit, however little is escaped */
    if (b->n == 0) {
        buf_append(&b->body, SLICE(BODY_OPEN));
        sha256_reset(b->hash);
        b->hashed = 0;
    } else {
        buf_byte(&b->body, ',');
    }
    buf_byte(&b->body, '"');
    b->begin[b->n] = (uint32_t)b->body.n;
    return !b->body.failed;
}

/* Closes the document's text, keeps room for the close of the body and lets
 * the hash catch up. */
static bool end_document(struct batch *b)
{
    struct buf *body = &b->body;
    if (body->failed || body->n + DOCUMENT_FRAME > body->max)
        return false;
    b->end[b->n] = (uint32_t)body->n;
    buf_byte(body, '"');
    if (buf_reserve(body, sizeof(BODY_CLOSE) - 1) == NULL)
        return false;
    sha256_update(b->hash, slice_of(body->p + b->hashed, body->n - b->hashed));
    b->hashed = body->n;
    b->n++;
    if (b->list != NULL)
        b->list->documents++;
    return true;
}

/* The hash never ran ahead of a document that was taken, so only the text
 * goes. */
static void take_back(struct batch *b, size_t body_n)
{
    b->body.n = body_n;
    b->body.failed = false;
}

static bool escape_into(struct buf *body, struct slice document)
{
    while (document.n > 0) {
        size_t room = body->max - body->n;
        size_t want = document.n + ESCAPE_ALLOWANCE(document.n);
        if (room < 6)
            return false;
        char *dst = buf_reserve(body, want < room ? want : room);
        if (dst == NULL)
            return false;
        body->n += json_escape(dst, body->cap - body->n, &document);
    }
    return true;
}

/* Keeps the list's sum right when the batch's memory has changed. */
static void account(struct batch *b, size_t memory_before)
{
    if (b->list != NULL)
        b->list->bytes += memory_of(b) - memory_before;
}
