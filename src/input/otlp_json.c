/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OTLP trace request in JSON: the cursor over the three lists that are walked
 * (resourceSpans, scopeSpans, spans), which passes over each list element by
 * element. Resources and scopes were found beforehand by otlp_json_outline.c;
 * messages are read in otlp_json_message.c.
 */
#include "otlp_json_scalar.h"

/* Steps of a path shown at each end. */
#define PATH_END 6

static bool begin(struct otlp_decoder *d);
static bool skip_token(struct otlp_decoder *d);
static bool take_member(struct otlp_decoder *d);
static enum otlp_result end_object(struct otlp_decoder *d);
static bool take_element(struct otlp_decoder *d);
static bool enter_object(struct otlp_decoder *d);
static bool take_span(struct otlp_decoder *d);
static bool read_head(struct otlp_decoder *d);
static bool read_ahead(struct otlp_decoder *d, const char *name,
                       const char *from);
static void print_path(const struct otlp_json_cursor *c, struct buf *out);

void otlp_json_init(struct otlp_decoder *d)
{
    struct otlp_json_cursor *c = &d->json;

    js_init(&c->main, d->body, JS_DEPTH_MAX);
    c->in = &c->main;
    c->text = slice_of(NULL, 0);
    c->kind = JS_NULL;
    c->level = OTLP_REQUEST;
    c->begun = c->in_list = false;
    c->skipping = 0;
    c->path_n = 0;
    c->next_head = 0;
    otlp_json_outline_init(&c->outline, d->body);
}

static enum otlp_result result(bool good)
{
    return good ? OTLP_MORE : OTLP_BAD;
}

enum otlp_result otlp_json_step(struct otlp_decoder *d)
{
    struct otlp_json_cursor *c = &d->json;

    if (c->outline.p)
        return result(otlp_json_outline(d));
    if (!otlp_json_next(d))
        return OTLP_BAD;
    if (!c->begun)
        return result(begin(d));
    if (c->skipping)
        return result(skip_token(d));
    if (c->in_list)
        return result(take_element(d));
    if (c->kind == JS_OBJECT_END)
        return end_object(d);
    return result(take_member(d));
}

static bool begin(struct otlp_decoder *d)
{
    d->json.begun = true;
    return d->json.kind == JS_OBJECT ||
           otlp_json_fail(d, "a request is a JSON object");
}

static bool skip_token(struct otlp_decoder *d)
{
    enum js_kind k = d->json.kind;

    if (k == JS_OBJECT || k == JS_ARRAY)
        d->json.skipping++;
    else if (k == JS_OBJECT_END || k == JS_ARRAY_END)
        d->json.skipping--;
    return true;
}

/* A member of a request, ResourceSpans or ScopeSpans; its key was read. */
static bool take_member(struct otlp_decoder *d)
{
    struct otlp_json_cursor *c = &d->json;
    bool list = slice_is(c->text, otlp_json_levels[c->level].list) ||
                slice_is(c->text, otlp_json_levels[c->level].list_snake);

    if (!otlp_json_next(d))
        return false;
    if (!list || c->kind == JS_NULL)
        return skip_token(d);
    otlp_json_enter(d, otlp_json_levels[c->level].list);
    c->in_list = true;
    return c->kind == JS_ARRAY || otlp_json_fail(d, "an array is expected");
}

static enum otlp_result end_object(struct otlp_decoder *d)
{
    struct otlp_json_cursor *c = &d->json;

    if (c->level > OTLP_REQUEST) {
        c->level--;
        c->in_list = true;
        return OTLP_MORE;
    }
    return otlp_json_next(d) ? OTLP_END : OTLP_BAD;
}

static bool take_element(struct otlp_decoder *d)
{
    struct otlp_json_cursor *c = &d->json;

    if (c->kind == JS_ARRAY_END) {
        c->in_list = false;
        otlp_json_leave(d);
        return true;
    }
    otlp_json_item(d);
    if (c->kind == JS_NULL)
        return true;
    if (c->kind != JS_OBJECT)
        return otlp_json_fail(d, "an object is expected");
    return c->level == OTLP_SCOPE ? take_span(d) : enter_object(d);
}

static bool enter_object(struct otlp_decoder *d)
{
    struct otlp_json_cursor *c = &d->json;

    c->level++;
    c->in_list = false;
    bool room = c->level == OTLP_RESOURCE ? otlp_resource_begin(d)
                                          : otlp_scope_begin(d);
    return room ? read_head(d) : otlp_json_fail(d, otlp_why_memory);
}

