/* SPDX-License-Identifier: Apache-2.0 */
/* aws/ini.c */
#include "aws/ini.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first */
#include <cmocka.h>
#include <stdlib.h>

static const char *const text = "\xef\xbb\xbf; comment\r\n"
                                "[default]\r\n"
                                "region = eu-west-1   ; here\r\n"
                                "  # nothing\n"
                                "[ profile  dev ]\n"
                                "Region=us-east-1\n"
                                "s3 =\n"
                                "  region = nested\n"
                                "empty =\n"
                                "url = a#b;c\n"
                                "[profile \"two words\"]\n"
                                "region = x = y # z\n"
                                "junk\n"
                                "= v\n"
                                "[broken\n"
                                "[profile dev]\n"
                                "region = later";

static void finds(const char *kind, const char *name, const char *key,
                  const char *want)
{
    struct slice v = slice_of(NULL, 0);
    bool found = ini_find(slice_str(text), kind, slice_str(name), key, &v);

    assert_int_equal(found, want != NULL);
    if (want)
        assert_true(slice_is(v, want));
}

static void values(void **state)
{
    (void)state;
    finds(NULL, "default", "region", "eu-west-1");
    finds("profile", "dev", "region", "later");
    finds("profile", "dev", "REGION", "later");
    finds("profile", "dev", "s3", "");
    finds("profile", "dev", "empty", "");
    finds("profile", "dev", "url", "a#b;c");
    finds("profile", "two words", "region", "x = y");
    finds("profile", "default", "region", NULL);
    finds(NULL, "dev", "region", NULL);
    finds("profile", "dev", "missing", NULL);
    assert_true(ini_has(slice_str(text), "profile", slice_str("two words")));
    assert_false(ini_has(slice_str(text), NULL, slice_str("broken")));
}

static void odd_lines_are_told_with_their_number(void **state)
{
    static const unsigned want[] = {13, 14, 15};
    struct ini i;
    struct ini_item item;
    size_t n = 0;

    (void)state;
    ini_init(&i, slice_str(text));
    while (ini_next(&i, &item))
        if (item.kind == INI_BAD)
            assert_int_equal(i.line, want[n++]);
    assert_int_equal(n, 3);
}

static void every_prefix_ends(void **state)
{
    (void)state;
    for (size_t n = 0; n <= strlen(text); n++) {
        char *copy = malloc(n + 1); /* so that a sanitizer sees the end */
        struct ini i;
        struct ini_item item;
        size_t items = 0;

        memcpy(copy, text, n);
        ini_init(&i, slice_of(copy, n));
        while (ini_next(&i, &item))
            assert_true(++items < 20);
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values),
        cmocka_unit_test(odd_lines_are_told_with_their_number),
        cmocka_unit_test(every_prefix_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
