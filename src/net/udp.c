/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The datagram receiver. Two ways of waiting: idle, the socket's event wakes
 * it at once; under load it asks each millisecond, since a wake-up for each
 * datagram costs more than the datagram. Knows nothing of what it carries.
 */
#include "xr/udp.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "udp_os.h"
#include "xr/log.h"

/* Rate above which asking beats waking, and the interval of asking. */
#define POLL_RATE_MIN 3000
#define POLL_INTERVAL_US 1000
/* The rate is measured over windows of this length. */
#define RATE_WINDOW_MS 10
/* Rounds of one wake-up, so that uploads and clients get their turn. */
#define ROUNDS_MAX 16
/* So many bytes of datagrams are handled before the clock is asked whether the
 * turn is long: what lies in the ring waits for the next one then. */
#define BYTES_PER_LOOK 16384
/* What the kernel counts for a datagram beside its bytes, at least. */
#define KERNEL_OVERHEAD 768

struct udp {
    struct loop *loop;
    int fd;
    struct watch *watch;
    struct timer *poll;
    bool polling;
    struct udp_ring *ring;
    int next, filled; /* of the ring: not yet handed out */
    udp_fn fn;
    void *arg;
    struct udp_stats stats;
    int64_t window_start_ms;
    uint64_t window_datagrams, window_bytes; /* totals at the window's start */
    struct log_limit faults;
    char bound[ADDRESS_TEXT_MAX];
};

static int open_socket(struct udp *u, const char *address, struct err *err);
static void on_readable(void *arg, int fd, bool readable, bool writable);
static void on_poll(void *arg);
static unsigned receive(struct udp *u, bool all);
static bool fill_ring(struct udp *u);
static unsigned empty_ring(struct udp *u, bool all);
static void choose_waiting(struct udp *u);
static bool worth_polling(const struct udp *u, int64_t elapsed_ms);

struct udp *udp_new(struct loop *l, const struct udp_options *o,
                    struct err *err)
{
    struct udp *u = calloc(1, sizeof(*u));
    if (u == NULL) {
        err_set(err, "out of memory");
        return NULL;
    }
    u->loop = l;
    u->fn = o->fn;
    u->arg = o->arg;
    u->fd = -1;
    u->ring = udp_ring_new();
    u->poll = timer_new(l, on_poll, u);
    if (u->ring == NULL || u->poll == NULL) {
        err_set(err, "out of memory");
        udp_free(u);
        return NULL;
    }
    if (open_socket(u, o->address, err) != 0) {
        udp_free(u);
        return NULL;
    }
    u->stats.receive_buffer_asked = o->receive_buffer;
    u->stats.receive_buffer = udp_os_receive_buffer(u->fd, o->receive_buffer);
    u->window_start_ms = loop_now_ms(l);
    u->watch = watch_new(l, u->fd, on_readable, u);
    return u;
}

const char *udp_bound(const struct udp *u)
{
    return u->bound;
}

unsigned udp_read_now(struct udp *u)
{
    unsigned total = 0, n;
    while (u->fd >= 0 && (n = receive(u, true)) > 0)
        total += n;
    return total;
}

void udp_stop(struct udp *u)
{
    udp_read_now(u);
    udp_update_drops(u);
    watch_free(u->watch);
    timer_stop(u->poll);
    if (u->fd >= 0)
        close(u->fd);
    u->watch = NULL;
    u->fd = -1;
}

void udp_update_drops(struct udp *u)
{
    (void)udp_os_drops(u->fd, &u->stats.kernel_drops);
}

const struct udp_stats *udp_stats(const struct udp *u)
{
    return &u->stats;
}

void udp_free(struct udp *u)
{
    if (u == NULL)
        return;
    watch_free(u->watch);
    timer_free(u->poll);
    if (u->fd >= 0)
        close(u->fd);
    udp_ring_free(u->ring);
    free(u);
}

