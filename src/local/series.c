/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time series: segments of a node, or calls along an edge, counted in the
 * period in which they began. Periods lie on whole multiples since 1970, and
 * only those with data are there.
 */
#include "series.h"

#include <math.h>
#include <stdlib.h>

#include "graph.h"
#include "summary.h"

#define BUCKETS_FIRST 16
#define DEVIATIONS 3

/* The periods so far. */
struct past {
    double calls, faults;
};

static void add_call(void *arg, const struct trace_node *caller,
                     const struct trace_entity *callee,
                     const struct trace_entity *call);
static void count(struct series *s, const struct trace_entity *e);
static struct series_bucket *find_bucket(struct series *s, int64_t start);
static void write_forecast(struct jw *j, struct past *past,
                           const struct statistics *now);

void series_add(struct series *s, const struct trace *t)
{
    if (!s->selector || selector_kind(s->selector) == SELECT_EDGE) {
        graph_each_call(t, add_call, s);
        return;
    }
    for (size_t i = 0; i < t->n_entities; i++) {
        const struct trace_entity *e = t->entities[i];
        if (trace_is_segment(e) && selector_service(s->selector, e))
            count(s, e);
    }
}

static void add_call(void *arg, const struct trace_node *caller,
                     const struct trace_entity *callee,
                     const struct trace_entity *call)
{
    struct series *s = arg;
    if (s->selector ? selector_edge(s->selector, caller, callee->node)
                    : caller == NULL)
        count(s, call);
}

static void count(struct series *s, const struct trace_entity *e)
{
    if (e->in_progress || e->start < s->from || e->start >= s->to)
        return;
    double period = (double)s->period;
    int64_t start = (int64_t)(floor(e->start / period) * period);
    struct series_bucket *b = find_bucket(s, start);
    if (!b || !statistics_add(&b->statistics, e))
        s->incomplete = true;
}

static struct series_bucket *find_bucket(struct series *s, int64_t start)
{
    size_t low = 0, high = s->n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (s->buckets[middle].start < start)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < s->n && s->buckets[low].start == start)
        return &s->buckets[low];
    if (s->n == SERIES_BUCKETS_MAX)
        return NULL;
    if (s->n == s->cap) {
        size_t cap = s->cap ? s->cap * 2 : BUCKETS_FIRST;
        struct series_bucket *more = realloc(s->buckets, cap * sizeof(*more));
        if (!more)
            return NULL;
        s->buckets = more;
        s->cap = cap;
    }
    memmove(s->buckets + low + 1, s->buckets + low,
            (s->n - low) * sizeof(*s->buckets));
    s->buckets[low] = (struct series_bucket){.start = start};
    s->n++;
    return &s->buckets[low];
}

void series_write(struct jw *j, const struct series *s)
{
    struct past past = {0, 0};
    bool service = s->selector && selector_kind(s->selector) == SELECT_SERVICE;
    jw_array(j);
    for (size_t i = 0; i < s->n; i++) {
        const struct statistics *b = &s->buckets[i].statistics;
        jw_object(j);
        member_int(j, "Timestamp", s->buckets[i].start);
        jw_key(j, service ? SLICE("ServiceSummaryStatistics")
                          : SLICE("EdgeSummaryStatistics"));
        statistics_write(j, b);
        if (s->forecast)
            write_forecast(j, &past, b);
        jw_key(j, SLICE("ResponseTimeHistogram"));
        statistics_write_histogram(j, b);
        jw_object_end(j);
    }
    jw_array_end(j);
}

/* What the periods before lead to expect of faults: their share of so many
 * calls, with three standard deviations to either side. The first has nothing
 * before it and is told by itself. */
static void write_forecast(struct jw *j, struct past *past,
                           const struct statistics *now)
{
    double n = (double)statistics_total(now);
    if (past->calls == 0)
        *past = (struct past){n, (double)now->fault};
    double share = past->calls > 0 ? past->faults / past->calls : 0;
    double spread = DEVIATIONS * sqrt(n * share * (1 - share));
    jw_key(j, SLICE("ServiceForecastStatistics"));
    jw_object(j);
    member_int(j, "FaultCountHigh", (int64_t)ceil(n * share + spread));
    member_int(j, "FaultCountLow", (int64_t)fmax(0, floor(n * share - spread)));
    jw_object_end(j);
    past->calls += n;
    past->faults += (double)now->fault;
}

void series_fini(struct series *s)
{
    for (size_t i = 0; i < s->n; i++)
        statistics_fini(&s->buckets[i].statistics);
    free(s->buckets);
    s->buckets = NULL;
    s->n = s->cap = 0;
}
