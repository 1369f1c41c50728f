/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The messages of OTLP/JSON: resource, scope, span and what is in them. Names
 * in lowerCamelCase and as in the .proto files, null counts as absent, unknown
 * members are skipped. A member that comes twice: the last one wins, lists are
 * joined. Scalars are read in otlp_json_scalar.c.
 */
#include "otlp_json_scalar.h"

/* A member's two spellings and its number, which is the protobuf field's. */
struct member {
    struct slice name, snake;
    int number;
};

#define NAME(name, snake, number)                                              \
    {                                                                          \
        {(name), sizeof(name) - 1}, {(snake), sizeof(snake) - 1}, (number)     \
    }

struct message {
    const struct member *members;
    size_t n;
    /* Takes the value whose first token was read; number is never 0. */
    bool (*take)(struct otlp_decoder *d, void *message, int number);
};

#define MESSAGE(members, take)                                                 \
    {                                                                          \
        (members), sizeof(members) / sizeof((members)[0]), (take)              \
    }

typedef bool (*item_fn)(struct otlp_decoder *d, void *list);

static bool take_resource(struct otlp_decoder *d, void *message, int number);
static bool take_scope(struct otlp_decoder *d, void *message, int number);
static bool take_span(struct otlp_decoder *d, void *message, int number);
static bool take_event(struct otlp_decoder *d, void *message, int number);
static bool take_link(struct otlp_decoder *d, void *message, int number);
static bool take_status(struct otlp_decoder *d, void *message, int number);
static bool take_attribute(struct otlp_decoder *d, void *message, int number);
static bool take_value(struct otlp_decoder *d, void *message, int number);
static bool take_array(struct otlp_decoder *d, void *message, int number);
static bool take_map(struct otlp_decoder *d, void *message, int number);
static bool read_object(struct otlp_decoder *d, const struct message *m,
                        void *message);
static int find_member(struct otlp_decoder *d, const struct message *m,
                       size_t first);
static bool skip_value(struct otlp_decoder *d);
static bool read_list(struct otlp_decoder *d, item_fn item, void *list);
static bool add_attribute(struct otlp_decoder *d, void *list);
static bool add_span_attribute(struct otlp_decoder *d, void *list);
static bool add_map_item(struct otlp_decoder *d, void *list);
static bool add_array_item(struct otlp_decoder *d, void *list);
static bool add_event(struct otlp_decoder *d, void *span);
static bool add_link(struct otlp_decoder *d, void *span);
static bool read_nested(struct otlp_decoder *d, const struct message *m,
                        void *list);

static const struct member resource_members[] = {
    NAME("attributes", "attributes", 1),
};
static const struct member scope_members[] = {
    NAME("name", "name", 1),
    NAME("version", "version", 2),
    NAME("attributes", "attributes", 3),
};
static const struct member span_members[] = {
    NAME("traceId", "trace_id", 1),
    NAME("spanId", "span_id", 2),
    NAME("traceState", "trace_state", 3),
    NAME("parentSpanId", "parent_span_id", 4),
    NAME("name", "name", 5),
    NAME("kind", "kind", 6),
    NAME("startTimeUnixNano", "start_time_unix_nano", 7),
    NAME("endTimeUnixNano", "end_time_unix_nano", 8),
    NAME("attributes", "attributes", 9),
    NAME("droppedAttributesCount", "dropped_attributes_count", 10),
    NAME("events", "events", 11),
    NAME("droppedEventsCount", "dropped_events_count", 12),
    NAME("links", "links", 13),
    NAME("droppedLinksCount", "dropped_links_count", 14),
    NAME("status", "status", 15),
    NAME("flags", "flags", 16),
};
static const struct member event_members[] = {
    NAME("timeUnixNano", "time_unix_nano", 1),
    NAME("name", "name", 2),
    NAME("attributes", "attributes", 3),
};
static const struct member link_members[] = {
    NAME("traceId", "trace_id", 1),
    NAME("spanId", "span_id", 2),
    NAME("traceState", "trace_state", 3),
    NAME("attributes", "attributes", 4),
    NAME("flags", "flags", 6),
};
static const struct member status_members[] = {
    NAME("message", "message", 2),
    NAME("code", "code", 3),
};
static const struct member attribute_members[] = {
    NAME("key", "key", 1),
    NAME("value", "value", 2),
};
static const struct member value_members[] = {
    NAME("stringValue", "string_value", 1),
    NAME("boolValue", "bool_value", 2),
    NAME("intValue", "int_value", 3),
    NAME("doubleValue", "double_value", 4),
    NAME("arrayValue", "array_value", 5),
    NAME("kvlistValue", "kvlist_value", 6),
    NAME("bytesValue", "bytes_value", 7),
};
static const struct member list_members[] = {
    NAME("values", "values", 1),
};

