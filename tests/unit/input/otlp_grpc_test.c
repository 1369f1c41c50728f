/* SPDX-License-Identifier: Apache-2.0 */
/* input/otlp_grpc.c on net/h2.c: a client made of nghttp2 against the server,
 * and raw bytes where a client must misbehave. */
#include "input/otlp_grpc.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka wants the three above first */
#include <cmocka.h>

#include "../grpc_client.h"
#include "net/h2_conn.h"
#include "otlp_world.h"

#define MESSAGE_MAX (1u << 20)

static struct otlp_grpc *grpc;

static void begin(bool lambda)
{
    const struct otlp_grpc_options o = {
        .address = "127.0.0.1:0", .message_max = MESSAGE_MAX, .lambda = lambda};
    struct err err;
    world_begin();
    grpc = otlp_grpc_new(wire_loop, pipeline, translator, &o, &err);
    assert_non_null(grpc);
    intake = otlp_taker_intake(grpc->taker);
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
    otlp_grpc_free(grpc);
    world_end();
    return 0;
}

#define EXPORT "/" TRACE_SERVICE "/Export"

static struct client client;

static struct call *export(const char *encoding, struct slice m)
{
    struct call *k = client_call(&client, EXPORT, encoding, m, NULL);
    client_wait(&client, k);
    return k;
}

/* --- the tests */

static void test_taken(void **state)
{
    (void)state;
    client_open(&client, otlp_grpc_bound(grpc));
    make_request(&body, 3, 0, SLICE("work"));
    struct call *k = export("", buf_slice(&body));
    assert_string_equal(k->status, "200");
    assert_string_equal(k->grpc_status, "0");
    assert_int_equal(k->header_frames, 2);
    assert_int_equal(k->text_n, 5);
    assert_int_equal(k->error, 0);
    make_packed(&packed, buf_slice(&body), 31);
    assert_string_equal(export("gzip", buf_slice(&packed))->grpc_status, "0");
    assert_string_equal(export("", SLICE(""))->grpc_status, "0");
    assert_int_equal(sink.taken, 6);
    assert_int_equal(*intake->accepted, 6);
    assert_int_equal(otlp_grpc_open_streams(grpc), 0);
    client_close(&client);
}

static void test_partial_success(void **state)
{
    (void)state;
    client_open(&client, otlp_grpc_bound(grpc));
    make_request(&body, 5, 2, SLICE("work"));
    struct call *k = export("", buf_slice(&body));
    assert_string_equal(k->grpc_status, "0");
    assert_true(k->text[5] == 0x0a && k->text[7] == 8 && k->text[8] == 2);
    assert_non_null(memmem(k->text, k->text_n, "2 of 5 spans rejected", 21));
    client_close(&client);
}

/* The faults of a message; all are answered in one HEADERS frame. */
static void test_faults(void **state)
{
    (void)state;
    client_open(&client, otlp_grpc_bound(grpc));
    make_request(&body, 1, 0, SLICE("work"));
    make_packed(&packed, buf_slice(&body), 31);
    struct slice m = buf_slice(&body);
    const struct {
        const char *path, *encoding, *prefix, *status;
        struct slice message;
    } rows[] = {
        {EXPORT, "", NULL, "3", SLICE("\x0a\xff")},
        {EXPORT, "", "\0\0\0\0\x7f", "13", m},
        {EXPORT, "", "\2\0\0\0\0", "13", SLICE("")},
        {EXPORT, "", "\1\0\0\0\0", "13", SLICE("")},
        {EXPORT, "br", NULL, "12", m},
        {EXPORT, "gzip", NULL, "3", m},
        {"/" TRACE_SERVICE "/Import", "", NULL, "12", m},
        {"/opentelemetry.proto.collector.metrics.v1.MetricsService/Export", "",
         NULL, "12", m},
        {"/grpc.health.v1.Health/Watch", "", NULL, "12", SLICE("")},
        {"/grpc.health.v1.Health/Check", "", NULL, "5", SLICE("\x0a\x01x")},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct call *k = client_call(&client, rows[i].path, rows[i].encoding,
                                     rows[i].message, rows[i].prefix);
        client_wait(&client, k);
        if (strcmp(k->grpc_status, rows[i].status) != 0)
            fail_msg("row %zu: grpc-status %s, %s", i, k->grpc_status,
                     k->grpc_message);
        assert_int_equal(k->header_frames, 1);
        assert_string_equal(k->status, "200");
    }
    assert_int_equal(sink.taken, 0);
    assert_true(*grpc->hinted & 1u << MIXUP_METRICS);
    client_close(&client);
}

