/* SPDX-License-Identifier: Apache-2.0 */
/* sink/otlp.c: packages, and the memory that they may take. */
#include "sink/otlp.c"

#include "otlp_world.h"

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

/* Of those that wait; the newest is what is left. */
static void the_oldest_go(void **state)
{
    static char body[20001];
    struct exporter_options o = usual;
    (void)state;
    memset(body, 'b', sizeof(body) - 1);
    o.memory_bytes = 100000;
    o.concurrency = 1;
    use(&o);
    exporter_hold(t.x, true);
    for (char c = 'A'; c <= 'H'; c++) {
        body[0] = c;
        push_as(body, 1, true, WHEN_FULL_DROP_OLDEST);
    }
    exporter_hold(t.x, false);
    t.x->sink.flush(&t.x->sink);
    WAIT(settled());
    assert_in_range(t.requests, 2, 7);
    assert_int_equal(lost(LOSS_FULL), 8 - t.requests);
    for (unsigned i = 0; i < t.requests; i++)
        assert_int_equal(t.bodies[i][0], 'H' - (int)t.requests + 1 + (int)i);
}

static void packages_have_ceilings(void **state)
{
    static char body[60001];
    struct exporter_options o = usual;
    (void)state;
    memset(body, 'b', sizeof(body) - 1);
    o.memory_bytes = 8 << 20;
    use(&o);
    exporter_hold(t.x, true);
    for (int i = 0; i < 10; i++)
        push(body, 1);
    exporter_seal(t.x);
    assert_int_equal(t.x->ready.n, 2);
    assert_true(t.x->ready.first->body.n <= MERGE_MAX);
    for (int i = 0; i < PARTS_MAX + 1; i++)
        push("b", 1);
    assert_int_equal(t.x->ready.n, 3);
    assert_int_equal(t.x->ready.last->n_parts, PARTS_MAX);
    /* None of them holds more than it needs. */
    assert_int_equal(t.x->ready.first->body.cap, t.x->ready.first->body.n);
    exporter_hold(t.x, false);
    t.x->sink.flush(&t.x->sink);
    WAIT(settled());
}

static void its_name_is_a_label(void **state)
{
    struct exporter_options o = usual;
    (void)state;
    o.name = "a\"b\\c d\n";
    use(&o);
    assert_string_equal(t.x->o.name, "a_b_c_d_");
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

/* Whoever leaves is not held back any more. */
static void is_not_held_while_draining(void **state)
{
    (void)state;
    use(&usual);
    t.script = answer_503_twice;
    push("request", 2);
    exporter_drain(t.x, loop_now_ms(t.loop) + 20000, on_drained, NULL);
    exporter_hold(t.x, true);
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
    t.script = leave_hanging;
    push(body, 1);
    WAIT(t.requests == 1); /* what is packed counts as well */
    assert_true(held(t.x) > package_memory(t.x->sending.first));
    t.script = NULL;
    exporter_recall(t.x);
    push("second", 1);
    t.x->sink.flush(&t.x->sink);
    WAIT(settled());
    assert_int_equal(*t.x->sink.delivered, 2);
    assert_non_null(strstr(t.heads[1], "Content-Encoding: gzip\r\n"));
    assert_int_equal(held(t.x), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(goes_as_it_came),
        TEST(joins_protobuf_but_not_json),
        TEST(large_requests_go_alone),
        TEST(tries_again),
        TEST(gives_up_where_told),
        TEST(finds_the_request_at_fault),
        TEST(other_errors_are_final),
        TEST(counts_partial_success),
        TEST(holds_its_share_of_memory),
        TEST(drains),
        TEST(drops_at_the_deadline),
        TEST(is_recalled),
        TEST(signs_and_renews_keys),
        TEST(packs_in_steps),
        TEST(the_oldest_go),
        TEST(packages_have_ceilings),
        TEST(its_name_is_a_label),
        TEST(is_not_held_while_draining),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
