/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the words of a filter mean for a trace. A term is asked at the top,
 * where the entry answers for the trace, or of one entity, inside of
 * service(...){} and edge(...){}. Each step takes from the budget, so that no
 * expression holds the worker for long.
 */
#include <math.h>

#include "filter_run.h"

typedef bool (*match_fn)(struct filter_run *, const struct filter_node *,
                         const struct trace_entity *);

/* All entities of a trace, or a segment (subsegment) with those that are part
 * of it. */
struct walk {
    const struct trace *t;
    const struct trace_entity *top, *at;
    size_t i;
};

static bool match_all(struct filter_run *r, const struct filter_node *n,
                      const struct trace_entity *e);
static bool match_and(struct filter_run *r, const struct filter_node *n,
                      const struct trace_entity *e);
static bool match_or(struct filter_run *r, const struct filter_node *n,
                     const struct trace_entity *e);
static bool match_not(struct filter_run *r, const struct filter_node *n,
                      const struct trace_entity *e);
static bool match_flag(struct filter_run *r, const struct filter_node *n,
                       const struct trace_entity *e);
static bool match_number(struct filter_run *r, const struct filter_node *n,
                         const struct trace_entity *e);
static bool match_text(struct filter_run *r, const struct filter_node *n,
                       const struct trace_entity *e);
static bool match_annotation(struct filter_run *r, const struct filter_node *n,
                             const struct trace_entity *e);
static bool match_service(struct filter_run *r, const struct filter_node *n,
                          const struct trace_entity *e);
static bool match_edge(struct filter_run *r, const struct filter_node *n,
                       const struct trace_entity *e);
static bool match_group(struct filter_run *r, const struct filter_node *n,
                        const struct trace_entity *e);
static bool ask_apart(struct filter_run *r, const struct filter_node *n,
                      const struct trace_entity *e);
static bool flag_of_trace(struct filter_run *r, enum filter_key key);
static bool flag_of(const struct trace_entity *e, enum filter_key key);
static bool any_segment(struct filter_run *r, enum filter_key key);
static bool annotation_fits(struct filter_run *r, const struct filter_node *n,
                            const struct trace_annotation *a);
static const struct trace_entity *called_by(const struct filter_node *n,
                                            const struct trace_entity *callee);
static bool named_fits(struct filter_run *r, const struct filter_node *n,
                       const struct trace_entity *x, bool own);
static bool compare_number(enum filter_op op, double have, double want);
static const struct trace_entity *walk_next(struct walk *w);
static const struct trace_entity *
first_subsegment(const struct trace_entity *from);

bool filter_match(const struct filter *f, const struct trace *t,
                  uint64_t *budget)
{
    return filter_match_node(f->root, t, budget);
}

bool filter_match_node(const struct filter_node *n, const struct trace *t,
                       uint64_t *budget)
{
    struct filter_run r = {.t = t, .budget = budget};
    return filter_ask(&r, n, NULL) && *budget > 0;
}

bool filter_ask(struct filter_run *r, const struct filter_node *n,
                const struct trace_entity *e)
{
    static const match_fn fns[] = {
        [NODE_ALL] = match_all,
        [NODE_AND] = match_and,
        [NODE_OR] = match_or,
        [NODE_NOT] = match_not,
        [NODE_FLAG] = match_flag,
        [NODE_NUMBER] = match_number,
        [NODE_TEXT] = match_text,
        [NODE_ANNOTATION] = match_annotation,
        [NODE_SERVICE] = match_service,
        [NODE_EDGE] = match_edge,
        [NODE_GROUP] = match_group,
        [NODE_CAUSE] = filter_ask_cause,
        [NODE_CAUSE_JSON] = filter_ask_cause_json,
    };
    return filter_spend(r, 1) && fns[n->kind](r, n, e);
}

static bool match_all(struct filter_run *r, const struct filter_node *n,
                      const struct trace_entity *e)
{
    (void)r, (void)n, (void)e;
    return true;
}

