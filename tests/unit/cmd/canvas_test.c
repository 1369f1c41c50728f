/* SPDX-License-Identifier: Apache-2.0 */
/* The grid: what pens may write, where they stop, and wide characters. */
#include "cmd/canvas.c"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "paper.h"

#define WIDE "\xe6\xb3\xa8" /* a Chinese character: two columns */
#define ACUTE "\xcc\x81"    /* goes over the letter before: no column */
#define DOTS "\xe2\x80\xa6"

static struct canvas canvas;
static const struct area all = {0, 0, 12, 3};

static int set_up(void **state)
{
    (void)state;
    text_locale();
    return canvas_begin(&canvas, 12, 3) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    canvas_fini(&canvas);
    return 0;
}

static void a_pen_stays_in_its_area(void **state)
{
    (void)state;
    struct area middle = {3, 1, 5, 1};
    struct pen p = pen_at(&canvas, middle, 0);
    pen_str(&p, "abcdefgh");
    pen_str(&p, "more");
    pen_fill(&p);
    assert_string_equal(paper_row(&canvas, 1), "   abcd" DOTS);
    struct pen below = pen_at(&canvas, middle, 1);
    pen_str(&below, "x");
    struct pen beside = pen_at(&canvas, (struct area){12, 0, 4, 3}, 0);
    pen_str(&beside, "x");
    assert_string_equal(paper_row(&canvas, 0), "");
    assert_string_equal(paper_row(&canvas, 2), "");
}

static void wide_characters_take_two_columns(void **state)
{
    (void)state;
    struct pen p = pen_at(&canvas, (struct area){0, 0, 5, 1}, 0);
    pen_str(&p, WIDE WIDE WIDE);
    assert_string_equal(paper_row(&canvas, 0), WIDE WIDE DOTS);
    assert_int_equal(canvas.cells[0].c[0], 0x6ce8);
    assert_int_equal(canvas.cells[1].c[0], 0);
    p = pen_at(&canvas, all, 1);
    pen_str(&p, WIDE ACUTE "e" ACUTE ACUTE ACUTE "|");
    assert_string_equal(paper_row(&canvas, 1), WIDE ACUTE "e" ACUTE ACUTE "|");
    assert_int_equal(p.x, 4);
}

static void a_mark_alone_is_left_out(void **state)
{
    (void)state;
    struct pen p = pen_at(&canvas, all, 0);
    pen_str(&p, ACUTE "a");
    assert_string_equal(paper_row(&canvas, 0), "a");
}

static void controls_are_made_visible(void **state)
{
    (void)state;
    struct pen p = pen_at(&canvas, all, 0);
    pen_text(&p, slice_of("a\0\x1b[2J", 6));
    assert_string_equal(paper_row(&canvas, 0), "a\\x00\\x1b[2J");
}

static void fields_stand_in_columns(void **state)
{
    (void)state;
    struct pen p = pen_at(&canvas, all, 0);
    pen_field(&p, SLICE("abcdef"), 4);
    pen_field(&p, SLICE("x"), 3);
    pen_right(&p, "7", 3);
    pen_str(&p, "|");
    assert_string_equal(paper_row(&canvas, 0), "abc" DOTS "x    7|");
    pen_mark_row(&p, STYLE_REVERSE);
    assert_int_equal(canvas.cells[11].style, STYLE_REVERSE);
}

static void text_fits_by_columns(void **state)
{
    (void)state;
    assert_int_equal(text_fit(SLICE("abc"), 2), 2);
    assert_int_equal(text_fit(SLICE(WIDE WIDE), 3), 3);
    /* at least one, or a narrow pane would never end */
    assert_int_equal(text_fit(SLICE(WIDE), 1), 3);
    assert_int_equal(text_fit(SLICE(""), 5), 0);
}

static void it_begins_blank_in_another_size(void **state)
{
    (void)state;
    struct pen p = pen_at(&canvas, all, 0);
    pen_str(&p, "old");
    canvas.cursor = true;
    assert_true(canvas_begin(&canvas, 2, 1));
    assert_string_equal(paper_row(&canvas, 0), "");
    assert_false(canvas.cursor);
    assert_int_equal(canvas.width, 2);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_pen_stays_in_its_area),
        TEST(wide_characters_take_two_columns),
        TEST(a_mark_alone_is_left_out),
        TEST(controls_are_made_visible),
        TEST(fields_stand_in_columns),
        TEST(text_fits_by_columns),
        TEST(it_begins_blank_in_another_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
