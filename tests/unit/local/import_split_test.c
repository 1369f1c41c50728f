/* SPDX-License-Identifier: Apache-2.0 */
/* local/import_split.c: the same items, however the text is cut. */
#include "local/import_split.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka wants the three above first */
#include <cmocka.h>

#include <stdio.h>

#include "xr/buf.h"

#define ITEM_MAX 200

static const char *const names[] = {"", "V ", "S ", "R ", "L "};

/* A line an item, kind first; `piece` bytes more come at a time. */
static void split(struct slice text, size_t piece, struct buf *out)
{
    struct import_split s;
    struct slice item;
    size_t from = 0, to = 0, used;
    enum import_kind kind;
    import_split_init(&s, ITEM_MAX);
    buf_clear(out);
    do {
        to = text.n - to > piece ? to + piece : text.n;
        do {
            kind = import_split_next(&s, slice_of(text.p + from, to - from),
                                     to == text.n, &used, &item);
            assert_true(used <= to - from);
            from += used;
            buf_str(out, names[kind]);
            buf_append(out, item);
            buf_str(out, kind == IMPORT_NOTHING ? "" : "\n");
        } while (kind != IMPORT_NOTHING);
        assert_true(to - from < ITEM_MAX + piece);
    } while (to < text.n);
    assert_int_equal(from, text.n);
}

static void expect(const char *text, const char *want)
{
    static const size_t pieces[] = {1, 2, 3, 7, 1000};
    struct buf got;
    buf_init(&got, 1 << 20);
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        split(slice_str(text), pieces[i], &got);
        assert_string_equal(buf_cstr(&got), want);
    }
    buf_fini(&got);
}

static void test_values(void **state)
{
    (void)state;
    expect("", "");
    expect(" \n,]\n", "");
    expect("{\"a\":1}\n{\"b\":\"}\\\"]\"}\n", "V {\"a\":1}\n"
                                              "V {\"b\":\"}\\\"]\"}\n");
    expect("{\"a\":1}{\"b\":2}", "V {\"a\":1}\nV {\"b\":2}\n");
    expect("[{\"a\":[1,2]}, {\"b\":2}] {\"c\":3}", "V {\"a\":[1,2]}\n"
                                                   "V {\"b\":2}\n"
                                                   "V {\"c\":3}\n");
    expect("[[{\"a\":1}],[[{\"b\":2}]]]{\"c\":3}]", "V {\"a\":1}\n"
                                                    "V {\"b\":2}\n"
                                                    "V {\"c\":3}\n");
    expect("[[[[[[[1,2],3]]]]]]]", "V [1,2]\nV 3\n"); /* as deep as it goes */
}

static void test_what_is_no_object(void **state)
{
    (void)state;
    expect("hello, 12]\n\"a,b]\",null\n{\"a\":1}\n}x", "V hello\nV 12\n"
                                                       "V \"a,b]\"\nV null\n"
                                                       "V {\"a\":1}\nV }x\n");
    expect("{\"a\":1", "V {\"a\":1\n");
}

/* It ends with its line, where no JSON text can go on. */
static void test_cut_within_a_text(void **state)
{
    (void)state;
    expect("{\"a\":\"x\n{\"b\":2}\n", "V {\"a\":\"x\n\nV {\"b\":2}\n");
    expect("{\"a\":\"x\\\n{\"b\":2}\n", "V {\"a\":\"x\\\n\nV {\"b\":2}\n");
}

static void test_batch_get_traces(void **state)
{
    (void)state;
    const char *want = "S {\"Id\":\"1\",\"Document\":\"{\\\"a\\\":[1]}\"}\n"
                       "S {\"Id\":\"2\"}\nS {\"Id\":\"3\"}\n";
    expect("{\"UnprocessedTraceIds\":[\"x\"],\"Traces\" : [{\"Id\":\"t\","
           "\"Segments\":[{\"Id\":\"1\",\"Document\":\"{\\\"a\\\":[1]}\"},"
           "{\"Id\":\"2\"}],\"Duration\":1},\n"
           "{\"Segments\":[{\"Id\":\"3\"}],\"Limit\":{\"x\":[]}}],"
           "\"NextToken\":{\"Traces\":[{\"Id\":\"9\"}]}}",
           want);
    expect("[{\"Segments\":[{\"Id\":\"1\",\"Document\":\"{\\\"a\\\":[1]}\"},"
           "{\"Id\":\"2\"}]},{\"Segments\":[{\"Id\":\"3\"}]}]",
           want);
    expect("{\"Traces\":[]}{\"a\":1}", "V {\"a\":1}\n");
}

static void test_otlp(void **state)
{
    (void)state;
    expect("{\"resourceSpans\":[{\"a\":[{}]},{\"Traces\":[1]}],\"x\":1}\n"
           "{\"resourceSpans\":\n[{\"b\":1}]}",
           "R {\"a\":[{}]}\nR {\"Traces\":[1]}\nR {\"b\":1}\n");
}

/* Only a member of the value itself is a list. */
static void test_no_lists(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "{\"a\":{\"Traces\":[1]}}", "{\"x\\\"Traces\":[1]}",
        "{\"Traces\":{\"a\":[1]}}", "{\"a\":\"\\\"Traces\\\":[1]\"}",
        "{\"Traces\",[1]}",         "{\"Traces\":1,\"a\":[1]}",
        "{\"MyTraces\":[1]}",
    };
    char want[100];
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        snprintf(want, sizeof(want), "V %s\n", rows[i]);
        expect(rows[i], want);
    }
}

/* It costs itself alone, and is not held. */
static void test_too_large(void **state)
{
    (void)state;
    char text[2000];
    snprintf(text, sizeof(text), "[{\"a\":1},{\"b\":\"%01000d]}\"},{\"c\":3}]",
             0);
    struct buf got;
    buf_init(&got, 1 << 20);
    split(slice_str(text), 50, &got);
    assert_string_equal(buf_cstr(&got), "V {\"a\":1}\nL \nV {\"c\":3}\n");
    buf_fini(&got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_what_is_no_object),
        cmocka_unit_test(test_cut_within_a_text),
        cmocka_unit_test(test_batch_get_traces),
        cmocka_unit_test(test_otlp),
        cmocka_unit_test(test_no_lists),
        cmocka_unit_test(test_too_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
