/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exchanges with the runtime API. The connection is kept from one to the next,
 * since fast functions would use up the ports otherwise; a kept one that turns
 * out to be closed is replaced once, silently.
 */
#include "call.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "xr/log.h"

struct call {
    struct loop *loop;
    struct address to;
    int fd; /* -1: not connected */
    struct watch *watch;
    bool busy, kept; /* kept: an exchange went well on it before */
    call_fn fn;
    void *arg;
    const char *why; /* while a failure waits to be told */
    size_t n_out, sent, n_in;
    char out[LAMBDA_REQUEST_MAX];
    char in[LAMBDA_ANSWER_MAX];
};

static void begin(struct call *c);
static void on_ready(void *arg, int fd, bool readable, bool writable);
static void push(struct call *c);
static void pull(struct call *c);
static void broken(struct call *c, const char *why);
static void tell_failure(void *arg);
static void disconnect(struct call *c);

struct call *call_new(struct loop *l, const struct address *to)
{
    struct call *c = malloc(sizeof(*c));
    if (c == NULL)
        log_fatal("out of memory while starting");
    memset(c, 0, offsetof(struct call, out));
    c->loop = l;
    c->to = *to;
    c->fd = -1;
    return c;
}

void call_free(struct call *c)
{
    if (c == NULL)
        return;
    disconnect(c);
    free(c);
}

void call_send(struct call *c, const struct lambda_request *r, call_fn fn,
               void *arg)
{
    c->fn = fn;
    c->arg = arg;
    c->busy = true;
    c->n_out = lambda_request_write(r, c->out, sizeof(c->out));
    if (c->n_out == 0) {
        c->why = "the request is too long";
        loop_later(c->loop, tell_failure, c);
        return;
    }
    begin(c);
}

int call_fd(const struct call *c)
{
    return c->busy ? c->fd : -1;
}

static void begin(struct call *c)
{
    const struct sockaddr *sa = (const struct sockaddr *)&c->to.sa;
    c->sent = c->n_in = 0;
    if (c->fd < 0) {
        c->kept = false;
        c->fd = socket(sa->sa_family,
                       SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (c->fd < 0 ||
            (connect(c->fd, sa, c->to.len) != 0 && errno != EINPROGRESS)) {
            broken(c, strerror(errno));
            return;
        }
        c->watch = watch_new(c->loop, c->fd, on_ready, c);
    }
    push(c);
}

static void on_ready(void *arg, int fd, bool readable, bool writable)
{
    struct call *c = arg;
    (void)fd;
    if (!c->busy)
        disconnect(c); /* closed, or talks unasked */
    else if (writable && c->sent < c->n_out)
        push(c);
    else if (readable)
        pull(c);
}

static void push(struct call *c)
{
    ssize_t n = send(c->fd, c->out + c->sent, c->n_out - c->sent, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN && errno != EINTR && errno != ENOTCONN) {
        broken(c, strerror(errno));
        return;
    }
    c->sent += n > 0 ? (size_t)n : 0;
    watch_set(c->watch, true, c->sent < c->n_out);
}

static void pull(struct call *c)
{
    struct lambda_answer a;
    ssize_t n = recv(c->fd, c->in + c->n_in, sizeof(c->in) - c->n_in, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n < 0) {
        broken(c, strerror(errno));
        return;
    }
    c->n_in += (size_t)n;
    int rc = lambda_answer_read(c->in, c->n_in, n == 0, &a);
    if (rc == 0 && c->n_in < sizeof(c->in))
        return;
    if (rc <= 0) {
        broken(c, n == 0 ? "the connection was closed" : "not HTTP");
        return;
    }
    c->busy = false;
    c->kept = true;
    if (n == 0 ||
        slice_is_nocase(lambda_answer_header(&a, "Connection"), "close"))
        disconnect(c);
    c->fn(c->arg, &a, NULL);
}

static void broken(struct call *c, const char *why)
{
    bool again = c->kept && c->n_in == 0;
    disconnect(c);
    if (again) {
        begin(c);
        return;
    }
    c->why = why;
    loop_later(c->loop, tell_failure, c);
}

static void tell_failure(void *arg)
{
    struct call *c = arg;
    if (!c->busy)
        return;
    c->busy = false;
    c->fn(c->arg, NULL, c->why);
}

static void disconnect(struct call *c)
{
    watch_free(c->watch);
    c->watch = NULL;
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
}
