/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Puts a trace together from its documents: which document stands for an id,
 * what hangs from what, which callees are inferred, what the whole amounts to.
 * Documents come in any order, twice, or lie, so no step takes more than
 * n log n time or any recursion, and circles are cut.
 */
#include <stdlib.h>

#include "document.h"
#include "infer.h"
#include "xr/hash.h"

#define ENTITIES_FIRST 64

struct assembly {
    struct trace *trace;
    struct arena *arena;
    struct trace_entity **found; /* all entities, in order of arrival */
    size_t n, cap;
    /* Entities by id: open addressing, a power of two of places. */
    struct trace_entity **by_id;
    size_t places;
    struct in_time *sorted; /* the same entities, by start */
};

struct in_time {
    struct trace_entity *entity;
    size_t order;
};

static bool read_documents(struct assembly *x);
static bool keep_top(struct assembly *x, struct trace_entity *e);
static bool supersedes(const struct trace_entity *fresh,
                       const struct trace_entity *old);
static void overwrite(struct trace_entity *old,
                      const struct trace_entity *fresh);
static bool keep_embedded(struct assembly *x);
static struct trace_entity *document_of(struct assembly *x,
                                        const struct trace_entity *embedded);
static void settle_below(struct assembly *x, struct trace_entity *e);
static bool keep_below(struct assembly *x, struct trace_entity *e);
static bool keep(struct assembly *x, struct trace_entity *e);
static bool grow(struct assembly *x);
static struct trace_entity **place_of(struct assembly *x, struct slice id);
static void find_parents(struct assembly *x);
static void cut_circles(struct assembly *x);
static void cut_circle(struct trace_entity *e);
static bool infer(struct assembly *x);
static struct trace_entity *infer_one(struct assembly *x,
                                      const struct trace_entity *caller);
static bool infer_id(struct assembly *x, struct trace_entity *e);
static bool link_children(struct assembly *x);
static int by_start(const void *a, const void *b);
static void find_roots(struct assembly *x);
static bool list_entities(struct assembly *x);
static void list_below(struct trace *t, struct trace_entity *top);
static bool find_nodes(struct assembly *x);
static struct trace_node *node_of(struct assembly *x,
                                  const struct trace_entity *e);
static void sum_up(struct trace *t);
static void sum_up_entry(struct trace *t);

struct trace *trace_assemble(struct slice id,
                             const struct trace_document *documents, size_t n,
                             struct arena *a)
{
    struct trace *t = arena_alloc(a, sizeof(*t));
    if (!t)
        return NULL;
    *t = (struct trace){.id = id, .documents = documents, .n_documents = n};
    struct assembly x = {.trace = t, .arena = a};
    if (!read_documents(&x) || !keep_embedded(&x))
        return NULL;
    find_parents(&x);
    cut_circles(&x);
    if (!infer(&x) || !link_children(&x))
        return NULL;
    find_roots(&x);
    if (!list_entities(&x) || !find_nodes(&x))
        return NULL;
    sum_up(t);
    return t;
}

static bool read_documents(struct assembly *x)
{
    struct trace *t = x->trace;
    for (size_t i = 0; i < t->n_documents; i++) {
        struct trace_entity *e = NULL;
        switch (document_read(&t->documents[i], x->arena, &e)) {
        case DOCUMENT_READ:
            if (!keep_top(x, e))
                return false;
            break;
        case DOCUMENT_UNREADABLE:
            t->unreadable++;
            break;
        case DOCUMENT_NO_MEMORY:
            return false;
        }
    }
    return true;
}

/* Of several documents for one id one stands. */
static bool keep_top(struct assembly *x, struct trace_entity *e)
{
    struct trace_entity **place = x->places ? place_of(x, e->id) : NULL;
    if (!place || !*place)
        return keep(x, e);
    if (supersedes(e, *place))
        overwrite(*place, e);
    return true;
}

/* A complete one stands for good but for a later complete one: datagrams
 * overtake each other. */
static bool supersedes(const struct trace_entity *fresh,
                       const struct trace_entity *old)
{
    return old->in_progress || !fresh->in_progress;
}

