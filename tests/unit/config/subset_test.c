/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The subset of the collector's configuration that we promise: each key acts,
 * is taken because it asks for what is so anyway, or is warned of once, with
 * its line.
 */
#include "config/collector.c"

#include "load.h"

static const char all[] =
    "receivers:\n"
    "  otlp: {protocols: {grpc: {endpoint: 127.0.0.1:14317}, http: }}\n"
    "  awsxray: {endpoint: 127.0.0.1:12000, transport: udp}\n"
    "  telemetryapi: {types: [platform, function], port: 4325}\n"
    "processors:\n"
    "  batch/b: {timeout: 2s, send_batch_size: 10, send_batch_max_size: 20}\n"
    "  decouple: {max_queue_size: 10}\n"
    "  memory_limiter: {limit_mib: 16, check_interval: 1s,\n"
    "    spike_limit_mib: 1}\n"
    "  resource: {attributes: [{key: a, value: 1, action: insert}]}\n"
    "  attributes: {actions: [{key: a, action: delete}]}\n"
    "  probabilistic_sampler: {sampling_percentage: 10}\n"
    "  resourcedetection: {detectors: [env, lambda], timeout: 2s}\n"
    "exporters:\n"
    "  awsxray/x:\n"
    "    region: us-east-1\n"
    "    endpoint: http://127.0.0.1:1\n"
    "    no_verify_ssl: true\n"
    "    role_arn: arn:aws:iam::123456789012:role/r\n"
    "    index_all_attributes: true\n"
    "    indexed_attributes: [a]\n"
    "    aws_log_groups: [b]\n"
    "    local_mode: true\n"
    "    proxy_address: http://127.0.0.1:3128\n"
    "  debug: {verbosity: detailed, sampling_initial: 2}\n"
    "  otlphttp: {endpoint: '${E}', headers: {a: '${env:A:-b}'}}\n"
    "service:\n"
    "  telemetry: {logs: {level: debug}}\n"
    "  pipelines:\n"
    "    traces:\n"
    "      receivers: [otlp, awsxray, telemetryapi]\n"
    "      processors: [batch/b, decouple, memory_limiter, resource,\n"
    "        attributes, probabilistic_sampler, resourcedetection]\n"
    "      exporters: [awsxray/x, debug, otlphttp]\n";

static void all_of_it_acts(void **state)
{
    struct load l = {.file = all,
                     .env = {"E=http://h", "OTEL_RESOURCE_ATTRIBUTES=k=v",
                             "AWS_LAMBDA_FUNCTION_NAME=f"}};

    (void)state;
    load_run(&l, "-c c.yaml");
    assert_false(l.result.done);
    assert_string_equal(l.warnings, "");
    const struct options *o = load_options(&l);
    assert_string_equal(o->otlp_grpc_address, "127.0.0.1:14317");
    assert_true(o->otlp_http && o->otlp_grpc);
    assert_string_equal(o->udp_address, "127.0.0.1:12000");
    assert_int_equal(o->flush_idle_ms, 2000);
    assert_int_equal(o->batch_documents, 10);
    assert_true(o->batches);
    assert_int_equal(o->buffer_mb, 16);
    /* a=1, -a, sample, k, cloud.provider, .platform, faas.name, account */
    assert_int_equal(o->n_processors, 8);
    assert_string_equal(o->region, "us-east-1");
    assert_string_equal(o->endpoint, "http://127.0.0.1:1");
    assert_true(o->no_verify_ssl && o->index_all && o->local_mode);
    assert_string_equal(o->role_arn, "arn:aws:iam::123456789012:role/r");
    assert_string_equal(o->indexed.items[0], "a");
    assert_string_equal(o->log_groups.items[0], "b");
    assert_string_equal(o->proxy_address, "http://127.0.0.1:3128");
    assert_int_equal(o->debug_export, DEBUG_DOCUMENTS);
    assert_string_equal(o->exporters[0].url, "http://h/v1/traces");
    assert_string_equal(o->exporters[0].headers[0].value, "b");
    assert_string_equal(o->log_level, "debug");
    assert_false(o->no_xray);
    load_end(&l);
}

static const char others[] =
    "receivers:\n"
    "  otlp: {protocols: {http: {auth: x}}}\n"               /* 2 */
    "  awsxray: {transport: tcp}\n"                          /* 3 */
    "  jaeger: {}\n"                                         /* 4 */
    "processors:\n"                                          /* 5 */
    "  filter: {traces: {}}\n"                               /* 6 */
    "  transform: {}\n"                                      /* 7 */
    "  resource: {attributes: [{key: b, action: insert}],\n" /* 8 */
    "    override: true}\n"                                  /* 9 */
    "  attributes: {actions: [{key: a, action: hash}]}\n"    /* 10 */
    "  probabilistic_sampler: {sampling_percentage: 1,\n"    /* 11 */
    "    hash_seed: 3}\n"                                    /* 12 */
    "  resourcedetection: {detectors: [ec2]}\n"              /* 13 */
    "exporters:\n"                                           /* 14 */
    "  awsxray: {max_retries: 2,\n"                          /* 15 */
    "    foo: 1}\n"                                          /* 16 */
    "  otlp: {endpoint: x}\n"                                /* 17 */
    "  otlphttp/idle: {endpoint: 'http://h'}\n"              /* 18 */
    "extensions: {health_check: }\n"                         /* 19 */
    "connectors: {count: }\n"                                /* 20 */
    "service:\n"                                             /* 21 */
    "  extensions: [health_check]\n"                         /* 22 */
    "  telemetry: {metrics: {address: ':8888'}}\n"           /* 23 */
    "  pipelines:\n"                                         /* 24 */
    "    traces:\n"                                          /* 25 */
    "      receivers: [otlp, awsxray, jaeger]\n"             /* 26 */
    "      processors: [filter, transform, resource, attributes,\n"
    "        probabilistic_sampler, resourcedetection, gone]\n" /* 28 */
    "      exporters: [awsxray, otlp, gone]\n"                  /* 29 */
    "    traces/2: {processors: [filter]}\n"                    /* 30 */
    "    metrics: {receivers: [otlp]}\n"                        /* 31 */
    "    logs: {receivers: [otlp]}\n";                          /* 32 */

static void the_rest_is_warned_of_once(void **state)
{
    static const unsigned lines[] = {2,  3,  4,  6,  7,  8,  9,  10,
                                     12, 13, 15, 16, 17, 18, 19, 20,
                                     22, 23, 28, 29, 30, 31, 32};
    struct load l = {.file = others};
    char place[32];
    size_t n = 0;

    (void)state;
    load_run(&l, "-c c.yaml");
    assert_false(l.result.done);
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        snprintf(place, sizeof(place), "c.yaml:%u: ", lines[i]);
        const char *at = strstr(l.warnings, place);
        if (!at)
            fail_msg("no warning for line %u in: %s", lines[i], l.warnings);
        assert_null(strstr(at + 1, place));
    }
    for (const char *p = l.warnings; (p = strchr(p, '\n')); p++)
        n++;
    assert_int_equal(n, sizeof(lines) / sizeof(lines[0]));
    load_end(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_of_it_acts),
        cmocka_unit_test(the_rest_is_warned_of_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
