/* SPDX-License-Identifier: Apache-2.0 */
/* A trace: which rows are shown, what stays closed and chosen when it comes
 * anew, bars, and the objects of documents. */
#include "cmd/tui_whole.c"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "paper.h"

/* shop calls pay, which calls bank; and a log that waits for its parent. */
#define ROWS                                                                   \
    "{\"id\":\"a\",\"parent\":-1,\"depth\":0,\"kind\":\"segment\",\"node\":0," \
    "\"name\":\"shop\",\"start\":10,\"end\":14,\"class\":\"fault\","           \
    "\"status\":500,\"children\":1,\"document\":0},"                           \
    "{\"id\":\"b\",\"parent\":0,\"depth\":1,\"kind\":\"subsegment\","          \
    "\"node\":0,\"name\":\"pay\",\"operation\":\"Put\",\"start\":11,"          \
    "\"end\":null,\"class\":\"ok\",\"status\":null,\"children\":1,"            \
    "\"document\":0},"                                                         \
    "{\"id\":\"c\",\"parent\":1,\"depth\":2,\"kind\":\"inferred\","            \
    "\"node\":9,\"name\":\"bank\",\"start\":12,\"end\":13,\"class\":"          \
    "\"error\","                                                               \
    "\"status\":null,\"children\":0,\"document\":0}"
#define ANSWER(id, more)                                                       \
    "{\"trace\":{\"id\":\"" id "\",\"start\":10,\"duration\":4},\"nodes\":"    \
    "[{\"name\":\"shop\",\"type\":\"T\"}],\"rows\":[" ROWS more                \
    "],\"warnings\":[],\"documents\":[\"{\\\"id\\\":\\\"a\\\",\\\"x\\\":1,"    \
    "\\\"subsegments\\\":[{\\\"id\\\":\\\"z\\\"},{\\\"id\\\":\\\"b\\\","       \
    "\\\"y\\\":2}]}\"]}"
#define LOG                                                                    \
    ",{\"id\":\"d\",\"parent\":-1,\"depth\":0,\"kind\":\"subsegment\","        \
    "\"node\":-1,\"name\":\"log\",\"start\":10,\"end\":10,\"orphan\":true,"    \
    "\"children\":0,\"document\":7}"

#define BAR1 "\xe2\x96\x88"
#define BAR5 BAR1 BAR1 BAR1 BAR1 BAR1

static struct tui_whole whole;

static int set_up(void **state)
{
    (void)state;
    whole_init(&whole);
    whole_take(&whole, SLICE(ANSWER("1-x", "")));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    whole_fini(&whole);
    return 0;
}

/* Ids of what is shown, the chosen one as a capital. */
static const char *shown(void)
{
    static char text[16];
    for (size_t i = 0; i < whole.n_shown; i++)
        text[i] = (char)(whole.spans[whole.shown[i]].id.p[0] -
                         (i == whole.at.chosen ? 'a' - 'A' : 0));
    text[whole.n_shown] = '\0';
    return text;
}

static void rows_are_closed_and_opened(void **state)
{
    (void)state;
    assert_string_equal(shown(), "Abc");
    whole.at.chosen = 1;
    assert_true(whole_close(&whole));
    assert_string_equal(shown(), "aB");
    assert_true(whole_open(&whole));
    assert_false(whole_open(&whole));
    assert_string_equal(shown(), "aBc");
}

static void from_what_can_not_be_closed_one_goes_up(void **state)
{
    (void)state;
    whole.at.chosen = 2;
    assert_true(whole_close(&whole));
    assert_string_equal(shown(), "aBc");
    assert_true(whole_close(&whole));
    assert_true(whole_close(&whole));
    assert_true(whole_close(&whole));
    assert_string_equal(shown(), "A");
    assert_false(whole_close(&whole));
}

static void a_newer_answer_leaves_all_as_it_was(void **state)
{
    (void)state;
    whole.at.chosen = 1;
    whole_close(&whole);
    whole_take(&whole, SLICE(ANSWER("1-x", LOG)));
    assert_string_equal(shown(), "aBd");
    whole_take(&whole, SLICE(ANSWER("1-y", LOG)));
    assert_string_equal(shown(), "Abcd");
    whole_clear(&whole);
    assert_null(whole_chosen(&whole));
    assert_false(whole_close(&whole));
    assert_false(whole_open(&whole));
}

static void bars_show_when_it_was(void **state)
{
    (void)state;
    struct canvas c = {0};
    const char *rows[] = {
        "\xe2\x96\xbe shop                      500   4.00s " BAR5 BAR5 BAR5
            BAR5,
        "  \xe2\x96\xbe pay Put                         \xc2\xb7\xc2\xb7"
        "\xc2\xb7      " BAR5 BAR5 BAR5,
        "      bank                  err   1.00s           " BAR5,
    };
    assert_true(canvas_begin(&c, 60, 3));
    for (unsigned i = 0; i < 3; i++) {
        struct pen p = pen_at(&c, (struct area){0, 0, 60, 3}, i);
        whole_draw_row(&whole, i, &p);
        assert_string_equal(paper_row(&c, i), rows[i]);
    }
    canvas_fini(&c);
}

static void no_width_is_too_small(void **state)
{
    (void)state;
    struct canvas c = {0};
    for (unsigned width = 1; width < 40; width++) {
        assert_true(canvas_begin(&c, width, 1));
        struct pen p = pen_at(&c, (struct area){0, 0, width, 1}, 0);
        whole_draw_row(&whole, 2, &p);
        assert_true(p.x <= width);
    }
    canvas_fini(&c);
}

static void a_span_is_found_in_its_document(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 1 << 16);
    whole_take(&whole, SLICE(ANSWER("1-x", LOG)));
    struct slice s = whole_object(&whole, &whole.spans[0], &a);
    assert_true(slice_starts(s, "{\"id\":\"a\",\"x\":1"));
    s = whole_object(&whole, &whole.spans[1], &a);
    assert_true(slice_is(s, "{\"id\":\"b\",\"y\":2}"));
    /* an inferred one is what its parent says of it */
    struct slice inferred = whole_object(&whole, &whole.spans[2], &a);
    assert_true(slice_eq(inferred, s));
    assert_int_equal(whole_object(&whole, &whole.spans[3], &a).n, 0);
    arena_fini(&a);
}

static void a_broken_answer_shows_nothing(void **state)
{
    (void)state;
    whole_take(&whole, SLICE("{\"trace\":"));
    assert_null(whole_chosen(&whole));
    /* a parent that comes later is none: it would go in circles */
    whole_take(&whole, SLICE("{\"trace\":{\"id\":\"1-z\"},\"rows\":[{\"id\":"
                             "\"a\",\"parent\":0},{\"id\":\"b\",\"parent\":"
                             "5}]}"));
    assert_string_equal(shown(), "Ab");
    assert_int_equal(whole.spans[1].parent, -1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(rows_are_closed_and_opened),
        TEST(from_what_can_not_be_closed_one_goes_up),
        TEST(a_newer_answer_leaves_all_as_it_was),
        TEST(bars_show_when_it_was),
        TEST(no_width_is_too_small),
        TEST(a_span_is_found_in_its_document),
        TEST(a_broken_answer_shows_nothing),
    };
    text_locale();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
