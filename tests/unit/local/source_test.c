/* SPDX-License-Identifier: Apache-2.0 */
/* Files of stack frames below a folder, and none outside of it. */
#include "local/source.c"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "../folder.h"

static char folder[FOLDER_MAX], root[128];

static void make_file(const char *name)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    int fd = open(path, O_CREAT | O_WRONLY, 0600);
    assert_true(fd >= 0);
    close(fd);
}

static int set_up(void **state)
{
    char path[256];
    (void)state;
    folder_make(folder);
    snprintf(root, sizeof(root), "%s/root", folder);
    assert_int_equal(mkdir(root, 0700), 0);
    snprintf(path, sizeof(path), "%s/root/pay", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    make_file("root/pay/bank.py");
    make_file("root/app.py");
    make_file("secret");
    snprintf(path, sizeof(path), "%s/root/link", folder);
    assert_int_equal(symlink("../secret", path), 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    return folder_remove(folder);
}

static void finds(const char *path, const char *wanted)
{
    char out[PATH_MAX], whole[256];
    snprintf(whole, sizeof(whole), "%s/%s", root, wanted ? wanted : "");
    bool found = source_find(root, slice_str(path), out);
    assert_int_equal(found, wanted != NULL);
    if (found)
        assert_string_equal(out, whole);
}

static void test_the_end_of_a_path_is_found(void **state)
{
    char whole[256];
    (void)state;
    finds("app.py", "app.py");
    finds("pay/bank.py", "pay/bank.py");
    finds("/srv/app/pay/bank.py", "pay/bank.py");
    finds("//srv//app.py", "app.py");
    finds("./pay/../app.py", "app.py");
    snprintf(whole, sizeof(whole), "%s/pay/bank.py", root);
    finds(whole, "pay/bank.py");
}

static void test_what_is_not_a_file_below_is_not(void **state)
{
    char longest[2 * PATH_MAX];
    (void)state;
    finds("", NULL);
    finds("/", NULL);
    finds("pay", NULL);
    finds("bank.py", NULL);
    finds("pay/bank.py/", NULL);
    finds("../secret", NULL);
    finds("pay/../../secret", NULL);
    finds("link", NULL);
    finds("/etc/passwd", NULL);
    memset(longest, 'a', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = 0;
    finds(longest, NULL);
    char out[PATH_MAX];
    assert_false(source_find(root, slice_of("app.py\0x", 8), out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_end_of_a_path_is_found, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_not_a_file_below_is_not,
                                        set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
