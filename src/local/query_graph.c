/* SPDX-License-Identifier: Apache-2.0 */
/* GetServiceGraph, GetTraceGraph, GetTimeSeriesServiceStatistics. */
#include "graph.h"
#include "query_parts.h"
#include "series.h"

#define PERIOD_DEFAULT_S 60
#define PERIOD_MAX_S 86400
#define SELECTOR_MAX 500

/* A graph while it grows. */
struct graph_state {
    struct graph graph;
    size_t from; /* first node of the page */
    bool whole;  /* with times and group members: GetServiceGraph */
    /* GetTraceGraph: no links but between these. */
    uint8_t ids[TRACE_IDS_MAX][STORE_TRACE_ID];
    size_t n_ids;
    bool linked; /* the traces that links name have been read */
    uint8_t targets[GRAPH_LINKS_MAX][STORE_TRACE_ID];
};

static void get_service_graph(struct call *c);
static void get_trace_graph(struct call *c);
static struct graph_state *graph_state_new(struct call *c);
static void graph_state_free(struct call *c);
static bool add_to_graph(void *arg, const struct store_trace *s, int64_t epoch);
static bool read_linked(struct call *c, struct graph_state *g);
static bool is_asked(const struct graph_state *g, const uint8_t *id);
static bool add_linked(void *arg, const struct store_trace *s, int64_t epoch);
static void end_graph(struct call *c, uint64_t count);
static void get_series(struct call *c);
static int read_series(struct call *c, struct series *s);
static bool add_to_series(void *arg, const struct store_trace *t,
                          int64_t epoch);
static void end_series(struct call *c, uint64_t count);
static void free_series(struct call *c);

const struct operation operations_of_graphs[] = {
    {"ServiceGraph", get_service_graph, false},
    {"TraceGraph", get_trace_graph, false},
    {"TimeSeriesServiceStatistics", get_series, false},
    {0},
};

static void get_service_graph(struct call *c)
{
    struct graph_state *g = graph_state_new(c);
    struct store_query q = {.range = RANGE_ACTIVE, .after_epoch = -1};
    struct token token;
    bool found;
    if (call_range(c) < 0 || call_group(c) < 0 ||
        call_token(c, &token, &found) < 0) {
        call_invalid(c);
        return;
    }
    g->whole = true;
    g->from = found ? (size_t)token.at : 0;
    call_read(c, &q, add_to_graph, end_graph);
}

static void get_trace_graph(struct call *c)
{
    struct graph_state *g = graph_state_new(c);
    struct slice bad[TRACE_IDS_MAX];
    struct token token;
    struct trace_ids list = {g->ids, bad, TRACE_IDS_MAX, 0, 0};
    struct store_query q = {.ids = (const void *)g->ids, .after_epoch = -1};
    bool found;
    if (call_trace_ids(c, &list) < 0 || call_token(c, &token, &found) < 0) {
        call_invalid(c);
        return;
    }
    q.n_ids = g->n_ids = list.n;
    g->from = found ? (size_t)token.at : 0;
    if (q.n_ids == 0)
        end_graph(c, 0);
    else
        call_read(c, &q, add_to_graph, end_graph);
}

static struct graph_state *graph_state_new(struct call *c)
{
    struct graph_state *g = call_state(c, sizeof(*g));
    graph_init(&g->graph);
    c->fini = graph_state_free;
    return g;
}

static void graph_state_free(struct call *c)
{
    graph_fini(&((struct graph_state *)c->state)->graph);
}

/* Worker. */
static bool add_to_graph(void *arg, const struct store_trace *s, int64_t epoch)
{
    struct call *c = arg;
    struct graph_state *g = c->state;
    struct trace *t = call_assemble(c, s);
    (void)epoch;
    if (t && call_matches(c, t))
        graph_add(&g->graph, t);
    return !c->out_of_budget;
}

/* Traces that others of the graph point to, once more; false: there are none
 * (left). */
