/* SPDX-License-Identifier: Apache-2.0 */
/* config/args.c: command lines as the X-Ray daemon takes them. */
#include "config/args.c"

#include "load.h"

static void refuses_as_the_daemon_does(void **state)
{
    static const char *const rows[][2] = {
        {"--nope", "flag provided but not defined: -nope\n"},
        {"-b", "flag needs an argument: -b\n"},
        {"--region", "flag needs an argument: -region\n"},
        {"-m abc", "invalid value \"abc\" for flag -m: parse error\n"},
        {"-m 99999999999999999999",
         "invalid value \"99999999999999999999\" for flag -m: value out of "
         "range\n"},
        {"--buffer-memory=1.5",
         "invalid value \"1.5\" for flag -buffer-memory: parse error\n"},
        {"-o=maybe", "invalid boolean value \"maybe\" for -o: parse error\n"},
        {"-o=", "invalid boolean value \"\" for -o: parse error\n"},
        {"-version=x",
         "invalid boolean value \"x\" for -version: parse error\n"},
        {"---o", "bad flag syntax: ---o\n"},
        {"-=x", "bad flag syntax: -=x\n"},
        {"-ob 127.0.0.1:1", "flag provided but not defined: -ob\n"},
        {"--nope --help", "flag provided but not defined: -nope\n"},
        {"--rgion x",
         "flag provided but not defined: -rgion (nearest: --region)\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct load l = {0};
        load_run(&l, rows[i][0]);
        assert_true(l.result.done);
        assert_int_equal(l.result.exit_code, 2);
        assert_string_equal(l.err, rows[i][1]);
        assert_contains(l.out, "Usage: X-Ray [options]\n\t-a\t--resource-arn");
        load_end(&l);
    }
}

static void help_and_version_print_and_end(void **state)
{
    static const char *const help[] = {
        "-h", "--help", "-help", "-o -h", "-v --help", "-h=x", "-h --nope"};
    static const char *const version[] = {"-v", "--version", "-version",
                                          "-v=true -o", "-v -c /nowhere"};

    (void)state;
    for (size_t i = 0; i < sizeof(help) / sizeof(help[0]); i++) {
        struct load l = {0};
        unsigned lines = 0;
        load_run(&l, help[i]);
        assert_true(l.result.done);
        assert_int_equal(l.result.exit_code, 0);
        for (const char *p = l.out; *p; p++)
            lines += *p == '\n';
        assert_int_equal(lines, 14);
        assert_contains(l.out, "\n\t-b\t--bind\t\tOverrides");
        assert_string_equal(l.err, "");
        load_end(&l);
    }
    for (size_t i = 0; i < sizeof(version) / sizeof(version[0]); i++) {
        struct load l = {.found = "Version: 9\n"};
        load_run(&l, version[i]);
        assert_true(l.result.done);
        assert_int_equal(l.result.exit_code, 0);
        assert_string_equal(l.out,
                            "AWS X-Ray daemon version: " XR_VERSION "\n");
        load_end(&l);
    }
}

static void takes_every_spelling_of_a_flag(void **state)
{
    static const char *const rows[] = {
        "-n x",        "-n=x",          "--n x",     "--n=x",
        "-region x",   "--region=x",    "-n y -n x", "--region y -n x",
        "-o -n x",     "-o=false -n x", "-n x --",   "-n x -- -n y",
        "-n x - -n y", "-n x word -n y"};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct load l = {0};
        load_run(&l, rows[i]);
        assert_false(l.result.done);
        assert_int_equal(l.result.command, COMMAND_RUN);
        assert_string_equal(load_options(&l)->region, "x");
        load_end(&l);
    }
}

static void sets_options(void **state)
{
    struct load l = {0};

    (void)state;
    load_run(&l, "-a arn -o -m 0x10 -b '' -t :2001 -r role -f /tmp/l -l WARN "
                 "-p http://p:1");
    const struct options *o = load_options(&l);
    assert_string_equal(o->resource_arn, "arn");
    assert_true(o->local_mode);
    assert_int_equal(o->buffer_mb, 16);
    assert_string_equal(o->udp_address, ":0");
    assert_string_equal(o->tcp_address, ":2001");
    assert_string_equal(o->role_arn, "role");
    assert_string_equal(o->log_file, "/tmp/l");
    assert_string_equal(o->log_level, "warn");
    assert_string_equal(o->proxy_address, "http://p:1");
    load_end(&l);
}

static void completes_what_go_would_take(void **state)
{
    struct load l = {0};

    (void)state;
    load_run(&l, "-t '' -p proxy.local:3128");
    assert_false(l.result.done);
    assert_string_equal(load_options(&l)->tcp_address, ":80");
    assert_string_equal(load_options(&l)->proxy_address,
                        "http://proxy.local:3128");
    load_end(&l);
}

static void a_boolean_takes_no_word(void **state)
{
    struct load l = {0};

    (void)state;
    load_run(&l, "-o false -b 127.0.0.1:3000");
    assert_false(l.result.done);
    assert_true(load_options(&l)->local_mode);
    assert_string_equal(load_options(&l)->udp_address, "127.0.0.1:2000");
    assert_contains(l.warnings, "ends at \"false\"");
    load_end(&l);
}

