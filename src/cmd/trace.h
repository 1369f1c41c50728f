/* SPDX-License-Identifier: Apache-2.0 */
/* Traces of the own API (docs/LOCAL_API.md) as lines of text. */
#ifndef XR_CMD_TRACE_H
#define XR_CMD_TRACE_H

#include "text.h"
#include "xr/arena.h"

/* A row of a list: one line. again: it was printed before. */
void trace_print_row(struct line *l, struct slice row, bool again,
                     struct arena *a);
/* The rows of an answer of /api/traces or /api/wait: a line each. json: each
 * as it came. */
void trace_print_list(struct slice answer, bool json);
/* The answer of /api/traces/{id}: the spans as a tree with bars. */
void trace_print_tree(struct line *l, struct slice whole, struct arena *a);

#define TRACE_TIME_BYTES 24
/* The time of day. */
void trace_time(char out[TRACE_TIME_BYTES], double epoch);
/* The path of a URL; "/" if it has none. */
struct slice trace_path_of(struct slice url);
/* A value of an array of texts, decoded. */
struct slice trace_text(struct slice value, struct arena *a);

#endif
