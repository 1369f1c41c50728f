/* SPDX-License-Identifier: Apache-2.0 */
/* The life of an extension, as sequences of events with a clock of our own. */
#include "life_world.h"

static void test_registers_first(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    assert_int_equal(kind(&w, LIFE_EVENT_START), LIFE_HOLD | LIFE_REGISTER);
    assert_int_equal(kind(&w, LIFE_EVENT_REGISTERED), LIFE_SUBSCRIBE);
    assert_int_equal(kind(&w, LIFE_EVENT_SUBSCRIBED), LIFE_HOLD | LIFE_NEXT);
}

static void test_telemetry_that_never_answers(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    kind(&w, LIFE_EVENT_START);
    kind(&w, LIFE_EVENT_REGISTERED);
    assert_false(pass(&w, 499) & LIFE_NEXT);
    assert_true(pass(&w, 1) & LIFE_NEXT);
    /* Its answer, late, asks for nothing more. */
    assert_int_equal(kind(&w, LIFE_EVENT_SUBSCRIBED), 0);
    assert_true(w.life.telemetry);
}

static void test_eager_upload_then_next(void **state)
{
    (void)state;
    struct world w;
    begin_waiting(&w);
    assert_int_equal(invoke(&w), LIFE_RELEASE);
    pass(&w, 20);
    queued(&w, 1);
    assert_int_equal(kind(&w, LIFE_EVENT_CHANGED), LIFE_UPLOAD);
    assert_int_equal(uploaded(&w), 0);
    pass(&w, 25);
    assert_int_equal(done(&w, "r1"), LIFE_DRAIN);
    assert_int_equal(kind(&w, LIFE_EVENT_DRAINED), 0); /* on the wire */
    pass(&w, 100);
    assert_int_equal(upload_ends(&w), LIFE_HOLD | LIFE_NEXT);
}

static void test_rest_is_sent_at_the_end(void **state)
{
    (void)state;
    struct world w;
    begin_waiting(&w);
    invoke(&w);
    assert_int_equal(done(&w, "r1"), LIFE_DRAIN);
    queued(&w, 2); /* out of the sockets */
    assert_int_equal(kind(&w, LIFE_EVENT_DRAINED), LIFE_UPLOAD);
    assert_int_equal(uploaded(&w), 0);
    assert_int_equal(upload_ends(&w), LIFE_HOLD | LIFE_NEXT);
}

/* It failed, and waits for another time: nothing is on the wire. */
static void test_failed_upload_holds_nothing_up(void **state)
{
    (void)state;
    struct world w;
    begin_waiting(&w);
    invoke(&w);
    done(&w, "r1");
    queued(&w, 1);
    kind(&w, LIFE_EVENT_DRAINED);
    uploaded(&w);
    queued(&w, 1);
    w.queue.failures = 1;
    assert_true(upload_ends(&w) & LIFE_NEXT);
}

static void test_datagrams_are_waited_for(void **state)
{
    (void)state;
    struct world w;
    begin_waiting(&w);
    invoke(&w);
    queued(&w, 1);
    struct life_event e = {.kind = LIFE_EVENT_CHANGED, .datagram = true};
    assert_int_equal(feed(&w, e), 0);
    pass(&w, 4);
    assert_int_equal(feed(&w, e), 0);
    assert_int_equal(pass(&w, 4), 0);
    assert_int_equal(pass(&w, 1), LIFE_UPLOAD);
}

static void test_two_eager_uploads_at_most(void **state)
{
    (void)state;
    struct world w;
    begin_waiting(&w);
    invoke(&w);
    queued(&w, 1);
    w.queue.uploads = 2;
    assert_int_equal(kind(&w, LIFE_EVENT_CHANGED), 0);
    w.queue.uploads = 1;
    assert_int_equal(kind(&w, LIFE_EVENT_CHANGED), LIFE_UPLOAD);
}

static void test_bodies_under_way(void **state)
{
    (void)state;
    struct world w;
    begin_waiting(&w);
    invoke(&w);
    done(&w, "r1");
    w.queue.open = 1;
    assert_int_equal(kind(&w, LIFE_EVENT_DRAINED), 0);
    assert_false(pass(&w, 19) & LIFE_NEXT);
    assert_true(pass(&w, 6) & LIFE_NEXT); /* 20 ms, looked at each 5 */
}

