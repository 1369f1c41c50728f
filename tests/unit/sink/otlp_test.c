/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sink that passes OTLP on, against a small backend on the same loop. At
 * the end of each test its ledger must balance: what was made has been
 * delivered, refused or dropped.
 */
#include "sink/otlp.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../fake_cred.h"
#include "../fake_http.h"

#define REQUESTS_MAX 64
#define PROTOBUF_TYPE "Content-Type: application/x-protobuf\r\n"

static struct {
    struct loop *loop;
    struct client *client;
    struct stats *stats;
    struct pipeline *pipeline;
    struct fake_http server;
    struct exporter *x;
    void (*script)(struct fake_conn *c, unsigned number, const char *body);
    unsigned requests;
    char heads[REQUESTS_MAX][1024], bodies[REQUESTS_MAX][256];
    struct cred cred;
    unsigned invalidated;
    bool drained;
} t;

/* --- credentials of the test ------------------------------------------- */
void cred_get(struct cred_chain *c, cred_fn fn, void *arg)
{
    (void)c;
    fn(arg, &t.cred, NULL);
}

void cred_cancel(struct cred_chain *c, void *arg)
{
    (void)c;
    (void)arg;
}

void cred_invalidate(struct cred_chain *c, const struct cred *bad)
{
    (void)c;
    assert_ptr_equal(bad, &t.cred);
    t.invalidated++;
}

/* --- the world ---------------------------------------------------------- */
static void serve(void *arg, struct fake_conn *c, struct slice head,
                  struct slice body)
{
    (void)arg;
    assert_true(t.requests < REQUESTS_MAX);
    unsigned i = t.requests++;
    snprintf(t.heads[i], sizeof(t.heads[i]), "%.*s", SLICE_ARG(head));
    snprintf(t.bodies[i], sizeof(t.bodies[i]), "%.*s", SLICE_ARG(body));
    if (t.script)
        t.script(c, t.requests, t.bodies[i]);
    else
        fake_reply(c, 200, "", "");
}

static const struct exporter_options usual = {
    .name = "otlphttp",
    .compression = CODING_IDENTITY,
    .timeout_ms = 5000,
    .concurrency = 2,
    .memory_bytes = 1 << 20,
    .retry = true,
    .retry_first_ms = 1,
    .retry_max_ms = 20,
};

static void use(const struct exporter_options *o)
{
    struct exporter_options own = *o;
    char url[64];
    struct exporter_wiring w = {t.loop, t.client, NULL, t.stats};
    snprintf(url, sizeof(url), "http://127.0.0.1:%u/v1/traces", t.server.port);
    own.url = url;
    t.x = exporter_new(&w, &own);
    pipeline_add(t.pipeline, exporter_sink(t.x));
}

