/* SPDX-License-Identifier: Apache-2.0 */
/* config/value.c */
#include "config/value.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first */
#include <cmocka.h>

static void reads_integers_as_go_does(void **state)
{
    static const struct {
        const char *text;
        enum value_verdict verdict;
        int64_t number;
    } rows[] = {
        {"0", VALUE_GOOD, 0},
        {"16", VALUE_GOOD, 16},
        {"-5", VALUE_GOOD, -5},
        {"+5", VALUE_GOOD, 5},
        {"0x10", VALUE_GOOD, 16},
        {"0XfF", VALUE_GOOD, 255},
        {"0b101", VALUE_GOOD, 5},
        {"0o17", VALUE_GOOD, 15},
        {"017", VALUE_GOOD, 15},
        {"1_000", VALUE_GOOD, 1000},
        {"0x_10", VALUE_GOOD, 16},
        {"9223372036854775807", VALUE_GOOD, INT64_MAX},
        {"9223372036854775808", VALUE_RANGE, 0},
        {"99999999999999999999", VALUE_RANGE, 0},
        {"", VALUE_SYNTAX, 0},
        {"-", VALUE_SYNTAX, 0},
        {"0x", VALUE_SYNTAX, 0},
        {"08", VALUE_SYNTAX, 0},
        {"1.0", VALUE_SYNTAX, 0},
        {" 1", VALUE_SYNTAX, 0},
        {"1 ", VALUE_SYNTAX, 0},
        {"_1", VALUE_SYNTAX, 0},
        {"1_", VALUE_SYNTAX, 0},
        {"1__0", VALUE_SYNTAX, 0},
        {"abc", VALUE_SYNTAX, 0},
        {"99999999999999999999x", VALUE_SYNTAX, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t n = 0;
        enum value_verdict got =
            value_parse_int(rows[i].text, VALUE_GO_UNDERSCORE, &n);
        if (got != rows[i].verdict || n != rows[i].number)
            fail_msg("%s: verdict %d, number %lld", rows[i].text, got,
                     (long long)n);
    }
    int64_t n;
    assert_int_equal(value_parse_int("1__0_", VALUE_ANY_UNDERSCORE, &n),
                     VALUE_GOOD);
    assert_int_equal(n, 10);
}

static void reads_booleans_as_go_does(void **state)
{
    static const char *const yes[] = {"1", "t", "T", "true", "True", "TRUE"};
    static const char *const no[] = {"0", "f", "F", "false", "False", "FALSE"};
    bool b;

    (void)state;
    for (size_t i = 0; i < 6; i++) {
        assert_true(value_parse_bool(yes[i], &b));
        assert_true(b);
        assert_true(value_parse_bool(no[i], &b));
        assert_false(b);
    }
    assert_false(value_parse_bool("yes", &b));
    assert_false(value_parse_bool("tRUE", &b));
    assert_false(value_parse_bool("", &b));
}

static void judges_urls_as_go_does(void **state)
{
    static const char *const good[] = {
        "",
        "http://proxy:3128",
        "http://user:p%40ss@proxy:3128/",
        "https://[::1]:8080",
        "http://[fe80::1%25eth0]:1",
        "localhost:1234", /* scheme localhost */
        "proxy.example",
        "//host:1/path",
        "/path:with:colons",
        "http://host/?a%zz",
        "http://host:",
        "socks5://127.0.0.1:1080",
    };
    static const char *const bad[][2] = {
        {"127.0.0.1:3128", "first path segment"},
        {"http://[::1", "missing ']'"},
        {"http://host:port", "invalid port"},
        {"http://[::1]x", "invalid port"},
        {"http://not a host", "invalid character"},
        {"://host", "missing protocol scheme"},
        {"http://ho\nst", "control character"},
        {"http://a b@host", "user name"},
        {"http://host/%zz", "escape"},
        {"http://host/%4", "escape"},
        {"%zz", "escape"},
    };
    struct err err;

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        if (value_check_url(good[i], &err) != 0)
            fail_msg("%s: %s", good[i], err.text);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (value_check_url(bad[i][0], &err) == 0)
            fail_msg("%s is taken", bad[i][0]);
        if (!strstr(err.text, bad[i][1]))
            fail_msg("%s: %s", bad[i][0], err.text);
    }
}

static void masks_what_may_be_secret(void **state)
{
    static const char *const rows[][2] = {
        {"http://host:1/p", "http://host:1/p"},
        {"http://user:secret@host:1/p", "http://user:***@host:1/p"},
        {"http://token@host", "http://***@host"},
        {"user:secret@host:1", "user:***@host:1"},
        {"http://u:se@cret@host", "http://u:***@host"},
        {"http://host/a@b", "http://host/a@b"},
        {"", ""},
    };
    char out[64];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        value_mask_url(rows[i][0], out, sizeof(out));
        assert_string_equal(out, rows[i][1]);
    }
}

static void knows_letters_of_a_host(void **state)
{
    (void)state;
    assert_true(value_is_host("us-east-1"));
    assert_true(value_is_host(""));
    assert_false(value_is_host("not a region"));
    assert_false(value_is_host("us-east-1/x"));
    assert_false(value_is_host("x@evil"));
}

static void reads_durations_as_go_writes_them(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
    } rows[] = {{"0", 0},
                {"0s", 0},
                {"5s", 5000},
                {"200ms", 200},
                {"1m30s", 90000},
                {"1.5h", 5400000},
                {"1h1m1s1ms", 3661001},
                {"100us", 1},
                {".5s", 500}};
    static const char *const bad[] = {"",   "5",     "s",    "-1s",  "5 s",
                                      "5x", "1s,2s", "1e9h", "nan s"};
    int64_t ms;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_true(value_parse_duration(rows[i].text, &ms));
        assert_int_equal(ms, rows[i].ms);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(value_parse_duration(bad[i], &ms));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_integers_as_go_does),
        cmocka_unit_test(reads_booleans_as_go_does),
        cmocka_unit_test(reads_durations_as_go_writes_them),
        cmocka_unit_test(judges_urls_as_go_does),
        cmocka_unit_test(masks_what_may_be_secret),
        cmocka_unit_test(knows_letters_of_a_host),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
