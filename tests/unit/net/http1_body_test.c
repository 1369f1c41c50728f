/* SPDX-License-Identifier: Apache-2.0 */
/* net/http1_body.c: bodies that are taken while they come. */
#include "net/http1_body.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka wants the three above first */
#include <cmocka.h>

#include "../wire.h"

#define HOST "Host: x\r\n"
#define BODY_MAX 65536
#define STREAM_MAX (8u << 20)

static struct http1 *server;
static struct http1_request *request;
static unsigned begun, calls, gone;
static size_t most;       /* bytes handed out at once */
static uint64_t sum, n;   /* of all bytes taken */
static size_t at_once;    /* how many are taken in one call */
static bool rests, early; /* takes nothing; answers at once */

static void start_over(void)
{
    begun = calls = gone = 0;
    most = 0;
    sum = n = 0;
    at_once = SIZE_MAX;
    rests = early = false;
    request = NULL;
}

static size_t on_body(void *arg, struct slice body, bool last)
{
    size_t take = body.n < at_once ? body.n : at_once;
    char text[64];
    (void)arg;
    calls++;
    most = body.n > most ? body.n : most;
    if (rests)
        return 0;
    for (size_t i = 0; i < take; i++)
        sum += (unsigned char)body.p[i];
    n += take;
    if (early || (last && take == body.n)) {
        int length = snprintf(text, sizeof(text), "%llu bytes, sum %llu",
                              (unsigned long long)n, (unsigned long long)sum);
        http1_reply(request, 200, NULL, slice_of(text, (size_t)length));
        request = NULL;
    }
    return take;
}

static void on_gone(void *arg)
{
    (void)arg;
    gone++;
    request = NULL;
}

static void on_take(void *arg, struct http1_request *r)
{
    (void)arg;
    begun++;
    request = r;
    http1_on_gone(r, on_gone, NULL);
    http1_take_body(r, on_body, NULL);
}

/* Keeps the request, as rules about who may ask can do. */
static void on_later(void *arg, struct http1_request *r)
{
    (void)arg;
    begun++;
    request = r;
}

static int setup(void **state)
{
    static const struct http1_limits limits = {.body_max = BODY_MAX,
                                               .headers_max = 16384,
                                               .connections = 4,
                                               .timeout_s = 1};
    struct err err;
    (void)state;
    wire_loop = loop_new(&err);
    server = http1_new(wire_loop, "127.0.0.1:0", &limits, NULL, &err);
    assert_non_null(server);
    http1_route_streamed(server,
                         (struct http1_route){"POST", "/take", on_take, NULL},
                         STREAM_MAX);
    http1_route_streamed(
        server, (struct http1_route){"POST", "/later", on_later, NULL}, 10);
    start_over();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    assert_int_equal(http1_open_requests(server), 0);
    http1_free(server);
    loop_free(wire_loop);
    return 0;
}

#define CHUNKED                                                                \
    "POST /take HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"

static void test_pieces(void **state)
{
    static const char *const rows[] = {
        CHUNKED "4\r\nabcd\r\n1;x=y\r\ne\r\n0\r\nT: 1\r\n\r\n",
        "POST /take HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nabcde",
    };
    struct wire w;
    (void)state;
    wire_open(&w, http1_bound(server));
    for (size_t row = 0; row < 4; row++) {
        struct slice bytes = slice_str(rows[row / 2]);
        start_over();
        w.got.n = 0;
        at_once = row % 2 ? 2 : SIZE_MAX; /* what is left is offered again */
        for (size_t i = 0; i < bytes.n; i++) {
            wire_send(&w, slice_of(bytes.p + i, 1));
            wire_turn();
        }
        assert_true(wire_until(wire_has(&w, "5 bytes, sum 495")));
        assert_true(calls >= 3);
    }
    w.got.n = 0;
    start_over();
    at_once = 2;
    wire_send(&w, slice_str(rows[0])); /* at once, with what follows */
    wire_send(&w, slice_str(rows[1]));
    assert_true(wire_until(begun == 2 && n == 10));
    assert_true(wire_until(wire_has(&w, "10 bytes, sum 990")));
    w.got.n = 0;
    wire_send(&w, SLICE("POST /take HTTP/1.1\r\n" HOST "\r\n"));
    assert_true(wire_until(wire_has(&w, "10 bytes"))); /* none */
    wire_close(&w);
}

/* Much more than may be held. */
static void test_large(void **state)
{
    char *body = malloc(STREAM_MAX), head[200];
    struct wire w;
    (void)state;
    memset(body, 1, STREAM_MAX);
    wire_open(&w, http1_bound(server));
    for (int chunked = 0; chunked < 2; chunked++) {
        start_over();
        at_once = 50000;
        w.got.n = 0;
        snprintf(head, sizeof(head),
                 chunked ? "POST /take HTTP/1.1\r\n" HOST
                           "Transfer-Encoding: chunked\r\n\r\n%x\r\n"
                         : "POST /take HTTP/1.1\r\n" HOST
                           "Content-Length: %u\r\n\r\n",
                 STREAM_MAX);
        wire_send(&w, slice_str(head));
        assert_true(wire_send(&w, slice_of(body, STREAM_MAX)));
        if (chunked)
            wire_send(&w, SLICE("\r\n0\r\n\r\n"));
        assert_true(wire_until(wire_has(&w, "8388608 bytes, sum 8388608")));
        assert_true(most > 50000 && most < 4 * BODY_MAX);
    }
    free(body);
    wire_close(&w);
}

