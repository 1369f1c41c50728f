/* SPDX-License-Identifier: Apache-2.0 */
/* The X-Ray sink: batches, retries, the memory bound, draining, telemetry. */
#include "sink/xray.c"

#include "xray_world.h"

static void sends_fifty_at_once_and_the_rest_when_idle(void **state)
{
    (void)state;
    push_many(0, 120);
    UNTIL(t.requests == 2 || t.requests == 3);
    UNTIL(waiting() == 0);
    assert_int_equal(delivered(), 120);
    assert_int_equal(t.sizes[0], 50);
    assert_int_equal(t.sizes[1], 50);
    assert_int_equal(t.sizes[2], 20);
    for (unsigned i = 0; i < 120; i++)
        assert_int_equal(t.seen[i], 1);
}

static void sends_the_daemons_headers(void **state)
{
    (void)state;
    char text[256];
    push_many(0, 1);
    UNTIL(delivered() == 1);
    const char *h = t.heads[0];
    assert_non_null(strstr(h, "POST /TraceSegments HTTP/1.1\r\n"));
    assert_non_null(strstr(h, "Content-Type: application/json\r\n"));
    assert_non_null(strstr(h, "Amz-Sdk-Request: attempt=1; max=2\r\n"));
    assert_non_null(strstr(h, "X-Amz-Security-Token: token\r\n"));
    assert_non_null(strstr(h, "User-Agent: test/1\r\n"));
    assert_null(strstr(h, "Expect"));
    header(h, "X-Amzn-Xray-Timestamp: ", text, sizeof(text));
    assert_int_equal(strlen(strchr(text, '.')), 10);
    header(h, "Amz-Sdk-Invocation-Id: ", text, sizeof(text));
    assert_int_equal(strlen(text), 36);
    header(h, "Authorization: ", text, sizeof(text));
    assert_non_null(
        strstr(text, "/us-east-1/xray/aws4_request, SignedHeaders="
                     "amz-sdk-invocation-id;amz-sdk-request;content-length;"
                     "content-type;host;x-amz-date;x-amz-security-token;"
                     "x-amzn-xray-timestamp, Signature="));
}

