/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The service graph: a node keeps its own times, an edge those of its caller.
 * Pure but for memory, which is bounded.
 */
#include "graph.h"

#include <stdlib.h>

#include "infer.h"
#include "summary.h"
#include "trace_id.h"

#define TEXT_BYTES_MAX (16u << 20)
#define PLACES_MAX 32768 /* a power of two, over GRAPH_NODES_MAX */
#define NODES_FIRST 32

static void edge_fini(struct graph_edge *e);
static void keep_link(struct graph *g, const struct trace_entity *e,
                      const struct trace_link *l);
static void add_link(struct graph *g, const struct trace *t,
                     const struct graph_link *l);
static bool add_age(struct graph_edge *e, const struct trace_entity *sent,
                    const struct trace_entity *taken);
static void add_call(void *arg, const struct trace_node *caller,
                     const struct trace_entity *callee,
                     const struct trace_entity *call);
static bool told_before(const struct trace_entity *callee);
static long find_node(struct graph *g, struct slice name, struct slice type);
static long make_node(struct graph *g, struct slice name, struct slice type,
                      unsigned *place);
static struct graph_edge *find_edge(struct graph *g, long from, long to);
static void widen(double *start, double *end, const struct trace_entity *e);
static void write_edge(struct jw *j, const struct graph_edge *e);

void graph_init(struct graph *g)
{
    *g = (struct graph){0};
    arena_init(&g->arena, TEXT_BYTES_MAX);
}

void graph_fini(struct graph *g)
{
    for (size_t i = 0; i < g->n; i++) {
        statistics_fini(&g->nodes[i].statistics);
        for (struct graph_edge *e = g->nodes[i].edges; e; e = e->next)
            edge_fini(e);
    }
    free(g->nodes);
    free(g->places);
    arena_fini(&g->arena);
    *g = (struct graph){0};
}

static void edge_fini(struct graph_edge *e)
{
    statistics_fini(&e->statistics);
    statistics_fini(&e->ages);
}

void graph_add(struct graph *g, const struct trace *t)
{
    for (size_t i = 0; i < t->n_entities; i++) {
        const struct trace_entity *e = t->entities[i];
        for (const struct trace_link *l = e->links; l && e->node; l = l->next)
            if (!slice_eq(l->trace_id, t->id))
                keep_link(g, e, l);
        if (!trace_is_segment(e))
            continue;
        long at = find_node(g, e->node->name, e->node->type);
        if (at < 0)
            continue;
        struct graph_node *n = &g->nodes[at];
        widen(&n->start, &n->end, e);
        n->root = n->root || e->root;
        n->reported = n->reported || e->kind == TRACE_SEGMENT;
        if (n->account_id.n == 0 && e->node->account_id.n) {
            char *own = arena_dup(&g->arena, e->node->account_id);
            n->account_id = slice_of(own, own ? e->node->account_id.n : 0);
        }
        if (!statistics_add(&n->statistics, e))
            g->incomplete = true;
    }
    graph_each_call(t, add_call, g);
}

static void keep_link(struct graph *g, const struct trace_entity *e,
                      const struct trace_link *l)
{
    long to = find_node(g, e->node->name, e->node->type);
    struct graph_link *k = g->n_links < GRAPH_LINKS_MAX
                               ? arena_alloc(&g->arena, sizeof(*k))
                               : NULL;
    char *trace_id = arena_dup(&g->arena, l->trace_id);
    char *id = arena_dup(&g->arena, l->id);
    if (to < 0 || !k || !trace_id || !id) {
        g->incomplete = true;
        return;
    }
    *k = (struct graph_link){.next = g->links,
                             .trace_id = slice_of(trace_id, l->trace_id.n),
                             .id = slice_of(id, l->id.n),
                             .to = (unsigned)to,
                             .taker = {.class = e->class,
                                       .start = e->start,
                                       .end = e->end,
                                       .in_progress = e->in_progress}};
    g->links = k;
    g->n_links++;
}