static int open_socket(struct udp *u, const char *address, struct err *err)
{
    struct address a;
    if (address_parse(address, SOCK_DGRAM, &a, err) != 0)
        return -1;
    u->fd = address_bind(&a, SOCK_DGRAM, err);
    if (u->fd < 0)
        return -1;
    struct sockaddr_storage sa;
    socklen_t len = sizeof(sa);
    if (getsockname(u->fd, (struct sockaddr *)&sa, &len) == 0)
        address_format((struct sockaddr *)&sa, u->bound);
    return 0;
}

static void on_readable(void *arg, int fd, bool readable, bool writable)
{
    struct udp *u = arg;
    (void)fd;
    (void)readable;
    (void)writable;
    u->stats.wakeups++;
    receive(u, false);
    choose_waiting(u);
}

static void on_poll(void *arg)
{
    struct udp *u = arg;
    u->stats.wakeups++;
    receive(u, false);
    choose_waiting(u);
}

/* Some rings full; returns the number of datagrams. all: however long it takes,
 * else what is left over for the next turn stays in the ring. */
static unsigned receive(struct udp *u, bool all)
{
    unsigned total = 0;
    for (int rounds = ROUNDS_MAX; rounds > 0; rounds--) {
        if (u->next == u->filled && !fill_ring(u))
            break;
        total += empty_ring(u, all);
        if (u->next < u->filled || u->filled < UDP_BATCH)
            break;
    }
    return total;
}

static bool fill_ring(struct udp *u)
{
    int n = udp_ring_receive(u->ring, u->fd);
    u->next = 0;
    u->filled = n > 0 ? n : 0;
    if (n < 0 && log_limit_pass(&u->faults, loop_now_ms(u->loop), 60000, NULL))
        log_error("Receiving datagrams on %s fails: %s", u->bound,
                  strerror(errno));
    return n > 0;
}

static unsigned empty_ring(struct udp *u, bool all)
{
    unsigned n = 0;
    size_t bytes = 0;
    while (u->next < u->filled) {
        bool truncated;
        struct slice d = udp_ring_datagram(u->ring, u->next++, &truncated);
        u->stats.bytes += d.n;
        u->stats.datagrams++;
        u->fn(u->arg, d, truncated);
        n++;
        bytes += d.n;
        if (all || bytes < BYTES_PER_LOOK)
            continue;
        if (loop_turn_is_long(u->loop))
            break;
        bytes = 0;
    }
    return n;
}

/* Once a window: by event or by asking. */
static void choose_waiting(struct udp *u)
{
    int64_t now = loop_now_ms(u->loop);
    int64_t elapsed = now - u->window_start_ms;
    if (elapsed >= RATE_WINDOW_MS) {
        bool poll = worth_polling(u, elapsed);
        if (poll != u->polling)
            watch_set(u->watch, !poll, false);
        u->polling = poll;
        u->window_start_ms = now;
        u->window_datagrams = u->stats.datagrams;
        u->window_bytes = u->stats.bytes;
    }
    if (u->next < u->filled)
        timer_start_us(u->poll, 0);
    else if (u->polling)
        timer_start_us(u->poll, POLL_INTERVAL_US);
}

/* A busy socket may be left alone for the interval if that is at most a
 * quarter of the time in which the buffer would fill at the present rate. */
static bool worth_polling(const struct udp *u, int64_t elapsed_ms)
{
    uint64_t n = u->stats.datagrams - u->window_datagrams;
    uint64_t bytes = u->stats.bytes - u->window_bytes;
    uint64_t rate = n * 1000 / (uint64_t)elapsed_ms;
    if (rate < POLL_RATE_MIN)
        return false;
    /* The kernel rounds a datagram's memory up, by less than double. */
    uint64_t held = 2 * bytes + n * KERNEL_OVERHEAD;
    uint64_t fill_us =
        u->stats.receive_buffer * (uint64_t)elapsed_ms * 1000 / held;
    return fill_us / 4 >= POLL_INTERVAL_US;
}
