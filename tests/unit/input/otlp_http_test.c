/* SPDX-License-Identifier: Apache-2.0 */
/* input/otlp_http.c with what it stands on: bytes of a client in, answers and
 * the ledger out. */
#include "input/otlp_http.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
/* cmocka wants the three above first */
#include <cmocka.h>
#include <zstd.h>

#include "otlp_world.h"

static struct http1 *server;
static struct otlp_http *otlp;

static void begin(bool lambda)
{
    static const struct http1_limits limits = {.body_max = 2 << 20,
                                               .headers_max = 65536,
                                               .connections = 10,
                                               .timeout_s = 30};
    static const char *const origins[] = {"https://shop.example"};
    const struct otlp_http_options o = {.body_max = 2 << 20,
                                        .cors_origins = origins,
                                        .n_cors_origins = 1,
                                        .lambda = lambda};
    struct err err;
    world_begin();
    otlp = otlp_http_new(wire_loop, pipeline, translator, &o);
    server = http1_new(wire_loop, "127.0.0.1:0", &limits, NULL, &err);
    assert_non_null(server);
    otlp_http_routes(otlp, server);
    intake = otlp_taker_intake(otlp->taker);
}

static int setup(void **state)
{
    (void)state;
    begin(false);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    http1_free(server);
    otlp_http_free(otlp);
    world_end();
    return 0;
}

static struct buf answer;
static char head[4096];

/* Sends a request; head gets the answer's head, the answer's body is
 * returned. */
static struct slice request(const char *line, const char *headers,
                            struct slice content)
{
    struct wire w;
    char text[1024];
    snprintf(text, sizeof(text),
             "%s HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
             "Content-Length: %zu\r\n%s\r\n",
             line, content.n, headers);
    wire_open(&w, http1_bound(server));
    wire_send(&w, slice_str(text));
    wire_send(&w, content);
    (void)wire_until(wire_is_closed(&w));
    assert_true(w.closed);
    buf_fini(&answer);
    buf_init(&answer, 1 << 20);
    buf_append(&answer, buf_slice(&w.got));
    wire_close(&w);
    const char *end = memmem(answer.p, answer.n, "\r\n\r\n", 4);
    assert_non_null(end);
    size_t n = (size_t)(end + 4 - answer.p);
    snprintf(head, sizeof(head), "%.*s", (int)n, answer.p);
    return slice_of(answer.p + n, answer.n - n);
}

#define PB "Content-Type: application/x-protobuf\r\n"
#define JS "Content-Type: application/json; charset=utf-8\r\n"

static struct slice post(const char *headers, struct slice content)
{
    return request("POST /v1/traces", headers, content);
}

#define assert_body(have, want)                                                \
    do {                                                                       \
        struct slice assert_have = have;                                       \
        struct slice assert_want = want;                                       \
        assert_int_equal(assert_have.n, assert_want.n);                        \
        assert_memory_equal(assert_have.p, assert_want.p, assert_want.n);      \
    } while (0)

static void test_taken(void **state)
{
    (void)state;
    make_request(&body, 3, 0, SLICE("work"));
    assert_body(post(PB, buf_slice(&body)), SLICE(""));
    assert_has(head, "HTTP/1.1 200 OK");
    assert_has(head, "Content-Type: application/x-protobuf\r\n");
    assert_int_equal(sink.taken, 3);
    buf_clear(&body);
    make_json(&body, 4);
    assert_body(post(JS, buf_slice(&body)), SLICE("{}"));
    assert_has(head, "Content-Type: application/json\r\n");
    assert_int_equal(sink.taken, 7);
    assert_body(post(PB, SLICE("")), SLICE(""));
    assert_int_equal(*intake->accepted, 7);
}

static void test_codings(void **state)
{
    (void)state;
    static const int windows[] = {31, 15, -15};
    make_request(&body, 3, 0, SLICE("work"));
    for (int i = 0; i < 3; i++) {
        buf_clear(&packed);
        make_packed(&packed, buf_slice(&body), windows[i]);
        post(i ? PB "Content-Encoding: deflate\r\n"
               : PB "Content-Encoding: gzip\r\n",
             buf_slice(&packed));
        assert_has(head, " 200 OK");
    }
    buf_clear(&packed);
    char *to = buf_reserve(&packed, 4096);
    packed.n = ZSTD_compress(to, 4096, body.p, body.n, 3);
    post(PB "Content-Encoding: zstd\r\n", buf_slice(&packed));
    assert_has(head, " 200 OK");
    assert_int_equal(sink.taken, 12);
    post(PB "Content-Encoding: br\r\n", buf_slice(&packed));
    assert_has(head, " 415 ");
    post(PB "Content-Encoding: gzip\r\n", buf_slice(&packed));
    assert_has(head, " 400 ");
    packed.n--;
    post(PB "Content-Encoding: zstd\r\n", buf_slice(&packed));
    assert_has(head, " 400 ");
    post(PB "Content-Encoding: gzip\r\n", SLICE(""));
    assert_has(head, " 400 ");
    assert_int_equal(*intake->rejected[REJECT_OTLP_MALFORMED], 3);
    assert_int_equal(sink.taken, 12);
}

