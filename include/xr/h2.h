/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/2 server over nghttp2, for calls that are one request body and one
 * answer: bodies are collected whole (contiguous, capped) before the handler
 * is called, answers may be given later and may have trailers.
 */
#ifndef XR_H2_H
#define XR_H2_H

#include <stdint.h>

#include "xr/address.h"
#include "xr/loop.h"
#include "xr/slice.h"

struct h2;
struct h2_stream;
struct tls_server;

typedef void (*h2_fn)(void *arg, struct h2_stream *s);

struct h2_options {
    const char *address;
    struct tls_server *tls; /* NULL: plain, by prior knowledge */
    size_t body_max;        /* bytes of one request */
    size_t held_max;        /* bytes of all bodies together */
    unsigned connections;   /* more are closed at once */
    unsigned streams;       /* of one connection at a time */
    unsigned timeout_s;     /* for a request to come whole */
    const char *not_http1;  /* what clients of HTTP/1 are told; a line */
    h2_fn fn;
    void *arg;
};

struct h2_header {
    struct slice name, value; /* names in small letters */
};

/* Binds and listens. NULL with the reason. */
struct h2 *h2_new(struct loop *l, const struct h2_options *o, struct err *err);
/* For traffic that is not HTTP/2: called with the first bytes, for a hint in
 * the log. */
void h2_on_stray(struct h2 *s, void (*fn)(void *arg, struct slice first),
                 void *arg);
/* The address really bound (port 0 resolved). */
const char *h2_bound(const struct h2 *s);
/* Reads little from connections, or again as much as there is (backpressure).
 * What comes whole is handed to the handler all the same: it has to wait. */
void h2_pause(struct h2 *s, bool pause);
/* Streams whose answer is not yet given or not yet written. */
unsigned h2_open_streams(const struct h2 *s);
/* Stops accepting and sends GOAWAY; open streams are answered, then their
 * connections closed. */
void h2_stop(struct h2 *s);
void h2_free(struct h2 *s); /* NULL is fine */

/* Why a body is not there. */
enum h2_body_state {
    H2_BODY_WHOLE,
    H2_BODY_TOO_LARGE, /* over body_max */
    H2_BODY_NO_ROOM,   /* over held_max, now */
};

/* All that is asked of a stream is good until its answer is given. */
struct slice h2_method(const struct h2_stream *s);
struct slice h2_path(const struct h2_stream *s);
/* Empty when absent. name: in small letters. */
struct slice h2_header(const struct h2_stream *s, const char *name);
enum h2_body_state h2_body_state(const struct h2_stream *s);
/* Whole and contiguous. */
struct slice h2_body(const struct h2_stream *s);
/* Called if the client resets the stream or goes away before the answer, or
 * the server is freed: s must then not be used any more. */
void h2_on_gone(struct h2_stream *s, void (*fn)(void *), void *arg);

#define H2_HEADERS_MAX 16 /* of one answer, trailers likewise */

struct h2_answer {
    int status;
    const struct h2_header *headers;
    size_t n_headers;
    struct slice body;
    /* With an empty body and no trailers the answer is one HEADERS frame. */
    const struct h2_header *trailers;
    size_t n_trailers;
};
/* Answers once; s is gone afterwards. All is copied. */
void h2_reply(struct h2_stream *s, const struct h2_answer *a);

#endif
