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

/* The search for those of one kind. */
struct search {
    enum root_cause_kind kind;
    const struct trace_entity *entry;
    const struct trace_entity **path; /* PATH_MAX_ENTITIES */
    root_cause_fn fn;
    void *arg;
};

static void find_outcomes(struct search *s);
static bool is_of_kind(enum root_cause_kind kind, const struct trace_entity *e);
static const struct trace_entity *first_of(enum root_cause_kind kind,
                                           const struct trace_entity *from);
static void find_time(struct search *s);
static const struct trace_entity *longest(const struct trace_entity *e);
static double time_of(const struct trace_entity *e);
static void tell(struct search *s, const struct trace_entity *last);
static void write_one(void *arg, enum root_cause_kind kind,
                      const struct trace_entity *const *path, size_t n);
static void write_service(struct jw *j, enum root_cause_kind kind,
                          const struct trace_entity *entry,
                          const struct trace_entity *const *path, size_t n);
static void write_entity(struct jw *j, enum root_cause_kind kind,
                         const struct trace_entity *entry,
                         const struct trace_entity *e);
static void write_exceptions(struct jw *j, const struct trace_entity *e);

void root_causes_write(struct jw *j, const struct trace *t, struct arena *a)
{
    static const struct {
        const char *member;
        enum root_cause_kind kind;
    } kinds[] = {
        {"FaultRootCauses", ROOT_CAUSE_FAULT},
        {"ErrorRootCauses", ROOT_CAUSE_ERROR},
        {"ResponseTimeRootCauses", ROOT_CAUSE_TIME},
    };
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        jw_key(j, slice_str(kinds[i].member));
        jw_array(j);
        root_causes_each(t, kinds[i].kind, a, write_one, j);
        jw_array_end(j);
    }
}

void root_causes_each(const struct trace *t, enum root_cause_kind kind,
                      struct arena *a, root_cause_fn fn, void *arg)
{
    struct search s = {.kind = kind, .entry = t->entry, .fn = fn, .arg = arg};
    if (!s.entry || !s.entry->node)
        return;
    s.path = arena_alloc(a, PATH_MAX_ENTITIES * sizeof(*s.path));
    if (!s.path)
        return;
    if (kind == ROOT_CAUSE_TIME)
        find_time(&s);
    else
        find_outcomes(&s);
}

/* Depth first from the entry, by children of the kind only; each that has none
 * is the end of a path. */
static void find_outcomes(struct search *s)
{
    const struct trace_entity *e = s->entry, *next;
    unsigned n = 0;
    for (;;) {
        next = first_of(s->kind, e->first_child);
        if (next) {
            e = next;
            continue;
        }
        if (is_of_kind(s->kind, e) && n++ < CAUSES_MAX)
            tell(s, e);
        while (e != s->entry && !(next = first_of(s->kind, e->next)))
            e = e->parent;
        if (e == s->entry || n == CAUSES_MAX)
            return;
        e = next;
    }
}

static bool is_of_kind(enum root_cause_kind kind, const struct trace_entity *e)
{
    if (kind == ROOT_CAUSE_FAULT)
        return e->class == CLASS_FAULT;
    return e->class == CLASS_ERROR || e->class == CLASS_THROTTLE;
}

static const struct trace_entity *first_of(enum root_cause_kind kind,
                                           const struct trace_entity *from)
{
    while (from && !is_of_kind(kind, from))
        from = from->next;
    return from;
}

static void find_time(struct search *s)
{
    const struct trace_entity *e = s->entry, *next;
    if (e->in_progress)
        return;
    while ((next = longest(e)) && time_of(next) >= SHARE_MIN * time_of(e))
        e = next;
    tell(s, e);
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

/* The path from the entry on; what is too deep is cut off at the far end. */
static void tell(struct search *s, const struct trace_entity *last)
{
    size_t depth = 1;
    for (const struct trace_entity *e = last; e != s->entry; e = e->parent)
        depth++;
    size_t n = depth < PATH_MAX_ENTITIES ? depth : PATH_MAX_ENTITIES;
    for (const struct trace_entity *e = last; depth > 0; e = e->parent)
        if (--depth < n)
            s->path[depth] = e;
    s->fn(s->arg, s->kind, s->path, n);
}

static void write_one(void *arg, enum root_cause_kind kind,
                      const struct trace_entity *const *path, size_t n)
{
    root_cause_write(arg, kind, path, n);
}

void root_cause_write(struct jw *j, enum root_cause_kind kind,
                      const struct trace_entity *const *path, size_t n)
{
    size_t from = 0;
    jw_object(j);
    jw_key(j, SLICE("Services"));
    jw_array(j);
    for (size_t i = 1; i <= n; i++) {
        if (i < n && path[i]->owner == path[from]->owner)
            continue;
        write_service(j, kind, path[0], path + from, i - from);
        from = i;
    }
    jw_array_end(j);
    /* Whether the client has felt it. */
    member_bool(j, "ClientImpacting",
                kind == ROOT_CAUSE_TIME || is_of_kind(kind, path[0]));
    jw_object_end(j);
}

/* The part of a path that one service has. */
static void write_service(struct jw *j, enum root_cause_kind kind,
                          const struct trace_entity *entry,
                          const struct trace_entity *const *path, size_t n)
{
    const struct trace_node *node = path[0]->node;
    jw_object(j);
    member_names(j, node->name);
    member_text(j, "Type", node->type);
    member_bool(j, "Inferred", path[0]->owner->kind == TRACE_INFERRED);
    jw_key(j, SLICE("EntityPath"));
    jw_array(j);
    for (size_t i = 0; i < n; i++)
        write_entity(j, kind, entry, path[i]);
    jw_array_end(j);
    jw_object_end(j);
}

static void write_entity(struct jw *j, enum root_cause_kind kind,
                         const struct trace_entity *entry,
                         const struct trace_entity *e)
{
    jw_object(j);
    member_text(j, "Name", e->name);
    if (kind == ROOT_CAUSE_TIME)
        member_number(j, "Coverage", root_cause_coverage(entry, e));
    else
        write_exceptions(j, e);
    member_bool(j, "Remote", slice_is(e->name_space, "remote"));
    jw_object_end(j);
}

double root_cause_coverage(const struct trace_entity *entry,
                           const struct trace_entity *e)
{
    double whole = time_of(entry);
    return whole > 0 ? time_of(e) / whole : 1;
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
