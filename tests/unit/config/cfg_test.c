/* SPDX-License-Identifier: Apache-2.0 */
/* config/cfg.c: the daemon's file and our sections of it. */
#include "config/cfg.c"

#include "load.h"

static void refuses_a_named_file(void **state)
{
    static const char *const rows[][2] = {
        {"", "c.yaml:1: Version is missing"},
        {"Region: us-east-1\n", "c.yaml:1: Version is missing"},
        {"- Version: 2\n", "c.yaml:1: Version is missing"},
        {"just text", "c.yaml:1: Version is missing"},
        {"\nVersion: 9\n", "c.yaml:2: Version is not correct"},
        {"Version: 0\n", "c.yaml:1: Version is not correct"},
        {"Version: \"2\"\n", "c.yaml:1: Version is not correct"},
        {"Version:\n", "c.yaml:1: Version is not correct"},
        {"Version: 2\nFoo: 1\n", "c.yaml:2: Foo is no known key\n"},
        {"Version: 2\nregion: x\n", "region is no known key (nearest: Region)"},
        {"Version: 2\nSocket:\n  Foo: 1\n", "c.yaml:3: Socket.Foo is no"},
        {"Version: 2\nOtlp: {Http: {Adress: x}}\n",
         "Otlp.Http.Adress is no known key (nearest: Otlp.Http.Address)"},
        {"Version: 2\nSocket:\n", "c.yaml:2: Socket is a section without"},
        {"Version: 2\nSocket: 5\n", "Socket needs a section of keys"},
        {"Version: 2\nSocket: [a]\n", "here is a list"},
        {"Version: 2\nConcurrency: lots\n",
         "c.yaml:2: Concurrency needs a whole number (without quotes), but "
         "here is the text \"lots\""},
        {"Version: 2\nConcurrency: 2.5\n", "Concurrency needs a whole"},
        {"Version: 2\nConcurrency: -1\n",
         "c.yaml:2: Concurrency is -1, out of range (1 to 10000)"},
        {"Version: 2\nLocalMode: \"yes\"\n", "LocalMode needs true or false"},
        {"Version: 2\nLocalMode: 1\n", "here is the number 1"},
        {"Version: 2\nRegion: [a]\n", "Region needs text, but here is a list"},
        {"Version: 2\nTranslate:\n  Indexed: {a: b}\n", "needs a list of"},
        {"Version: 2\nUpload:\n  BatchDocuments: 51\n", "(1 to 50)"},
        {"Version: 2\nOtlp:\n  Udp:\n    Mode: drop\n",
         "Otlp.Udp.Mode \"drop\" is unknown; known are: decode, pass"},
        {"Version: 2\nLogRotation: true\n",
         "LogRotation is not supported since Version 1 files: write "
         "Logging.LogRotation"},
        {"Version: 2\nProcessor:\n  Region: x\n", "c.yaml:3: Processor.Region"},
        {"Version: 2\nProcessor:\n  Routine: 1\n", "write Concurrency"},
        {"Version: 2\nMemoryLimit: 5\n", "write TotalBufferSizeMB"},
        {"Version: 2\nProfile:\n  CPU: x\n", "not supported any more"},
        {"Version: 2\nProfile:\n  Memory: x\n", "not supported any more"},
        {"Version: 2\nSocket:\n  BufferSizeKB: 64\n", "not supported any"},
        {"Version: 2\nLogging:\n  LogFormat: x\n", "not supported any more"},
        {"Version: 2\nProcessor:\n  BatchProcessorQueueSize: 1\n",
         "not supported any more"},
        {"Version: 2\nProxyServer:\n  IdleConnTimeout: 5\n", "no known key"},
        {"Version: 2\nTotalBufferSizeMB: 2\n", "the minimum is 3 MB"},
        {"Version: 2\nProxyAddress: \"127.0.0.1:3128\"\n", "Bad proxy URL"},
        {"Version: 2\nEndpoint: \"http://[::1\"\n", "Bad endpoint URL"},
        {"Version: 2\nRegion: not a region\n", "cannot be part of a host"},
        {"Version: 2\nOtlp:\n  Tls:\n    Key: k\n",
         "Otlp.Tls.Certificate is missing"},
        {"Version: 2\nOtlp:\n  Tls:\n    ClientCA: k\n", "ClientCA needs"},
        {"Version: 2\n\tRegion: x\n", "c.yaml:2: not valid YAML"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct load l = {.file = rows[i][0]};
        load_run(&l, "-o -c c.yaml");
        if (!l.result.done || l.result.exit_code != 1)
            fail_msg("taken: %s", rows[i][0]);
        assert_contains(l.err, " [Error] ");
        assert_contains(l.err, rows[i][1]);
        assert_string_equal(l.out, "");
        load_end(&l);
    }
}

static void tells_all_faults_at_once(void **state)
{
    struct load l = {.file = "Version: 3\nFoo: 1\nConcurrency: lots\n"};

    (void)state;
    load_run(&l, "-c c.yaml -f x.log");
    assert_contains(l.err, "c.yaml:1: Version is not correct");
    assert_contains(l.err, "c.yaml:2: Foo is no known key");
    assert_contains(l.err, "c.yaml:3: Concurrency needs");
    char path[128], logged[LOAD_TEXT_MAX];
    snprintf(path, sizeof(path), "%s/x.log", l.folder);
    load_read(path, logged);
    assert_contains(logged, "[Error] c.yaml:2: Foo is no known key");
    load_end(&l);
}

static void a_found_file_may_have_stray_keys(void **state)
{
    static const char *const rows[][2] = {
        {"Foo: 1\n", "cfg.yaml:3: Foo is no known key"},
        {"region: x\n", "region is no known key (nearest: Region)"},
        {"Socket:\n", "Socket is a section without keys"},
        {"Processor:\n  Region: x\n", "write Region"},
        {"Profile:\n  CPU: x\n", "not supported any more"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[256];
        struct load l = {.found = text}, strict = {.found = text};
        snprintf(text, sizeof(text), "Version: 2\nRegion: us-west-2\n%s",
                 rows[i][0]);
        load_run(&l, "-o");
        assert_false(l.result.done);
        assert_string_equal(load_options(&l)->region, "us-west-2");
        assert_contains(l.warnings, rows[i][1]);
        load_end(&l);

        load_run(&strict, "config");
        assert_int_equal(strict.result.exit_code, 1);
        assert_contains(strict.err, rows[i][1]);
        load_end(&strict);
    }
}

static void a_found_file_must_have_the_right_types(void **state)
{
    static const char *const rows[] = {"Version: 9\n", "",
                                       "Version: 2\nConcurrency: lots\n",
                                       "Version: 2\nSocket: 5\n"};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct load l = {.found = rows[i]};
        load_run(&l, "-o");
        assert_int_equal(l.result.exit_code, 1);
        load_end(&l);
    }
}

static void a_named_file_replaces_the_search(void **state)
{
    struct load l = {.found = "Version: 9\n",
                     .file = "Version: 2\nRegion: us-west-2\n"};

    (void)state;
    load_run(&l, "-c c.yaml");
    assert_false(l.result.done);
    assert_string_equal(load_options(&l)->region, "us-west-2");
    load_end(&l);
}

static void reads_the_daemons_keys(void **state)
{
    struct load l = {.file = "TotalBufferSizeMB: 24\nConcurrency: 3\n"
                             "Region: \"us-east-2\"\nEndpoint: http://e\n"
                             "Socket: {UDPAddress: a:1, TCPAddress: b:2}\n"
                             "Logging:\n  LogRotation: off\n"
                             "  LogLevel: Debug\n  LogPath: p\n"
                             "LocalMode: Yes\nResourceARN: r\nRoleARN: 12\n"
                             "NoVerifySSL: on\nProxyAddress: http://p\n"
                             "Version: 2.0\n---\nfoo: bar\n"};

    (void)state;
    load_run(&l, "-c c.yaml");
    assert_false(l.result.done);
    const struct options *o = load_options(&l);
    assert_int_equal(o->buffer_mb, 24);
    assert_int_equal(o->concurrency, 3);
    assert_string_equal(o->region, "us-east-2");
    assert_string_equal(o->endpoint, "http://e");
    assert_string_equal(o->udp_address, "a:1");
    assert_string_equal(o->tcp_address, "b:2");
    assert_false(o->log_rotation);
    assert_string_equal(o->log_level, "debug");
    assert_string_equal(o->log_file, "p");
    assert_true(o->local_mode);
    assert_string_equal(o->resource_arn, "r");
    assert_string_equal(o->role_arn, "12");
    assert_true(o->no_verify_ssl);
    assert_string_equal(o->proxy_address, "http://p");
    load_end(&l);
}

static void reads_our_sections(void **state)
{
    struct load l = {.file = "Version: 2\n"
                             "Ingest: {ReceiveBufferKB: 1024}\n"
                             "Shutdown:\n  GraceMs: 0\n"
                             "Otlp:\n  Http:\n    Enabled: no\n"
                             "  Grpc: {Address: \"127.0.0.1:4317\"}\n"
                             "  CorsOrigins: [https://a, 'https://b']\n"
                             "Translate:\n  Indexed: one\n"};

    (void)state;
    load_run(&l, "-c c.yaml");
    const struct options *o = load_options(&l);
    assert_false(l.result.done);
    assert_int_equal(o->receive_buffer_kb, 1024);
    assert_int_equal(o->grace_ms, 0);
    assert_false(o->otlp_http);
    assert_true(o->otlp_grpc);
    assert_false(o->otlp_http_address_set);
    assert_true(o->otlp_grpc_address_set);
    assert_int_equal(o->otlp_cors_origins.n, 2);
    assert_string_equal(o->otlp_cors_origins.items[1], "https://b");
    assert_int_equal(o->indexed.n, 1);
    assert_string_equal(o->indexed.items[0], "one");
    load_end(&l);
}

static void empty_and_zero_mean_the_default(void **state)
{
    struct load l = {.file = "Version: 2\nConcurrency: 0\nRegion: \"\"\n"
                             "TotalBufferSizeMB: 0\nLocalMode:\n"
                             "Socket:\n  UDPAddress: \"\"\n  TCPAddress:\n"
                             "Logging: {LogLevel: ''}\n"};

    (void)state;
    l.env[0] = "AWS_REGION=eu-west-1";
    load_run(&l, "-c c.yaml");
    const struct options *o = load_options(&l);
    assert_false(l.result.done);
    assert_int_equal(o->concurrency, 8);
    assert_string_equal(o->region, "eu-west-1");
    assert_int_equal(o->buffer_mb, 0);
    assert_string_equal(o->udp_address, "127.0.0.1:2000");
    assert_string_equal(o->tcp_address, "127.0.0.1:2000");
    assert_string_equal(o->log_level, "prod");
    load_end(&l);
}

static void warns_of_what_has_no_effect(void **state)
{
    struct load l = {.file = "Version: 2\nproxyserver:\n  idleconntimeout: 5\n"
                             "Region: a\nRegion: b\n"
                             "Logging: {LogLevel: loud}\n"};

    (void)state;
    load_run(&l, "-c c.yaml");
    assert_false(l.result.done);
    assert_contains(l.warnings, "proxyserver.idleconntimeout has no effect");
    assert_contains(l.warnings, "c.yaml:5: Region was set in line 4 before");
    assert_contains(l.warnings, "LogLevel \"loud\" is unknown");
    assert_string_equal(load_options(&l)->region, "b");
    assert_string_equal(load_options(&l)->log_level, "prod");
    load_end(&l);
}

static void says_why_a_file_cannot_be_read(void **state)
{
    struct load l = {0}, folder = {0};

    (void)state;
    load_run(&l, "-c /nonexistent.yaml");
    assert_int_equal(l.result.exit_code, 1);
    assert_contains(l.err, "/nonexistent.yaml: No such file or directory");
    load_end(&l);

    load_run(&folder, "-c /tmp");
    assert_int_equal(folder.result.exit_code, 1);
    assert_contains(folder.err, "/tmp: Is a directory");
    load_end(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_a_named_file),
        cmocka_unit_test(tells_all_faults_at_once),
        cmocka_unit_test(a_found_file_may_have_stray_keys),
        cmocka_unit_test(a_found_file_must_have_the_right_types),
        cmocka_unit_test(a_named_file_replaces_the_search),
        cmocka_unit_test(reads_the_daemons_keys),
        cmocka_unit_test(reads_our_sections),
        cmocka_unit_test(empty_and_zero_mean_the_default),
        cmocka_unit_test(warns_of_what_has_no_effect),
        cmocka_unit_test(says_why_a_file_cannot_be_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
