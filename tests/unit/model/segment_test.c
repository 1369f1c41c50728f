/* SPDX-License-Identifier: Apache-2.0 */
/* segment_scan: the facts, strictness, ceilings. */
#include "model/segment.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct segment seg;
static struct err err;

/* Scans a copy that ends exactly where its memory ends, so that a sanitizer
 * sees any byte read beyond. */
static int scan(const char *text, size_t n)
{
    static char *copy;

    free(copy);
    copy = malloc(n ? n : 1);
    assert_non_null(copy);
    memcpy(copy, text, n);
    err.text[0] = '\0';
    return segment_scan(slice_of(copy, n), &seg, &err);
}

static int scan_str(const char *text)
{
    return scan(text, strlen(text));
}

static void expect_text(struct slice got, const char *want)
{
    if (!slice_is(got, want))
        fail_msg("got '%.*s', want '%s'", SLICE_ARG(got), want);
}

static void facts_are_read(void **state)
{
    (void)state;
    const char *doc =
        "{\"name\": \"shop \\u00e9\", \"id\": \"70de5b6f19ff9a0a\",\n"
        " \"start_time\": 1478293361.271, \"aws\": {\"id\": \"inner\","
        "\"list\": [1, {\"name\": \"no\"}, []]},"
        " \"trace_id\": \"1-581cf771-a006649127e371903a2de979\","
        " \"end_time\": 1.478293361449E9, \"parent_id\": \"53995c3f42cd8ad8\","
        " \"type\": \"subsegment\", \"in_progress\": true} \r\n";

    assert_int_equal(scan_str(doc), 0);
    expect_text(seg.name, "shop \\u00e9");
    expect_text(seg.id, "70de5b6f19ff9a0a");
    expect_text(seg.trace_id, "1-581cf771-a006649127e371903a2de979");
    expect_text(seg.parent_id, "53995c3f42cd8ad8");
    assert_true(seg.start_time == 1478293361.271);
    assert_true(seg.end_time == 1478293361.449);
    assert_true(seg.in_progress);
    assert_true(seg.subsegment);
    assert_int_equal(seg.document.n, strlen(doc));
}

static void absent_facts_are_no_error(void **state)
{
    (void)state;
    assert_int_equal(scan_str("{}"), 0);
    assert_int_equal(seg.id.n, 0);
    assert_true(seg.start_time == 0);
    assert_false(seg.in_progress);
    assert_int_equal(scan_str(" {\"Id\":\"x\",\"trace\":1}\n"), 0);
    assert_int_equal(seg.id.n, 0);
}

static void wrong_types_stay_empty(void **state)
{
    (void)state;
    assert_int_equal(scan_str("{\"id\":5,\"name\":[\"a\"],\"trace_id\":null,"
                              "\"start_time\":\"7\",\"end_time\":{},"
                              "\"in_progress\":\"true\",\"type\":true}"),
                     0);
    assert_int_equal(seg.id.n, 0);
    assert_int_equal(seg.name.n, 0);
    assert_int_equal(seg.trace_id.n, 0);
    assert_true(seg.start_time == 0);
    assert_true(seg.end_time == 0);
    assert_false(seg.in_progress);
    assert_false(seg.subsegment);
}

static void last_duplicate_wins(void **state)
{
    (void)state;
    assert_int_equal(scan_str("{\"id\":\"a\",\"id\":\"b\",\"id\":7}"), 0);
    expect_text(seg.id, "b");
}

static void escaped_keys_are_known(void **state)
{
    (void)state;
    assert_int_equal(scan_str("{\"\\u0069d\":\"a\",\"na\\\\me\":\"b\"}"), 0);
    expect_text(seg.id, "a");
    assert_int_equal(seg.name.n, 0);
}

static void numbers_are_exact(void **state)
{
    (void)state;
    static const char *const literals[] = {
        "0",
        "-0.5",
        "1700000000",
        "1700000000.123",
        "0.1",
        "1e3",
        "1700000000.1234567",
        "1.5E-3",
        "9007199254740993",
        "0.000000000001",
        "17.0000000000001",
        "1600000000.000001",
        "0.00000000000000001",
        "1234567.1234567",
    };

    for (size_t i = 0; i < sizeof(literals) / sizeof(literals[0]); i++) {
        char doc[128];
        snprintf(doc, sizeof(doc), "{\"start_time\":%s}", literals[i]);
        assert_int_equal(scan_str(doc), 0);
        assert_true(seg.start_time == strtod(literals[i], NULL));
    }
    assert_int_equal(scan_str("{\"start_time\":1e999}"), 0);
    assert_true(seg.start_time == 0);
}