static void test_cap_after_the_handler(void **state)
{
    (void)state;
    struct world w;
    begin_waiting(&w);
    invoke(&w);
    w.queue.uploads = 1;
    pass(&w, 100);
    done(&w, "r1");
    kind(&w, LIFE_EVENT_DRAINED);
    assert_false(pass(&w, 1499) & LIFE_NEXT);
    assert_int_equal(pass(&w, 1), LIFE_HOLD | LIFE_RECALL | LIFE_NEXT);
}

static void test_cap_before_the_deadline(void **state)
{
    (void)state;
    struct world w;
    begin_waiting(&w);
    invoke(&w);
    w.queue.uploads = 1;
    pass(&w, TIMEOUT_MS - 500);
    done(&w, "r1");
    kind(&w, LIFE_EVENT_DRAINED);
    assert_false(pass(&w, 399) & LIFE_NEXT);
    assert_true(pass(&w, 1) & LIFE_RECALL);
}

static void test_frequent_asks_at_once(void **state)
{
    (void)state;
    struct world w;
    begin_waiting(&w);
    invocations(&w, 3, 100);
    pass(&w, 100);
    assert_int_equal(invoke(&w), LIFE_HOLD | LIFE_NEXT);
    queued(&w, 1);
    assert_int_equal(kind(&w, LIFE_EVENT_CHANGED), 0);
    assert_int_equal(done(&w, w.id), 0);
}

static void test_frequent_uploads_at_the_interval(void **state)
{
    (void)state;
    struct world w;
    begin_waiting(&w);
    invocations(&w, 5, 1000);
    queued(&w, 1);
    for (int i = 0; i < 4; i++) {
        pass(&w, 1000);
        assert_int_equal(invoke(&w), LIFE_HOLD | LIFE_NEXT);
    }
    pass(&w, 1000);
    assert_int_equal(invoke(&w), LIFE_RELEASE | LIFE_UPLOAD);
    assert_int_equal(uploaded(&w), 0);
    /* The handler's end does not matter, the upload's does. */
    assert_int_equal(done(&w, w.id), 0);
    /* What comes meanwhile waits for the next time. */
    queued(&w, 1);
    assert_int_equal(kind(&w, LIFE_EVENT_CHANGED), 0);
    assert_int_equal(upload_ends(&w), LIFE_HOLD | LIFE_NEXT);
}

/* The wait for an upload counts from the first news of the handler's end. */
static void test_cap_counts_from_the_first_news(void **state)
{
    (void)state;
    struct world w;
    begin_waiting(&w);
    invocations(&w, 4, 10);
    queued(&w, 50);
    assert_true(invoke(&w) & LIFE_UPLOAD);
    uploaded(&w);
    done(&w, w.id);
    assert_false(pass(&w, 1000) & LIFE_NEXT);
    done(&w, w.id);
    assert_false(pass(&w, 499) & LIFE_NEXT);
    assert_int_equal(pass(&w, 1), LIFE_HOLD | LIFE_RECALL | LIFE_NEXT);
}

static void test_frequent_uploads_when_much_waits(void **state)
{
    (void)state;
    struct world w;
    begin_waiting(&w);
    invocations(&w, 4, 10);
    queued(&w, 50);
    assert_true(invoke(&w) & LIFE_UPLOAD);
    uploaded(&w);
    upload_ends(&w);
    queued(&w, 1);
    w.queue.bytes = 64 << 10;
    assert_true(invoke(&w) & LIFE_UPLOAD);
}

static void test_back_to_rare(void **state)
{
    (void)state;
    struct world w;
    begin_waiting(&w);
    invocations(&w, 10, 10);
    pass(&w, 60000);
    assert_int_equal(invoke(&w), LIFE_RELEASE); /* waits for the end */
}

/* The average decides, not the last gap. */
static void test_one_long_gap(void **state)
{
    (void)state;
    struct world w;
    begin_waiting(&w);
    invocations(&w, 10, 10);
    pass(&w, 6000);
    assert_int_equal(invoke(&w), LIFE_HOLD | LIFE_NEXT);
    begin_waiting(&w);
    invocations(&w, 10, 5100); /* just longer than the interval */
    pass(&w, 5100);
    assert_int_equal(invoke(&w), LIFE_RELEASE);
}