/* Unpacked at the ceiling it passes, one byte over it does not. */
static void test_unpacked_ceiling(void **state)
{
    (void)state;
    make_request(&body, 1, 0, SLICE("work"));
    while (body.n < (2 << 20) - 3)
        buf_str(&body, "\x78\x01"); /* unknown field 15 */
    if (body.n % 2 == 0)
        buf_str(&body, "\x78\x01");
    else
        buf_str(&body, "\x78\x81\x00");
    assert_int_equal(body.n, 2 << 20);
    make_packed(&packed, buf_slice(&body), 31);
    assert_true(packed.n < 20000);
    post(PB "Content-Encoding: gzip\r\n", buf_slice(&packed));
    assert_has(head, " 200 OK");
    buf_str(&body, "\x78\x01");
    buf_clear(&packed);
    make_packed(&packed, buf_slice(&body), 31);
    post(PB "Content-Encoding: gzip\r\n", buf_slice(&packed));
    assert_has(head, " 413 ");
    assert_int_equal(*intake->rejected[REJECT_TOO_LARGE], 1);
}

static void test_partial_success(void **state)
{
    (void)state;
    make_request(&body, 5, 2, SLICE("work"));
    struct slice b = post(PB, buf_slice(&body));
    assert_has(head, " 200 OK");
    assert_true(b.n > 6 && b.p[0] == 0x0a && b.p[2] == 0x08 && b.p[3] == 2);
    assert_non_null(memmem(b.p, b.n, "2 of 5 spans rejected; the first: ", 34));
    assert_int_equal(*intake->rejected[REJECT_BAD_IDS], 2);
    assert_int_equal(*intake->accepted, 3);
    buf_clear(&body);
    make_json(&body, 1);
    char *name = memmem(body.p, body.n, "work", 4);
    memcpy(name, "\",  ", 4);
    b = post(JS, buf_slice(&body));
    assert_has(head, " 400 ");
    assert_true(slice_starts(b, "{\"code\":3,\"message\":\""));
}

static void test_refused_by_sink(void **state)
{
    (void)state;
    make_request(&body, 2, 0, SLICE("refuse me"));
    struct slice b = post(PB, buf_slice(&body));
    assert_has(head, " 200 OK");
    assert_non_null(memmem(b.p, b.n, "refused by the sink", 19));
    assert_int_equal(*intake->rejected[REJECT_INVALID], 2);
}

static void test_full(void **state)
{
    (void)state;
    make_request(&body, 5, 0, SLICE("work"));
    sink.has_room = false;
    sink.holds = true;
    struct slice b = post(PB, buf_slice(&body));
    assert_has(head, " 503 ");
    assert_has(head, "Retry-After: 1\r\n");
    assert_true(b.n > 2 && b.p[0] == 8 && b.p[1] == 14);
    assert_int_equal(*intake->retry, 5);
    assert_int_equal(sink.taken, 0);
    sink.has_room = true;
    sink.room = 2;
    post(PB, buf_slice(&body));
    assert_has(head, " 503 ");
    assert_int_equal(*intake->retry, 8);
    assert_int_equal(*intake->accepted, 2);
}

/* What can never fit is not asked for again and again. */
static void test_larger_than_all(void **state)
{
    (void)state;
    make_request(&body, 5, 0, SLICE("work"));
    sink.has_room = false;
    sink.room = 2;
    struct slice b = post(PB, buf_slice(&body));
    assert_has(head, " 200 OK");
    assert_non_null(memmem(b.p, b.n, "larger than the whole buffer", 28));
    assert_int_equal(*intake->rejected[REJECT_FULL], 3);
    assert_int_equal(*intake->accepted, 2);
}

static void test_full_in_lambda(void **state)
{
    teardown(state);
    begin(true);
    make_request(&body, 5, 0, SLICE("work"));
    sink.has_room = false;
    sink.holds = true;
    struct slice b = post(PB, buf_slice(&body));
    assert_has(head, " 200 OK");
    assert_true(b.n > 4 && b.p[2] == 8 && b.p[3] == 5);
    assert_int_equal(*intake->rejected[REJECT_FULL], 5);
}

static void test_malformed(void **state)
{
    (void)state;
    struct slice b = post(PB, SLICE("\x0a\xff"));
    assert_has(head, " 400 ");
    assert_true(b.n > 2 && b.p[0] == 8 && b.p[1] == 3);
    post("", SLICE("{}"));
    assert_has(head, " 415 ");
    post("Content-Type: text/plain\r\n", SLICE("{}"));
    assert_has(head, " 415 ");
    assert_int_equal(*intake->rejected[REJECT_OTLP_MALFORMED], 1);
}

