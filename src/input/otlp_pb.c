/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OTLP trace request in protobuf: a cursor over the three lists that are
 * walked (resource, scope, span) and a reader a message below them. Strings
 * stay where they are in the body. Merges as the official runtimes do: a
 * scalar's last value wins, sub-messages that come twice are merged, a field
 * of a wrong wire type is unknown, unknown fields are skipped.
 */
#include "otlp_decode.h"

/* A field with its wire type, as one number for a switch. */
#define FIELD(number, type) ((uint32_t)(number) << 3 | (uint32_t)(type))

/* Takes one field into the message. */
typedef bool (*field_fn)(struct otlp_decoder *d, void *message,
                         const struct pb_field *f);

static enum otlp_result end_of_level(struct otlp_decoder *d);
static bool enter_level(struct otlp_decoder *d, struct slice bytes);
static bool take_head(struct otlp_decoder *d, const struct pb_field *f);
static bool take_item(struct otlp_decoder *d, const struct pb_field *f);
static bool resource_field(struct otlp_decoder *d, void *message,
                           const struct pb_field *f);
static bool scope_field(struct otlp_decoder *d, void *message,
                        const struct pb_field *f);
static bool span_field(struct otlp_decoder *d, void *message,
                       const struct pb_field *f);
static bool event_field(struct otlp_decoder *d, void *message,
                        const struct pb_field *f);
static bool link_field(struct otlp_decoder *d, void *message,
                       const struct pb_field *f);
static bool status_field(struct otlp_decoder *d, void *message,
                         const struct pb_field *f);
static bool attribute_field(struct otlp_decoder *d, void *message,
                            const struct pb_field *f);
static bool value_field(struct otlp_decoder *d, void *message,
                        const struct pb_field *f);
static bool array_field(struct otlp_decoder *d, void *message,
                        const struct pb_field *f);
static bool map_field(struct otlp_decoder *d, void *message,
                      const struct pb_field *f);
static bool take_value(struct otlp_decoder *d, struct value *v,
                       const struct pb_field *f);
static bool take_nested(struct otlp_decoder *d, const struct pb_field *f,
                        field_fn fn, void *list);
static bool add_attribute(struct otlp_decoder *d, struct attributes *list,
                          uint32_t *over, const struct pb_field *f);
static bool add_member(struct otlp_decoder *d, struct attributes *list,
                       const struct pb_field *f);
static bool add_event(struct otlp_decoder *d, const struct pb_field *f);
static bool add_link(struct otlp_decoder *d, const struct pb_field *f);
static bool take_text(struct otlp_decoder *d, const struct pb_field *f,
                      struct slice *out);
static void take_id(const struct pb_field *f, uint8_t *out, size_t n);
static bool fail(struct otlp_decoder *d, const void *at, const char *why);

static const char why_malformed[] = "malformed protobuf";

void otlp_pb_init(struct otlp_decoder *d)
{
    d->pb.level = OTLP_REQUEST;
    d->pb.looking = false;
    d->pb.bytes[OTLP_REQUEST] = d->body;
    pb_init(&d->pb.reader[OTLP_REQUEST], d->body);
}

/* Groups are passed over, yet the reader had to walk through them. */
static inline uint64_t group_work(const struct pb_field *f)
{
    return f->type == PB_GROUP ? f->bytes.n / OTLP_WORK_BYTES_CLOSE : 0;
}

enum otlp_result otlp_pb_step(struct otlp_decoder *d)
{
    struct pb *r = &d->pb.reader[d->pb.level];
    struct pb_field f;
    int more = pb_next(r, &f);

    d->work++;
    if (more == 0)
        return end_of_level(d);
    if (more < 0) {
        fail(d, r->p, why_malformed);
        return OTLP_BAD;
    }
    d->work += group_work(&f);
    bool good = d->pb.looking ? take_head(d, &f) : take_item(d, &f);
    return good ? OTLP_MORE : OTLP_BAD;
}

static enum otlp_result end_of_level(struct otlp_decoder *d)
{
    int level = d->pb.level;