size_t graph_linked(const struct graph *g, uint8_t (*ids)[STORE_TRACE_ID])
{
    size_t n = 0;
    for (const struct graph_link *l = g->links; l; l = l->next) {
        bool known = !trace_id_read(l->trace_id, ids[n]);
        for (size_t i = 0; i < n && !known; i++)
            known = memcmp(ids[i], ids[n], STORE_TRACE_ID) == 0;
        n += !known;
    }
    return n;
}

void graph_add_links(struct graph *g, const struct trace *t)
{
    for (const struct graph_link *l = g->links; l; l = l->next)
        if (slice_eq(l->trace_id, t->id))
            add_link(g, t, l);
}

/* From the queue, if there is one on the map: else from the sender. */
static void add_link(struct graph *g, const struct trace *t,
                     const struct graph_link *l)
{
    const struct trace_entity *x = t->entry;
    for (size_t i = 0; i < t->n_entities && l->id.n > 0; i++)
        if (slice_eq(t->entities[i]->id, l->id) && t->entities[i]->node)
            x = t->entities[i];
    if (!x)
        return;
    bool queue = x->callee && x->callee->kind == TRACE_INFERRED;
    const struct trace_node *n = queue ? x->callee->node : x->node;
    long from = find_node(g, n->name, n->type);
    struct graph_edge *e = from < 0 ? NULL : find_edge(g, from, l->to);
    if (!e) {
        g->incomplete = true;
        return;
    }
    widen(&e->start, &e->end, &l->taker);
    if (!statistics_add(&e->statistics, &l->taker) || !add_age(e, x, &l->taker))
        g->incomplete = true;
}

static bool add_age(struct graph_edge *e, const struct trace_entity *sent,
                    const struct trace_entity *taken)
{
    double at = sent->in_progress ? sent->start : sent->end;
    return statistics_add_time(&e->ages, taken->start - at);
}

void graph_each_call(const struct trace *t, graph_call_fn fn, void *arg)
{
    for (size_t i = 0; i < t->n_entities; i++) {
        const struct trace_entity *e = t->entities[i], *p = e->parent;
        if (!trace_is_segment(e))
            continue;
        if (e->root)
            fn(arg, NULL, e, e);
        else if (p && p->node && trace_is_segment(p))
            fn(arg, p->node, e, e);
        else if (p && p->node && !told_before(e))
            fn(arg, p->node, e, p);
    }
}

/* Whether the same subsegment has called the same node already: it is one
 * call, however often the callee reported it. */
static bool told_before(const struct trace_entity *callee)
{
    const struct trace_entity *o = callee->parent->first_child;
    for (; o != callee; o = o->next)
        if (trace_is_segment(o) && o->node == callee->node)
            return true;
    return false;
}

static void add_call(void *arg, const struct trace_node *caller,
                     const struct trace_entity *callee,
                     const struct trace_entity *call)
{
    struct graph *g = arg;
    long to = find_node(g, callee->node->name, callee->node->type);
    long from = caller ? find_node(g, caller->name, caller->type)
                       : find_node(g, callee->node->name, SLICE("client"));
    struct graph_edge *e = from < 0 || to < 0 ? NULL : find_edge(g, from, to);
    if (!e) {
        g->incomplete = true;
        return;
    }
    if (!caller) {
        g->nodes[from].client = true;
        widen(&g->nodes[from].start, &g->nodes[from].end, call);
    }
    if (callee->kind == TRACE_INFERRED || !infer_is_message(call))
        e->awaited = true;
    else if (!add_age(e, call, callee))
        g->incomplete = true;
    widen(&e->start, &e->end, call);
    if (!statistics_add(&e->statistics, call))
        g->incomplete = true;
}

/* The node's index, -1 when there is no room for one. */
static long find_node(struct graph *g, struct slice name, struct slice type)
{
    if (!g->places) {
        g->places = calloc(PLACES_MAX, sizeof(*g->places));
        if (!g->places)
            return -1;
    }
    uint64_t hash = infer_hash(name) * 31 + infer_hash(type);
    for (;; hash++) {
        unsigned *place = &g->places[hash % PLACES_MAX];
        if (*place == 0)
            return make_node(g, name, type, place);
        const struct graph_node *n = &g->nodes[*place - 1];
        if (slice_eq(n->name, name) && slice_eq(n->type, type))
            return (long)*place - 1;
    }
}

