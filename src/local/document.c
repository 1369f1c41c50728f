/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a segment document. Members of interest are rows of tables, nested as
 * the document is, so that one pass over the text fills an entity; what has
 * the wrong type counts as absent, as the service takes it. Knows the
 * document's fields, nothing of other documents.
 */
#include "document.h"

#include "trace_id.h"
#include "xr/hash.h"
#include "xr/json_scan.h"

#define ID_DIGITS 16
#define STATUS_END 1000

/* The reader of one document. */
struct reader {
    struct js js;
    const struct trace_document *document;
    struct arena *arena;
    bool full; /* the arena is */
};

/* How a member is taken. `offset` says where in the entity it goes. */
enum take {
    TAKE_TEXT,
    TAKE_NUMBER,
    TAKE_STATUS,
    TAKE_BOOL,
    TAKE_TYPE,
    TAKE_OBJECT, /* keeps the raw text, reads members by the table `inner` */
    TAKE_ANNOTATIONS,
    TAKE_CAUSE,
    TAKE_LINKS,
    TAKE_SUBSEGMENTS,
};

struct member {
    const char *name;
    enum take take;
    size_t offset;
    const struct member *inner;
};

static bool read_members(struct reader *r, const struct member *table,
                         struct trace_entity *e);
static bool read_member(struct reader *r, const struct member *m,
                        struct trace_entity *e);
static bool take_scalar(struct reader *r, const struct member *m,
                        struct trace_entity *e, enum js_kind kind,
                        struct slice text);
static bool take_object(struct reader *r, const struct member *m,
                        struct trace_entity *e);
static bool take_annotations(struct reader *r, struct trace_entity *e);
static bool take_annotation(struct reader *r, struct slice key,
                            struct trace_annotation ***tail);
static bool take_cause(struct reader *r, struct trace_entity *e);
static bool take_exceptions(struct reader *r, struct trace_entity *e);
static bool take_exception(struct reader *r, struct trace_exception *x);
static bool take_links(struct reader *r, struct trace_entity *e);
static bool take_link(struct reader *r, struct trace_link *l);
static bool take_subsegments(struct reader *r, struct trace_entity *e);
static bool take_entity(struct reader *r, struct trace_entity *e);
static struct trace_entity *new_entity(struct reader *r);
static bool next_key(struct reader *r, struct slice *key);
static bool next_object(struct reader *r);
static bool text_of(struct reader *r, struct slice raw, struct slice *out);
static int status_of(double v);
static enum trace_class class_of(const struct trace_entity *e);
static bool read_id(struct slice text, uint64_t *out);

#define AT(field) offsetof(struct trace_entity, field)

static const struct member request_members[] = {
    {"method", TAKE_TEXT, AT(http.method), NULL},
    {"url", TAKE_TEXT, AT(http.url), NULL},
    {"user_agent", TAKE_TEXT, AT(http.user_agent), NULL},
    {"client_ip", TAKE_TEXT, AT(http.client_ip), NULL},
    {0},
};

static const struct member response_members[] = {
    {"status", TAKE_STATUS, AT(http.status), NULL},
    {0},
};

static const struct member http_members[] = {
    {"request", TAKE_OBJECT, 0, request_members},
    {"response", TAKE_OBJECT, 0, response_members},
    {0},
};

static const struct member ec2_members[] = {
    {"instance_id", TAKE_TEXT, AT(instance_id), NULL},
    {"availability_zone", TAKE_TEXT, AT(availability_zone), NULL},
    {0},
};

static const struct member aws_members[] = {
    {"operation", TAKE_TEXT, AT(operation), NULL},
    {"account_id", TAKE_TEXT, AT(account_id), NULL},
    {"ec2", TAKE_OBJECT, 0, ec2_members},
    {0},
};

static const struct member no_members[] = {{0}};