    if (d->pb.looking) {
        d->pb.looking = false;
        pb_init(&d->pb.reader[level], d->pb.bytes[level]);
        return OTLP_MORE;
    }
    if (level == OTLP_REQUEST)
        return OTLP_END;
    d->pb.level--;
    return OTLP_MORE;
}

static bool enter_level(struct otlp_decoder *d, struct slice bytes)
{
    int level = ++d->pb.level;

    d->pb.bytes[level] = bytes;
    pb_init(&d->pb.reader[level], bytes);
    d->pb.looking = true;
    bool room =
        level == OTLP_RESOURCE ? otlp_resource_begin(d) : otlp_scope_begin(d);
    return room || fail(d, bytes.p, otlp_why_memory);
}

/* Reads a message's fields into what fn fills. Inlined, so that each message
 * has a loop of its own with a direct call. */
static inline __attribute__((always_inline)) bool
read_message(struct otlp_decoder *d, struct slice bytes, field_fn fn,
             void *message)
{
    struct pb r;
    struct pb_field f;
    int more;

    pb_init(&r, bytes);
    while ((more = pb_next(&r, &f)) > 0) {
        if (!otlp_spend(d, 1 + group_work(&f)))
            return fail(d, r.p, otlp_why_work);
        if (!fn(d, message, &f))
            return false;
    }
    return more == 0 || fail(d, r.p, why_malformed);
}

/* First turn through a ResourceSpans or ScopeSpans. */
static bool take_head(struct otlp_decoder *d, const struct pb_field *f)
{
    bool scope = d->pb.level == OTLP_SCOPE;

    switch (FIELD(f->number, f->type)) {
    case FIELD(1, PB_BYTES):
        return scope ? read_message(d, f->bytes, scope_field, d->scope)
                     : read_message(d, f->bytes, resource_field, d->resource);
    case FIELD(3, PB_BYTES):
        return take_text(
            d, f, scope ? &d->scope->schema_url : &d->resource->schema_url);
    default:
        return true;
    }
}

/* Second turn, and the only one through the request: the list. */
static bool take_item(struct otlp_decoder *d, const struct pb_field *f)
{
    uint32_t list = d->pb.level == OTLP_REQUEST ? 1 : 2;

    if (FIELD(f->number, f->type) != FIELD(list, PB_BYTES))
        return true;
    if (d->pb.level < OTLP_SCOPE)
        return enter_level(d, f->bytes);
    otlp_span_begin(d);
    if (!read_message(d, f->bytes, span_field, &d->span))
        return otlp_span_pass_over(d);
    otlp_span_deliver(d);
    return true;
}

static bool resource_field(struct otlp_decoder *d, void *message,
                           const struct pb_field *f)
{
    struct resource *resource = message;

    if (FIELD(f->number, f->type) != FIELD(1, PB_BYTES))
        return true;
    return add_attribute(d, &resource->attributes, NULL, f);
}

static bool scope_field(struct otlp_decoder *d, void *message,
                        const struct pb_field *f)
{
    struct scope *scope = message;

    switch (FIELD(f->number, f->type)) {
    case FIELD(1, PB_BYTES):
        return take_text(d, f, &scope->name);
    case FIELD(2, PB_BYTES):
        return take_text(d, f, &scope->version);
    case FIELD(3, PB_BYTES):
        return add_attribute(d, &scope->attributes, NULL, f);
    default:
        return true;
    }
}

