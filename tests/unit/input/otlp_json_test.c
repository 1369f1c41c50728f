/* SPDX-License-Identifier: Apache-2.0 */
/* The reader of OTLP/JSON: spellings, order of members, faults, ceilings. */
#include "input/otlp_json.c"

#include "otlp_show.h"

#define TRACE_HEX "0102030405060708090a0b0c0d0e0f10"
#define ID_HEX "0102030405060708"
#define NO_ID "0000000000000000"

static struct buf request, out;
static struct err err;

static int setup(void **state)
{
    (void)state;
    buf_init(&request, 64u << 20);
    buf_init(&out, 64u << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    buf_fini(&request);
    buf_fini(&out);
    return 0;
}

static int decode(const char *json)
{
    buf_clear(&out);
    return show_request(OTLP_JSON, slice_str(json), 9, &out, &err);
}

/* A request of one span with these members. */
static const char *wrap(const char *members)
{
    buf_clear(&request);
    buf_printf(&request,
               "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{%s}]}]}]}",
               members);
    return buf_cstr(&request);
}

static const char *decode_span(const char *members)
{
    if (decode(wrap(members)) != 0)
        fail_msg("%s: %s", members, err.text);
    return buf_cstr(&out) + strlen("{}| {}|");
}

static void expect_fault(const char *json, const char *why)
{
    if (decode(json) != -1)
        fail_msg("accepted: %s", json);
    if (!strstr(err.text, why))
        fail_msg("%.200s: %s, want %s", json, err.text, why);
}

static void every_span_field(void **state)
{
    (void)state;
    static const char want[] =
        TRACE_HEX " " ID_HEX " 3837363534333231 a=b|GET / f257 k2 "
                  "18446744073709551615-1700000000123456789{k='v'} "
                  "@17 event{} >" TRACE_HEX ID_HEX " l=m f257{}|3 4 5|2 bad\n";
    static const char camel[] =
        "\"traceId\":\"0102030405060708090A0b0C0d0e0f10\","
        "\"spanId\":\"" ID_HEX "\",\"parentSpanId\":\"3837363534333231\","
        "\"traceState\":\"a=b\",\"name\":\"GET /\",\"kind\":2,\"flags\":257,"
        "\"startTimeUnixNano\":\"18446744073709551615\","
        "\"endTimeUnixNano\":1700000000123456789,"
        "\"attributes\":[{\"key\":\"k\",\"value\":{\"stringValue\":\"v\"}}],"
        "\"droppedAttributesCount\":3,\"droppedEventsCount\":\"4\","
        "\"droppedLinksCount\":5,"
        "\"events\":[{\"timeUnixNano\":\"17\",\"name\":\"event\"}],"
        "\"links\":[{\"traceId\":\"" TRACE_HEX "\",\"spanId\":\"" ID_HEX
        "\",\"traceState\":\"l=m\",\"flags\":257}],"
        "\"status\":{\"code\":2,\"message\":\"bad\"}";
    static const char snake[] =
        "\"trace_id\":\"" TRACE_HEX "\","
        "\"span_id\":\"" ID_HEX "\",\"parent_span_id\":\"3837363534333231\","
        "\"trace_state\":\"a=b\",\"name\":\"GET /\","
        "\"kind\":\"SPAN_KIND_SERVER\",\"flags\":257,"
        "\"start_time_unix_nano\":\"18446744073709551615\","
        "\"end_time_unix_nano\":1700000000123456789,"
        "\"attributes\":[{\"value\":{\"string_value\":\"v\"},\"key\":\"k\"}],"
        "\"dropped_attributes_count\":3,\"dropped_events_count\":\"4\","
        "\"dropped_links_count\":5,"
        "\"events\":[{\"time_unix_nano\":\"17\",\"name\":\"event\"}],"
        "\"links\":[{\"trace_id\":\"" TRACE_HEX "\",\"span_id\":\"" ID_HEX
        "\",\"trace_state\":\"l=m\",\"flags\":257}],"
        "\"status\":{\"code\":\"STATUS_CODE_ERROR\",\"message\":\"bad\"}";

    assert_string_equal(decode_span(camel), want);
    assert_string_equal(decode_span(snake), want);
}

static void every_kind_of_value(void **state)
{
    (void)state;
    static const struct {
        const char *json, *want;
    } rows[] = {
        {"{}", "-"},
        {"null", "-"},
        {"{\"stringValue\":\"\"}", "''"},
        {"{\"stringValue\":\"a\\n\\u00e9\\ud83d\\ude00\"}", "'a\n\u00e9😀'"},
        {"{\"stringValue\":null}", "-"},
        {"{\"boolValue\":true}", "yes"},
        {"{\"boolValue\":false}", "no"},
        {"{\"intValue\":\"-7\"}", "-7"},
        {"{\"intValue\":-9223372036854775808}", "-9223372036854775808"},
        {"{\"intValue\":\"9223372036854775807\"}", "9223372036854775807"},
        {"{\"intValue\":5.0}", "5"},
        {"{\"intValue\":-1e3}", "-1000"},
        {"{\"doubleValue\":2.5}", "2.5d"},
        {"{\"doubleValue\":-3}", "-3d"},
        {"{\"doubleValue\":\"1e-2\"}", "0.01d"},
        {"{\"doubleValue\":\"NaN\"}", "nand"},
        {"{\"doubleValue\":\"Infinity\"}", "infd"},
        {"{\"doubleValue\":\"-Infinity\"}", "-infd"},
        {"{\"arrayValue\":{}}", "()"},
        {"{\"arrayValue\":{\"values\":[{\"intValue\":1},null,{}]}}", "(1 - -)"},
        {"{\"array_value\":{\"values\":null}}", "()"},
        {"{\"kvlistValue\":{\"values\":[{\"key\":\"a\",\"value\":"
         "{\"kvlist_value\":{}}},null,{\"key\":\"b\"}]}}",
         "{a={} b=-}"},
        {"{\"bytesValue\":\"/wE=\"}", "xff01"},
        {"{\"bytesValue\":\"_wE\"}", "xff01"},
        {"{\"bytesValue\":\"-_8=\"}", "xfbff"},
        {"{\"bytesValue\":\"\"}", "x"},
        {"{\"intValue\":1,\"stringValue\":\"s\"}", "'s'"},
        {"{\"unknown\":[{\"a\":[]}],\"intValue\":2,\"x\":{}}", "2"},
        {"{\"\\u0069ntValue\":3}", "3"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char members[512], want[128];
        snprintf(members, sizeof(members),
                 "\"attributes\":[{\"key\":\"k\",\"value\":%s}]", rows[i].json);
        snprintf(want, sizeof(want), "{k=%s}|", rows[i].want);
        const char *got = decode_span(members);
        if (!strstr(got, want))
            fail_msg("%s: got %s", rows[i].json, got);
    }
}

static void wrong_values_are_faults(void **state)
{
    (void)state;
    static const struct {
        const char *members, *why;
    } rows[] = {
        {"\"name\":5", "spans[0].name: a string is expected, at byte 51"},
        {"\"traceId\":5", "spans[0].traceId: an id in hexadecimal"},
        {"\"kind\":true", "an integer in range"},
        {"\"kind\":4294967296", "an integer in range"},
        {"\"flags\":-1", "an integer in range"},
        {"\"flags\":4294967296", "an integer in range"},
        {"\"startTimeUnixNano\":\"x\"", "an integer in range"},
        {"\"startTimeUnixNano\":\"\"", "an integer in range"},
        {"\"startTimeUnixNano\":-1", "an integer in range"},
        {"\"startTimeUnixNano\":1.5", "an integer in range"},
        {"\"startTimeUnixNano\":18446744073709551616", "an integer in"},
        {"\"startTimeUnixNano\":1e99", "an integer in range"},
        {"\"status\":[]", "spans[0].status: an object is expected"},
        {"\"attributes\":{}", "spans[0].attributes: an array is expected"},
        {"\"attributes\":[null,7]",
         "spans[0].attributes[1]: an object is expected"},
        {"\"attributes\":[{\"value\":{\"boolValue\":1}}]",
         "attributes[0].value.boolValue: true or false"},
        {"\"attributes\":[{\"value\":{\"intValue\":9223372036854775808}}]",
         "an integer in range"},
        {"\"attributes\":[{\"value\":{\"doubleValue\":\"1.x\"}}]",
         "a number in range"},
        {"\"attributes\":[{\"value\":{\"doubleValue\":1e999}}]",
         "a number in range"},
        {"\"attributes\":[{\"value\":{\"doubleValue\":\"inf\"}}]",
         "a number in range"},
        {"\"attributes\":[{\"value\":{\"bytesValue\":\"a\"}}]", "base64"},
        {"\"attributes\":[{\"value\":{\"bytesValue\":\"a*c=\"}}]", "base64"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        expect_fault(wrap(rows[i].members), rows[i].why);
}

static void wrong_ids_and_names_are_no_faults(void **state)
{
    (void)state;
    assert_non_null(strstr(
        decode_span("\"traceId\":\"AQIDBAUGBwgJCgsMDQ4PEA==\","
                    "\"spanId\":\"zz02030405060708\",\"parentSpanId\":\"\","
                    "\"kind\":\"SPAN_KIND_NEW\",\"status\":{\"code\":\"2\"}"),
        NO_ID NO_ID " " NO_ID " " NO_ID " | f0 k0 0-0{}|0 0 0|2 \n"));
}

static void enums_have_names_and_numbers(void **state)
{
    static const char *const kinds[] = {"UNSPECIFIED", "INTERNAL", "SERVER",
                                        "CLIENT",      "PRODUCER", "CONSUMER"};
    static const char *const codes[] = {"UNSET", "OK", "ERROR"};
    char members[128], mark[32];

    (void)state;
    for (int i = 0; i < 6; i++) {
        snprintf(members, sizeof(members), "\"kind\":\"SPAN_KIND_%s\"",
                 kinds[i]);
        snprintf(mark, sizeof(mark), " k%d ", i);
        assert_non_null(strstr(decode_span(members), mark));
        snprintf(members, sizeof(members), "\"kind\":%d", i);
        assert_non_null(strstr(decode_span(members), mark));
    }
    for (int i = 0; i < 3; i++) {
        snprintf(members, sizeof(members),
                 "\"status\":{\"code\":\"STATUS_CODE_%s\"}", codes[i]);
        snprintf(mark, sizeof(mark), "|%d \n", i);
        assert_non_null(strstr(decode_span(members), mark));
        snprintf(members, sizeof(members), "\"status\":{\"code\":%d}", i);
        assert_non_null(strstr(decode_span(members), mark));
    }
}

static void null_is_absent(void **state)
{
    (void)state;
    assert_string_equal(
        decode_span("\"name\":null,\"kind\":null,\"traceId\":null,"
                    "\"attributes\":null,\"events\":null,\"links\":[null],"
                    "\"status\":null,\"startTimeUnixNano\":null"),
        NO_ID NO_ID " " NO_ID " " NO_ID " | f0 k0 0-0{}|0 0 0|0 \n");
    assert_int_equal(decode("{\"resourceSpans\":null}"), 0);
    assert_int_equal(decode("{\"resourceSpans\":[null,{\"resource\":null,"
                            "\"scopeSpans\":[null,{\"scope\":null,\"spans\":"
                            "[null,{}],\"schemaUrl\":null}]}]}"),
                     0);
    assert_non_null(strstr(buf_cstr(&out), "{}| {}|" NO_ID));
}

static void resource_and_scope_behind_the_spans(void **state)
{
    (void)state;
    static const char json[] =
        " {\"x\":[{\"resource\":1}], \"resource_spans\" : [ "
        "{\"y\":\"resource\","
        "\"scope_spans\":[{\"spans\":[{\"name\":\"a\\\\\",\"resource\":"
        "{\"attributes\":[{\"key\":\"wrong\"}]}}],\"schema_url\" : \"su\","
        "\"scope\":{\"name\":\"n\\\"\",\"version\":\"1\",\"attributes\":"
        "[{\"key\":\"s\"}]}},{\"spans\":[{\"name\":\"b\"}]}],\"schemaUrl\":"
        "\"ru\",\"resource\":{\"attributes\":[{\"key\":\"r\",\"value\":"
        "{\"intValue\":1}}]}},{\"scopeSpans\":[{\"spans\":"
        "[{\"name\":\"c\"}]}]}],\"z\":{}}\n";
    static const char want[] =
        "{r=1}ru|n\" 1{s=-}su|" NO_ID NO_ID " " NO_ID " " NO_ID
        " |a\\ f0 k0 0-0{}|0 0 0|0 \n"
        "{r=1}ru| {}|" NO_ID NO_ID " " NO_ID " " NO_ID
        " |b f0 k0 0-0{}|0 0 0|0 \n"
        "{}| {}|" NO_ID NO_ID " " NO_ID " " NO_ID " |c f0 k0 0-0{}|0 0 0|0 \n";

    assert_int_equal(decode(json), 0);
    assert_string_equal(buf_cstr(&out), want);
}

static void lists_that_come_twice_are_joined(void **state)
{
    (void)state;
    assert_int_equal(
        decode("{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"name\":"
               "\"a\"}],\"spans\":[{\"name\":\"b\"}]}]}],\"resourceSpans\":"
               "[{\"resource\":{\"attributes\":[{\"key\":\"k\"}]},"
               "\"scopeSpans\":[{\"spans\":[{\"name\":\"c\"}]}]}]}"),
        0);
    assert_non_null(strstr(buf_cstr(&out), "|a f0"));
    assert_non_null(strstr(buf_cstr(&out), "|b f0"));
    assert_non_null(strstr(buf_cstr(&out), "|c f0"));
    assert_non_null(strstr(buf_cstr(&out), "\n{k=-}| {}|"));
}

static void faults_name_path_and_byte(void **state)
{
    (void)state;
    expect_fault("", "request: unexpected end of JSON, at byte 0");
    expect_fault("[]", "request: a request is a JSON object");
    expect_fault("{}x", "request: more after the end");
    expect_fault("{\"resourceSpans\":{}}",
                 "resourceSpans: an array is expected");
    expect_fault("{\"resourceSpans\":[1]}",
                 "resourceSpans[0]: an object is expected, at byte 18");
    expect_fault("{\"resourceSpans\":[{},{\"scopeSpans\":[{},{},7]}]}",
                 "resourceSpans[1].scopeSpans[2]: an object is expected");
    expect_fault("{\"resourceSpans\":[{\"resource\":[]}]}",
                 "resourceSpans[0].resource: an object is expected");
    expect_fault("{\"resourceSpans\":[{\"schemaUrl\":1}]}",
                 "resourceSpans[0].schemaUrl: a string is expected");
    expect_fault(
        "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{},{,}]}]}]}",
        "spans[1]: expected a member name");
    expect_fault("{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{}}]}]}",
                 "spans[0]: expected ',' or ']'");
    assert_non_null(strstr(buf_cstr(&out), "| {}|")); /* the first span */
}

static void every_truncation_is_a_fault(void **state)
{
    (void)state;
    const char *json =
        wrap("\"name\":\"a\\u0041\",\"kind\":3,\"attributes\":[{\"key\":\"k\","
             "\"value\":{\"arrayValue\":{\"values\":[{\"doubleValue\":1.5e3},"
             "{\"boolValue\":true}]}}}],\"unknown\":[{\"a\":null}]");
    char *copy = strdup(json);

    assert_non_null(copy);
    for (size_t n = strlen(json); n-- > 0;) {
        copy[n] = '\0';
        assert_int_equal(decode(copy), -1);
    }
    free(copy);
}

/* A value of so many arrays in each other. */
static int decode_nested(unsigned levels)
{
    struct buf deep;

    buf_init(&deep, 65536);
    buf_str(&deep, "\"attributes\":[{\"key\":\"k\",\"value\":");
    for (unsigned i = 0; i < levels; i++)
        buf_str(&deep, "{\"arrayValue\":{\"values\":[");
    for (unsigned i = 0; i < levels; i++)
        buf_str(&deep, "]}}");
    buf_str(&deep, "}]");
    int result = decode(wrap(buf_cstr(&deep)));
    buf_fini(&deep);
    return result;
}

static void nesting_has_a_ceiling(void **state)
{
    (void)state;
    assert_int_equal(decode_nested(OTLP_VALUE_DEPTH_MAX), 0);
    assert_int_equal(decode_nested(OTLP_VALUE_DEPTH_MAX + 1), OTLP_END);
    assert_non_null(strstr(err.text, "values[0].arrayValue: values are nested "
                                     "too deep, at byte"));
}

/* Decodes a body of so many copies of `piece` between head and tail. */
static int decode_many(const char *head, const char *piece, unsigned n,
                       const char *tail)
{
    buf_clear(&request);
    buf_str(&request, head);
    for (unsigned i = 0; i < n; i++)
        buf_str(&request, piece);
    buf_str(&request, tail);
    buf_clear(&out);
    return show_request(OTLP_JSON, buf_slice(&request), 9, &out, &err);
}

#define HEAD                                                                   \
    "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"name\":\"op\","
#define TAIL "}]}]}]}"
#define TOO_LARGE "(a span too large)\n"

/* Items of a list beyond its ceiling are passed over and counted, beside those
 * that the sender dropped. */
static void long_lists_are_cut(void **state)
{
    static const struct {
        const char *list, *mark;
    } rows[] = {
        {"\"droppedAttributesCount\":5,\"attributes\":[", "|6 0 0|"},
        {"\"droppedEventsCount\":5,\"events\":[", "|0 6 0|"},
        {"\"droppedLinksCount\":5,\"links\":[", "|0 0 6|"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char head[256];
        snprintf(head, sizeof(head), "%s%s", HEAD, rows[i].list);
        assert_int_equal(
            decode_many(head, "{},null,", OTLP_ITEMS_MAX - 1, "{}]" TAIL), 0);
        assert_null(strstr(buf_cstr(&out), rows[i].mark));
        assert_int_equal(
            decode_many(head, "{},null,", OTLP_ITEMS_MAX, "{}]" TAIL), 0);
        assert_non_null(strstr(buf_cstr(&out), rows[i].mark));
        assert_string_equal(err.text, "");
    }
}

/* A ceiling that one span hits costs that span alone; a fault still ends the
 * request. */
static void other_spans_survive(void **state)
{
    (void)state;
    assert_int_equal(
        decode_many(HEAD "\"unknown\":[[{\"a\":", "{}},1],[{\"a\":", 100000,
                    "0}]]},{\"name\":\"next\"" TAIL),
        OTLP_END);
    assert_non_null(strstr(buf_cstr(&out), TOO_LARGE));
    assert_non_null(strstr(buf_cstr(&out), "next"));
    assert_int_equal(decode_many(HEAD "\"unknown\":[", "{},", 200000,
                                 "{]},{\"name\":\"next\"" TAIL),
                     OTLP_BAD);
    assert_null(strstr(buf_cstr(&out), "next"));
}

static void one_span_has_its_share(void **state)
{
    (void)state;
    assert_int_equal(
        decode_many(HEAD "\"unknown\":[", "{},", 200000, "{}]" TAIL), OTLP_END);
    assert_non_null(strstr(err.text, otlp_why_work));
    assert_string_equal(buf_cstr(&out), TOO_LARGE);
    assert_int_equal(decode_many(HEAD "\"traceState\":\"", "0123456789abcdef",
                                 OTLP_STRING_MAX / 16, "\"" TAIL),
                     0);
    assert_int_equal(decode_many(HEAD "\"traceState\":\"", "0123456789abcdef",
                                 OTLP_STRING_MAX / 16, "x\"" TAIL),
                     OTLP_END);
    assert_non_null(strstr(err.text, otlp_why_string));
    assert_string_equal(buf_cstr(&out), TOO_LARGE);
    assert_int_equal(decode_many("{\"x\":\"", "0123456789abcdef",
                                 OTLP_STRING_MAX / 16 + 65536, "\"}"),
                     OTLP_LARGE);
    assert_string_equal(err.text,
                        "request: a string is longer than 4 MiB, at byte 6");
}

/* What stands outside of spans is skipped in steps, however much it is. */
static void unknown_members_may_be_large(void **state)
{
    (void)state;
    assert_int_equal(decode_many("{\"x\":[", "[{},\"]}\"],", 500000,
                                 "0],\"resourceSpans\":[{\"scopeSpans\":[{"
                                 "\"spans\":[{\"name\":\"op\"}]}]}]}"),
                     0);
    assert_non_null(strstr(buf_cstr(&out), "|op f0"));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(every_span_field),
        TEST(every_kind_of_value),
        TEST(wrong_values_are_faults),
        TEST(wrong_ids_and_names_are_no_faults),
        TEST(enums_have_names_and_numbers),
        TEST(null_is_absent),
        TEST(resource_and_scope_behind_the_spans),
        TEST(lists_that_come_twice_are_joined),
        TEST(faults_name_path_and_byte),
        TEST(every_truncation_is_a_fault),
        TEST(nesting_has_a_ceiling),
        TEST(long_lists_are_cut),
        TEST(other_spans_survive),
        TEST(one_span_has_its_share),
        TEST(unknown_members_may_be_large),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