static int set_up(void **state)
{
    (void)state;
    memset(&t, 0, sizeof(t));
    log_set_level(LOG_LEVEL_ERROR);
    log_to_stderr();
    t.loop = loop_new(NULL);
    t.client =
        client_new(t.loop, &(struct client_options){.proxy = NULL}, NULL);
    t.stats = stats_new();
    t.pipeline = pipeline_new(t.stats);
    t.cred = (struct cred){.refs = 1,
                           .access_key_id = SLICE("AKID"),
                           .secret_access_key = SLICE("secret"),
                           .session_token = SLICE("token")};
    fake_start(&t.server, t.loop, serve, NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    const struct sink *s = exporter_sink(t.x);
    assert_int_equal(*s->made, *s->delivered + *s->refused + *s->dropped +
                                   s->pending((struct sink *)(uintptr_t)s));
    exporter_free(t.x);
    assert_int_equal(t.cred.refs, 1);
    fake_stop(&t.server);
    pipeline_free(t.pipeline);
    stats_free(t.stats);
    client_free(t.client);
    loop_free(t.loop);
    return 0;
}

static void on_limit(void *arg)
{
    *(bool *)arg = true;
    loop_stop(t.loop);
}

static void stop_loop(void *arg)
{
    (void)arg;
    loop_stop(t.loop);
}

/* Runs until the condition holds, looked at each ms. */
#define WAIT(condition)                                                        \
    do {                                                                       \
        bool late = false;                                                     \
        struct timer *limit = timer_new(t.loop, on_limit, &late);              \
        struct timer *look = timer_new(t.loop, stop_loop, NULL);               \
        timer_start(limit, 20000);                                             \
        while (!(condition) && !late) {                                        \
            timer_start(look, 1);                                              \
            loop_run(t.loop);                                                  \
        }                                                                      \
        timer_free(limit);                                                     \
        timer_free(look);                                                      \
        assert_false(late);                                                    \
    } while (0)

static enum push_result push_as(const char *body, uint64_t spans, bool json,
                                enum push_when_full when_full)
{
    struct err err = {""};
    struct otlp_request r = {
        .json = json, .body = slice_str(body), .spans = spans};
    return pipeline_push_otlp(t.pipeline, &r, when_full, &err);
}

static void push(const char *body, uint64_t spans)
{
    assert_int_equal(push_as(body, spans, false, WHEN_FULL_REFUSE),
                     PUSH_ACCEPTED);
}

static uint64_t lost(enum otlp_loss why)
{
    return *t.x->n.lost[why];
}

static bool settled(void)
{
    return t.x->sink.pending(&t.x->sink) == 0;
}

/* --- the tests ---------------------------------------------------------- */
static void goes_as_it_came(void **state)
{
    struct client_header headers[] = {{SLICE("x-key"), SLICE("value")},
                                      {SLICE("content-type"), SLICE("no")}};
    struct exporter_options o = usual;
    (void)state;
    o.headers = headers;
    o.n_headers = 2;
    use(&o);
    push("request", 3);
    WAIT(settled());
    assert_int_equal(t.requests, 1);
    assert_string_equal(t.bodies[0], "request");
    assert_non_null(strstr(t.heads[0], "POST /v1/traces HTTP/1.1\r\n"));
    assert_non_null(
        strstr(t.heads[0], "Content-Type: application/x-protobuf\r\n"));
    assert_non_null(strstr(t.heads[0], "x-key: value\r\n"));
    assert_null(strstr(t.heads[0], "content-type: no"));
    assert_null(strstr(t.heads[0], "Content-Encoding"));
    assert_int_equal(*t.x->sink.delivered, 3);
}

static void joins_protobuf_but_not_json(void **state)
{
    (void)state;
    use(&usual);
    exporter_hold(t.x, true);
    push("a", 1);
    push("b", 1);
    assert_int_equal(push_as("{1}", 1, true, WHEN_FULL_REFUSE), PUSH_ACCEPTED);
    assert_int_equal(push_as("{2}", 1, true, WHEN_FULL_REFUSE), PUSH_ACCEPTED);
    push("c", 1);
    exporter_hold(t.x, false);
    t.x->sink.flush(&t.x->sink);
    WAIT(settled());
    assert_int_equal(t.requests, 4);
    unsigned joined = 0, alone = 0;
    for (unsigned i = 0; i < t.requests; i++) {
        joined += strcmp(t.bodies[i], "ab") == 0;
        alone += t.bodies[i][0] == '{' && strlen(t.bodies[i]) == 3;
    }
    assert_int_equal(joined, 1);
    assert_int_equal(alone, 2);
}

static void large_requests_go_alone(void **state)
{
    static char large[MERGE_ALONE + 2];
    (void)state;
    memset(large, 'x', sizeof(large) - 1);
    use(&usual);
    exporter_hold(t.x, true);
    push("a", 1);
    push(large, 1);
    push("b", 1);
    exporter_hold(t.x, false);
    t.x->sink.flush(&t.x->sink);
    WAIT(settled());
    assert_int_equal(t.requests, 3);
}

static void answer_503_twice(struct fake_conn *c, unsigned n, const char *body)
{
    (void)body;
    fake_reply(c, n <= 2 ? 503 : 200, "", "");
}

static void tries_again(void **state)
{
    (void)state;
    use(&usual);
    t.script = answer_503_twice;
    push("request", 2);
    WAIT(settled());
    assert_int_equal(t.requests, 3);
    assert_int_equal(*t.x->sink.delivered, 2);
    assert_int_equal(t.x->failures, 0);
}

static void answer_503(struct fake_conn *c, unsigned n, const char *body)
{
    (void)n;
    (void)body;
    fake_reply(c, 503, "", "");
}

static void gives_up_where_told(void **state)
{
    struct exporter_options o = usual;
    (void)state;
    o.retry = false;
    use(&o);
    t.script = answer_503;
    push("request", 2);
    WAIT(settled());
    assert_int_equal(t.requests, 1);
    assert_int_equal(lost(LOSS_GAVE_UP), 2);
    assert_int_equal(*t.x->sink.dropped, 2);
}

static void answer_400_if_bad(struct fake_conn *c, unsigned n, const char *body)
{
    (void)n;
    fake_reply(c, strchr(body, 'X') ? 400 : 200, "", "X is not liked");
}

static void finds_the_request_at_fault(void **state)
{
    (void)state;
    use(&usual);
    t.script = answer_400_if_bad;
    exporter_hold(t.x, true);
    for (const char *p = "abXcd"; *p; p++)
        push((char[]){*p, '\0'}, 10);
    exporter_hold(t.x, false);
    t.x->sink.flush(&t.x->sink);
    WAIT(settled());
    assert_string_equal(t.bodies[0], "abXcd");
    assert_int_equal(*t.x->sink.delivered, 40);
    assert_int_equal(*t.x->sink.refused, 10);
    assert_int_equal(lost(LOSS_REFUSED), 10);
}

static void answer_by_status(struct fake_conn *c, unsigned n, const char *body)
{
    (void)n;
    fake_reply(c, (int)strtol(body, NULL, 10), "", "");
}

static void other_errors_are_final(void **state)
{
    static const char *const statuses[] = {"301", "401", "403",
                                           "404", "413", "500"};
    (void)state;
    use(&usual);
    t.script = answer_by_status;
    for (unsigned i = 0; i < 6; i++) {
        push(statuses[i], 1);
        WAIT(settled());
        assert_int_equal(t.requests, i + 1);
    }
    assert_int_equal(lost(LOSS_REFUSED), 6);
}

/* partial_success: rejected_spans 2, error_message "no" */
static void answer_partly(struct fake_conn *c, unsigned n, const char *body)
{
    (void)body;
    if (n == 1)
        fake_reply(c, 200, PROTOBUF_TYPE, "\x0a\x06\x08\x02\x12\x02no");
    else if (n == 2)
        fake_reply(c, 200, "Content-Type: application/json\r\n",
                   "{\"partialSuccess\":{\"rejectedSpans\":\"3\"}}");
    else
        fake_reply(c, 200, PROTOBUF_TYPE, "\x0a\x03\x08\xff\x7f");
}

static void counts_partial_success(void **state)
{
    (void)state;
    use(&usual);
    t.script = answer_partly;
    for (int i = 0; i < 3; i++) {
        push("request", 5);
        WAIT(settled());
    }
    /* The last answer claims more than there were. */
    assert_int_equal(*t.x->sink.delivered, 3 + 2 + 0);
    assert_int_equal(lost(LOSS_PARTIAL), 2 + 3 + 5);
}

static void holds_its_share_of_memory(void **state)
{
    static char body[20001];
    struct exporter_options o = usual;
    (void)state;
    memset(body, 'b', sizeof(body) - 1);
    o.memory_bytes = 100000;
    use(&o);
    exporter_hold(t.x, true);
    unsigned taken = 0;
    while (push_as(body, 1, false, WHEN_FULL_REFUSE) == PUSH_ACCEPTED)
        taken++;
    assert_in_range(taken, 2, 5);
    assert_true(held(t.x) <= o.memory_bytes);
    /* Nobody can be told: the oldest go. */
    for (int i = 0; i < 20; i++) {
        assert_int_equal(push_as(body, 1, i % 2, WHEN_FULL_DROP_OLDEST),
                         PUSH_ACCEPTED);
        assert_true(held(t.x) <= o.memory_bytes);
    }
    assert_true(lost(LOSS_FULL) >= 15);
    assert_int_equal(*t.x->sink.made, taken + 20);
}

static void on_drained(void *arg)
{
    (void)arg;
    t.drained = true;
}

static void drains(void **state)
{
    struct exporter_options o = usual;
    (void)state;
    o.flush_idle_ms = 60000;
    use(&o);
    push("request", 2);
    exporter_drain(t.x, loop_now_ms(t.loop) + 20000, on_drained, NULL);
    WAIT(t.drained);
    assert_int_equal(*t.x->sink.delivered, 2);
}

static void drops_at_the_deadline(void **state)
{
    (void)state;
    use(&usual);
    t.script = answer_503;
    push("request", 2);
    exporter_drain(t.x, loop_now_ms(t.loop) + 50, on_drained, NULL);
    WAIT(t.drained);
    assert_int_equal(lost(LOSS_DEADLINE), 2);
    assert_true(settled());
}

static void leave_hanging(struct fake_conn *c, unsigned n, const char *body)
{
    (void)c;
    (void)n;
    (void)body;
}

static void is_recalled(void **state)
{
    struct sink_queue q;
    struct exporter_options o = usual;
    (void)state;
    o.freezes = true;
    use(&o);
    t.script = leave_hanging;
    push("request", 2);
    exporter_queue(t.x, &q);
    assert_int_equal(q.documents, 2);
    assert_int_equal(q.uploads, 0); /* held from the start */
    exporter_hold(t.x, false);
    t.x->sink.flush(&t.x->sink);
    WAIT(t.requests == 1);
    exporter_queue(t.x, &q);
    assert_int_equal(q.documents, 0);
    assert_int_equal(q.uploads, 1);
    exporter_recall(t.x);
    exporter_queue(t.x, &q);
    assert_int_equal(q.documents, 2);
    assert_int_equal(q.uploads, 0);
    t.script = NULL;
    t.x->sink.flush(&t.x->sink);
    WAIT(settled());
    assert_int_equal(*t.x->sink.delivered, 2);
}

static void answer_403_once(struct fake_conn *c, unsigned n, const char *body)
{
    (void)body;
    fake_reply(c, n == 1 ? 403 : 200, "", "");
}

static void signs_and_renews_keys(void **state)
{
    struct exporter_options o = usual;
    (void)state;
    o.service = "xray";
    use(&o);
    t.script = answer_403_once;
    push("request", 1);
    assert_int_equal(t.x->sending.n, 0); /* the region is not known */
    exporter_set_region(t.x, "eu-west-1");
    WAIT(settled());
    assert_int_equal(t.requests, 2);
    assert_int_equal(t.invalidated, 1);
    assert_int_equal(*t.x->sink.delivered, 1);
    assert_non_null(strstr(t.heads[0], "/eu-west-1/xray/aws4_request"));
    assert_non_null(strstr(t.heads[0], "X-Amz-Security-Token: token"));
}

static void packs_in_steps(void **state)
{
    static char body[1 << 20];
    struct exporter_options o = usual;
    (void)state;
    memset(body, 'b', sizeof(body) - 1);
    o.compression = CODING_GZIP;
    o.memory_bytes = 8 << 20;
    use(&o);
    push(body, 1);
    push("second", 1);
    WAIT(settled());
    assert_int_equal(*t.x->sink.delivered, 2);
    assert_non_null(strstr(t.heads[0], "Content-Encoding: gzip\r\n"));
    assert_int_equal(held(t.x), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(goes_as_it_came),           TEST(joins_protobuf_but_not_json),
        TEST(large_requests_go_alone),   TEST(tries_again),
        TEST(gives_up_where_told),       TEST(finds_the_request_at_fault),
        TEST(other_errors_are_final),    TEST(counts_partial_success),
        TEST(holds_its_share_of_memory), TEST(drains),
        TEST(drops_at_the_deadline),     TEST(is_recalled),
        TEST(signs_and_renews_keys),     TEST(packs_in_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