static void test_health(void **state)
{
    (void)state;
    client_open(&client, otlp_grpc_bound(grpc));
    struct call *k = client_call(&client, "/grpc.health.v1.Health/Check", "",
                                 SLICE(""), NULL);
    client_wait(&client, k);
    assert_string_equal(k->grpc_status, "0");
    assert_memory_equal(k->text, "\0\0\0\0\2\x08\x01", 7);
    client_close(&client);
}

/* A message at the ceiling passes; one above is refused before its end and
 * the connection goes on. */
static void test_large(void **state)
{
    (void)state;
    client_open(&client, otlp_grpc_bound(grpc));
    make_request(&body, 1, 0, SLICE("work"));
    while (body.n < MESSAGE_MAX - 2)
        buf_str(&body, "\x78\x01"); /* unknown field 15 */
    if (body.n % 2)
        body.p[body.n - 1] = (char)0x81, buf_byte(&body, 0);
    assert_true(body.n <= MESSAGE_MAX);
    assert_string_equal(export("", buf_slice(&body))->grpc_status, "0");
    while (body.n < MESSAGE_MAX + 100000)
        buf_str(&body, "\x78\x01");
    struct call *k = export("", buf_slice(&body));
    assert_string_equal(k->grpc_status, "8");
    assert_string_equal(k->details, "");
    make_packed(&packed, buf_slice(&body), 31);
    assert_string_equal(export("gzip", buf_slice(&packed))->grpc_status, "8");
    assert_int_equal(*intake->rejected[REJECT_TOO_LARGE], 2);
    assert_int_equal(grpc->server->held, 0);
    client_close(&client);
}

static void test_full(void **state)
{
    (void)state;
    client_open(&client, otlp_grpc_bound(grpc));
    make_request(&body, 5, 0, SLICE("work"));
    sink.has_room = false;
    sink.holds = true;
    struct call *k = export("", buf_slice(&body));
    assert_string_equal(k->grpc_status, "14");
    uint8_t details[512];
    size_t end = strlen(k->details);
    while (end % 4)
        k->details[end++] = '=';
    long n = base64_decode(slice_of(k->details, end), details);
    assert_true(n > 0 && details[0] == 8 && details[1] == 14);
    assert_non_null(memmem(details, (size_t)n,
                           "google.rpc.RetryInfo\x12\x04\x0a\x02\x08\x01", 26));
    assert_int_equal(*intake->retry, 5);
    client_close(&client);
    teardown(state);
    begin(true);
    client_open(&client, otlp_grpc_bound(grpc));
    make_request(&body, 5, 0, SLICE("work"));
    sink.has_room = false;
    sink.holds = true;
    assert_string_equal(export("", buf_slice(&body))->grpc_status, "0");
    assert_int_equal(*intake->rejected[REJECT_FULL], 5);
    client_close(&client);
}

static void test_many_streams(void **state)
{
    (void)state;
    client_open(&client, otlp_grpc_bound(grpc));
    make_request(&body, 10, 0, SLICE("work"));
    client_turn(&client);
    for (int i = 0; i < 200; i++)
        client_call(&client, EXPORT, "", buf_slice(&body), NULL);
    for (unsigned i = 0; i < client.n; i++) {
        client_wait(&client, &client.calls[i]);
        assert_string_equal(client.calls[i].grpc_status, "0");
    }
    assert_int_equal(sink.taken, 2000);
    client_close(&client);
}

