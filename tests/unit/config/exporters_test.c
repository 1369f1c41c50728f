/* SPDX-License-Identifier: Apache-2.0 */
/* config/exporters.c */
#include "config/exporters.c"

#include "load.h"

#define PIPELINE(exporters)                                                    \
    "service: {pipelines: {traces: {exporters: [" exporters "]}}}\n"

static const struct otlp_exporter *exporter(struct load *l, size_t i)
{
    const struct options *o = load_options(l);
    assert_true(i < o->n_exporters);
    return &o->exporters[i];
}

static void reads_every_key(void **state)
{
    struct load l = {
        .file = "exporters:\n"
                "  otlphttp/a:\n"
                "    endpoint: https://host:4318/\n"
                "    compression: none\n"
                "    timeout: 2s\n"
                "    proxy_url: http://proxy:8080\n"
                "    headers: {x-key: \"${env:KEY}\", x-b: \"2\"}\n"
                "    tls: {insecure: false, insecure_skip_verify: true,\n"
                "          ca_file: /ca.pem}\n"
                "    retry_on_failure: {enabled: true, initial_interval: 1s,\n"
                "      max_interval: 5s, max_elapsed_time: 1m, multiplier: 2}\n"
                "    sending_queue: {enabled: true, queue_size: 10}\n"
                "    auth: {authenticator: sigv4auth/x}\n"
                "extensions:\n"
                "  sigv4auth/x: {region: eu-west-1, service: xray,\n"
                "    assume_role: {arn: 'arn:r', sts_region: us-east-1}}\n"
                "service:\n"
                "  extensions: [sigv4auth/x]\n"
                "  pipelines: {traces: {exporters: [otlphttp/a]}}\n",
        .env = {"KEY=secret"}};

    (void)state;
    load_run(&l, "-c c.yaml");
    assert_false(l.result.done);
    assert_string_equal(l.warnings, "");
    const struct otlp_exporter *e = exporter(&l, 0);
    assert_string_equal(e->name, "otlphttp/a");
    assert_string_equal(e->url, "https://host:4318/v1/traces");
    assert_int_equal(e->packing, OTLP_PACK_NONE);
    assert_int_equal(e->timeout_ms, 2000);
    assert_string_equal(e->proxy_url, "http://proxy:8080");
    assert_int_equal(e->n_headers, 2);
    assert_string_equal(e->headers[0].name, "x-key");
    assert_string_equal(e->headers[0].value, "secret");
    assert_string_equal(e->headers[1].value, "2");
    assert_true(e->no_verify);
    assert_string_equal(e->ca_file, "/ca.pem");
    assert_true(e->retry);
    assert_int_equal(e->retry_first_ms, 1000);
    assert_int_equal(e->retry_max_ms, 5000);
    assert_int_equal(e->retry_total_ms, 60000);
    assert_true(e->sigv4);
    assert_string_equal(e->region, "eu-west-1");
    assert_string_equal(e->service, "xray");
    assert_string_equal(e->role_arn, "arn:r");
    assert_string_equal(e->sts_region, "us-east-1");
    assert_true(load_options(&l)->no_xray);
    assert_false(load_options(&l)->no_exporter);
    load_end(&l);
}

static void has_defaults(void **state)
{
    struct load l = {
        .file = "exporters:\n"
                "  awsxray:\n"
                "  otlp_http: {traces_endpoint: "
                "'http://h/some/path/'}\n" PIPELINE("awsxray, otlp_http")};

    (void)state;
    load_run(&l, "-c c.yaml");
    assert_string_equal(l.warnings, "");
    const struct otlp_exporter *e = exporter(&l, 0);
    assert_string_equal(e->name, "otlp_http");
    assert_string_equal(e->url, "http://h/some/path/");
    assert_int_equal(e->packing, OTLP_PACK_GZIP);
    assert_int_equal(e->timeout_ms, 30000);
    assert_int_equal(e->n_headers, 0);
    assert_true(e->retry);
    assert_int_equal(e->retry_total_ms, 0);
    assert_false(e->sigv4);
    assert_string_equal(e->region, "");
    assert_false(load_options(&l)->no_xray);
    load_end(&l);
}

static void takes_headers_as_a_list(void **state)
{
    struct load l = {
        .file = "exporters:\n"
                "  otlphttp:\n"
                "    endpoint: http://h\n"
                "    headers: [{name: a, value: b}]\n" PIPELINE("otlphttp")};

    (void)state;
    load_run(&l, "-c c.yaml");
    assert_string_equal(l.warnings, "");
    assert_string_equal(exporter(&l, 0)->headers[0].name, "a");
    assert_string_equal(exporter(&l, 0)->headers[0].value, "b");
    load_end(&l);
}

