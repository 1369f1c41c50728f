/* SPDX-License-Identifier: Apache-2.0 */
/* Parameters of the query API: kinds, times, lists, what counts as absent; and
 * tokens, which are bound to them. */
#include "local/param.c"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "local/token.h"

static struct arena arena;
static struct params params;
static struct err err;

static int read_text(const char *json)
{
    err.text[0] = '\0';
    return params_read(&params, slice_str(json), &arena, &err);
}

static void nothing_and_null_are_absent(void **state)
{
    (void)state;
    struct slice text = SLICE("kept");
    assert_int_equal(read_text(""), 0);
    assert_int_equal(params.n, 0);
    assert_int_equal(read_text("{\"a\":null,\"b\":\"x\\u0041\"}"), 0);
    assert_int_equal(params_text(&params, "a", &text, &err), 0);
    assert_true(slice_is(text, "kept"));
    assert_int_equal(params_text(&params, "b", &text, &err), 0);
    assert_true(slice_is(text, "xA"));
}

static void other_kinds_are_refused(void **state)
{
    (void)state;
    struct slice text;
    double number;
    bool flag;
    struct slice items[1];
    struct param_list list = {items, 1, 0};
    assert_int_equal(read_text("{\"t\":1,\"n\":\"1\",\"b\":0,\"l\":{},"
                               "\"m\":[\"a\",\"b\"],\"x\":[1]}"),
                     0);
    assert_int_equal(params_text(&params, "t", &text, &err), -1);
    assert_string_equal(err.text, "t: a string is expected");
    assert_int_equal(params_number(&params, "n", &number, &err), -1);
    assert_int_equal(params_bool(&params, "b", &flag, &err), -1);
    assert_int_equal(params_texts(&params, "l", &list, &err), -1);
    assert_int_equal(params_texts(&params, "m", &list, &err), -1);
    assert_string_equal(err.text, "m: at most 1 are allowed");
    assert_int_equal(params_texts(&params, "x", &list, &err), -1);
    assert_int_equal(params_object(&params, "m", &text, &err), -1);
}

static void bad_json_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"[]", "{", "{\"a\":}", "{} x", "nul"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(read_text(bad[i]), -1);
        assert_true(err.text[0] != '\0');
    }
}

static void times_come_in_several_forms(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        double want; /* -1: refused */
    } cases[] = {
        {"{\"t\":1790012040.5}", 1790012040.5},
        {"{\"t\":\"1790012040\"}", 1790012040},
        {"{\"t\":\"2026-09-21T17:34:00Z\"}", 1790012040},
        {"{\"t\":\"2026-09-21T17:34:00.25Z\"}", 1790012040.25},
        {"{\"t\":\"2026-09-21T19:34:00+02:00\"}", 1790012040},
        {"{\"t\":\"2026-09-21T17:34:00\"}", 1790012040},
        {"{\"t\":\"yesterday\"}", -1},
        {"{\"t\":1e999}", -1},
        {"{\"t\":true}", -1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        double t = 0;
        assert_int_equal(read_text(cases[i].json), 0);
        int r = params_time(&params, "t", &t, &err);
        assert_int_equal(r, cases[i].want < 0 ? -1 : 0);
        if (r == 0)
            assert_float_equal(t, cases[i].want, 1e-6);
    }
}

static void tokens_are_bound(void **state)
{
    (void)state;
    uint8_t secret[TOKEN_SECRET] = {1};
    struct token t = {.at = 1790012040, .id = {1, 2, 255}}, back;
    char text[TOKEN_TEXT];
    assert_int_equal(read_text("{\"a\":1,\"b\":2,\"NextToken\":\"x\"}"), 0);
    uint64_t query = token_query("p", &params);
    assert_int_equal(read_text("{\"SamplingStrategy\":{},\"b\":2,\"a\":1}"), 0);
    assert_true(token_query("p", &params) == query);
    assert_false(token_query("q", &params) == query);
    assert_int_equal(read_text("{\"a\":1,\"b\":3}"), 0);
    assert_false(token_query("p", &params) == query);
    token_write(secret, query, &t, text);
    assert_true(token_read(secret, query, slice_str(text), &back));
    assert_int_equal(back.at, t.at);
    assert_memory_equal(back.id, t.id, sizeof(t.id));
    assert_false(token_read(secret, query + 1, slice_str(text), &back));
    text[3] = text[3] == 'A' ? 'B' : 'A';
    assert_false(token_read(secret, query, slice_str(text), &back));
    assert_false(token_read(secret, query, SLICE("AAAA"), &back));
    assert_false(token_read(secret, query, SLICE(""), &back));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_and_null_are_absent),
        cmocka_unit_test(other_kinds_are_refused),
        cmocka_unit_test(bad_json_is_refused),
        cmocka_unit_test(times_come_in_several_forms),
        cmocka_unit_test(tokens_are_bound),
    };
    arena_init(&arena, 1u << 20);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_fini(&arena);
    return failed;
}
