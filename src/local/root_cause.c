/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Root causes of a trace: paths from the entry to the deepest call of the same
 * outcome, and one to where the time goes. A path is written as the services
 * that it crosses, each with its entities. Clients read these members without
 * a check, so each is always there. Pure.
 */
#include "root_cause.h"

#include "summary.h"

/* Of each kind; a hostile trace has as many as it has entities. */
#define CAUSES_MAX 50
/* Entities of a path that are told, from the entry on. */
#define PATH_MAX_ENTITIES 200
/* A child explains its parent's time if it takes this share of it. */
#define SHARE_MIN 0.5

enum cause_kind { CAUSE_FAULT, CAUSE_ERROR, CAUSE_TIME };

/* What is written of one kind. */
struct causes {
    struct jw *j;
    enum cause_kind kind;
    const struct trace_entity *entry;
    const struct trace_entity **path; /* PATH_MAX_ENTITIES */
    bool impact;                      /* the client has felt it */
};

static void write_outcomes(struct causes *c);
static bool is_of_kind(const struct causes *c, const struct trace_entity *e);
static const struct trace_entity *first_of(const struct causes *c,
                                           const struct trace_entity *from);
static void write_time(struct causes *c);
static const struct trace_entity *longest(const struct trace_entity *e);
static double time_of(const struct trace_entity *e);
static void write_path(struct causes *c, const struct trace_entity *last);
static size_t fill_path(struct causes *c, const struct trace_entity *last);
static void write_service(struct causes *c, size_t from, size_t to);
static void write_entity(struct causes *c, const struct trace_entity *e);
static void write_exceptions(struct jw *j, const struct trace_entity *e);

void root_causes_write(struct jw *j, const struct trace *t, struct arena *a)
{
    static const struct {
        const char *member;
        enum cause_kind kind;
    } kinds[] = {
        {"FaultRootCauses", CAUSE_FAULT},
        {"ErrorRootCauses", CAUSE_ERROR},
        {"ResponseTimeRootCauses", CAUSE_TIME},
    };
    struct causes c = {.j = j, .entry = t->entry};
    c.path = arena_alloc(a, PATH_MAX_ENTITIES * sizeof(*c.path));
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        c.kind = kinds[i].kind;
        jw_key(j, slice_str(kinds[i].member));
        jw_array(j);
        if (c.path && c.entry && c.entry->node) {
            c.impact = c.kind == CAUSE_TIME || is_of_kind(&c, c.entry);
            if (c.kind == CAUSE_TIME)
                write_time(&c);
            else
                write_outcomes(&c);
        }
        jw_array_end(j);
    }
}

/* Depth first from the entry, by children of the kind only; each that has none
 * is the end of a path. */
static void write_outcomes(struct causes *c)
{
    const struct trace_entity *e = c->entry, *next;
    unsigned n = 0;
    for (;;) {
        next = first_of(c, e->first_child);
        if (next) {
            e = next;
            continue;
        }
        if (is_of_kind(c, e) && n++ < CAUSES_MAX)
            write_path(c, e);
        while (e != c->entry && !(next = first_of(c, e->next)))
            e = e->parent;
        if (e == c->entry || n == CAUSES_MAX)
            return;
        e = next;
    }
}

static bool is_of_kind(const struct causes *c, const struct trace_entity *e)
{
    if (c->kind == CAUSE_FAULT)
        return e->class == CLASS_FAULT;
    return e->class == CLASS_ERROR || e->class == CLASS_THROTTLE;
}

static const struct trace_entity *first_of(const struct causes *c,
                                           const struct trace_entity *from)
{
    while (from && !is_of_kind(c, from))
        from = from->next;
    return from;
}

static void write_time(struct causes *c)
{
    const struct trace_entity *e = c->entry, *next;
    if (e->in_progress)
        return;
    while ((next = longest(e)) && time_of(next) >= SHARE_MIN * time_of(e))
        e = next;
    write_path(c, e);
}

static const struct trace_entity *longest(const struct trace_entity *e)
{
    const struct trace_entity *best = NULL;
    for (const struct trace_entity *c = e->first_child; c; c = c->next)
        if (!c->in_progress && (!best || time_of(c) > time_of(best)))
            best = c;
    return best;
}

static double time_of(const struct trace_entity *e)
{
    return e->end > e->start ? e->end - e->start : 0;
}

static void write_path(struct causes *c, const struct trace_entity *last)
{
    size_t n = fill_path(c, last), from = 0;
    jw_object(c->j);
    jw_key(c->j, SLICE("Services"));
    jw_array(c->j);
    for (size_t i = 1; i <= n; i++) {
        if (i < n && c->path[i]->owner == c->path[from]->owner)
            continue;
        write_service(c, from, i);
        from = i;
    }
    jw_array_end(c->j);
    member_bool(c->j, "ClientImpacting", c->impact);
    jw_object_end(c->j);
}

/* From the entry on; what is too deep is cut off at the far end. */
static size_t fill_path(struct causes *c, const struct trace_entity *last)
{
    size_t depth = 1;
    for (const struct trace_entity *e = last; e != c->entry; e = e->parent)
        depth++;
    size_t n = depth < PATH_MAX_ENTITIES ? depth : PATH_MAX_ENTITIES;
    for (const struct trace_entity *e = last; depth > 0; e = e->parent)
        if (--depth < n)
            c->path[depth] = e;
    return n;
}

static void write_service(struct causes *c, size_t from, size_t to)
{
    const struct trace_node *n = c->path[from]->node;
    jw_object(c->j);
    member_text(c->j, "Name", n->name);
    jw_key(c->j, SLICE("Names"));
    jw_array(c->j);
    jw_string(c->j, n->name);
    jw_array_end(c->j);
    member_text(c->j, "Type", n->type);
    member_bool(c->j, "Inferred", c->path[from]->owner->kind == TRACE_INFERRED);
    jw_key(c->j, SLICE("EntityPath"));
    jw_array(c->j);
    for (size_t i = from; i < to; i++)
        write_entity(c, c->path[i]);
    jw_array_end(c->j);
    jw_object_end(c->j);
}

static void write_entity(struct causes *c, const struct trace_entity *e)
{
    double whole = time_of(c->entry);
    jw_object(c->j);
    member_text(c->j, "Name", e->name);
    if (c->kind == CAUSE_TIME)
        member_number(c->j, "Coverage", whole > 0 ? time_of(e) / whole : 1);
    else
        write_exceptions(c->j, e);
    member_bool(c->j, "Remote", slice_is(e->name_space, "remote"));
    jw_object_end(c->j);
}

static void write_exceptions(struct jw *j, const struct trace_entity *e)
{
    jw_key(j, SLICE("Exceptions"));
    jw_array(j);
    for (const struct trace_exception *x = e->exceptions; x; x = x->next) {
        jw_object(j);
        member_text(j, "Name", x->type);
        member_text(j, "Message", x->message);
        jw_object_end(j);
    }
    jw_array_end(j);
}
