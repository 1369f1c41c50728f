/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decoder of an OTLP trace request in slices: keeps the cursor between calls,
 * ends a call after so many spans or so much work, and gives spans their
 * memory. The encodings themselves are read in otlp_pb.c and otlp_json*.c; this
 * file knows neither.
 */
#include "otlp_decode.h"

#include <assert.h>
#include <stdlib.h>

#define LIST_FIRST 8 /* items a new list has room for */

const char otlp_why_work[] = "more fields than one span or resource may hold";
const char otlp_why_memory[] = "more data than one span or request may hold";
const char otlp_why_depth[] = "values are nested too deep";
const char otlp_why_string[] = "a string is longer than 4 MiB";

static uint32_t sum(uint32_t a, uint32_t b);

static const struct resource no_resource;
static const struct scope no_scope;

struct otlp_decoder *otlp_decoder_new(enum otlp_encoding encoding,
                                      struct slice body, struct arena *arena)
{
    struct otlp_decoder *d = malloc(sizeof(*d));

    if (!d)
        return NULL;
    d->encoding = encoding;
    d->body = body;
    d->arena = d->into = arena;
    arena_init(&d->scratch, OTLP_SPAN_MEMORY_MAX);
    d->resource = NULL;
    d->scope = NULL;
    d->value_depth = 0;
    d->work = 0;
    d->work_limit = UINT64_MAX;
    d->left_out = 0;
    d->passed_over = d->at_ceiling = false;
    d->state = OTLP_MORE;
    if (encoding == OTLP_PROTOBUF)
        otlp_pb_init(d);
    else
        otlp_json_init(d);
    return d;
}

void otlp_decoder_free(struct otlp_decoder *d)
{
    if (!d)
        return;
    arena_fini(&d->scratch);
    free(d);
}

enum otlp_result otlp_decode(struct otlp_decoder *d, unsigned max_spans,
                             otlp_span_fn fn, void *arg, struct err *err)
{
    d->fn = fn;
    d->arg = arg;
    d->spans_left = max_spans;
    d->stopped = false;
    d->work = 0;
    while (d->state > 0) {
        if (d->spans_left == 0 || d->stopped || d->work > OTLP_WORK_STEP)
            return OTLP_MORE;
        d->work_limit = d->work + OTLP_WORK_MESSAGE_MAX;
        d->state =
            d->encoding == OTLP_PROTOBUF ? otlp_pb_step(d) : otlp_json_step(d);
        if (d->passed_over)
            break;
    }
    if ((d->state < 0 || d->passed_over) && err)
        *err = d->err;
    if (d->state == OTLP_BAD && d->at_ceiling)
        d->state = OTLP_LARGE;
    if (!d->passed_over)
        return d->state;
    d->passed_over = false;
    return OTLP_SPAN_LARGE;
}

uint64_t otlp_decoder_left_out(const struct otlp_decoder *d)
{
    return d->left_out;
}

static size_t skip_space(struct slice s, size_t i)
{
    while (i < s.n && (s.p[i] == ' ' || s.p[i] == '\t' || s.p[i] == '\r' ||
                       s.p[i] == '\n'))
        i++;
    return i;
}

/* A request in protobuf begins with a line feed, and if its first part has
 * 123 bytes, a bracket follows. But then no member name comes behind it: where
 * that would have its first letter, protobuf has a field number, which is a
 * control byte. */
enum otlp_encoding otlp_encoding_guess(struct slice body)
{
    size_t i = skip_space(body, 0);

    if (i == body.n || body.p[i] != '{')
        return OTLP_PROTOBUF;
    if (i != 1 || body.p[0] != '\n')
        return OTLP_JSON;
    i = skip_space(body, i + 1);
    bool name = i + 1 < body.n && body.p[i] == '"' &&
                (unsigned char)body.p[i + 1] >= ' ';
    return name || (i < body.n && body.p[i] == '}') ? OTLP_JSON : OTLP_PROTOBUF;
}

bool otlp_is_ceiling(const char *why)
{
    return why == otlp_why_work || why == otlp_why_memory ||
           why == otlp_why_depth || why == otlp_why_string;
}

void otlp_span_begin(struct otlp_decoder *d)
{
    arena_reset(&d->scratch);
    d->into = &d->scratch;
    d->value_depth = 0;
    d->over_attributes = d->over_events = d->over_links = 0;
    memset(&d->span, 0, sizeof(d->span));
    d->span.resource = d->resource ? d->resource : &no_resource;
    d->span.scope = d->scope ? d->scope : &no_scope;
}

void otlp_span_deliver(struct otlp_decoder *d)
{
    struct span *s = &d->span;

    assert(d->spans_left > 0);
    s->dropped_attributes = sum(s->dropped_attributes, d->over_attributes);
    s->dropped_events = sum(s->dropped_events, d->over_events);
    s->dropped_links = sum(s->dropped_links, d->over_links);
    d->spans_left--;
    d->stopped = !d->fn(d->arg, s);
}

bool otlp_span_pass_over(struct otlp_decoder *d)
{
    d->passed_over = d->at_ceiling;
    return d->passed_over;
}

bool otlp_resource_begin(struct otlp_decoder *d)
{
    d->into = d->arena;
    d->value_depth = 0;
    d->scope = NULL;
    d->resource = arena_alloc(d->arena, sizeof(*d->resource));
    if (!d->resource)
        return false;
    *d->resource = no_resource;
    return true;
}

bool otlp_scope_begin(struct otlp_decoder *d)
{
    d->into = d->arena;
    d->value_depth = 0;
    d->scope = arena_alloc(d->arena, sizeof(*d->scope));
    if (!d->scope)
        return false;
    *d->scope = no_scope;
    return true;
}

bool otlp_list_full(struct otlp_decoder *d, uint32_t n, uint32_t *over)
{
    if (n < OTLP_ITEMS_MAX)
        return false;
    d->left_out++;
    if (over)
        *over = sum(*over, 1);
    return true;
}

void *otlp_list_add(struct otlp_decoder *d, void *items, uint32_t n,
                    size_t size)
{
    bool full = n < LIST_FIRST ? n == 0 : (n & (n - 1)) == 0;

    if (full) {
        size_t room = n < LIST_FIRST ? LIST_FIRST : (size_t)n * 2;
        void *more = arena_alloc(d->into, room * size);
        if (!more)
            return NULL;
        if (n > 0)
            memcpy(more, items, n * size);
        items = more;
    }
    memset((char *)items + n * size, 0, size);
    return items;
}

static uint32_t sum(uint32_t a, uint32_t b)
{
    return a > UINT32_MAX - b ? UINT32_MAX : a + b;
}
