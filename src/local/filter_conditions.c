/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a filter asks of a trace at the least, in terms that the store can look
 * up. Never stricter than the filter: ranges take their ends with them, and
 * what has no column is left out.
 */
#include <math.h>

#include "filter_tree.h"

#define CONDITIONS_MAX 64
/* The store's times and those of filter_number may differ by so much. */
#define SECONDS_SLACK 1e-5

static void collect(struct filter *f, const struct filter_node *n);
static void collect_not(struct filter *f, const struct filter_node *n);
static void collect_flag(struct filter *f, const struct filter_node *n,
                         bool negated);
static void collect_number(struct filter *f, const struct filter_node *n);
static void collect_annotation(struct filter *f, const struct filter_node *n);
static void collect_name(struct filter *f, struct slice name);
static void add(struct filter *f, struct filter_condition c);

bool filter_make_conditions(struct filter *f)
{
    f->conditions =
        arena_alloc(&f->arena, CONDITIONS_MAX * sizeof(*f->conditions));
    if (f->conditions == NULL)
        return false;
    collect(f, f->root);
    return true;
}

const struct filter_condition *filter_conditions(const struct filter *f,
                                                 size_t *n)
{
    *n = f->n_conditions;
    return f->conditions;
}

static void collect(struct filter *f, const struct filter_node *n)
{
    switch (n->kind) {
    case NODE_AND:
    case NODE_GROUP:
        for (n = n->children; n != NULL; n = n->next)
            collect(f, n);
        break;
    case NODE_NOT:
        collect_not(f, n->children);
        break;
    case NODE_FLAG:
        collect_flag(f, n, false);
        break;
    case NODE_NUMBER:
        collect_number(f, n);
        break;
    case NODE_ANNOTATION:
        collect_annotation(f, n);
        break;
    case NODE_EDGE:
        collect_name(f, n->callee.name);
        collect_name(f, n->selector.name);
        break;
    case NODE_SERVICE:
        collect_name(f, n->selector.name);
        break;
    default:
        break;
    }
}

static void collect_not(struct filter *f, const struct filter_node *n)
{
    if (n->kind == NODE_FLAG)
        collect_flag(f, n, true);
}

static void collect_flag(struct filter *f, const struct filter_node *n,
                         bool negated)
{
    bool want = n->op == OP_PRESENT ? true
                : n->op == OP_EQ    ? n->boolean
                                    : !n->boolean;
    if (negated)
        want = !want;
    switch (n->key) {
    case KEY_OK:
        if (!want) /* one of three: no conjunction */
            break;
        add(f, (struct filter_condition){.kind = CONDITION_FAULT});
        add(f, (struct filter_condition){.kind = CONDITION_ERROR});
        add(f, (struct filter_condition){.kind = CONDITION_THROTTLE});
        break;
    case KEY_FAULT:
        add(f, (struct filter_condition){CONDITION_FAULT, .want = want});
        break;
    case KEY_ERROR:
        add(f, (struct filter_condition){CONDITION_ERROR, .want = want});
        break;
    case KEY_THROTTLE:
        add(f, (struct filter_condition){CONDITION_THROTTLE, .want = want});
        break;
    case KEY_PARTIAL:
        add(f, (struct filter_condition){CONDITION_PARTIAL, .want = want});
        break;
    default:
        break;
    }
}

static void collect_number(struct filter *f, const struct filter_node *n)
{
    struct filter_condition c = {.low = -INFINITY, .high = INFINITY};
    double slack = n->key == KEY_HTTP_STATUS ? 0 : SECONDS_SLACK;
    c.kind = n->key == KEY_HTTP_STATUS     ? CONDITION_STATUS
             : n->key == KEY_RESPONSE_TIME ? CONDITION_RESPONSE_TIME
                                           : CONDITION_DURATION;
    if (n->op == OP_EQ || n->op == OP_GT || n->op == OP_GE)
        c.low = n->number - slack;
    if (n->op == OP_EQ || n->op == OP_LT || n->op == OP_LE)
        c.high = n->number + slack;
    if (n->op != OP_NE)
        add(f, c);
}

static void collect_annotation(struct filter *f, const struct filter_node *n)
{
    if (n->op != OP_EQ)
        return;
    add(f, (struct filter_condition){.kind = CONDITION_ANNOTATION,
                                     .key = n->annotation,
                                     .value_kind = n->value_kind,
                                     .text = n->string,
                                     .number = n->number,
                                     .boolean = n->boolean});
}

static void collect_name(struct filter *f, struct slice name)
{
    if (name.n > 0)
        add(f,
            (struct filter_condition){.kind = CONDITION_SERVICE, .key = name});
}

/* More than fit are only not looked up. */
static void add(struct filter *f, struct filter_condition c)
{
    if (f->n_conditions < CONDITIONS_MAX)
        f->conditions[f->n_conditions++] = c;
}