/* What the one before left goes beside the handler of this one. */
static void test_rest_of_the_one_before(void **state)
{
    (void)state;
    struct world w;
    begin_waiting(&w);
    invocation(&w);
    queued(&w, 1);
    assert_int_equal(invoke(&w), LIFE_RELEASE | LIFE_UPLOAD);
}

/* A datagram's wait ends with its invocation. */
static void test_wait_for_datagrams_ends(void **state)
{
    (void)state;
    struct world w;
    begin_waiting(&w);
    invoke(&w);
    queued(&w, 1);
    feed(&w, (struct life_event){.kind = LIFE_EVENT_CHANGED, .datagram = true});
    done(&w, w.id);
    assert_true(kind(&w, LIFE_EVENT_DRAINED) & LIFE_UPLOAD);
    uploaded(&w);
    assert_true(upload_ends(&w) & LIFE_NEXT);
    assert_int_equal(invoke(&w), LIFE_RELEASE);
    assert_int_equal(pass(&w, 100), 0);
}

static void test_modes(void **state)
{
    (void)state;
    struct world w;
    begin_with(&w, (struct lambda_policy){.flush = LAMBDA_FLUSH_END,
                                          .interval_ms = 5000});
    to_waiting(&w, LIFE_EVENT_SUBSCRIBED);
    invocations(&w, 10, 10);
    assert_int_equal(invoke(&w), LIFE_RELEASE);
    begin_with(&w, (struct lambda_policy){.flush = LAMBDA_FLUSH_PERIODIC,
                                          .interval_ms = 5000});
    to_waiting(&w, LIFE_EVENT_SUBSCRIBED);
    assert_true(invoke(&w) & LIFE_NEXT);
}

static void test_lost_runtime_done(void **state)
{
    (void)state;
    struct world w;
    begin_waiting(&w);
    invoke(&w);
    assert_false(pass(&w, TIMEOUT_MS - 51) & LIFE_NEXT);
    assert_true(pass(&w, 1) & LIFE_NEXT);
    /* The next one does not wait again, until the news come. */
    assert_true(invoke(&w) & LIFE_NEXT);
    done(&w, "r2");
    assert_false(invoke(&w) & LIFE_NEXT);
}

static void test_late_and_double_news(void **state)
{
    (void)state;
    struct world w;
    begin_waiting(&w);
    invocation(&w);
    assert_int_equal(done(&w, "r1"), 0);
    invoke(&w);
    assert_int_equal(done(&w, "r1"), 0); /* of the one before */
    assert_int_equal(done(&w, "r2"), LIFE_DRAIN);
    assert_int_equal(done(&w, "r2"), 0);
    assert_true(kind(&w, LIFE_EVENT_DRAINED) & LIFE_NEXT);
    assert_int_equal(kind(&w, LIFE_EVENT_DRAINED), 0);
}

static void test_news_before_the_event(void **state)
{
    (void)state;
    struct world w;
    begin_waiting(&w);
    done(&w, "r1");
    assert_int_equal(invoke(&w), LIFE_RELEASE | LIFE_DRAIN);
    assert_true(kind(&w, LIFE_EVENT_DRAINED) & LIFE_NEXT);
}

static void test_event_out_of_turn(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    assert_int_equal(invoke(&w), 0);
    assert_int_equal(kind(&w, LIFE_EVENT_REGISTERED), 0);
    assert_int_equal(kind(&w, LIFE_EVENT_EMPTY), 0);
    to_waiting(&w, LIFE_EVENT_SUBSCRIBED);
    assert_int_equal(kind(&w, LIFE_EVENT_START), 0);
    assert_int_equal(kind(&w, LIFE_EVENT_INVOKE_REFUSED), 0);
    assert_int_equal(kind(&w, LIFE_EVENT_TICK), 0);
    invoke(&w);
    assert_int_equal(invoke(&w), 0);
}

