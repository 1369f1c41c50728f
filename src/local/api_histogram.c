/* SPDX-License-Identifier: Apache-2.0 */
/* The strip over the list: when traces began and how long they took. */
#include <math.h>
#include <stdlib.h>

#include "api_parts.h"

#define WHEN_BUCKETS 60
#define LONG_BUCKETS 64
#define LONG_MIN_S 1e-3
#define LONG_DECADES 5

struct sample {
    double start, took; /* took -1: not known */
    bool fault;
};

struct histogram {
    struct sample *samples;
    size_t n;
};

static bool each_sample(struct api_work *w, const struct trace *t,
                        const struct store_trace *s, int64_t epoch);
static void histogram_done(struct api_work *w, uint64_t count);
static void histogram_free(void *state);
static void write_when(struct api_work *w, const struct histogram *h);
static void write_how_long(struct jw *j, const struct histogram *h);
static void write_percentiles(struct jw *j, const struct histogram *h);
static void write_counts(struct jw *j, const char *key, const unsigned *counts,
                         size_t n);
static size_t bucket_of(double at, size_t buckets);
static int by_number(const void *a, const void *b);

void api_histogram(struct api *a, struct http1_request *r)
{
    struct store_query q = {.range = RANGE_ACTIVE, .after_epoch = -1};
    struct api_work *w = api_work_new(a, r);
    if (w == NULL)
        return;
    struct histogram *h = calloc(1, sizeof(*h));
    if (h == NULL)
        abort();
    w->state = h;
    w->free_state = histogram_free;
    w->each = each_sample;
    w->done = histogram_done;
    w->look_max = API_LOOK_MAX;
    api_work_start(w, &q);
}

/* Room doubles; what finds none is left out. */
static bool each_sample(struct api_work *w, const struct trace *t,
                        const struct store_trace *s, int64_t epoch)
{
    struct histogram *h = w->state;
    (void)s, (void)epoch;
    if ((h->n & (h->n - 1)) == 0) {
        size_t room = h->n == 0 ? 1 : 2 * h->n;
        struct sample *more = realloc(h->samples, room * sizeof(*more));
        if (more == NULL)
            return false;
        h->samples = more;
    }
    h->samples[h->n++] =
        (struct sample){t->start, t->response_time, t->has_fault};
    return true;
}

static void histogram_done(struct api_work *w, uint64_t count)
{
    struct histogram *h = w->state;
    if (w->request == NULL)
        return;
    jw_object(&w->j);
    jw_key(&w->j, SLICE("total"));
    jw_uint(&w->j, count);
    jw_key(&w->j, SLICE("matched"));
    jw_uint(&w->j, w->matched);
    jw_key(&w->j, SLICE("complete"));
    jw_bool(&w->j, w->seen < w->look_max);
    write_when(w, h);
    write_how_long(&w->j, h);
    write_percentiles(&w->j, h);
    jw_object_end(&w->j);
    api_reply(w->request, 200, &w->out);
}

static void histogram_free(void *state)
{
    struct histogram *h = state;
    free(h->samples);
    free(h);
}

/* Over the range asked for; where it is open, over what was found. */
static void write_when(struct api_work *w, const struct histogram *h)
{
    unsigned traces[WHEN_BUCKETS] = {0}, faults[WHEN_BUCKETS] = {0};
    double from = w->from, to = isfinite(w->to) ? w->to : api_now();
    for (size_t i = 0; i < h->n && !isfinite(w->from); i++)
        if (!isfinite(from) || h->samples[i].start < from)
            from = h->samples[i].start;
    if (!isfinite(from) || from >= to)
        from = to - 1;
    double step = (to - from) / WHEN_BUCKETS;
    for (size_t i = 0; i < h->n; i++) {
        size_t b = bucket_of((h->samples[i].start - from) / step, WHEN_BUCKETS);
        traces[b]++;
        faults[b] += h->samples[i].fault;
    }
    jw_key(&w->j, SLICE("when"));
    jw_object(&w->j);
    jw_key(&w->j, SLICE("start"));
    jw_double(&w->j, from);
    jw_key(&w->j, SLICE("step"));
    jw_double(&w->j, step);
    write_counts(&w->j, "traces", traces, WHEN_BUCKETS);
    write_counts(&w->j, "faults", faults, WHEN_BUCKETS);
    jw_object_end(&w->j);
}

static void write_how_long(struct jw *j, const struct histogram *h)
{
    unsigned traces[LONG_BUCKETS] = {0}, faults[LONG_BUCKETS] = {0};
    for (size_t i = 0; i < h->n; i++) {
        double took = h->samples[i].took;
        if (took < 0)
            continue;
        double at = took <= LONG_MIN_S ? 0 : log10(took / LONG_MIN_S);
        size_t b = bucket_of(at / LONG_DECADES * LONG_BUCKETS, LONG_BUCKETS);
        traces[b]++;
        faults[b] += h->samples[i].fault;
    }
    jw_key(j, SLICE("how_long"));
    jw_object(j);
    write_counts(j, "traces", traces, LONG_BUCKETS);
    write_counts(j, "faults", faults, LONG_BUCKETS);
    jw_object_end(j);
}

static void write_percentiles(struct jw *j, const struct histogram *h)
{
    static const struct {
        const char *key;
        double share;
    } rows[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}};
    double *sorted = malloc((h->n + 1) * sizeof(*sorted));
    size_t n = 0;
    for (size_t i = 0; sorted != NULL && i < h->n; i++)
        if (h->samples[i].took >= 0)
            sorted[n++] = h->samples[i].took;
    if (n > 0)
        qsort(sorted, n, sizeof(*sorted), by_number);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t at = (size_t)(rows[i].share * (double)n);
        jw_key(j, slice_str(rows[i].key));
        row_seconds(j, n == 0 ? -1 : sorted[at < n ? at : n - 1]);
    }
    free(sorted);
}

static void write_counts(struct jw *j, const char *key, const unsigned *counts,
                         size_t n)
{
    jw_key(j, slice_str(key));
    jw_array(j);
    for (size_t i = 0; i < n; i++)
        jw_uint(j, counts[i]);
    jw_array_end(j);
}

/* What lies outside is in the first or the last. */
static size_t bucket_of(double at, size_t buckets)
{
    if (!(at > 0))
        return 0;
    return at >= (double)buckets ? buckets - 1 : (size_t)at;
}

static int by_number(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}