static bool match_and(struct filter_run *r, const struct filter_node *n,
                      const struct trace_entity *e)
{
    for (n = n->children; n != NULL; n = n->next)
        if (!filter_ask(r, n, e))
            return false;
    return true;
}

static bool match_or(struct filter_run *r, const struct filter_node *n,
                     const struct trace_entity *e)
{
    for (n = n->children; n != NULL; n = n->next)
        if (filter_ask(r, n, e))
            return true;
    return false;
}

static bool match_not(struct filter_run *r, const struct filter_node *n,
                      const struct trace_entity *e)
{
    return !filter_ask(r, n->children, e);
}

static bool match_flag(struct filter_run *r, const struct filter_node *n,
                       const struct trace_entity *e)
{
    bool is;
    if (r->element == NULL || !filter_element_flag(r->element, n->key, &is))
        is = e == NULL ? flag_of_trace(r, n->key) : flag_of(e, n->key);
    if (n->op == OP_PRESENT)
        return is;
    return n->op == OP_EQ ? is == n->boolean : is != n->boolean;
}

static bool match_number(struct filter_run *r, const struct filter_node *n,
                         const struct trace_entity *e)
{
    double have;
    if (r->element == NULL || !filter_element_number(r->element, n->key, &have))
        if (!filter_number(r->t, n->key, e, &have))
            return false;
    return compare_number(n->op, have, n->number);
}

bool filter_number(const struct trace *t, enum filter_key key,
                   const struct trace_entity *e, double *out)
{
    if (key == KEY_HTTP_STATUS) {
        e = e == NULL ? t->entry : e;
        *out = e == NULL ? 0 : e->http.status;
        return *out != 0;
    }
    if (e != NULL)
        *out = e->in_progress ? -1 : e->end - e->start;
    else
        *out = key == KEY_DURATION ? t->duration : t->response_time;
    /* Differences of epoch seconds are good to a quarter of a microsecond. */
    *out = round(*out * 1e6) / 1e6;
    return *out >= 0;
}

static bool match_text(struct filter_run *r, const struct filter_node *n,
                       const struct trace_entity *e)
{
    struct walk w = {.t = r->t, .top = e};
    const struct trace_entity *x;
    if (n->key <= KEY_HTTP_CLIENT_IP) {
        x = e == NULL ? r->t->entry : e;
        return x != NULL && filter_ask_text(r, n, filter_text_of(x, n->key));
    }
    if (e != NULL && n->key <= KEY_RESOURCE_ARN)
        return filter_ask_text(r, n, filter_text_of(e, n->key));
    if (r->element != NULL)
        return filter_element_text(r, n);
    while (filter_spend(r, 1) && (x = walk_next(&w)) != NULL) {
        bool own = x == e || trace_is_segment(x);
        if (n->key >= KEY_NAME
                ? named_fits(r, n, x, own)
                : own && filter_ask_text(r, n, filter_text_of(x, n->key)))
            return true;
    }
    return false;
}

static bool match_annotation(struct filter_run *r, const struct filter_node *n,
                             const struct trace_entity *e)
{
    struct walk w = {.t = r->t, .top = e};
    const struct trace_entity *x;
    while (filter_spend(r, 1) && (x = walk_next(&w)) != NULL)
        for (const struct trace_annotation *a = x->annotations;
             a != NULL && filter_spend(r, 1); a = a->next)
            if (slice_eq(a->key, n->annotation) && annotation_fits(r, n, a))
                return true;
    return false;
}

static bool match_service(struct filter_run *r, const struct filter_node *n,
                          const struct trace_entity *e)
{
    if (r->element != NULL)
        return filter_element_service(r->element, &n->selector) &&
               (n->children == NULL || ask_apart(r, n->children, e->owner));
    for (size_t i = 0; i < r->t->n_entities && filter_spend(r, 1); i++) {
        const struct trace_entity *x = r->t->entities[i];
        if (!trace_is_segment(x) || x->node == NULL)
            continue;
        if (filter_selects_client(&n->selector)) {
            if (!x->root || !slice_eq(n->selector.name, x->node->name))
                continue;
        } else if (!filter_selects(&n->selector, x->node, filter_courtesy(x))) {
            continue;
        }
        if (n->children == NULL || filter_ask(r, n->children, x))
            return true;
    }
    return false;
}

