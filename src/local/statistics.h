/* SPDX-License-Identifier: Apache-2.0 */
/* Counts and times of calls, as nodes, edges and time series show them. */
#ifndef XR_LOCAL_STATISTICS_H
#define XR_LOCAL_STATISTICS_H

#include "trace.h"
#include "xr/json_out.h"

/* Entries that an answer shows; with more, near values are put together. */
#define HISTOGRAM_SHOWN_MAX 100

struct histogram_bar {
    uint64_t ms, count;
};

struct statistics {
    uint64_t ok, error, throttle, fault; /* each call in one of them */
    double time;                         /* seconds, all calls */
    struct histogram_bar *bars;          /* by ms */
    size_t n, cap;
};

/* Counts a complete call; one in progress counts nowhere. False when memory
 * is short. */
bool statistics_add(struct statistics *s, const struct trace_entity *e);
/* A time alone, for the histogram. */
bool statistics_add_time(struct statistics *s, double seconds);
uint64_t statistics_total(const struct statistics *s);
/* Seconds within which this share (0..1) of the calls ended; 0: no calls. */
double statistics_percentile(const struct statistics *s, double share);
/* The members of an object: OkCount, ErrorStatistics ... */
void statistics_write(struct jw *j, const struct statistics *s);
/* A list of {Value, Count}. */
void statistics_write_histogram(struct jw *j, const struct statistics *s);
void statistics_fini(struct statistics *s);

#endif
