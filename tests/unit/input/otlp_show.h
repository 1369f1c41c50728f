/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the tests of the OTLP decoders: a span as one line of text that shows
 * every field, and a small protobuf writer.
 */
#ifndef XR_TEST_OTLP_SHOW_H
#define XR_TEST_OTLP_SHOW_H

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "xr/buf.h"
#include "xr/otlp.h"

static inline void show_hex(struct buf *out, const void *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        buf_printf(out, "%02x", ((const unsigned char *)p)[i]);
}

static inline void show_attributes(struct buf *out, struct attributes a);

static inline void show_value(struct buf *out, const struct value *v)
{
    switch (v->kind) {
    case VALUE_EMPTY:
        buf_str(out, "-");
        break;
    case VALUE_STRING:
        buf_printf(out, "'%.*s'", SLICE_ARG(v->text));
        break;
    case VALUE_BOOL:
        buf_str(out, v->b ? "yes" : "no");
        break;
    case VALUE_INT:
        buf_printf(out, "%" PRId64, v->i);
        break;
    case VALUE_DOUBLE:
        buf_printf(out, "%gd", v->d);
        break;
    case VALUE_ARRAY:
        buf_str(out, "(");
        for (uint32_t i = 0; i < v->array.n; i++) {
            buf_str(out, i ? " " : "");
            show_value(out, &v->array.items[i]);
        }
        buf_str(out, ")");
        break;
    case VALUE_MAP:
        show_attributes(out, v->map);
        break;
    case VALUE_BYTES:
        buf_str(out, "x");
        show_hex(out, v->text.p, v->text.n);
        break;
    }
}

static inline void show_attributes(struct buf *out, struct attributes a)
{
    buf_str(out, "{");
    for (uint32_t i = 0; i < a.n; i++) {
        buf_printf(out, "%s%.*s=", i ? " " : "", SLICE_ARG(a.items[i].key));
        show_value(out, &a.items[i].value);
    }
    buf_str(out, "}");
}

static inline void show_span(struct buf *out, const struct span *s)
{
    const struct scope *scope = s->scope;

    show_attributes(out, s->resource->attributes);
    buf_printf(out, "%.*s|%.*s %.*s", SLICE_ARG(s->resource->schema_url),
               SLICE_ARG(scope->name), SLICE_ARG(scope->version));
    show_attributes(out, scope->attributes);
    buf_printf(out, "%.*s|", SLICE_ARG(scope->schema_url));
    show_hex(out, s->trace_id, 16);
    buf_str(out, " ");
    show_hex(out, s->span_id, 8);
    buf_str(out, " ");
    show_hex(out, s->parent_id, 8);
    buf_printf(out, " %.*s|%.*s f%u k%d %" PRIu64 "-%" PRIu64,
               SLICE_ARG(s->trace_state), SLICE_ARG(s->name), s->flags, s->kind,
               s->start_ns, s->end_ns);
    show_attributes(out, s->attributes);
    for (uint32_t i = 0; i < s->n_events; i++) {
        buf_printf(out, " @%" PRIu64 " %.*s", s->events[i].time_ns,
                   SLICE_ARG(s->events[i].name));
        show_attributes(out, s->events[i].attributes);
    }
    for (uint32_t i = 0; i < s->n_links; i++) {
        buf_str(out, " >");
        show_hex(out, s->links[i].trace_id, 16);
        show_hex(out, s->links[i].span_id, 8);
        buf_printf(out, " %.*s f%u", SLICE_ARG(s->links[i].trace_state),
                   s->links[i].flags);
        show_attributes(out, s->links[i].attributes);
    }
    buf_printf(out, "|%u %u %u|%d %.*s\n", s->dropped_attributes,
               s->dropped_events, s->dropped_links, s->status,
               SLICE_ARG(s->status_message));
}

static inline bool show_next(void *out, const struct span *s)
{
    show_span(out, s);
    return true;
}

/* Decodes a copy that ends where its memory ends; the lines go to out, the
 * error's text to err. Gives otlp_decode's last answer. */
static inline int show_request(enum otlp_encoding encoding, struct slice body,
                               unsigned slice, struct buf *out, struct err *err)
{
    struct arena arena;
    char *copy = malloc(body.n ? body.n : 1);
    int more;

    assert_non_null(copy);
    if (body.n)
        memcpy(copy, body.p, body.n);
    arena_init(&arena, 64u << 20);
    struct otlp_decoder *d =
        otlp_decoder_new(encoding, slice_of(copy, body.n), &arena);
    assert_non_null(d);
    err->text[0] = '\0';
    do {
        more = otlp_decode(d, slice, show_next, out, err);
        if (more == OTLP_SPAN_LARGE)
            buf_str(out, "(a span too large)\n");
    } while (more > 0);
    assert_int_equal(otlp_decode(d, slice, show_next, out, NULL), more);
    otlp_decoder_free(d);
    arena_fini(&arena);
    free(copy);
    return more;
}

/* --- protobuf writer: each field is appended to a buffer ------------------ */

static inline void put_varint(struct buf *b, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        buf_byte(b, (char)(v | 0x80));
    buf_byte(b, (char)v);
}

static inline void put_int(struct buf *b, unsigned field, uint64_t v)
{
    put_varint(b, field << 3);
    put_varint(b, v);
}

static inline void put_fixed(struct buf *b, unsigned field, uint64_t v,
                             unsigned bytes)
{
    put_varint(b, field << 3 | (bytes == 8 ? 1 : 5));
    for (unsigned i = 0; i < bytes; i++)
        buf_byte(b, (char)(v >> 8 * i));
}

static inline void put_bytes(struct buf *b, unsigned field, struct slice s)
{
    put_varint(b, field << 3 | 2);
    put_varint(b, s.n);
    buf_append(b, s);
}

static inline void put_text(struct buf *b, unsigned field, const char *s)
{
    put_bytes(b, field, slice_str(s));
}

/* Puts what `inner` holds as a sub-message and empties it. */
static inline void put_message(struct buf *b, unsigned field, struct buf *inner)
{
    put_bytes(b, field, buf_slice(inner));
    buf_clear(inner);
}

#endif
