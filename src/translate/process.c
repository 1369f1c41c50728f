/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The collector's processors, applied to span views: attributes of spans and
 * resources are set and removed, traces are left out by share. Works on copies
 * of the attribute lists, never on the request. Pure; it must not know where
 * the steps come from.
 */
#include <stdlib.h>

#include "parts.h"

/* A list of attributes while it is changed. */
struct changing {
    struct attribute *items;
    uint32_t n;
};

static bool is_kept(const struct process *p, const struct span *s);
static bool change(struct process *p, bool resource,
                   const struct attributes *from, struct attributes *out);
static void apply(struct changing *c, const struct process_step *s);
static bool make_room(struct attribute **items, size_t *room, size_t n);

bool process_init(struct process *p, const struct process_step *steps, size_t n)
{
    if (n == 0)
        return true;
    p->steps = calloc(n, sizeof(*steps));
    if (!p->steps)
        return false;
    memcpy(p->steps, steps, n * sizeof(*steps));
    p->n_steps = n;
    for (size_t i = 0; i < n; i++) {
        bool sets = steps[i].action != PROCESS_SAMPLE;
        p->on_resources = p->on_resources || (sets && steps[i].resource);
        p->on_spans = p->on_spans || (sets && !steps[i].resource);
    }
    return true;
}

void process_fini(struct process *p)
{
    free(p->steps);
    free(p->span_items);
    free(p->resource_items);
}

void process_forget(struct process *p)
{
    p->of = NULL;
}

int process_span(struct process *p, const struct span *in,
                 const struct span **out, bool *renewed)
{
    if (!is_kept(p, in))
        return 0;
    p->span = *in;
    *out = &p->span;
    if (p->on_resources) {
        if (p->of != in->resource) {
            p->of = NULL;
            p->resource = *in->resource;
            if (!change(p, true, &in->resource->attributes,
                        &p->resource.attributes))
                return -1;
            p->of = in->resource;
            *renewed = true;
        }
        p->span.resource = &p->resource;
    }
    if (p->on_spans && !change(p, false, &in->attributes, &p->span.attributes))
        return -1;
    return 1;
}

/* By the last 7 bytes of the trace id, which are random by every rule for
 * such ids: whoever else samples by them keeps the same traces. */
static bool is_kept(const struct process *p, const struct span *s)
{
    uint64_t r = 0, all = (uint64_t)1 << 56;

    for (int i = 9; i < 16; i++)
        r = r << 8 | s->trace_id[i];
    for (size_t i = 0; i < p->n_steps; i++) {
        const struct process_step *step = &p->steps[i];
        if (step->action == PROCESS_SAMPLE &&
            (step->keep >= all ? false : r < all - step->keep))
            return false;
    }
    return true;
}

static bool change(struct process *p, bool resource,
                   const struct attributes *from, struct attributes *out)
{
    struct attribute **items = resource ? &p->resource_items : &p->span_items;
    size_t *room = resource ? &p->resource_room : &p->span_room;

    if (!make_room(items, room, from->n + p->n_steps))
        return false;
    struct changing c = {.items = *items, .n = from->n};
    if (from->n > 0)
        memcpy(c.items, from->items, from->n * sizeof(*c.items));
    for (size_t i = 0; i < p->n_steps; i++) {
        const struct process_step *s = &p->steps[i];
        if (s->action != PROCESS_SAMPLE && s->resource == resource)
            apply(&c, s);
    }
    *out = (struct attributes){.items = c.items, .n = c.n};
    return true;
}

/* A key may stand there more than once, since nobody forbids it. */
static void apply(struct changing *c, const struct process_step *s)
{
    bool found = false;
    uint32_t kept = 0;

    if (s->value.kind == VALUE_EMPTY && s->action != PROCESS_DELETE)
        return;
    for (uint32_t i = 0; i < c->n; i++) {
        struct attribute a = c->items[i];
        bool same = slice_eq(a.key, s->key);
        found = found || same;
        if (same && s->action == PROCESS_DELETE)
            continue;
        if (same && s->action != PROCESS_INSERT)
            a.value = s->value;
        c->items[kept++] = a;
    }
    c->n = kept;
    if (!found && (s->action == PROCESS_INSERT || s->action == PROCESS_UPSERT))
        c->items[c->n++] = (struct attribute){.key = s->key, .value = s->value};
}

static bool make_room(struct attribute **items, size_t *room, size_t n)
{
    if (n <= *room)
        return true;
    struct attribute *more = reallocarray(*items, n, sizeof(*more));
    if (!more)
        return false;
    *items = more;
    *room = n;
    return true;
}
