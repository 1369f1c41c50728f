/* SPDX-License-Identifier: Apache-2.0 */
/* The interactive terminal without one: keys, answers and events, and what is
 * then drawn and asked for. */
#include "cmd/tui_keys.c"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "paper.h"

#define ROW(id, start)                                                         \
    "{\"id\":\"" id "\",\"start\":" #start ",\"name\":\"n-" id "\"}"
#define PAGE(rows, cursor) "{\"traces\":[" rows "],\"cursor\":" cursor "}"
#define TRACE                                                                  \
    "{\"trace\":{\"id\":\"b\",\"start\":2},\"rows\":[{\"id\":\"1\","           \
    "\"parent\":"                                                              \
    "-1,\"name\":\"top\",\"children\":1},{\"id\":\"2\",\"parent\":0,"          \
    "\"depth\":"                                                               \
    "1,\"name\":\"sub\"}]}"

static struct tui tui;
static struct canvas canvas;

static void draw(unsigned width, unsigned height)
{
    assert_true(canvas_begin(&canvas, width, height));
    tui_draw(&tui, &canvas);
}

static int set_up(void **state)
{
    (void)state;
    tui_init(&tui);
    tui.wants = 0;
    tui_begin_list(&tui);
    tui_take_page(&tui, SLICE(PAGE(ROW("b", 2) "," ROW("a", 1), "null")), "");
    tui_take_trace(&tui, "b", SLICE(TRACE));
    draw(100, 30);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    tui_fini(&tui);
    canvas_fini(&canvas);
    return 0;
}

static void press(const char *keys)
{
    for (; *keys != '\0'; keys++)
        tui_key(&tui, *keys);
}

static bool shows(const char *text)
{
    draw(100, 30);
    return paper_holds(&canvas, text);
}

static void event(const char *name, const char *data)
{
    tui_take_event(&tui, slice_str(name), slice_str(data));
}

static void keys_go_through_the_panes(void **state)
{
    (void)state;
    tui_key(&tui, SCREEN_ENTER);
    assert_int_equal(tui.pane, PANE_WATERFALL);
    press("j");
    assert_true(slice_is(whole_chosen(&tui.whole)->name, "sub"));
    press("l");
    assert_int_equal(tui.pane, PANE_DETAIL);
    tui_key(&tui, SCREEN_ESCAPE);
    press("hhh");
    assert_int_equal(tui.pane, PANE_LIST);
    assert_true(tui.whole.spans[0].closed);
    press("\t\t\t");
    assert_int_equal(tui.pane, PANE_LIST);
    tui_key(&tui, SCREEN_BACK_TAB);
    assert_int_equal(tui.pane, PANE_LIST);
}

static void the_chosen_trace_is_wanted(void **state)
{
    (void)state;
    assert_null(tui_trace_wanted(&tui));
    press("j");
    assert_string_equal(tui_trace_wanted(&tui), "a");
    tui_take_trace(&tui, "a", SLICE(""));
    assert_null(tui_trace_wanted(&tui));
    press("[");
    assert_null(tui_trace_wanted(&tui));
    press("]");
    event("trace", "{\"trace\":" ROW("a", 1) "}");
    assert_string_equal(tui_trace_wanted(&tui), "a");
}

static void a_filter_is_wanted_when_it_is_whole(void **state)
{
    (void)state;
    press("/fault");
    assert_int_equal(tui.wants, 0);
    tui_key(&tui, SCREEN_ENTER);
    assert_int_equal(tui.wants, WANT_FILTER);
    assert_string_equal(tui.edit.text, "fault");
    tui_take_error(&tui, SLICE("{\"error\":{\"message\":\"filter, column 3: "
                               "no \\u001b[2J\",\"column\":3}}"));
    assert_true(shows("! filter, column 3: no \\x1b[2J"));
    assert_int_equal(canvas.cursor_x, 4);
    assert_int_equal(canvas.cursor_y, 1);
    tui_key(&tui, SCREEN_ESCAPE);
    assert_true(shows("no filter"));
    assert_false(canvas.cursor);
    tui_take_page(&tui, SLICE(PAGE(ROW("a", 1), "null")), "fault");
    assert_true(shows("/ fault"));
    assert_int_equal(tui.list.n, 1);
}

