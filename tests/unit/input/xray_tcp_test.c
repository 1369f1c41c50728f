/* SPDX-License-Identifier: Apache-2.0 */
/* input/xray_tcp.c: POST /TraceSegments into a sink played here. */
#include "input/xray_tcp.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka wants the three above first */
#include <cmocka.h>

#include "../wire.h"

static struct http1 *server;
static struct stats *stats;
static struct pipeline *pipeline;
static struct xray_tcp *tcp;
static struct buf taken;
static bool full;

static enum push_result on_push(struct sink *s, const struct segment *seg,
                                enum push_when_full when, struct err *err)
{
    (void)s;
    assert_int_equal(when, WHEN_FULL_REFUSE);
    if (slice_is(seg->name, "bad")) {
        err_set(err, "a bad name");
        return PUSH_INVALID;
    }
    if (slice_is(seg->name, "late"))
        return PUSH_FULL;
    buf_append(&taken, seg->document);
    buf_byte(&taken, '\n');
    return PUSH_ACCEPTED;
}

static bool on_room(struct sink *s, size_t bytes)
{
    (void)s, (void)bytes;
    return !full;
}

static struct sink sink = {
    .name = "test", .push = on_push, .has_room = on_room};

static int setup(void **state)
{
    static const struct http1_limits limits = {.body_max = 1 << 20,
                                               .headers_max = 65536,
                                               .connections = 10,
                                               .timeout_s = 30};
    struct err err;
    (void)state;
    wire_loop = loop_new(&err);
    stats = stats_new();
    pipeline = pipeline_new(stats);
    pipeline_add(pipeline, &sink);
    tcp = xray_tcp_new(pipeline);
    server = http1_new(wire_loop, "127.0.0.1:0", &limits, NULL, &err);
    assert_non_null(server);
    http1_route(server, (struct http1_route){"POST", "*/TraceSegments",
                                             xray_tcp_handle, tcp});
    buf_init(&taken, 1 << 20);
    full = false;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    http1_free(server);
    xray_tcp_free(tcp);
    pipeline_free(pipeline);
    stats_free(stats);
    loop_free(wire_loop);
    buf_fini(&taken);
    return 0;
}

static char answer[65536];

static const char *post(const char *more, struct slice body)
{
    char head[256];
    snprintf(head, sizeof(head),
             "POST /TraceSegments HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
             "Content-Length: %zu\r\n%s\r\n",
             body.n, more);
    wire_ask(http1_bound(server), slice_str(head), body, answer,
             sizeof(answer));
    return answer;
}

static uint64_t rejected(enum reject_reason why)
{
    return *tcp->intake->rejected[why];
}

static void test_taken(void **state)
{
    (void)state;
    assert_has(post("", SLICE("{\"Other\":[{}],\"TraceSegmentDocuments\":["
                              "\"{\\\"id\\\":\\\"a\\\\n\\u00e9\\\"}\",\"{}\"]"
                              "}")),
               "\r\n\r\n{\"UnprocessedTraceSegments\":[]}");
    assert_string_equal(buf_cstr(&taken), "{\"id\":\"a\\n\xc3\xa9\"}\n{}\n");
    assert_int_equal(*tcp->intake->accepted, 2);
}

static void test_each_is_told(void **state)
{
    (void)state;
    assert_has(
        post("", SLICE("{\"TraceSegmentDocuments\":["
                       "\"{\\\"id\\\":\\\"1\\\",\\\"name\\\":\\\"bad\\\"}\","
                       "\"{\\\"id\\\":\\\"2\\\",\\\"name\\\":\\\"late\\\"}\","
                       "\"{\\\"id\\\":\\\"3\\\"}\",\"junk\",\"\"]}")),
        "200 OK");
    assert_has(answer, "[{\"Id\":\"1\",\"ErrorCode\":\"InvalidSegment\","
                       "\"Message\":\"a bad name\"},"
                       "{\"Id\":\"2\",\"ErrorCode\":\"ServiceUnavailable\","
                       "\"Message\":\"the buffer is full; send again "
                       "later\"},{\"ErrorCode\":\"ParseError\",");
    assert_string_equal(buf_cstr(&taken), "{\"id\":\"3\"}\n");
    assert_int_equal(*tcp->intake->accepted, 1);
    assert_int_equal(*tcp->intake->retry, 1);
    assert_int_equal(rejected(REJECT_INVALID), 1);
    assert_int_equal(rejected(REJECT_NOT_AN_OBJECT), 1);
    assert_int_equal(rejected(REJECT_NO_DOCUMENT), 1);
}

static void test_size(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 1 << 20);
    for (size_t pad = SEGMENT_MAX_BYTES - 8; pad < SEGMENT_MAX_BYTES - 6;
         pad++) {
        buf_clear(&b);
        buf_str(&b, "{\"TraceSegmentDocuments\":[\"{\\\"a\\\":\\\"");
        memset(buf_reserve(&b, pad), 'x', pad);
        b.n += pad;
        buf_str(&b, "\\\"}\"]}");
        assert_has(post("", buf_slice(&b)), "200 OK");
    }
    assert_has(answer, "SegmentTooLarge");
    assert_int_equal(*tcp->intake->accepted, 1);
    assert_int_equal(rejected(REJECT_TOO_LARGE), 1);
    buf_fini(&b);
}

static void test_refused_whole(void **state)
{
    (void)state;
    assert_has(post("", SLICE("{\"TraceSegmentDocuments\":[\"{}\",5]}")),
               "HTTP/1.1 400 ");
    assert_has(post("", SLICE("{\"TraceSegmentDocuments\":[\"{}\"]")),
               "HTTP/1.1 400 ");
    assert_has(post("", SLICE("{}")), "TraceSegmentDocuments is missing");
    assert_has(post("", SLICE("")), "HTTP/1.1 400 ");
    assert_has(post("Content-Encoding: gzip\r\n", SLICE("x")), "HTTP/1.1 415 ");
    assert_int_equal(rejected(REJECT_NOT_AN_OBJECT), 4);
    full = true;
    assert_has(post("", SLICE("{\"TraceSegmentDocuments\":[\"{}\",\"{}\"]}")),
               "Retry-After: 1\r\n");
    assert_has(answer, "HTTP/1.1 503 ");
    assert_int_equal(*tcp->intake->retry, 2);
    assert_int_equal(*tcp->intake->accepted, 0);
    assert_int_equal(taken.n, 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_taken),
        T(test_each_is_told),
        T(test_size),
        T(test_refused_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
