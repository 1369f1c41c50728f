/* SPDX-License-Identifier: Apache-2.0 */
/* The life of an extension under events in any order. */
#include "life_world.h"

/* Whether next has been asked for. */
static bool judge(const struct world *w, unsigned a, bool asked)
{
    if (!(a & LIFE_NEXT))
        return asked;
    assert_false(asked);
    assert_true(a & LIFE_HOLD);
    assert_false(a & LIFE_UPLOAD);
    if (w->queue.uploads > 0 && w->life.invocations > 0)
        assert_true(a & LIFE_RECALL);
    return true;
}

/* Whatever comes in whatever order: next is never asked for with a request on
 * the wire that is not recalled, nor twice. */
static void test_random_sequences(void **state)
{
    (void)state;
    uint32_t seed = 1;
    for (int run = 0; run < 2000; run++) {
        struct world w;
        bool asked = false;
        begin(&w);
        w.life.policy.flush = (enum lambda_flush)(run % 3);
        for (int i = 0; i < 60; i++) {
            seed = seed * 1103515245u + 12345u;
            unsigned r = seed >> 16;
            struct life_event e = {
                .kind = (enum life_event_kind)(r % (LIFE_EVENT_EMPTY + 1)),
                .deadline_ms = w.now + TIMEOUT_MS,
                .datagram = r & 1,
                .request_id = r & 2 ? SLICE("a") : SLICE("b"),
            };
            if (e.kind == LIFE_EVENT_NO_TELEMETRY ||
                e.kind == LIFE_EVENT_INVOKE_REFUSED)
                continue; /* these environments do not freeze */
            if ((e.kind == LIFE_EVENT_INVOKE ||
                 e.kind == LIFE_EVENT_SHUTDOWN) &&
                !asked)
                continue;
            if (e.kind == LIFE_EVENT_INVOKE)
                asked = false;
            w.now += r % 700;
            w.queue.uploads = r / 3 % 3;
            queued(&w, r / 5 % 3);
            asked = judge(&w, feed(&w, e), asked);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_sequences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
