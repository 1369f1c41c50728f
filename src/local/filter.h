/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filter expressions: text to tree, tree against a trace. Pure; parsed on the
 * loop, matched on the store's worker, so a filter is never changed once
 * parsed.
 */
#ifndef XR_LOCAL_FILTER_H
#define XR_LOCAL_FILTER_H

#include "trace.h"
#include "xr/err.h"

#define FILTER_MAX_BYTES 4096
#define FILTER_DEPTH_MAX 64
/* Steps of evaluation that one query may take, all its traces together. */
#define FILTER_BUDGET 50000000

struct filter;

/* Finds the expression of a group for `group.name = ...` and `group.arn`:
 * false if there is no such group. The text is copied by the parser. */
struct filter_groups {
    bool (*find)(void *arg, struct slice name_or_arn, struct slice *expression);
    void *arg;
};

/* NULL with the reason, which names the column: `filter, column 18: value
 * expected after ">="`. The text is not kept. groups may be NULL. An empty
 * text matches all. */
struct filter *filter_parse(struct slice text,
                            const struct filter_groups *groups,
                            struct err *err);
/* *budget is lowered by the steps taken; 0: the answer means nothing, the
 * query is to end in InvalidRequestException. */
bool filter_match(const struct filter *f, const struct trace *t,
                  uint64_t *budget);
void filter_free(struct filter *f); /* NULL is fine */

/* What every match must fulfil, as far as the store's columns can tell: the
 * store looks only at traces that do, filter_match decides. A condition is
 * here only if it stands in a conjunction at the top. */
enum filter_condition_kind {
    CONDITION_FAULT, /* as the summary's flags; want: the value asked for */
    CONDITION_ERROR,
    CONDITION_THROTTLE,
    CONDITION_PARTIAL,
    CONDITION_STATUS,        /* entry's status between low and high */
    CONDITION_DURATION,      /* between low and high, both included */
    CONDITION_RESPONSE_TIME, /* likewise */
    CONDITION_ANNOTATION,    /* key = value */
    CONDITION_SERVICE,       /* a node or a segment has this name: an inferred
                                segment goes by its caller's subsegment */
};

struct filter_condition {
    enum filter_condition_kind kind;
    bool want;
    double low, high; /* may be infinite */
    struct slice key; /* CONDITION_ANNOTATION: key; CONDITION_SERVICE: name */
    enum trace_value_kind value_kind;
    struct slice text;
    double number;
    bool boolean;
};

/* Good as long as the filter. */
const struct filter_condition *filter_conditions(const struct filter *f,
                                                 size_t *n);

/* Selectors of time series: one `service(...)`, `edge(..., ...)` or
 * `id(...)`. */
enum selector_kind { SELECT_SERVICE, SELECT_EDGE };
struct selector;
struct selector *selector_parse(struct slice text, struct err *err);
enum selector_kind selector_kind(const struct selector *s);
/* Whether a segment's node is the one of SELECT_SERVICE, and whether the two
 * nodes (the caller's and the callee's) are those of SELECT_EDGE. caller may
 * be NULL: the client. */
bool selector_service(const struct selector *s,
                      const struct trace_entity *segment);
bool selector_edge(const struct selector *s, const struct trace_node *caller,
                   const struct trace_node *callee);
void selector_free(struct selector *s);

#endif
