/* SPDX-License-Identifier: Apache-2.0 */
/* net/http1.c: raw bytes in, raw bytes out. */
#include "net/http1.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka wants the three above first */
#include <cmocka.h>

#include "../wire.h"

#define HOST "Host: x\r\n"

static const struct http1_limits limits = {.body_max = 1 << 20,
                                           .headers_max = 16384,
                                           .connections = 4,
                                           .timeout_s = 30};
static struct http1 *server;
static struct http1_request *held;
static unsigned handled, gone;
static char seen[256];

static void on_echo(void *arg, struct http1_request *r)
{
    (void)arg;
    handled++;
    snprintf(seen, sizeof(seen), "%.*s %.*s ? %.*s", SLICE_ARG(http1_method(r)),
             SLICE_ARG(http1_path(r)), SLICE_ARG(http1_query(r)));
    http1_add(r, "X-Back", http1_header(r, "x-there"));
    http1_reply(r, 200, "text/plain", http1_body(r));
}

static void on_gone(void *arg)
{
    (void)arg;
    gone++;
    held = NULL;
}

static void on_hold(void *arg, struct http1_request *r)
{
    (void)arg;
    held = r;
    http1_on_gone(r, on_gone, NULL);
}

static void on_stray(void *arg, struct slice first)
{
    (void)arg;
    snprintf(seen, sizeof(seen), "stray %02x", (unsigned char)first.p[0]);
}

static void start(const struct http1_limits *l)
{
    struct err err;
    wire_loop = loop_new(&err);
    server = http1_new(wire_loop, "127.0.0.1:0", l, NULL, &err);
    assert_non_null(server);
    http1_route(server, (struct http1_route){"POST", "*/Echo", on_echo, NULL});
    http1_route(server, (struct http1_route){"GET", "/hold", on_hold, NULL});
    http1_on_stray(server, on_stray, NULL);
    held = NULL;
    handled = gone = 0;
    seen[0] = '\0';
}

static int setup(void **state)
{
    (void)state;
    start(&limits);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    http1_free(server);
    loop_free(wire_loop);
    return 0;
}

/* Sends bytes on a new connection, waits for the text. */
static void expect_n(struct slice bytes, const char *text)
{
    struct wire w;
    wire_open(&w, http1_bound(server));
    wire_send(&w, bytes);
    if (!wire_until(wire_has(&w, text)))
        fail_msg("sent %.60s, got %.*s, wanted %s", bytes.p, (int)w.got.n,
                 w.got.p, text);
    wire_close(&w);
}

static void expect(const char *bytes, const char *text)
{
    expect_n(slice_str(bytes), text);
}

static void test_bodies(void **state)
{
    (void)state;
    expect("POST /a/Echo?q=1 HTTP/1.1\r\n" HOST "X-There: yes\r\n"
           "Content-Length: 3\r\n\r\nabc",
           "X-Back: yes\r\nContent-Length: 3\r\n\r\nabc");
    assert_string_equal(seen, "POST /a/Echo ? q=1");
    expect("POST http://h:1/Echo HTTP/1.1\r\n" HOST
           "Transfer-Encoding: chunked\r\n\r\n"
           "3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nT: 1\r\n\r\n",
           "Content-Length: 5\r\n\r\nabcde");
    assert_string_equal(seen, "POST /Echo ? ");
    expect("POST /Echo HTTP/1.0\r\n\r\n", "Connection: close");
    expect("OPTIONS * HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 200 OK");
    expect("GET /none HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 404");
    expect("GET /Echo HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 405");
}

