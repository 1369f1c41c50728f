/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For unit tests of servers: a loop that is turned by hand and a raw client
 * socket on the same thread. Nothing sleeps for a fixed time: wire_until turns
 * the loop until a condition holds or five seconds are over.
 */
#ifndef XR_TEST_WIRE_H
#define XR_TEST_WIRE_H

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "xr/buf.h"
#include "xr/clock.h"
#include "xr/loop.h"

#define WIRE_PATIENCE_MS 5000

struct wire {
    int fd;
    struct buf got;
    bool closed;
};

static struct loop *wire_loop;

static void wire_stop(void *arg)
{
    loop_stop(arg);
}

/* Turns the loop for about a millisecond. */
static inline void wire_turn(void)
{
    struct timer *t = timer_new(wire_loop, wire_stop, wire_loop);
    timer_start(t, 1);
    loop_run(wire_loop);
    timer_free(t);
}

/* bound: "127.0.0.1:PORT" */
static inline void wire_open(struct wire *w, const char *bound)
{
    struct sockaddr_in sa = {.sin_family = AF_INET};
    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sa.sin_port = htons((uint16_t)strtol(strrchr(bound, ':') + 1, NULL, 10));
    *w = (struct wire){.fd = socket(AF_INET, SOCK_STREAM, 0)};
    buf_init(&w->got, 256u << 20);
    /* A signal's visit, as of a fuzzer's alarm, leaves it under way. */
    while (connect(w->fd, (struct sockaddr *)&sa, sizeof(sa)) < 0) {
        if (errno == EISCONN)
            break;
        if (errno != EINTR)
            abort();
    }
    fcntl(w->fd, F_SETFL, O_NONBLOCK);
}

static inline void wire_close(struct wire *w)
{
    if (w->fd >= 0)
        close(w->fd);
    w->fd = -1;
    buf_fini(&w->got);
}

/* Takes what has come. */
static inline void wire_take(struct wire *w)
{
    for (;;) {
        char *p = buf_reserve(&w->got, 65536);
        ssize_t n = w->closed ? -1 : recv(w->fd, p, 65536, 0);
        if (n == 0 || (n < 0 && errno == ECONNRESET))
            w->closed = true;
        if (n <= 0)
            return;
        w->got.n += (size_t)n;
    }
}

/* Sends all, turning the loop while the socket is full. False: refused. */
static inline bool wire_send(struct wire *w, struct slice s)
{
    int64_t until = clock_mono_ms() + WIRE_PATIENCE_MS;
    while (s.n > 0 && clock_mono_ms() < until) {
        ssize_t n = send(w->fd, s.p, s.n, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN)
            return false;
        if (n > 0)
            s = slice_of(s.p + n, s.n - (size_t)n);
        else
            wire_turn();
    }
    return s.n == 0;
}

static inline bool wire_has(struct wire *w, const char *text)
{
    wire_take(w);
    return memmem(w->got.p, w->got.n, text, strlen(text)) != NULL;
}

static inline bool wire_is_closed(struct wire *w)
{
    wire_take(w);
    return w->closed;
}

#define assert_has(text, part)                                                 \
    do {                                                                       \
        if (!strstr(text, part))                                               \
            fail_msg("%s\nlacks %s", text, part);                              \
    } while (0)

#define wire_until(condition)                                                  \
    ({                                                                         \
        int64_t wire_end = clock_mono_ms() + WIRE_PATIENCE_MS;                 \
        while (!(condition) && clock_mono_ms() < wire_end)                     \
            wire_turn();                                                       \
        (condition);                                                           \
    })

/* Sends both, and reads until the server has closed. */
static inline void wire_ask(const char *bound, struct slice head,
                            struct slice body, char *answer, size_t size)
{
    struct wire w;
    wire_open(&w, bound);
    wire_send(&w, head);
    wire_send(&w, body);
    if (!wire_until(wire_is_closed(&w)))
        abort();
    snprintf(answer, size, "%.*s", (int)w.got.n, w.got.p);
    wire_close(&w);
}

#endif
