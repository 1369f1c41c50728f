/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes a batch: documents in groups by trace, then, once for each trace
 * touched, the rows by which it is found, made anew from all its documents.
 */
#include <stdlib.h>

#include "worker.h"

/* A group of documents of one trace. */
struct group {
    const struct batch *batch;
    unsigned from, to;
    /* of the trace before the group */
    bool known, limit;
    int64_t docs, bytes, rev, pin;
    double received;
};

static int by_trace(const void *a, const void *b);
static enum db_result write_group(struct worker *w, struct batch *b,
                                  struct group *g);
static enum db_result look_up(struct worker *w, struct group *g);
static enum db_result put_documents(struct worker *w, struct batch *b,
                                    struct group *g);
static enum db_result put_document(struct worker *w, const struct batch *b,
                                   const struct batch_document *d);
static enum db_result index_trace(struct worker *w, struct batch *b,
                                  const struct group *g);
static enum db_result put_row(struct worker *w, const struct group *g,
                              const struct store_trace *t,
                              const struct store_row *row);
static enum db_result put_services(struct worker *w, const uint8_t *id,
                                   const struct store_row *row);
static enum db_result put_annotations(struct worker *w, const uint8_t *id,
                                      const struct store_row *row);
static void tell(struct batch *b, const struct store_trace *t,
                 const struct store_row *row);

enum db_result write_batch(struct worker *w, struct batch *b)
{
    enum db_result r = db_run(w->file.st[SQL_BEGIN]);
    b->tally = (struct store_tally){0};
    b->n_changes = 0;
    arena_reset(&b->told);
    b->changes = w->options.on_change
                     ? arena_alloc(&b->told, b->n * sizeof(*b->changes))
                     : NULL;
    qsort(b->documents, b->n, sizeof(b->documents[0]), by_trace);
    for (unsigned i = 0, end; r == DB_DONE && i < b->n; i = end) {
        for (end = i + 1; end < b->n; end++)
            if (memcmp(b->documents[i].facts.trace_id,
                       b->documents[end].facts.trace_id, STORE_TRACE_ID) != 0)
                break;
        struct group g = {.batch = b, .from = i, .to = end};
        r = write_group(w, b, &g);
    }
    if (r == DB_DONE)
        r = db_run(w->file.st[SQL_COMMIT]);
    if (r != DB_DONE)
        sql_rollback(&w->file);
    return r;
}

enum db_result write_delete(struct worker *w, const uint8_t *id)
{
    static const enum sql steps[] = {SQL_DOC_DELETE, SQL_SVC_DELETE,
                                     SQL_ANN_DELETE, SQL_TRACE_DELETE};
    enum db_result r = DB_DONE;
    for (size_t i = 0; r == DB_DONE && i < sizeof(steps) / sizeof(steps[0]);
         i++) {
        struct db_statement *s = w->file.st[steps[i]];
        db_bind_blob(s, 1, id, STORE_TRACE_ID);
        r = db_run(s);
    }
    return r;
}

/* Within a trace the order of arrival stays. */
static int by_trace(const void *a, const void *b)
{
    const struct batch_document *l = a, *r = b;
    int c = memcmp(l->facts.trace_id, r->facts.trace_id, STORE_TRACE_ID);
    if (c != 0)
        return c;
    return l->order < r->order ? -1 : 1;
}

static enum db_result write_group(struct worker *w, struct batch *b,
                                  struct group *g)
{
    enum db_result r = look_up(w, g);
    if (r == DB_DONE)
        r = put_documents(w, b, g);
    return r == DB_DONE ? index_trace(w, b, g) : r;
}

static enum db_result look_up(struct worker *w, struct group *g)
{
    struct db_statement *s = w->file.st[SQL_TRACE_GET];
    db_bind_blob(s, 1, g->batch->documents[g->from].facts.trace_id,
                 STORE_TRACE_ID);
    enum db_result r = db_step(s);
    if (r != DB_ROW)
        return r;
    g->known = true;
    g->docs = db_int(s, 0);
    g->bytes = db_int(s, 1);
    g->rev = db_int(s, 2);
    g->limit = db_int(s, 4) & SQL_FLAG_LIMIT;
    g->pin = db_int(s, 5);
    db_reset(s);
    return DB_DONE;
}

static enum db_result put_documents(struct worker *w, struct batch *b,
                                    struct group *g)
{
    g->rev -= !g->known;
    for (unsigned i = g->from; i < g->to; i++) {
        const struct batch_document *d = &b->documents[i];
        int64_t n = (int64_t)d->facts.body.n;
        if (g->docs >= STORE_TRACE_DOCUMENTS_MAX ||
            g->bytes + n > STORE_TRACE_BYTES_MAX) {
            g->limit = true;
            b->tally.refused++;
            continue;
        }
        enum db_result r = put_document(w, b, d);
        if (r != DB_DONE)
            return r;
        g->docs++;
        g->bytes += n;
        g->rev++;
        g->received = d->facts.received;
        b->tally.kept++;
    }
    return DB_DONE;
}

