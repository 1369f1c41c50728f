/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the bytes of HTTP/1 (RFC 9112): heads and chunked bodies. Pure.
 */
#ifndef XR_NET_HTTP1_PARSE_H
#define XR_NET_HTTP1_PARSE_H

#include <stdint.h>

#include "xr/slice.h"

#define HTTP1_HEADERS_MAX 128    /* lines of one head */
#define HTTP1_CHUNK_LINE_MAX 256 /* size line, extensions included */
#define HTTP1_TRAILER_MAX 8192   /* bytes behind the last chunk */

/* A run of bytes by its place, since the buffer may move. */
struct http1_run {
    uint32_t at, n;
};

struct http1_head {
    struct http1_run method, target;
    struct http1_run names[HTTP1_HEADERS_MAX], values[HTTP1_HEADERS_MAX];
    unsigned n_headers;
    unsigned minor; /* of HTTP/1.minor */
    bool keep_alive, chunked, expect_continue;
    uint64_t content_length; /* 0 when chunked or absent */
};

/* Why a request can't be taken. */
struct http1_fault {
    int status;
    const char *why;
};

/* Reads a head from the beginning of `in`. Returns its length, 0 when its end
 * is not there yet, -1 with the fault. *searched: bytes in which no end was
 * found before; 0 at first. */
long http1_parse_head(struct slice in, size_t *searched, struct http1_head *out,
                      struct http1_fault *fault);

enum http1_chunk_state {
    CHUNK_SIZE,
    CHUNK_EXTENSION,
    CHUNK_DATA,
    CHUNK_DATA_END,
    CHUNK_TRAILER,
    CHUNK_DONE,
};

/* A chunked body, decoded in place: [0, written) of the buffer is body, [read,
 * n) is not looked at yet. */
struct http1_chunks {
    enum http1_chunk_state state;
    uint64_t left; /* of the present chunk */
    unsigned line; /* bytes of the present line */
    unsigned trailer;
    bool digits, cr; /* seen in the present line */
    size_t read, written;
};

/* Decodes what there is of the n bytes at p. 1: the body is over; 0: more is
 * needed; -1 with the fault. */
int http1_chunks_feed(struct http1_chunks *c, char *p, size_t n,
                      size_t body_max, struct http1_fault *fault);

#endif
