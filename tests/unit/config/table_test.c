/* SPDX-License-Identifier: Apache-2.0 */
/* config/table.c */
#include "config/table.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include "config/value.h"

static void names_variables_by_their_words(void **state)
{
    static const char *const rows[][2] = {
        {"Socket.UDPAddress", "XRAY_RELAY_SOCKET_UDP_ADDRESS"},
        {"TotalBufferSizeMB", "XRAY_RELAY_TOTAL_BUFFER_SIZE_MB"},
        {"NoVerifySSL", "XRAY_RELAY_NO_VERIFY_SSL"},
        {"ResourceARN", "XRAY_RELAY_RESOURCE_ARN"},
        {"Upload.CABundle", "XRAY_RELAY_UPLOAD_CA_BUNDLE"},
        {"Upload.FlushIdleMs", "XRAY_RELAY_UPLOAD_FLUSH_IDLE_MS"},
        {"Otlp.Tls.ClientCA", "XRAY_RELAY_OTLP_TLS_CLIENT_CA"},
    };
    char name[OPTION_ENV_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        option_env_name(rows[i][0], name);
        assert_string_equal(name, rows[i][1]);
    }
}

static void every_row_is_whole_and_alone(void **state)
{
    char name[OPTION_ENV_MAX], other[OPTION_ENV_MAX];

    (void)state;
    for (size_t i = 0; i < option_rows_n; i++) {
        const struct option_row *r = &option_rows[i];
        assert_int_equal(r->short_flag != 0, r->long_flag != NULL);
        assert_int_equal(r->short_flag != 0, r->usage != NULL);
        if (!r->key) {
            assert_int_equal(r->type, OPTION_ACTION);
            continue;
        }
        assert_non_null(r->help);
        assert_int_equal(option_find_key(r->key), i);
        option_env_name(r->key, name);
        for (size_t k = 0; k < i; k++) {
            if (!option_rows[k].key)
                continue;
            assert_true(option_rows[k].offset != r->offset);
            option_env_name(option_rows[k].key, other);
            assert_string_not_equal(name, other);
        }
    }
}

static void every_default_is_in_its_range(void **state)
{
    int64_t n;
    bool b;

    (void)state;
    for (size_t i = 0; i < option_rows_n; i++) {
        const struct option_row *r = &option_rows[i];
        if (r->type == OPTION_INT) {
            assert_int_equal(
                value_parse_int(r->fallback, VALUE_GO_UNDERSCORE, &n),
                VALUE_GOOD);
            assert_true(n >= r->min && n <= r->max);
        } else if (r->type == OPTION_BOOL) {
            assert_true(value_parse_bool(r->fallback, &b));
        }
    }
}

static void finds_what_was_meant(void **state)
{
    static const char *const rows[][2] = {
        {"region", "Region"},
        {"Regoin", "Region"},
        {"Logging.LogLvl", "Logging.LogLevel"},
        {"UDPAddress", "Socket.UDPAddress"},
        {"Socket.UdpAdress", "Socket.UDPAddress"},
        {"Otlp.Http.Adress", "Otlp.Http.Address"},
        {"Concurency", "Concurrency"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *near = option_nearest_key(rows[i][0]);
        if (!near || strcmp(near, rows[i][1]) != 0)
            fail_msg("%s: %s", rows[i][0], near ? near : "(none)");
    }
    assert_null(option_nearest_key("Foo"));
    assert_null(option_nearest_key("SomethingElseAltogether"));
}

static void knows_sections(void **state)
{
    (void)state;
    assert_true(option_is_section("Socket"));
    assert_true(option_is_section("Otlp"));
    assert_true(option_is_section("Otlp.Http"));
    assert_false(option_is_section("Sock"));
    assert_false(option_is_section("Region"));
    assert_false(option_is_section("Otlp.Http.Enabled"));
}

static void measures_distance(void **state)
{
    (void)state;
    assert_int_equal(word_distance("abc", "ABC"), 0);
    assert_int_equal(word_distance("abc", "abd"), 1);
    assert_int_equal(word_distance("", "abc"), 3);
    assert_int_equal(word_distance("kitten", "sitting"), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_variables_by_their_words),
        cmocka_unit_test(every_row_is_whole_and_alone),
        cmocka_unit_test(every_default_is_in_its_range),
        cmocka_unit_test(finds_what_was_meant),
        cmocka_unit_test(knows_sections),
        cmocka_unit_test(measures_distance),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