static long make_node(struct graph *g, struct slice name, struct slice type,
                      unsigned *place)
{
    if (g->n == g->cap) {
        size_t cap = g->cap ? g->cap * 2 : NODES_FIRST;
        struct graph_node *more = realloc(g->nodes, cap * sizeof(*more));
        if (!more)
            return -1;
        g->nodes = more;
        g->cap = cap;
    }
    char *own_name = arena_dup(&g->arena, name);
    char *own_type = arena_dup(&g->arena, type);
    if (g->n == GRAPH_NODES_MAX || !own_name || !own_type) {
        g->incomplete = true;
        return -1;
    }
    g->nodes[g->n] = (struct graph_node){.name = slice_of(own_name, name.n),
                                         .type = slice_of(own_type, type.n)};
    *place = (unsigned)++g->n;
    return (long)g->n - 1;
}

static struct graph_edge *find_edge(struct graph *g, long from, long to)
{
    struct graph_edge **at = &g->nodes[from].edges;
    while (*at && (*at)->to != (unsigned)to)
        at = &(*at)->next;
    if (*at)
        return *at;
    struct graph_edge *e = arena_alloc(&g->arena, sizeof(*e));
    if (!e)
        return NULL;
    *e = (struct graph_edge){.to = (unsigned)to};
    *at = e;
    return e;
}

static void widen(double *start, double *end, const struct trace_entity *e)
{
    double last = e->in_progress ? e->start : e->end;
    if (*start == 0 || e->start < *start)
        *start = e->start;
    if (last > *end)
        *end = last;
}

void graph_write(struct jw *j, const struct graph *g, size_t from, size_t max)
{
    jw_array(j);
    for (size_t i = from; i < g->n && i - from < max; i++)
        graph_write_node(j, g, i);
    jw_array_end(j);
}

void graph_write_node(struct jw *j, const struct graph *g, size_t i)
{
    const struct graph_node *n = &g->nodes[i];
    jw_object(j);
    member_int(j, "ReferenceId", (int64_t)i);
    member_names(j, n->name);
    member_bool(j, "Root", n->root);
    if (n->account_id.n)
        member_text(j, "AccountId", n->account_id);
    if (n->type.n)
        member_text(j, "Type", n->type);
    member_text(j, "State", n->reported ? SLICE("active") : SLICE("unknown"));
    member_number(j, "StartTime", n->start);
    member_number(j, "EndTime", n->end);
    jw_key(j, SLICE("Edges"));
    jw_array(j);
    for (const struct graph_edge *e = n->edges; e; e = e->next)
        write_edge(j, e);
    jw_array_end(j);
    if (!n->client) {
        jw_key(j, SLICE("SummaryStatistics"));
        statistics_write(j, &n->statistics);
    }
    jw_key(j, SLICE("DurationHistogram"));
    statistics_write_histogram(j, &n->statistics);
    jw_key(j, SLICE("ResponseTimeHistogram"));
    statistics_write_histogram(j, &n->statistics);
    jw_object_end(j);
}

static void write_edge(struct jw *j, const struct graph_edge *e)
{
    jw_object(j);
    member_int(j, "ReferenceId", e->to);
    member_number(j, "StartTime", e->start);
    member_number(j, "EndTime", e->end);
    jw_key(j, SLICE("SummaryStatistics"));
    statistics_write(j, &e->statistics);
    jw_key(j, SLICE("ResponseTimeHistogram"));
    statistics_write_histogram(j, &e->statistics);
    member_empty_list(j, "Aliases");
    if (!e->awaited)
        member_text(j, "EdgeType", SLICE("link"));
    jw_key(j, SLICE("ReceivedEventAgeHistogram"));
    if (e->awaited) {
        jw_array(j);
        jw_array_end(j);
    } else {
        statistics_write_histogram(j, &e->ages);
    }
    jw_object_end(j);
}
