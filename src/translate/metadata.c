/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The metadata: every attribute that no block and no annotation carries, the
 * resource's under otel.resource., and what else X-Ray has no field for: the
 * span's own name, its scope, trace state, status text, dropped counts (under
 * the keys that the OpenTelemetry specification gives them for formats without
 * such fields) and, in a namespace of their own, its events. Knows no other
 * block.
 */
#include "parts.h"

static void put_default(struct translator *t);
static void put_attributes(struct translator *t);
static bool name_space_at(const struct translator *t, uint32_t i,
                          struct slice *name);
static void put_merged(struct translator *t);
static void put_name_spaces(struct translator *t);
static void put_extras(struct translator *t);
static void put_extra(struct translator *t, enum key k, struct slice key,
                      struct slice text);
static void put_count(struct translator *t, enum key k, struct slice key,
                      uint32_t n);
static void put_own_space(struct translator *t);
static void put_events(struct translator *t);
static void put_event(struct translator *t, const struct span_event *e);
static bool event_adds(struct translator *t, const struct span_event *e);
static bool is_in_cause(struct translator *t, struct slice key);
static void put_bad_links(struct translator *t);

void metadata_write(struct translator *t)
{
    struct place before = place_now(t);

    put_name(t, SLICE("metadata"));
    jw_object(&t->jw);
    put_default(t);
    if (t->role != ROLE_SERVICE) {
        put_name_spaces(t);
        put_own_space(t);
    }
    bool is_empty = !t->jw.comma[t->jw.depth];
    jw_object_end(&t->jw);
    if (is_empty)
        place_return(t, before);
}

static void put_default(struct translator *t)
{
    const struct resource_view *r = &t->resource;
    struct place before = place_now(t);

    put_name(t, SLICE("default"));
    jw_object(&t->jw);
    if (!t->stores_resource)
        ;
    else if (!r->is_kept || t->has_list || t->cuts.on)
        resource_members_write(t, false);
    else if (r->metadata.n > 0)
        jw_raw(&t->jw, resource_piece(r, r->metadata));
    if (t->role != ROLE_SERVICE) {
        put_attributes(t);
        put_extras(t);
        put_merged(t);
    }
    bool is_empty = !t->jw.comma[t->jw.depth];
    jw_object_end(&t->jw);
    if (is_empty)
        place_return(t, before);
}

static void put_attributes(struct translator *t)
{
    const struct attributes *a = t->scan.attributes;
    uint32_t written = 0;

    for (uint32_t i = 0; i < a->n && !t->documents.failed; i++) {
        enum fate fate = (enum fate)t->scan.fate[i];
        if ((fate != FATE_LEFT && fate != FATE_BACK) ||
            a->items[i].value.kind == VALUE_EMPTY)
            continue;
        if (written++ < t->cuts.list_max)
            member_write(t, a->items[i].key, &a->items[i].value);
        else
            t->cuts.made.cut_others++;
    }
}

/* What stands behind METADATA_PREFIX. */
static bool name_space_at(const struct translator *t, uint32_t i,
                          struct slice *name)
{
    if (!t->scan.has_name_spaces || t->scan.fate[i] != FATE_SPACE)
        return false;
    *name = slice_from(t->scan.attributes->items[i].key,
                       sizeof(METADATA_PREFIX) - 1);
    return true;
}

/* Those named default, in any case. */
static void put_merged(struct translator *t)
{
    const struct attributes *a = t->scan.attributes;
    struct slice name;
    uint32_t written = 0;

    for (uint32_t i = 0; t->scan.has_name_spaces && i < a->n; i++) {
        if (name_space_at(t, i, &name) && slice_is_nocase(name, "default"))
            json_text_merge(t, a->items[i].value.text, &written);
    }
}

static void put_name_spaces(struct translator *t)
{
    const struct attributes *a = t->scan.attributes;
    struct slice name;
    uint32_t written = 0;

    for (uint32_t i = 0; t->scan.has_name_spaces && i < a->n; i++) {
        if (!name_space_at(t, i, &name) || slice_is_nocase(name, "default"))
            continue;
        if (written++ >= t->cuts.list_max) {
            t->cuts.made.cut_others++;
            continue;
        }
        put_key(t, name);
        json_text_write(t, a->items[i].value.text);
    }
}

static void put_extras(struct translator *t)
{
    const struct span *s = t->span;
    bool status_is_cause =
        s->status == STATUS_ERROR && !t->exception.from_events;

    if (!t->name_is_span_name && !t->has_sql)
        put_extra(t, KEY_OTEL_SPAN_NAME, SLICE("otel.span.name"), s->name);
    put_extra(t, KEY_OTEL_SCOPE_NAME, SLICE("otel.scope.name"), s->scope->name);
    put_extra(t, KEY_OTEL_SCOPE_VERSION, SLICE("otel.scope.version"),
              s->scope->version);
    if (s->scope->attributes.n > 0 && !limit_passed(t, 0)) {
        struct value map = {.kind = VALUE_MAP, .map = s->scope->attributes};
        member_write(t, SLICE("otel.scope.attributes"), &map);
    }
    put_extra(t, KEY_OTEL_TRACE_STATE, SLICE("otel.trace_state"),
              s->trace_state);
    if (!status_is_cause)
        put_extra(t, KEY_OTEL_STATUS, SLICE("otel.status_description"),
                  s->status_message);
    put_count(t, KEY_OTEL_DROPPED_ATTRIBUTES,
              SLICE("otel.dropped_attributes_count"), s->dropped_attributes);
    put_count(t, KEY_OTEL_DROPPED_EVENTS, SLICE("otel.dropped_events_count"),
              s->dropped_events);
    put_count(t, KEY_OTEL_DROPPED_LINKS, SLICE("otel.dropped_links_count"),
              s->dropped_links);
}

