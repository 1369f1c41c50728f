/* SPDX-License-Identifier: Apache-2.0 */
/* base/json_out.c: by example; escaping and numbers also by reading back. */
#include "base/json_out.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include "xr/json_scan.h"

static uint64_t seed = 88172645463325252;

static uint64_t random64(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static void writes_structure(void **state)
{
    struct buf b;
    struct jw j;

    (void)state;
    buf_init(&b, 1000);
    buf_str(&b, ">");
    jw_init(&j, &b);
    jw_object(&j);
    jw_key(&j, SLICE("a"));
    jw_int(&j, INT64_MIN);
    jw_key(&j, SLICE("b\""));
    jw_array(&j);
    jw_array(&j);
    jw_array_end(&j);
    jw_uint(&j, UINT64_MAX);
    jw_uint(&j, 7);
    jw_bool(&j, true);
    jw_bool(&j, false);
    jw_null(&j);
    jw_raw(&j, SLICE("{\"r\":0}"));
    jw_string(&j, SLICE(""));
    jw_array_end(&j);
    jw_key(&j, SLICE("c"));
    jw_object(&j);
    jw_object_end(&j);
    jw_object_end(&j);
    assert_string_equal(buf_cstr(&b),
                        ">{\"a\":-9223372036854775808,\"b\\\"\":[[],"
                        "18446744073709551615,7,true,false,null,{\"r\":0},\"\"]"
                        ",\"c\":{}}");
    buf_fini(&b);
}

static const char *escaped(struct slice s)
{
    static char out[256];
    size_t n = json_escape(out, sizeof(out) - 1, &s);

    assert_int_equal(s.n, 0);
    out[n] = '\0';
    return out;
}

static void escapes_as_the_daemon_does(void **state)
{
    static const struct {
        struct slice text;
        const char *want;
    } rows[] = {
        {SLICE("\"\\/\n\r\t\b\f"), "\\\"\\\\/\\n\\r\\t\\b\\f"},
        {SLICE("\0\x01\x1f\x7f"), "\\u0000\\u0001\\u001f\x7f"},
        {SLICE("<&>'"), "<&>'"},
        {SLICE("\xE2\x80\xA7\xE2\x80\xA8\xE2\x80\xA9\xE2\x80\xAA"),
         "\xE2\x80\xA7\\u2028\\u2029\xE2\x80\xAA"},
        {SLICE("\xC3\xA9\xF0\x9F\x98\x80\xF4\x8F\xBF\xBF"),
         "\xC3\xA9\xF0\x9F\x98\x80\xF4\x8F\xBF\xBF"},
#define BAD "\xEF\xBF\xBD"
        {SLICE("\x80"), BAD},
        {SLICE("\xC0\xAF"), BAD BAD},         /* too long a form */
        {SLICE("\xE0\x9F\xBF"), BAD BAD BAD}, /* too long a form */
        {SLICE("\xF0\x8F\xBF\xBF"), BAD BAD BAD BAD},
        {SLICE("\xED\xA0\x80"), BAD BAD BAD},         /* a surrogate */
        {SLICE("\xF4\x90\x80\x80"), BAD BAD BAD BAD}, /* above U+10FFFF */
        {SLICE("\xF5\xFF"), BAD BAD},
        {SLICE("a\xE2\x80"), "a" BAD BAD}, /* cut off */
        {SLICE("\xE2\x80z"), BAD BAD "z"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_string_equal(escaped(rows[i].text), rows[i].want);
}

/* Text of a kind that mixes runs, escapes and characters of each length. */
static size_t random_text(char *out, size_t n)
{
    static const char *const parts[] = {
        "a",
        "plain text of some length, longer than a vector",
        "\"",
        "\\",
        "\n",
        "\x02",
        "\xC3\xA9",
        "\xE2\x82\xAC",
        "\xE2\x80\xA8",
        "\xF0\x9F\x98\x80",
        " ",
        "0123456789abcde"};
    size_t used = 0;

    for (;;) {
        const char *part = parts[random64() % (sizeof(parts) / sizeof(*parts))];
        if (used + strlen(part) > n)
            return used;
        memcpy(out + used, part, strlen(part));
        used += strlen(part);
    }
}

/* Whatever the size of the pieces, the whole is the same and reads back. */
static void pieces_make_the_whole(void **state)
{
    char text[300], whole[2000], pieces[2000], back[2000];

    (void)state;
    for (int round = 0; round < 500; round++) {
        struct slice s = slice_of(text, random_text(text, random64() % 300));
        struct slice rest = s;
        size_t n = json_escape(whole, sizeof(whole), &rest);
        assert_int_equal(rest.n, 0);
        assert_int_equal(js_unescape(slice_of(whole, n), back), s.n);
        assert_memory_equal(back, text, s.n);

        size_t cap = 6 + random64() % 30, got = 0;
        for (rest = s; rest.n > 0;) {
            size_t k = json_escape(pieces + got, cap, &rest);
            assert_true(k > 0 && k <= cap);
            got += k;
        }
        assert_int_equal(got, n);
        assert_memory_equal(pieces, whole, n);
    }
}

static const char *number(double v)
{
    static struct buf b = {.max = 1000};
    struct jw j;

    buf_clear(&b);
    jw_init(&j, &b);
    jw_double(&j, v);
    return buf_cstr(&b);
}

static void writes_short_numbers(void **state)
{
    (void)state;
    assert_string_equal(number(3.0), "3");
    assert_string_equal(number(0.0), "0");
    assert_string_equal(number(-0.0), "-0");
    assert_string_equal(number(-1.5), "-1.5");
    assert_string_equal(number(0.1), "0.1");
    assert_string_equal(number(0.1 + 0.2), "0.30000000000000004");
    assert_string_equal(number(1484789387.126), "1484789387.126");
    assert_string_equal(number(123456789012345.0), "123456789012345");
    assert_string_equal(number(5e-324), "5e-324");
    assert_string_equal(number(1e300), "1e+300");
    assert_string_equal(number(NAN), "\"NaN\"");
    assert_string_equal(number(INFINITY), "\"Infinity\"");
    assert_string_equal(number(-INFINITY), "\"-Infinity\"");
}

static void numbers_read_back(void **state)
{
    (void)state;
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = random64();
        double v;
        memcpy(&v, &bits, sizeof(v));
        if (!isfinite(v))
            continue;
        const char *text = number(v);
        struct js j;
        js_init(&j, slice_str(text), 1);
        assert_int_equal(js_next(&j, NULL), JS_NUMBER);
        assert_int_equal(js_next(&j, NULL), JS_END);
        assert_true(strtod(text, NULL) == v);
        assert_true(strlen(text) <= 24);
    }
}

static void fails_once_and_for_all(void **state)
{
    struct buf b;
    struct jw j;

    (void)state;
    buf_init(&b, 20);
    jw_init(&j, &b);
    jw_array(&j);
    jw_string(&j, SLICE("0123456789"));
    jw_string(&j, SLICE("\x01\x01"));
    assert_true(b.failed);
    jw_array_end(&j);
    assert_true(b.failed && b.n <= 20);
    buf_fini(&b);

    buf_init(&b, 18); /* 16 bytes and two quotes */
    jw_init(&j, &b);
    jw_string(&j, SLICE("0123456789abcdef"));
    assert_false(b.failed);
    assert_int_equal(b.n, 18);
    buf_fini(&b);
}

static void depth_is_bounded(void **state)
{
    struct buf b;
    struct jw j;

    (void)state;
    buf_init(&b, 10000);
    jw_init(&j, &b);
    for (int i = 0; i < JW_DEPTH_MAX - 1; i++)
        jw_array(&j);
    assert_false(b.failed);
    for (int i = 0; i < 100; i++)
        jw_array(&j);
    assert_true(b.failed);
    for (int i = 0; i < JW_DEPTH_MAX + 99; i++)
        jw_array_end(&j);
    assert_int_equal(j.depth, 0);
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_structure),
        cmocka_unit_test(escapes_as_the_daemon_does),
        cmocka_unit_test(pieces_make_the_whole),
        cmocka_unit_test(writes_short_numbers),
        cmocka_unit_test(numbers_read_back),
        cmocka_unit_test(fails_once_and_for_all),
        cmocka_unit_test(depth_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