/* The old one's place in all lists stays. */
static void overwrite(struct trace_entity *old,
                      const struct trace_entity *fresh)
{
    *old = *fresh;
    for (struct trace_entity *c = old->first_child; c; c = c->next)
        c->parent = old;
}

/* First it is settled what stands for each document, then what is in it. */
static bool keep_embedded(struct assembly *x)
{
    size_t n_top = x->n;
    for (size_t i = 0; i < n_top; i++)
        settle_below(x, x->found[i]);
    for (size_t i = 0; i < n_top; i++)
        if (!keep_below(x, x->found[i]))
            return false;
    return true;
}

/* The document of a subsegment that is also embedded in another; NULL if
 * there is none. */
static struct trace_entity *document_of(struct assembly *x,
                                        const struct trace_entity *embedded)
{
    struct trace_entity *own = *place_of(x, embedded->id);
    return own && own->kind == TRACE_SUBSEGMENT && !own->embedded ? own : NULL;
}

/* Here and in keep_below recursion is bounded by the depth of JSON that
 * document_read takes: what a document embeds is never overwritten. */
static void settle_below(struct assembly *x, struct trace_entity *e)
{
    for (struct trace_entity *s = e->first_child, *next; s; s = next) {
        next = s->next;
        struct trace_entity *own = document_of(x, s);
        if (own && !supersedes(own, s)) {
            overwrite(own, s);
            own->embedded = false;
        }
        settle_below(x, s);
    }
}

/* A subsegment that has a document of its own hangs where it was embedded if
 * that names no parent that is there. */
static bool keep_below(struct assembly *x, struct trace_entity *e)
{
    for (struct trace_entity *s = e->first_child; s; s = s->next) {
        struct trace_entity *own = document_of(x, s);
        if (own)
            own->parent = s->parent;
        else if (!keep(x, s) || !keep_below(x, s))
            return false;
    }
    return true;
}

/* Appends e, and makes it the one of its id if there is none. */
static bool keep(struct assembly *x, struct trace_entity *e)
{
    if (x->n == x->cap && !grow(x))
        return false;
    x->found[x->n++] = e;
    struct trace_entity **place = place_of(x, e->id);
    if (!*place)
        *place = e;
    return true;
}

static bool grow(struct assembly *x)
{
    size_t cap = x->cap ? x->cap * 2 : ENTITIES_FIRST;
    struct trace_entity **found =
        arena_alloc(x->arena, cap * sizeof(struct trace_entity *));
    x->places = cap * 2;
    x->by_id = arena_alloc(x->arena, x->places * sizeof(struct trace_entity *));
    if (!found || !x->by_id)
        return false;
    if (x->n)
        memcpy(found, x->found, x->n * sizeof(struct trace_entity *));
    memset(x->by_id, 0, x->places * sizeof(struct trace_entity *));
    x->found = found;
    x->cap = cap;
    for (size_t i = 0; i < x->n; i++) {
        struct trace_entity **place = place_of(x, found[i]->id);
        if (!*place)
            *place = found[i];
    }
    return true;
}

/* Where the entity of this id stands or would stand. */
static struct trace_entity **place_of(struct assembly *x, struct slice id)
{
    uint64_t hash = infer_hash(id);
    for (;; hash++) {
        struct trace_entity **at = &x->by_id[hash & (x->places - 1)];
        if (!*at ||
            ((*at)->id.n == id.n && strncasecmp((*at)->id.p, id.p, id.n) == 0))
            return at;
    }
}

static void find_parents(struct assembly *x)
{
    for (size_t i = 0; i < x->n; i++) {
        struct trace_entity *e = x->found[i];
        if (e->embedded)
            continue;
        struct trace_entity *p =
            e->parent_id.n ? *place_of(x, e->parent_id) : NULL;
        if (p && p != e)
            e->parent = p;
        e->orphan = !e->parent && e->kind == TRACE_SUBSEGMENT;
    }
}

/* Walks up from each entity; `owner` is the walk that came by, until it gets
 * its meaning. */
static void cut_circles(struct assembly *x)
{
    for (size_t i = 0; i < x->n; i++) {
        struct trace_entity *e = x->found[i], *at = e;
        for (; at && !at->owner; at = at->parent)
            at->owner = e;
        if (at && at->owner == e)
            cut_circle(at);
    }
}

/* Some entity of a circle is a document of its own: none is embedded in
 * itself. */
