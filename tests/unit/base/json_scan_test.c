/* SPDX-License-Identifier: Apache-2.0 */
/* base/json_scan.c: by example, and against jansson on mangled texts. */
#include "base/json_scan.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first */
#include <cmocka.h>
#include <jansson.h>
#include <limits.h>
#include <stdlib.h>

/* One letter per token. */
static const char letters[] = "$OoAaKSNTFZ";

static const char *tokens(struct slice text, int max_depth)
{
    static char seen[128];
    struct js j;
    size_t n = 0;
    enum js_kind kind;

    js_init(&j, text, max_depth);
    do {
        kind = js_next(&j, NULL);
        seen[n++] = kind == JS_ERROR ? '!' : letters[kind];
    } while (kind > JS_END && n < sizeof(seen) - 1);
    seen[n] = '\0';
    /* An error stays an error, an end an end. */
    assert_int_equal(js_next(&j, NULL), kind);
    assert_true(kind != JS_ERROR || j.why);
    return seen;
}

static void gives_tokens_in_order(void **state)
{
    (void)state;
#define TOKENS(text, want)                                                     \
    assert_string_equal(tokens(SLICE(text), JS_DEPTH_MAX), want)
    TOKENS("{\"a\":1,\"b\":[true,false,null,\"x\",{}],\"c\":[]}",
           "OKNKATFZSOoaKAao$");
    TOKENS(" \t\r\n5\n", "N$");
    TOKENS("\"\"", "S$");
    TOKENS("[[],[[]]]", "AAaAAaaa$");
    TOKENS("{\"a\" : { } , \"b\" : -0.5e+07 }", "OKOoKNo$");
}

static void refuses_what_go_refuses(void **state)
{
    static const struct slice bad[] = {
        SLICE(""),
        SLICE("  "),
        SLICE("{"),
        SLICE("["),
        SLICE("}"),
        SLICE("{\"a\"}"),
        SLICE("{\"a\":}"),
        SLICE("{\"a\":1,}"),
        SLICE("[1,]"),
        SLICE("[,1]"),
        SLICE("[1 2]"),
        SLICE("{\"a\":1 \"b\":2}"),
        SLICE("{a:1}"),
        SLICE("{'a':1}"),
        SLICE("{1:1}"),
        SLICE("[1}"),
        SLICE("{\"a\":1]"),
        SLICE("1 2"),
        SLICE("{}{}"),
        SLICE("{},"),
        SLICE("01"),
        SLICE("-"),
        SLICE("+1"),
        SLICE(".5"),
        SLICE("1."),
        SLICE("1.e1"),
        SLICE("1e"),
        SLICE("1e+"),
        SLICE("0x10"),
        SLICE("-01"),
        SLICE("NaN"),
        SLICE("Infinity"),
        SLICE("tru"),
        SLICE("True"),
        SLICE("nul"),
        SLICE("truee"),
        SLICE("\"abc"),
        SLICE("\"a\nb\""),
        SLICE("\"a\tb\""),
        SLICE("\"\x01\""),
        SLICE("\"\\x41\""),
        SLICE("\"\\u12\""),
        SLICE("\"\\u12g4\""),
        SLICE("\"\\"),
        SLICE("\"\\\""),
        SLICE("\xEF\xBB\xBF{}"),
        SLICE("{}\0"),
        SLICE("\"a\0b\""),
        SLICE("\f1"),
        SLICE("\v1"),
        SLICE("\xC2\xA0"
              "1"),
        SLICE("/* c */1"),
        SLICE("1//"),
        SLICE("\"\\\0\""),
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const char *seen = tokens(bad[i], JS_DEPTH_MAX);
        if (seen[strlen(seen) - 1] != '!')
            fail_msg("taken as JSON: %.*s", SLICE_ARG(bad[i]));
    }
    assert_string_equal(tokens(slice_of(NULL, 0), 5), "!");
}

static void tolerates_invalid_utf8_in_strings(void **state)
{
    (void)state;
    TOKENS("\"\xff\xc0\x80\"", "S$");
    TOKENS("\"\x7f\"", "S$");
}

