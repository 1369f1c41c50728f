/* SPDX-License-Identifier: Apache-2.0 */
/* Compares JSON by what one side names; see filter_json.h. Pure. */
#include "filter_json.h"

#include "xr/json_scan.h"

#define DEPTH_MAX 64
#define TEXT_MAX_BYTES (16u << 10)

/* Goes over the values of an object or an array. */
struct values {
    struct js j;
    struct slice text; /* of the whole */
};

/* A value: its kind, its text (as js_next gives it) and where it stands. */
struct value {
    enum js_kind kind;
    struct slice text, whole;
};

static bool fits(struct filter_run *r, const struct value *want,
                 const struct value *have);
static bool fits_object(struct filter_run *r, struct slice want,
                        struct slice have);
static bool fits_array(struct filter_run *r, struct slice want,
                       struct slice have);
static bool same_text(struct slice a, struct slice b);
static bool member(struct slice object, struct slice name, struct value *out);
static bool next_member(struct values *v, struct slice *name,
                        struct value *out);
static void begin(struct values *v, struct slice text);
static bool next(struct values *v, struct value *out);

bool filter_json_any(struct filter_run *r, struct slice wanted,
                     struct slice have)
{
    struct values all;
    struct value want, cause = {JS_OBJECT, {0}, have};
    begin(&all, wanted);
    while (next(&all, &want))
        if (fits(r, &want, &cause))
            return true;
    return false;
}

static bool fits(struct filter_run *r, const struct value *want,
                 const struct value *have)
{
    if (!filter_spend(r, 1 + have->whole.n / 32))
        return false;
    if (want->kind == JS_NULL)
        return have->kind == JS_NULL ||
               (have->kind == JS_STRING && have->text.n == 0);
    if (want->kind != have->kind)
        return false;
    switch (want->kind) {
    case JS_OBJECT:
        return fits_object(r, want->whole, have->whole);
    case JS_ARRAY:
        return fits_array(r, want->whole, have->whole);
    case JS_STRING:
        return same_text(want->text, have->text);
    case JS_NUMBER:
        return js_number(want->text, 0) == js_number(have->text, 0);
    default:
        return true;
    }
}

static bool fits_object(struct filter_run *r, struct slice want,
                        struct slice have)
{
    struct values all;
    struct value a, b;
    struct slice name;
    begin(&all, want);
    while (next_member(&all, &name, &a)) {
        if (member(have, name, &b) ? !fits(r, &a, &b) : a.kind != JS_NULL)
            return false;
    }
    return true;
}

static bool fits_array(struct filter_run *r, struct slice want,
                       struct slice have)
{
    struct values w, h;
    struct value a, b;
    begin(&w, want);
    begin(&h, have);
    while (next(&w, &a))
        if (!next(&h, &b) || !fits(r, &a, &b))
            return false;
    return !next(&h, &b);
}

static bool same_text(struct slice a, struct slice b)
{
    struct arena arena;
    if (!js_has_escape(a) && !js_has_escape(b))
        return slice_eq(a, b);
    arena_init(&arena, 2 * (a.n + b.n) + TEXT_MAX_BYTES);
    bool same =
        js_text(a, &arena, &a) && js_text(b, &arena, &b) && slice_eq(a, b);
    arena_fini(&arena);
    return same;
}

static bool member(struct slice object, struct slice name, struct value *out)
{
    struct values v;
    struct slice key;
    begin(&v, object);
    while (next_member(&v, &key, out))
        if (same_text(key, name))
            return true;
    return false;
}

static bool next_member(struct values *v, struct slice *name, struct value *out)
{
    return js_next(&v->j, name) == JS_KEY && next(v, out);
}

static void begin(struct values *v, struct slice text)
{
    v->text = text;
    js_init(&v->j, text, DEPTH_MAX);
    (void)js_next(&v->j, NULL);
}

static bool next(struct values *v, struct value *out)
{
    size_t from;
    out->text = (struct slice){0};
    out->kind = js_next(&v->j, &out->text);
    from = js_offset(&v->j) - 1; /* right for what has brackets */
    if (out->kind <= JS_END || out->kind == JS_OBJECT_END ||
        out->kind == JS_ARRAY_END || !js_skip(&v->j, out->kind))
        return false;
    out->whole = slice_of(v->text.p + from, js_offset(&v->j) - from);
    return true;
}
