/* SPDX-License-Identifier: Apache-2.0 */
/* Details of a span: what is said of it, in which order, wrapped. */
#include "cmd/tui_detail.c"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct tui_whole whole;
static struct tui_detail detail;

static int set_up(void **state)
{
    (void)state;
    setenv("TZ", "UTC", 1);
    whole_init(&whole);
    detail_init(&detail);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    whole_fini(&whole);
    detail_fini(&detail);
    return 0;
}

/* A trace of one span with this document, its quotes escaped. */
static void take(const char *document)
{
    struct buf text;
    buf_init(&text, 1 << 16);
    buf_str(&text,
            "{\"trace\":{\"id\":\"1-x\",\"start\":10},\"nodes\":[],"
            "\"rows\":[{\"id\":\"a\",\"parent\":-1,\"kind\":\"segment\","
            "\"name\":\"shop\",\"start\":10.5,\"end\":11,\"status\":502,"
            "\"class\":\"fault\",\"document\":0}],\"warnings\":[{\"row\":"
            "0,\"text\":\"too large\"}],\"documents\":[\"");
    for (; *document != '\0'; document++) {
        if (*document == '"' || *document == '\\')
            buf_byte(&text, '\\');
        buf_byte(&text, *document);
    }
    buf_str(&text, "\"]}");
    whole_take(&whole, buf_slice(&text));
    buf_fini(&text);
}

/* All lines, with their indents. */
static const char *lines(unsigned width)
{
    static char text[4096];
    size_t n = 0;
    detail_begin(&detail, width);
    detail_span(&detail, &whole);
    for (size_t i = 0; i < detail.n; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%*s%.*s\n",
                              (int)detail.lines[i].indent, "",
                              SLICE_ARG(detail.lines[i].text));
    return text;
}

static void what_is_known_is_said_once(void **state)
{
    (void)state;
    take("{\"id\":\"a\",\"name\":\"shop\",\"http\":{\"request\":{\"method\":"
         "\"GET\"}},\"user\":\"\\u00e9ve\",\"annotations\":{\"n\":1,\"b\":"
         "true},\"metadata\":{\"d\":{\"list\":[1,{\"k\":null},[\"x\"]]}},"
         "\"fault\":true,\"subsegments\":[{\"id\":\"z\"}]}");
    assert_string_equal(lines(80),
                        "shop\nkind: segment\nstart: 00:00:10.500\n"
                        "in the trace: +500ms\ntook: 500ms\nresult: fault\n"
                        "status: 502\nid: a\ntrace: 1-x\nuser: \xc3\xa9ve\n"
                        "\nhttp\nrequest\n  method: GET\n"
                        "\nannotations\nn: 1\nb: true\n"
                        "\nmetadata\nd\n  list\n    - 1\n    -\n      k: null\n"
                        "    -\n      - x\n"
                        "\nAWS would refuse this\ntoo large\n");
}

static void frames_of_a_stack_take_a_line(void **state)
{
    (void)state;
    take(
        "{\"id\":\"a\",\"cause\":{\"exceptions\":[{\"message\":\"no\\nanswer\","
        "\"stack\":[{\"path\":\"pay.py\",\"line\":7,\"label\":\"ask\"}]}]}}");
    const char *text = strstr(lines(80), "\ncause\n");
    assert_string_equal(text,
                        "\ncause\nexceptions\n  -\n    message: no\n"
                        "      answer\n    stack\n      at ask (pay.py:7)\n"
                        "\nAWS would refuse this\ntoo large\n");
}

static void long_lines_are_wrapped(void **state)
{
    (void)state;
    detail_begin(&detail, 10);
    detail_line(&detail, 2, "sql", SLICE("SELECT * FROM t"));
    assert_int_equal(detail.n, 3);
    assert_true(slice_is(detail.lines[0].text, "sql: SEL"));
    assert_true(slice_is(detail.lines[1].text, "ECT * "));
    assert_int_equal(detail.lines[1].indent, 4);
    assert_true(slice_is(detail.lines[2].text, "FROM t"));
    detail_begin(&detail, 0);
    detail_line(&detail, 0, NULL, SLICE("abc"));
    assert_int_equal(detail.n, 3);
}

static void a_broken_document_ends_where_it_breaks(void **state)
{
    (void)state;
    take("{\"id\":\"a\",\"user\":\"u\",\"metadata\":{\"x\":[1,");
    assert_non_null(strstr(lines(80), "kind: segment"));
    take("");
    assert_non_null(strstr(lines(80), "kind: segment"));
    whole_clear(&whole);
    detail_begin(&detail, 80);
    detail_span(&detail, &whole);
    assert_int_equal(detail.n, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_known_is_said_once),
        TEST(frames_of_a_stack_take_a_line),
        TEST(long_lines_are_wrapped),
        TEST(a_broken_document_ends_where_it_breaks),
    };
    text_locale();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