static void pages_are_wanted_as_they_are_needed(void **state)
{
    (void)state;
    assert_false(tui_wants_more(&tui));
    tui_take_page(&tui, SLICE(PAGE(ROW("c", 0), "\"next\"")), NULL);
    assert_true(tui_wants_more(&tui));
    assert_string_equal(tui.cursor, "next");
    for (int i = 0; i < 400; i++) {
        char page[200];
        snprintf(
            page, sizeof(page),
            "{\"traces\":[{\"id\":\"%d\",\"start\":-%d}],\"cursor\":\"n\"}", i,
            i);
        tui_take_page(&tui, slice_str(page), NULL);
    }
    assert_false(tui_wants_more(&tui));
    press("G");
    draw(100, 30);
    assert_true(tui_wants_more(&tui));
    press("gg");
    draw(100, 30);
    assert_false(tui_wants_more(&tui));
    /* all have to be there for another order */
    press("s");
    assert_true(tui_wants_more(&tui));
}

static void what_comes_while_the_list_is_asked_for_is_kept(void **state)
{
    (void)state;
    tui_begin_list(&tui);
    event("trace", "{\"trace\":" ROW("new", 9) "}");
    tui_take_page(&tui, SLICE(PAGE(ROW("b", 2), "null")), "");
    assert_int_equal(tui.list.n, 2);
    assert_string_equal(tui.list.rows[0]->id, "new");
    /* of another filter it would be another list */
    tui_begin_list(&tui);
    event("trace", "{\"trace\":" ROW("newer", 10) "}");
    tui_take_page(&tui, SLICE(PAGE(ROW("b", 2), "null")), "fault");
    assert_int_equal(tui.list.n, 1);
}

static void events_wait_while_it_is_paused(void **state)
{
    (void)state;
    press("p");
    event("trace", "{\"trace\":" ROW("z", 3) "}");
    event("stats", "{\"traces\":3}");
    assert_true(shows("paused, 1 new  3 traces"));
    assert_int_equal(tui.list.n, 2);
    press("p");
    assert_true(tui.wants & WANT_LIST);
}

static void cleared_traces_go(void **state)
{
    (void)state;
    event("cleared", "{\"id\":\"b\"}");
    assert_int_equal(tui.list.n, 1);
    assert_int_equal(tui.wants & WANT_LIST, 0);
    event("cleared", "{\"id\":null}");
    assert_true(tui.wants & WANT_LIST);
    tui.wants = 0;
    event("reset", "{}");
    assert_true(tui.wants & WANT_LIST);
}

static void deleting_is_asked_about(void **state)
{
    (void)state;
    press("\x18n");
    assert_int_equal(tui.wants, 0);
    press("\x18");
    assert_true(shows("Delete all traces but pinned ones? y: yes, any"));
    press("f");
    assert_int_equal(tui.wants, 0);
    press("\x18y");
    assert_int_equal(tui.wants, WANT_CLEAR);
    tui.wants = 0;
    tui.link = LINK_FILE;
    press("\x18y");
    assert_int_equal(tui.wants, 0);
}

static void pages_change_by_letters(void **state)
{
    (void)state;
    press("gm");
    assert_int_equal(tui.page, PAGE_MAP);
    assert_true(tui.wants & WANT_MAP);
    tui_take_map(&tui, SLICE("{\"traces\":2,\"complete\":true,\"nodes\":[{"
                             "\"name\":\"a\\\"b\",\"type\":\"\"}],"
                             "\"edges\":[]}"));
    assert_true(shows("Service map of 2 traces"));
    tui_key(&tui, SCREEN_ENTER);
    assert_int_equal(tui.page, PAGE_TRACES);
    assert_string_equal(tui.edit.text, "service(\"a\\\"b\")");
    assert_true(tui.wants & WANT_FILTER);
    press("m");
    tui_key(&tui, SCREEN_ESCAPE);
    assert_int_equal(tui.page, PAGE_TRACES);
}

static void help_names_the_keys(void **state)
{
    (void)state;
    press("?");
    assert_true(shows("Ctrl-X"));
    press("q");
    assert_false(tui.quit);
    press("q");
    assert_true(tui.quit);
}

static void no_size_is_too_small(void **state)
{
    (void)state;
    for (unsigned width = 1; width < 75; width += 7)
        for (unsigned height = 1; height < 20; height++) {
            draw(width, height);
            press("\tm");
            draw(width, height);
            press("\tt?");
            draw(width, height);
            press("?/");
            draw(width, height);
            tui_key(&tui, SCREEN_ESCAPE);
        }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(keys_go_through_the_panes),
        TEST(the_chosen_trace_is_wanted),
        TEST(a_filter_is_wanted_when_it_is_whole),
        TEST(pages_are_wanted_as_they_are_needed),
        TEST(what_comes_while_the_list_is_asked_for_is_kept),
        TEST(events_wait_while_it_is_paused),
        TEST(cleared_traces_go),
        TEST(deleting_is_asked_about),
        TEST(pages_change_by_letters),
        TEST(help_names_the_keys),
        TEST(no_size_is_too_small),
    };
    text_locale();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
