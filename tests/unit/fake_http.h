/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tiny HTTP/1.1 server for unit tests, on the loop of the test itself. Each
 * whole request is handed to a function of the test, which answers it, cuts
 * the connection, or leaves it hanging.
 */
#ifndef TESTS_FAKE_HTTP_H
#define TESTS_FAKE_HTTP_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "xr/buf.h"
#include "xr/loop.h"

struct fake_http;

struct fake_conn {
    struct fake_conn *next;
    struct fake_http *server;
    int fd;
    unsigned number; /* connections are counted from 1 */
    struct watch *watch;
    struct buf in;
};

/* head: request line and headers; body: as long as Content-Length says. */
typedef void (*fake_fn)(void *arg, struct fake_conn *c, struct slice head,
                        struct slice body);

struct fake_http {
    struct loop *loop;
    int fd;
    unsigned port;
    struct watch *watch;
    fake_fn fn;
    void *arg;
    struct fake_conn *conns;
    unsigned connections, requests;
};

static inline void fake_close(struct fake_conn *c)
{
    struct fake_conn **at = &c->server->conns;
    while (*at != c)
        at = &(*at)->next;
    *at = c->next;
    watch_free(c->watch);
    close(c->fd);
    buf_fini(&c->in);
    free(c);
}

/* headers: whole lines with CR LF, or "". */
static inline void fake_reply(struct fake_conn *c, int status,
                              const char *headers, const char *body)
{
    struct buf out;
    buf_init(&out, 8 << 20);
    buf_printf(&out, "HTTP/1.1 %d Fake\r\nContent-Length: %zu\r\n%s\r\n",
               status, strlen(body), headers);
    buf_str(&out, body);
    for (size_t done = 0; done < out.n;) {
        ssize_t n = send(c->fd, out.p + done, out.n - done, MSG_NOSIGNAL);
        if (n < 0)
            break;
        done += (size_t)n;
    }
    buf_fini(&out);
}

static inline void fake_on_data(void *arg, int fd, bool readable, bool writable)
{
    (void)readable, (void)writable;
    struct fake_conn *c = arg;
    char *at = buf_reserve(&c->in, 65536);
    ssize_t n = recv(fd, at, 65536, 0);
    if (n <= 0) {
        fake_close(c);
        return;
    }
    c->in.n += (size_t)n;
    char *end = memmem(c->in.p, c->in.n, "\r\n\r\n", 4);
    if (!end)
        return;
    size_t head = (size_t)(end + 4 - c->in.p), length = 0;
    char *field = memmem(c->in.p, head, "Content-Length:", 15);
    if (field)
        length = strtoul(field + 15, NULL, 10);
    if (c->in.n < head + length)
        return;
    struct slice head_text = slice_of(c->in.p, head);
    struct slice body = slice_of(c->in.p + head, length);
    struct fake_http *f = c->server;
    f->requests++;
    c->in.n = 0; /* one request at a time; the bytes stay for the call */
    f->fn(f->arg, c, head_text, body);
}

static inline void fake_on_accept(void *arg, int fd, bool readable,
                                  bool writable)
{
    (void)readable, (void)writable;
    struct fake_http *f = arg;
    struct fake_conn *c = calloc(1, sizeof(*c));
    c->fd = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
    if (c->fd < 0) {
        free(c);
        return;
    }
    c->server = f;
    c->number = ++f->connections;
    buf_init(&c->in, 16 << 20);
    c->next = f->conns;
    f->conns = c;
    c->watch = watch_new(f->loop, c->fd, fake_on_data, c);
}

static inline void fake_start(struct fake_http *f, struct loop *l, fake_fn fn,
                              void *arg)
{
    *f = (struct fake_http){.loop = l, .fn = fn, .arg = arg};
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(a);
    f->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(f->fd, (struct sockaddr *)&a, n) < 0 || listen(f->fd, 64) < 0 ||
        getsockname(f->fd, (struct sockaddr *)&a, &n) < 0)
        abort();
    f->port = ntohs(a.sin_port);
    f->watch = watch_new(l, f->fd, fake_on_accept, f);
}

static inline void fake_stop(struct fake_http *f)
{
    while (f->conns)
        fake_close(f->conns);
    watch_free(f->watch);
    close(f->fd);
}

#endif
