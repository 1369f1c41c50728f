/* SPDX-License-Identifier: Apache-2.0 */
/* Datagrams arrive whole, many at a time; losses are counted; bad addresses
 * are refused in words. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "net/udp.c"
#include "xr/clock.h"

#define BURST 500

struct seen {
    struct loop *loop;
    unsigned n, want;
    size_t bytes;
};

static void on_datagram(void *arg, struct slice d, bool truncated)
{
    struct seen *s = arg;
    assert_false(truncated);
    s->bytes += d.n;
    if (++s->n == s->want)
        loop_stop(s->loop);
}

static int sender(const struct udp *u)
{
    struct sockaddr_in to = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    unsigned port;
    assert_int_equal(sscanf(udp_bound(u), "127.0.0.1:%u", &port), 1);
    to.sin_port = htons((uint16_t)port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    return fd;
}

static struct udp *receiver(struct seen *s)
{
    struct err err = {""};
    s->loop = loop_new(&err);
    struct udp_options o = {"127.0.0.1:0", 4 << 20, on_datagram, s};
    struct udp *u = udp_new(s->loop, &o, &err);
    if (u == NULL)
        fail_msg("%s", err.text);
    return u;
}

static void receives_all_of_a_burst(void **state)
{
    (void)state;
    struct seen s = {.want = BURST};
    struct udp *u = receiver(&s);
    static char big[60000];
    int fd = sender(u);
    for (unsigned i = 0; i < BURST; i++) {
        size_t n = i % 100 == 0 ? sizeof(big) : 100;
        assert_int_equal(send(fd, big, n, 0), n);
        if (i % 50 == 49)
            udp_read_now(u);
    }
    if (s.n < s.want)
        loop_run(s.loop);
    assert_int_equal(s.bytes, 5 * sizeof(big) + (BURST - 5) * 100);
    assert_int_equal(udp_stats(u)->datagrams, BURST);
    close(fd);
    udp_free(u);
    loop_free(s.loop);
}

static void stops_with_what_is_there(void **state)
{
    (void)state;
    struct seen s = {.want = 2};
    struct udp *u = receiver(&s);
    int fd = sender(u);
    assert_int_equal(send(fd, "1", 1, 0), 1);
    assert_int_equal(send(fd, "2", 1, 0), 1);
    udp_stop(u);
    assert_int_equal(s.n, 2);
    assert_int_equal(send(fd, "3", 1, 0), 1);
    assert_int_equal(send(fd, "4", 1, 0), -1);
    assert_int_equal(errno, ECONNREFUSED);
    assert_int_equal(udp_read_now(u), 0);
    udp_stop(u);
    udp_update_drops(u);
    assert_int_equal(udp_stats(u)->datagrams, 2);
    close(fd);
    udp_free(u);
    loop_free(s.loop);
}

#define SLOW 8 /* so many fit any receive buffer */
#define SLOW_MS 2
#define TURN_MS_MAX 10

/* Handled datagrams, all and since the last look. */
struct slow {
    struct loop *loop;
    struct timer *look;
    unsigned n, at_look, most, want;
};

static void on_slow_datagram(void *arg, struct slice d, bool truncated)
{
    struct slow *s = arg;
    int64_t until = clock_mono_us() + SLOW_MS * 1000;
    (void)truncated;
    assert_int_equal(d.p[0], s->n++); /* in order */
    while (clock_mono_us() < until)
        ;
}

static void on_look(void *arg)
{
    struct slow *s = arg;
    if (s->n - s->at_look > s->most)
        s->most = s->n - s->at_look;
    s->at_look = s->n;
    timer_start(s->look, 0);
    if (s->n >= s->want)
        loop_stop(s->loop);
}

/* What takes long is spread over turns; nothing of it is lost, be it in a turn
 * or all at once in the end. */
static void leaves_the_rest_to_the_next_turn(void **state)
{
    (void)state;
    struct slow s = {.want = SLOW};
    struct err err;
    static char data[BYTES_PER_LOOK];
    s.loop = loop_new(&err);
    struct udp_options o = {"127.0.0.1:0", 4 << 20, on_slow_datagram, &s};
    struct udp *u = udp_new(s.loop, &o, &err);
    assert_non_null(u);
    int fd = sender(u);
    for (; data[0] < SLOW; data[0]++)
        assert_int_equal(send(fd, data, sizeof(data), 0), sizeof(data));
    s.look = timer_new(s.loop, on_look, &s);
    timer_start(s.look, 0);
    loop_run(s.loop);
    assert_true(s.most * SLOW_MS <= TURN_MS_MAX);
    assert_int_equal(udp_stats(u)->datagrams, SLOW);
    for (; data[0] < 2 * SLOW; data[0]++)
        assert_int_equal(send(fd, data, sizeof(data), 0), sizeof(data));
    s.want = SLOW + 1;
    loop_run(s.loop);
    assert_true(s.n < 2 * SLOW);
    assert_int_equal(udp_read_now(u), 2 * SLOW - s.n);
    close(fd);
    timer_free(s.look);
    udp_free(u);
    loop_free(s.loop);
}

static void counts_what_the_kernel_dropped(void **state)
{
    (void)state;
#ifdef XR_PORTABLE
    skip(); /* only Linux tells */
#else
    struct seen s = {.want = UINT32_MAX};
    struct err err;
    s.loop = loop_new(&err);
    struct udp_options o = {"127.0.0.1:0", 4096, on_datagram, &s};
    struct udp *u = udp_new(s.loop, &o, &err);
    assert_non_null(u);
    int fd = sender(u);
    for (int i = 0; i < BURST; i++)
        assert_int_equal(send(fd, "0123456789", 10, 0), 10);
    udp_read_now(u);
    udp_update_drops(u);
    assert_true(udp_stats(u)->kernel_drops > 0);
    assert_int_equal(udp_stats(u)->kernel_drops + s.n, BURST);
    close(fd);
    udp_free(u);
    loop_free(s.loop);
#endif
}

static void asks_under_load_but_never_when_idle(void **state)
{
    (void)state;
    struct udp u = {.stats = {.receive_buffer = 8 << 20}};
    u.stats.datagrams = 20; /* 2,000 a second */
    u.stats.bytes = 20 * 800;
    assert_false(worth_polling(&u, RATE_WINDOW_MS));
    u.stats.datagrams = 1000;
    u.stats.bytes = 1000 * 800;
    assert_true(worth_polling(&u, RATE_WINDOW_MS));
    /* the stock buffer fills in 0.9 ms at this rate */
    u.stats.receive_buffer = 212992;
    assert_false(worth_polling(&u, RATE_WINDOW_MS));
}

static void says_why_it_cannot_bind(void **state)
{
    (void)state;
    struct seen s = {0};
    struct udp *u = receiver(&s);
    struct err err = {""};
    struct udp_options o = {udp_bound(u), 4096, on_datagram, &s};
    assert_null(udp_new(s.loop, &o, &err));
    assert_non_null(strstr(err.text, "in use"));
    o.address = "nonsense";
    assert_null(udp_new(s.loop, &o, &err));
    assert_true(err.text[0] != '\0');
    udp_free(u);
    loop_free(s.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(receives_all_of_a_burst),
        cmocka_unit_test(stops_with_what_is_there),
        cmocka_unit_test(leaves_the_rest_to_the_next_turn),
        cmocka_unit_test(counts_what_the_kernel_dropped),
        cmocka_unit_test(asks_under_load_but_never_when_idle),
        cmocka_unit_test(says_why_it_cannot_bind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
