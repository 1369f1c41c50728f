/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prints what the decoder makes of OTLP requests, a JSON line a span, to be
 * compared with the official runtimes. Requests come on standard input, each
 * as a length in 4 bytes, one byte more ('p', 'j'), spans a slice in 4 bytes,
 * and the request; numbers little-endian. Each request's lines are closed by
 * one that holds null, or the error as a string.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "xr/json_out.h"
#include "xr/otlp.h"

#define ARENA_MAX (64u << 20)
#define LINE_MAX_BYTES (256u << 20)

static void put_value(struct jw *j, const struct value *v);

static void put_hex(struct jw *j, const void *p, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *bytes = p;
    char *text = malloc(2 * n + 1);

    if (!text)
        abort();
    for (size_t i = 0; i < n; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 15];
    }
    jw_string(j, slice_of(text, 2 * n));
    free(text);
}

static void put_attributes(struct jw *j, struct attributes a)
{
    jw_array(j);
    for (uint32_t i = 0; i < a.n; i++) {
        jw_array(j);
        jw_string(j, a.items[i].key);
        put_value(j, &a.items[i].value);
        jw_array_end(j);
    }
    jw_array_end(j);
}

/* A kind letter and the value; a double as its bits. */
static void put_value(struct jw *j, const struct value *v)
{
    static const char *const kinds[] = {"e", "s", "b", "i", "d", "a", "m", "y"};

    jw_array(j);
    jw_string(j, slice_str(kinds[v->kind]));
    switch (v->kind) {
    case VALUE_EMPTY:
        break;
    case VALUE_STRING:
        jw_string(j, v->text);
        break;
    case VALUE_BOOL:
        jw_bool(j, v->b);
        break;
    case VALUE_INT:
        jw_int(j, v->i);
        break;
    case VALUE_DOUBLE:
        if (isnan(v->d)) /* of which there are many */
            jw_null(j);
        else
            put_hex(j, &v->d, sizeof(v->d));
        break;
    case VALUE_ARRAY:
        for (uint32_t i = 0; i < v->array.n; i++)
            put_value(j, &v->array.items[i]);
        break;
    case VALUE_MAP:
        put_attributes(j, v->map);
        break;
    case VALUE_BYTES:
        put_hex(j, v->text.p, v->text.n);
        break;
    }
    jw_array_end(j);
}

static void put_events(struct jw *j, const struct span *s)
{
    jw_array(j);
    for (uint32_t i = 0; i < s->n_events; i++) {
        jw_array(j);
        jw_uint(j, s->events[i].time_ns);
        jw_string(j, s->events[i].name);
        put_attributes(j, s->events[i].attributes);
        jw_array_end(j);
    }
    jw_array_end(j);
}

static void put_links(struct jw *j, const struct span *s)
{
    jw_array(j);
    for (uint32_t i = 0; i < s->n_links; i++) {
        const struct span_link *l = &s->links[i];
        jw_array(j);
        put_hex(j, l->trace_id, sizeof(l->trace_id));
        put_hex(j, l->span_id, sizeof(l->span_id));
        jw_string(j, l->trace_state);
        put_attributes(j, l->attributes);
        jw_uint(j, l->flags);
        jw_array_end(j);
    }
    jw_array_end(j);
}

static void put_span(struct jw *j, const struct span *s)
{
    jw_array(j);
    put_attributes(j, s->resource->attributes);
    jw_string(j, s->resource->schema_url);
    jw_string(j, s->scope->name);
    jw_string(j, s->scope->version);
    put_attributes(j, s->scope->attributes);
    jw_string(j, s->scope->schema_url);
    put_hex(j, s->trace_id, sizeof(s->trace_id));
    put_hex(j, s->span_id, sizeof(s->span_id));
    put_hex(j, s->parent_id, sizeof(s->parent_id));
    jw_string(j, s->trace_state);
    jw_string(j, s->name);
    jw_uint(j, s->flags);
    jw_int(j, s->kind);
    jw_uint(j, s->start_ns);
    jw_uint(j, s->end_ns);
    put_attributes(j, s->attributes);
    put_events(j, s);
    put_links(j, s);
    jw_uint(j, s->dropped_attributes);
    jw_uint(j, s->dropped_events);
    jw_uint(j, s->dropped_links);
    jw_int(j, s->status);
    jw_string(j, s->status_message);
    jw_array_end(j);
}

static bool take_span(void *arg, const struct span *span)
{
    struct buf *out = arg;
    struct jw j;

    jw_init(&j, out);
    put_span(&j, span);
    buf_byte(out, '\n');
    return true;
}

static void decode(enum otlp_encoding encoding, struct slice body,
                   unsigned slice, struct buf *out)
{
    struct arena arena;
    struct err err;
    struct jw j;
    int more;

    arena_init(&arena, ARENA_MAX);
    struct otlp_decoder *d = otlp_decoder_new(encoding, body, &arena);
    if (!d)
        abort();
    do
        more = otlp_decode(d, slice, take_span, out, &err);
    while (more > 0);
    jw_init(&j, out);
    if (more < 0)
        jw_string(&j, slice_str(err.text));
    else
        jw_null(&j);
    buf_byte(out, '\n');
    otlp_decoder_free(d);
    arena_fini(&arena);
}

static unsigned number(const unsigned char *p)
{
    return (unsigned)p[0] | (unsigned)p[1] << 8 | (unsigned)p[2] << 16 |
           (unsigned)p[3] << 24;
}

int main(void)
{
    unsigned char head[9];
    struct buf out;

    buf_init(&out, LINE_MAX_BYTES);
    while (fread(head, 1, sizeof(head), stdin) == sizeof(head)) {
        size_t n = number(head);
        /* Memory of just this size, so that a sanitizer sees each byte read
         * beyond it. */
        char *body = malloc(n ? n : 1);
        if (!body || fread(body, 1, n, stdin) != n)
            return 1;
        decode(head[4] == 'j' ? OTLP_JSON : OTLP_PROTOBUF, slice_of(body, n),
               number(head + 5), &out);
        free(body);
        if (out.failed)
            return 1;
        fwrite(out.p, 1, out.n, stdout);
        fflush(stdout);
        buf_clear(&out);
    }
    buf_fini(&out);
    return 0;
}
