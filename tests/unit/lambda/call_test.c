/* SPDX-License-Identifier: Apache-2.0 */
/* lambda/call.c: exchanges with a server that answers, closes or breaks off. */
#include "lambda/call.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../fake_http.h"

static struct {
    struct loop *loop;
    struct fake_http server;
    struct call *call;
    void (*script)(struct fake_conn *c, unsigned request);
    unsigned sent, answered, failed, more; /* more: to be sent at once */
    char body[64];
} t;

static const struct lambda_request next = {
    .method = "GET", .path = LAMBDA_PATH_NEXT, .api = "h:1"};

static void serve(void *arg, struct fake_conn *c, struct slice head,
                  struct slice body)
{
    (void)arg, (void)head, (void)body;
    t.script(c, t.server.requests);
}

static void on_answer(void *arg, const struct lambda_answer *a, const char *why)
{
    (void)arg;
    assert_true((a == NULL) == (why != NULL));
    t.answered += a != NULL;
    t.failed += a == NULL;
    if (a != NULL)
        snprintf(t.body, sizeof(t.body), "%.*s", SLICE_ARG(a->body));
    if (t.more > 0) {
        t.more--;
        t.sent++;
        call_send(t.call, &next, on_answer, NULL);
    }
}

static int set_up(void **state)
{
    struct address to;
    struct err err;
    char text[32];
    (void)state;
    memset(&t, 0, sizeof(t));
    t.loop = loop_new(NULL);
    fake_start(&t.server, t.loop, serve, NULL);
    snprintf(text, sizeof(text), "127.0.0.1:%u", t.server.port);
    assert_int_equal(address_parse(text, SOCK_STREAM, &to, &err), 0);
    t.call = call_new(t.loop, &to);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    call_free(t.call);
    fake_stop(&t.server);
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

static void ask(unsigned times)
{
    unsigned told = t.answered + t.failed;
    t.more = times - 1;
    t.sent++;
    call_send(t.call, &next, on_answer, NULL);
    assert_int_equal(t.answered + t.failed, told); /* in a later turn */
    WAIT(t.answered + t.failed == t.sent && t.more == 0);
}

static void answer(struct fake_conn *c, unsigned request)
{
    (void)request;
    fake_reply(c, 200, "", "well");
}

static void keeps_its_connection(void **state)
{
    (void)state;
    t.script = answer;
    ask(3);
    assert_int_equal(t.answered, 3);
    assert_string_equal(t.body, "well");
    assert_int_equal(t.server.connections, 1);
    assert_int_equal(call_fd(t.call), -1); /* nothing is due on it */
}

static void say_close(struct fake_conn *c, unsigned request)
{
    (void)request;
    fake_reply(c, 200, "Connection: Close\r\n", "");
}

static void leaves_what_will_be_closed(void **state)
{
    (void)state;
    t.script = say_close;
    ask(2);
    assert_int_equal(t.answered, 2);
    assert_int_equal(t.server.connections, 2);
}

static void answer_and_close(struct fake_conn *c, unsigned request)
{
    answer(c, request);
    fake_close(c);
}

/* Whoever asks before the news of the end is there is answered all the same,
 * and else nobody looks at a dead connection again and again. */
static void replaces_what_was_closed(void **state)
{
    (void)state;
    t.script = answer_and_close;
    ask(20);
    assert_int_equal(t.answered, 20);
    assert_int_equal(t.failed, 0);
    WAIT(t.call->fd < 0);
}

static void answer_once(struct fake_conn *c, unsigned request)
{
    if (request == 1)
        answer(c, request);
    else
        fake_close(c);
}

/* Once only: a server that closes each connection is told of. */
static void gives_up(void **state)
{
    (void)state;
    t.script = answer_once;
    ask(2);
    assert_int_equal(t.failed, 1);
    assert_int_equal(t.server.connections, 2);
    assert_int_equal(t.server.requests, 3);
}

static void answer_half(struct fake_conn *c, unsigned request)
{
    static const char half[] = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab";
    if (request == 1) {
        answer(c, request);
        return;
    }
    assert_true(write(c->fd, half, sizeof(half) - 1) > 0);
    fake_close(c);
}

/* An answer that has begun is not asked for twice: it may have been an event,
 * and the next one is another. */
static void asks_once_for_what_has_begun(void **state)
{
    (void)state;
    t.script = answer_half;
    ask(2);
    assert_int_equal(t.failed, 1);
    assert_int_equal(t.server.requests, 2);
}

static void answer_without_end(struct fake_conn *c, unsigned request)
{
    static const char head[] = "HTTP/1.1 200 OK\r\n\r\n";
    static char body[LAMBDA_ANSWER_MAX];
    (void)request;
    memset(body, 'a', sizeof(body));
    assert_true(write(c->fd, head, sizeof(head) - 1) > 0);
    assert_true(write(c->fd, body, sizeof(body)) > 0);
}

static void refuses_what_is_too_long(void **state)
{
    struct lambda_request r = next;
    static char path[LAMBDA_REQUEST_MAX];
    (void)state;
    t.script = answer_without_end;
    ask(1);
    assert_int_equal(t.failed, 1);
    memset(path, 'a', sizeof(path) - 1);
    r.path = path;
    t.sent++;
    call_send(t.call, &r, on_answer, NULL);
    assert_int_equal(t.failed, 1);
    WAIT(t.failed == 2);
}

static void nobody_is_there(void **state)
{
    (void)state;
    t.script = answer;
    close(t.server.fd);
    watch_free(t.server.watch);
    ask(1);
    assert_int_equal(t.failed, 1);
    t.server.fd = -1;
    t.server.watch = NULL;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(keeps_its_connection),
        TEST(leaves_what_will_be_closed),
        TEST(replaces_what_was_closed),
        TEST(gives_up),
        TEST(asks_once_for_what_has_begun),
        TEST(refuses_what_is_too_long),
        TEST(nobody_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
