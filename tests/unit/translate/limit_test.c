/* SPDX-License-Identifier: Apache-2.0 */
/* The size limit: what is cut first, the marks, the counts. */
#include <stdlib.h>

#include "spans.h"
#include "translate/limit.c"

enum { LIMIT = 4096 };

static struct fixture f;
static char large[100001];

static const struct translate_counts *run_limited(void)
{
    f.options.limit = LIMIT;
    assert_int_equal(fixture_run(&f), 1);
    assert_true(f.out[0].document.n <= LIMIT);
    return translator_counts(f.translator);
}

static void test_largest_metadata_first(void **state)
{
    (void)state;
    memset(large, 'x', 100000);
    fixture_begin(&f, SPAN_INTERNAL, true);
    add_text(&f, "small", "kept as it is");
    add_text(&f, "large", large);
    const struct translate_counts *c = run_limited();
    assert_int_equal(c->cut_metadata, 1);
    assert_int_equal(c->cut_others + c->cut_frames + c->cut_messages, 0);
    assert_has(&f, "\"small\":\"kept as it is\"");
    assert_has(&f, "xxx...[cut ");
    assert_true(f.out[0].document.n > LIMIT / 2); /* not more than needed */
    fixture_end(&f);
}

static void test_nested_values_keep_their_structure(void **state)
{
    static struct value items[5000];

    (void)state;
    for (size_t i = 0; i < 5000; i++)
        items[i] = (struct value){.kind = VALUE_INT, .i = 1};
    fixture_begin(&f, SPAN_INTERNAL, true);
    *fixture_add(&f, "list") =
        (struct value){.kind = VALUE_ARRAY, .array = {items, 5000}};
    assert_int_equal(run_limited()->cut_metadata, 1);
    assert_has(&f, "\"list\":[1,1,1");
    assert_has(&f, " entries]\"]");
    fixture_end(&f);
}

static void test_outermost_frames_next(void **state)
{
    (void)state;
    size_t n = 0;
    n += (size_t)snprintf(large + n, 20, "T: m\n");
    for (int i = 1; i <= 1000; i++)
        n += (size_t)snprintf(large + n, 64, "\tat a.B.m%d(B.java:%d)\n", i, i);
    fixture_begin(&f, SPAN_SERVER, false);
    add_resource(&f, "telemetry.sdk.language", "java");
    add_exception(&f, large);
    const struct translate_counts *c = run_limited();
    assert_has(&f, "\"label\":\"a.B.m1\"");
    assert_has_not(&f, "\"label\":\"a.B.m1000\"");
    assert_has(&f, "],\"truncated\":");
    assert_true(c->cut_frames > 900 && c->cut_frames < 1000);
    assert_int_equal(c->cut_messages, 0);
    fixture_end(&f);
}

/* As deep as Java's stack overflows are: reading the stack again and again
 * costs so much that the number of frames has to be guessed well. */
static void test_as_many_frames_as_fit(void **state)
{
    (void)state;
    size_t n = (size_t)snprintf(large, 20, "T: m\n");
    for (int i = 1; i <= 1024; i++)
        n += (size_t)snprintf(
            large + n, 80,
            "\tat com.example.Tree$Node%04d.walk(Tree.java:%d)\n", i, i);
    fixture_begin(&f, SPAN_SERVER, false);
    add_resource(&f, "telemetry.sdk.language", "java");
    add_exception(&f, large);
    f.options.limit = 65536;
    assert_int_equal(fixture_run(&f), 1);
    assert_true(f.out[0].document.n <= 65536);
    assert_true(f.out[0].document.n > 65536 / 2);
    assert_has(&f, "Node0001.walk");
    fixture_end(&f);
}

