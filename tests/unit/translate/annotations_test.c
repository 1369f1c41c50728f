/* SPDX-License-Identifier: Apache-2.0 */
/* Which attributes are annotations, under which keys, and what is left. */
#include "spans.h"
#include "translate/annotations.c"

static struct fixture f;

static void test_glob(void **state)
{
    (void)state;
    assert_true(glob_match(SLICE("app.*"), SLICE("app.user.id")));
    assert_true(glob_match(SLICE("*.id"), SLICE("app.id.user.id")));
    assert_true(glob_match(SLICE("a?c*"), SLICE("abc")));
    assert_true(glob_match(SLICE("*"), SLICE("")));
    assert_false(glob_match(SLICE("app.*"), SLICE("application")));
    assert_false(glob_match(SLICE("a?c"), SLICE("ac")));
}

static void test_names_and_globs(void **state)
{
    struct slice indexed[] = {SLICE("x"), SLICE("app.*"),
                              SLICE("otel.resource.env")};

    (void)state;
    fixture_begin(&f, SPAN_SERVER, false);
    f.options.indexed = indexed;
    f.options.n_indexed = 3;
    add_resource(&f, "env", "prod");
    add_text(&f, "x", "1");
    add_text(&f, "app.tier", "gold");
    add_text(&f, "y", "2");
    fixture_run(&f);
    assert_has(&f, "\"annotations\":{\"otel.resource.env\":\"prod\","
                   "\"x\":\"1\",\"app.tier\":\"gold\"}");
    assert_has(&f, "\"default\":{\"y\":\"2\"");
    fixture_end(&f);
}

static void test_span_names_its_own(void **state)
{
    struct value names[] = {
        {.kind = VALUE_STRING, .text = SLICE("k")},
        {.kind = VALUE_STRING, .text = SLICE("otel.resource.env")},
        {.kind = VALUE_INT, .i = 1},
    };

    (void)state;
    fixture_begin(&f, SPAN_SERVER, false);
    add_resource(&f, "env", "prod");
    add_text(&f, "k", "v");
    *fixture_add(&f, "aws.xray.annotations") =
        (struct value){.kind = VALUE_ARRAY, .array = {names, 3}};
    fixture_run(&f);
    assert_has(&f, "\"annotations\":{\"otel.resource.env\":\"prod\","
                   "\"k\":\"v\"}");
    assert_has_not(&f, "aws.xray.annotations");
    fixture_end(&f);
}

static void test_keys_that_read_the_same(void **state)
{
    (void)state;
    fixture_begin(&f, SPAN_INTERNAL, true);
    f.options.index_all = true;
    add_int(&f, "a-b", 1);
    add_int(&f, "a b", 2);
    add_int(&f, "ключ", 3);
    fixture_run(&f);
    assert_has(&f, "\"annotations\":{\"a_b\":1,\"____\":3}");
    assert_has(&f, "\"default\":{\"a b\":2}");
    fixture_end(&f);
}

static void test_taken_attribute_is_indexed_by_name_only(void **state)
{
    struct slice indexed[] = {SLICE("http.method")};

    (void)state;
    fixture_begin(&f, SPAN_CLIENT, true);
    f.options.index_all = true;
    add_text(&f, "http.method", "GET");
    fixture_run(&f);
    assert_has_not(&f, "annotations");
    fixture_end(&f);
    f.options = (struct translate_options){.indexed = indexed, .n_indexed = 1};
    fixture_run(&f);
    assert_has(&f, "\"annotations\":{\"http.method\":\"GET\"}");
    assert_has(&f, "\"method\":\"GET\"");
    fixture_end(&f);
}

static void test_more_than_xray_indexes(void **state)
{
    static char keys[60][16];

    (void)state;
    fixture_begin(&f, SPAN_INTERNAL, true);
    f.options.index_all = true;
    for (int i = 0; i < 60; i++) {
        snprintf(keys[i], sizeof(keys[i]), "k%d", i);
        add_int(&f, keys[i], i);
    }
    fixture_run(&f);
    assert_has(&f, "\"k59\":59");
    assert_int_equal(translator_counts(f.translator)->over_annotated, 1);
    fixture_end(&f);
}

static void test_metadata_name_spaces(void **state)
{
    (void)state;
    fixture_begin(&f, SPAN_INTERNAL, true);
    add_text(&f, "aws.xray.metadata.ns",
             " { \"big\" : 9007199254740993, \"t\": \"a \\\" b\" } ");
    add_text(&f, "aws.xray.metadata.Default", "{\"q\": [1, 2]}");
    add_text(&f, "aws.xray.metadata.bad", "null");
    fixture_run(&f);
    assert_has(&f, "\"ns\":{\"big\":9007199254740993,\"t\":\"a \\\" b\"}");
    assert_has(&f, "\"q\":[1,2]");
    assert_has(&f, "\"aws.xray.metadata.bad\":\"null\"");
    fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_glob),
        cmocka_unit_test(test_names_and_globs),
        cmocka_unit_test(test_span_names_its_own),
        cmocka_unit_test(test_keys_that_read_the_same),
        cmocka_unit_test(test_taken_attribute_is_indexed_by_name_only),
        cmocka_unit_test(test_more_than_xray_indexes),
        cmocka_unit_test(test_metadata_name_spaces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
