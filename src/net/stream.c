/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One face over a plain socket and a TLS connection, and a look at the first
 * bytes, which tells a mix-up of ports (TLS on a plain port, gRPC on the
 * HTTP/1 port) from noise. Knows nothing of requests.
 */
#include "stream.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

static const char http2_preface[] = "PRI * HTTP/2.0\r\n";

bool stream_init(struct stream *s, int fd, struct tls_server *tls)
{
    *s = (struct stream){.fd = fd};
    if (!tls)
        return true;
    s->tls = tls_conn_new(tls, fd);
    if (!s->tls)
        close(fd);
    return s->tls != NULL;
}

void stream_fini(struct stream *s)
{
    tls_conn_free(s->tls);
    close(s->fd);
    *s = (struct stream){.fd = -1};
}

long stream_read(struct stream *s, void *p, size_t n)
{
    if (s->tls) {
        long got = tls_conn_read(s->tls, p, n);
        s->wants_write = got == TLS_WANTS_WRITE;
        if (got == TLS_WANTS_READ || got == TLS_WANTS_WRITE)
            return STREAM_AGAIN;
        return got < 0 ? STREAM_BROKEN : got;
    }
    ssize_t got;
    do
        got = recv(s->fd, p, n, 0);
    while (got < 0 && errno == EINTR);
    if (got >= 0)
        return got;
    return errno == EAGAIN || errno == EWOULDBLOCK ? STREAM_AGAIN
                                                   : STREAM_BROKEN;
}

long stream_write(struct stream *s, struct slice data)
{
    if (s->tls) {
        long put = tls_conn_write(s->tls, data);
        if (put == TLS_WANTS_READ || put == TLS_WANTS_WRITE)
            return STREAM_AGAIN;
        return put < 0 ? STREAM_BROKEN : put;
    }
    ssize_t put;
    do
        put = send(s->fd, data.p, data.n, MSG_NOSIGNAL);
    while (put < 0 && errno == EINTR);
    if (put >= 0)
        return put;
    return errno == EAGAIN || errno == EWOULDBLOCK ? STREAM_AGAIN
                                                   : STREAM_BROKEN;
}

bool stream_has_pending(const struct stream *s)
{
    return s->tls && tls_conn_has_pending(s->tls);
}

void stream_shutdown(struct stream *s)
{
    if (s->tls)
        tls_conn_close(s->tls);
    (void)shutdown(s->fd, SHUT_WR);
}

enum stream_first stream_first(struct slice first)
{
    if (first.n == 0)
        return FIRST_UNKNOWN;
    if (first.p[0] == 0x16)
        return first.n < 2          ? FIRST_UNKNOWN
               : first.p[1] == 0x03 ? FIRST_TLS
                                    : FIRST_OTHER;
    size_t n = sizeof(http2_preface) - 1;
    n = first.n < n ? first.n : n;
    if (memcmp(first.p, http2_preface, n) == 0)
        return n < 4 ? FIRST_UNKNOWN : FIRST_HTTP2;
    for (size_t i = 0; i < first.n && i < 8; i++) {
        if (first.p[i] == ' ')
            return i ? FIRST_HTTP1 : FIRST_OTHER;
        if (first.p[i] < 'A' || first.p[i] > 'Z')
            return FIRST_OTHER;
    }
    return first.n < 8 ? FIRST_UNKNOWN : FIRST_OTHER;
}

bool stream_begin_tls(struct stream *s, struct slice *first)
{
    if (!s->tls || s->begun)
        return true;
    ssize_t n = recv(s->fd, s->first, sizeof(s->first), MSG_PEEK);
    if (n <= 0)
        return true;
    s->begun = true;
    *first = slice_of(s->first, (size_t)n);
    enum stream_first kind = stream_first(*first);
    if (kind == FIRST_HTTP1) {
        struct slice word =
            SLICE("HTTP/1.0 400 Bad Request\r\n\r\nThis port speaks TLS.\n");
        (void)send(s->fd, word.p, word.n, MSG_NOSIGNAL);
    }
    return kind == FIRST_TLS || kind == FIRST_UNKNOWN;
}

bool stream_is_gone(const struct stream *s, bool *unread)
{
    char byte;
    ssize_t got = recv(s->fd, &byte, 1, MSG_PEEK);
    *unread = got > 0;
    return got == 0 || (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK &&
                        errno != EINTR);
}