static enum db_result put_document(struct worker *w, const struct batch *b,
                                   const struct batch_document *d)
{
    const struct store_document *f = &d->facts;
    struct db_statement *s = w->file.st[SQL_DOC_PUT];
    db_bind_blob(s, 1, f->trace_id, STORE_TRACE_ID);
    db_bind_blob(s, 2, f->id, STORE_ID);
    if (f->has_parent)
        db_bind_blob(s, 3, f->parent, STORE_ID);
    db_bind_int(s, 4,
                (f->subsegment ? KIND_SUBSEGMENT : 0) |
                    (f->in_progress ? KIND_IN_PROGRESS : 0));
    db_bind_real(s, 5, f->start);
    if (!f->in_progress)
        db_bind_real(s, 6, f->end);
    db_bind_text(s, 7, slice_of(b->bytes.p + d->name_at, f->name.n));
    db_bind_real(s, 8, f->received);
    db_bind_blob(s, 9, b->bytes.p + d->body_at, f->body.n);
    return db_run(s);
}

/* A trace that the index function can't read is found by what its id and its
 * first document say. */
static enum db_result index_trace(struct worker *w, struct batch *b,
                                  const struct group *g)
{
    const struct store_document *first = &b->documents[g->from].facts;
    struct store_trace t;
    struct store_row row = {.start = first->start,
                            .end = first->start,
                            .response_time = -1,
                            .flags = STORE_PARTIAL};
    int64_t epoch;
    enum db_result r = read_trace(w, first->trace_id, &t, &epoch);
    if (r != DB_ROW)
        return r;
    for (int i = 0; i < 4; i++)
        row.epoch = row.epoch << 8 | t.id[i];
    t.revision = (uint64_t)g->rev;
    t.limit_exceeded = g->limit;
    if (g->received > 0)
        t.received = g->received;
    struct store_row made = row;
    if (w->options.index &&
        w->options.index(w->options.arg, &t, &w->arena, &made))
        row = made;
    r = put_row(w, g, &t, &row);
    if (r == DB_DONE)
        r = put_services(w, t.id, &row);
    if (r == DB_DONE)
        r = put_annotations(w, t.id, &row);
    if (r == DB_DONE)
        tell(b, &t, &row);
    return r;
}

static enum db_result put_row(struct worker *w, const struct group *g,
                              const struct store_trace *t,
                              const struct store_row *row)
{
    struct db_statement *s = w->file.st[SQL_TRACE_PUT];
    size_t bytes = 0;
    for (size_t i = 0; i < t->n; i++)
        bytes += t->bodies[i].n;
    db_bind_blob(s, 1, t->id, STORE_TRACE_ID);
    db_bind_int(s, 2, row->epoch);
    db_bind_real(s, 3, row->start);
    db_bind_real(s, 4, row->end);
    db_bind_real(s, 5, row->duration);
    db_bind_real(s, 6, row->response_time);
    db_bind_int(s, 7, row->flags | (g->limit ? SQL_FLAG_LIMIT : 0));
    db_bind_int(s, 8, row->status);
    db_bind_text(s, 9, row->method);
    db_bind_text(s, 10, row->url);
    db_bind_text(s, 11, row->entry);
    db_bind_text(s, 12, row->entry_type);
    db_bind_int(s, 13, row->spans);
    db_bind_int(s, 14, (int64_t)t->n);
    db_bind_int(s, 15, (int64_t)bytes);
    db_bind_real(s, 16, t->received);
    db_bind_int(s, 17, g->rev);
    db_bind_int(s, 18, g->pin);
    return db_run(s);
}

static enum db_result put_services(struct worker *w, const uint8_t *id,
                                   const struct store_row *row)
{
    struct db_statement *s = w->file.st[SQL_SVC_DELETE];
    db_bind_blob(s, 1, id, STORE_TRACE_ID);
    enum db_result r = db_run(s);
    s = w->file.st[SQL_SVC_PUT];
    for (size_t i = 0; r == DB_DONE && i < row->n_services; i++) {
        db_bind_blob(s, 1, id, STORE_TRACE_ID);
        db_bind_text(s, 2, row->services[i].name);
        db_bind_text(s, 3, row->services[i].type);
        db_bind_int(s, 4, row->services[i].flags);
        r = db_run(s);
    }
    return r;
}

static enum db_result put_annotations(struct worker *w, const uint8_t *id,
                                      const struct store_row *row)
{
    struct db_statement *s = w->file.st[SQL_ANN_DELETE];
    db_bind_blob(s, 1, id, STORE_TRACE_ID);
    enum db_result r = db_run(s);
    s = w->file.st[SQL_ANN_PUT];
    for (size_t i = 0; r == DB_DONE && i < row->n_annotations; i++) {
        const struct store_annotation *a = &row->annotations[i];
        db_bind_blob(s, 1, id, STORE_TRACE_ID);
        db_bind_text(s, 2, a->key);
        db_bind_int(s, 3, a->kind);
        db_bind_text(s, 4, a->text);
        db_bind_real(s, 5, a->number);
        r = db_run(s);
    }
    return r;
}

/* Leaves the news out when there is no memory for them. */
static void tell(struct batch *b, const struct store_trace *t,
                 const struct store_row *row)
{
    if (!b->changes)
        return;
    char *text = arena_dup(&b->told, row->summary);
    if (!text)
        return;
    struct store_change *c = &b->changes[b->n_changes++];
    memcpy(c->id, t->id, STORE_TRACE_ID);
    c->revision = t->revision;
    c->summary = slice_of(text, row->summary.n);
}