static void a_first_word_that_is_no_subcommand_is_a_warning(void **state)
{
    struct load l = {0}, typo = {0};

    (void)state;
    load_run(&l, "foo -m abc -o");
    assert_false(l.result.done);
    assert_int_equal(l.result.command, COMMAND_RUN);
    assert_false(load_options(&l)->local_mode);
    assert_contains(l.warnings, "\"foo\" is no subcommand: ");
    load_end(&l);

    load_run(&typo, "confg");
    assert_contains(typo.warnings, "(nearest: config)");
    load_end(&typo);
}

/* As behind the flags of an image's ENTRYPOINT. */
static void a_subcommand_may_stand_behind_flags(void **state)
{
    struct load l = {0};

    (void)state;
    load_run(&l, "-b 0.0.0.0:3000 local --store x -t 127.0.0.1:3001");
    assert_int_equal(l.result.command, COMMAND_LOCAL);
    assert_string_equal(load_options(&l)->udp_address, "0.0.0.0:3000");
    assert_string_equal(load_options(&l)->tcp_address, "127.0.0.1:3001");
    assert_string_equal(l.warnings, "");
    load_end(&l);
}

static void subcommands_have_flags_of_their_own(void **state)
{
    struct load l = {0};

    (void)state;
    load_run(&l, "translate --index a --index=b a.pb -index-all --limit 9 "
                 "--log-group g -");
    assert_false(l.result.done);
    assert_int_equal(l.result.command, COMMAND_TRANSLATE);
    const struct options *o = load_options(&l);
    assert_true(o->index_all);
    assert_int_equal(o->indexed.n, 2);
    assert_string_equal(o->indexed.items[0], "a");
    assert_string_equal(o->indexed.items[1], "b");
    assert_string_equal(o->log_groups.items[0], "g");
    assert_string_equal(config_flag(l.config, "limit"), "9");
    assert_null(config_flag(l.config, "tree"));
    assert_string_equal(config_words(l.config)[0], "a.pb");
    assert_string_equal(config_words(l.config)[1], "-");
    assert_null(config_words(l.config)[2]);
    load_end(&l);
}

static void local_takes_a_port(void **state)
{
    struct load l = {0}, mixed = {0}, bad = {0};

    (void)state;
    load_run(&l, "local --tree --port 2100");
    assert_int_equal(l.result.command, COMMAND_LOCAL);
    assert_string_equal(load_options(&l)->udp_address, "127.0.0.1:2100");
    assert_string_equal(load_options(&l)->tcp_address, "127.0.0.1:2100");
    assert_string_equal(config_flag(l.config, "tree"), "true");
    load_end(&l);

    load_run(&mixed, "local -b :1 --port 2100 --tree=false");
    assert_string_equal(load_options(&mixed)->udp_address, ":1");
    assert_string_equal(load_options(&mixed)->tcp_address, "127.0.0.1:2100");
    assert_null(config_flag(mixed.config, "tree"));
    load_end(&mixed);

    load_run(&bad, "local --port 70000");
    assert_int_equal(bad.result.exit_code, 1);
    assert_contains(bad.err, "70000 is no port");
    load_end(&bad);
}

static void subcommands_refuse_what_they_do_not_know(void **state)
{
    static const char *const rows[][2] = {
        {"local extra", "local takes no word, but \"extra\" is there\n"},
        {"config --tree", "flag provided but not defined: -tree\n"},
        {"version -n x", "flag provided but not defined: -n\n"},
        {"translate --limt 3",
         "flag provided but not defined: -limt (nearest: --limit)\n"},
        {"translate --limit x a",
         "invalid value \"x\" for flag -limit: parse error\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct load l = {0};
        load_run(&l, rows[i][0]);
        assert_int_equal(l.result.exit_code, 2);
        assert_true(l.result.done);
        assert_string_equal(l.err, rows[i][1]);
        assert_contains(l.out, "Usage: xray-relay ");
        load_end(&l);
    }
}

static void some_subcommands_print_and_end(void **state)
{
    static const char *const rows[][2] = {
        {"version", "xray-relay " XR_VERSION "\n"},
        {"help", "Subcommands\n"},
        {"help translate", "--limit BYTES"},
        {"translate --help", "--limit BYTES"},
        {"config --sample", "#Region: \"\"\n"},
        {"config --manual", "| `Region` |"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct load l = {.found = "Version: 9\n"};
        load_run(&l, rows[i][0]);
        assert_true(l.result.done);
        assert_int_equal(l.result.exit_code, 0);
        assert_contains(l.out, rows[i][1]);
        load_end(&l);
    }
}

static void idle_comes_up_whatever_the_file_says(void **state)
{
    struct load l = {.found = "Version: 9\n"};

    (void)state;
    l.env[0] = "XRAY_RELAY_CONCURRENCY=lots";
    load_run(&l, "idle");
    assert_false(l.result.done);
    assert_int_equal(l.result.command, COMMAND_IDLE);
    load_end(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_as_the_daemon_does),
        cmocka_unit_test(help_and_version_print_and_end),
        cmocka_unit_test(takes_every_spelling_of_a_flag),
        cmocka_unit_test(sets_options),
        cmocka_unit_test(completes_what_go_would_take),
        cmocka_unit_test(a_boolean_takes_no_word),
        cmocka_unit_test(a_first_word_that_is_no_subcommand_is_a_warning),
        cmocka_unit_test(a_subcommand_may_stand_behind_flags),
        cmocka_unit_test(subcommands_have_flags_of_their_own),
        cmocka_unit_test(local_takes_a_port),
        cmocka_unit_test(subcommands_refuse_what_they_do_not_know),
        cmocka_unit_test(some_subcommands_print_and_end),
        cmocka_unit_test(idle_comes_up_whatever_the_file_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
