/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Accepting connections, with a ceiling on how many are open: the memory that
 * clients can take is this number times what one connection may hold. Out of
 * descriptors is no reason to spin: accepting then rests for a moment. Knows
 * nothing of what is spoken on the connections.
 */
#include "acceptor.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "xr/log.h"

#define ACCEPT_AT_ONCE 64
#define ACCEPT_REST_MS 200
#define ACCEPT_LOG_EVERY_MS 10000

struct acceptor {
    struct loop *loop;
    int fd;
    struct watch *watch;
    struct timer *rest; /* out of descriptors: try again then */
    unsigned open;
    struct acceptor_options o; /* address is not kept */
    char bound[ADDRESS_TEXT_MAX];
    struct log_limit full_limit, fail_limit;
};

static void acceptor_readable(void *arg, int fd, bool readable, bool writable);
static bool acceptor_take(struct acceptor *a);
static void acceptor_failed(struct acceptor *a, int error);
static void acceptor_rested(void *arg);
static void acceptor_log_full(struct acceptor *a);

struct acceptor *acceptor_new(struct loop *l, const struct acceptor_options *o,
                              struct err *err)
{
    struct address where;
    if (address_parse(o->address, SOCK_STREAM, &where, err) < 0)
        return NULL;
    int fd = address_bind(&where, SOCK_STREAM, err);
    if (fd < 0)
        return NULL;
    struct acceptor *a = calloc(1, sizeof(*a));
    if (!a) {
        close(fd);
        err_set(err, "%s: out of memory", o->address);
        return NULL;
    }
    *a = (struct acceptor){.loop = l, .fd = fd, .o = *o};
    a->o.address = NULL;
    struct sockaddr_storage sa;
    socklen_t len = sizeof(sa);
    if (getsockname(fd, (struct sockaddr *)&sa, &len) == 0)
        address_format((struct sockaddr *)&sa, a->bound);
    a->rest = timer_new(l, acceptor_rested, a);
    a->watch = watch_new(l, fd, acceptor_readable, a);
    return a;
}

const char *acceptor_bound(const struct acceptor *a)
{
    return a->bound;
}

void acceptor_released(struct acceptor *a)
{
    a->open--;
}

void acceptor_stop(struct acceptor *a)
{
    if (a->fd < 0)
        return;
    timer_stop(a->rest);
    watch_free(a->watch);
    a->watch = NULL;
    close(a->fd);
    a->fd = -1;
}

void acceptor_free(struct acceptor *a)
{
    if (!a)
        return;
    acceptor_stop(a);
    timer_free(a->rest);
    free(a);
}

static void acceptor_readable(void *arg, int fd, bool readable, bool writable)
{
    struct acceptor *a = arg;
    (void)fd, (void)readable, (void)writable;
    for (int i = 0; i < ACCEPT_AT_ONCE && a->fd >= 0; i++)
        if (!acceptor_take(a))
            return;
}

/* False when there is nothing more to take now. */
static bool acceptor_take(struct acceptor *a)
{
    struct sockaddr_storage sa;
    socklen_t len = sizeof(sa);
    int fd = accept4(a->fd, (struct sockaddr *)&sa, &len,
                     SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        acceptor_failed(a, errno);
        return errno == EINTR || errno == ECONNABORTED;
    }
    if (a->open >= a->o.max) {
        close(fd);
        acceptor_log_full(a);
        return true;
    }
    int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    a->open++;
    a->o.fn(a->o.arg, fd, (struct sockaddr *)&sa);
    return true;
}

static void acceptor_failed(struct acceptor *a, int error)
{
    if (error != EMFILE && error != ENFILE && error != ENOMEM &&
        error != ENOBUFS) {
        errno = error;
        return;
    }
    uint64_t held;
    if (log_limit_pass(&a->fail_limit, loop_now_ms(a->loop),
                       ACCEPT_LOG_EVERY_MS, &held))
        log_error("%s: can't accept a connection: %s; raise the limit of open "
                  "files or lower the number of clients",
                  a->bound, strerror(error));
    watch_set(a->watch, false, false);
    timer_start(a->rest, ACCEPT_REST_MS);
    errno = error;
}

static void acceptor_rested(void *arg)
{
    struct acceptor *a = arg;
    if (a->watch)
        watch_set(a->watch, true, false);
}

static void acceptor_log_full(struct acceptor *a)
{
    uint64_t held;
    if (log_limit_pass(&a->full_limit, loop_now_ms(a->loop),
                       ACCEPT_LOG_EVERY_MS, &held))
        log_warn(
            "%s: %u connections are open, the limit; closed %llu new ones. "
            "Do clients make one for each request, or leave them open?",
            a->bound, a->o.max, (unsigned long long)held + 1);
}
