/* SPDX-License-Identifier: Apache-2.0 */
/* Files of runs: their names, their order, and which have to go. */
#include "store/runs.c"

#include <setjmp.h>
#include <stdarg.h>
#include <utime.h>

#include <cmocka.h>

#include "../folder.h"

static char folder[FOLDER_MAX], path[400];

static const char *at(const char *name)
{
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static void make(const char *name, size_t bytes, int64_t age_s)
{
    FILE *f = fopen(at(name), "w");
    struct utimbuf when = {time(NULL) - age_s, time(NULL) - age_s};
    assert_non_null(f);
    for (size_t i = 0; i < bytes; i++)
        fputc('x', f);
    fclose(f);
    assert_int_equal(utime(path, &when), 0);
}

static int set_up(void **state)
{
    (void)state;
    folder_make(folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    return folder_remove(folder);
}

static void newest_come_first(void **state)
{
    struct store_run runs[4];
    (void)state;
    make("2026-11-20T10-00-00Z-7.db", 1, 0);
    make("2026-11-22T10-00-01Z-7.db", 3, 0);
    make("2026-11-22T10-00-00Z-7.db", 2, 0);
    make("2026-11-22T10-00-00Z-7.db-wal", 9, 0);
    make("2026-11-22T10-00-00Z-7.db.lock", 9, 0);
    make("traces.db", 9, 0);
    assert_int_equal(store_runs(folder, runs, 4), 3);
    assert_string_equal(runs[0].name, "2026-11-22T10-00-01Z-7.db");
    assert_int_equal(runs[0].bytes, 3);
    assert_true(runs[0].started == 1795341601);
    assert_int_equal(runs[1].bytes, 11);
    assert_int_equal(runs[2].bytes, 1);
    assert_int_equal(store_runs(folder, runs, 2), 2);
    assert_int_equal(store_runs("/nowhere", runs, 4), 0);
}

static void a_new_name_is_one_of_them(void **state)
{
    struct store_run runs[1];
    char name[64];
    (void)state;
    assert_int_equal(store_run_name(name, sizeof(name)), 0);
    make(name, 0, 0);
    assert_int_equal(store_runs(folder, runs, 1), 1);
    assert_true(runs[0].started <= (double)time(NULL));
    assert_true(runs[0].started > (double)time(NULL) - 60);
    assert_int_equal(store_run_name(name, 10), -1);
}

static void old_and_too_many_bytes_go(void **state)
{
    (void)state;
    make("2026-11-22T10-00-03Z-7.db", 10, 10);
    make("2026-11-22T10-00-02Z-7.db", 10, 500);
    make("2026-11-22T10-00-01Z-7.db", 10, 10);
    make("2026-11-22T10-00-00Z-7.db", 10, 10);
    make("2026-11-22T10-00-00Z-7.db-wal", 1, 10);
    make("other.db", 1000, 1000);
    assert_int_equal(store_runs_trim(folder, 35, 100), 2);
    assert_int_equal(access(at("2026-11-22T10-00-03Z-7.db"), F_OK), 0);
    assert_int_not_equal(access(at("2026-11-22T10-00-02Z-7.db"), F_OK), 0);
    assert_int_equal(access(at("2026-11-22T10-00-01Z-7.db"), F_OK), 0);
    assert_int_not_equal(access(at("2026-11-22T10-00-00Z-7.db"), F_OK), 0);
    assert_int_not_equal(access(at("2026-11-22T10-00-00Z-7.db-wal"), F_OK), 0);
    assert_int_equal(access(at("other.db"), F_OK), 0);
}

static void an_open_one_stays(void **state)
{
    (void)state;
    make("2026-11-22T10-00-00Z-7.db", 10, 500);
    make("2026-11-22T10-00-00Z-7.db.lock", 1, 500);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    assert_int_equal(store_runs_trim(folder, 0, 100), 0);
    close(fd);
    assert_int_equal(store_runs_trim(folder, 0, 100), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(newest_come_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_new_name_is_one_of_them, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(old_and_too_many_bytes_go, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_open_one_stays, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