static void faults_name_the_byte(void **state)
{
    (void)state;
    static const struct {
        const char *doc, *where;
    } rows[] = {
        {"", "at byte 0"},
        {" ", "at byte 1"},
        {"[]", "at byte 0"},
        {"\"a\"", "at byte 0"},
        {"\xef\xbb\xbf{}", "at byte 0"},
        {"{", "at byte 1"},
        {"{\"a\"", "at byte 4"},
        {"{\"a\":", "at byte 5"},
        {"{\"a\":}", "at byte 5"},
        {"{\"a\":1", "at byte 6"},
        {"{\"a\":1,", "at byte 7"},
        {"{\"a\":1,}", "at byte 7"},
        {"{a:1}", "at byte 1"},
        {"{'a':1}", "at byte 1"},
        {"{\"a\":1}{}", "at byte 7"},
        {"{}x", "at byte 2"},
        {"{} \f", "at byte 3"},
        {"{\"a\":01}", "at byte 6"},
        {"{\"a\":1.}", "at byte 7"},
        {"{\"a\":.5}", "at byte 5"},
        {"{\"a\":+5}", "at byte 5"},
        {"{\"a\":-}", "at byte 6"},
        {"{\"a\":1e}", "at byte 7"},
        {"{\"a\":tru}", "at byte 5"},
        {"{\"a\":NaN}", "at byte 5"},
        {"{\"a\":\"", "at byte 6"},
        {"{\"a\":\"\\", "at byte 6"},
        {"{\"a\":\"\\x\"}", "at byte 6"},
        {"{\"a\":\"\\u00g0\"}", "at byte 6"},
        {"{\"a\":\"\\u00", "at byte 6"},
        {"{\"a\":\"line\nline\"}", "at byte 10"},
        {"{\"a\":[1,]}", "at byte 8"},
        {"{\"a\":[1}}", "at byte 7"},
        {"{\"a\":{\"b\":1]}", "at byte 11"},
        {"{\"a\":{1}}", "at byte 6"},
        {"{\"a\":[\"b\":1]}", "at byte 9"},
        {"{} // no", "at byte 3"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (scan_str(rows[i].doc) != -1)
            fail_msg("accepted: %s", rows[i].doc);
        if (!strstr(err.text, rows[i].where))
            fail_msg("%s: %s, want %s", rows[i].doc, err.text, rows[i].where);
    }
}

static void nul_bytes_are_no_white_space(void **state)
{
    (void)state;
    assert_int_equal(scan("{}\0", 3), -1);
    assert_int_equal(scan("{\"a\":\"\0\"}", 9), -1);
    assert_int_equal(scan("\0{}", 3), -1);
}

static void strings_of_every_length(void **state)
{
    (void)state;
    char doc[128];

    for (int pad = 0; pad < 40; pad++) {
        for (int tail = 0; tail < 20; tail++) {
            int n = snprintf(doc, sizeof(doc), "{\"id\":\"%.*s\xff\\\"%.*s\"}",
                             pad, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
                             tail, "yyyyyyyyyyyyyyyyyyyy");
            assert_int_equal(scan(doc, (size_t)n), 0);
            assert_int_equal(seg.id.n, pad + 3 + tail);
            doc[7 + pad] = 0x1f;
            assert_int_equal(scan(doc, (size_t)n), -1);
            doc[7 + pad] = '!';
            assert_int_equal(scan(doc, (size_t)n - 2), -1);
        }
    }
}

/* {"a":[[[...]]]} of the given number of levels in all. */
static int scan_nested(size_t levels)
{
    size_t n = 5 + 2 * (levels - 1) + 1;
    char *doc = malloc(n);

    assert_non_null(doc);
    memcpy(doc, "{\"a\":", 5);
    memset(doc + 5, '[', levels - 1);
    memset(doc + 5 + levels - 1, ']', levels - 1);
    doc[n - 1] = '}';
    int result = scan(doc, n);
    free(doc);
    return result;
}

static void nesting_has_a_ceiling(void **state)
{
    (void)state;
    assert_int_equal(scan_nested(10000), 0);
    assert_int_equal(scan_nested(10001), -1);
    assert_non_null(strstr(err.text, "nested too deep"));
}

static void no_err_is_fine(void **state)
{
    (void)state;
    assert_int_equal(segment_scan(SLICE("x"), &seg, NULL), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(facts_are_read),
        cmocka_unit_test(absent_facts_are_no_error),
        cmocka_unit_test(wrong_types_stay_empty),
        cmocka_unit_test(last_duplicate_wins),
        cmocka_unit_test(escaped_keys_are_known),
        cmocka_unit_test(numbers_are_exact),
        cmocka_unit_test(faults_name_the_byte),
        cmocka_unit_test(nul_bytes_are_no_white_space),
        cmocka_unit_test(strings_of_every_length),
        cmocka_unit_test(nesting_has_a_ceiling),
        cmocka_unit_test(no_err_is_fine),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