static const struct message resource_message =
    MESSAGE(resource_members, take_resource);
static const struct message scope_message = MESSAGE(scope_members, take_scope);
static const struct message span_message = MESSAGE(span_members, take_span);
static const struct message event_message = MESSAGE(event_members, take_event);
static const struct message link_message = MESSAGE(link_members, take_link);
static const struct message status_message =
    MESSAGE(status_members, take_status);
static const struct message attribute_message =
    MESSAGE(attribute_members, take_attribute);
static const struct message value_message = MESSAGE(value_members, take_value);
static const struct message array_message = MESSAGE(list_members, take_array);
static const struct message map_message = MESSAGE(list_members, take_map);

bool otlp_json_resource(struct otlp_decoder *d, struct resource *resource)
{
    return read_object(d, &resource_message, resource);
}

bool otlp_json_scope(struct otlp_decoder *d, struct scope *scope)
{
    return read_object(d, &scope_message, scope);
}

bool otlp_json_span(struct otlp_decoder *d, struct span *span)
{
    return read_object(d, &span_message, span);
}

static bool take_resource(struct otlp_decoder *d, void *message, int number)
{
    struct resource *resource = message;

    (void)number;
    return read_list(d, add_attribute, &resource->attributes);
}

static bool take_scope(struct otlp_decoder *d, void *message, int number)
{
    struct scope *scope = message;

    switch (number) {
    case 1:
        return otlp_json_text(d, &scope->name);
    case 2:
        return otlp_json_text(d, &scope->version);
    default:
        return read_list(d, add_attribute, &scope->attributes);
    }
}

static bool take_span(struct otlp_decoder *d, void *message, int number)
{
    struct span *span = message;

    switch (number) {
    case 1:
        return otlp_json_id(d, span->trace_id, sizeof(span->trace_id));
    case 2:
        return otlp_json_id(d, span->span_id, sizeof(span->span_id));
    case 3:
        return otlp_json_text(d, &span->trace_state);
    case 4:
        return otlp_json_id(d, span->parent_id, sizeof(span->parent_id));
    case 5:
        return otlp_json_text(d, &span->name);
    case 6:
        return otlp_json_enum(d, otlp_json_span_kinds, &span->kind);
    case 7:
        return otlp_json_uint64(d, &span->start_ns);
    case 8:
        return otlp_json_uint64(d, &span->end_ns);
    case 9:
        return read_list(d, add_span_attribute, &span->attributes);
    case 10:
        return otlp_json_uint32(d, &span->dropped_attributes);
    case 11:
        return read_list(d, add_event, span);
    case 12:
        return otlp_json_uint32(d, &span->dropped_events);
    case 13:
        return read_list(d, add_link, span);
    case 14:
        return otlp_json_uint32(d, &span->dropped_links);
    case 15:
        return read_object(d, &status_message, span);
    default:
        return otlp_json_uint32(d, &span->flags);
    }
}

static bool take_event(struct otlp_decoder *d, void *message, int number)
{
    struct span_event *event = message;

    switch (number) {
    case 1:
        return otlp_json_uint64(d, &event->time_ns);
    case 2:
        return otlp_json_text(d, &event->name);
    default:
        return read_list(d, add_span_attribute, &event->attributes);
    }
}