static void test_breaker(void **state)
{
    (void)state;
    struct world w;
    begin_waiting(&w);
    queued(&w, 1);
    w.queue.failures = 3;
    assert_int_equal(invoke(&w), LIFE_HOLD | LIFE_NEXT);
    pass(&w, 29999);
    assert_int_equal(invoke(&w), LIFE_HOLD | LIFE_NEXT);
    pass(&w, 1);
    /* One tries. */
    assert_int_equal(invoke(&w), LIFE_RELEASE | LIFE_UPLOAD);
    w.queue.failures = 4;
    done(&w, w.id);
    kind(&w, LIFE_EVENT_DRAINED);
    assert_true(kind(&w, LIFE_EVENT_UPLOADED) & LIFE_NEXT);
    assert_int_equal(invoke(&w), LIFE_HOLD | LIFE_NEXT);
    w.queue.failures = 0;
    pass(&w, 30000);
    assert_true(invoke(&w) & LIFE_UPLOAD);
    assert_int_equal(w.life.breaker_ms, 0);
}

static void test_emulator_without_telemetry(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    kind(&w, LIFE_EVENT_START);
    kind(&w, LIFE_EVENT_REGISTERED);
    assert_int_equal(kind(&w, LIFE_EVENT_NO_TELEMETRY),
                     LIFE_RELEASE | LIFE_NEXT);
    assert_true(invoke(&w) & LIFE_NEXT);
    assert_true(pass(&w, 5000) & LIFE_UPLOAD);
    assert_true(pass(&w, 5000) & LIFE_UPLOAD);
}

static void test_telemetry_refused(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    to_waiting(&w, LIFE_EVENT_NOT_SUBSCRIBED);
    assert_true(invoke(&w) & LIFE_NEXT);
    queued(&w, 1);
    pass(&w, 6000);
    assert_int_equal(invoke(&w), LIFE_RELEASE | LIFE_UPLOAD);
}

static void test_managed(void **state)
{
    (void)state;
    struct world w;
    begin_with(&w, (struct lambda_policy){.init = LAMBDA_MANAGED,
                                          .interval_ms = 5000});
    assert_true(kind(&w, LIFE_EVENT_START) & LIFE_REGISTER_MANAGED);
    assert_int_equal(kind(&w, LIFE_EVENT_REGISTERED), LIFE_RELEASE | LIFE_NEXT);
    assert_int_equal(pass(&w, 4999), 0);
    assert_int_equal(pass(&w, 1), LIFE_UPLOAD);
}

static void test_managed_by_refusal(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    kind(&w, LIFE_EVENT_START);
    assert_int_equal(kind(&w, LIFE_EVENT_INVOKE_REFUSED),
                     LIFE_REGISTER_MANAGED);
    assert_int_equal(kind(&w, LIFE_EVENT_INVOKE_REFUSED), 0);
    assert_true(kind(&w, LIFE_EVENT_REGISTERED) & LIFE_NEXT);
}

static void test_snapshot(void **state)
{
    (void)state;
    struct world w;
    begin_with(&w, (struct lambda_policy){.init = LAMBDA_SNAP_START,
                                          .interval_ms = 5000});
    to_waiting(&w, LIFE_EVENT_SUBSCRIBED);
    assert_true(invoke(&w) & LIFE_RESTORED);
    done(&w, "r1");
    kind(&w, LIFE_EVENT_DRAINED);
    assert_false(invoke(&w) & LIFE_RESTORED);
}

/* Four seconds, by the clock that went furthest. */
static void test_stale_connections(void **state)
{
    (void)state;
    struct world w;
    for (int late = 0; late < 2; late++) {
        begin_waiting(&w);
        invocation(&w);
        struct life_event e = {.kind = LIFE_EVENT_INVOKE,
                               .deadline_ms = w.now + TIMEOUT_MS,
                               .away_ms = 3999 + late};
        assert_int_equal(feed(&w, e) & LIFE_THAWED, late ? LIFE_THAWED : 0);
        begin_waiting(&w);
        e.kind = LIFE_EVENT_SHUTDOWN;
        assert_int_equal(feed(&w, e) & LIFE_THAWED, late ? LIFE_THAWED : 0);
    }
}

