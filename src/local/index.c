/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes the store's rows of a trace out of its documents. Runs on the worker,
 * once for each trace that a batch touches. Pure.
 */
#include "index.h"

#include "row.h"
#include "trace_id.h"

/* The service takes ids of the last 30 days; an id whose second lies farther
 * from the trace itself is random (W3C) and says nothing of time. */
#define ID_BEFORE_S (30 * 86400.0)
#define ID_AFTER_S 86400.0
#define SUMMARY_MAX (256u << 10)
#define LINKS_MAX 1000 /* traces that one points to */

static int64_t listed_second(const struct store_trace *s,
                             const struct trace *t);
static void fill_entry(struct store_row *row, const struct trace *t);
static void fill_summary(struct store_row *row, const struct trace *t,
                         const struct store_trace *s, struct arena *a);
static bool fill_services(struct store_row *row, const struct trace *t,
                          struct arena *a);
static size_t fill_links(struct store_service *list, const struct trace *t);
static bool fill_annotations(struct store_row *row, const struct trace *t,
                             struct arena *a);

bool index_trace(void *arg, const struct store_trace *s, struct arena *a,
                 struct store_row *out)
{
    struct trace_document *d = arena_alloc(a, s->n * sizeof(*d));
    char *id = arena_alloc(a, TRACE_ID_TEXT);
    (void)arg;
    if (!d || !id)
        return false;
    for (size_t i = 0; i < s->n; i++)
        d[i].body = s->bodies[i];
    trace_id_write(s->id, id);
    struct trace *t = trace_assemble(slice_str(id), d, s->n, a);
    if (!t)
        return false;
    t->revision = s->revision;
    t->limit_exceeded = s->limit_exceeded;
    *out = (struct store_row){
        .epoch = listed_second(s, t),
        .start = t->start,
        .end = t->end,
        .duration = t->duration,
        .response_time = t->response_time,
        .flags = (t->has_fault ? STORE_FAULT : 0u) |
                 (t->has_error ? STORE_ERROR : 0u) |
                 (t->has_throttle ? STORE_THROTTLE : 0u) |
                 (t->partial ? STORE_PARTIAL : 0u),
        .spans = (unsigned)t->n_entities,
    };
    fill_entry(out, t);
    fill_summary(out, t, s, a);
    return fill_services(out, t, a) && fill_annotations(out, t, a);
}

/* The second in the id, by which the service lists traces. */
static int64_t listed_second(const struct store_trace *s, const struct trace *t)
{
    double second = trace_id_second(s->id);
    if (t->n_entities == 0 ||
        (second >= t->start - ID_BEFORE_S && second <= t->start + ID_AFTER_S))
        return (int64_t)second;
    return t->start > 0 && t->start < (double)UINT32_MAX * 16
               ? (int64_t)t->start
               : (int64_t)second;
}

static void fill_entry(struct store_row *row, const struct trace *t)
{
    const struct trace_entity *e = t->entry;
    if (!e)
        return;
    row->status = (unsigned)e->http.status;
    row->method = e->http.method;
    row->url = e->http.url;
    row->entry = e->name;
    row->entry_type = e->origin;
}

/* The row of the page's list; without memory there are no news of it. */
static void fill_summary(struct store_row *row, const struct trace *t,
                         const struct store_trace *s, struct arena *a)
{
    struct row_facts facts = {.received = s->received, .pinned = s->pinned};
    struct buf text;
    struct jw j;
    buf_init(&text, SUMMARY_MAX);
    jw_init(&j, &text);
    row_write(&j, t, &facts, a);
    char *copy = text.failed ? NULL : arena_dup(a, buf_slice(&text));
    row->summary = slice_of(copy, copy ? text.n : 0);
    buf_fini(&text);
}

/* Nodes; the names of subsegments that stand for inferred ones, by which a
 * filter finds those too; and the ids of traces that this one points to, by
 * which those find it. */
static bool fill_services(struct store_row *row, const struct trace *t,
                          struct arena *a)
{
    size_t n = 0;
    struct store_service *list = arena_alloc(
        a, (t->n_nodes + 2 * t->n_entities + LINKS_MAX) * sizeof(*list));
    if (!list)
        return false;
    for (size_t i = 0; i < t->n_nodes; i++)
        list[n++] = (struct store_service){.name = t->nodes[i].name,
                                           .type = t->nodes[i].type};
    for (size_t i = 0; i < t->n_entities; i++) {
        const struct trace_entity *e = t->entities[i];
        if (trace_is_segment(e) && !slice_eq(e->name, e->node->name))
            list[n++] = (struct store_service){.name = e->name};
        if (e->kind == TRACE_INFERRED && !slice_eq(e->name, e->parent->name))
            list[n++] = (struct store_service){.name = e->parent->name};
    }
    n += fill_links(list + n, t);
    row->services = list;
    row->n_services = n;
    return true;
}

static size_t fill_links(struct store_service *list, const struct trace *t)
{
    size_t n = 0;
    for (size_t i = 0; i < t->n_entities; i++)
        for (const struct trace_link *l = t->entities[i]->links;
             l && n < LINKS_MAX; l = l->next)
            if (!slice_eq(l->trace_id, t->id))
                list[n++] = (struct store_service){.name = l->trace_id};
    return n;
}

static bool fill_annotations(struct store_row *row, const struct trace *t,
                             struct arena *a)
{
    size_t n = 0;
    for (size_t i = 0; i < t->n_entities; i++)
        for (const struct trace_annotation *x = t->entities[i]->annotations; x;
             x = x->next)
            n++;
    struct store_annotation *list = arena_alloc(a, n * sizeof(*list));
    if (!list)
        return false;
    row->annotations = list;
    row->n_annotations = n;
    for (size_t i = 0; i < t->n_entities; i++)
        for (const struct trace_annotation *x = t->entities[i]->annotations; x;
             x = x->next)
            *list++ = (struct store_annotation){
                .key = x->key,
                .text = x->text,
                .kind = (enum store_value_kind)x->kind,
                .number = x->kind == VALUE_BOOL ? x->boolean : x->number};
    return true;
}