static bool take_link(struct otlp_decoder *d, void *message, int number)
{
    struct span_link *link = message;

    switch (number) {
    case 1:
        return otlp_json_id(d, link->trace_id, sizeof(link->trace_id));
    case 2:
        return otlp_json_id(d, link->span_id, sizeof(link->span_id));
    case 3:
        return otlp_json_text(d, &link->trace_state);
    case 4:
        return read_list(d, add_span_attribute, &link->attributes);
    default:
        return otlp_json_uint32(d, &link->flags);
    }
}

static bool take_status(struct otlp_decoder *d, void *message, int number)
{
    struct span *span = message;

    if (number == 2)
        return otlp_json_text(d, &span->status_message);
    return otlp_json_enum(d, otlp_json_status_codes, &span->status);
}

static bool take_attribute(struct otlp_decoder *d, void *message, int number)
{
    struct attribute *attribute = message;

    if (number == 1)
        return otlp_json_text(d, &attribute->key);
    return read_object(d, &value_message, &attribute->value);
}

static bool take_value(struct otlp_decoder *d, void *message, int number)
{
    struct value *v = message;

    switch (number) {
    case 1:
        v->kind = VALUE_STRING;
        return otlp_json_text(d, &v->text);
    case 2:
        *v = (struct value){.kind = VALUE_BOOL, .b = d->json.kind == JS_TRUE};
        return v->b || d->json.kind == JS_FALSE ||
               otlp_json_fail(d, "true or false is expected");
    case 3:
        v->kind = VALUE_INT;
        return otlp_json_int64(d, &v->i);
    case 4:
        v->kind = VALUE_DOUBLE;
        return otlp_json_double(d, &v->d);
    case 5:
        if (v->kind != VALUE_ARRAY)
            *v = (struct value){.kind = VALUE_ARRAY};
        return read_nested(d, &array_message, &v->array);
    case 6:
        if (v->kind != VALUE_MAP)
            *v = (struct value){.kind = VALUE_MAP};
        return read_nested(d, &map_message, &v->map);
    default:
        v->kind = VALUE_BYTES;
        return otlp_json_bytes(d, &v->text);
    }
}

static bool take_array(struct otlp_decoder *d, void *message, int number)
{
    (void)number;
    return read_list(d, add_array_item, message);
}

static bool take_map(struct otlp_decoder *d, void *message, int number)
{
    (void)number;
    return read_list(d, add_map_item, message);
}

/* Reads an object into what m->take fills; its bracket was read. */
static bool read_object(struct otlp_decoder *d, const struct message *m,
                        void *message)
{
    struct otlp_json_cursor *c = &d->json;
    size_t next = 0;

    if (c->kind == JS_NULL)
        return true;
    if (c->kind != JS_OBJECT)
        return otlp_json_fail(d, "an object is expected");
    for (;;) {
        if (!otlp_json_next(d))
            return false;
        if (c->kind == JS_OBJECT_END)
            return true;
        int i = find_member(d, m, next);
        if (!otlp_json_next(d))
            return false;
        if (c->kind == JS_NULL)
            continue;
        if (i < 0) {
            if (!skip_value(d))
                return false;
            continue;
        }
        next = (size_t)i + 1;
        otlp_json_enter(d, m->members[i].name.p);
        if (!m->take(d, message, m->members[i].number))
            return false;
        otlp_json_leave(d);
    }
}

/* The index of the member whose name was read, -1 if it is not known. The
 * search begins at `first`: senders mostly keep the order of the numbers. */
static int find_member(struct otlp_decoder *d, const struct message *m,
                       size_t first)
{
    struct slice name = d->json.text;
    char plain[6 * sizeof("dropped_attributes_count")];

    for (size_t k = 0; k < m->n; k++) {
        size_t i = first + k < m->n ? first + k : first + k - m->n;
        if (slice_eq(name, m->members[i].name) ||
            slice_eq(name, m->members[i].snake))
            return (int)i;
    }
    if (name.n <= sizeof(plain) && js_has_escape(name)) {
        d->json.text = slice_of(plain, js_unescape(name, plain));
        int found = js_has_escape(d->json.text) ? -1 : find_member(d, m, 0);
        d->json.text = name;
        return found;
    }
    return -1;
}