static void cut_circle(struct trace_entity *e)
{
    while (e->embedded)
        e = e->parent;
    e->parent = NULL;
    e->orphan = e->kind == TRACE_SUBSEGMENT;
}

/* Callees that have told nothing of themselves. */
static bool infer(struct assembly *x)
{
    size_t n = x->n;
    for (size_t i = 0; i < n; i++) {
        struct trace_entity *e = x->found[i];
        if (trace_is_segment(e) && e->parent && !e->parent->callee)
            e->parent->callee = e;
    }
    for (size_t i = 0; i < n; i++) {
        struct trace_entity *e = x->found[i];
        if (e->callee || !infer_wanted(e))
            continue;
        e->callee = infer_one(x, e);
        if (!e->callee)
            return false;
    }
    return true;
}

static struct trace_entity *infer_one(struct assembly *x,
                                      const struct trace_entity *caller)
{
    struct trace_entity *e = arena_alloc(x->arena, sizeof(*e));
    if (!e)
        return NULL;
    *e = *caller;
    e->kind = TRACE_INFERRED;
    e->raw = SLICE("");
    e->raw_metadata = SLICE("");
    e->annotations = NULL;
    e->links = NULL;
    e->embedded = e->orphan = false;
    e->parent = (struct trace_entity *)caller;
    e->parent_id = caller->id;
    e->callee = NULL;
    infer_name(e, x->arena);
    return infer_id(x, e) && keep(x, e) ? e : NULL;
}

/* Made from the caller's id, so that it is the same each time. */
static bool infer_id(struct assembly *x, struct trace_entity *e)
{
    uint64_t hash = infer_hash(e->parent_id);
    char *text = arena_alloc(x->arena, 2 * sizeof(hash) + 1);
    if (!text)
        return false;
    e->id = slice_of(text, 2 * sizeof(hash));
    do
        hex_encode(&hash, sizeof(hash), text);
    while (*place_of(x, e->id) && ++hash);
    return true;
}

/* In order of start, so that each list of children is in order too. */
static bool link_children(struct assembly *x)
{
    x->sorted = arena_alloc(x->arena, x->n * sizeof(*x->sorted));
    if (!x->sorted)
        return false;
    for (size_t i = 0; i < x->n; i++) {
        struct trace_entity *e = x->found[i];
        e->first_child = e->last_child = e->next = NULL;
        x->sorted[i] = (struct in_time){e, i};
    }
    qsort(x->sorted, x->n, sizeof(*x->sorted), by_start);
    for (size_t i = 0; i < x->n; i++) {
        struct trace_entity *e = x->sorted[i].entity, *p = e->parent;
        if (!p)
            continue;
        *(p->last_child ? &p->last_child->next : &p->first_child) = e;
        p->last_child = e;
    }
    return true;
}

static int by_start(const void *a, const void *b)
{
    const struct in_time *l = a, *r = b;
    if (l->entity->start != r->entity->start)
        return l->entity->start < r->entity->start ? -1 : 1;
    return l->order < r->order ? -1 : 1;
}

/* Segments without a parent id; if there is none, those whose parent is not in
 * the trace; else the first, which hangs from an orphan. */
static void find_roots(struct assembly *x)
{
    struct trace_entity *entry[3] = {NULL};
    for (size_t i = x->n; i-- > 0;) {
        struct trace_entity *e = x->sorted[i].entity;
        if (e->kind != TRACE_SEGMENT)
            continue;
        entry[2] = e;
        if (!e->parent)
            entry[e->parent_id.n > 0] = e;
    }
    int best = entry[0] ? 0 : entry[1] ? 1 : 2;
    x->trace->entry = entry[best];
    if (best == 2 && entry[2])
        entry[2]->root = true;
    for (size_t i = 0; best < 2 && i < x->n; i++) {
        struct trace_entity *e = x->found[i];
        e->root = e->kind == TRACE_SEGMENT && !e->parent &&
                  (best == 1 || e->parent_id.n == 0);
    }
}