static bool is_opened(unsigned n)
{
    client_turn(&client);
    return otlp_grpc_open_streams(grpc) == n;
}

/* A body that lasts for more than a slice; its client goes away. */
static void test_gone_and_deadline(void **state)
{
    (void)state;
    client_open(&client, otlp_grpc_bound(grpc));
    make_request(&body, 10000, 0, SLICE("w"));
    assert_true(body.n < MESSAGE_MAX);
    make_packed(&packed, buf_slice(&body), 31);
    struct call *k =
        client_call(&client, EXPORT, "gzip", buf_slice(&packed), NULL);
    (void)k;
    while (!is_opened(1))
        wire_turn();
    client_close(&client);
    assert_true(wire_until(grpc->open == 0));
    assert_int_equal(otlp_grpc_open_streams(grpc), 0);
    assert_int_equal(*intake->accepted, sink.taken);
    client_open(&client, otlp_grpc_bound(grpc));
    client.timeout = "1m";
    assert_string_equal(export("gzip", buf_slice(&packed))->grpc_status, "4");
    client_close(&client);
    assert_int_equal(timeout_ms(SLICE("10S")), 10000);
    assert_int_equal(timeout_ms(SLICE("99999999H")), DEADLINE_MAX_MS);
    assert_int_equal(timeout_ms(SLICE("1500000u")), 1500);
    assert_int_equal(timeout_ms(SLICE("5m")), 5);
    assert_int_equal(timeout_ms(SLICE("5")), -1);
    assert_int_equal(timeout_ms(SLICE("")), -1);
    assert_int_equal(timeout_ms(SLICE("123456789S")), -1);
    assert_int_equal(timeout_ms(SLICE("-5S")), -1);
}

static bool says_goaway(struct client *c)
{
    client_turn(c);
    return c->goaway;
}

static bool is_over(struct client *c)
{
    client_turn(c);
    return c->wire.closed;
}

static void test_stop(void **state)
{
    (void)state;
    client_open(&client, otlp_grpc_bound(grpc));
    client.hold_back = true;
    struct call *k = client_call(&client, EXPORT, "", SLICE(""), NULL);
    while (!grpc->server->first || !grpc->server->first->first) {
        client_turn(&client);
        wire_turn();
    }
    otlp_grpc_stop(grpc);
    assert_true(wire_until(says_goaway(&client)));
    assert_int_equal(client.goaway_error, NGHTTP2_NO_ERROR);
    client.hold_back = false;
    nghttp2_session_resume_data(client.session, 1);
    client_wait(&client, k);
    assert_string_equal(k->grpc_status, "0");
    assert_true(wire_until(is_over(&client)));
    client_close(&client);
}

static void test_floods(void **state)
{
    (void)state;
    /* pings */
    client_open(&client, otlp_grpc_bound(grpc));
    for (int i = 0; i < 3000; i++)
        nghttp2_submit_ping(client.session, 0, NULL);
    assert_true(wire_until(says_goaway(&client)));
    assert_int_equal(client.goaway_error, NGHTTP2_ENHANCE_YOUR_CALM);
    assert_true(wire_until(is_over(&client)));
    client_close(&client);
    /* settings, one by one */
    client_open(&client, otlp_grpc_bound(grpc));
    client_turn(&client);
    static const char settings[] = "\0\0\0\4\0\0\0\0\0";
    for (int i = 0; i < 3000; i++)
        if (!wire_send(&client.wire, slice_of(settings, 9)))
            break;
    assert_true(wire_until(is_over(&client)));
    client_close(&client);
    /* requests that are reset at once */
    client_open(&client, otlp_grpc_bound(grpc));
    client.hold_back = true;
    client_turn(&client);
    for (int i = 0; i < 20000 && !client.wire.closed; i++) {
        client.n = 0;
        client_call(&client, EXPORT, "", SLICE("x"), NULL);
        client_turn(&client);
        nghttp2_submit_rst_stream(client.session, 0, 2 * i + 1, NGHTTP2_CANCEL);
        client_turn(&client);
        buf_fini(&client.calls[0].body);
        if (i % 64 == 0)
            wire_turn();
    }
    assert_true(client.goaway || wire_until(is_over(&client)));
    client.n = 0;
    client_close(&client);
    assert_true(wire_until(grpc->server->first == NULL));
}

