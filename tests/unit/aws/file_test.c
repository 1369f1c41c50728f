/* SPDX-License-Identifier: Apache-2.0 */
/* aws/file.c */
#include "aws/file.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include "scene.h"

static char path[160];

static int begin(void **state)
{
    (void)state;
    scene_begin();
    scene_path("f", path);
    return 0;
}

static int end(void **state)
{
    (void)state;
    scene_end();
    return 0;
}

static void set_time(const char *name, long ns)
{
    struct timespec t[2] = {{.tv_sec = 1700000000, .tv_nsec = ns},
                            {.tv_sec = 1700000000, .tv_nsec = ns}};

    assert_int_equal(utimensat(AT_FDCWD, name, t, 0), 0);
}

static void changes_are_seen(void **state)
{
    struct file_stamp s;
    char other[160];

    (void)state;
    file_stamp_take(&s, path);
    assert_false(file_stamp_changed(&s));
    scene_file("f", "one");
    assert_true(file_stamp_changed(&s)); /* there now */
    set_time(path, 1);
    file_stamp_take(&s, path);
    assert_false(file_stamp_changed(&s));
    set_time(path, 2);
    assert_true(file_stamp_changed(&s)); /* time */
    scene_file("f", "four");
    set_time(path, 1);
    assert_true(file_stamp_changed(&s)); /* size */
    scene_file("g", "two");
    scene_path("g", other);
    set_time(other, 1);
    assert_int_equal(rename(other, path), 0);
    assert_true(file_stamp_changed(&s)); /* another file */
    file_stamp_take(&s, path);
    unlink(path);
    assert_true(file_stamp_changed(&s)); /* gone */
}

static void reads_regular_files_within_the_ceiling(void **state)
{
    struct err err;
    struct buf b;

    (void)state;
    buf_init(&b, 8192);
    scene_file("f", "text");
    assert_int_equal(file_read(path, &b, &err), 0);
    assert_true(slice_is(buf_slice(&b), "text"));
    unlink(path);
    assert_int_equal(file_read(path, &b, &err), -1);
    assert_int_equal(errno, ENOENT);
    assert_non_null(strstr(err.text, path));
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(file_read(path, &b, &err), -1);
    assert_non_null(strstr(err.text, "not a regular file"));
    buf_fini(&b);
}

static void large_files_are_refused(void **state)
{
    char text[10000];
    struct err err;
    struct buf b;

    (void)state;
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    scene_file("f", text);
    buf_init(&b, 8192);
    assert_int_equal(file_read(path, &b, &err), -1);
    assert_non_null(strstr(err.text, "larger than 8192 bytes"));
    buf_fini(&b);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
    const struct CMUnitTest tests[] = {
        T(changes_are_seen),
        T(reads_regular_files_within_the_ceiling),
        T(large_files_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