static const struct member entity_members[] = {
    {"id", TAKE_TEXT, AT(id), NULL},
    {"name", TAKE_TEXT, AT(name), NULL},
    {"start_time", TAKE_NUMBER, AT(start), NULL},
    {"end_time", TAKE_NUMBER, AT(end), NULL},
    {"parent_id", TAKE_TEXT, AT(parent_id), NULL},
    {"type", TAKE_TYPE, 0, NULL},
    {"namespace", TAKE_TEXT, AT(name_space), NULL},
    {"origin", TAKE_TEXT, AT(origin), NULL},
    {"user", TAKE_TEXT, AT(user), NULL},
    {"resource_arn", TAKE_TEXT, AT(resource_arn), NULL},
    {"in_progress", TAKE_BOOL, AT(in_progress), NULL},
    {"fault", TAKE_BOOL, AT(fault), NULL},
    {"error", TAKE_BOOL, AT(error), NULL},
    {"throttle", TAKE_BOOL, AT(throttle), NULL},
    {"http", TAKE_OBJECT, AT(raw_http), http_members},
    {"aws", TAKE_OBJECT, AT(raw_aws), aws_members},
    {"sql", TAKE_OBJECT, AT(raw_sql), no_members},
    {"metadata", TAKE_OBJECT, AT(raw_metadata), no_members},
    {"annotations", TAKE_ANNOTATIONS, 0, NULL},
    {"cause", TAKE_CAUSE, 0, NULL},
    {"links", TAKE_LINKS, 0, NULL},
    {"subsegments", TAKE_SUBSEGMENTS, 0, NULL},
    {0},
};

enum document_result document_read(const struct trace_document *d,
                                   struct arena *a, struct trace_entity **out)
{
    struct reader r;
    uint64_t id;
    r.document = d;
    r.arena = a;
    r.full = false;
    js_init(&r.js, d->body, TRACE_JSON_DEPTH_MAX);
    struct trace_entity *e = new_entity(&r);
    if (!e)
        return DOCUMENT_NO_MEMORY;
    bool good = js_next(&r.js, NULL) == JS_OBJECT && take_entity(&r, e) &&
                js_next(&r.js, NULL) == JS_END;
    if (r.full)
        return DOCUMENT_NO_MEMORY;
    if (!good || !read_id(e->id, &id))
        return DOCUMENT_UNREADABLE;
    *out = e;
    return DOCUMENT_READ;
}

struct slice document_member(struct slice object, const char *key,
                             struct arena *a)
{
    struct reader r = {.arena = a};
    struct slice at, value;
    js_init(&r.js, object, TRACE_JSON_DEPTH_MAX);
    if (object.n == 0 || js_next(&r.js, NULL) != JS_OBJECT)
        return SLICE("");
    while (next_key(&r, &at)) {
        enum js_kind kind = js_next(&r.js, &value);
        const char *begin = r.js.p - 1;
        if (!js_skip(&r.js, kind))
            break;
        if (!slice_is(at, key))
            continue;
        if (kind == JS_STRING)
            return text_of(&r, value, &value) ? value : SLICE("");
        return kind == JS_OBJECT || kind == JS_ARRAY
                   ? slice_of(begin, (size_t)(r.js.p - begin))
                   : value;
    }
    return SLICE("");
}

struct slice document_first_text(struct slice array, struct arena *a)
{
    struct reader r = {.arena = a};
    struct slice value;
    js_init(&r.js, array, TRACE_JSON_DEPTH_MAX);
    if (array.n == 0 || js_next(&r.js, NULL) != JS_ARRAY ||
        js_next(&r.js, &value) != JS_STRING || !text_of(&r, value, &value))
        return SLICE("");
    return value;
}

/* 16 hex digits as a number; false if it is no id. */
static bool read_id(struct slice text, uint64_t *out)
{
    uint8_t bytes[ID_DIGITS / 2];
    if (text.n != ID_DIGITS || !hex_decode(text, bytes, sizeof(bytes)))
        return false;
    *out = 0;
    for (size_t i = 0; i < sizeof(bytes); i++)
        *out = *out << 8 | bytes[i];
    return true;
}

/* Behind the '{' of an entity. */
static bool take_entity(struct reader *r, struct trace_entity *e)
{
    const char *begin = r->js.p - 1;
    if (!read_members(r, entity_members, e))
        return false;
    e->raw = slice_of(begin, (size_t)(r->js.p - begin));
    e->in_progress = e->in_progress || e->end == 0;
    if (e->in_progress)
        e->end = 0;
    e->http.present = e->raw_http.n > 0;
    e->class = class_of(e);
    return true;
}

static struct trace_entity *new_entity(struct reader *r)
{
    struct trace_entity *e = arena_alloc(r->arena, sizeof(*e));
    if (!e) {
        r->full = true;
        return NULL;
    }
    *e = (struct trace_entity){.document = r->document};
    return e;
}

