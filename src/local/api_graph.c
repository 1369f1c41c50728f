/* SPDX-License-Identifier: Apache-2.0 */
/* The map: the service graph with percentiles, and what fails most often in
 * each node. */
#include <math.h>
#include <stdlib.h>

#include "api_parts.h"
#include "graph.h"

#define CAUSES_MAX 1000
#define CAUSE_MAX_BYTES 200

/* A failure of a node. */
struct cause {
    char name[CAUSE_MAX_BYTES], type[CAUSE_MAX_BYTES], text[CAUSE_MAX_BYTES];
    uint64_t count;
};

struct map {
    struct graph graph;
    struct cause *causes;
    size_t n_causes;
    double from, to; /* of the traces */
    bool alone;      /* the graph of one trace */
    uint64_t seen, matched;
    struct store_query linked; /* traces that links name */
    uint8_t ids[GRAPH_LINKS_MAX][STORE_TRACE_ID];
};

static bool each_trace(struct api_work *w, const struct trace *t,
                       const struct store_trace *s, int64_t epoch);
static void count_cause(struct map *m, const struct trace_entity *e);
static bool copy_text(char *out, struct slice s);
static void graph_done(struct api_work *w, uint64_t count);
static bool each_linked(struct api_work *w, const struct trace *t,
                        const struct store_trace *s, int64_t epoch);
static void write_graph(struct api_work *w, uint64_t count);
static void map_free(void *state);
static void write_node(struct jw *j, const struct map *m,
                       const struct graph_node *n);
static void write_cause(struct jw *j, const struct map *m,
                        const struct graph_node *n);
static void write_edges(struct jw *j, const struct graph *g);
static void write_statistics(struct jw *j, const struct statistics *s);

void api_graph(struct api *a, struct http1_request *r, const uint8_t *id)
{
    struct store_query q = {.range = RANGE_ACTIVE, .after_epoch = -1};
    struct api_work *w = api_work_new(a, r);
    if (w == NULL)
        return;
    struct map *m = calloc(1, sizeof(*m));
    if (m == NULL)
        abort();
    graph_init(&m->graph);
    w->state = m;
    w->free_state = map_free;
    w->each = each_trace;
    w->done = graph_done;
    w->look_max = API_LOOK_MAX;
    if (id != NULL) {
        q.ids = (const uint8_t(*)[STORE_TRACE_ID])id;
        q.n_ids = 1;
        m->alone = true;
    }
    api_work_start(w, &q);
}

/* Worker. */
static bool each_trace(struct api_work *w, const struct trace *t,
                       const struct store_trace *s, int64_t epoch)
{
    struct map *m = w->state;
    (void)s, (void)epoch;
    graph_add(&m->graph, t);
    if (w->matched == 1 || t->start < m->from)
        m->from = t->start;
    if (t->end > m->to)
        m->to = t->end;
    for (size_t i = 0; i < t->n_entities; i++)
        if (t->entities[i]->class != CLASS_OK)
            count_cause(m, t->entities[i]);
    return true;
}

/* An exception counts for the node that threw it, and for the one inferred
 * from the call in which it was thrown. */
static void count_cause(struct map *m, const struct trace_entity *e)
{
    struct cause c = {.count = 1};
    char text[CAUSE_MAX_BYTES - 1];
    if (e->node == NULL || e->exceptions == NULL ||
        !copy_text(c.name, e->node->name) || !copy_text(c.type, e->node->type))
        return;
    (void)!copy_text(c.text, row_message(e, text, sizeof(text)));
    for (size_t i = 0; i < m->n_causes; i++) {
        struct cause *have = &m->causes[i];
        if (strcmp(have->text, c.text) == 0 &&
            strcmp(have->name, c.name) == 0 &&
            strcmp(have->type, c.type) == 0) {
            have->count++;
            return;
        }
    }
    if (m->causes == NULL)
        m->causes = malloc(CAUSES_MAX * sizeof(*m->causes));
    if (m->causes != NULL && m->n_causes < CAUSES_MAX)
        m->causes[m->n_causes++] = c;
}

static bool copy_text(char *out, struct slice s)
{
    if (s.n >= CAUSE_MAX_BYTES)
        return false;
    if (s.n > 0)
        memcpy(out, s.p, s.n);
    out[s.n] = '\0';
    return true;
}

/* Reads the traces that others point to, once more, if there are any. */
static void graph_done(struct api_work *w, uint64_t count)
{
    struct map *m = w->state;
    m->seen = w->seen;
    m->matched = w->matched;
    m->linked.ids = (const void *)m->ids;
    m->linked.n_ids = m->alone ? 0 : graph_linked(&m->graph, m->ids);
    if (m->linked.n_ids == 0) {
        write_graph(w, count);
        return;
    }
    w->look_max = 0;
    w->each = each_linked;
    w->done = write_graph;
    w->more = &m->linked;
}