/* An attribute of the same key goes before. */
static void put_extra(struct translator *t, enum key k, struct slice key,
                      struct slice text)
{
    struct value v = {.kind = VALUE_STRING, .text = text};

    if (text.n > 0 && !t->scan.at[k])
        member_write(t, key, &v);
}

static void put_count(struct translator *t, enum key k, struct slice key,
                      uint32_t n)
{
    struct value v = {.kind = VALUE_INT, .i = n};

    if (n > 0 && !t->scan.at[k])
        member_write(t, key, &v);
}

/* The namespace "otel", or "otel.span" where the span has one of that name. */
static void put_own_space(struct translator *t)
{
    const struct attributes *a = t->scan.attributes;
    struct slice own = SLICE("otel"), name;

    if (t->span->n_events == 0 && t->span->n_links == 0)
        return;
    for (uint32_t i = 0; i < a->n; i++) {
        if (name_space_at(t, i, &name) && slice_is(name, "otel"))
            own = SLICE("otel.span");
    }
    struct place before = place_now(t);
    jw_key(&t->jw, own);
    jw_object(&t->jw);
    put_events(t);
    put_bad_links(t);
    bool is_empty = !t->jw.comma[t->jw.depth];
    jw_object_end(&t->jw);
    if (is_empty)
        place_return(t, before);
}

static void put_events(struct translator *t)
{
    struct place before = place_now(t);
    uint32_t written = 0;

    put_name(t, SLICE("events"));
    jw_array(&t->jw);
    for (uint32_t i = 0; i < t->span->n_events && !t->documents.failed; i++) {
        if (!event_adds(t, &t->span->events[i]))
            continue;
        if (written++ < t->cuts.list_max)
            put_event(t, &t->span->events[i]);
        else
            t->cuts.made.cut_others++;
    }
    jw_array_end(&t->jw);
    if (written == 0)
        place_return(t, before);
}

static void put_event(struct translator *t, const struct span_event *e)
{
    bool known = cause_has_event(t, e), any = false;

    jw_object(&t->jw);
    put_text(t, SLICE("name"), e->name);
    if (e->time_ns) {
        put_name(t, SLICE("time"));
        time_write(t, e->time_ns);
    }
    for (uint32_t i = 0; i < e->attributes.n; i++) {
        const struct attribute *a = &e->attributes.items[i];
        if (known && is_in_cause(t, a->key))
            continue;
        if (!any) {
            put_name(t, SLICE("attributes"));
            jw_object(&t->jw);
        }
        any = true;
        member_write(t, a->key, &a->value);
    }
    if (any)
        jw_object_end(&t->jw);
    jw_object_end(&t->jw);
}

/* Whether an event holds anything that the cause block does not. */
static bool event_adds(struct translator *t, const struct span_event *e)
{
    if (!cause_has_event(t, e))
        return true;
    for (uint32_t i = 0; i < e->attributes.n; i++) {
        const struct attribute *a = &e->attributes.items[i];
        if (!is_in_cause(t, a->key) && !slice_is(a->key, "exception.escaped"))
            return true;
    }
    return false;
}

/* A stack text in a form that has no reader is not. */
static bool is_in_cause(struct translator *t, struct slice key)
{
    return slice_is(key, "exception.type") ||
           slice_is(key, "exception.message") ||
           (slice_is(key, "exception.stacktrace") &&
            t->resource.language != LANGUAGE_OTHER) ||
           slice_is(key, "http.response.status_code") ||
           slice_is(key, "aws.http.error_message");
}

/* Links that the links block cannot hold. */
static void put_bad_links(struct translator *t)
{
    struct place before = place_now(t);
    uint32_t written = 0;

    put_name(t, SLICE("links"));
    jw_array(&t->jw);
    for (uint32_t i = 0; i < t->span->n_links && !t->documents.failed; i++) {
        const struct span_link *l = &t->span->links[i];
        char trace[33], id[17];
        if (link_is_valid(l))
            continue;
        if (written++ >= t->cuts.list_max) {
            t->cuts.made.cut_others++;
            continue;
        }
        hex_encode(l->trace_id, 16, trace);
        hex_encode(l->span_id, 8, id);
        jw_object(&t->jw);
        put_text(t, SLICE("trace_id"), slice_of(trace, 32));
        put_text(t, SLICE("span_id"), slice_of(id, 16));
        struct value map = {.kind = VALUE_MAP, .map = l->attributes};
        if (l->attributes.n > 0)
            member_write(t, SLICE("attributes"), &map);
        jw_object_end(&t->jw);
    }
    jw_array_end(&t->jw);
    if (written == 0)
        place_return(t, before);
}