static void test_mixups(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w, otlp_grpc_bound(grpc));
    wire_send(&w, SLICE("POST /v1/traces HTTP/1.1\r\nHost: x\r\n\r\n"));
    assert_true(wire_until(wire_has(&w, "HTTP/1.1 400 ")));
    assert_true(wire_until(wire_is_closed(&w)));
    assert_true(*grpc->hinted & 1u << MIXUP_HTTP);
    wire_close(&w);
    wire_open(&w, otlp_grpc_bound(grpc));
    wire_send(&w, SLICE("\x16\x03\x01\x00\x05\x01"));
    assert_true(wire_until(wire_is_closed(&w)));
    assert_true(*grpc->hinted & 1u << MIXUP_TLS);
    wire_close(&w);
}

static void test_pause(void **state)
{
    (void)state;
    client_open(&client, otlp_grpc_bound(grpc));
    client_turn(&client);
    make_request(&body, 1, 0, SLICE("work"));
    sink.busy = true;
    assert_string_equal(export("", buf_slice(&body))->grpc_status, "0");
    struct call *k = client_call(&client, EXPORT, "", buf_slice(&body), NULL);
    for (int i = 0; i < 20; i++) {
        client_turn(&client);
        wire_turn();
    }
    assert_int_equal(*intake->accepted, 1);
    sink.busy = false;
    otlp_grpc_pause(grpc, false); /* as the wiring does on relief */
    client_wait(&client, k);
    assert_int_equal(*intake->accepted, 2);
    client_close(&client);
}

/* Calls that wait when it ends, or when they have ended themselves. */
static void test_ends_while_paused(void **state)
{
    for (int lambda = 0; lambda < 2; lambda++) {
        teardown(state);
        begin(lambda);
        client_open(&client, otlp_grpc_bound(grpc));
        otlp_grpc_pause(grpc, true);
        make_request(&body, 1, 0, SLICE("work"));
        for (int i = 0; i < 5; i++)
            client_call(&client, EXPORT, "", buf_slice(&body), NULL);
        while (!is_opened(5))
            wire_turn();
        static const int gone[] = {1, 5, 9}; /* first, in the middle, last */
        for (int i = 0; i < 3; i++)
            nghttp2_submit_rst_stream(client.session, 0, gone[i],
                                      NGHTTP2_CANCEL);
        while (!is_opened(2))
            wire_turn();
        otlp_grpc_stop(grpc);
        for (int i = 1; i < 5; i += 2) {
            client_wait(&client, &client.calls[i]);
            assert_string_equal(client.calls[i].grpc_status,
                                lambda ? "0" : "14");
        }
        assert_int_equal(*intake->accepted, lambda ? 2 : 0);
        assert_int_equal(*intake->retry, lambda ? 0 : 2);
        assert_true(wire_until(is_over(&client)));
        client_close(&client);
    }
}

static void test_percent_encoding(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 1024);
    otlp_reply_grpc_message(&b, "50% \xc3\xa9\n~ ok");
    assert_string_equal(buf_cstr(&b), "50%25 %C3%A9%0A~ ok");
    buf_fini(&b);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_taken),
        T(test_partial_success),
        T(test_faults),
        T(test_health),
        T(test_large),
        T(test_full),
        T(test_many_streams),
        T(test_gone_and_deadline),
        T(test_stop),
        T(test_floods),
        T(test_mixups),
        T(test_pause),
        T(test_ends_while_paused),
        T(test_percent_encoding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