static bool take_span(struct otlp_decoder *d)
{
    struct otlp_json_cursor *c = &d->json;
    int above = c->main.depth - 1, path_n = c->path_n;

    otlp_span_begin(d);
    if (otlp_json_span(d, &d->span)) {
        otlp_span_deliver(d);
        return true;
    }
    if (!otlp_span_pass_over(d))
        return false;
    c->skipping = (unsigned)(c->main.depth - above);
    c->path_n = path_n;
    return true;
}

/* The head of the object that was entered, as the outline knows it. */
static bool read_head(struct otlp_decoder *d)
{
    struct otlp_json_cursor *c = &d->json;

    if (c->next_head == c->outline.n_heads)
        return true; /* only where a fault stands before it */
    const struct otlp_json_head *h = &c->outline.heads[c->next_head++];
    return (!h->at || read_ahead(d, otlp_json_levels[c->level].head, h->at)) &&
           (!h->schema_url || read_ahead(d, NULL, h->schema_url));
}

/* Reads the value at `from` with a reader of its own. No name: it is the
 * schema URL. */
static bool read_ahead(struct otlp_decoder *d, const char *name,
                       const char *from)
{
    struct otlp_json_cursor *c = &d->json;
    bool resource = c->level == OTLP_RESOURCE, good;

    js_init(&c->ahead, slice_of(from, (size_t)(c->main.end - from)),
            JS_DEPTH_MAX);
    c->in = &c->ahead;
    otlp_json_enter(d, name ? name : "schemaUrl");
    if (!otlp_json_next(d))
        return false;
    if (!name)
        good = otlp_json_text(d, resource ? &d->resource->schema_url
                                          : &d->scope->schema_url);
    else
        good = resource ? otlp_json_resource(d, d->resource)
                        : otlp_json_scope(d, d->scope);
    if (!good)
        return false;
    otlp_json_leave(d);
    c->in = &c->main;
    return true;
}

bool otlp_json_next(struct otlp_decoder *d)
{
    struct otlp_json_cursor *c = &d->json;

    uint32_t escapes = c->in->escapes;

    c->text.n = 0;
    c->kind = js_next(c->in, &c->text);
    if (c->kind == JS_ERROR)
        return otlp_json_fail(d, c->in->why);
    escapes = c->in->escapes - escapes;
    return otlp_json_spend(d, 1 + c->text.n / OTLP_WORK_BYTES +
                                  escapes / OTLP_WORK_ESCAPES);
}

bool otlp_json_spend(struct otlp_decoder *d, uint64_t units)
{
    return otlp_spend(d, units) || otlp_json_fail(d, otlp_why_work);
}

void otlp_json_enter(struct otlp_decoder *d, const char *name)
{
    struct otlp_json_cursor *c = &d->json;

    if (c->path_n < OTLP_PATH_MAX)
        c->path[c->path_n] = (struct otlp_path_step){name, -1};
    c->path_n++;
}

void otlp_json_item(struct otlp_decoder *d)
{
    struct otlp_json_cursor *c = &d->json;

    if (c->path_n <= OTLP_PATH_MAX)
        c->path[c->path_n - 1].index++;
}

bool otlp_json_fail(struct otlp_decoder *d, const char *why)
{
    struct otlp_json_cursor *c = &d->json;
    bool text =
        c->kind == JS_KEY || c->kind == JS_STRING || c->kind == JS_NUMBER;
    const char *at = text && why != c->in->why ? c->text.p : c->in->p;
    struct buf path;

    d->at_ceiling = otlp_is_ceiling(why);
    buf_init(&path, sizeof(d->err.text));
    print_path(c, &path);
    err_set(&d->err, "%s: %s, at byte %zu", buf_cstr(&path), why,
            (size_t)(at - d->body.p));
    buf_fini(&path);
    return false;
}

/* Of a long way only both ends, so that it fits a message. */
static void print_path(const struct otlp_json_cursor *c, struct buf *out)
{
    int n = c->path_n < OTLP_PATH_MAX ? c->path_n : OTLP_PATH_MAX;

    buf_str(out, n ? "" : "request");
    for (int i = 0; i < n; i++) {
        if (n > 2 * PATH_END && i == PATH_END) {
            buf_str(out, ".(...)");
            i = n - PATH_END;
        }
        buf_str(out, i ? "." : "");
        buf_str(out, c->path[i].name);
        if (c->path[i].index >= 0)
            buf_printf(out, "[%lld]", (long long)c->path[i].index);
    }
}
