/* SPDX-License-Identifier: Apache-2.0 */
/* What is written is read again as it was, by our own decoder; scenarios ask
 * the official library. */
#include "input/otlp_encode.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "xr/otlp.h"

static const struct resource resource_a = {.schema_url = SLICE("r-schema")};
static const struct resource resource_b;
static const struct scope scope_a = {.name = SLICE("scope-a"),
                                     .version = SLICE("1.2"),
                                     .schema_url = SLICE("s-schema")};
static const struct scope scope_b = {.name = SLICE("scope-b")};

struct seen {
    unsigned n;
    char text[1024]; /* "resource/scope/name " of each span */
};

static bool see(void *arg, const struct span *s)
{
    struct seen *seen = arg;
    size_t n = strlen(seen->text);
    seen->n++;
    snprintf(seen->text + n, sizeof(seen->text) - n, "%.*s/%.*s/%.*s ",
             SLICE_ARG(s->resource->schema_url), SLICE_ARG(s->scope->name),
             SLICE_ARG(s->name));
    return true;
}

static int decode(struct otlp_encoder *e, otlp_span_fn fn, void *arg)
{
    struct arena arena;
    struct err err;
    arena_init(&arena, 1 << 20);
    struct otlp_decoder *d =
        otlp_decoder_new(OTLP_PROTOBUF, otlp_encoder_end(e), &arena);
    int rc = 1;
    while (rc > 0)
        rc = otlp_decode(d, UINT32_MAX, fn, arg, &err);
    otlp_decoder_free(d);
    arena_fini(&arena);
    return rc;
}

static struct span span_of(const char *name, const struct resource *r,
                           const struct scope *s)
{
    struct span span = {.name = slice_str(name), .resource = r, .scope = s};
    memset(span.trace_id, 7, sizeof(span.trace_id));
    memset(span.span_id, 8, sizeof(span.span_id));
    return span;
}

static void spans_stay_with_resource_and_scope(void **state)
{
    struct otlp_encoder e;
    struct seen seen = {0};
    struct span s;
    (void)state;
    otlp_encoder_init(&e, 1 << 20);
    s = span_of("1", &resource_a, &scope_a);
    otlp_encode_span(&e, &s, &resource_a);
    s = span_of("2", &resource_a, &scope_a);
    otlp_encode_span(&e, &s, &resource_a);
    s = span_of("3", &resource_a, &scope_b);
    otlp_encode_span(&e, &s, &resource_a);
    s = span_of("4", &resource_b, &scope_b);
    otlp_encode_span(&e, &s, &resource_b);
    assert_int_equal(decode(&e, see, &seen), 0);
    assert_int_equal(e.spans, 4);
    assert_string_equal(seen.text, "r-schema/scope-a/1 r-schema/scope-a/2 "
                                   "r-schema/scope-b/3 /scope-b/4 ");
    otlp_encoder_begin(&e);
    assert_int_equal(otlp_encoder_end(&e).n, 0);
    otlp_encoder_fini(&e);
}

/* A processed copy lies in memory that is used again: only the resource that
 * was read tells them apart. */
static void copies_are_told_apart(void **state)
{
    struct otlp_encoder e;
    struct seen seen = {0};
    struct resource copy = {.schema_url = SLICE("first")};
    struct span s = span_of("1", &copy, &scope_a);
    (void)state;
    otlp_encoder_init(&e, 1 << 20);
    otlp_encode_span(&e, &s, &resource_a);
    copy.schema_url = SLICE("second");
    otlp_encode_span(&e, &s, &resource_b);
    assert_int_equal(decode(&e, see, &seen), 0);
    assert_string_equal(seen.text, "first/scope-a/1 second/scope-a/1 ");
    otlp_encoder_fini(&e);
}