static bool match_edge(struct filter_run *r, const struct filter_node *n,
                       const struct trace_entity *e)
{
    (void)e;
    for (size_t i = 0; i < r->t->n_entities && filter_spend(r, 1); i++) {
        const struct trace_entity *x = called_by(n, r->t->entities[i]);
        if (x != NULL && (n->children == NULL || ask_apart(r, n->children, x)))
            return true;
    }
    return false;
}

/* A group says something of the trace, wherever it stands. */
static bool match_group(struct filter_run *r, const struct filter_node *n,
                        const struct trace_entity *e)
{
    (void)e;
    return ask_apart(r, n->children, NULL);
}

/* Of the entity itself, whatever braces stand around. */
static bool ask_apart(struct filter_run *r, const struct filter_node *n,
                      const struct trace_entity *e)
{
    struct filter_run inner = {.t = r->t, .budget = r->budget};
    return filter_ask(&inner, n, e);
}

static bool flag_of_trace(struct filter_run *r, enum filter_key key)
{
    const struct trace *t = r->t;
    switch (key) {
    case KEY_OK:
        return !t->has_fault && !t->has_error && !t->has_throttle;
    case KEY_ERROR:
        return t->has_error;
    case KEY_THROTTLE:
        return t->has_throttle;
    case KEY_FAULT:
        return t->has_fault;
    case KEY_PARTIAL:
        return t->partial;
    default:
        return any_segment(r, key);
    }
}

static bool flag_of(const struct trace_entity *e, enum filter_key key)
{
    switch (key) {
    case KEY_OK:
        return e->class == CLASS_OK;
    case KEY_ERROR:
        return e->class == CLASS_ERROR || e->class == CLASS_THROTTLE;
    case KEY_THROTTLE:
        return e->class == CLASS_THROTTLE;
    case KEY_FAULT:
        return e->class == CLASS_FAULT;
    case KEY_PARTIAL:
        return e->in_progress;
    case KEY_INFERRED:
        return e->kind == TRACE_INFERRED;
    default:
        return e->root;
    }
}

static bool any_segment(struct filter_run *r, enum filter_key key)
{
    for (size_t i = 0; i < r->t->n_entities && filter_spend(r, 1); i++)
        if (flag_of(r->t->entities[i], key))
            return true;
    return false;
}

/* A value of another kind doesn't fit, whatever is asked. */
static bool annotation_fits(struct filter_run *r, const struct filter_node *n,
                            const struct trace_annotation *a)
{
    if (n->op == OP_PRESENT)
        return a->kind != VALUE_BOOL || a->boolean;
    if (a->kind == VALUE_STRING && n->op == OP_CONTAINS && n->string.n == 0)
        return true;
    if (a->kind != n->value_kind)
        return false;
    if (a->kind == VALUE_NUMBER)
        return compare_number(n->op, a->number, n->number);
    if (a->kind == VALUE_BOOL)
        return n->op == OP_EQ ? a->boolean == n->boolean
                              : a->boolean != n->boolean;
    if (a->text.n == 0) /* a text may be empty and yet be there */
        return (n->op == OP_NE) == (n->string.n > 0);
    return filter_ask_text(r, n, a->text);
}

/* What answers for the edge when this segment was called along it: the
 * caller's subsegment; the segment itself where it hangs from a segment or is
 * called by a client. NULL: it was not. */