/* A body that comes byte by byte, and a large one. */
static void test_pieces(void **state)
{
    (void)state;
    static const char bytes[] =
        "POST /Echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
        "00a\r\n0123456789\r\n3\r\nabc\r\n0\r\n\r\n";
    struct wire w;
    wire_open(&w, http1_bound(server));
    for (size_t i = 0; i < sizeof(bytes) - 1; i++) {
        wire_send(&w, slice_of(bytes + i, 1));
        wire_turn();
    }
    assert_true(wire_until(wire_has(&w, "\r\n\r\n0123456789abc")));
    char *large = malloc(1 << 20);
    memset(large, 'L', 1 << 20);
    large[(1 << 20) - 1] = '!';
    w.got.n = 0;
    wire_send(&w, SLICE("POST /Echo HTTP/1.1\r\n" HOST
                        "Content-Length: 1048576\r\n\r\n"));
    assert_true(wire_send(&w, slice_of(large, 1 << 20)));
    assert_true(wire_until(wire_has(&w, "LL!")));
    assert_true(w.got.n > 1 << 20);
    free(large);
    wire_close(&w);
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"POST /Echo HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
         "400 Bad Request: missing required Host"},
        {"POST /Echo HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", " 400 "},
        {"POST /Echo HTTP/1.1\r\n" HOST
         "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
         "two Content-Length"},
        {"POST /Echo HTTP/1.1\r\n" HOST "Content-Length: 2, 2\r\n\r\n{}",
         " 400 "},
        {"POST /Echo HTTP/1.1\r\n" HOST "Content-Length: -2\r\n\r\n{}",
         " 400 "},
        {"POST /Echo HTTP/1.1\r\n" HOST
         "Content-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
         " 400 "},
        {"POST /Echo HTTP/1.1\r\n" HOST
         "Transfer-Encoding: gzip, chunked\r\n\r\n",
         " 501 "},
        {"POST /Echo HTTP/1.1\r\n" HOST
         "Transfer-Encoding: chunked\r\n\r\n1\r5\r\n",
         " 400 "},
        {"POST /Echo HTTP/1.1\r\n" HOST
         "Transfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n",
         " 400 "},
        {"POST /Echo HTTP/1.1\r\n" HOST
         "Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
         "HTTP/1.1 4"},
        {"POST /Echo HTTP/1.1\r\n" HOST "X : y\r\n\r\n", " 400 "},
        {"POST /Echo HTTP/1.1\r\n" HOST " folded: y\r\n\r\n", " 400 "},
        {"GARBAGE\r\n\r\n", " 400 "},
        {"GET / HTTP/3.7\r\n" HOST "\r\n", " 505 "},
        {"POST /Echo HTTP/1.1\r\n" HOST "Content-Length: 1048577\r\n\r\n",
         " 413 "},
        {"POST /Echo HTTP/1.1\r\n" HOST
         "Transfer-Encoding: chunked\r\n\r\n100001\r\n",
         " 413 "},
        {"GET / HTTP/1.1\r\n" HOST "Expect: tea\r\n\r\n", " 417 "},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        expect(rows[i][0], rows[i][1]);
    assert_int_equal(handled, 0);
    expect_n(SLICE("POST /Echo HTTP/1.1\r\n" HOST "A: b\0c\r\n\r\n"), " 400 ");
}

static void test_large_head(void **state)
{
    (void)state;
    char head[20000] = "GET / HTTP/1.1\r\nHost: x\r\nX-Big: ";
    memset(head + strlen(head), 'a', sizeof(head) - 33);
    expect_n(slice_of(head, sizeof(head)), " 431 ");
    struct buf b;
    buf_init(&b, 65536);
    buf_str(&b, "GET / HTTP/1.1\r\nHost: x\r\n");
    for (int i = 0; i < 140; i++)
        buf_printf(&b, "X-%d: y\r\n", i);
    buf_str(&b, "\r\n");
    expect_n(buf_slice(&b), " 431 ");
    buf_fini(&b);
}

