/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Documents out of a trace. What came whole goes out byte for byte; members
 * that have to be moved are copied as they stand. Pure.
 */
#include "rebuild.h"

#include "summary.h"
#include "xr/json_scan.h"

/* Deeper subsegments are left out of a document that has to be put together;
 * half of what the writer allows. */
#define REBUILD_DEPTH_MAX 60

static void write_entity(struct jw *j, const struct trace_entity *e, int depth);
static void write_members(struct jw *j, const struct trace_entity *e);
static void write_inferred(struct jw *j, const struct trace *t,
                           const struct trace_entity *e);
static void put_raw(struct jw *j, const char *key, struct slice json);
static void put_if(struct jw *j, const char *key, bool set);

void rebuild_document(const struct trace *t, const struct trace_entity *e,
                      struct buf *out)
{
    struct jw j;
    jw_init(&j, out);
    if (e->kind == TRACE_INFERRED)
        write_inferred(&j, t, e);
    else if (e->whole && !e->embedded)
        jw_raw(&j, e->document->body);
    else
        write_entity(&j, e, 0);
}

static void write_entity(struct jw *j, const struct trace_entity *e, int depth)
{
    if (e->whole) {
        jw_raw(j, e->raw);
        return;
    }
    jw_object(j);
    write_members(j, e);
    jw_key(j, SLICE("subsegments"));
    jw_array(j);
    for (const struct trace_entity *c = e->first_child; c; c = c->next)
        if (c->kind == TRACE_SUBSEGMENT && depth < REBUILD_DEPTH_MAX)
            write_entity(j, c, depth + 1);
    jw_array_end(j);
    jw_object_end(j);
}

/* All but the subsegments, each as it stands, key and value. */
static void write_members(struct jw *j, const struct trace_entity *e)
{
    struct js s;
    struct slice key;
    js_init(&s, e->raw, TRACE_JSON_DEPTH_MAX);
    js_next(&s, NULL);
    while (js_next(&s, &key) == JS_KEY) {
        const char *begin = key.p - 1;
        if (!js_skip(&s, js_next(&s, NULL)))
            return;
        if (!slice_is(key, "subsegments"))
            jw_raw(j, slice_of(begin, (size_t)(s.p - begin)));
    }
}

static void write_inferred(struct jw *j, const struct trace *t,
                           const struct trace_entity *e)
{
    jw_object(j);
    member_text(j, "id", e->id);
    member_text(j, "name", e->name);
    member_number(j, "start_time", e->start);
    if (e->in_progress)
        member_bool(j, "in_progress", true);
    else
        member_number(j, "end_time", e->end);
    member_text(j, "parent_id", e->parent_id);
    member_text(j, "trace_id", t->id);
    member_bool(j, "inferred", true);
    if (e->origin.n)
        member_text(j, "origin", e->origin);
    put_raw(j, "http", e->raw_http);
    put_raw(j, "aws", e->raw_aws);
    put_raw(j, "sql", e->raw_sql);
    put_raw(j, "cause", e->raw_cause);
    put_if(j, "error", e->error);
    put_if(j, "throttle", e->throttle);
    put_if(j, "fault", e->fault);
    jw_object_end(j);
}

static void put_raw(struct jw *j, const char *key, struct slice json)
{
    if (json.n == 0)
        return;
    jw_key(j, slice_str(key));
    jw_raw(j, json);
}

static void put_if(struct jw *j, const char *key, bool set)
{
    if (set)
        member_bool(j, key, true);
}
