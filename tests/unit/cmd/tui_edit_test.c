/* SPDX-License-Identifier: Apache-2.0 */
/* The box of the filter: keys that change the text, whole characters, and what
 * is seen of a long one. */
#include "cmd/tui_edit.c"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "paper.h"

static struct tui_edit edit;

static void type(const char *keys)
{
    for (; *keys != '\0'; keys++)
        assert_int_equal(edit_key(&edit, *keys), EDIT_MORE);
}

static void text_is_typed_in_the_midst(void **state)
{
    (void)state;
    edit_set(&edit, "");
    type("fault");
    edit_key(&edit, SCREEN_HOME);
    type("!");
    edit_key(&edit, SCREEN_RIGHT);
    edit_key(&edit, SCREEN_DELETE);
    edit_key(&edit, SCREEN_BACKSPACE);
    assert_string_equal(edit.text, "!ult");
    assert_int_equal(edit_key(&edit, SCREEN_ENTER), EDIT_DONE);
    assert_int_equal(edit_key(&edit, SCREEN_ESCAPE), EDIT_CANCELLED);
    assert_string_equal(edit.text, "!ult");
}

static void characters_are_whole(void **state)
{
    (void)state;
    edit_set(&edit, "");
    edit_key(&edit, 0xe9);
    edit_key(&edit, 0x6ce8);
    edit_key(&edit, 0x1f600);
    assert_string_equal(edit.text, "\xc3\xa9\xe6\xb3\xa8\xf0\x9f\x98\x80");
    edit_key(&edit, SCREEN_LEFT);
    edit_key(&edit, SCREEN_BACKSPACE);
    assert_string_equal(edit.text, "\xc3\xa9\xf0\x9f\x98\x80");
    edit_key(&edit, SCREEN_DELETE);
    edit_key(&edit, SCREEN_DELETE);
    assert_string_equal(edit.text, "\xc3\xa9");
}

static void words_and_lines_are_erased(void **state)
{
    (void)state;
    edit_set(&edit, "fault AND  error ");
    edit_key(&edit, CTRL('W'));
    assert_string_equal(edit.text, "fault AND  ");
    edit_go_to(&edit, 7);
    assert_int_equal(edit.at, 6);
    edit_key(&edit, CTRL('K'));
    assert_string_equal(edit.text, "fault ");
    edit_key(&edit, CTRL('U'));
    assert_string_equal(edit.text, "");
    edit_key(&edit, SCREEN_BACKSPACE);
    edit_key(&edit, SCREEN_DELETE);
    edit_key(&edit, CTRL('W'));
    assert_int_equal(edit.n, 0);
}

static void a_column_counts_characters(void **state)
{
    (void)state;
    edit_set(&edit, "\xc3\xa9\xc3\xa9x");
    edit_go_to(&edit, 3);
    assert_int_equal(edit.at, 4);
    edit_go_to(&edit, 99);
    assert_int_equal(edit.at, 5);
}

static void it_holds_no_more_than_the_server_takes(void **state)
{
    (void)state;
    edit_set(&edit, "");
    for (int i = 0; i < EDIT_MAX + 5; i++)
        edit_key(&edit, 'x');
    assert_int_equal(edit.n, EDIT_MAX);
    assert_int_equal(strlen(edit.text), EDIT_MAX);
    edit_key(&edit, 0x1f600);
    assert_int_equal(edit.n, EDIT_MAX);
}

static void what_is_around_the_cursor_is_seen(void **state)
{
    (void)state;
    struct canvas c = {0};
    assert_true(canvas_begin(&c, 8, 1));
    struct pen p = pen_at(&c, (struct area){0, 0, 8, 1}, 0);
    edit_set(&edit, "abcdefghijkl");
    edit_draw(&edit, &p);
    assert_string_equal(paper_row(&c, 0), "ghijkl");
    assert_true(c.cursor);
    assert_int_equal(c.cursor_x, 6);
    edit_key(&edit, SCREEN_HOME);
    p = pen_at(&c, (struct area){0, 0, 8, 1}, 0);
    edit_draw(&edit, &p);
    assert_string_equal(paper_row(&c, 0), "abcdefg\xe2\x80\xa6");
    assert_int_equal(c.cursor_x, 0);
    canvas_fini(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_typed_in_the_midst),
        cmocka_unit_test(characters_are_whole),
        cmocka_unit_test(words_and_lines_are_erased),
        cmocka_unit_test(a_column_counts_characters),
        cmocka_unit_test(it_holds_no_more_than_the_server_takes),
        cmocka_unit_test(what_is_around_the_cursor_is_seen),
    };
    text_locale();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