static void test_keep_alive_and_pipelining(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w, http1_bound(server));
    wire_send(&w, SLICE("POST /Echo HTTP/1.1\r\n" HOST
                        "Content-Length: 3\r\n\r\none\r\n"
                        "POST /Echo HTTP/1.1\r\n" HOST
                        "Content-Length: 3\r\n\r\ntwo"
                        "GET /hold HTTP/1.1\r\n" HOST "\r\n"
                        "POST /Echo HTTP/1.1\r\n" HOST "Content-Length: 4\r\n"
                        "Connection: close\r\n\r\nlast"));
    assert_true(wire_until(wire_has(&w, "two") && held));
    assert_true(wire_has(&w, "one"));
    assert_int_equal(http1_open_requests(server), 1);
    /* More bytes while an answer is pending are left in the socket. */
    wire_send(&w, SLICE("xxxxxxxxxxxxxxxxxxxxxx"));
    wire_turn();
    assert_false(wire_has(&w, "last"));
    http1_reply(held, 201, NULL, SLICE("late"));
    assert_true(wire_until(wire_is_closed(&w)));
    assert_true(wire_has(&w, "late"));
    assert_true(wire_has(&w, "last"));
    assert_int_equal(http1_open_requests(server), 0);
    wire_close(&w);
}

static void test_expect_continue(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w, http1_bound(server));
    wire_send(&w, SLICE("POST /Echo HTTP/1.1\r\n" HOST
                        "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n"));
    assert_true(wire_until(wire_has(&w, "100 Continue\r\n\r\n")));
    wire_send(&w, SLICE("{}"));
    assert_true(wire_until(wire_has(&w, "\r\n\r\n{}")));
    wire_close(&w);
}

static void test_cut_short(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w, http1_bound(server));
    wire_send(&w, SLICE("POST /Echo HTTP/1.1\r\n" HOST
                        "Content-Length: 50\r\n\r\n{}"));
    shutdown(w.fd, SHUT_WR);
    assert_true(wire_until(wire_has(&w, " 400 ")));
    assert_true(wire_until(wire_is_closed(&w)));
    wire_close(&w);
}

static void test_gone(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w, http1_bound(server));
    wire_send(&w, SLICE("GET /hold HTTP/1.1\r\n" HOST "\r\n"));
    assert_true(wire_until(held != NULL));
    wire_close(&w);
    assert_true(wire_until(gone == 1));
    assert_int_equal(http1_open_requests(server), 0);
    wire_open(&w, http1_bound(server));
    wire_send(&w, SLICE("GET /hold HTTP/1.1\r\n" HOST "\r\n"));
    assert_true(wire_until(held != NULL));
    http1_abort(held);
    assert_true(wire_until(wire_is_closed(&w)));
    assert_int_equal(gone, 1);
    assert_int_equal(w.got.n, 0);
    wire_close(&w);
}

static void test_stream(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w, http1_bound(server));
    wire_send(&w, SLICE("GET /hold HTTP/1.1\r\n" HOST "\r\n"));
    assert_true(wire_until(held != NULL));
    http1_stream_begin(held, 200, "text/event-stream");
    http1_stream_chunk(held, SLICE("data: 1\n\n"));
    assert_true(wire_until(wire_has(&w, "9\r\ndata: 1\n\n\r\n")));
    assert_true(wire_has(&w, "Transfer-Encoding: chunked"));
    assert_int_equal(http1_stream_backlog(held), 0);
    char *large = calloc(1, 8 << 20);
    http1_stream_chunk(held, slice_of(large, 8 << 20));
    assert_true(http1_stream_backlog(held) > 0);
    free(large);
    assert_true(wire_until((wire_take(&w), w.got.n > 8 << 20)));
    assert_true(wire_until(http1_stream_backlog(held) == 0));
    http1_stream_end(held);
    assert_true(wire_until(wire_has(&w, "\r\n0\r\n\r\n")));
    w.got.n = 0;
    wire_send(&w, SLICE("POST /Echo HTTP/1.1\r\n" HOST "\r\n"));
    assert_true(wire_until(wire_has(&w, " 200 OK")));
    wire_close(&w);
}

static void test_connection_limit(void **state)
{
    (void)state;
    struct wire w[5];
    for (int i = 0; i < 5; i++) {
        wire_open(&w[i], http1_bound(server));
        wire_turn();
    }
    assert_true(wire_until(wire_is_closed(&w[4])));
    assert_false(wire_is_closed(&w[3]));
    wire_close(&w[0]);
    wire_turn();
    expect("POST /Echo HTTP/1.1\r\n" HOST "\r\n", " 200 OK");
    for (int i = 1; i < 5; i++)
        wire_close(&w[i]);
}

