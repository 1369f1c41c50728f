/* SPDX-License-Identifier: Apache-2.0 */
/*
 * First pass over an OTLP trace request in JSON. The resource of a
 * ResourceSpans object and the scope of a ScopeSpans object may stand behind
 * the spans, and the schema URL mostly does; yet a span is handed out together
 * with all three. So this pass notes where they begin. It counts brackets and
 * compares member names and leaves all checking to the walk that follows: up
 * to the first fault both see the same objects in the same order.
 */
#include "otlp_decode.h"

/* Bytes looked at in one step. */
#define OUTLINE_STEP 65536

static const char *string_goes_on(struct otlp_decoder *d, const char *p,
                                  const char *stop);
static bool structural(struct otlp_decoder *d, const char *p);
static bool open_bracket(struct otlp_decoder *d, bool object);
static void close_bracket(struct otlp_json_outline *o);
static void string_ended(struct otlp_json_outline *o, struct slice text);
static bool check_run(struct otlp_decoder *d, const char *p);
static bool fail(struct otlp_decoder *d, const char *why);

const struct otlp_json_level otlp_json_levels[OTLP_LEVELS] = {
    {"resourceSpans", "resource_spans", NULL},
    {"scopeSpans", "scope_spans", "resource"},
    {"spans", "spans", "scope"},
};

static const bool is_structural[256] = {
    ['"'] = true, ['{'] = true, ['}'] = true,
    ['['] = true, [']'] = true, [','] = true,
};

void otlp_json_outline_init(struct otlp_json_outline *o, struct slice body)
{
    *o = (struct otlp_json_outline){.p = body.p, .run = body.p};
    o->end = body.n ? body.p + body.n : body.p;
}

/* Whether members of the object at the present level stand at this depth. */
static bool at_members(const struct otlp_json_outline *o)
{
    return !o->in_list && o->depth == 1 + 2 * (unsigned)o->level;
}

bool otlp_json_outline(struct otlp_decoder *d)
{
    struct otlp_json_outline *o = &d->json.outline;
    const char *begin = o->p, *p = begin;
    const char *stop = o->end - p > OUTLINE_STEP ? p + OUTLINE_STEP : o->end;

    while (p < stop) {
        if (o->in_string)
            p = string_goes_on(d, p, stop);
        else if (!is_structural[(unsigned char)*p])
            p++;
        else if (!structural(d, p++))
            return false;
    }
    o->p = p;
    d->work += 1 + (uint64_t)(p - begin) / OTLP_WORK_BYTES;
    if (p == o->end)
        o->p = NULL;
    return check_run(d, p);
}

/* Inside of a string: up to its end, or to the stop. */
static const char *string_goes_on(struct otlp_decoder *d, const char *p,
                                  const char *stop)
{
    struct otlp_json_outline *o = &d->json.outline;
    const char *quote = memchr(p, '"', (size_t)(stop - p));

    if (!quote)
        return stop;
    const char *slash = quote;
    while (slash > o->run && slash[-1] == '\\')
        slash--;
    if ((quote - slash) % 2 == 1) {
        d->work++;
        return quote + 1;
    }
    o->in_string = false;
    string_ended(o, slice_of(o->run, (size_t)(quote - o->run)));
    o->run = quote + 1;
    return quote + 1;
}

static void string_ended(struct otlp_json_outline *o, struct slice text)
{
    const struct otlp_json_level *names = &otlp_json_levels[o->level];
    const char *p = text.p + text.n + 1;

    if (!at_members(o))
        return;
    while (p < o->end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
        p++;
    if (p == o->end || *p++ != ':')
        return;
    o->list_next =
        slice_is(text, names->list) || slice_is(text, names->list_snake);
    if (o->level == OTLP_REQUEST)
        return;
    struct otlp_json_head *head = &o->heads[o->open[o->level]];
    if (slice_is(text, names->head))
        head->at = p;
    else if (slice_is(text, "schemaUrl") || slice_is(text, "schema_url"))
        head->schema_url = p;
}

static bool structural(struct otlp_decoder *d, const char *p)
{
    struct otlp_json_outline *o = &d->json.outline;

    o->run = p + 1;
    switch (*p) {
    case '"':
        o->in_string = true;
        return true;
    case '{':
    case '[':
        return open_bracket(d, *p == '{');
    case '}':
    case ']':
        close_bracket(o);
        return true;
    default:
        return true;
    }
}

static bool open_bracket(struct otlp_decoder *d, bool object)
{
    struct otlp_json_outline *o = &d->json.outline;

    if (at_members(o)) {
        o->in_list = !object && o->list_next && o->level < OTLP_SCOPE;
        o->list_next = false;
    } else if (object && o->in_list && o->depth == 2 + 2 * (unsigned)o->level) {
        if (o->n_heads == OTLP_OBJECTS_MAX)
            return fail(d, otlp_why_memory);
        d->into = d->arena;
        o->heads = otlp_list_add(d, o->heads, o->n_heads, sizeof(*o->heads));
        if (!o->heads)
            return fail(d, otlp_why_memory);
        o->in_list = false;
        o->open[++o->level] = o->n_heads++;
    }
    o->depth++;
    d->work++;
    return true;
}

static void close_bracket(struct otlp_json_outline *o)
{
    if (o->depth > 0)
        o->depth--;
    if (o->in_list && o->depth == 1 + 2 * (unsigned)o->level) {
        o->in_list = false;
    } else if (o->level > 0 && o->depth == 2 * (unsigned)o->level) {
        o->level--;
        o->in_list = true;
    }
}

/* A string, number or run of white space that goes on for ever would be one
 * token of the walk, and hold the loop. */
static bool check_run(struct otlp_decoder *d, const char *p)
{
    return p - d->json.outline.run <= OTLP_STRING_MAX ||
           fail(d, otlp_why_string);
}

static bool fail(struct otlp_decoder *d, const char *why)
{
    d->at_ceiling = otlp_is_ceiling(why);
    err_set(&d->err, "request: %s, at byte %zu", why,
            (size_t)(d->json.outline.run - d->body.p));
    return false;
}
