/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The X-Ray sink against a small backend on the same loop. After each test
 * the ledger must balance: what was made has been delivered, refused or
 * dropped.
 */
#include "sink/xray.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "../fake_http.h"

#define DOCUMENTS_MAX 4096
#define OK "{\"UnprocessedTraceSegments\":[]}"
#define TRACE "1-5759e988-bd862e3fe1be46a994272793"

struct request {
    struct fake_conn *conn;
    const char *head, *body;
    unsigned number, n; /* of requests; documents in this one */
    unsigned ids[BATCH_DOCUMENTS_MAX];
};

static struct {
    struct loop *loop;
    struct client *client;
    struct stats *stats;
    struct pipeline *pipeline;
    struct fake_http server;
    struct xray *x;
    void (*script)(const struct request *r);
    unsigned requests, sizes[DOCUMENTS_MAX];
    unsigned seen[DOCUMENTS_MAX]; /* how often each document came */
    char heads[4][2048];
    char telemetry[2048], name[64];
    struct cred cred;
    bool has_cred, drained;
    cred_fn waiting;
    void *waiting_arg;
    unsigned invalidated, relieved;
} t;

/* --- credentials of the test ------------------------------------------- */
struct cred *cred_ref(struct cred *c)
{
    c->refs++;
    return c;
}

void cred_unref(struct cred *c)
{
    if (c)
        c->refs--;
}

void cred_get(struct cred_chain *c, cred_fn fn, void *arg)
{
    (void)c;
    if (t.has_cred) {
        fn(arg, &t.cred, NULL);
        return;
    }
    t.waiting = fn;
    t.waiting_arg = arg;
}

void cred_cancel(struct cred_chain *c, void *arg)
{
    (void)c;
    if (t.waiting_arg == arg)
        t.waiting = NULL;
}

void cred_invalidate(struct cred_chain *c, const struct cred *bad)
{
    (void)c;
    assert_ptr_equal(bad, &t.cred);
    t.invalidated++;
}

/* --- the backend -------------------------------------------------------- */
static void serve(void *arg, struct fake_conn *c, struct slice head,
                  struct slice body)
{
    (void)arg;
    char *text = strndup(body.p, body.n), *first = strndup(head.p, head.n);
    struct request r = {.conn = c, .head = first, .body = text};
    if (strstr(first, "/TelemetryRecords ")) {
        snprintf(t.telemetry, sizeof(t.telemetry), "%s", text);
        fake_reply(c, 200, "", "{}");
        free(text);
        free(first);
        return;
    }
    const char *at = text;
    while ((at = strstr(at, "\\\"id\\\":\\\""))) {
        at += 9;
        assert_true(r.n < BATCH_DOCUMENTS_MAX);
        r.ids[r.n++] = (unsigned)strtoul(at, NULL, 16);
    }
    for (unsigned i = 0; i < r.n; i++)
        t.seen[r.ids[i]]++;
    if (t.requests < 4)
        snprintf(t.heads[t.requests], sizeof(t.heads[0]), "%s", first);
    t.sizes[t.requests++] = r.n;
    r.number = t.requests;
    if (t.script)
        t.script(&r);
    else
        fake_reply(c, 200, "", OK);
    free(text);
    free(first);
}

static void use(const struct xray_options *o)
{
    char base[64];
    t.x = xray_new(t.loop, t.client, NULL, t.pipeline, t.stats, o);
    pipeline_add(t.pipeline, xray_sink(t.x));
    snprintf(base, sizeof(base), "http://127.0.0.1:%u/", t.server.port);
    xray_set_endpoint(t.x, "us-east-1", base);
}

static const struct xray_options usual = {.concurrency = 4,
                                          .flush_idle_ms = 20,
                                          .batch_documents = 50,
                                          .batch_bytes = 1 << 20,
                                          .memory_bytes = 64 << 20,
                                          .request_timeout_ms = 2000,
                                          .backoff_max_ms = 20,
                                          .user_agent = "test/1",
                                          .repair_names = true};

