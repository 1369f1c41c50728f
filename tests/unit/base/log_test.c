/* SPDX-License-Identifier: Apache-2.0 */
/* base/log.c: each test logs to a file of its own and reads it back. */
#include "base/log.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first */
#include <cmocka.h>
#include <sys/wait.h>

#include "../folder.h"

static char dir[FOLDER_MAX];
static char path[64], old_path[80], text[16384];

static const char *content(const char *name)
{
    FILE *f = fopen(name, "r");

    if (!f)
        return NULL;
    text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
    fclose(f);
    return text;
}

static int setup(void **state)
{
    (void)state;
    folder_make(dir);
    snprintf(path, sizeof(path), "%s/a/b/log", dir);
    snprintf(old_path, sizeof(old_path), "%s.1", path);
    return 0;
}

static int fresh(void **state)
{
    (void)state;
    unlink(path);
    unlink(old_path);
    log_set_level(LOG_LEVEL_INFO);
    return log_open(path, true, NULL);
}

static int done(void **state)
{
    (void)state;
    log_close();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    return folder_remove(dir);
}

/* In a zone given, what stands before the text of the one line logged. */
static const char *prefix_in(const char *zone)
{
    setenv("TZ", zone, 1);
    tzset();
    fresh(NULL);
    log_warn("x");
    content(path);
    char *end = strstr(text, " [");
    assert_non_null(end);
    *end = '\0';
    return text;
}

static void writes_the_time_as_go_does(void **state)
{
    (void)state;
    assert_string_equal(prefix_in("EST5") + 19, "-05:00");
    assert_string_equal(prefix_in("IST-5:30") + 19, "+05:30");
    const char *utc = prefix_in("UTC0");
    assert_string_equal(utc + 19, "Z");
    struct tm tm = {0};
    assert_non_null(strptime(utc, "%Y-%m-%dT%H:%M:%SZ", &tm));
    assert_true(labs((long)(timegm(&tm) - time(NULL))) <= 60);
}

static void obeys_the_level(void **state)
{
    static const struct {
        const char *word, *lines;
    } rows[] = {
        {"dev", "DIWE"}, {"DEBUG", "DIWE"}, {"info", "IWE"},
        {"Prod", "IWE"}, {"warn", "WE"},    {"error", "E"},
    };
    enum log_level level = LOG_LEVEL_WARN;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char seen[16];
        size_t n = 0;
        fresh(NULL);
        assert_true(log_level_parse(rows[i].word, &level));
        log_set_level(level);
        log_debug("d");
        log_info("i");
        log_warn("w");
        log_error("e");
        content(path);
        for (char *p = strstr(text, " ["); p; p = strstr(p + 1, " ["))
            seen[n++] = p[2];
        seen[n] = '\0';
        assert_string_equal(seen, rows[i].lines);
    }
    assert_false(log_level_parse("", &level));
    assert_false(log_level_parse("verbose", &level));
}

static void one_event_is_one_visible_line(void **state)
{
    (void)state;
    log_info("a\nb\r\x1b[1m\x7f %s", "c\t\xC3\xA9");
    content(path);
    assert_string_equal(strstr(text, "] ") + 2,
                        "a\\nb\\r\\x1b[1m\\x7f c\\t\xC3\xA9\n");
}

static void long_lines_are_cut(void **state)
{
    (void)state;
    log_info("%05000d", 1);
    log_info("%s", "second");
    content(path);
    char *end = strchr(text, '\n');
    assert_true(end - text <= LINE_MAX_BYTES && end - text > 4000);
    assert_non_null(strstr(end, "second\n"));
}

static void rotates_at_the_ceiling(void **state)
{
    (void)state;
    log_info("first");
    assert_int_equal(truncate(path, ROTATE_BYTES - 10), 0);
    assert_int_equal(log_reopen(NULL), 0);
    log_info("second");
    assert_non_null(strstr(content(path), "second\n"));
    assert_null(strstr(text, "first"));
    assert_non_null(strstr(content(old_path), "first\n"));

    fresh(NULL);
    assert_int_equal(log_open(path, false, NULL), 0);
    assert_int_equal(truncate(path, ROTATE_BYTES), 0);
    assert_int_equal(log_reopen(NULL), 0);
    log_info("stays");
    assert_int_equal(access(old_path, F_OK), -1);
}

static void reopens_after_a_move(void **state)
{
    (void)state;
    log_info("first");
    assert_int_equal(rename(path, old_path), 0);
    log_info("follows the file");
    assert_null(content(path));
    assert_int_equal(log_reopen(NULL), 0);
    log_info("second");
    assert_non_null(strstr(content(path), "second\n"));
    assert_non_null(strstr(content(old_path), "follows the file\n"));
}

static void says_why_a_file_cannot_be_made(void **state)
{
    struct err err;
    char long_path[PATH_MAX_BYTES + 10];

    (void)state;
    assert_int_equal(log_open("/dev/null/x", true, &err), -1);
    assert_string_equal(err.text,
                        "cannot open log file /dev/null/x: Not a directory");
    assert_int_equal(sink.fd, STDERR_FILENO);
    memset(long_path, 'x', sizeof(long_path) - 1);
    long_path[sizeof(long_path) - 1] = '\0';
    assert_int_equal(log_open(long_path, true, &err), -1);
    assert_non_null(strstr(err.text, "bytes"));
}

static void fatal_exits_with_1(void **state)
{
    int status;
    pid_t child = fork();

    (void)state;
    if (child == 0)
        log_fatal("the end: %d", 7);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    assert_non_null(strstr(content(path), " [Error] the end: 7\n"));
}

static void keeps_errno(void **state)
{
    (void)state;
    errno = ENOENT;
    log_info("%m");
    assert_int_equal(errno, ENOENT);
}

static void a_limit_holds_back_and_counts(void **state)
{
    struct log_limit l = {0};
    uint64_t missed = 99;

    (void)state;
    assert_true(log_limit_pass(&l, 5, 1000, &missed));
    assert_int_equal(missed, 0);
    assert_false(log_limit_pass(&l, 6, 1000, &missed));
    assert_false(log_limit_pass(&l, 1004, 1000, &missed));
    assert_true(log_limit_pass(&l, 1005, 1000, &missed));
    assert_int_equal(missed, 2);
    assert_true(log_limit_pass(&l, 9000, 1000, NULL));

    struct log_limit zero = {0};
    assert_true(log_limit_pass(&zero, 0, 1000, &missed));
    assert_false(log_limit_pass(&zero, 1, 1000, &missed));
}

#define LOG_TEST(f) cmocka_unit_test_setup_teardown(f, fresh, done)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOG_TEST(writes_the_time_as_go_does),
        LOG_TEST(obeys_the_level),
        LOG_TEST(one_event_is_one_visible_line),
        LOG_TEST(long_lines_are_cut),
        LOG_TEST(rotates_at_the_ceiling),
        LOG_TEST(reopens_after_a_move),
        LOG_TEST(says_why_a_file_cannot_be_made),
        LOG_TEST(fatal_exits_with_1),
        LOG_TEST(keeps_errno),
        cmocka_unit_test(a_limit_holds_back_and_counts),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