static bool read_linked(struct call *c, struct graph_state *g)
{
    struct store_query q = {.ids = (const void *)g->targets, .after_epoch = -1};
    if (g->linked)
        return false;
    g->linked = true;
    size_t n = graph_linked(&g->graph, g->targets);
    for (size_t i = 0; i < n; i++)
        if (g->whole || is_asked(g, g->targets[i]))
            memmove(g->targets[q.n_ids++], g->targets[i], STORE_TRACE_ID);
    if (q.n_ids == 0)
        return false;
    call_read(c, &q, add_linked, end_graph);
    return true;
}

static bool is_asked(const struct graph_state *g, const uint8_t *id)
{
    for (size_t i = 0; i < g->n_ids; i++)
        if (memcmp(g->ids[i], id, STORE_TRACE_ID) == 0)
            return true;
    return false;
}

/* Worker. */
static bool add_linked(void *arg, const struct store_trace *s, int64_t epoch)
{
    struct call *c = arg;
    struct graph_state *g = c->state;
    struct trace *t = call_assemble(c, s);
    (void)epoch;
    if (t && (!g->whole || (t->start < c->to && t->end >= c->from)) &&
        call_matches(c, t))
        graph_add_links(&g->graph, t);
    return !c->out_of_budget;
}

static void end_graph(struct call *c, uint64_t count)
{
    struct graph_state *g = c->state;
    struct token next = {.at = (int64_t)(g->from + SERVICES_PAGE)};
    (void)count;
    if (read_linked(c, g))
        return;
    jw_object(&c->j);
    jw_key(&c->j, SLICE("Services"));
    graph_write(&c->j, &g->graph, g->from, SERVICES_PAGE);
    if (g->whole) {
        member_number(&c->j, "StartTime", c->from);
        member_number(&c->j, "EndTime", c->to);
        member_bool(&c->j, "ContainsOldGroupVersions", false);
    }
    if ((size_t)next.at < g->graph.n)
        call_put_token(c, &next);
    jw_object_end(&c->j);
    call_reply(c);
}

static void get_series(struct call *c)
{
    struct series *s = call_state(c, sizeof(*s));
    struct store_query q = {.range = RANGE_ACTIVE, .after_epoch = -1};
    c->fini = free_series;
    if (call_range(c) < 0 || call_group(c) < 0 || read_series(c, s) < 0) {
        call_invalid(c);
        return;
    }
    call_read(c, &q, add_to_series, end_series);
}

static int read_series(struct call *c, struct series *s)
{
    struct slice text = SLICE("");
    double period = PERIOD_DEFAULT_S;
    bool forecast = false;
    if (params_text(&c->params, "EntitySelectorExpression", &text, &c->err) <
            0 ||
        params_number(&c->params, "Period", &period, &c->err) < 0 ||
        params_bool(&c->params, "ForecastStatistics", &forecast, &c->err) < 0)
        return -1;
    if (forecast && text.n == 0)
        return err_set(&c->err, "ForecastStatistics: EntitySelectorExpression "
                                "is needed too");
    if (period < 1 || period > PERIOD_MAX_S)
        return err_set(&c->err, "Period: 1 to %d seconds are allowed",
                       PERIOD_MAX_S);
    if (text.n > SELECTOR_MAX)
        return err_set(&c->err,
                       "EntitySelectorExpression: at most %d characters are "
                       "allowed",
                       SELECTOR_MAX);
    s->forecast = forecast;
    s->period = (int64_t)period;
    s->from = c->from;
    s->to = c->to;
    if (text.n == 0)
        return 0;
    s->selector = selector_parse(text, &c->err);
    return s->selector ? 0 : -1;
}

/* Worker. */
static bool add_to_series(void *arg, const struct store_trace *t, int64_t epoch)
{
    struct call *c = arg;
    struct trace *whole = call_assemble(c, t);
    (void)epoch;
    if (whole && call_matches(c, whole))
        series_add(c->state, whole);
    return !c->out_of_budget;
}

static void end_series(struct call *c, uint64_t count)
{
    (void)count;
    jw_object(&c->j);
    jw_key(&c->j, SLICE("TimeSeriesServiceStatistics"));
    series_write(&c->j, c->state);
    member_bool(&c->j, "ContainsOldGroupVersions", false);
    jw_object_end(&c->j);
    call_reply(c);
}

static void free_series(struct call *c)
{
    struct series *s = c->state;
    selector_free((struct selector *)s->selector);
    series_fini(s);
}
