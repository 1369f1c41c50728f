/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions about root causes: `rootcause.fault.entity { ... }` is tried on
 * each entity of each fault's path (from the entry to the cause), .service and
 * .exception on what they name, and `rootcause.fault { ... }` on each cause as
 * a whole. An element counts from 0 in the list of its kind, which goes over
 * the whole path. `rootcause.json` compares with causes as summaries write
 * them, see filter_json.c.
 */
#include "filter_json.h"
#include "filter_run.h"

/* For one path of root_cause.c and for one as JSON. */
#define PATH_MAX_BYTES (64u << 10)
#define JSON_MAX_BYTES (4u << 20)

struct causes {
    struct filter_run *r;
    const struct filter_node *n;
    size_t index, count;
    bool found;
    struct buf json;
};

static void each_cause(struct filter_run *r, enum root_cause_kind kind,
                       root_cause_fn fn, struct causes *c);
static void count_one(void *arg, enum root_cause_kind kind,
                      const struct trace_entity *const *path, size_t n);
static void ask_one(void *arg, enum root_cause_kind kind,
                    const struct trace_entity *const *path, size_t n);
static bool ask_services(struct causes *c, struct filter_element *x, size_t n);
static bool ask_entities(struct causes *c, struct filter_element *x, size_t n);
static bool ask_exceptions(struct causes *c, struct filter_element *x,
                           size_t n);
static bool ask_element(struct causes *c, const struct filter_element *x);
static const struct trace_entity *entity_of(const struct filter_element *x);
static void ask_one_json(void *arg, enum root_cause_kind kind,
                         const struct trace_entity *const *path, size_t n);
static bool entity_text(struct filter_run *r, const struct filter_node *n,
                        const struct trace_entity *e);
static bool exception_text(struct filter_run *r, const struct filter_node *n,
                           const struct trace_exception *e);

bool filter_ask_cause(struct filter_run *r, const struct filter_node *n,
                      const struct trace_entity *e)
{
    struct causes c = {.r = r, .n = n};
    (void)e;
    if (n->part == PART_CAUSE)
        each_cause(r, n->cause, count_one, &c);
    each_cause(r, n->cause, ask_one, &c);
    return c.found;
}

static void each_cause(struct filter_run *r, enum root_cause_kind kind,
                       root_cause_fn fn, struct causes *c)
{
    struct arena a;
    if (!filter_spend(r, r->t->n_entities))
        return;
    arena_init(&a, PATH_MAX_BYTES);
    root_causes_each(r->t, kind, &a, fn, c);
    arena_fini(&a);
}

static void count_one(void *arg, enum root_cause_kind kind,
                      const struct trace_entity *const *path, size_t n)
{
    struct causes *c = arg;
    (void)kind, (void)path, (void)n;
    c->count++;
}

static void ask_one(void *arg, enum root_cause_kind kind,
                    const struct trace_entity *const *path, size_t n)
{
    struct causes *c = arg;
    struct filter_element x = {
        .part = c->n->part, .entry = path[0], .path = path, .n = n};
    (void)kind;
    if (c->found)
        return;
    switch (c->n->part) {
    case PART_CAUSE:
        x.index = c->index++;
        x.last = c->index == c->count;
        c->found = ask_element(c, &x);
        break;
    case PART_SERVICE:
        c->found = ask_services(c, &x, n);
        break;
    case PART_ENTITY:
        c->found = ask_entities(c, &x, n);
        break;
    case PART_EXCEPTION:
        c->found = ask_exceptions(c, &x, n);
        break;
    }
}

/* What one segment has of the path is a service. */
static bool ask_services(struct causes *c, struct filter_element *x, size_t n)
{
    const struct trace_entity *const *end = x->path + n;
    for (; x->path < end; x->path += x->n, x->index++) {
        for (x->n = 1; x->path + x->n < end; x->n++)
            if (x->path[x->n]->owner != x->path[0]->owner)
                break;
        x->last = x->path + x->n == end;
        if (ask_element(c, x))
            return true;
    }
    return false;
}

static bool ask_entities(struct causes *c, struct filter_element *x, size_t n)
{
    x->n = 1;
    for (; x->index < n; x->index++, x->path++) {
        x->last = x->index == n - 1;
        if (ask_element(c, x))
            return true;
    }
    return false;
}

