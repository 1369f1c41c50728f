/* SPDX-License-Identifier: Apache-2.0 */
/* sink/otlp_send.c: what is sent again, when, and in which order. */
#include "sink/otlp_send.c"

#include "otlp_world.h"

static void flush_all(void)
{
    exporter_hold(t.x, false);
    t.x->sink.flush(&t.x->sink);
}

static void push_json(const char *body)
{
    assert_int_equal(push_as(body, 1, true, WHEN_FULL_REFUSE), PUSH_ACCEPTED);
}

static void fail_each_once(struct fake_conn *c, unsigned n, const char *body)
{
    int status = n % 2 == 1 ? (int)strtol(body, NULL, 10) : 200;
    fake_reply(c, status, "", "");
}

static void some_statuses_are_tried_again(void **state)
{
    static const char *const statuses[] = {"429", "502", "503", "504"};
    (void)state;
    use(&usual);
    t.script = fail_each_once;
    for (unsigned i = 0; i < 4; i++) {
        push(statuses[i], 1);
        WAIT(settled());
        assert_int_equal(t.requests, 2 * i + 2);
    }
    assert_int_equal(*t.x->sink.delivered, 4);
}

static void fail_first(struct fake_conn *c, unsigned n, const char *body)
{
    (void)body;
    fake_reply(c, n == 1 ? 503 : 200, "", "");
}

static void the_failed_one_goes_first(void **state)
{
    struct exporter_options o = usual;
    (void)state;
    o.concurrency = 1;
    use(&o);
    t.script = fail_first;
    exporter_hold(t.x, true);
    push_json("{1}");
    push_json("{2}");
    flush_all();
    WAIT(settled());
    assert_int_equal(t.requests, 3);
    assert_string_equal(t.bodies[1], "{1}");
    assert_string_equal(t.bodies[2], "{2}");
}

static void fail_then_hang(struct fake_conn *c, unsigned n, const char *body)
{
    (void)body;
    if (n == 1)
        fake_reply(c, 503, "", "");
}

/* A backend that fails is asked by one request at a time. */
static void one_tries(void **state)
{
    (void)state;
    use(&usual);
    t.script = fail_then_hang;
    push_json("{1}");
    WAIT(t.x->failures == 1);
    push_json("{2}");
    push_json("{3}");
    WAIT(t.requests == 2);
    assert_int_equal(t.x->sending.n, 1);
    assert_int_equal(t.x->ready.n, 2);
    t.script = NULL;
    exporter_recall(t.x);
    flush_all();
    WAIT(settled());
}

/* One failure is all that fails of what was sent before it was known. */
static void those_on_the_wire_fail_together(void **state)
{
    (void)state;
    use(&usual);
    struct package before = {.sent_ms = loop_now_ms(t.loop) - 1};
    struct package after = {.sent_ms = loop_now_ms(t.loop) + 60000};
    exporter_failed(t.x, &before, 0);
    exporter_failed(t.x, &before, 0);
    assert_int_equal(t.x->failures, 1);
    exporter_failed(t.x, &after, 0);
    assert_int_equal(t.x->failures, 2);
}

static void keys_come_later(void **state)
{
    struct exporter_options o = usual;
    (void)state;
    o.service = "xray";
    use(&o);
    t.no_cred = true;
    exporter_set_region(t.x, "eu-west-1");
    push("request", 1);
    WAIT(t.x->resume_ms != 0);
    assert_true(t.x->resume_ms <= loop_now_ms(t.loop) + 2000);
    t.no_cred = false;
    WAIT(settled());
    assert_int_equal(*t.x->sink.delivered, 1);
}

static void ask_for_a_second(struct fake_conn *c, unsigned n, const char *body)
{
    (void)body;
    fake_reply(c, n == 1 ? 503 : 200, "Retry-After: 1\r\n", "");
}

static void waits_as_long_as_it_is_asked(void **state)
{
    (void)state;
    use(&usual);
    t.script = ask_for_a_second;
    push("request", 1);
    WAIT(*t.x->n.failed == 1);
    int64_t then = loop_now_ms(t.loop);
    assert_true(t.x->resume_ms >= then + 900);
    WAIT(settled());
    assert_true(loop_now_ms(t.loop) >= then + 900);
}

static void ask_for_an_hour(struct fake_conn *c, unsigned n, const char *body)
{
    (void)body;
    fake_reply(c, n == 1 ? 503 : 200, "Retry-After: 3600\r\n", "");
}