static bool span_field(struct otlp_decoder *d, void *message,
                       const struct pb_field *f)
{
    struct span *span = message;

    switch (FIELD(f->number, f->type)) {
    case FIELD(1, PB_BYTES):
        take_id(f, span->trace_id, sizeof(span->trace_id));
        return true;
    case FIELD(2, PB_BYTES):
        take_id(f, span->span_id, sizeof(span->span_id));
        return true;
    case FIELD(3, PB_BYTES):
        return take_text(d, f, &span->trace_state);
    case FIELD(4, PB_BYTES):
        take_id(f, span->parent_id, sizeof(span->parent_id));
        return true;
    case FIELD(5, PB_BYTES):
        return take_text(d, f, &span->name);
    case FIELD(6, PB_VARINT):
        span->kind = (int32_t)(uint32_t)f->u;
        return true;
    case FIELD(7, PB_FIXED64):
        span->start_ns = f->u;
        return true;
    case FIELD(8, PB_FIXED64):
        span->end_ns = f->u;
        return true;
    case FIELD(9, PB_BYTES):
        return add_attribute(d, &span->attributes, &d->over_attributes, f);
    case FIELD(10, PB_VARINT):
        span->dropped_attributes = (uint32_t)f->u;
        return true;
    case FIELD(11, PB_BYTES):
        return add_event(d, f);
    case FIELD(12, PB_VARINT):
        span->dropped_events = (uint32_t)f->u;
        return true;
    case FIELD(13, PB_BYTES):
        return add_link(d, f);
    case FIELD(14, PB_VARINT):
        span->dropped_links = (uint32_t)f->u;
        return true;
    case FIELD(15, PB_BYTES):
        return read_message(d, f->bytes, status_field, span);
    case FIELD(16, PB_FIXED32):
        span->flags = (uint32_t)f->u;
        return true;
    default:
        return true;
    }
}

static bool event_field(struct otlp_decoder *d, void *message,
                        const struct pb_field *f)
{
    struct span_event *event = message;

    switch (FIELD(f->number, f->type)) {
    case FIELD(1, PB_FIXED64):
        event->time_ns = f->u;
        return true;
    case FIELD(2, PB_BYTES):
        return take_text(d, f, &event->name);
    case FIELD(3, PB_BYTES):
        return add_attribute(d, &event->attributes, &d->over_attributes, f);
    default:
        return true;
    }
}

static bool link_field(struct otlp_decoder *d, void *message,
                       const struct pb_field *f)
{
    struct span_link *link = message;

    switch (FIELD(f->number, f->type)) {
    case FIELD(1, PB_BYTES):
        take_id(f, link->trace_id, sizeof(link->trace_id));
        return true;
    case FIELD(2, PB_BYTES):
        take_id(f, link->span_id, sizeof(link->span_id));
        return true;
    case FIELD(3, PB_BYTES):
        return take_text(d, f, &link->trace_state);
    case FIELD(4, PB_BYTES):
        return add_attribute(d, &link->attributes, &d->over_attributes, f);
    case FIELD(6, PB_FIXED32):
        link->flags = (uint32_t)f->u;
        return true;
    default:
        return true;
    }
}

static bool status_field(struct otlp_decoder *d, void *message,
                         const struct pb_field *f)
{
    struct span *span = message;

    switch (FIELD(f->number, f->type)) {
    case FIELD(2, PB_BYTES):
        return take_text(d, f, &span->status_message);
    case FIELD(3, PB_VARINT):
        span->status = (int32_t)(uint32_t)f->u;
        return true;
    default:
        return true;
    }
}

static bool attribute_field(struct otlp_decoder *d, void *message,
                            const struct pb_field *f)
{
    struct attribute *attribute = message;

    switch (FIELD(f->number, f->type)) {
    case FIELD(1, PB_BYTES):
        return take_text(d, f, &attribute->key);
    case FIELD(2, PB_BYTES):
        return take_value(d, &attribute->value, f);
    default:
        return true;
    }
}

static bool value_field(struct otlp_decoder *d, void *message,
                        const struct pb_field *f)
{
    struct value *v = message;

    switch (FIELD(f->number, f->type)) {
    case FIELD(1, PB_BYTES):
        v->kind = VALUE_STRING;
        return take_text(d, f, &v->text);
    case FIELD(2, PB_VARINT):
        *v = (struct value){.kind = VALUE_BOOL, .b = f->u != 0};
        return true;
    case FIELD(3, PB_VARINT):
        *v = (struct value){.kind = VALUE_INT, .i = (int64_t)f->u};
        return true;
    case FIELD(4, PB_FIXED64):
        *v = (struct value){.kind = VALUE_DOUBLE, .d = pb_double(f->u)};
        return true;
    case FIELD(5, PB_BYTES):
        if (v->kind != VALUE_ARRAY)
            *v = (struct value){.kind = VALUE_ARRAY};
        return take_nested(d, f, array_field, &v->array);
    case FIELD(6, PB_BYTES):
        if (v->kind != VALUE_MAP)
            *v = (struct value){.kind = VALUE_MAP};
        return take_nested(d, f, map_field, &v->map);
    case FIELD(7, PB_BYTES):
        v->kind = VALUE_BYTES;
        return take_text(d, f, &v->text);
    default:
        return true;
    }
}