static void bounds_the_depth(void **state)
{
    char *deep = malloc(2 * (JS_DEPTH_MAX + 1));

    (void)state;
    for (int depth = JS_DEPTH_MAX; depth <= JS_DEPTH_MAX + 1; depth++) {
        struct js j;
        memset(deep, '[', (size_t)depth);
        memset(deep + depth, ']', (size_t)depth);
        js_init(&j, slice_of(deep, 2 * (size_t)depth), INT_MAX);
        bool ok = js_skip(&j, js_next(&j, NULL));
        assert_int_equal(ok, depth == JS_DEPTH_MAX);
    }
    free(deep);
    assert_string_equal(tokens(SLICE("[[1]]"), 2), "AANaa$");
    assert_string_equal(tokens(SLICE("[[1]]"), 1), "A!");
}

static void gives_text_and_skips(void **state)
{
    struct js j;
    struct slice text;

    (void)state;
    js_init(&j, SLICE("{\"k\\n\": {\"x\":[1,{}]}, \"n\" :-12.50, \"s\":\"v\"}"),
            8);
    assert_int_equal(js_next(&j, &text), JS_OBJECT);
    assert_int_equal(js_next(&j, &text), JS_KEY);
    assert_true(slice_is(text, "k\\n"));
    assert_true(js_skip(&j, js_next(&j, &text)));
    assert_int_equal(js_next(&j, &text), JS_KEY);
    assert_true(slice_is(text, "n"));
    enum js_kind number = js_next(&j, &text);
    assert_int_equal(number, JS_NUMBER);
    assert_true(slice_is(text, "-12.50"));
    assert_true(js_skip(&j, number));
    assert_int_equal(js_next(&j, &text), JS_KEY);
    assert_int_equal(js_next(&j, &text), JS_STRING);
    assert_true(slice_is(text, "v"));
    assert_int_equal(js_next(&j, &text), JS_OBJECT_END);
    assert_int_equal(js_next(&j, &text), JS_END);

    js_init(&j, SLICE("[[1,[2,x]]]"), 8);
    assert_int_equal(js_next(&j, NULL), JS_ARRAY);
    assert_false(js_skip(&j, js_next(&j, NULL)));
    assert_int_equal(js_offset(&j), 7);
    assert_false(js_skip(&j, JS_ERROR));
}

static void decodes_escapes(void **state)
{
    static const struct {
        struct slice raw, want;
    } rows[] = {
        {SLICE("plain"), SLICE("plain")},
        {SLICE(""), SLICE("")},
        {SLICE("\\\"\\\\\\/\\b\\f\\n\\r\\t"), SLICE("\"\\/\b\f\n\r\t")},
        {SLICE("a\\u0041\\u00e9\\u20AC"), SLICE("aA\xC3\xA9\xE2\x82\xAC")},
        {SLICE("\\u0000z"), SLICE("\0z")},
        {SLICE("\\uD83D\\uDE00"), SLICE("\xF0\x9F\x98\x80")},
        {SLICE("\\ud83d"), SLICE("\xEF\xBF\xBD")},
        {SLICE("\\ude00x"), SLICE("\xEF\xBF\xBDx")},
        {SLICE("\\ud83d\\u0041"), SLICE("\xEF\xBF\xBD"
                                        "A")},
        {SLICE("\\ud83d\\ud83d\\ude00"), SLICE("\xEF\xBF\xBD\xF0\x9F\x98\x80")},
        /* No reader gives these; they must only do no harm. */
        {SLICE("\\"), SLICE("")},
        {SLICE("\\u12"), SLICE("\\u12")},
        {SLICE("\\q"), SLICE("q")},
    };
    char out[64];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t n = js_unescape(rows[i].raw, out);
        assert_true(n <= rows[i].raw.n);
        assert_int_equal(n, rows[i].want.n);
        assert_memory_equal(out, rows[i].want.p, n);
    }
}

static void text_copies_only_escapes(void **state)
{
    struct arena a;
    struct slice out, raw = SLICE("as it is"), escaped = SLICE("a\\nb");

    (void)state;
    arena_init(&a, 10000);
    assert_true(js_text(raw, &a, &out));
    assert_ptr_equal(out.p, raw.p);
    assert_int_equal(a.held, 0);
    assert_true(js_text(escaped, &a, &out));
    assert_true(slice_is(out, "a\nb"));
    arena_fini(&a);
    arena_init(&a, 10);
    assert_false(js_text(escaped, &a, &out));
    arena_fini(&a);
}

