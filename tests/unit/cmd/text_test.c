/* SPDX-License-Identifier: Apache-2.0 */
/* Lines for a terminal: columns of wide and combining characters, where a
 * text is cut, what would be obeyed, and when there is colour. */
#include "cmd/text.c"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define WIDE "\xe6\xb3\xa8" /* a Chinese character: two columns */
#define ACUTE "\xcc\x81"    /* goes over the letter before: no column */
#define DOTS "\xe2\x80\xa6"

static struct line line;

static int set_up(void **state)
{
    (void)state;
    unsetenv("NO_COLOR");
    line_init(&line);
    line.width = 0;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    line_fini(&line);
    return 0;
}

static const char *text(const char *s, unsigned max)
{
    buf_clear(&line.out);
    line.column = 0;
    line.cut = false;
    line_text(&line, slice_str(s), max);
    return buf_cstr(&line.out);
}

static void columns_are_the_terminals(void **state)
{
    (void)state;
    text("abc", 0);
    assert_int_equal(line.column, 3);
    text(WIDE WIDE "a", 0);
    assert_int_equal(line.column, 5);
    text("e" ACUTE, 0);
    assert_int_equal(line.column, 1);
}

static void wide_text_is_cut_within_its_columns(void **state)
{
    (void)state;
    assert_string_equal(text(WIDE WIDE WIDE, 6), WIDE WIDE WIDE);
    assert_string_equal(text(WIDE WIDE WIDE, 5), WIDE WIDE DOTS);
    assert_int_equal(line.column, 5);
    /* half of a character is none: a column stays free */
    assert_string_equal(text(WIDE WIDE WIDE, 4), WIDE DOTS);
    assert_int_equal(line.column, 3);
    line.width = 3;
    assert_string_equal(text("a" WIDE WIDE, 0), "a" DOTS);
    assert_true(line.column <= line.width);
}

static void what_follows_wide_text_is_in_its_place(void **state)
{
    (void)state;
    text(WIDE, 0);
    line_to(&line, 6);
    line_str(&line, "x");
    assert_string_equal(buf_cstr(&line.out), WIDE "    x");
}

static void what_is_obeyed_or_broken_is_shown(void **state)
{
    (void)state;
    assert_string_equal(text("a\x1b[2J", 0), "a\\x1b[2J");
    assert_string_equal(text("\xe2\x80\xae", 0), "\\u202e");
    assert_int_equal(line.column, 6);
    assert_string_equal(text("\xe6\xb3", 0), "\xef\xbf\xbd\xef\xbf\xbd");
}

static bool is_coloured(void)
{
    line_fini(&line);
    line_init(&line);
    line_colour(&line, LINE_FAULT);
    assert_true(line.colour == (line.out.n > 0));
    return line.colour;
}

/* On a terminal: the other end of one that is made here. */
static void colour_is_for_terminals_without_no_color(void **state)
{
    (void)state;
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    int before = dup(STDOUT_FILENO);
    assert_true(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
    int terminal = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(terminal >= 0);
    fflush(stdout);
    dup2(terminal, STDOUT_FILENO);
    bool plain = is_coloured();
    setenv("NO_COLOR", "1", 1);
    bool no = is_coloured();
    setenv("NO_COLOR", "", 1);
    bool empty = is_coloured();
    dup2(before, STDOUT_FILENO);
    bool file = isatty(before) ? false : is_coloured();
    close(before);
    close(terminal);
    close(master);
    assert_true(plain && empty);
    assert_false(no || file);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(columns_are_the_terminals),
        TEST(wide_text_is_cut_within_its_columns),
        TEST(what_follows_wide_text_is_in_its_place),
        TEST(what_is_obeyed_or_broken_is_shown),
        TEST(colour_is_for_terminals_without_no_color),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