/* While the handler rests no more than body_max is read ahead; the client
 * that waits for it is not too slow. */
static void test_rests(void **state)
{
    static char body[4 * BODY_MAX];
    struct wire w;
    (void)state;
    wire_open(&w, http1_bound(server));
    rests = true;
    wire_send(&w, SLICE("POST /take HTTP/1.1\r\n" HOST
                        "Content-Length: 262144\r\n\r\n"));
    wire_send(&w, slice_of(body, sizeof(body)));
    assert_true(wire_until(most >= BODY_MAX));
    int64_t until = clock_mono_us() + 2500000; /* two limits of time */
    assert_true(wire_until(clock_mono_us() > until));
    assert_true(most < 4 * BODY_MAX);
    assert_int_equal(gone, 0);
    rests = false;
    http1_body_go_on(request);
    assert_true(wire_until(wire_has(&w, "262144 bytes")));
    wire_close(&w);
}

static void test_too_slow(void **state)
{
    struct wire w;
    (void)state;
    wire_open(&w, http1_bound(server));
    wire_send(&w, SLICE("POST /take HTTP/1.1\r\n" HOST
                        "Content-Length: 50\r\n\r\nab"));
    assert_true(wire_until(wire_has(&w, " 408 ")));
    assert_int_equal(gone, 1);
    assert_true(wire_until(wire_is_closed(&w)));
    wire_close(&w);
}

static void test_broken_off(void **state)
{
    struct wire w;
    (void)state;
    wire_open(&w, http1_bound(server));
    wire_send(&w, SLICE("POST /take HTTP/1.1\r\n" HOST
                        "Content-Length: 50\r\n\r\nab"));
    assert_true(wire_until(n == 2));
    shutdown(w.fd, SHUT_WR);
    assert_true(wire_until(wire_has(&w, " 400 ")));
    assert_int_equal(gone, 1);
    wire_close(&w);
    wire_open(&w, http1_bound(server));
    wire_send(&w, SLICE(CHUNKED "2\r\nab\r\nxyz\r\n"));
    assert_true(wire_until(wire_has(&w, " 400 ")));
    assert_int_equal(gone, 2);
    wire_close(&w);
    wire_open(&w, http1_bound(server));
    wire_send(&w, SLICE(CHUNKED "2\r\nab\r\n"));
    assert_true(wire_until(begun == 3));
    struct linger reset = {.l_onoff = 1};
    setsockopt(w.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    wire_close(&w);
    assert_true(wire_until(gone == 3));
}

static void test_too_large(void **state)
{
    struct wire w;
    (void)state;
    wire_open(&w, http1_bound(server));
    wire_send(&w, SLICE("POST /take HTTP/1.1\r\n" HOST
                        "Content-Length: 8388609\r\n\r\n"));
    assert_true(wire_until(wire_has(&w, " 413 ")));
    assert_int_equal(begun, 0);
    wire_close(&w);
    wire_open(&w, http1_bound(server));
    wire_send(&w, SLICE(CHUNKED "2\r\nab\r\n7fffff\r\n"));
    assert_true(wire_until(wire_has(&w, " 413 ")));
    assert_int_equal(gone, 1);
    wire_close(&w);
}

/* The rest of the body is not read as a request. */
static void test_early_answer(void **state)
{
    struct wire w;
    (void)state;
    wire_open(&w, http1_bound(server));
    early = true;
    wire_send(&w, SLICE("POST /take HTTP/1.1\r\n" HOST
                        "Content-Length: 100\r\n\r\nab"));
    assert_true(wire_until(wire_has(&w, "2 bytes, sum 195")));
    assert_true(wire_has(&w, "Connection: close"));
    assert_int_equal(gone, 0);
    wire_close(&w);
}

static void test_later(void **state)
{
    struct wire w;
    (void)state;
    wire_open(&w, http1_bound(server));
    wire_send(&w, SLICE("POST /later HTTP/1.1\r\n" HOST
                        "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n"));
    assert_true(wire_until(begun == 1));
    assert_false(wire_has(&w, "100 Continue"));
    http1_take_body(request, on_body, NULL);
    assert_true(wire_until(wire_has(&w, "100 Continue")));
    wire_send(&w, SLICE("ab"));
    assert_true(wire_until(wire_has(&w, "2 bytes, sum 195")));
    w.got.n = 0;
    wire_send(&w, SLICE("POST /later HTTP/1.1\r\n" HOST
                        "Content-Length: 2\r\n\r\nab"));
    assert_true(wire_until(begun == 2));
    http1_reply(request, 403, NULL, SLICE("no")); /* without reading */
    assert_true(wire_until(wire_has(&w, " 403 ")));
    wire_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_pieces, setup, teardown),
        cmocka_unit_test_setup_teardown(test_large, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rests, setup, teardown),
        cmocka_unit_test_setup_teardown(test_too_slow, setup, teardown),
        cmocka_unit_test_setup_teardown(test_broken_off, setup, teardown),
        cmocka_unit_test_setup_teardown(test_too_large, setup, teardown),
        cmocka_unit_test_setup_teardown(test_early_answer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_later, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
