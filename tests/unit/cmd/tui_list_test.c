/* SPDX-License-Identifier: Apache-2.0 */
/* The list: order, what stays chosen and seen while rows come and go. */
#include "cmd/tui_list.c"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "paper.h"

static struct tui_list list;
static struct arena arena;

static int set_up(void **state)
{
    (void)state;
    list_init(&list);
    arena_init(&arena, 1 << 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    list_fini(&list);
    arena_fini(&arena);
    return 0;
}

static void take(const char *id, double start, double took, const char *more)
{
    char row[2048];
    snprintf(row, sizeof(row),
             "{\"id\":\"%s\",\"start\":%f,\"response_time\":%f%s}", id, start,
             took, more);
    list_take(&list, slice_str(row), &arena);
}

/* Ids, one letter each, in their order; the chosen one is a capital. */
static const char *ids(void)
{
    static char text[64];
    size_t n = 0;
    for (; n < list.n; n++)
        text[n] =
            (char)(list.rows[n]->id[0] - (n == list.at.chosen ? 'a' - 'A' : 0));
    text[n] = '\0';
    return text;
}

static void the_newest_stand_first(void **state)
{
    (void)state;
    assert_null(list_chosen(&list));
    take("b", 2, 1, "");
    take("a", 1, 1, "");
    take("c", 3, 1, "");
    assert_string_equal(ids(), "cBa");
    assert_string_equal(list_chosen(&list)->id, "b");
}

static void a_row_that_changes_moves_and_stays_chosen(void **state)
{
    (void)state;
    take("c", 3, 1, "");
    take("b", 2, 1, "");
    take("a", 1, 1, "");
    list_choose(&list, 2);
    take("a", 2.5, 4, ",\"status\":201");
    assert_string_equal(ids(), "cAb");
    assert_int_equal(list.rows[1]->status, 201);
    take("b", 9, 1, "");
    assert_string_equal(ids(), "bcA");
}

static void it_is_sorted_by_what_one_wants(void **state)
{
    (void)state;
    take("a", 3, 1, ",\"class\":\"error\",\"status\":404");
    take("b", 2, 7, ",\"class\":\"ok\"");
    take("c", 1, 2, ",\"class\":\"fault\",\"status\":500");
    take("d", 4, -1, ",\"class\":\"fault\",\"status\":503");
    list_choose(&list, 0);
    list_sort(&list, SORT_DURATION);
    assert_string_equal(ids(), "bcaD");
    take("e", 5, 3, "");
    assert_string_equal(ids(), "becaD");
    list_sort(&list, SORT_STATUS);
    assert_string_equal(ids(), "Dcaeb");
    list_sort(&list, SORT_TIME);
    assert_string_equal(ids(), "eDabc");
}

static void removed_rows_leave_the_choice_near(void **state)
{
    (void)state;
    take("c", 3, 1, "");
    take("b", 2, 1, "");
    take("a", 1, 1, "");
    list_choose(&list, 1);
    list_remove(&list, SLICE("c"));
    assert_string_equal(ids(), "Ba");
    list_remove(&list, SLICE("b"));
    assert_string_equal(ids(), "A");
    list_remove(&list, SLICE("nobody"));
    list_remove(&list, SLICE("a"));
    assert_null(list_chosen(&list));
    take("x", 1, 1, "");
    assert_string_equal(ids(), "X");
}

static void the_chosen_one_is_found_again(void **state)
{
    (void)state;
    take("b", 2, 1, "");
    take("a", 1, 1, "");
    list_choose(&list, 1);
    list_sort(&list, SORT_DURATION);
    list_clear(&list);
    assert_int_equal(list.sort, SORT_DURATION);
    take("c", 3, 1, "");
    take("b", 2, 1, "");
    take("a", 1, 1, "");
    assert_string_equal(ids(), "cbA");
}

static void what_has_no_id_is_no_row(void **state)
{
    (void)state;
    list_take(&list, SLICE("{}"), &arena);
    list_take(&list, SLICE("nonsense"), &arena);
    take("0123456789012345678901234567890123456789", 1, 1, "");
    assert_int_equal(list.n, 0);
}

static void the_place_scrolls_with_the_choice(void **state)
{
    (void)state;
    struct tui_place p = {0, 0};
    place_move(&p, 7, 10);
    place_scroll(&p, 10, 4);
    assert_int_equal(p.chosen, 7);
    assert_int_equal(p.top, 4);
    place_move(&p, 100, 10);
    place_scroll(&p, 10, 4);
    assert_int_equal(p.chosen, 9);
    assert_int_equal(p.top, 6);
    place_scroll(&p, 3, 4);
    assert_int_equal(p.chosen, 2);
    assert_int_equal(p.top, 0);
    place_move(&p, -100, 3);
    assert_int_equal(p.chosen, 0);
    place_move(&p, 1, 0);
    place_scroll(&p, 0, 0);
    assert_int_equal(p.chosen, 0);
}

static void what_is_seen_stays_when_rows_come_above(void **state)
{
    (void)state;
    for (int i = 0; i < 9; i++) {
        char id[2] = {(char)('a' + i), '\0'};
        take(id, 9 - i, 1, "");
    }
    list.at = (struct tui_place){6, 4};
    take("z", 100, 1, "");
    assert_int_equal(list.at.top, 5);
    list.at = (struct tui_place){0, 0};
    take("y", 200, 1, "");
    assert_int_equal(list.at.top, 0);
}

static void a_row_is_drawn(void **state)
{
    (void)state;
    struct canvas c = {0};
    take("a", 0.25, 0.084,
         ",\"status\":500,\"class\":\"fault\",\"method\":\"POST\",\"url\":"
         "\"http://x/pay\\u001b\",\"through\":[\"shop\",\"b\\\"k\"],"
         "\"message\":\"it broke\"");
    setenv("TZ", "UTC", 1);
    assert_true(canvas_begin(&c, 120, 1));
    struct pen p = pen_at(&c, (struct area){0, 0, 120, 1}, 0);
    list_draw_row(list.rows[0], &p);
    assert_string_equal(
        paper_row(&c, 0),
        "00:00:00.250 500    84ms  POST /pay\\x1b                    shop "
        "\xe2\x96\xb8 b\"k                               it broke");
    canvas_fini(&c);
}

static void long_texts_are_held_in_part(void **state)
{
    (void)state;
    char more[1000];
    snprintf(more, sizeof(more), ",\"message\":\"%0900d\"", 0);
    take("a", 1, 1, more);
    assert_int_equal(list.rows[0]->message.n, TEXT_MAX);
    struct slice cut = shorten(slice_of(more, TEXT_MAX));
    assert_int_equal(cut.n, TEXT_MAX);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_newest_stand_first),
        TEST(a_row_that_changes_moves_and_stays_chosen),
        TEST(it_is_sorted_by_what_one_wants),
        TEST(removed_rows_leave_the_choice_near),
        TEST(the_chosen_one_is_found_again),
        TEST(what_has_no_id_is_no_row),
        TEST(the_place_scrolls_with_the_choice),
        TEST(what_is_seen_stays_when_rows_come_above),
        TEST(a_row_is_drawn),
        TEST(long_texts_are_held_in_part),
    };
    text_locale();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
