/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of one accepted connection, plain or under TLS, without blocking.
 * For the servers of this folder.
 */
#ifndef XR_NET_STREAM_H
#define XR_NET_STREAM_H

#include <stddef.h>

#include "xr/slice.h"
#include "xr/tls.h"

#define STREAM_FIRST_BYTES 32
#define STREAM_AGAIN (-1) /* not now */
#define STREAM_BROKEN (-2)

struct stream {
    int fd;
    struct tls_conn *tls; /* NULL: plain */
    bool wants_write;     /* a TLS read waits until it may write */
    bool begun;           /* the first bytes were looked at */
    char first[STREAM_FIRST_BYTES];
};

/* Takes the descriptor over. tls NULL: plain. False: out of memory, the
 * descriptor is closed. */
bool stream_init(struct stream *s, int fd, struct tls_server *tls);
void stream_fini(struct stream *s);
/* Bytes read, 0 at the end, STREAM_AGAIN or STREAM_BROKEN. */
long stream_read(struct stream *s, void *p, size_t n);
/* Bytes written, STREAM_AGAIN or STREAM_BROKEN. */
long stream_write(struct stream *s, struct slice data);
/* Whether read bytes wait inside of TLS, where the loop can't see them. */
bool stream_has_pending(const struct stream *s);
/* Says that nothing more will be written. */
void stream_shutdown(struct stream *s);

/* What the peer seems to speak, by its first bytes. */
enum stream_first {
    FIRST_UNKNOWN, /* too few bytes yet */
    FIRST_OTHER,
    FIRST_TLS,   /* a TLS hello */
    FIRST_HTTP2, /* the HTTP/2 preface, or its beginning */
    FIRST_HTTP1, /* a request line */
};
enum stream_first stream_first(struct slice first);
/* Looks at the raw bytes before a handshake; once, when there are any. False
 * when the peer does not speak TLS: first then holds what it said. */
bool stream_begin_tls(struct stream *s, struct slice *first);
/* Whether the peer has closed or reset; false while unread bytes wait. */
bool stream_is_gone(const struct stream *s, bool *unread);

#endif