/* Worker. */
static bool each_linked(struct api_work *w, const struct trace *t,
                        const struct store_trace *s, int64_t epoch)
{
    struct map *m = w->state;
    (void)s, (void)epoch;
    if (t->start < w->to && t->end >= w->from)
        graph_add_links(&m->graph, t);
    return true;
}

static void write_graph(struct api_work *w, uint64_t count)
{
    struct map *m = w->state;
    struct jw *j = &w->j;
    (void)count;
    if (w->request == NULL)
        return;
    jw_object(j);
    jw_key(j, SLICE("start"));
    jw_double(j, isfinite(w->from) ? w->from : m->from);
    jw_key(j, SLICE("end"));
    jw_double(j, isfinite(w->to) ? w->to : m->to);
    jw_key(j, SLICE("traces"));
    jw_uint(j, m->matched);
    jw_key(j, SLICE("complete"));
    jw_bool(j, m->seen < API_LOOK_MAX && !m->graph.incomplete);
    jw_key(j, SLICE("nodes"));
    jw_array(j);
    for (size_t i = 0; i < m->graph.n; i++)
        write_node(j, m, &m->graph.nodes[i]);
    jw_array_end(j);
    write_edges(j, &m->graph);
    jw_object_end(j);
    api_reply(w->request, 200, &w->out);
}

static void map_free(void *state)
{
    struct map *m = state;
    graph_fini(&m->graph);
    free(m->causes);
    free(m);
}

static void write_node(struct jw *j, const struct map *m,
                       const struct graph_node *n)
{
    jw_object(j);
    jw_key(j, SLICE("name"));
    jw_string(j, n->name);
    jw_key(j, SLICE("type"));
    jw_string(j, n->type);
    jw_key(j, SLICE("client"));
    jw_bool(j, n->client);
    jw_key(j, SLICE("root"));
    jw_bool(j, n->root);
    jw_key(j, SLICE("inferred"));
    jw_bool(j, !n->reported && !n->client);
    write_statistics(j, &n->statistics);
    write_cause(j, m, n);
    jw_object_end(j);
}

static void write_cause(struct jw *j, const struct map *m,
                        const struct graph_node *n)
{
    const struct cause *most = NULL;
    for (size_t i = 0; i < m->n_causes && !n->client; i++) {
        const struct cause *c = &m->causes[i];
        if (slice_is(n->name, c->name) && slice_is(n->type, c->type) &&
            (most == NULL || c->count > most->count))
            most = c;
    }
    jw_key(j, SLICE("cause"));
    if (most == NULL) {
        jw_null(j);
        return;
    }
    jw_object(j);
    jw_key(j, SLICE("text"));
    jw_string(j, slice_str(most->text));
    jw_key(j, SLICE("count"));
    jw_uint(j, most->count);
    jw_object_end(j);
}

static void write_edges(struct jw *j, const struct graph *g)
{
    jw_key(j, SLICE("edges"));
    jw_array(j);
    for (size_t i = 0; i < g->n; i++) {
        for (struct graph_edge *e = g->nodes[i].edges; e != NULL; e = e->next) {
            jw_object(j);
            jw_key(j, SLICE("from"));
            jw_uint(j, i);
            jw_key(j, SLICE("to"));
            jw_uint(j, e->to);
            jw_key(j, SLICE("link"));
            jw_bool(j, !e->awaited);
            write_statistics(j, &e->statistics);
            jw_object_end(j);
        }
    }
    jw_array_end(j);
}

static void write_statistics(struct jw *j, const struct statistics *s)
{
    static const struct {
        const char *key;
        double share;
    } shares[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}};
    uint64_t total = statistics_total(s);
    jw_key(j, SLICE("total"));
    jw_uint(j, total);
    jw_key(j, SLICE("ok"));
    jw_uint(j, s->ok);
    jw_key(j, SLICE("error"));
    jw_uint(j, s->error);
    jw_key(j, SLICE("throttle"));
    jw_uint(j, s->throttle);
    jw_key(j, SLICE("fault"));
    jw_uint(j, s->fault);
    jw_key(j, SLICE("sum"));
    row_seconds(j, s->time);
    for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
        jw_key(j, slice_str(shares[i].key));
        row_seconds(j, total == 0 ? -1
                                  : statistics_percentile(s, shares[i].share));
    }
}
