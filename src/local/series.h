/* SPDX-License-Identifier: Apache-2.0 */
/* Statistics by period of time. */
#ifndef XR_LOCAL_SERIES_H
#define XR_LOCAL_SERIES_H

#include "filter.h"
#include "statistics.h"

/* Periods that one answer has. */
#define SERIES_BUCKETS_MAX 20000

struct series_bucket {
    int64_t start; /* epoch seconds */
    struct statistics statistics;
};

struct series {
    const struct selector *selector; /* NULL: calls by clients */
    double from, to;                 /* calls that began in it */
    int64_t period;                  /* seconds */
    bool forecast;                   /* tell what was to be expected */
    struct series_bucket *buckets;   /* by start */
    size_t n, cap;
    bool incomplete;
};

void series_add(struct series *s, const struct trace *t);
/* The list TimeSeriesServiceStatistics. */
void series_write(struct jw *j, const struct series *s);
void series_fini(struct series *s);

#endif