/* Reads up to the '}' of an object by a table of members. */
static bool read_members(struct reader *r, const struct member *table,
                         struct trace_entity *e)
{
    struct slice key;
    while (next_key(r, &key)) {
        const struct member *m = table;
        while (m->name && !slice_is(key, m->name))
            m++;
        if (m->name ? !read_member(r, m, e)
                    : !js_skip(&r->js, js_next(&r->js, NULL)))
            return false;
    }
    return !r->js.why && !r->full;
}

/* False at the end of the object, or after a fault. */
static bool next_key(struct reader *r, struct slice *key)
{
    return js_next(&r->js, key) == JS_KEY && text_of(r, *key, key);
}

static bool read_member(struct reader *r, const struct member *m,
                        struct trace_entity *e)
{
    struct slice text;
    enum js_kind kind = js_next(&r->js, &text);
    if (kind == JS_OBJECT && m->take == TAKE_OBJECT)
        return take_object(r, m, e);
    if (kind == JS_OBJECT && m->take == TAKE_ANNOTATIONS)
        return take_annotations(r, e);
    if (kind == JS_OBJECT && m->take == TAKE_CAUSE)
        return take_cause(r, e);
    if (kind == JS_ARRAY && m->take == TAKE_SUBSEGMENTS)
        return take_subsegments(r, e);
    if (kind == JS_ARRAY && m->take == TAKE_LINKS)
        return take_links(r, e);
    if (kind == JS_STRING && m->take == TAKE_CAUSE) {
        /* The id of an exception told of elsewhere; with its quotes. */
        e->raw_cause = slice_of(text.p - 1, text.n + 2);
        return true;
    }
    return take_scalar(r, m, e, kind, text);
}

static bool take_scalar(struct reader *r, const struct member *m,
                        struct trace_entity *e, enum js_kind kind,
                        struct slice text)
{
    void *to = (char *)e + m->offset;
    if (m->take == TAKE_TEXT && kind == JS_STRING)
        return text_of(r, text, to);
    if (m->take == TAKE_NUMBER && kind == JS_NUMBER)
        *(double *)to = js_number(text, 0);
    else if (m->take == TAKE_STATUS && kind == JS_NUMBER)
        *(int *)to = status_of(js_number(text, 0));
    else if (m->take == TAKE_BOOL && (kind == JS_TRUE || kind == JS_FALSE))
        *(bool *)to = kind == JS_TRUE;
    else if (m->take == TAKE_TYPE && kind == JS_STRING)
        e->kind =
            slice_is(text, "subsegment") ? TRACE_SUBSEGMENT : TRACE_SEGMENT;
    else
        return js_skip(&r->js, kind);
    return true;
}

static bool take_object(struct reader *r, const struct member *m,
                        struct trace_entity *e)
{
    const char *begin = r->js.p - 1;
    if (!read_members(r, m->inner, e))
        return false;
    if (m->offset > 0)
        *(struct slice *)((char *)e + m->offset) =
            slice_of(begin, (size_t)(r->js.p - begin));
    return true;
}

static bool take_annotations(struct reader *r, struct trace_entity *e)
{
    struct slice key;
    struct trace_annotation **tail = &e->annotations;
    while (*tail)
        tail = &(*tail)->next;
    while (next_key(r, &key))
        if (!take_annotation(r, key, &tail))
            return false;
    return !r->js.why && !r->full;
}

/* Other kinds of values are no annotations to the service either. */
static bool take_annotation(struct reader *r, struct slice key,
                            struct trace_annotation ***tail)
{
    struct slice text;
    enum js_kind kind = js_next(&r->js, &text);
    if (kind != JS_STRING && kind != JS_NUMBER && kind != JS_TRUE &&
        kind != JS_FALSE)
        return js_skip(&r->js, kind);
    struct trace_annotation *n = arena_alloc(r->arena, sizeof(*n));
    if (!n) {
        r->full = true;
        return false;
    }
    *n = (struct trace_annotation){.key = key, .kind = VALUE_BOOL};
    n->boolean = kind == JS_TRUE;
    if (kind == JS_NUMBER) {
        n->kind = VALUE_NUMBER;
        n->number = js_number(text, 0);
    } else if (kind == JS_STRING) {
        n->kind = VALUE_STRING;
        if (!text_of(r, text, &n->text))
            return false;
    }
    **tail = n;
    *tail = &n->next;
    return true;
}

