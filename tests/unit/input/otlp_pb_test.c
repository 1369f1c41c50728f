/* SPDX-License-Identifier: Apache-2.0 */
/* The protobuf reader of OTLP: every field, merging, unknown fields, faults. */
#include "input/otlp_pb.c"

#include "otlp_show.h"

#define TRACE "\1\2\3\4\5\6\7\x8\x9\xa\xb\xc\xd\xe\xf\x10"
#define TRACE_HEX "0102030405060708090a0b0c0d0e0f10"
#define ID "\1\2\3\4\5\6\7\x8"
#define ID_HEX "0102030405060708"
#define NO_ID "0000000000000000"

/* One buffer a level of the message. */
static struct buf request, resource_spans, scope_spans, span, item, value,
    inner, out;
static struct err err;

static struct buf *const all[] = {
    &request, &resource_spans, &scope_spans, &span,
    &item,    &value,          &inner,       &out};

static int setup(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        buf_init(all[i], 64u << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        buf_fini(all[i]);
    return 0;
}

/* Wraps the span, decodes and gives what is behind the resource and scope. */
static const char *decode_span(void)
{
    put_message(&scope_spans, 2, &span);
    put_message(&resource_spans, 2, &scope_spans);
    put_message(&request, 1, &resource_spans);
    if (show_request(OTLP_PROTOBUF, buf_slice(&request), 9, &out, &err) != 0)
        fail_msg("%s", err.text);
    return buf_cstr(&out) + strlen("{}| {}|");
}

static int decode_request(void)
{
    return show_request(OTLP_PROTOBUF, buf_slice(&request), 9, &out, &err);
}

/* Key and value as an attribute of `to`. */
static void put_attribute(struct buf *to, unsigned field, const char *key)
{
    put_text(&item, 1, key);
    put_message(&item, 2, &value);
    put_message(to, field, &item);
}

static void every_span_field(void **state)
{
    (void)state;
    put_text(&span, 1, TRACE);
    put_text(&span, 2, ID);
    put_text(&span, 3, "a=b");
    put_text(&span, 4, "87654321");
    put_text(&span, 5, "GET /");
    put_int(&span, 6, 2);
    put_fixed(&span, 7, UINT64_MAX, 8);
    put_fixed(&span, 8, 1700000000123456789, 8);
    put_text(&value, 1, "v");
    put_attribute(&span, 9, "k");
    put_int(&span, 10, 3);
    put_fixed(&item, 1, 17, 8);
    put_text(&item, 2, "event");
    put_message(&span, 11, &item);
    put_int(&span, 12, 4);
    put_text(&item, 1, TRACE);
    put_text(&item, 2, ID);
    put_text(&item, 3, "l=m");
    put_fixed(&item, 6, 257, 4);
    put_message(&span, 13, &item);
    put_int(&span, 14, 5);
    put_text(&item, 2, "bad");
    put_int(&item, 3, 2);
    put_message(&span, 15, &item);
    put_fixed(&span, 16, 0x101, 4);
    assert_string_equal(decode_span(), TRACE_HEX
                        " " ID_HEX " 3837363534333231 a=b|GET / f257 k2 "
                        "18446744073709551615-1700000000123456789{k='v'} "
                        "@17 event{} >" TRACE_HEX ID_HEX
                        " l=m f257{}|3 4 5|2 bad\n");
}

static void every_kind_of_value(void **state)
{
    (void)state;
    put_attribute(&span, 9, "empty");
    put_int(&value, 2, 1);
    put_attribute(&span, 9, "bool");
    put_int(&value, 3, (uint64_t)-7);
    put_attribute(&span, 9, "int");
    put_fixed(&value, 4, 0x4004000000000000, 8);
    put_attribute(&span, 9, "double");
    put_text(&inner, 1, "\x18\x05"); /* int 5 */
    put_text(&inner, 1, "");
    put_message(&value, 5, &inner);
    put_attribute(&span, 9, "array");
    put_text(&inner, 1, "\x0a\1a\x12\2\x18\6"); /* a: int 6 */
    put_message(&value, 6, &inner);
    put_attribute(&span, 9, "map");
    put_text(&value, 7, "\xff\1");
    put_attribute(&span, 9, "bytes");
    put_text(&span, 9, ""); /* no key, no value */
    assert_non_null(strstr(decode_span(),
                           "{empty=- bool=yes int=-7 double=2.5d array=(5 -) "
                           "map={a=6} bytes=xff01 =-}"));
}

static void ids_of_a_wrong_length_are_zero(void **state)
{
    (void)state;
    put_text(&span, 1, "short");
    put_text(&span, 2, ID "x");
    put_text(&span, 4, ID);
    put_text(&span, 4, "");
    assert_non_null(
        strstr(decode_span(), NO_ID NO_ID " " NO_ID " " NO_ID " |"));
}

static void last_scalar_wins_and_messages_merge(void **state)
{
    (void)state;
    put_text(&span, 5, "first");
    put_text(&span, 5, "second");
    put_text(&item, 2, "message");
    put_message(&span, 15, &item);
    put_int(&item, 3, 1);
    put_message(&span, 15, &item);
    /* A value that comes twice: the arrays are joined. */
    put_text(&item, 1, "k");
    put_text(&inner, 1, "\x18\1");
    put_message(&value, 5, &inner);
    put_message(&item, 2, &value);
    put_text(&inner, 1, "\x18\2");
    put_message(&value, 5, &inner);
    put_message(&item, 2, &value);
    put_message(&span, 9, &item);
    /* Of several kinds the last one stands. */
    put_int(&value, 3, 1);
    put_text(&inner, 1, "\x18\2");
    put_message(&value, 5, &inner);
    put_text(&value, 1, "s");
    put_attribute(&span, 9, "one");
    const char *got = decode_span();
    assert_non_null(strstr(got, "|second f0"));
    assert_non_null(strstr(got, "{k=(1 2) one='s'}"));
    assert_non_null(strstr(got, "|1 message"));
}

static void resource_and_scope_behind_the_spans(void **state)
{
    (void)state;
    put_text(&span, 5, "op");
    put_message(&scope_spans, 2, &span);
    put_text(&scope_spans, 3, "scope-url");
    put_text(&item, 1, "name");
    put_text(&item, 2, "1.0");
    put_message(&scope_spans, 1, &item);
    put_message(&resource_spans, 2, &scope_spans);
    put_text(&inner, 1, "ab");
    put_text(&value, 1, "svc");
    put_attribute(&inner, 1, "service.name");
    put_message(&resource_spans, 1, &inner);
    put_text(&resource_spans, 3, "url");
    put_text(&value, 1, "x"); /* again: merged */
    put_attribute(&inner, 1, "more");
    put_message(&resource_spans, 1, &inner);
    put_message(&request, 1, &resource_spans);
    /* Another resource has nothing of the first. */
    put_text(&span, 5, "op2");
    put_message(&scope_spans, 2, &span);
    put_message(&resource_spans, 2, &scope_spans);
    put_message(&request, 1, &resource_spans);
    /* "ab" is not a message. */
    assert_int_equal(decode_request(), -1);
    buf_clear(&out);
    char *bad = memmem(request.p, request.n, "\x0a\2ab", 4);
    memcpy(bad, "\x18\1\x18\1", 4); /* unknown fields in its place */
    assert_int_equal(decode_request(), 0);
    const char *got = buf_cstr(&out);
    assert_int_equal(
        strncmp(got, "{service.name='svc' more='x'}url|name 1.0{}scope-url|",
                53),
        0);
    assert_non_null(strstr(got, "\n{}| {}|"));
}

static void unknown_fields_are_skipped(void **state)
{
    (void)state;
    put_int(&span, 99, 5);
    put_fixed(&span, 98, 5, 8);
    put_fixed(&span, 97, 5, 4);
    put_text(&span, 96, "xyz");
    put_int(&span, 5, 1);       /* name as a number: a wrong wire type */
    put_text(&span, 6, "kind"); /* kind as text */
    put_varint(&span, 95 << 3 | 3);
    put_int(&span, 1, 1);
    put_varint(&span, 95 << 3 | 4);
    put_text(&span, 5, "op");
    put_text(&request, 7, "unknown");
    put_int(&resource_spans, 2, 7);
    assert_non_null(strstr(decode_span(), "|op f0 k0 0-0{}|"));
}

static void negative_and_large_enums_are_kept(void **state)
{
    (void)state;
    put_int(&span, 6, (uint64_t)-3);
    put_int(&span, 10, UINT64_C(0x100000007));
    assert_non_null(strstr(decode_span(), "f0 k-3 0-0{}|7 0 0|"));
}

static void every_truncation_is_a_fault_or_shorter(void **state)
{
    (void)state;
    every_span_field(NULL);
    buf_clear(&out);
    for (size_t n = 1; n < request.n; n++) {
        buf_clear(&out);
        assert_int_equal(
            show_request(OTLP_PROTOBUF, slice_of(request.p, n), 9, &out, &err),
            -1);
        assert_non_null(strstr(err.text, "malformed protobuf in "));
        assert_int_equal(out.n, 0);
    }
}

static void faults_name_message_and_byte(void **state)
{
    (void)state;
    put_text(&span, 5, "good");
    put_message(&scope_spans, 2, &span);
    put_text(&span, 5, "bad");
    span.p[1] = 77; /* longer than the span */
    put_message(&scope_spans, 2, &span);
    put_message(&resource_spans, 2, &scope_spans);
    put_message(&request, 1, &resource_spans);
    assert_int_equal(decode_request(), -1);
    /* 2 + 2 bytes to the scope, 2 + 6 for the good span, 2 to the bad one. */
    assert_string_equal(err.text,
                        "malformed protobuf in ScopeSpans at byte 14");
    assert_non_null(strstr(buf_cstr(&out), "|good f0"));
}

/* A value of so many arrays in each other. */
static void nest(unsigned levels)
{
    put_int(&value, 3, 1);
    for (unsigned i = 0; i < levels; i++) {
        put_message(&item, 1, &value);
        put_message(&value, 5, &item);
    }
    put_attribute(&span, 9, "deep");
}

static void nesting_has_a_ceiling(void **state)
{
    (void)state;
    nest(OTLP_VALUE_DEPTH_MAX);
    decode_span();
    buf_clear(&request);
    nest(OTLP_VALUE_DEPTH_MAX + 1);
    put_message(&scope_spans, 2, &span);
    put_message(&resource_spans, 2, &scope_spans);
    put_message(&request, 1, &resource_spans);
    assert_int_equal(decode_request(), OTLP_END);
    assert_non_null(strstr(err.text, "nested too deep"));
}

/* Attributes, events and links beyond it are passed over and counted, beside
 * those that the sender dropped. */
static void lists_have_a_ceiling(void **state)
{
    static const struct {
        unsigned list, dropped;
        const char *mark;
    } rows[] = {
        {9, 10, "|7 0 0|"},
        {11, 12, "|0 7 0|"},
        {13, 14, "|0 0 7|"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        buf_clear(&request);
        buf_clear(&out);
        for (unsigned k = 0; k < OTLP_ITEMS_MAX; k++)
            put_text(&span, rows[i].list, "");
        decode_span();
        assert_non_null(strstr(buf_cstr(&out), "|0 0 0|"));
        buf_clear(&out);
        buf_clear(&request);
        for (unsigned k = 0; k <= OTLP_ITEMS_MAX + 1; k++)
            put_text(&span, rows[i].list, "");
        put_int(&span, rows[i].dropped, 5);
        decode_span();
        assert_non_null(strstr(buf_cstr(&out), rows[i].mark));
    }
}

static void strings_have_a_ceiling(void **state)
{
    (void)state;
    char *text = calloc(1, OTLP_STRING_MAX + 1);

    assert_non_null(text);
    put_bytes(&span, 5, slice_of(text, OTLP_STRING_MAX));
    decode_span();
    buf_clear(&request);
    put_bytes(&span, 5, slice_of(text, OTLP_STRING_MAX + 1));
    put_message(&scope_spans, 2, &span);
    put_message(&resource_spans, 2, &scope_spans);
    put_message(&request, 1, &resource_spans);
    assert_int_equal(decode_request(), OTLP_END);
    assert_non_null(strstr(err.text, "longer than 4 MiB"));
    free(text);
}

/* Many small things in one span: memory, then work. */
static void one_span_has_its_share(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 1000000; i++)
        put_text(&inner, 1, "");
    put_message(&value, 5, &inner);
    put_attribute(&span, 9, "k");
    put_message(&scope_spans, 2, &span);
    put_text(&inner, 5, "next");
    put_message(&scope_spans, 2, &inner);
    put_message(&resource_spans, 2, &scope_spans);
    put_message(&request, 1, &resource_spans);
    assert_int_equal(decode_request(), OTLP_END);
    assert_non_null(strstr(err.text, "more "));
    assert_non_null(strstr(buf_cstr(&out), "(a span too large)\n"));
    assert_non_null(strstr(buf_cstr(&out), "next"));
}

static void an_empty_request_has_no_spans(void **state)
{
    (void)state;
    assert_int_equal(decode_request(), 0);
    assert_int_equal(out.n, 0);
    put_text(&request, 1, "");
    put_bytes(&request, 1, SLICE("\x12\0"));
    assert_int_equal(decode_request(), 0);
    assert_int_equal(out.n, 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(every_span_field),
        TEST(every_kind_of_value),
        TEST(ids_of_a_wrong_length_are_zero),
        TEST(last_scalar_wins_and_messages_merge),
        TEST(resource_and_scope_behind_the_spans),
        TEST(unknown_fields_are_skipped),
        TEST(negative_and_large_enums_are_kept),
        TEST(every_truncation_is_a_fault_or_shorter),
        TEST(faults_name_message_and_byte),
        TEST(nesting_has_a_ceiling),
        TEST(lists_have_a_ceiling),
        TEST(strings_have_a_ceiling),
        TEST(one_span_has_its_share),
        TEST(an_empty_request_has_no_spans),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
