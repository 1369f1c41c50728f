/* SPDX-License-Identifier: Apache-2.0 */
/* config/collector.c */
#include "config/collector.c"

#include "load.h"

static void reads_the_exporter_and_the_receiver(void **state)
{
    struct load l = {
        .file = "receivers:\n"
                "  otlp:\n"
                "    protocols:\n"
                "      http:\n"
                "        endpoint: 0.0.0.0:4318\n"
                "exporters:\n"
                "  awsxray/eu:\n"
                "    index_all_attributes: true\n"
                "    indexed_attributes: [a, 'b']\n"
                "    aws_log_groups:\n"
                "      - /aws/x\n"
                "    region: eu-west-1\n"
                "    endpoint: http://e\n"
                "    no_verify_ssl: true\n"
                "    role_arn: r\n"
                "    local_mode: true\n"
                "    proxy_address: http://p:1\n"
                "    request_timeout_seconds: 7\n"
                "service:\n"
                "  telemetry: {logs: {level: WARN}}\n"
                "  pipelines:\n"
                "    traces: {receivers: [otlp], exporters: [awsxray/eu]}\n"};

    (void)state;
    load_run(&l, "-c c.yaml");
    const struct options *o = load_options(&l);
    assert_false(l.result.done);
    assert_string_equal(l.warnings, "");
    assert_true(o->otlp_http);
    assert_false(o->otlp_grpc);
    assert_string_equal(o->otlp_http_address, "0.0.0.0:4318");
    assert_true(o->otlp_http_address_set);
    assert_true(o->index_all);
    assert_int_equal(o->indexed.n, 2);
    assert_string_equal(o->log_groups.items[0], "/aws/x");
    assert_string_equal(o->region, "eu-west-1");
    assert_string_equal(o->endpoint, "http://e");
    assert_true(o->no_verify_ssl);
    assert_string_equal(o->role_arn, "r");
    assert_true(o->local_mode);
    assert_string_equal(o->proxy_address, "http://p:1");
    assert_int_equal(o->request_timeout_ms, 7000);
    assert_string_equal(o->log_level, "warn");
    load_end(&l);
}

static void a_function_s_file_works_as_it_is(void **state)
{
    struct load l = {.file = "receivers:\n"
                             "  telemetryapi:\n"
                             "  otlp:\n"
                             "    protocols:\n"
                             "      grpc:\n"
                             "      http:\n"
                             "exporters:\n"
                             "  logging:\n"
                             "    loglevel: debug\n"
                             "  awsxray:\n"
                             "service:\n"
                             "  pipelines:\n"
                             "    traces:\n"
                             "      receivers: [otlp]\n"
                             "      exporters: [logging, awsxray]\n"};

    (void)state;
    load_run(&l, "-c c.yaml");
    assert_false(l.result.done);
    assert_true(load_options(&l)->otlp_grpc);
    assert_true(load_options(&l)->otlp_http);
    assert_false(load_options(&l)->otlp_http_address_set);
    assert_string_equal(l.warnings, "");
    assert_int_equal(load_options(&l)->debug_export, DEBUG_DOCUMENTS);
    assert_false(load_options(&l)->no_exporter);
    load_end(&l);
}

static void tolerates_the_rest_with_a_warning_each(void **state)
{
    static const char *const wanted[] = {
        "c.yaml:1: processors.transform is not used\n",
        "exporters.awsxray.middleware is not used\n",
        "receivers.otlp.protocols.http.include_metadata is not used\n",
        "exporters.awsxray/b is in no traces pipeline",
        "the pipeline metrics is not used",
        "service.extensions is not used",
        "extensions.health_check is not used",
        "other is not used",
    };
    struct load l = {
        .file = "processors: {transform: {timeout: 1s}}\n"
                "extensions: {health_check: }\n"
                "receivers:\n  otlp:\n    protocols:\n      http:\n"
                "        include_metadata: true\n"
                "exporters:\n  awsxray: {middleware: x}\n"
                "  awsxray/b: {region: wrong}\n"
                "other: 5\n"
                "service:\n  extensions: [health_check]\n  pipelines:\n"
                "    metrics: {receivers: [otlp]}\n"
                "    traces/x: {receivers: [otlp], exporters: [awsxray]}\n"};

    (void)state;
    load_run(&l, "-c c.yaml");
    assert_false(l.result.done);
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
        assert_contains(l.warnings, wanted[i]);
    assert_string_equal(load_options(&l)->region, "");
    load_end(&l);
}