/* Each with its line, once. */
static void warns_of_what_it_does_not_know(void **state)
{
    struct load l = {.file =
                         "exporters:\n"
                         "  otlphttp:\n"
                         "    endpoint: http://h\n"
                         "    compression: snappy\n"
                         "    timeout: soon\n"
                         "    tls: {insecure_skip_verify: maybe}\n"
                         "    wire: {copper: yes}\n"
                         "    encoding: json\n"
                         "    headers:\n"
                         "      \"a b\": c\n"
                         "      d: \"e\\nf: secret\"\n"
                         "    retry_on_failure: never\n" PIPELINE("otlphttp")};

    (void)state;
    load_run(&l, "-c c.yaml");
    assert_contains(l.warnings, "otlphttp.compression: gzip is used");
    assert_contains(l.warnings, "c.yaml:5: exporters.otlphttp.timeout is not "
                                "used: it needs a time");
    assert_contains(l.warnings, "c.yaml:6: exporters.otlphttp.tls."
                                "insecure_skip_verify is not used");
    assert_contains(l.warnings, "c.yaml:7: exporters.otlphttp.wire is not");
    assert_contains(l.warnings, "otlphttp.encoding is not used");
    assert_contains(l.warnings, "c.yaml:10: exporters.otlphttp.headers: a b");
    assert_contains(l.warnings, "c.yaml:11: exporters.otlphttp.headers: d is");
    assert_contains(l.warnings, "c.yaml:12: exporters.otlphttp."
                                "retry_on_failure is not used");
    assert_null(strstr(l.warnings, "secret"));
    assert_int_equal(exporter(&l, 0)->n_headers, 0);
    assert_int_equal(exporter(&l, 0)->timeout_ms, 30000);
    load_end(&l);
}

/* What can't work is left out, and then there may be nothing to do. */
static void leaves_out_what_cannot_work(void **state)
{
    static const struct {
        const char *exporter, *why;
    } rows[] = {
        {"{}", "needs endpoint"},
        {"", "needs endpoint"},
        {"{endpoint: ''}", "needs endpoint"},
        {"{endpoint: 'host:4318'}", "needs endpoint"},
        {"{endpoint: 'ftp://host'}", "needs endpoint"},
        {"{endpoint: 'http://a b'}", "needs endpoint"},
        {"{endpoint: 'http://h', auth: {authenticator: oauth2}}", "not there"},
        {"{endpoint: 'http://h', auth: {authenticator: basicauth}}",
         "not known"},
    };
    char text[512];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct load l = {.file = text};
        snprintf(text, sizeof(text),
                 "exporters: {otlphttp: %s}\n"
                 "extensions: {basicauth: }\n" PIPELINE("otlphttp"),
                 rows[i].exporter);
        load_run(&l, "-c c.yaml");
        assert_false(l.result.done);
        assert_contains(l.warnings, rows[i].why);
        assert_contains(l.warnings, "has no exporter that this program is");
        assert_true(load_options(&l)->no_exporter);
        load_end(&l);
    }
}

static void takes_several_from_all_traces_pipelines(void **state)
{
    struct load l = {.file =
                         "exporters:\n"
                         "  otlphttp/1: {endpoint: 'http://one'}\n"
                         "  otlphttp/2: {endpoint: 'http://two'}\n"
                         "  otlphttp/3: {endpoint: 'http://three'}\n"
                         "service:\n  pipelines:\n"
                         "    traces: {exporters: [otlphttp/2, otlphttp/1]}\n"
                         "    traces/more: {exporters: [otlphttp/1]}\n"
                         "    logs: {exporters: [otlphttp/3]}\n"};

    (void)state;
    load_run(&l, "-c c.yaml");
    assert_int_equal(load_options(&l)->n_exporters, 2);
    assert_string_equal(exporter(&l, 0)->url, "http://two/v1/traces");
    assert_string_equal(exporter(&l, 1)->url, "http://one/v1/traces");
    assert_contains(l.warnings, "otlphttp/3 is in no traces pipeline");
    load_end(&l);
}

static void tells_when_no_exporter_is_ours(void **state)
{
    struct load l = {.file = "exporters: {zipkin: }\n" PIPELINE("zipkin")};

    (void)state;
    load_run(&l, "-c c.yaml");
    assert_false(l.result.done);
    assert_true(load_options(&l)->no_exporter);
    assert_contains(l.warnings, "has no exporter that this program is");
    load_end(&l);
}

static void debug_alone_is_something_to_do(void **state)
{
    struct load l = {.file = "exporters: {debug: }\n" PIPELINE("debug")};

    (void)state;
    load_run(&l, "-c c.yaml");
    assert_true(load_options(&l)->no_xray);
    assert_false(load_options(&l)->no_exporter);
    assert_int_equal(load_options(&l)->debug_export, DEBUG_COUNTS);
    load_end(&l);
}

static void falls_back_to_xray_where_told(void **state)
{
    struct load file = {.file = "fallback_exporter: true\n"
                                "exporters: {zipkin: }\n" PIPELINE("zipkin")};
    struct load env = {.file = "exporters: {zipkin: }\n" PIPELINE("zipkin"),
                       .env = {"XRAY_RELAY_UPLOAD_FALLBACK_EXPORTER=true"}};
    struct load other = {
        .file = "fallback_exporter: true\n"
                "exporters: {otlphttp: {endpoint: 'http://h'}}\n" PIPELINE(
                    "otlphttp")};

    (void)state;
    load_run(&file, "-c c.yaml");
    assert_false(load_options(&file)->no_exporter);
    assert_false(load_options(&file)->no_xray);
    load_end(&file);
    load_run(&env, "-c c.yaml");
    assert_false(load_options(&env)->no_xray);
    load_end(&env);
    load_run(&other, "-c c.yaml");
    assert_true(load_options(&other)->no_xray);
    load_end(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_key),
        cmocka_unit_test(has_defaults),
        cmocka_unit_test(takes_headers_as_a_list),
        cmocka_unit_test(warns_of_what_it_does_not_know),
        cmocka_unit_test(leaves_out_what_cannot_work),
        cmocka_unit_test(takes_several_from_all_traces_pipelines),
        cmocka_unit_test(tells_when_no_exporter_is_ours),
        cmocka_unit_test(debug_alone_is_something_to_do),
        cmocka_unit_test(falls_back_to_xray_where_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