/* There is no time for that at the end. */
static void does_not_wait_while_draining(void **state)
{
    (void)state;
    use(&usual);
    t.script = ask_for_an_hour;
    push("request", 1);
    exporter_drain(t.x, loop_now_ms(t.loop) + 30000, stop_loop, NULL);
    WAIT(settled());
    assert_int_equal(*t.x->sink.delivered, 1);
}

static void fail_then_refuse(struct fake_conn *c, unsigned n, const char *body)
{
    (void)body;
    fake_reply(c, n == 1 ? 503 : 400, "", "");
}

/* Whoever refuses a request is there. */
static void a_refusal_is_no_failure(void **state)
{
    (void)state;
    use(&usual);
    t.script = fail_then_refuse;
    push("request", 1);
    WAIT(settled());
    assert_int_equal(t.requests, 2);
    assert_int_equal(t.x->failures, 0);
    assert_int_equal(t.x->resume_ms, 0);
}

static void refuse_several(struct fake_conn *c, unsigned n, const char *body)
{
    (void)n;
    fake_reply(c, strlen(body) > 1 ? 400 : 200, "", "");
}

static void halves_keep_their_order(void **state)
{
    struct exporter_options o = usual;
    (void)state;
    o.concurrency = 1;
    use(&o);
    t.script = refuse_several;
    exporter_hold(t.x, true);
    for (const char *p = "abcd"; *p; p++)
        push((char[]){*p, '\0'}, 1);
    flush_all();
    WAIT(settled());
    assert_string_equal(t.bodies[1], "ab");
    assert_string_equal(t.bodies[2], "a");
    assert_string_equal(t.bodies[4], "cd");
    assert_int_equal(*t.x->sink.delivered, 4);
}

static void redirect(struct fake_conn *c, unsigned n, const char *body)
{
    (void)n, (void)body;
    fake_reply(c, 302, "Location: http://elsewhere/\r\n", "");
}

static void a_redirection_is_told(void **state)
{
    struct err why = {""};
    (void)state;
    use(&usual);
    t.script = redirect;
    push("request", 1);
    WAIT(settled());
    exporter_failure(t.x, &why);
    assert_non_null(strstr(why.text, "redirects to http://elsewhere/"));
}

static void deny(struct fake_conn *c, unsigned n, const char *body)
{
    (void)n, (void)body;
    fake_reply(c, 403, "", "");
}

/* With other keys at once, but once: then it waits, and is not dropped. */
static void denied_again(void **state)
{
    struct exporter_options o = usual;
    (void)state;
    o.service = "xray";
    use(&o);
    t.script = deny;
    exporter_set_region(t.x, "eu-west-1");
    push("request", 1);
    WAIT(t.x->failures == 1);
    assert_int_equal(t.requests, 2);
    assert_int_equal(t.invalidated, 1);
    assert_int_equal(lost(LOSS_REFUSED), 0);
    t.script = NULL;
    WAIT(settled());
    assert_int_equal(*t.x->sink.delivered, 1);
}

static void deny_by_the_clock(struct fake_conn *c, unsigned n, const char *body)
{
    (void)body;
    fake_reply(c, n == 1 ? 403 : 200, "Date: Mon, 01 Jan 2035 00:00:00 GMT\r\n",
               "");
}

static void takes_over_the_clock(void **state)
{
    struct exporter_options o = usual;
    (void)state;
    o.service = "xray";
    use(&o);
    t.script = deny_by_the_clock;
    exporter_set_region(t.x, "eu-west-1");
    push("request", 1);
    WAIT(settled());
    assert_int_equal(t.requests, 2);
    assert_int_equal(t.invalidated, 0);
    assert_non_null(strstr(t.heads[1], "X-Amz-Date: 2035"));
}

static const char *length_of(unsigned i)
{
    const char *p = strstr(t.heads[i], "Content-Length: ");
    return p ? p : "";
}

static void packed_anew_for_each_attempt(void **state)
{
    struct exporter_options o = usual;
    (void)state;
    o.compression = CODING_GZIP;
    use(&o);
    t.script = fail_first;
    push("request", 1);
    WAIT(settled());
    assert_int_equal(t.requests, 2);
    assert_memory_equal(length_of(0), length_of(1), 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(some_statuses_are_tried_again),
        TEST(the_failed_one_goes_first),
        TEST(one_tries),
        TEST(those_on_the_wire_fail_together),
        TEST(keys_come_later),
        TEST(waits_as_long_as_it_is_asked),
        TEST(does_not_wait_while_draining),
        TEST(a_refusal_is_no_failure),
        TEST(halves_keep_their_order),
        TEST(a_redirection_is_told),
        TEST(denied_again),
        TEST(takes_over_the_clock),
        TEST(packed_anew_for_each_attempt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