static void replaces_variables(void **state)
{
    struct load l = {
        .file = "{\"exporters\": {\"awsxray\": {\n"
                "\"region\": \"${env:WHERE}\", \"role_arn\": \"${ROLE:-r}\",\n"
                "\"external_id\": \"a$$b$c${NOT_SET}d${file:/x}\",\n"
                "\"no_verify_ssl\": \"${env:CHECK:-true}\",\n"
                "\"endpoint\": \"http://${env:HOST:-h:1}/p\"}}}"};

    (void)state;
    l.env[0] = "WHERE=us-west-2";
    load_run(&l, "-c c.yaml");
    assert_string_equal(l.err, "");
    assert_false(l.result.done);
    const struct options *o = load_options(&l);
    assert_string_equal(o->region, "us-west-2");
    assert_true(o->no_verify_ssl);
    assert_string_equal(o->role_arn, "r");
    assert_string_equal(o->role_external_id, "a$b$cd");
    assert_string_equal(o->endpoint, "http://h:1/p");
    assert_contains(l.warnings, "c.yaml:3: ${NOT_SET} is not set");
    assert_contains(l.warnings, "c.yaml:3: ${file:/x} is not set");
    load_end(&l);
}

static void wrong_types_are_errors(void **state)
{
    static const char *const rows[][2] = {
        {"exporters: {awsxray: {local_mode: 5}}\n",
         "c.yaml:1: exporters.awsxray.local_mode needs true or false"},
        {"exporters: {awsxray: 5}\n", "exporters.awsxray needs a section"},
        {"exporters: 5\n", "exporters needs a section of components"},
        {"receivers: {otlp: {protocols: [http]}}\n",
         "receivers.otlp.protocols needs a section"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct load l = {.file = rows[i][0]};
        load_run(&l, "-c c.yaml");
        assert_int_equal(l.result.exit_code, 1);
        assert_contains(l.err, rows[i][1]);
        load_end(&l);
    }
}

static void one_of_a_kind(void **state)
{
    struct load l = {.file = "exporters:\n  awsxray: {region: a}\n"
                             "  awsxray/b: {region: b}\n"};

    (void)state;
    load_run(&l, "-c c.yaml");
    assert_contains(l.warnings, "exporters.awsxray/b overrides awsxray");
    assert_string_equal(load_options(&l)->region, "b");
    load_end(&l);
}

static void odd_shapes_do_no_harm(void **state)
{
    static const char *const rows[] = {
        "service: [a]\n",
        "service: {pipelines: [a]}\n",
        "service: {pipelines: {traces: [a]}}\n",
        "service: {pipelines: {traces: {receivers: {a: b}}}}\n",
        "receivers: {otlp: [a]}\n",
        "receivers: [otlp]\n",
        "receivers:\n",
        "service: text\n",
        "a: &a [x]\nb: &b [*a, *a]\nservice: [*b, *b]\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct load l = {.file = rows[i]};
        load_run(&l, "-c c.yaml");
        load_end(&l);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_the_exporter_and_the_receiver),
        cmocka_unit_test(a_function_s_file_works_as_it_is),
        cmocka_unit_test(tolerates_the_rest_with_a_warning_each),
        cmocka_unit_test(replaces_variables),
        cmocka_unit_test(wrong_types_are_errors),
        cmocka_unit_test(one_of_a_kind),
        cmocka_unit_test(odd_shapes_do_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