static bool list_entities(struct assembly *x)
{
    struct trace *t = x->trace;
    t->entities = arena_alloc(x->arena, x->n * sizeof(struct trace_entity *));
    if (!t->entities)
        return false;
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < x->n; i++) {
            struct trace_entity *e = x->sorted[i].entity;
            int turn = e->orphan ? 2 : !e->root;
            if (!e->parent && turn == round)
                list_below(t, e);
        }
    }
    for (size_t i = 0; i < t->n_entities; i++)
        t->entities[i]->whole = true;
    for (size_t i = t->n_entities; i-- > 0;) {
        struct trace_entity *e = t->entities[i];
        if (e->kind == TRACE_SUBSEGMENT && e->parent &&
            !(e->embedded && e->whole))
            e->parent->whole = false;
    }
    return true;
}

/* Depth first without recursion: chains of calls may be long. */
static void list_below(struct trace *t, struct trace_entity *top)
{
    for (struct trace_entity *e = top; e;) {
        t->entities[t->n_entities++] = e;
        e->owner = trace_is_segment(e) ? e
                   : e->parent         ? e->parent->owner
                                       : NULL;
        if (e->first_child) {
            e = e->first_child;
            continue;
        }
        while (e != top && !e->next)
            e = e->parent;
        e = e == top ? NULL : e->next;
    }
}

static bool find_nodes(struct assembly *x)
{
    struct trace *t = x->trace;
    t->nodes = arena_alloc(x->arena, x->n * sizeof(*t->nodes));
    /* The places of ids are not needed any more. */
    if (!t->nodes)
        return false;
    if (x->places)
        memset(x->by_id, 0, x->places * sizeof(struct trace_entity *));
    for (size_t i = 0; i < t->n_entities; i++) {
        struct trace_entity *e = t->entities[i];
        if (e->owner == e)
            e->node = node_of(x, e);
        else if (e->owner)
            e->node = e->owner->node;
    }
    return true;
}

/* The node of a segment, made at the first of its name and type. In by_id now
 * stands the first segment of each node. */
static struct trace_node *node_of(struct assembly *x,
                                  const struct trace_entity *e)
{
    struct slice type = infer_type(e);
    uint64_t hash = infer_hash(e->name) * 31 + infer_hash(type);
    struct trace_entity **at;
    for (;; hash++) {
        at = &x->by_id[hash & (x->places - 1)];
        if (!*at || (slice_eq((*at)->node->name, e->name) &&
                     slice_eq((*at)->node->type, type)))
            break;
    }
    struct trace_node *n = *at ? (*at)->node : NULL;
    if (!n) {
        n = &x->trace->nodes[x->trace->n_nodes];
        *n = (struct trace_node){.name = e->name,
                                 .type = type,
                                 .inferred = true,
                                 .index = (unsigned)x->trace->n_nodes++};
        *at = (struct trace_entity *)e;
    }
    if (n->account_id.n == 0)
        n->account_id = e->account_id;
    if (e->kind == TRACE_SEGMENT)
        n->inferred = false;
    return n;
}

static void sum_up(struct trace *t)
{
    size_t segments = 0;
    bool begun = false;
    for (size_t i = 0; i < t->n_entities; i++) {
        const struct trace_entity *e = t->entities[i];
        bool own = e->kind == TRACE_SEGMENT;
        /* The first segment sets the start anew: one without segments has that
         * of its orphans. */
        if (!begun || (own && (segments == 0 || e->start < t->start)) ||
            (segments == 0 && e->start < t->start))
            t->start = e->start;
        double end = e->in_progress ? e->start : e->end;
        t->end = !begun || end > t->end ? end : t->end;
        begun = true;
        segments += own;
        t->partial = t->partial || e->in_progress || e->orphan;
        t->has_throttle = t->has_throttle ||
                          (trace_is_segment(e) && e->class == CLASS_THROTTLE);
    }
    t->partial = t->partial || segments == 0;
    t->duration = t->end > t->start ? t->end - t->start : 0;
    sum_up_entry(t);
}

static void sum_up_entry(struct trace *t)
{
    const struct trace_entity *e = t->entry;
    t->response_time = -1;
    if (!e)
        return;
    if (!e->in_progress)
        t->response_time = e->end > e->start ? e->end - e->start : 0;
    t->has_fault = e->class == CLASS_FAULT;
    t->has_error = e->class == CLASS_ERROR || e->class == CLASS_THROTTLE;
}