static int set_up(void **state)
{
    (void)state;
    memset(&t, 0, sizeof(t));
    log_set_level(LOG_LEVEL_ERROR);
    t.loop = loop_new(NULL);
    t.client =
        client_new(t.loop, &(struct client_options){.proxy = NULL}, NULL);
    t.stats = stats_new();
    t.pipeline = pipeline_new(t.stats);
    t.has_cred = true;
    t.cred = (struct cred){.refs = 1,
                           .access_key_id = SLICE("AKID"),
                           .secret_access_key = SLICE("secret"),
                           .session_token = SLICE("token")};
    fake_start(&t.server, t.loop, serve, NULL);
    use(&usual);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    struct sink *s = xray_sink(t.x);
    assert_int_equal(*s->made,
                     *s->delivered + *s->refused + *s->dropped + s->pending(s));
    xray_free(t.x);
    assert_int_equal(t.cred.refs, 1);
    pipeline_free(t.pipeline);
    client_free(t.client);
    fake_stop(&t.server);
    stats_free(t.stats);
    loop_free(t.loop);
    return 0;
}

static enum push_result push_text(const char *text, enum push_when_full w)
{
    struct err err = {0};
    struct segment seg = {.document = slice_str(text)};
    return pipeline_push(t.pipeline, &seg, w, &err);
}

static enum push_result push_id(unsigned id)
{
    char text[256];
    snprintf(text, sizeof(text),
             "{\"name\":\"n\",\"id\":\"%016x\",\"trace_id\":\"" TRACE
             "\",\"start_time\":1,\"end_time\":2}",
             id);
    return push_text(text, WHEN_FULL_DROP_OLDEST);
}

static void push_many(unsigned first, unsigned n)
{
    for (unsigned i = first; i < first + n; i++)
        assert_int_equal(push_id(i), PUSH_ACCEPTED);
}

/* Turns the loop until the condition holds, ten seconds at most. */
#define UNTIL(cond)                                                            \
    do {                                                                       \
        struct timer *tick_ = timer_new(t.loop, stop, t.loop);                 \
        for (int i_ = 0; i_ < 5000 && !(cond); i_++) {                         \
            timer_start(tick_, 2);                                             \
            loop_run(t.loop);                                                  \
        }                                                                      \
        timer_free(tick_);                                                     \
        assert_true(cond);                                                     \
    } while (0)

static void stop(void *arg)
{
    loop_stop(arg);
}

static uint64_t waiting(void)
{
    return xray_sink(t.x)->pending(xray_sink(t.x));
}

static uint64_t delivered(void)
{
    return *xray_sink(t.x)->delivered;
}

static uint64_t refused(void)
{
    return *xray_sink(t.x)->refused;
}

static void header(const char *head, const char *name, char *out, size_t size)
{
    const char *at = strstr(head, name);
    assert_non_null(at);
    at += strlen(name);
    snprintf(out, size, "%.*s", (int)strcspn(at, "\r"), at);
}

/* --- tests -------------------------------------------------------------- */
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

static void half_unprocessed(const struct request *r)
{
    char text[8192], one[128];
    snprintf(text, sizeof(text), "{\"UnprocessedTraceSegments\":[");
    for (unsigned i = 0; i < r->n && r->number == 1; i += 2) {
        snprintf(one, sizeof(one), "%s{\"Id\":\"%016x\",\"ErrorCode\":\"%s\"}",
                 i ? "," : "", r->ids[i],
                 i == 4 ? "InvalidSegment" : "ThrottledException");
        strcat(text, one);
    }
    strcat(text, "]}");
    fake_reply(r->conn, 200, "", text);
}

static void unprocessed_documents_part_ways(void **state)
{
    (void)state;
    t.script = half_unprocessed;
    push_many(0, 50);
    UNTIL(waiting() == 0);
    assert_int_equal(delivered(), 49);
    assert_int_equal(refused(), 1);
    for (unsigned i = 0; i < 50; i++)
        assert_int_equal(t.seen[i], i % 2 == 0 && i != 4 ? 2 : 1);
}

/* Document 7 is never taken, and no one says that it is that one. */
static void blame_no_one(const struct request *r)
{
    bool seven = false;
    for (unsigned i = 0; i < r->n; i++)
        seven |= r->ids[i] == 7;
    fake_reply(r->conn, 200, "",
               seven ? "{\"UnprocessedTraceSegments\":"
                       "[{\"ErrorCode\":\"InvalidSegment\"}]}"
                     : OK);
}

static void finds_the_document_that_no_one_names(void **state)
{
    (void)state;
    t.script = blame_no_one;
    push_many(0, 50);
    UNTIL(waiting() == 0);
    assert_int_equal(delivered(), 49);
    assert_int_equal(refused(), 1);
    assert_true(*t.x->n.splits >= 5);
}

