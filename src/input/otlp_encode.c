/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Span views written as OTLP protobuf. Lengths stand before what they measure
 * and are known behind it only: a message is begun with room for the longest
 * length and moved up when it ends. What the views do not hold is lost: the
 * dropped counts of resources, scopes, events and links, and fields unknown
 * to us. Pure.
 */
#include "otlp_encode.h"

#include <assert.h>

#define KEPT_BYTES_MAX ((size_t)1 << 20) /* of memory between requests */
#define LENGTH_ROOM 5

/* Wire types. */
enum { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 };

static void open_resource(struct otlp_encoder *e, const struct resource *r);
static void open_scope(struct otlp_encoder *e, const struct scope *s);
static void close_scope(struct otlp_encoder *e);
static void close_resource(struct otlp_encoder *e);
static void put_span(struct buf *b, const struct span *s);
static void put_events(struct buf *b, const struct span *s);
static void put_links(struct buf *b, const struct span *s);
static void put_status(struct buf *b, const struct span *s);
static void put_attributes(struct buf *b, unsigned field,
                           const struct attributes *a);
static void put_value(struct buf *b, unsigned field, const struct value *v);
static void put_variant(struct buf *b, const struct value *v);
static void put_id(struct buf *b, unsigned field, const uint8_t *id, size_t n);
static void put_text(struct buf *b, unsigned field, struct slice s);
static void put_bytes(struct buf *b, unsigned field, struct slice s);
static void put_number(struct buf *b, unsigned field, uint64_t v);
static void put_fixed64(struct buf *b, unsigned field, uint64_t v);
static void put_fixed32(struct buf *b, unsigned field, uint32_t v);
static void put_little_endian(struct buf *b, uint64_t v, int bytes);
static void put_tag(struct buf *b, unsigned field, unsigned wire);
static void put_varint(struct buf *b, uint64_t v);
static size_t begin(struct buf *b, unsigned field);
static void end(struct buf *b, size_t at);

void otlp_encoder_init(struct otlp_encoder *e, size_t max)
{
    buf_init(&e->out, max);
    otlp_encoder_begin(e);
}

void otlp_encoder_fini(struct otlp_encoder *e)
{
    buf_fini(&e->out);
}

void otlp_encoder_begin(struct otlp_encoder *e)
{
    size_t max = e->out.max;
    if (e->out.cap > KEPT_BYTES_MAX) {
        buf_fini(&e->out);
        buf_init(&e->out, max);
    }
    buf_clear(&e->out);
    e->spans = 0;
    e->resource = NULL;
    e->scope = NULL;
}

void otlp_encode_span(struct otlp_encoder *e, const struct span *s,
                      const struct resource *of)
{
    if (e->resource != of) {
        close_resource(e);
        e->resource = of;
        open_resource(e, s->resource);
    }
    if (e->scope != s->scope) {
        close_scope(e);
        e->scope = s->scope;
        open_scope(e, s->scope);
    }
    size_t at = begin(&e->out, 2);
    put_span(&e->out, s);
    end(&e->out, at);
    e->spans++;
}

struct slice otlp_encoder_end(struct otlp_encoder *e)
{
    close_resource(e);
    return buf_slice(&e->out);
}

/* ResourceSpans */
static void open_resource(struct otlp_encoder *e, const struct resource *r)
{
    struct buf *b = &e->out;
    e->resource_at = begin(b, 1);
    size_t at = begin(b, 1);
    put_attributes(b, 1, &r->attributes);
    end(b, at);
    put_text(b, 3, r->schema_url);
}

/* ScopeSpans */
static void open_scope(struct otlp_encoder *e, const struct scope *s)
{
    struct buf *b = &e->out;
    e->scope_at = begin(b, 2);
    size_t at = begin(b, 1);
    put_text(b, 1, s->name);
    put_text(b, 2, s->version);
    put_attributes(b, 3, &s->attributes);
    end(b, at);
    put_text(b, 3, s->schema_url);
}

static void close_scope(struct otlp_encoder *e)
{
    if (e->scope)
        end(&e->out, e->scope_at);
    e->scope = NULL;
}

static void close_resource(struct otlp_encoder *e)
{
    close_scope(e);
    if (e->resource)
        end(&e->out, e->resource_at);
    e->resource = NULL;
}

static void put_span(struct buf *b, const struct span *s)
{
    put_id(b, 1, s->trace_id, sizeof(s->trace_id));
    put_id(b, 2, s->span_id, sizeof(s->span_id));
    put_text(b, 3, s->trace_state);
    put_id(b, 4, s->parent_id, sizeof(s->parent_id));
    put_text(b, 5, s->name);
    put_number(b, 6, (uint64_t)(int64_t)s->kind);
    put_fixed64(b, 7, s->start_ns);
    put_fixed64(b, 8, s->end_ns);
    put_attributes(b, 9, &s->attributes);
    put_number(b, 10, s->dropped_attributes);
    put_events(b, s);
    put_number(b, 12, s->dropped_events);
    put_links(b, s);
    put_number(b, 14, s->dropped_links);
    put_status(b, s);
    put_fixed32(b, 16, s->flags);
}