static void test_stray(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w, http1_bound(server));
    wire_send(&w, SLICE("\x16\x03\x01\x02"));
    assert_true(wire_until(wire_is_closed(&w)));
    assert_string_equal(seen, "stray 16");
    wire_close(&w);
    seen[0] = '\0';
    expect("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", " 505 ");
    assert_string_equal(seen, "stray 50");
}

static void test_pause(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w, http1_bound(server));
    wire_turn();
    http1_pause(server, true);
    wire_send(&w, SLICE("POST /Echo HTTP/1.1\r\n" HOST "\r\n"));
    for (int i = 0; i < 20; i++)
        wire_turn();
    assert_int_equal(handled, 0);
    http1_pause(server, false);
    assert_true(wire_until(wire_has(&w, " 200 OK")));
    wire_close(&w);
}

static void test_stop(void **state)
{
    (void)state;
    struct wire idle, busy;
    wire_open(&idle, http1_bound(server));
    wire_open(&busy, http1_bound(server));
    wire_send(&busy, SLICE("GET /hold HTTP/1.1\r\n" HOST "\r\n"));
    assert_true(wire_until(held != NULL));
    http1_stop(server);
    assert_true(wire_until(wire_is_closed(&idle)));
    assert_false(wire_is_closed(&busy));
    http1_reply(held, 200, NULL, SLICE("bye"));
    assert_true(wire_until(wire_is_closed(&busy)));
    assert_true(wire_has(&busy, "bye"));
    assert_true(wire_has(&busy, "Connection: close"));
    wire_close(&idle);
    wire_close(&busy);
}

static void test_timeout(void **state)
{
    (void)state;
    struct http1_limits quick = limits;
    quick.timeout_s = 1;
    http1_free(server);
    loop_free(wire_loop);
    start(&quick);
    struct wire idle, half;
    wire_open(&idle, http1_bound(server));
    wire_open(&half, http1_bound(server));
    wire_send(&half, SLICE("POST /Echo HT"));
    assert_true(wire_until(wire_is_closed(&idle)));
    assert_true(wire_until(wire_has(&half, " 408 ")));
    assert_true(wire_until(wire_is_closed(&half)));
    assert_int_equal(idle.got.n, 0);
    wire_close(&idle);
    wire_close(&half);
}

/* All bodies together have a ceiling, whatever each connection announces. */
static void test_memory_ceiling(void **state)
{
    (void)state;
    struct http1_limits many = limits;
    struct wire w[HTTP1_BODIES_HELD + 2];
    int n = HTTP1_BODIES_HELD + 2, refused = 0;
    many.connections = 100;
    http1_free(server);
    loop_free(wire_loop);
    start(&many);
    for (int i = 0; i < n; i++) {
        wire_open(&w[i], http1_bound(server));
        wire_send(&w[i], SLICE("POST /Echo HTTP/1.1\r\n" HOST
                               "Content-Length: 1048576\r\n\r\n"));
        wire_turn();
    }
    assert_true(wire_until(wire_has(&w[n - 1], " 503 ")));
    assert_true(wire_has(&w[n - 1], "Retry-After: 1\r\n"));
    for (int i = 0; i < n; i++) {
        refused += wire_has(&w[i], " 503 ");
        wire_close(&w[i]);
    }
    assert_true(refused >= 2 && refused < n);
    assert_true(wire_until(server->first == NULL));
    assert_int_equal(server->in_held, 0);
    expect("POST /Echo HTTP/1.1\r\n" HOST "\r\n", " 200 OK");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_bodies),
        T(test_pieces),
        T(test_refused),
        T(test_large_head),
        T(test_keep_alive_and_pipelining),
        T(test_expect_continue),
        T(test_cut_short),
        T(test_gone),
        T(test_stream),
        T(test_connection_limit),
        T(test_stray),
        T(test_pause),
        T(test_stop),
        T(test_timeout),
        T(test_memory_ceiling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
