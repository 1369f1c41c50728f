/* SPDX-License-Identifier: Apache-2.0 */
/* config/config.c: order of the sources, reload, what is shown. */
#include "config/config.c"

#include "load.h"

static void stronger_sources_win(void **state)
{
    const char *file = "Version: 2\nRegion: from-file\n";
    struct load d = {0}, env = {0}, f = {.file = file}, own = {.file = file},
                flag = {.file = file};

    (void)state;
    load_run(&d, "-o");
    assert_string_equal(load_options(&d)->region, "");
    load_end(&d);

    env.env[0] = f.env[0] = own.env[0] = flag.env[0] = "AWS_REGION=from-env";
    load_run(&env, "-o");
    assert_string_equal(load_options(&env)->region, "from-env");
    load_end(&env);

    load_run(&f, "-c c.yaml");
    assert_string_equal(load_options(&f)->region, "from-file");
    load_end(&f);

    own.env[1] = flag.env[1] = "XRAY_RELAY_REGION=from-own";
    load_run(&own, "-c c.yaml");
    assert_string_equal(load_options(&own)->region, "from-own");
    load_end(&own);

    load_run(&flag, "-n from-flag -c c.yaml");
    assert_string_equal(load_options(&flag)->region, "from-flag");
    load_end(&flag);
}

static void a_flag_beats_a_bad_value_of_the_file(void **state)
{
    struct load l = {.file = "Version: 2\nTotalBufferSizeMB: 2\n"};

    (void)state;
    load_run(&l, "-c c.yaml --buffer-memory 4");
    assert_false(l.result.done);
    assert_int_equal(load_options(&l)->buffer_mb, 4);
    load_end(&l);
}

static void memory_has_a_minimum(void **state)
{
    static const struct {
        const char *line;
        int exit_code;
        int64_t mb;
    } rows[] = {{"-m 0", 0, 0},
                {"-m -5", 0, 0},
                {"-m 1", 1, 1},
                {"-m 2", 1, 2},
                {"-m 3", 0, 3}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct load l = {0};
        load_run(&l, rows[i].line);
        assert_int_equal(l.result.exit_code, rows[i].exit_code);
        if (!l.result.done)
            assert_int_equal(load_options(&l)->buffer_mb, rows[i].mb);
        load_end(&l);
    }
}

static void shows_values_with_their_sources(void **state)
{
    struct load l = {.file = "Version: 2\n\nConcurrency: 3\n"};
    struct buf b;

    (void)state;
    l.env[0] = "HTTPS_PROXY=http://user:secret@proxy:1";
    l.env[1] = "XRAY_RELAY_TRANSLATE_INDEXED=a, b";
    load_run(&l, "config -c c.yaml -b :1");
    assert_false(l.result.done);
    buf_init(&b, 1 << 20);
    config_print(l.config, &b);
    const char *text = buf_cstr(&b);
    assert_contains(text, "# file: c.yaml\n");
    assert_contains(text, "Concurrency              3        ");
    assert_contains(text, "# c.yaml:3\n");
    assert_contains(text, "\":1\"                     # flag -b\n");
    assert_contains(text, "\"http://user:***@proxy:1\" "
                          "# environment HTTPS_PROXY\n");
    assert_contains(text, "[\"a\", \"b\"]");
    assert_contains(text, "# environment XRAY_RELAY_TRANSLATE_INDEXED\n");
    assert_contains(text, "1000 ms                  # default\n");
    assert_null(strstr(text, "secret"));
    buf_fini(&b);
    load_end(&l);
}

static void keeps_odd_bytes_on_their_line(void **state)
{
    struct load l = {.file = "Version: 2\nRoleARN: \"a\\nb\\\"c\\e\"\n"};
    struct buf b;

    (void)state;
    load_run(&l, "-c c.yaml");
    buf_init(&b, 1 << 20);
    config_print(l.config, &b);
    assert_contains(buf_cstr(&b), "\"a\\x0ab\\\"c\\x1b\"");
    buf_fini(&b);
    load_end(&l);
}

static void what_only_uploads_need_stops_no_other_command(void **state)
{
    static const char *const lines[] = {"local -n ''", "translate x",
                                        "healthcheck"};

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        struct load l = {.found = "Version: 2\nRegion: not a region\n"};
        l.env[0] = "HTTPS_PROXY=10.0.0.1:3128";
        load_run(&l, lines[i]);
        assert_false(l.result.done);
        assert_contains(l.warnings, "Bad proxy URL");
        assert_string_equal(load_options(&l)->proxy_address, "");
        assert_string_equal(load_options(&l)->region, "");
        load_end(&l);
    }
}

static void never_prints_a_password(void **state)
{
    struct load l = {0};

    (void)state;
    load_run(&l, "-p http://user:secret@host:port");
    assert_int_equal(l.result.exit_code, 1);
    assert_contains(l.err, "http://user:***@host:port");
    assert_null(strstr(l.err, "secret"));
    load_end(&l);
}

static void reloads_from_the_same_sources(void **state)
{
    struct load l = {.file = "Version: 2\nConcurrency: 3\n"};
    char here[512];
    struct err err;

    (void)state;
    load_run(&l, "-c c.yaml -n x");
    assert_int_equal(load_options(&l)->concurrency, 3);
    assert_non_null(getcwd(here, sizeof(here)));
    assert_int_equal(chdir(l.folder), 0);

    load_write("c.yaml", "Version: 2\nConcurrency: 5\n");
    struct config *next = config_reload(l.config, &err);
    assert_non_null(next);
    assert_int_equal(config_options(next)->concurrency, 5);
    assert_string_equal(config_options(next)->region, "x");
    config_free(next);

    load_write("c.yaml", "Version: 2\nConcurrency: lots\n");
    assert_null(config_reload(l.config, &err));
    assert_contains(err.text, "c.yaml:2: Concurrency needs");
    assert_int_equal(load_options(&l)->concurrency, 3);
    assert_int_equal(chdir(here), 0);
    load_end(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stronger_sources_win),
        cmocka_unit_test(a_flag_beats_a_bad_value_of_the_file),
        cmocka_unit_test(memory_has_a_minimum),
        cmocka_unit_test(shows_values_with_their_sources),
        cmocka_unit_test(keeps_odd_bytes_on_their_line),
        cmocka_unit_test(what_only_uploads_need_stops_no_other_command),
        cmocka_unit_test(never_prints_a_password),
        cmocka_unit_test(reloads_from_the_same_sources),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