static bool array_field(struct otlp_decoder *d, void *message,
                        const struct pb_field *f)
{
    struct value_list *list = message;

    if (FIELD(f->number, f->type) != FIELD(1, PB_BYTES))
        return true;
    struct value *items =
        otlp_list_add(d, list->items, list->n, sizeof(*items));
    if (!items)
        return fail(d, f->bytes.p, otlp_why_memory);
    list->items = items;
    return take_value(d, &items[list->n++], f);
}

static bool map_field(struct otlp_decoder *d, void *message,
                      const struct pb_field *f)
{
    if (FIELD(f->number, f->type) != FIELD(1, PB_BYTES))
        return true;
    return add_member(d, message, f);
}

static bool take_value(struct otlp_decoder *d, struct value *v,
                       const struct pb_field *f)
{
    return read_message(d, f->bytes, value_field, v);
}

static bool take_nested(struct otlp_decoder *d, const struct pb_field *f,
                        field_fn fn, void *list)
{
    if (d->value_depth == OTLP_VALUE_DEPTH_MAX)
        return fail(d, f->bytes.p, otlp_why_depth);
    d->value_depth++;
    bool good = read_message(d, f->bytes, fn, list);
    d->value_depth--;
    return good;
}

static bool add_attribute(struct otlp_decoder *d, struct attributes *list,
                          uint32_t *over, const struct pb_field *f)
{
    return otlp_list_full(d, list->n, over) || add_member(d, list, f);
}

static bool add_member(struct otlp_decoder *d, struct attributes *list,
                       const struct pb_field *f)
{
    struct attribute *items =
        otlp_list_add(d, list->items, list->n, sizeof(*items));
    if (!items)
        return fail(d, f->bytes.p, otlp_why_memory);
    list->items = items;
    return read_message(d, f->bytes, attribute_field, &items[list->n++]);
}

static bool add_event(struct otlp_decoder *d, const struct pb_field *f)
{
    struct span *span = &d->span;

    if (otlp_list_full(d, span->n_events, &d->over_events))
        return true;
    struct span_event *events =
        otlp_list_add(d, span->events, span->n_events, sizeof(*events));
    if (!events)
        return fail(d, f->bytes.p, otlp_why_memory);
    span->events = events;
    return read_message(d, f->bytes, event_field, &events[span->n_events++]);
}

static bool add_link(struct otlp_decoder *d, const struct pb_field *f)
{
    struct span *span = &d->span;

    if (otlp_list_full(d, span->n_links, &d->over_links))
        return true;
    struct span_link *links =
        otlp_list_add(d, span->links, span->n_links, sizeof(*links));
    if (!links)
        return fail(d, f->bytes.p, otlp_why_memory);
    span->links = links;
    return read_message(d, f->bytes, link_field, &links[span->n_links++]);
}

static bool take_text(struct otlp_decoder *d, const struct pb_field *f,
                      struct slice *out)
{
    if (f->bytes.n > OTLP_STRING_MAX)
        return fail(d, f->bytes.p, otlp_why_string);
    *out = f->bytes;
    return true;
}

/* An id of a wrong length counts as none. */
static void take_id(const struct pb_field *f, uint8_t *out, size_t n)
{
    if (f->bytes.n == n)
        memcpy(out, f->bytes.p, n);
    else
        memset(out, 0, n);
}

static bool fail(struct otlp_decoder *d, const void *at, const char *why)
{
    static const char *const levels[] = {"the request", "ResourceSpans",
                                         "ScopeSpans"};

    d->at_ceiling = otlp_is_ceiling(why);
    err_set(&d->err, "%s in %s at byte %zu", why, levels[d->pb.level],
            (size_t)((const char *)at - d->body.p));
    return false;
}