static void numbers_have_their_values(void **state)
{
    static const struct {
        const char *text;
        double value;
    } rows[] = {
        {"0", 0},
        {"-1.5e3", -1500},
        {"1790000000.123456", 1790000000.123456},
        {"123456789012345678901234567890", 123456789012345678901234567890.0},
        {"0.1000000000000000055511151231257827", 0.1},
        {"1e308", 1e308},
        {"1e309", -7},
        {"1.2.3", -7},
        {"1 ", -7},
        {"", -7},
        {"one", -7},
        {"1111111111111111111111111111111111111111111111111111111111111111",
         -7}, /* 64 digits */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_true(js_number(slice_str(rows[i].text), -7) == rows[i].value);
}

/* The word and the vector form against the byte form, at each place. */
static void plain_runs_agree(void **state)
{
    char text[70];

    (void)state;
    for (int ascii = 0; ascii < 2; ascii++) {
        for (int c = 0; c < 256; c++) {
            for (size_t at = 0; at < 48; at++) {
                memset(text, at % 2 ? 'x' : ' ', sizeof(text));
                text[at] = (char)c;
                size_t want =
                    plain_byte((unsigned char)c, ascii) ? 60 - at % 8 : at;
                size_t n = 60 - at % 8;
                if (want > n)
                    want = n;
                assert_int_equal(plain_run(text, n, ascii), want);
                assert_int_equal(plain_run_words(text, n, ascii), want);
            }
        }
    }
}

static uint32_t seed = 1;

static uint32_t chance(uint32_t below)
{
    seed = seed * 1664525 + 1013904223;
    return (seed >> 8) % below;
}

/* jansson refuses numbers out of range, which is not a matter of syntax. */
static int jansson_says(struct slice text)
{
    json_error_t error;
    json_t *v =
        json_loadb(text.p, text.n, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);

    if (!v && (strstr(error.text, "too big") || strstr(error.text, "overflow")))
        return -1;
    json_decref(v);
    return v != NULL;
}

static void agrees_with_jansson(void **state)
{
    static const char base[] =
        "{\"a\":[1,-2.5e3,{\"b\":null}],\"c\":\"x\\n\\\"y\",\"d\":true,"
        "\"e\":[[],{},false],\"f\":0.1,\"g\":\"\"}";
    static const char bytes[] = "{}[]:,\"\\/0123456789+-.eE tfnulabx\n\x01";
    int valid = 0, invalid = 0;

    (void)state;
    for (int i = 0; i < 20000; i++) {
        char text[sizeof(base) + 4];
        size_t n = sizeof(base) - 1;
        memcpy(text, base, n);
        for (uint32_t k = chance(3) + 1; k > 0; k--) {
            size_t at = chance((uint32_t)n);
            uint32_t what = chance(3);
            if (what == 0) {
                text[at] = bytes[chance(sizeof(bytes) - 1)];
            } else if (what == 1) {
                memmove(text + at, text + at + 1, n - at - 1);
                n--;
            } else {
                memmove(text + at + 1, text + at, n - at);
                text[at] = bytes[chance(sizeof(bytes) - 1)];
                n++;
            }
        }
        int want = jansson_says(slice_of(text, n));
        const char *seen = tokens(slice_of(text, n), 100);
        int got = seen[strlen(seen) - 1] == '$';
        if (want >= 0 && got != want)
            fail_msg("jansson %d, we %d: %.*s", want, got, (int)n, text);
        valid += got;
        invalid += !got;
    }
    assert_true(valid > 1000 && invalid > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_tokens_in_order),
        cmocka_unit_test(refuses_what_go_refuses),
        cmocka_unit_test(tolerates_invalid_utf8_in_strings),
        cmocka_unit_test(bounds_the_depth),
        cmocka_unit_test(gives_text_and_skips),
        cmocka_unit_test(decodes_escapes),
        cmocka_unit_test(text_copies_only_escapes),
        cmocka_unit_test(numbers_have_their_values),
        cmocka_unit_test(plain_runs_agree),
        cmocka_unit_test(agrees_with_jansson),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
