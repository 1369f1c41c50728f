/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Queries: first the ids of the traces that fit, in one statement over the
 * trace rows, then trace by trace in slices, so that writes between them
 * never wait for long.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "worker.h"
#include "xr/clock.h"

#define SLICE_MS 10
#define LIST_MAX (4u << 20) /* traces of one query */
#define SQL_MAX 4096
#define BODIES_FIRST 16
#define TEXT_INDEXED_MIN 3

static enum db_result list(struct worker *w, struct reading *r);
static enum db_result list_named(struct worker *w, struct reading *r);
static enum db_result list_rows(struct reading *r, struct db_statement *s);
static bool list_add(struct reading *r, struct slice id, int64_t epoch);
static enum db_result list_by_range(struct worker *w, struct reading *r);
static const char *range_sql(enum store_range range);
static bool is_indexed_text(const struct worker *w, struct slice text);
static void condition_sql(const struct store_condition *c, int at,
                          struct buf *sql);
static int bind_range(struct db_statement *s, const struct store_query *q);
static void bind_condition(struct db_statement *s,
                           const struct store_condition *c, int at);
static enum db_result count(struct worker *w, struct reading *r);
static enum db_result read_bodies(struct worker *w, struct store_trace *out);

bool read_step(struct worker *w, struct reading *r)
{
    int64_t until = clock_mono_ms() + SLICE_MS;
    if (!r->begun) {
        r->begun = true;
        r->job.failed = list(w, r) != DB_DONE;
        if (r->job.failed)
            return true;
    }
    while (r->at < r->n) {
        const struct listed *l = &r->listed[r->at++];
        struct store_trace t;
        int64_t epoch;
        enum db_result result = read_trace(w, l->id, &t, &epoch);
        if (result == DB_DONE)
            continue; /* deleted meanwhile */
        if (result != DB_ROW) {
            r->job.failed = true;
            return true;
        }
        if (!r->query.each(r->query.arg, &t, epoch))
            return true;
        if (clock_mono_ms() >= until)
            return r->at == r->n;
    }
    return true;
}

enum db_result read_trace(struct worker *w, const uint8_t *id,
                          struct store_trace *out, int64_t *epoch)
{
    struct db_statement *s = w->file.st[SQL_TRACE_GET];
    *out = (struct store_trace){0};
    memcpy(out->id, id, STORE_TRACE_ID);
    db_bind_blob(s, 1, out->id, STORE_TRACE_ID);
    enum db_result r = db_step(s);
    if (r == DB_ROW) {
        out->revision = (uint64_t)db_int(s, 2);
        out->received = db_real(s, 3);
        out->limit_exceeded = db_int(s, 4) & SQL_FLAG_LIMIT;
        out->pinned = db_int(s, 5) != 0;
        *epoch = db_int(s, 6);
        db_reset(s);
    } else if (r != DB_DONE) {
        return r;
    }
    r = read_bodies(w, out);
    if (r == DB_DONE && out->n > 0)
        return DB_ROW;
    return r;
}

static enum db_result read_bodies(struct worker *w, struct store_trace *out)
{
    struct db_statement *s = w->file.st[SQL_DOC_LIST];
    struct slice *bodies = NULL;
    size_t cap = 0;
    enum db_result r;
    arena_reset(&w->arena);
    db_bind_blob(s, 1, out->id, STORE_TRACE_ID);
    while ((r = db_step(s)) == DB_ROW) {
        struct slice body = db_bytes(s, 0);
        char *copy = arena_dup(&w->arena, body);
        if (out->n == cap) {
            cap = cap ? cap * 2 : BODIES_FIRST;
            struct slice *more = arena_alloc(&w->arena, cap * sizeof(*more));
            if (more && out->n)
                memcpy(more, bodies, out->n * sizeof(*more));
            bodies = more;
        }
        if (!copy || !bodies) {
            db_reset(s);
            return DB_FAILED;
        }
        bodies[out->n++] = slice_of(copy, body.n);
    }
    out->bodies = bodies;
    return r;
}

