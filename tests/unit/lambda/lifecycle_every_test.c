/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of an extension under every sequence of so many events, news that
 * are late, lost or told twice among them. After each sequence time passes:
 * the invocation must end before its deadline, and SHUTDOWN the process.
 */
#include "life_world.h"

#define LENGTH 5

enum input {
    IN_INVOKE,
    IN_DONE,       /* of this invocation */
    IN_DONE_OTHER, /* late, or told too early */
    IN_DRAINED,
    IN_DOCUMENT,
    IN_DATAGRAM,
    IN_UPLOAD_ENDS,
    IN_UPLOAD_FAILS,
    IN_SUBSCRIBED,
    IN_NOT_SUBSCRIBED,
    IN_SOON, /* time passes */
    IN_LATER,
    INPUTS
};

struct trial {
    struct world w;
    bool asked; /* an event has been asked for, and has not come */
};

static void follow(struct trial *t, unsigned actions);
static void pass_on(struct trial *t, int64_t ms);

/* Feeds, and does what the relay does with the answer. */
static void play(struct trial *t, struct life_event e)
{
    follow(t, feed(&t->w, e));
}

static void play_kind(struct trial *t, enum life_event_kind k)
{
    play(t, (struct life_event){.kind = k});
}

static void follow(struct trial *t, unsigned actions)
{
    struct lambda_queue *q = &t->w.queue;
    /* A refusal would change the policy, not the sandbox. */
    assert_false(actions & (LIFE_REGISTER | LIFE_REGISTER_MANAGED));
    if (actions & LIFE_RECALL)
        q->uploads = 0;
    if (actions & LIFE_NEXT) {
        assert_false(t->asked);
        assert_true(actions & LIFE_HOLD);
        assert_false(actions & LIFE_UPLOAD);
        assert_int_equal(q->uploads, 0);
        t->asked = true;
    }
    if (!(actions & LIFE_UPLOAD))
        return;
    assert_false(t->asked); /* held, and frozen at any time */
    q->uploads += q->documents > 0;
    queued(&t->w, 0);
    play_kind(t, LIFE_EVENT_UPLOADED);
}

static void pass_on(struct trial *t, int64_t ms)
{
    struct world *w = &t->w;
    int64_t end = w->now + ms;
    while (w->step.wake_ms != 0 && w->step.wake_ms <= end) {
        w->now = w->step.wake_ms > w->now ? w->step.wake_ms : w->now + 1;
        play_kind(t, LIFE_EVENT_TICK);
    }
    w->now = end;
}

static void give(struct trial *t, enum input in)
{
    struct world *w = &t->w;
    switch (in) {
    case IN_INVOKE:
        if (!t->asked) /* none comes unasked */
            return;
        t->asked = false;
        follow(t, invoke(w));
        return;
    case IN_DONE:
        follow(t, done(w, w->id));
        return;
    case IN_DONE_OTHER:
        follow(t, done(w, w->invoked & 1 ? "r2" : "r1"));
        return;
    case IN_DOCUMENT:
    case IN_DATAGRAM:
        queued(w, (unsigned)w->queue.documents + 1);
        play(t, (struct life_event){.kind = LIFE_EVENT_CHANGED,
                                    .datagram = in == IN_DATAGRAM});
        return;
    case IN_UPLOAD_ENDS:
    case IN_UPLOAD_FAILS:
        if (w->queue.uploads == 0)
            return;
        w->queue.uploads--;
        w->queue.failures = in == IN_UPLOAD_ENDS ? 0 : w->queue.failures + 1;
        play_kind(t, LIFE_EVENT_CHANGED);
        return;
    case IN_DRAINED:
        play_kind(t, LIFE_EVENT_DRAINED);
        return;
    case IN_SUBSCRIBED:
        play_kind(t, LIFE_EVENT_SUBSCRIBED);
        return;
    case IN_NOT_SUBSCRIBED:
        play_kind(t, LIFE_EVENT_NOT_SUBSCRIBED);
        return;
    default:
        pass_on(t, in == IN_SOON ? 30 : 1600);
    }
}

/* Nothing more comes, not even the end of an upload. */
static void ends(const struct trial *now)
{
    struct trial t = *now;
    /* The sockets do get drained. */
    play_kind(&t, LIFE_EVENT_DRAINED);
    if (t.w.life.state != LIFE_WAITING && t.w.life.deadline_ms > t.w.now)
        pass_on(&t, t.w.life.deadline_ms - WAIT_MARGIN_MS - t.w.now + 1);
    assert_true(t.asked);
    assert_int_equal(t.w.life.state, LIFE_WAITING);
    struct life_event e = {.kind = LIFE_EVENT_SHUTDOWN,
                           .deadline_ms = t.w.now + 2000};
    assert_true(feed(&t.w, e) & LIFE_LEAVE);
    assert_int_equal(feed(&t.w, e), 0);
    assert_true(pass(&t.w, 2000) & LIFE_EXIT);
    assert_int_equal(t.w.life.state, LIFE_GONE);
}

static unsigned try_all(const struct trial *from, int left)
{
    unsigned n = 1;
    ends(from);
    for (int in = 0; left > 0 && in < INPUTS; in++) {
        struct trial t = *from;
        give(&t, (enum input)in);
        n += try_all(&t, left - 1);
    }
    return n;
}

static void try_policy(enum lambda_flush flush, unsigned invocations_before)
{
    struct trial t = {0};
    begin_with(&t.w,
               (struct lambda_policy){.flush = flush, .interval_ms = 5000});
    to_waiting(&t.w, LIFE_EVENT_SUBSCRIBED);
    invocations(&t.w, invocations_before, 100);
    t.asked = true;
    give(&t, IN_INVOKE);
    assert_true(try_all(&t, LENGTH) > 100000);
}

static void test_rare(void **state)
{
    (void)state;
    try_policy(LAMBDA_FLUSH_ADAPTIVE, 0);
}

static void test_frequent(void **state)
{
    (void)state;
    try_policy(LAMBDA_FLUSH_ADAPTIVE, 5);
}

static void test_end_of_each(void **state)
{
    (void)state;
    try_policy(LAMBDA_FLUSH_END, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rare),
        cmocka_unit_test(test_frequent),
        cmocka_unit_test(test_end_of_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
