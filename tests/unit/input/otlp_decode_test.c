/* SPDX-License-Identifier: Apache-2.0 */
/* Decoding in slices: the same spans, short steps, stops, and the guess. */
#include "input/otlp_decode.c"

#include "otlp_show.h"

static struct buf body, span, list, out, whole;
static struct err err;
static struct arena arena;

static struct buf *const all[] = {&body, &span, &list, &out, &whole};

static int setup(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        buf_init(all[i], 64u << 20);
    arena_init(&arena, 64u << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        buf_fini(all[i]);
    arena_fini(&arena);
    return 0;
}

/* A request of several resources and scopes; each span has its number as its
 * name, and as many attributes. */
static void make_protobuf(void)
{
    unsigned number = 0;

    for (unsigned r = 0; r < 3; r++) {
        for (unsigned s = 0; s < 3; s++) {
            struct buf scope;
            buf_init(&scope, 1u << 20);
            for (unsigned i = 0; i < s * 2; i++, number++) {
                buf_printf(&span, "\x2a\2%02u", number);
                for (unsigned a = 0; a < number; a++)
                    buf_append(&span, SLICE("\x4a\3\x0a\1k"));
                put_message(&scope, 2, &span);
            }
            buf_append(&scope, SLICE("\x0a\3\x0a\1s"));
            put_message(&list, 2, &scope);
            buf_fini(&scope);
        }
        buf_append(&list, SLICE("\x1a\1u"));
        put_message(&body, 1, &list);
    }
}

static void make_json(void)
{
    unsigned number = 0;

    buf_str(&body, "{\"resourceSpans\":[");
    for (unsigned r = 0; r < 3; r++) {
        buf_printf(&body, "%s{\"scopeSpans\":[", r ? "," : "");
        for (unsigned s = 0; s < 3; s++) {
            buf_printf(&body, "%s{\"spans\":[", s ? "," : "");
            for (unsigned i = 0; i < s * 2; i++, number++) {
                buf_printf(&body, "%s{\"name\":\"%02u\",\"attributes\":[",
                           i ? "," : "", number);
                for (unsigned a = 0; a < number; a++)
                    buf_printf(&body, "%s{\"key\":\"k\"}", a ? "," : "");
                buf_str(&body, "]}");
            }
            buf_str(&body, "],\"scope\":{\"name\":\"s\"}}");
        }
        buf_str(&body, "],\"schemaUrl\":\"u\"}");
    }
    buf_str(&body, "]}");
}

static unsigned count_lines(const char *text)
{
    unsigned n = 0;

    for (; (text = strchr(text, '\n')) != NULL; text++)
        n++;
    return n;
}

static void slices_equal_the_whole(void **state)
{
    (void)state;
    for (int encoding = OTLP_PROTOBUF; encoding <= OTLP_JSON; encoding++) {
        buf_clear(&body);
        if (encoding == OTLP_PROTOBUF)
            make_protobuf();
        else
            make_json();
        buf_clear(&whole);
        assert_int_equal(show_request((enum otlp_encoding)encoding,
                                      buf_slice(&body), 1000, &whole, &err),
                         0);
        assert_int_equal(count_lines(buf_cstr(&whole)), 18);
        for (unsigned slice = 1; slice < 20; slice++) {
            buf_clear(&out);
            assert_int_equal(show_request((enum otlp_encoding)encoding,
                                          buf_slice(&body), slice, &out, &err),
                             0);
            assert_string_equal(buf_cstr(&out), buf_cstr(&whole));
        }
    }
    assert_non_null(strstr(buf_cstr(&whole), "{}u|s {}|"));
}

static bool stop_at_third(void *arg, const struct span *s)
{
    unsigned *n = arg;

    assert_non_null(s->resource);
    assert_non_null(s->scope);
    return ++*n % 3 != 0;
}

static void a_caller_that_is_full_stops_and_goes_on(void **state)
{
    (void)state;
    unsigned n = 0;

    make_json();
    struct otlp_decoder *d =
        otlp_decoder_new(OTLP_JSON, buf_slice(&body), &arena);
    assert_int_equal(otlp_decode(d, 0, stop_at_third, &n, &err), 1);
    assert_int_equal(n, 0);
    assert_int_equal(otlp_decode(d, 100, stop_at_third, &n, &err), 1);
    assert_int_equal(n, 3);
    assert_int_equal(otlp_decode(d, 1, stop_at_third, &n, &err), 1);
    assert_int_equal(n, 4);
    while (otlp_decode(d, 100, stop_at_third, &n, &err) > 0)
        ;
    assert_int_equal(n, 18);
    otlp_decoder_free(d);
}

static bool count_span(void *arg, const struct span *s)
{
    (void)s;
    ++*(unsigned *)arg;
    return true;
}

/* Spans with many attributes end a call before max_spans. */
static void large_spans_count_for_more(void **state)
{
    (void)state;
    unsigned n = 0, calls = 0, before = 0, most = 0;

    for (unsigned a = 0; a < 4000; a++)
        buf_append(&span, SLICE("\x4a\7\x0a\1k\x12\2\x18\1"));
    for (unsigned i = 0; i < 100; i++)
        put_bytes(&list, 2, buf_slice(&span));
    put_message(&whole, 2, &list);
    put_message(&body, 1, &whole);
    struct otlp_decoder *d =
        otlp_decoder_new(OTLP_PROTOBUF, buf_slice(&body), &arena);
    while (otlp_decode(d, 500, count_span, &n, &err) > 0) {
        if (n - before > most)
            most = n - before;
        before = n;
        calls++;
    }
    assert_int_equal(n, 100);
    assert_in_range(most, 1, 8);
    assert_in_range(calls, 12, 100);
    otlp_decoder_free(d);
}

#define SPAN "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{"
#define SPAN_END "}]}]}]}"

/* The work of any one call has a ceiling, whatever the body is made of. */
static void no_call_does_much_without_spans(void **state)
{
    (void)state;
    static const struct {
        enum otlp_encoding encoding;
        const char *head, *piece, *tail;
        size_t n;
    } rows[] = {
        {OTLP_PROTOBUF, "", "\x0a\2\x12\0", "", 4},
        {OTLP_PROTOBUF, "", "\x38\1", "", 2},
        {OTLP_JSON, "{\"resourceSpans\":[{}", ",{}", "]}", 3},
        {OTLP_JSON, "{\"x\":[0", ",[]", "]}", 3},
        {OTLP_JSON, "{\"x\":0", ",\"\":0", "}", 5},
        {OTLP_JSON, "{\"resourceSpans\":[{\"scopeSpans\":[{}", ",{}", "]}]}",
         3},
        {OTLP_JSON, "{\"resourceSpans\":[{\"y\":[\"\"", ",\"\\\"\"", "]}]}", 5},
        {OTLP_JSON, SPAN "\"y\":[0", ",{}", "]" SPAN_END, 3},
        {OTLP_JSON, SPAN "\"name\":\"", "\\\"", "\"" SPAN_END, 2},
        {OTLP_JSON, SPAN "\"events\":[{}", ",{}", "]" SPAN_END, 3},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        unsigned n = 0;
        int more;
        buf_clear(&body);
        buf_str(&body, rows[i].head);
        for (unsigned k = 0; k < 200000; k++)
            buf_append(&body, slice_of(rows[i].piece, rows[i].n));
        buf_str(&body, rows[i].tail);
        struct otlp_decoder *d =
            otlp_decoder_new(rows[i].encoding, buf_slice(&body), &arena);
        unsigned calls = 0;
        do {
            more = otlp_decode(d, 500, count_span, &n, &err);
            calls++;
            assert_true(d->work <= OTLP_WORK_STEP + OTLP_WORK_MESSAGE_MAX);
        } while (more > 0);
        assert_int_equal(more, 0);
        assert_true(calls > 1);
        otlp_decoder_free(d);
        arena_reset(&arena);
    }
}

static void a_full_arena_is_a_fault(void **state)
{
    (void)state;
    struct arena small;
    unsigned n = 0;
    int more;

    arena_init(&small, 16384);
    for (unsigned i = 0; i < 10000; i++)
        put_text(&body, 1, "");
    struct otlp_decoder *d =
        otlp_decoder_new(OTLP_PROTOBUF, buf_slice(&body), &small);
    while ((more = otlp_decode(d, 500, count_span, &n, &err)) > 0)
        ;
    assert_int_equal(more, OTLP_LARGE);
    assert_non_null(strstr(err.text, otlp_why_memory));
    otlp_decoder_free(d);
    arena_fini(&small);
}

static void the_encoding_is_found_out(void **state)
{
    (void)state;
    assert_int_equal(otlp_encoding_guess(SLICE("")), OTLP_PROTOBUF);
    assert_int_equal(otlp_encoding_guess(SLICE(" \r\n\t")), OTLP_PROTOBUF);
    assert_int_equal(otlp_encoding_guess(SLICE("\x0a\2\x12\0")), OTLP_PROTOBUF);
    assert_int_equal(otlp_encoding_guess(SLICE("{}")), OTLP_JSON);
    assert_int_equal(otlp_encoding_guess(SLICE("\n {\"a\"")), OTLP_JSON);
    assert_int_equal(otlp_encoding_guess(SLICE("[]")), OTLP_PROTOBUF);
}

/* A part of 123 bytes: protobuf that begins like JSON with `\n{`. */
static void a_length_that_looks_like_a_bracket(void **state)
{
    (void)state;
    static const struct {
        struct slice body;
        enum otlp_encoding want;
    } rows[] = {
        {SLICE("\n{\x12\x79"), OTLP_PROTOBUF},
        {SLICE("\n{\n\"\n\x10"), OTLP_PROTOBUF}, /* a resource of 34 bytes */
        {SLICE("\n{\n \n\n\n\3key"), OTLP_PROTOBUF},
        {SLICE("\n{"), OTLP_PROTOBUF},
        {SLICE("\n{}"), OTLP_JSON},
        {SLICE("\n{\n  \"r"), OTLP_JSON},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(otlp_encoding_guess(rows[i].body), rows[i].want);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(slices_equal_the_whole),
        TEST(a_caller_that_is_full_stops_and_goes_on),
        TEST(large_spans_count_for_more),
        TEST(no_call_does_much_without_spans),
        TEST(a_full_arena_is_a_fault),
        TEST(the_encoding_is_found_out),
        TEST(a_length_that_looks_like_a_bracket),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