static bool check_whole(void *arg, const struct span *s)
{
    const struct span *want = arg;
    assert_memory_equal(s->trace_id, want->trace_id, 16);
    assert_memory_equal(s->span_id, want->span_id, 8);
    assert_memory_equal(s->parent_id, want->parent_id, 8);
    assert_true(slice_is(s->trace_state, "a=b"));
    assert_int_equal(s->kind, SPAN_CLIENT);
    assert_int_equal(s->start_ns, want->start_ns);
    assert_int_equal(s->end_ns, want->end_ns);
    assert_int_equal(s->flags, 0x101);
    assert_int_equal(s->dropped_attributes, 1);
    assert_int_equal(s->dropped_events, 2);
    assert_int_equal(s->dropped_links, 300);
    assert_int_equal(s->status, STATUS_ERROR);
    assert_true(slice_is(s->status_message, "broken"));
    assert_int_equal(s->attributes.n, 8);
    const struct attribute *a = s->attributes.items;
    assert_int_equal(a[0].value.kind, VALUE_EMPTY);
    assert_int_equal(a[1].value.kind, VALUE_STRING);
    assert_int_equal(a[1].value.text.n, 0);
    assert_int_equal(a[2].value.kind, VALUE_BOOL);
    assert_false(a[2].value.b);
    assert_int_equal(a[3].value.i, -1);
    assert_true(a[4].value.d > -2.6 && a[4].value.d < -2.4);
    assert_int_equal(a[5].value.array.n, 1);
    assert_int_equal(a[5].value.array.items[0].i, -1);
    assert_true(slice_is(a[6].value.map.items[0].key, "inner"));
    assert_int_equal(a[7].value.kind, VALUE_BYTES);
    assert_int_equal(a[7].value.text.n, 3);
    assert_int_equal(s->n_events, 1);
    assert_int_equal(s->events[0].time_ns, 5);
    assert_int_equal(s->events[0].attributes.n, 1);
    assert_int_equal(s->n_links, 1);
    assert_int_equal(s->links[0].flags, 9);
    assert_true(slice_is(s->links[0].trace_state, "c=d"));
    return true;
}

static void every_field_and_kind_of_value(void **state)
{
    struct value one = {.kind = VALUE_INT, .i = -1};
    struct attribute inner = {SLICE("inner"), one};
    struct attribute all[] = {
        {SLICE("empty"), {.kind = VALUE_EMPTY}},
        {SLICE("text"), {.kind = VALUE_STRING}},
        {SLICE("bool"), {.kind = VALUE_BOOL}},
        {SLICE("int"), one},
        {SLICE("double"), {.kind = VALUE_DOUBLE, .d = -2.5}},
        {SLICE("array"), {.kind = VALUE_ARRAY, .array = {&one, 1}}},
        {SLICE("map"), {.kind = VALUE_MAP, .map = {&inner, 1}}},
        {SLICE("bytes"), {.kind = VALUE_BYTES, .text = SLICE("\0\1\2")}},
    };
    struct span_event event = {5, SLICE("event"), {&inner, 1}};
    struct span_link link = {.trace_state = SLICE("c=d"), .flags = 9};
    struct span s = span_of("all", &resource_a, &scope_a);
    struct otlp_encoder e;
    (void)state;
    memset(s.parent_id, 9, sizeof(s.parent_id));
    memset(link.trace_id, 1, sizeof(link.trace_id));
    s.trace_state = SLICE("a=b");
    s.kind = SPAN_CLIENT;
    s.start_ns = 1700000000000000001;
    s.end_ns = UINT64_MAX;
    s.flags = 0x101;
    s.attributes = (struct attributes){all, 8};
    s.events = &event;
    s.links = &link;
    s.n_events = s.n_links = 1;
    s.dropped_attributes = 1;
    s.dropped_events = 2;
    s.dropped_links = 300;
    s.status = STATUS_ERROR;
    s.status_message = SLICE("broken");
    otlp_encoder_init(&e, 1 << 20);
    otlp_encode_span(&e, &s, &resource_a);
    assert_int_equal(decode(&e, check_whole, &s), 0);
    otlp_encoder_fini(&e);
}

/* Lengths of one, two and three digits, in messages within each other. */
static void long_texts(void **state)
{
    static char text[100000];
    static const unsigned sizes[] = {0, 100, 127, 128, 16383, 16384, 99999};
    struct otlp_encoder e;
    (void)state;
    memset(text, 'x', sizeof(text));
    otlp_encoder_init(&e, 1 << 20);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct seen seen = {0};
        struct span s = span_of("n", &resource_a, &scope_a);
        struct attribute a = {
            SLICE("k"),
            {.kind = VALUE_STRING, .text = slice_of(text, sizes[i])}};
        s.attributes = (struct attributes){&a, 1};
        otlp_encoder_begin(&e);
        otlp_encode_span(&e, &s, &resource_a);
        assert_int_equal(decode(&e, see, &seen), 0);
        assert_int_equal(seen.n, 1);
    }
    otlp_encoder_fini(&e);
}

static void ceiling(void **state)
{
    struct otlp_encoder e;
    struct span s = span_of("a longer name", &resource_a, &scope_a);
    (void)state;
    otlp_encoder_init(&e, 64);
    otlp_encode_span(&e, &s, &resource_a);
    otlp_encode_span(&e, &s, &resource_a);
    otlp_encoder_end(&e);
    assert_true(e.out.failed);
    otlp_encoder_fini(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spans_stay_with_resource_and_scope),
        cmocka_unit_test(copies_are_told_apart),
        cmocka_unit_test(every_field_and_kind_of_value),
        cmocka_unit_test(long_texts),
        cmocka_unit_test(ceiling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
