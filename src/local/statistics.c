/* SPDX-License-Identifier: Apache-2.0 */
/* Counts by class and a histogram of times in whole milliseconds. Pure. */
#include "statistics.h"

#include <math.h>
#include <stdlib.h>

#include "summary.h"

#define BARS_FIRST 16
/* With more, bars are put together for good. */
#define BARS_MAX 4096
#define MS_MAX 1e15

static bool count_ms(struct statistics *s, uint64_t ms);
static size_t coarsen(const struct histogram_bar *from, size_t n,
                      struct histogram_bar *to);

bool statistics_add(struct statistics *s, const struct trace_entity *e)
{
    if (e->in_progress)
        return true;
    double time = e->end > e->start ? e->end - e->start : 0;
    s->ok += e->class == CLASS_OK;
    s->error += e->class == CLASS_ERROR;
    s->throttle += e->class == CLASS_THROTTLE;
    s->fault += e->class == CLASS_FAULT;
    s->time += time;
    return statistics_add_time(s, time);
}

bool statistics_add_time(struct statistics *s, double seconds)
{
    double ms = seconds > 0 ? seconds * 1e3 : 0;
    return count_ms(s, ms < MS_MAX ? (uint64_t)llround(ms) : (uint64_t)MS_MAX);
}

uint64_t statistics_total(const struct statistics *s)
{
    return s->ok + s->error + s->throttle + s->fault;
}

double statistics_percentile(const struct statistics *s, double share)
{
    double want = share * (double)statistics_total(s);
    uint64_t seen = 0;
    for (size_t i = 0; i < s->n; i++) {
        seen += s->bars[i].count;
        if ((double)seen >= want)
            return (double)s->bars[i].ms / 1e3;
    }
    return 0;
}

void statistics_write(struct jw *j, const struct statistics *s)
{
    jw_object(j);
    member_int(j, "OkCount", (int64_t)s->ok);
    jw_key(j, SLICE("ErrorStatistics"));
    jw_object(j);
    member_int(j, "ThrottleCount", (int64_t)s->throttle);
    member_int(j, "OtherCount", (int64_t)s->error);
    member_int(j, "TotalCount", (int64_t)(s->throttle + s->error));
    jw_object_end(j);
    jw_key(j, SLICE("FaultStatistics"));
    jw_object(j);
    member_int(j, "OtherCount", (int64_t)s->fault);
    member_int(j, "TotalCount", (int64_t)s->fault);
    jw_object_end(j);
    member_int(j, "TotalCount", (int64_t)statistics_total(s));
    member_number(j, "TotalResponseTime", s->time);
    jw_object_end(j);
}

void statistics_write_histogram(struct jw *j, const struct statistics *s)
{
    struct histogram_bar few[HISTOGRAM_SHOWN_MAX];
    const struct histogram_bar *bars = s->bars;
    size_t n = s->n;
    if (n > HISTOGRAM_SHOWN_MAX) {
        n = coarsen(s->bars, s->n, few);
        bars = few;
    }
    jw_array(j);
    for (size_t i = 0; i < n; i++) {
        jw_object(j);
        member_number(j, "Value", (double)bars[i].ms / 1e3);
        member_int(j, "Count", (int64_t)bars[i].count);
        jw_object_end(j);
    }
    jw_array_end(j);
}

void statistics_fini(struct statistics *s)
{
    free(s->bars);
    *s = (struct statistics){0};
}

static bool count_ms(struct statistics *s, uint64_t ms)
{
    size_t low = 0, high = s->n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (s->bars[middle].ms < ms)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < s->n && s->bars[low].ms == ms) {
        s->bars[low].count++;
        return true;
    }
    if (s->n == BARS_MAX) {
        s->n = coarsen(s->bars, s->n, s->bars);
        return count_ms(s, ms);
    }
    if (s->n == s->cap) {
        size_t cap = s->cap ? s->cap * 2 : BARS_FIRST;
        struct histogram_bar *more = realloc(s->bars, cap * sizeof(*more));
        if (!more)
            return false;
        s->bars = more;
        s->cap = cap;
    }
    memmove(s->bars + low + 1, s->bars + low, (s->n - low) * sizeof(*s->bars));
    s->bars[low] = (struct histogram_bar){ms, 1};
    s->n++;
    return true;
}

/* At most HISTOGRAM_SHOWN_MAX bars: steps that grow with the value. to may be
 * from. */
static size_t coarsen(const struct histogram_bar *from, size_t n,
                      struct histogram_bar *to)
{
    double least = log1p((double)from[0].ms);
    double most = log1p((double)from[n - 1].ms);
    double width = (most - least) / HISTOGRAM_SHOWN_MAX;
    size_t out = 0;
    int last = -1;
    for (size_t i = 0; i < n; i++) {
        struct histogram_bar bar = from[i];
        int step = (int)((log1p((double)bar.ms) - least) / width);
        if (step >= HISTOGRAM_SHOWN_MAX)
            step = HISTOGRAM_SHOWN_MAX - 1;
        if (step == last) {
            to[out - 1].count += bar.count;
            continue;
        }
        to[out++] = bar;
        last = step;
    }
    return out;
}