static void splits_the_base_url(void **state)
{
    (void)state;
    static const struct {
        const char *base, *host, *path;
    } rows[] = {
        {"https://x.example", "x.example", ""},
        {"https://x.example:443/", "x.example", ""},
        {"http://x.example:443", "x.example:443", ""},
        {"http://x.example:80/a/b/", "x.example", "/a/b"},
        {"http://u:p@[::1]:99/a", "[::1]:99", "/a"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct xray_endpoint e;
        xray_set_base(&e, "r", rows[i].base);
        assert_string_equal(e.host, rows[i].host);
        assert_string_equal(e.path, rows[i].path);
    }
}

static void waits_for_credentials(void **state)
{
    (void)state;
    t.has_cred = false;
    push_many(0, 50);
    UNTIL(t.waiting != NULL);
    struct err err = {"nothing found"};
    t.waiting(t.waiting_arg, NULL, &err);
    assert_false(xray_healthy(t.x, &err));
    assert_string_equal(err.text, "nothing found");
    t.has_cred = true;
    UNTIL(delivered() == 50);
    assert_true(xray_healthy(t.x, &err));
}

static void fail_twice(const struct request *r)
{
    if (r->number == 1)
        fake_reply(r->conn, 500, "", "");
    else if (r->number == 2)
        fake_reply(r->conn, 400, "X-Amzn-ErrorType: ThrottlingException\r\n",
                   "{}");
    else
        fake_reply(r->conn, 200, "", OK);
}

static void tries_again_under_the_same_id(void **state)
{
    (void)state;
    char first[64], third[64];
    t.script = fail_twice;
    push_many(0, 50);
    UNTIL(delivered() == 50);
    assert_int_equal(t.requests, 3);
    assert_non_null(strstr(t.heads[2], "attempt=3; max=3"));
    header(t.heads[0], "Amz-Sdk-Invocation-Id: ", first, sizeof(first));
    header(t.heads[2], "Amz-Sdk-Invocation-Id: ", third, sizeof(third));
    assert_string_equal(first, third);
    assert_int_equal(*t.x->n.retries, 2);
}

static void answer_badly(const struct request *r)
{
    if (r->number == 1)
        fake_close(r->conn);
    else if (r->number == 2)
        fake_reply(r->conn, 200, "", "<html>log in</html>");
    else if (r->number == 3)
        fake_reply(r->conn, 302, "Location: http://elsewhere/\r\n", "");
    else
        fake_reply(r->conn, 200, "", "");
}

static void no_bad_answer_counts_as_success(void **state)
{
    (void)state;
    t.script = answer_badly;
    push_many(0, 50);
    UNTIL(delivered() == 50);
    assert_int_equal(t.requests, 4);
    assert_int_equal(*t.x->n.not_json, 1);
    assert_int_equal(*t.x->n.http_3xx, 1);
}

static void expire_once(const struct request *r)
{
    if (r->number == 1)
        fake_reply(r->conn, 403, "",
                   "{\"__type\":\"com.amazon#ExpiredTokenException\"}");
    else
        fake_reply(r->conn, 200, "", OK);
}

static void expired_credentials_are_fetched_anew(void **state)
{
    (void)state;
    t.script = expire_once;
    push_many(0, 50);
    UNTIL(delivered() == 50);
    assert_int_equal(t.invalidated, 1);
    assert_int_equal(t.x->failures, 0);
}

static void be_late(const struct request *r)
{
    char text[64];
    header(r->head, "X-Amz-Date: ", text, sizeof(text));
    if (strncmp(text, "2099", 4) == 0)
        fake_reply(r->conn, 200, "", OK);
    else
        fake_reply(r->conn, 403, "Date: Sun, 15 Nov 2099 08:49:37 GMT\r\n",
                   "{\"__type\":\"InvalidSignatureException\"}");
}

static void a_wrong_clock_is_corrected(void **state)
{
    (void)state;
    t.script = be_late;
    push_many(0, 50);
    UNTIL(delivered() == 50);
    assert_int_equal(t.requests, 2);
    assert_int_equal(t.invalidated, 0);
}

static void deny(const struct request *r)
{
    fake_reply(r->conn, 403, "",
               "{\"__type\":\"AccessDeniedException\",\"message\":\"no\"}");
}

static void a_missing_permission_loses_nothing(void **state)
{
    (void)state;
    struct err why = {0};
    t.script = deny;
    for (unsigned i = 0; i < 4; i++)
        push_many(i * 50, 50);
    UNTIL(!xray_healthy(t.x, &why));
    assert_string_equal(why.text, "HTTP status 403 AccessDeniedException: no");
    assert_int_equal(waiting(), 200);
    t.script = NULL;
    xray_drain(t.x, loop_now_ms(t.loop) + 5000, stop, t.loop);
    loop_run(t.loop);
    assert_int_equal(delivered(), 200);
}

static void memory_is_bounded_and_the_oldest_go_first(void **state)
{
    (void)state;
    t.x->endpoint.known = false; /* nothing can go out */
    t.x->o.memory_bytes = 256 << 10;
    push_many(0, 4000);
    assert_true(xray_held(t.x) <= t.x->o.memory_bytes);
    uint64_t kept = waiting();
    assert_int_equal(*t.x->sink.dropped, 4000 - kept);
    assert_true(kept > 800); /* of some 150 bytes each, slack included */
    assert_false(t.x->sink.has_room(&t.x->sink, 200 << 10));
    assert_true(t.x->sink.busy(&t.x->sink));
    while (push_text("{\"name\":\"n\"}", WHEN_FULL_REFUSE) == PUSH_ACCEPTED)
        continue;
    assert_int_equal(push_text("{}", WHEN_FULL_REFUSE), PUSH_FULL);
    kept = waiting();
    t.x->endpoint.known = true;
    xray_pump(t.x);
    UNTIL(waiting() == 0);
    assert_int_equal(delivered(), kept);
    assert_int_equal(t.seen[0], 0);
    assert_int_equal(t.seen[3999], 1);
}

static void relief(void *arg)
{
    (void)arg;
    t.relieved++;
}

static void tells_when_it_is_relieved(void **state)
{
    (void)state;
    pipeline_on_relief(t.pipeline, relief, NULL);
    t.x->endpoint.known = false;
    push_many(0, 1000);
    assert_true(pipeline_busy(t.pipeline));
    t.x->endpoint.known = true;
    xray_pump(t.x);
    UNTIL(waiting() == 0);
    assert_int_equal(t.relieved, 1);
    assert_false(pipeline_busy(t.pipeline));
}

static void large_documents_go_alone(void **state)
{
    (void)state;
    static char big[2 << 20];
    memset(big, 'x', sizeof(big) - 1);
    push_many(0, 1);
    assert_int_equal(push_text(big, WHEN_FULL_REFUSE), PUSH_ACCEPTED);
    push_many(1, 1);
    UNTIL(delivered() == 3);
    assert_true(t.requests >= 2);
    t.x->o.memory_bytes = 1 << 20;
    assert_int_not_equal(push_text(big, WHEN_FULL_REFUSE), PUSH_ACCEPTED);
}

static void hang(const struct request *r)
{
    (void)r;
}

static void a_dead_backend_is_probed_by_one(void **state)
{
    (void)state;
    char base[64];
    xray_set_endpoint(t.x, "us-east-1", "http://127.0.0.1:1");
    push_many(0, 2000);
    UNTIL(t.x->failures >= 40);
    assert_int_equal(t.x->limit, 1);
    /* All but those tried before it was known are still untouched. */
    assert_true(t.x->lists[BATCH_BACKOFF].n < 2 * t.x->o.concurrency);
    assert_int_equal(waiting(), 2000);
    assert_true(*t.x->n.by_outcome[CLIENT_REFUSED] >= 40);
    snprintf(base, sizeof(base), "http://127.0.0.1:%u", t.server.port);
    xray_set_endpoint(t.x, "us-east-1", base);
    UNTIL(delivered() == 2000);
    assert_int_equal(t.x->limit, 4);
}

static void bounds_uploads_under_way(void **state)
{
    (void)state;
    t.script = hang;
    push_many(0, 1000);
    UNTIL(t.requests == 4);
    assert_int_equal(t.x->lists[BATCH_INFLIGHT].n, 4);
    assert_int_equal(t.x->lists[BATCH_READY].n, 16);
}

static void drained(void *arg)
{
    t.drained = true;
    loop_stop(arg);
}

static void drains_at_once(void **state)
{
    (void)state;
    t.x->o.flush_idle_ms = 60000;
    push_many(0, 70);
    xray_drain(t.x, loop_now_ms(t.loop) + 5000, drained, t.loop);
    loop_run(t.loop);
    assert_true(t.drained);
    assert_int_equal(delivered(), 70);
}

static void gives_up_at_the_deadline(void **state)
{
    (void)state;
    log_set_level(LOG_LEVEL_ERROR + 1);
    t.script = hang;
    push_many(0, 470);
    xray_drain(t.x, loop_now_ms(t.loop) + 100, drained, t.loop);
    loop_run(t.loop);
    assert_true(t.drained);
    assert_int_equal(waiting(), 0);
    assert_int_equal(*t.x->sink.dropped, 470);
}

static void telemetry_counts_the_last_batch(void **state)
{
    (void)state;
    struct telemetry_facts f = {"i-1", "host", NULL};
    xray_telemetry_start(t.x, &f);
    t.script = fail_twice;
    *pipeline_intake(t.pipeline, "udp")->accepted += 50;
    *pipeline_intake(t.pipeline, "udp")->rejected[REJECT_NO_HEADER] += 2;
    push_many(0, 50);
    xray_drain(t.x, loop_now_ms(t.loop) + 5000, drained, t.loop);
    loop_run(t.loop);
    assert_true(t.drained);
    char *time = strstr(t.telemetry, "\"Timestamp\":");
    assert_non_null(time);
    assert_string_equal(time + strcspn(time, "}"), "}]}");
    *time = '\0';
    assert_string_equal(
        t.telemetry,
        "{\"EC2InstanceId\":\"i-1\",\"Hostname\":\"host\",\"ResourceARN\":"
        "\"\",\"TelemetryRecords\":[{\"BackendConnectionErrors\":{"
        "\"ConnectionRefusedCount\":0,\"HTTPCode4XXCount\":1,"
        "\"HTTPCode5XXCount\":1,\"OtherCount\":0,\"TimeoutCount\":0,"
        "\"UnknownHostCount\":0},\"SegmentsReceivedCount\":52,"
        "\"SegmentsRejectedCount\":2,\"SegmentsSentCount\":50,"
        "\"SegmentsSpilloverCount\":0,");
}

static void gives_memory_back(void **state)
{
    (void)state;
    push_many(0, 200);
    UNTIL(waiting() == 0);
    assert_true(xray_held(t.x) > 0);
    assert_true(timer_running(t.x->tidy_timer));
    on_tidy_timer(t.x);
    assert_int_equal(xray_held(t.x), 0);
}

int main(void)
{
    alarm(120);
    const struct CMUnitTest tests[] = {
        TEST(sends_fifty_at_once_and_the_rest_when_idle),
        TEST(sends_the_daemons_headers),
        TEST(splits_the_base_url),
        TEST(waits_for_credentials),
        TEST(tries_again_under_the_same_id),
        TEST(no_bad_answer_counts_as_success),
        TEST(expired_credentials_are_fetched_anew),
        TEST(a_wrong_clock_is_corrected),
        TEST(a_missing_permission_loses_nothing),
        TEST(memory_is_bounded_and_the_oldest_go_first),
        TEST(tells_when_it_is_relieved),
        TEST(large_documents_go_alone),
        TEST(a_dead_backend_is_probed_by_one),
        TEST(bounds_uploads_under_way),
        TEST(drains_at_once),
        TEST(gives_up_at_the_deadline),
        TEST(telemetry_counts_the_last_batch),
        TEST(gives_memory_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