static void blame_all(const struct request *r)
{
    fake_reply(r->conn, 200, "",
               r->number == 1 ? "{\"UnprocessedTraceSegments\":["
                                "{\"ErrorCode\":\"InternalFailure\"},"
                                "{\"Id\":null,\"ErrorCode\":\"Bad\"},"
                                "{\"Id\":\"unknown\",\"ErrorCode\":\"500\"}]}"
                              : OK);
}

static void entries_without_ids_count_by_position(void **state)
{
    (void)state;
    t.script = blame_all;
    push_many(0, 3);
    UNTIL(waiting() == 0);
    assert_int_equal(delivered(), 2);
    assert_int_equal(refused(), 1);
    assert_int_equal(t.seen[0], 2);
    assert_int_equal(t.seen[1], 1);
    assert_int_equal(t.seen[2], 2);
}

static void refuse_seven(const struct request *r)
{
    for (unsigned i = 0; i < r->n; i++) {
        if (r->ids[i] == 7) {
            fake_reply(r->conn, r->n > 9 ? 413 : 400, "",
                       "{\"code\":\"InvalidRequestException\"}");
            return;
        }
    }
    fake_reply(r->conn, 200, "", OK);
}

static void one_bad_document_takes_no_other_with_it(void **state)
{
    (void)state;
    t.script = refuse_seven;
    push_many(0, 100);
    UNTIL(waiting() == 0);
    assert_int_equal(delivered(), 99);
    assert_int_equal(refused(), 1);
    assert_int_equal(*t.x->sink.dropped, 0);
}

static void want_clean_names(const struct request *r)
{
    const char *at = strstr(r->body, "\\\"name\\\":\\\"");
    snprintf(t.name, sizeof(t.name), "%.*s", (int)strcspn(at + 11, "\\"),
             at + 11);
    if (strpbrk(t.name, "!*$"))
        fake_reply(r->conn, 200, "",
                   "{\"UnprocessedTraceSegments\":[{\"Id\":"
                   "\"0000000000000001\",\"ErrorCode\":\"InvalidName\"}]}");
    else
        fake_reply(r->conn, 200, "", OK);
}

static void names_are_cleaned_once(void **state)
{
    (void)state;
    t.script = want_clean_names;
    push_text("{\"name\":\"a!b*c\",\"id\":\"0000000000000001\"}",
              WHEN_FULL_DROP_OLDEST);
    UNTIL(waiting() == 0);
    assert_int_equal(delivered(), 1);
    assert_string_equal(t.name, "abc");
    assert_int_equal(*t.x->n.repairs, 1);
    t.x->o.repair_names = false;
    push_text("{\"name\":\"a!b*c\",\"id\":\"0000000000000001\"}",
              WHEN_FULL_DROP_OLDEST);
    UNTIL(waiting() == 0);
    assert_int_equal(refused(), 1);
}

static void repairs_names_alone(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 4096);
    assert_true(xray_repair_names(
        SLICE("{\"a\":{\"name\":\"x!\"}, \"name\" : \"n\\u0021\xc3\xa9\\\\\","
              "\"subsegments\":[{\"name\":\"!\"},"
              "{\"metadata\":{\"name\":\"!\"},\"name\":\"ok\"}]}"),
        &out));
    assert_string_equal(
        buf_cstr(&out),
        "{\"a\":{\"name\":\"x!\"}, \"name\" : \"n\xc3\xa9\\\\\","
        "\"subsegments\":[{\"name\":\"unknown\"},"
        "{\"metadata\":{\"name\":\"!\"},\"name\":\"ok\"}]}");
    buf_clear(&out);
    assert_false(xray_repair_names(SLICE("{\"name\":\"fine\"}"), &out));
    assert_false(xray_repair_names(SLICE("{\"name\":\"!\""), &out));
    assert_false(xray_repair_names(SLICE("]"), &out));
    buf_fini(&out);
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

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

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
        TEST(unprocessed_documents_part_ways),
        TEST(finds_the_document_that_no_one_names),
        TEST(entries_without_ids_count_by_position),
        TEST(one_bad_document_takes_no_other_with_it),
        TEST(names_are_cleaned_once),
        TEST(repairs_names_alone),
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
