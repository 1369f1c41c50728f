/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A translator's own copy of its options, all in one arena, so that a new set
 * takes the place of the old as a whole or not at all. Knows no span.
 */
#include "parts.h"

enum { OPTIONS_BYTES_MAX = 16 * 1024 * 1024 };

static bool copy_options(struct arena *a, struct translate_options *o);
static bool copy_steps(struct arena *a, struct process *p);
static const struct slice *copy_texts(struct arena *a, const struct slice *from,
                                      size_t n);
static bool copy_map(struct arena *a, struct attributes *map);
static bool copy_value(struct arena *a, struct value *v);
static bool copy_text(struct arena *a, struct slice *s);
static bool index_names(const struct translate_options *o, struct seen *names);
static bool has_globs(const struct translate_options *o);

bool translator_set_options(struct translator *t,
                            const struct translate_options *o)
{
    struct translate_options own = *o;
    struct process process = {0};
    struct seen names = {0};
    struct arena memory;

    arena_init(&memory, OPTIONS_BYTES_MAX);
    if (!copy_options(&memory, &own) || !index_names(&own, &names) ||
        !process_init(&process, o->steps, o->n_steps) ||
        !copy_steps(&memory, &process)) {
        process_fini(&process);
        seen_fini(&names);
        arena_fini(&memory);
        return false;
    }
    translator_begin_request(t);
    process_fini(&t->process);
    seen_fini(&t->indexed_names);
    arena_fini(&t->memory);
    own.steps = NULL; /* the copy is in process */
    t->options = own;
    t->process = process;
    t->memory = memory;
    t->indexed_names = names;
    t->has_globs = has_globs(&own);
    return true;
}

void translator_learn(struct translator *t, struct slice key,
                      struct slice value)
{
    for (size_t i = 0; i < t->process.n_steps; i++) {
        struct process_step *s = &t->process.steps[i];
        if (s->resource && s->value.kind == VALUE_EMPTY &&
            slice_eq(s->key, key) && copy_text(&t->memory, &value))
            s->value = (struct value){.kind = VALUE_STRING, .text = value};
    }
    translator_begin_request(t);
}

/* Each of these puts an own copy in the place of what it is given. */
static bool copy_options(struct arena *a, struct translate_options *o)
{
    o->indexed = copy_texts(a, o->indexed, o->n_indexed);
    o->log_groups = copy_texts(a, o->log_groups, o->n_log_groups);
    return (o->indexed || !o->n_indexed) &&
           (o->log_groups || !o->n_log_groups) && copy_map(a, &o->defaults) &&
           copy_map(a, &o->place);
}

static bool copy_steps(struct arena *a, struct process *p)
{
    for (size_t i = 0; i < p->n_steps; i++) {
        struct process_step *s = &p->steps[i];
        if (!copy_text(a, &s->key) || !copy_value(a, &s->value))
            return false;
    }
    return true;
}

static const struct slice *copy_texts(struct arena *a, const struct slice *from,
                                      size_t n)
{
    struct slice *own = n ? arena_alloc(a, n * sizeof(*own)) : NULL;

    for (size_t i = 0; own && i < n; i++) {
        own[i] = from[i];
        if (!copy_text(a, &own[i]))
            return NULL;
    }
    return own;
}

static bool copy_map(struct arena *a, struct attributes *map)
{
    if (map->n == 0)
        return true;
    struct attribute *own = arena_alloc(a, map->n * sizeof(*own));
    if (!own)
        return false;
    memcpy(own, map->items, map->n * sizeof(*own));
    map->items = own;
    for (uint32_t i = 0; i < map->n; i++) {
        if (!copy_text(a, &own[i].key) || !copy_value(a, &own[i].value))
            return false;
    }
    return true;
}

static bool copy_value(struct arena *a, struct value *v)
{
    if (v->kind == VALUE_STRING || v->kind == VALUE_BYTES)
        return copy_text(a, &v->text);
    if (v->kind == VALUE_MAP)
        return copy_map(a, &v->map);
    if (v->kind != VALUE_ARRAY || v->array.n == 0)
        return true;
    struct value *own = arena_alloc(a, v->array.n * sizeof(*own));
    if (!own)
        return false;
    memcpy(own, v->array.items, v->array.n * sizeof(*own));
    v->array.items = own;
    for (uint32_t i = 0; i < v->array.n; i++) {
        if (!copy_value(a, &own[i]))
            return false;
    }
    return true;
}

static bool copy_text(struct arena *a, struct slice *s)
{
    s->p = arena_dup(a, *s);
    return s->p != NULL;
}

static bool index_names(const struct translate_options *o, struct seen *names)
{
    struct seen_entry *was;

    if (!seen_begin(names, o->n_indexed))
        return false;
    for (size_t i = 0; i < o->n_indexed; i++)
        seen_add(names, key_hash(o->indexed[i]), (uint32_t)i, &was);
    return true;
}

static bool has_globs(const struct translate_options *o)
{
    for (size_t i = 0; i < o->n_indexed; i++) {
        struct slice name = o->indexed[i];
        if (slice_find_byte(name, '*') < name.n ||
            slice_find_byte(name, '?') < name.n)
            return true;
    }
    return false;
}
