/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why a trace does not match: the parts of a filter that must all hold, each
 * with what the trace has instead. For the near misses of /api/wait.
 */
#ifndef XR_LOCAL_FILTER_EXPLAIN_H
#define XR_LOCAL_FILTER_EXPLAIN_H

#include "filter.h"
#include "xr/buf.h"

/* How many parts there are: one, if the filter is no conjunction. */
size_t filter_parts(const struct filter *f);
/* Whether part i holds; *text: the part as it was written. */
bool filter_part(const struct filter *f, size_t i, const struct trace *t,
                 uint64_t *budget, struct slice *text);
/* What the trace has where part i looks: values as they would be written in a
 * filter, separated by commas; nothing if it has none. */
void filter_part_found(const struct filter *f, size_t i, const struct trace *t,
                       struct buf *out);

#endif