static void test_statement_and_message(void **state)
{
    (void)state;
    memset(large, 's', 100000);
    large[100000] = '\0';
    fixture_begin(&f, SPAN_CLIENT, true);
    add_text(&f, "db.system", "mysql");
    add_text(&f, "db.statement", large);
    f.span.status = STATUS_ERROR;
    f.span.status_message = slice_of(large, 50000);
    const struct translate_counts *c = run_limited();
    assert_int_equal(c->cut_statements, 1);
    assert_int_equal(c->cut_messages, 1);
    assert_has(&f, "\"sanitized_query\":\"sss");
    fixture_end(&f);
}

static void test_all_else_at_last(void **state)
{
    static char keys[FIXTURE_ATTRIBUTES][512];

    (void)state;
    fixture_begin(&f, SPAN_INTERNAL, true);
    f.options.index_all = true;
    for (int i = 0; i < 250; i++) {
        snprintf(keys[i], 512, "%04d-%0400d", i, 1);
        add_text(&f, keys[i], "v");
    }
    assert_true(run_limited()->cut_others > 0);
    fixture_end(&f);
}

static void test_cut_keeps_characters_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i + 3 <= 99999; i += 3)
        memcpy(large + i, "漢", 3);
    large[99999] = '\0';
    fixture_begin(&f, SPAN_INTERNAL, true);
    add_text(&f, "k", large);
    run_limited();
    assert_has_not(&f, "\xEF\xBF\xBD");
    fixture_end(&f);
}

/* The search for the mildest cut ends when writing is slow; the document is
 * made nevertheless, and says that it was cut. */
static void test_slow_documents_are_not_written_often(void **state)
{
    static struct value items[30000];
    enum { SLOW = 300000 };

    (void)state;
    for (size_t i = 0; i < 30000; i++)
        items[i] =
            (struct value){.kind = VALUE_DOUBLE, .d = 1.0 / (double)(i + 3)};
    fixture_begin(&f, SPAN_INTERNAL, true);
    *fixture_add(&f, "list") =
        (struct value){.kind = VALUE_ARRAY, .array = {items, 30000}};
    f.options.limit = 65536;
    assert_int_equal(fixture_run(&f), 1);
    assert_in_range(f.translator->cuts.work, SEARCH_WORK_MAX,
                    SEARCH_WORK_MAX + SLOW);
    assert_has(&f, " entries]\"]");
    fixture_end(&f);
}

/* Of JSON texts no more is read than a document holds. */
static void test_name_spaces_beyond_the_limit_are_texts(void **state)
{
    static char keys[FIXTURE_ATTRIBUTES][40];

    (void)state;
    fixture_begin(&f, SPAN_INTERNAL, true);
    for (int i = 0; i < 250; i++) {
        snprintf(keys[i], 40, "aws.xray.metadata.n%d", i);
        add_text(&f, keys[i], "{\"member\": [1, 2, 3, 4, 5, 6, 7]}");
    }
    assert_true(run_limited()->cut_others > 0);
    assert_has(&f, "\"n0\":{\"member\":[1,2,3,4,5,6,7]}");
    assert_has_not(&f, "\"n249\":");
    fixture_end(&f);
}

static void test_no_limit_cuts_nothing(void **state)
{
    (void)state;
    memset(large, 'x', 100000);
    large[100000] = '\0';
    fixture_begin(&f, SPAN_INTERNAL, true);
    add_text(&f, "k", large);
    fixture_run(&f);
    assert_true(f.out[0].document.n > 100000);
    fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_largest_metadata_first),
        cmocka_unit_test(test_nested_values_keep_their_structure),
        cmocka_unit_test(test_outermost_frames_next),
        cmocka_unit_test(test_as_many_frames_as_fit),
        cmocka_unit_test(test_statement_and_message),
        cmocka_unit_test(test_all_else_at_last),
        cmocka_unit_test(test_cut_keeps_characters_whole),
        cmocka_unit_test(test_slow_documents_are_not_written_often),
        cmocka_unit_test(test_name_spaces_beyond_the_limit_are_texts),
        cmocka_unit_test(test_no_limit_cuts_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