static void test_elsewhere(void **state)
{
    (void)state;
    struct slice b = request("POST /v1/metrics", JS, SLICE("{}"));
    assert_has(head, " 404 ");
    assert_true(slice_starts(b, "{\"code\":12,\"message\":\"metrics are"));
    request("POST /v1/logs", PB, SLICE(""));
    assert_has(head, " 404 ");
    assert_has(head, "application/x-protobuf");
    request("GET /v1/traces", "", SLICE(""));
    assert_has(head, " 405 ");
    request("POST /opentelemetry.proto.collector.trace.v1.TraceService/Export",
            "Content-Type: application/grpc+proto\r\n", SLICE(""));
    assert_has(head, " 404 ");
    assert_true(otlp->hinted[MIXUP_GRPC] && otlp->hinted[MIXUP_METRICS]);
    assert_false(otlp->hinted[MIXUP_TLS]);
}

static void test_cors(void **state)
{
    (void)state;
    const char *ask = "Origin: https://shop.example\r\n"
                      "Access-Control-Request-Method: POST\r\n"
                      "Access-Control-Request-Headers: content-type\r\n";
    request("OPTIONS /v1/traces", ask, SLICE(""));
    assert_has(head, " 204 ");
    assert_has(head, "Access-Control-Allow-Origin: https://shop.example\r\n");
    assert_has(head, "Access-Control-Allow-Headers: content-type\r\n");
    request("OPTIONS /v1/traces", "Origin: https://evil.example\r\n",
            SLICE(""));
    assert_has(head, " 403 ");
    assert_null(strstr(head, "Access-Control"));
    post(PB "Origin: https://shop.example\r\n", SLICE(""));
    assert_has(head, "Access-Control-Allow-Origin: https://shop.example\r\n");
    post(PB "Origin: https://evil.example\r\n", SLICE(""));
    assert_null(strstr(head, "Access-Control"));
}

static unsigned turns;

static void on_turn_seen(void *arg)
{
    struct timer **t = arg;
    turns++;
    timer_start(*t, 0);
}

/* Sends one of 6000 spans, up to where it is being decoded. */
static void begin_large(struct wire *w)
{
    char text[256];
    make_json(&body, 6000);
    make_packed(&packed, buf_slice(&body), 31);
    wire_open(w, http1_bound(server));
    snprintf(text, sizeof(text),
             "POST /v1/traces HTTP/1.1\r\nHost: h\r\n" JS
             "Content-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n",
             packed.n);
    wire_send(w, slice_str(text));
    wire_send(w, buf_slice(&packed));
    while (otlp->open == 0) /* one turn at a time */
        wire_turn();
}

/* A large body is worked off in slices, between which the loop turns; a small
 * one that comes later is answered first. */
static void test_slices(void **state)
{
    (void)state;
    struct wire large, small;
    struct timer *seen = timer_new(wire_loop, on_turn_seen, &seen);
    begin_large(&large);
    wire_open(&small, http1_bound(server));
    turns = 0;
    timer_start(seen, 0);
    wire_send(&small,
              SLICE("POST /v1/traces HTTP/1.1\r\nHost: h\r\n" PB "\r\n"));
    assert_true(wire_until(wire_has(&small, " 200 OK")));
    assert_true(wire_until(wire_has(&large, " 200 OK")));
    assert_true(turns > 6000 / 1000);
    assert_int_equal(*intake->accepted, 6000);
    timer_free(seen);
    wire_close(&large);
    wire_close(&small);
}

static void test_client_gone(void **state)
{
    (void)state;
    struct wire w;
    begin_large(&w);
    wire_close(&w);
    assert_true(wire_until(otlp->open == 0));
    assert_true(*intake->accepted < 6000);
    assert_int_equal(*intake->accepted, sink.taken);
}

static void test_busy(void **state)
{
    (void)state;
    make_request(&body, 1, 0, SLICE("work"));
    sink.busy = true;
    post(PB, buf_slice(&body));
    assert_has(head, " 200 OK"); /* taken, and answered */
    struct wire w;
    wire_open(&w, http1_bound(server));
    wire_send(&w, SLICE("POST /v1/traces HTTP/1.1\r\nHost: h\r\n" PB "\r\n"));
    for (int i = 0; i < 20; i++)
        wire_turn();
    assert_false(wire_has(&w, "HTTP"));
    sink.busy = false;
    http1_pause(server, false); /* as the wiring does on relief */
    assert_true(wire_until(wire_has(&w, " 200 OK")));
    wire_close(&w);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_taken),
        T(test_codings),
        T(test_unpacked_ceiling),
        T(test_partial_success),
        T(test_refused_by_sink),
        T(test_full),
        T(test_larger_than_all),
        T(test_full_in_lambda),
        T(test_malformed),
        T(test_elsewhere),
        T(test_cors),
        T(test_slices),
        T(test_client_gone),
        T(test_busy),
    };
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    buf_fini(&answer);
    return rc;
}
