/* SPDX-License-Identifier: Apache-2.0 */
/* lambda/message.c */
#include "lambda/message.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static void reads_an_invocation(void **state)
{
    struct event e;
    (void)state;
    event_read(SLICE("{\"eventType\":\"INVOKE\",\"deadlineMs\":1700000000123,"
                     "\"tracing\":{\"requestId\":\"not this\"},"
                     "\"requestId\":\"r-1\"}\n"),
               &e);
    assert_int_equal(e.type, EVENT_INVOKE);
    assert_int_equal(e.deadline_ms, 1700000000123);
    assert_true(slice_is(e.request_id, "r-1"));
}

static void reads_a_shutdown(void **state)
{
    struct event e;
    (void)state;
    event_read(SLICE("{\"shutdownReason\":\"SPINDOWN\",\"deadlineMs\":5,"
                     "\"eventType\":\"SHUTDOWN\"}"),
               &e);
    assert_int_equal(e.type, EVENT_SHUTDOWN);
    assert_true(slice_is(e.reason, "SPINDOWN"));
}

/* A member of another kind is none, whatever is in it. */
static void reads_members_of_their_kind(void **state)
{
    struct event e;
    (void)state;
    event_read(SLICE("{\"eventType\":\"INVOKE\",\"requestId\":true,"
                     "\"deadlineMs\":{\"deadlineMs\":5},"
                     "\"shutdownReason\":[\"x\"]}"),
               &e);
    assert_int_equal(e.type, EVENT_INVOKE);
    assert_int_equal(e.deadline_ms, 0);
    assert_int_equal(e.request_id.n, 0);
    assert_int_equal(e.reason.n, 0);
}

static void bears_what_is_no_event(void **state)
{
    static const char *const texts[] = {"",
                                        "null",
                                        "[",
                                        "{",
                                        "{\"eventType\":",
                                        "{\"eventType\":7}",
                                        "{\"eventType\":\"NEW\"}",
                                        "{\"a\":[{\"b\":}]}",
                                        "<html>"};
    struct event e;
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        event_read(slice_str(texts[i]), &e);
        assert_int_equal(e.type, EVENT_OTHER);
        assert_int_equal(e.deadline_ms, 0);
    }
}

static void note(void *arg, struct slice type, struct slice id)
{
    char *all = arg;
    size_t n = strlen(all);
    snprintf(all + n, 128 - n, "%.*s %.*s;", SLICE_ARG(type), SLICE_ARG(id));
}

static void finds_members_in_any_order(void **state)
{
    char all[128] = "";
    (void)state;
    assert_true(telemetry_read(
        SLICE("[{\"time\":\"t\",\"type\":\"platform.start\",\"record\":"
              "{\"requestId\":\"no\"}},"
              "{\"type\":\"platform.runtimeDone\",\"record\":{\"metrics\":"
              "{\"requestId\":\"no\"},\"requestId\":\"a\",\"spans\":[1]}},"
              "{\"record\":{\"requestId\":\"b\"},\"type\":"
              "\"platform.runtimeDone\",\"more\":null},"
              "{\"type\":\"function\",\"record\":\"a line\"},5,"
              "{\"type\":7,\"record\":{\"requestId\":\"c\"}}]"),
        note, all));
    assert_string_equal(all, "platform.start no;platform.runtimeDone a;"
                             "platform.runtimeDone b;function ;");
}

static void bears_what_is_no_telemetry(void **state)
{
    static const char *const texts[] = {"",
                                        "{}",
                                        "[",
                                        "[{",
                                        "[{\"type\":\"x\"",
                                        "[{\"record\":{\"requestId\":",
                                        "[{\"type\":\"platform.runtimeDone\","
                                        "\"record\":{\"requestId\":\"a\"}",
                                        "[{\"type\":\"platform.runtimeDone\","
                                        "\"record\":{\"requestId\":\"a\""};
    char all[128] = "";
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_false(telemetry_read(slice_str(texts[i]), note, all));
    assert_string_equal(all, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_an_invocation),
        cmocka_unit_test(reads_a_shutdown),
        cmocka_unit_test(reads_members_of_their_kind),
        cmocka_unit_test(bears_what_is_no_event),
        cmocka_unit_test(finds_members_in_any_order),
        cmocka_unit_test(bears_what_is_no_telemetry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
