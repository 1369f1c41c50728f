/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One question to one trace, on its way down the tree of a filter. Private to
 * filter_match.c and filter_cause.c.
 */
#ifndef XR_LOCAL_FILTER_RUN_H
#define XR_LOCAL_FILTER_RUN_H

#include "filter_tree.h"

/* What the braces behind `rootcause.` are asked of: a part of a cause's path,
 * or the whole of it. */
struct filter_element {
    enum filter_part part;
    const struct trace_entity *entry;
    const struct trace_entity *const *path; /* n entities, at least one */
    size_t n;
    const struct trace_exception *exception; /* PART_EXCEPTION */
    size_t index;                            /* in its list */
    bool last;
};

struct filter_run {
    const struct trace *t;
    uint64_t *budget;
    /* NULL outside of such braces. */
    const struct filter_element *element;
};

/* filter_match.c. e NULL: at the top. */
bool filter_ask(struct filter_run *r, const struct filter_node *n,
                const struct trace_entity *e);
bool filter_ask_text(struct filter_run *r, const struct filter_node *n,
                     struct slice have);
/* False when nothing is left: all ends with "no". */
bool filter_spend(struct filter_run *r, uint64_t steps);

/* filter_cause.c: NODE_CAUSE and NODE_CAUSE_JSON. */
bool filter_ask_cause(struct filter_run *r, const struct filter_node *n,
                      const struct trace_entity *e);
bool filter_ask_cause_json(struct filter_run *r, const struct filter_node *n,
                           const struct trace_entity *e);
/* What an element has of its own for a keyword; false: ask its entity. */
bool filter_element_flag(const struct filter_element *x, enum filter_key key,
                         bool *is);
bool filter_element_number(const struct filter_element *x, enum filter_key key,
                           double *have);
/* name, type and message. */
bool filter_element_text(struct filter_run *r, const struct filter_node *n);
/* Whether it belongs to a service (is part of its path, for a whole cause). */
bool filter_element_service(const struct filter_element *x,
                            const struct filter_selector *s);

#endif