static enum db_result list(struct worker *w, struct reading *r)
{
    if (r->query.n_ids == 0) {
        enum db_result result = count(w, r);
        return result == DB_DONE ? list_by_range(w, r) : result;
    }
    for (size_t i = 0; i < r->query.n_ids; i++)
        if (!list_add(r, slice_of(r->query.ids[i], STORE_TRACE_ID), 0))
            return DB_FAILED;
    r->count = r->n;
    return r->query.named.n > 0 ? list_named(w, r) : DB_DONE;
}

static enum db_result list_named(struct worker *w, struct reading *r)
{
    struct db_statement *s = db_prepare(
        w->file.db, "SELECT DISTINCT tid, epoch FROM svc JOIN trace USING (tid)"
                    " WHERE name = ?1 ORDER BY epoch DESC LIMIT ?2");
    if (!s)
        return DB_FAILED;
    db_bind_text(s, 1, r->query.named);
    db_bind_int(s, 2, STORE_NAMED_MAX);
    return list_rows(r, s);
}

/* Ids and epochs; drops the statement. */
static enum db_result list_rows(struct reading *r, struct db_statement *s)
{
    enum db_result result;
    while ((result = db_step(s)) == DB_ROW)
        if (!list_add(r, db_bytes(s, 0), db_int(s, 1))) {
            result = DB_FAILED;
            break;
        }
    db_drop(s);
    return result;
}

static bool list_add(struct reading *r, struct slice id, int64_t epoch)
{
    if (id.n != STORE_TRACE_ID)
        return true; /* no row of ours */
    if (r->n == r->cap) {
        size_t cap = r->cap ? r->cap * 2 : 64;
        struct listed *more =
            cap > LIST_MAX ? NULL : realloc(r->listed, cap * sizeof(*more));
        if (!more)
            return false;
        r->listed = more;
        r->cap = cap;
    }
    memcpy(r->listed[r->n].id, id.p, STORE_TRACE_ID);
    r->listed[r->n++].epoch = epoch;
    return true;
}

static enum db_result list_by_range(struct worker *w, struct reading *r)
{
    const struct store_query *q = &r->query;
    struct buf sql;
    enum db_result result = DB_FAILED;
    buf_init(&sql, SQL_MAX);
    buf_printf(&sql, "SELECT tid, epoch FROM trace WHERE %s",
               range_sql(q->range));
    if (q->after_epoch >= 0)
        buf_str(&sql, " AND (epoch < ?3 OR (epoch = ?3 AND tid < ?4))");
    for (size_t i = 0; i < q->n_conditions; i++)
        if (q->conditions[i].kind != WHERE_TEXT ||
            is_indexed_text(w, q->conditions[i].text))
            condition_sql(&q->conditions[i], 5 + 3 * (int)i, &sql);
    buf_str(&sql, " ORDER BY epoch DESC, tid DESC");
    struct db_statement *s =
        sql.failed ? NULL : db_prepare(w->file.db, buf_cstr(&sql));
    buf_fini(&sql);
    if (!s)
        return result;
    int at = bind_range(s, q);
    for (size_t i = 0; i < q->n_conditions; i++)
        bind_condition(s, &q->conditions[i], at + 3 * (int)i);
    return list_rows(r, s);
}

static const char *range_sql(enum store_range range)
{
    switch (range) {
    case RANGE_LISTED:
        return "epoch >= ?1 AND epoch < ?2";
    case RANGE_ACTIVE:
        return "start < ?2 AND \"end\" >= ?1";
    case RANGE_RECEIVED:
        return "recv >= ?1 AND recv < ?2";
    }
    return "0";
}

/* The index knows three letters and more; of what is not ASCII it takes more
 * to be the same than a comparison of bytes does, or less. */