static const struct trace_entity *called_by(const struct filter_node *n,
                                            const struct trace_entity *callee)
{
    const struct trace_entity *call = callee->parent;
    if (!trace_is_segment(callee) || callee->node == NULL ||
        !filter_selects(&n->callee, callee->node, filter_courtesy(callee)))
        return NULL;
    if (filter_selects_client(&n->selector))
        return callee->root && slice_eq(n->selector.name, callee->node->name)
                   ? callee
                   : NULL;
    if (call == NULL || call->node == NULL || call->owner == NULL ||
        !filter_selects(&n->selector, call->node, call->owner->name))
        return NULL;
    return trace_is_segment(call) ? callee : call;
}

/* name, type and message: of the entity if asked for, and of what was thrown
 * in it. */
static bool named_fits(struct filter_run *r, const struct filter_node *n,
                       const struct trace_entity *x, bool own)
{
    struct slice none = {0};
    if (own && n->key != KEY_MESSAGE) {
        struct slice node = x->node == NULL      ? none
                            : n->key == KEY_NAME ? x->node->name
                                                 : x->node->type;
        if (filter_ask_text(r, n, node) ||
            (n->key == KEY_NAME && filter_ask_text(r, n, x->name)))
            return true;
    }
    for (const struct trace_exception *c = x->exceptions;
         c != NULL && filter_spend(r, 1); c = c->next)
        if (filter_ask_text(r, n, n->key == KEY_MESSAGE ? c->message : c->type))
            return true;
    return false;
}

struct slice filter_text_of(const struct trace_entity *e, enum filter_key key)
{
    switch (key) {
    case KEY_HTTP_URL:
        return e->http.url;
    case KEY_HTTP_METHOD:
        return e->http.method;
    case KEY_HTTP_USER_AGENT:
        return e->http.user_agent;
    case KEY_HTTP_CLIENT_IP:
        return e->http.client_ip;
    case KEY_USER:
        return e->user;
    case KEY_ZONE:
        return e->availability_zone;
    case KEY_INSTANCE_ID:
        return e->instance_id;
    default:
        return e->resource_arn;
    }
}

/* What is not there fits nothing. */
bool filter_ask_text(struct filter_run *r, const struct filter_node *n,
                     struct slice have)
{
    struct slice want = n->string;
    if (have.n == 0 || !filter_spend(r, have.n / 32))
        return false;
    switch (n->op) {
    case OP_PRESENT:
        return true;
    case OP_EQ:
        return slice_eq(have, want);
    case OP_NE:
        return !slice_eq(have, want);
    case OP_BEGINSWITH:
        return have.n >= want.n && memcmp(have.p, want.p, want.n) == 0;
    case OP_ENDSWITH:
        return have.n >= want.n &&
               memcmp(have.p + have.n - want.n, want.p, want.n) == 0;
    default:
        return memmem(have.p, have.n, want.p, want.n) != NULL;
    }
}

static bool compare_number(enum filter_op op, double have, double want)
{
    switch (op) {
    case OP_EQ:
        return have == want;
    case OP_NE:
        return have != want;
    case OP_LT:
        return have < want;
    case OP_LE:
        return have <= want;
    case OP_GT:
        return have > want;
    default:
        return have >= want;
    }
}

static const struct trace_entity *walk_next(struct walk *w)
{
    const struct trace_entity *x = w->at;
    if (w->top == NULL)
        return w->i < w->t->n_entities ? w->t->entities[w->i++] : NULL;
    if (x == NULL)
        return w->at = w->top;
    const struct trace_entity *next = first_subsegment(x->first_child);
    while (next == NULL && x != w->top) {
        next = first_subsegment(x->next);
        x = x->parent;
    }
    /* ends for good: at the top again, without children to give */
    return next == NULL ? NULL : (w->at = next);
}

/* Segments below a subsegment are another's. */
static const struct trace_entity *
first_subsegment(const struct trace_entity *from)
{
    while (from != NULL && trace_is_segment(from))
        from = from->next;
    return from;
}

bool filter_spend(struct filter_run *r, uint64_t steps)
{
    if (*r->budget <= steps) {
        *r->budget = 0;
        return false;
    }
    *r->budget -= steps;
    return true;
}