static bool take_cause(struct reader *r, struct trace_entity *e)
{
    const char *begin = r->js.p - 1;
    struct slice key;
    while (next_key(r, &key)) {
        enum js_kind kind = js_next(&r->js, NULL);
        bool good = kind == JS_ARRAY && slice_is(key, "exceptions")
                        ? take_exceptions(r, e)
                        : js_skip(&r->js, kind);
        if (!good)
            return false;
    }
    e->raw_cause = slice_of(begin, (size_t)(r->js.p - begin));
    return !r->js.why && !r->full;
}

static bool take_exceptions(struct reader *r, struct trace_entity *e)
{
    struct trace_exception **at = &e->exceptions;
    while (next_object(r)) {
        struct trace_exception *x = arena_alloc(r->arena, sizeof(*x));
        if (!x) {
            r->full = true;
            return false;
        }
        *x = (struct trace_exception){0};
        if (!take_exception(r, x))
            return false;
        *at = x;
        at = &x->next;
    }
    return !r->js.why;
}

static bool take_exception(struct reader *r, struct trace_exception *x)
{
    struct slice key, text;
    while (next_key(r, &key)) {
        struct slice *to = slice_is(key, "id")        ? &x->id
                           : slice_is(key, "type")    ? &x->type
                           : slice_is(key, "message") ? &x->message
                                                      : NULL;
        enum js_kind kind = js_next(&r->js, &text);
        if (slice_is(key, "remote"))
            x->remote = kind == JS_TRUE;
        if (to && kind == JS_STRING) {
            if (!text_of(r, text, to))
                return false;
        } else if (!js_skip(&r->js, kind)) {
            return false;
        }
    }
    return !r->js.why && !r->full;
}

static bool take_links(struct reader *r, struct trace_entity *e)
{
    struct trace_link **at = &e->links;
    *at = NULL;
    while (next_object(r)) {
        struct trace_link *l = arena_alloc(r->arena, sizeof(*l));
        r->full = !l;
        if (!l || !take_link(r, l))
            return false;
        if (l->trace_id.n == 0)
            continue;
        *at = l;
        at = &l->next;
    }
    return !r->js.why;
}

/* Without a trace id that can be read it is none. */
static bool take_link(struct reader *r, struct trace_link *l)
{
    struct slice key, text;
    uint8_t bytes[STORE_TRACE_ID];
    *l = (struct trace_link){0};
    while (next_key(r, &key)) {
        enum js_kind kind = js_next(&r->js, &text);
        if (kind == JS_STRING && slice_is(key, "id")) {
            if (!text_of(r, text, &l->id))
                return false;
        } else if (kind == JS_STRING && slice_is(key, "trace_id") &&
                   trace_id_read(text, bytes)) {
            char *id = arena_alloc(r->arena, TRACE_ID_TEXT);
            r->full = !id;
            if (!id)
                return false;
            trace_id_write(bytes, id);
            l->trace_id = slice_str(id);
        } else if (!js_skip(&r->js, kind)) {
            return false;
        }
    }
    return !r->js.why && !r->full;
}

/* Recursion is bounded by the depth that the JSON reader allows. */
static bool take_subsegments(struct reader *r, struct trace_entity *e)
{
    while (next_object(r)) {
        struct trace_entity *s = new_entity(r);
        if (!s || !take_entity(r, s))
            return false;
        s->kind = TRACE_SUBSEGMENT;
        s->embedded = true;
        s->parent = e;
        *(e->last_child ? &e->last_child->next : &e->first_child) = s;
        e->last_child = s;
    }
    return !r->js.why;
}

/* Of an array that has begun; what else is in it is passed over. False: its
 * end, or what cannot be read. */
static bool next_object(struct reader *r)
{
    for (;;) {
        enum js_kind kind = js_next(&r->js, NULL);
        if (kind == JS_OBJECT)
            return true;
        if (kind == JS_ARRAY_END || !js_skip(&r->js, kind))
            return false;
    }
}

static bool text_of(struct reader *r, struct slice raw, struct slice *out)
{
    if (js_text(raw, r->arena, out))
        return true;
    r->full = true;
    return false;
}

static int status_of(double v)
{
    return v >= 0 && v < STATUS_END ? (int)v : 0;
}

static enum trace_class class_of(const struct trace_entity *e)
{
    int status = e->http.status;
    if (e->fault || (status >= 500 && status < 600))
        return CLASS_FAULT;
    if (e->throttle || status == 429)
        return CLASS_THROTTLE;
    if (e->error || (status >= 400 && status < 500))
        return CLASS_ERROR;
    return CLASS_OK;
}
