/* SPDX-License-Identifier: Apache-2.0 */
/* Whole documents: order, ids, pairs of a local root, times, doubles. */
#include "spans.h"
#include "translate/translate.c"

static struct fixture f;

static void test_whole_document(void **state)
{
    (void)state;
    fixture_begin(&f, SPAN_SERVER, false);
    add_resource(&f, "service.name", "orders");
    add_int(&f, "n", 7);
    assert_int_equal(fixture_run(&f), 1);
    assert_string_equal(
        f.text[0],
        "{\"name\":\"orders\",\"id\":\"2222222222222222\","
        "\"trace_id\":\"1-11111111-111111111111111111111111\","
        "\"start_time\":1700000000.5,\"end_time\":1700000001,"
        "\"error\":false,\"fault\":false,\"throttle\":false,"
        "\"aws\":{\"xray\":{\"auto_instrumentation\":false}},"
        "\"metadata\":{\"default\":{\"otel.resource.service.name\":\"orders\","
        "\"n\":7,\"otel.span.name\":\"op\"}}}");
    fixture_end(&f);
}

static void test_child_is_subsegment_without_resource(void **state)
{
    (void)state;
    fixture_begin(&f, SPAN_CLIENT, true);
    add_resource(&f, "service.name", "orders");
    fixture_run(&f);
    assert_has(&f, "\"parent_id\":\"3333333333333333\"");
    assert_has(&f, "\"type\":\"subsegment\",\"namespace\":\"remote\"");
    assert_has_not(&f, "otel.resource");
    fixture_end(&f);
}

static void test_zero_ids_make_no_document(void **state)
{
    (void)state;
    fixture_begin(&f, SPAN_SERVER, false);
    memset(f.span.span_id, 0, 8);
    assert_int_equal(fixture_run(&f), 0);
    memset(f.span.span_id, 1, 8);
    memset(f.span.trace_id, 0, 16);
    assert_int_equal(fixture_run(&f), 0);
    assert_int_equal(translator_counts(f.translator)->without_ids, 2);
    assert_int_equal(translator_counts(f.translator)->documents, 0);
    fixture_end(&f);
}

static void test_local_root_makes_a_pair(void **state)
{
    char service[17];

    (void)state;
    fixture_begin(&f, SPAN_CLIENT, true);
    add_text(&f, "aws.span.kind", "LOCAL_ROOT");
    add_text(&f, "aws.local.service", "mine");
    add_text(&f, "aws.remote.service", "theirs");
    assert_int_equal(fixture_run(&f), 2);
    assert_has(&f, "{\"name\":\"mine\"");
    assert_has_not(&f, "subsegment");
    assert_has_not(&f, "theirs");
    snprintf(service, sizeof(service), "%.*s", SLICE_ARG(f.out[0].id));
    assert_true(slice_is(f.out[1].parent_id, service));
    assert_true(slice_is(f.out[0].parent_id, "3333333333333333"));
    assert_true(f.out[1].subsegment);
    assert_non_null(strstr(f.text[1], "{\"name\":\"theirs\""));
    fixture_run(&f); /* the same ids again */
    assert_true(slice_is(f.out[0].id, service));
    fixture_end(&f);
}

static void test_times(void **state)
{
    (void)state;
    fixture_begin(&f, SPAN_SERVER, false);
    f.span.end_ns = 0;
    fixture_run(&f);
    assert_has(&f, "\"start_time\":1700000000.5,\"in_progress\":true");
    assert_has_not(&f, "end_time");
    f.span.end_ns = f.span.start_ns + 1;
    f.span.start_ns = 0;
    fixture_run(&f);
    assert_has(&f, "\"start_time\":1700000000.500000001,\"end_time\":"
                   "1700000000.500000001");
    fixture_end(&f);
}

static void test_last_of_equal_keys_stands(void **state)
{
    (void)state;
    fixture_begin(&f, SPAN_INTERNAL, true);
    add_int(&f, "k", 1);
    add_int(&f, "j", 2);
    add_int(&f, "k", 3);
    fixture_run(&f);
    assert_has(&f, "{\"default\":{\"j\":2,\"k\":3}}");
    fixture_end(&f);
}

static void test_defaults_fill_the_resource(void **state)
{
    struct attribute defaults[] = {
        {SLICE("service.name"), {.kind = VALUE_STRING, .text = SLICE("other")}},
        {SLICE("cloud.platform"),
         {.kind = VALUE_STRING, .text = SLICE("aws_ec2")}},
    };

    (void)state;
    fixture_begin(&f, SPAN_SERVER, false);
    f.options.defaults = (struct attributes){defaults, 2};
    add_resource(&f, "service.name", "own");
    fixture_run(&f);
    assert_has(&f, "{\"name\":\"own\"");
    assert_has(&f, "\"origin\":\"AWS::EC2::Instance\"");
    assert_has(&f, "\"otel.resource.cloud.platform\":\"aws_ec2\"");
    fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_document),
        cmocka_unit_test(test_child_is_subsegment_without_resource),
        cmocka_unit_test(test_zero_ids_make_no_document),
        cmocka_unit_test(test_local_root_makes_a_pair),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_last_of_equal_keys_stands),
        cmocka_unit_test(test_defaults_fill_the_resource),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