static bool ask_exceptions(struct causes *c, struct filter_element *x, size_t n)
{
    const struct trace_entity *const *end = x->path + n;
    size_t left = 0;
    for (size_t i = 0; i < n; i++)
        for (x->exception = x->path[i]->exceptions; x->exception != NULL;
             x->exception = x->exception->next)
            left++;
    x->n = 1;
    for (; x->path < end; x->path++)
        for (x->exception = x->path[0]->exceptions; x->exception != NULL;
             x->exception = x->exception->next, x->index++) {
            x->last = --left == 0;
            if (ask_element(c, x))
                return true;
        }
    return false;
}

static bool ask_element(struct causes *c, const struct filter_element *x)
{
    struct filter_run inner = *c->r;
    inner.element = x;
    return filter_ask(&inner, c->n->children, entity_of(x));
}

/* Which entity answers what the element itself does not. */
static const struct trace_entity *entity_of(const struct filter_element *x)
{
    if (x->part == PART_CAUSE)
        return x->path[x->n - 1];
    return x->part == PART_SERVICE ? x->path[0]->owner : x->path[0];
}

bool filter_ask_cause_json(struct filter_run *r, const struct filter_node *n,
                           const struct trace_entity *e)
{
    struct causes c = {.r = r, .n = n};
    (void)e;
    buf_init(&c.json, JSON_MAX_BYTES);
    each_cause(r, ROOT_CAUSE_FAULT, ask_one_json, &c);
    each_cause(r, ROOT_CAUSE_ERROR, ask_one_json, &c);
    each_cause(r, ROOT_CAUSE_TIME, ask_one_json, &c);
    buf_fini(&c.json);
    return c.found;
}

static void ask_one_json(void *arg, enum root_cause_kind kind,
                         const struct trace_entity *const *path, size_t n)
{
    struct causes *c = arg;
    struct jw j;
    if (c->found)
        return;
    buf_clear(&c->json);
    jw_init(&j, &c->json);
    root_cause_write(&j, kind, path, n);
    c->found = !c->json.failed &&
               filter_json_any(c->r, c->n->json, buf_slice(&c->json));
}

bool filter_element_flag(const struct filter_element *x, enum filter_key key,
                         bool *is)
{
    *is = false;
    switch (key) {
    case KEY_FIRST:
        *is = x->index == 0;
        return true;
    case KEY_LAST:
        *is = x->last;
        return true;
    case KEY_REMOTE:
        for (size_t i = 0; i < x->n; i++)
            *is |= slice_is(x->path[i]->name_space, "remote");
        return true;
    case KEY_INFERRED:
        for (size_t i = 0; i < x->n; i++)
            *is |= x->path[i]->owner->kind == TRACE_INFERRED;
        return true;
    default:
        return false;
    }
}

bool filter_element_number(const struct filter_element *x, enum filter_key key,
                           double *have)
{
    if (key == KEY_INDEX)
        *have = (double)x->index;
    else if (key == KEY_COVERAGE)
        *have = root_cause_coverage(x->entry, entity_of(x));
    return key == KEY_INDEX || key == KEY_COVERAGE;
}

bool filter_element_text(struct filter_run *r, const struct filter_node *n)
{
    const struct filter_element *x = r->element;
    if (x->part == PART_EXCEPTION)
        return exception_text(r, n, x->exception);
    for (size_t i = 0; i < x->n; i++)
        if (entity_text(r, n, x->path[i]))
            return true;
    return false;
}

/* The type is the service's; so is the name, unless an entity is asked. */
static bool entity_text(struct filter_run *r, const struct filter_node *n,
                        const struct trace_entity *e)
{
    enum filter_part part = r->element->part;
    if (n->key == KEY_TYPE)
        return filter_ask_text(r, n, e->node->type);
    if (n->key == KEY_NAME && part != PART_ENTITY &&
        filter_ask_text(r, n, e->node->name))
        return true;
    if (n->key == KEY_NAME && part == PART_SERVICE)
        return false;
    if (n->key == KEY_NAME && filter_ask_text(r, n, e->name))
        return true;
    for (const struct trace_exception *x = e->exceptions;
         x != NULL && filter_spend(r, 1); x = x->next)
        if (exception_text(r, n, x))
            return true;
    return false;
}

static bool exception_text(struct filter_run *r, const struct filter_node *n,
                           const struct trace_exception *e)
{
    return filter_ask_text(r, n, n->key == KEY_MESSAGE ? e->message : e->type);
}

bool filter_element_service(const struct filter_element *x,
                            const struct filter_selector *s)
{
    for (size_t i = 0; i < x->n; i++)
        if (filter_selects(s, x->path[i]->node,
                           filter_courtesy(x->path[i]->owner)))
            return true;
    return false;
}