static void put_events(struct buf *b, const struct span *s)
{
    for (uint32_t i = 0; i < s->n_events; i++) {
        const struct span_event *v = &s->events[i];
        size_t at = begin(b, 11);
        put_fixed64(b, 1, v->time_ns);
        put_text(b, 2, v->name);
        put_attributes(b, 3, &v->attributes);
        end(b, at);
    }
}

static void put_links(struct buf *b, const struct span *s)
{
    for (uint32_t i = 0; i < s->n_links; i++) {
        const struct span_link *l = &s->links[i];
        size_t at = begin(b, 13);
        put_id(b, 1, l->trace_id, sizeof(l->trace_id));
        put_id(b, 2, l->span_id, sizeof(l->span_id));
        put_text(b, 3, l->trace_state);
        put_attributes(b, 4, &l->attributes);
        put_fixed32(b, 6, l->flags);
        end(b, at);
    }
}

static void put_status(struct buf *b, const struct span *s)
{
    if (s->status == STATUS_UNSET && s->status_message.n == 0)
        return;
    size_t at = begin(b, 15);
    put_text(b, 2, s->status_message);
    put_number(b, 3, (uint64_t)(int64_t)s->status);
    end(b, at);
}

static void put_attributes(struct buf *b, unsigned field,
                           const struct attributes *a)
{
    for (uint32_t i = 0; i < a->n; i++) {
        size_t at = begin(b, field);
        put_text(b, 1, a->items[i].key);
        put_value(b, 2, &a->items[i].value);
        end(b, at);
    }
}

/* Depth is bounded: the decoder takes no deeper values. */
static void put_value(struct buf *b, unsigned field, const struct value *v)
{
    size_t at = begin(b, field);
    put_variant(b, v);
    end(b, at);
}

/* A oneof: its empty and zero values are written too. */
static void put_variant(struct buf *b, const struct value *v)
{
    uint64_t bits;
    size_t at;
    switch (v->kind) {
    case VALUE_EMPTY:
        break;
    case VALUE_STRING:
        put_bytes(b, 1, v->text);
        break;
    case VALUE_BOOL:
        put_tag(b, 2, VARINT);
        put_varint(b, v->b);
        break;
    case VALUE_INT:
        put_tag(b, 3, VARINT);
        put_varint(b, (uint64_t)v->i);
        break;
    case VALUE_DOUBLE:
        memcpy(&bits, &v->d, sizeof(bits));
        put_tag(b, 4, FIXED64);
        put_little_endian(b, bits, 8);
        break;
    case VALUE_ARRAY:
        at = begin(b, 5);
        for (uint32_t i = 0; i < v->array.n; i++)
            put_value(b, 1, &v->array.items[i]);
        end(b, at);
        break;
    case VALUE_MAP:
        at = begin(b, 6);
        put_attributes(b, 1, &v->map);
        end(b, at);
        break;
    case VALUE_BYTES:
        put_bytes(b, 7, v->text);
        break;
    }
}

static void put_id(struct buf *b, unsigned field, const uint8_t *id, size_t n)
{
    static const uint8_t none[16];
    if (memcmp(id, none, n) != 0)
        put_bytes(b, field, slice_of((const char *)id, n));
}

static void put_text(struct buf *b, unsigned field, struct slice s)
{
    if (s.n > 0)
        put_bytes(b, field, s);
}

static void put_bytes(struct buf *b, unsigned field, struct slice s)
{
    put_tag(b, field, BYTES);
    put_varint(b, s.n);
    buf_append(b, s);
}

static void put_number(struct buf *b, unsigned field, uint64_t v)
{
    if (v == 0)
        return;
    put_tag(b, field, VARINT);
    put_varint(b, v);
}

static void put_fixed64(struct buf *b, unsigned field, uint64_t v)
{
    if (v == 0)
        return;
    put_tag(b, field, FIXED64);
    put_little_endian(b, v, 8);
}

static void put_fixed32(struct buf *b, unsigned field, uint32_t v)
{
    if (v == 0)
        return;
    put_tag(b, field, FIXED32);
    put_little_endian(b, v, 4);
}

static void put_little_endian(struct buf *b, uint64_t v, int bytes)
{
    for (int i = 0; i < bytes; i++)
        buf_byte(b, (char)(v >> 8 * i));
}

static void put_tag(struct buf *b, unsigned field, unsigned wire)
{
    put_varint(b, (uint64_t)field << 3 | wire);
}

static void put_varint(struct buf *b, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        buf_byte(b, (char)(v | 0x80));
    buf_byte(b, (char)v);
}

/* Gives the place of the message's length. */
static size_t begin(struct buf *b, unsigned field)
{
    put_tag(b, field, BYTES);
    size_t at = b->n;
    if (buf_reserve(b, LENGTH_ROOM))
        b->n += LENGTH_ROOM;
    return at;
}

static void end(struct buf *b, size_t at)
{
    if (b->failed)
        return;
    size_t length = b->n - at - LENGTH_ROOM;
    char *p = b->p + at;
    assert(length <= UINT32_MAX);
    for (size_t v = length; v >= 0x80; v >>= 7)
        *p++ = (char)(v | 0x80);
    size_t digits = (size_t)(p - (b->p + at));
    *p++ = (char)(length >> 7 * digits);
    memmove(p, b->p + at + LENGTH_ROOM, length);
    b->n = (size_t)(p - b->p) + length;
}