static bool is_indexed_text(const struct worker *w, struct slice text)
{
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] < ' ' || text.p[i] > '~')
            return false;
    return w->file.text_index && text.n >= TEXT_INDEXED_MIN;
}

/* Each condition has three parameters, of which it uses what it needs. */
static void condition_sql(const struct store_condition *c, int at,
                          struct buf *sql)
{
    switch (c->kind) {
    case WHERE_FLAG:
        buf_printf(sql, " AND (flags & ?%d) %s 0", at, c->want ? "<>" : "=");
        break;
    case WHERE_STATUS:
        buf_printf(sql, " AND status >= ?%d AND status <= ?%d", at, at + 1);
        break;
    case WHERE_DURATION:
        buf_printf(sql, " AND dur >= ?%d AND dur <= ?%d", at, at + 1);
        break;
    case WHERE_RESPONSE_TIME:
        buf_printf(sql, " AND rt >= ?%d AND rt <= ?%d", at, at + 1);
        break;
    case WHERE_SERVICE:
        buf_printf(sql, " AND tid IN (SELECT tid FROM svc WHERE name = ?%d)",
                   at);
        break;
    case WHERE_TEXT:
        buf_printf(sql,
                   " AND tid IN (SELECT tid FROM doc WHERE n IN (SELECT rowid"
                   " FROM doc_text WHERE doc_text MATCH"
                   " '\"' || replace(?%d, '\"', '\"\"') || '\"'))",
                   at);
        break;
    case WHERE_ANNOTATION:
        buf_printf(sql,
                   " AND tid IN (SELECT tid FROM ann WHERE k = ?%d AND"
                   " vt = %d AND %s = ?%d)",
                   at, c->annotation.kind,
                   c->annotation.kind == STORE_STRING ? "s" : "n", at + 1);
        break;
    }
}

/* Gives the first parameter behind the range. */
static int bind_range(struct db_statement *s, const struct store_query *q)
{
    bool whole = q->range == RANGE_LISTED;
    /* Whole seconds lie in [from, to) if they lie in the range rounded up. */
    db_bind_real(s, 1, whole ? ceil(q->from) : q->from);
    db_bind_real(s, 2, whole ? ceil(q->to) : q->to);
    if (q->after_epoch >= 0) {
        db_bind_int(s, 3, q->after_epoch);
        db_bind_blob(s, 4, q->after_id, STORE_TRACE_ID);
    }
    return 5;
}

static void bind_condition(struct db_statement *s,
                           const struct store_condition *c, int at)
{
    switch (c->kind) {
    case WHERE_FLAG:
        db_bind_int(s, at, c->flag);
        break;
    case WHERE_STATUS:
    case WHERE_DURATION:
    case WHERE_RESPONSE_TIME:
        db_bind_real(s, at, c->low);
        db_bind_real(s, at + 1, c->high);
        break;
    case WHERE_SERVICE:
    case WHERE_TEXT:
        db_bind_text(s, at, c->text);
        break;
    case WHERE_ANNOTATION:
        db_bind_text(s, at, c->annotation.key);
        if (c->annotation.kind == STORE_STRING)
            db_bind_text(s, at + 1, c->annotation.text);
        else
            db_bind_real(s, at + 1, c->annotation.number);
        break;
    }
}

static enum db_result count(struct worker *w, struct reading *r)
{
    char sql[128];
    struct store_query range = r->query;
    range.after_epoch = -1;
    snprintf(sql, sizeof(sql), "SELECT count(*) FROM trace WHERE %s",
             range_sql(range.range));
    struct db_statement *s = db_prepare(w->file.db, sql);
    if (!s)
        return DB_FAILED;
    bind_range(s, &range);
    enum db_result result = db_step(s);
    if (result == DB_ROW)
        r->count = (uint64_t)db_int(s, 0);
    db_drop(s);
    return result == DB_ROW ? DB_DONE : result;
}
