/* SPDX-License-Identifier: Apache-2.0 */
/* config/env.c */
#include "config/env.c"

#include "load.h"

static void every_option_has_a_variable(void **state)
{
    struct load l = {0};

    (void)state;
    l.env[0] = "XRAY_RELAY_SOCKET_UDP_ADDRESS=:1";
    l.env[1] = "XRAY_RELAY_OTLP_HTTP_ENABLED=Off";
    l.env[2] = "XRAY_RELAY_UPLOAD_FLUSH_IDLE_MS=20";
    l.env[3] = "XRAY_RELAY_OTLP_CORS_ORIGINS=https://a, https://b,";
    l.env[4] = "XRAY_RELAY_CONCURRENCY=";
    load_run(&l, "-o");
    const struct options *o = load_options(&l);
    assert_false(l.result.done);
    assert_string_equal(o->udp_address, ":1");
    assert_false(o->otlp_http);
    assert_int_equal(o->flush_idle_ms, 20);
    assert_int_equal(o->otlp_cors_origins.n, 2);
    assert_string_equal(o->otlp_cors_origins.items[1], "https://b");
    assert_int_equal(o->concurrency, 8);
    assert_string_equal(l.warnings, "");
    load_end(&l);
}

static void a_bad_variable_is_an_error(void **state)
{
    static const char *const rows[][2] = {
        {"XRAY_RELAY_CONCURRENCY=lots",
         "environment XRAY_RELAY_CONCURRENCY: Concurrency needs a whole"},
        {"XRAY_RELAY_CONCURRENCY=-1",
         "environment XRAY_RELAY_CONCURRENCY: Concurrency is -1, out of"},
        {"XRAY_RELAY_LOCAL_MODE=maybe", "LocalMode needs true or false"},
        {"HTTPS_PROXY=127.0.0.1:3128",
         "environment HTTPS_PROXY: Bad proxy URL"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct load l = {0};
        l.env[0] = rows[i][0];
        load_run(&l, "-o");
        assert_int_equal(l.result.exit_code, 1);
        assert_contains(l.err, rows[i][1]);
        load_end(&l);
    }
}

static void a_stray_variable_is_a_warning(void **state)
{
    struct load l = {0};

    (void)state;
    l.env[0] = "XRAY_RELAY_REGOIN=x";
    load_run(&l, "-o");
    assert_false(l.result.done);
    assert_contains(l.warnings, "environment XRAY_RELAY_REGOIN: no option");
    load_end(&l);
}

static void a_variable_names_the_file(void **state)
{
    struct load l = {.file = "Version: 2\nRegion: x\n"}, bad = {0};

    (void)state;
    l.env[0] = "XRAY_RELAY_CONFIG=c.yaml";
    load_run(&l, "-o");
    assert_string_equal(load_options(&l)->region, "x");
    assert_string_equal(l.warnings, "");
    load_end(&l);

    bad.env[0] = "XRAY_RELAY_CONFIG=/nowhere";
    load_run(&bad, "-o");
    assert_int_equal(bad.result.exit_code, 1);
    load_end(&bad);
}

static void variables_of_clients_are_not_read(void **state)
{
    struct load l = {0};

    (void)state;
    l.env[0] = "AWS_XRAY_DAEMON_ADDRESS=127.0.0.1:7777";
    l.env[1] = "AWS_XRAY_LOG_LEVEL=debug";
    l.env[2] = "https_proxy=http://lower:1";
    load_run(&l, "-o");
    const struct options *o = load_options(&l);
    assert_string_equal(o->udp_address, "127.0.0.1:2000");
    assert_string_equal(o->log_level, "prod");
    assert_string_equal(o->proxy_address, "");
    load_end(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_option_has_a_variable),
        cmocka_unit_test(a_bad_variable_is_an_error),
        cmocka_unit_test(a_stray_variable_is_a_warning),
        cmocka_unit_test(a_variable_names_the_file),
        cmocka_unit_test(variables_of_clients_are_not_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