static bool skip_value(struct otlp_decoder *d)
{
    enum js_kind k = d->json.kind;
    unsigned open = k == JS_OBJECT || k == JS_ARRAY;

    while (open > 0) {
        if (!otlp_json_next(d))
            return false;
        k = d->json.kind;
        if (k == JS_OBJECT || k == JS_ARRAY)
            open++;
        else if (k == JS_OBJECT_END || k == JS_ARRAY_END)
            open--;
    }
    return true;
}

static bool read_list(struct otlp_decoder *d, item_fn item, void *list)
{
    if (d->json.kind != JS_ARRAY)
        return otlp_json_fail(d, "an array is expected");
    for (;;) {
        if (!otlp_json_next(d))
            return false;
        if (d->json.kind == JS_ARRAY_END)
            return true;
        otlp_json_item(d);
        if (!item(d, list))
            return false;
    }
}

/* A null in a list of messages is no item; one in a list of values is an
 * empty value, so that the others keep their places. */
static bool add_map_item(struct otlp_decoder *d, void *list)
{
    struct attributes *l = list;

    if (d->json.kind == JS_NULL)
        return true;
    struct attribute *items = otlp_list_add(d, l->items, l->n, sizeof(*items));
    if (!items)
        return otlp_json_fail(d, otlp_why_memory);
    l->items = items;
    return read_object(d, &attribute_message, &items[l->n++]);
}

static bool add_attribute(struct otlp_decoder *d, void *list)
{
    struct attributes *l = list;

    if (d->json.kind != JS_NULL && otlp_list_full(d, l->n, NULL))
        return skip_value(d);
    return add_map_item(d, l);
}

/* Of a span or what is in it. */
static bool add_span_attribute(struct otlp_decoder *d, void *list)
{
    struct attributes *l = list;

    if (d->json.kind != JS_NULL && otlp_list_full(d, l->n, &d->over_attributes))
        return skip_value(d);
    return add_map_item(d, l);
}

static bool add_array_item(struct otlp_decoder *d, void *list)
{
    struct value_list *l = list;
    struct value *items = otlp_list_add(d, l->items, l->n, sizeof(*items));

    if (!items)
        return otlp_json_fail(d, otlp_why_memory);
    l->items = items;
    return read_object(d, &value_message, &items[l->n++]);
}

static bool add_event(struct otlp_decoder *d, void *span)
{
    struct span *s = span;

    if (d->json.kind == JS_NULL)
        return true;
    if (otlp_list_full(d, s->n_events, &d->over_events))
        return skip_value(d);
    struct span_event *events =
        otlp_list_add(d, s->events, s->n_events, sizeof(*events));
    if (!events)
        return otlp_json_fail(d, otlp_why_memory);
    s->events = events;
    return read_object(d, &event_message, &events[s->n_events++]);
}

static bool add_link(struct otlp_decoder *d, void *span)
{
    struct span *s = span;

    if (d->json.kind == JS_NULL)
        return true;
    if (otlp_list_full(d, s->n_links, &d->over_links))
        return skip_value(d);
    struct span_link *links =
        otlp_list_add(d, s->links, s->n_links, sizeof(*links));
    if (!links)
        return otlp_json_fail(d, otlp_why_memory);
    s->links = links;
    return read_object(d, &link_message, &links[s->n_links++]);
}

static bool read_nested(struct otlp_decoder *d, const struct message *m,
                        void *list)
{
    if (d->value_depth == OTLP_VALUE_DEPTH_MAX)
        return otlp_json_fail(d, otlp_why_depth);
    d->value_depth++;
    bool good = read_object(d, m, list);
    d->value_depth--;
    return good;
}