/* Next is held for an hour; the monotonic clock may have stood still. */
static void test_long_freeze(void **state)
{
    (void)state;
    struct world w;
    begin_waiting(&w);
    invocation(&w);
    struct life_event e = {.kind = LIFE_EVENT_INVOKE,
                           .deadline_ms = w.now + TIMEOUT_MS,
                           .away_ms = 3600 * 1000,
                           .request_id = SLICE("late")};
    assert_int_equal(feed(&w, e), LIFE_THAWED | LIFE_RELEASE);
    w.now += 3600 * 1000; /* and now it jumps */
    assert_true(kind(&w, LIFE_EVENT_TICK) & LIFE_NEXT);
    assert_true(invoke(&w) & LIFE_NEXT);
}

static void test_shutdown(void **state)
{
    (void)state;
    struct world w;
    begin_waiting(&w);
    struct life_event e = {.kind = LIFE_EVENT_SHUTDOWN,
                           .deadline_ms = w.now + 2000};
    assert_int_equal(feed(&w, e), LIFE_RELEASE | LIFE_LEAVE);
    assert_int_equal(w.step.deadline_ms, w.now + 1850);
    assert_int_equal(feed(&w, e), 0);
    assert_int_equal(kind(&w, LIFE_EVENT_EMPTY), LIFE_EXIT);
    assert_int_equal(kind(&w, LIFE_EVENT_EMPTY), 0);
    assert_int_equal(w.step.wake_ms, 0);
}

/* The end of the uploads is not told; without a deadline; in any state. */
static void test_shutdown_ends_by_itself(void **state)
{
    (void)state;
    struct world w;
    begin_waiting(&w);
    invoke(&w);
    assert_true(kind(&w, LIFE_EVENT_SHUTDOWN) & LIFE_LEAVE);
    assert_int_equal(w.step.deadline_ms, w.now + 1400);
    assert_false(pass(&w, 1474) & LIFE_EXIT);
    assert_true(pass(&w, 1) & LIFE_EXIT);
}

static void test_deadline_that_has_passed(void **state)
{
    (void)state;
    struct world w;
    begin_waiting(&w);
    struct life_event e = {.kind = LIFE_EVENT_SHUTDOWN,
                           .deadline_ms = w.now - 10};
    assert_true(feed(&w, e) & LIFE_LEAVE);
    assert_int_equal(w.step.deadline_ms, w.now);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_registers_first),
        cmocka_unit_test(test_telemetry_that_never_answers),
        cmocka_unit_test(test_eager_upload_then_next),
        cmocka_unit_test(test_rest_is_sent_at_the_end),
        cmocka_unit_test(test_failed_upload_holds_nothing_up),
        cmocka_unit_test(test_datagrams_are_waited_for),
        cmocka_unit_test(test_two_eager_uploads_at_most),
        cmocka_unit_test(test_bodies_under_way),
        cmocka_unit_test(test_cap_after_the_handler),
        cmocka_unit_test(test_cap_before_the_deadline),
        cmocka_unit_test(test_frequent_asks_at_once),
        cmocka_unit_test(test_frequent_uploads_at_the_interval),
        cmocka_unit_test(test_frequent_uploads_when_much_waits),
        cmocka_unit_test(test_back_to_rare),
        cmocka_unit_test(test_one_long_gap),
        cmocka_unit_test(test_rest_of_the_one_before),
        cmocka_unit_test(test_wait_for_datagrams_ends),
        cmocka_unit_test(test_cap_counts_from_the_first_news),
        cmocka_unit_test(test_modes),
        cmocka_unit_test(test_lost_runtime_done),
        cmocka_unit_test(test_late_and_double_news),
        cmocka_unit_test(test_news_before_the_event),
        cmocka_unit_test(test_event_out_of_turn),
        cmocka_unit_test(test_breaker),
        cmocka_unit_test(test_emulator_without_telemetry),
        cmocka_unit_test(test_telemetry_refused),
        cmocka_unit_test(test_managed),
        cmocka_unit_test(test_managed_by_refusal),
        cmocka_unit_test(test_snapshot),
        cmocka_unit_test(test_stale_connections),
        cmocka_unit_test(test_long_freeze),
        cmocka_unit_test(test_shutdown),
        cmocka_unit_test(test_shutdown_ends_by_itself),
        cmocka_unit_test(test_deadline_that_has_passed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
