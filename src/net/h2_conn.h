/* SPDX-License-Identifier: Apache-2.0 */
/* What h2.c (connections) and h2_stream.c (requests, answers) share. */
#ifndef XR_NET_H2_CONN_H
#define XR_NET_H2_CONN_H

#include <nghttp2/nghttp2.h>

#include "acceptor.h"
#include "stream.h"
#include "xr/buf.h"
#include "xr/h2.h"

#define H2_REQUEST_HEADERS_MAX 64
#define H2_HEADER_BYTES_MAX 16384
#define H2_TRAILER_BYTES_MAX 8192
#define H2_OPENING 8 /* first bytes, which tell what is spoken */

struct h2_conn;

struct h2_run {
    uint32_t at, n;
};

struct h2_stream {
    struct h2_conn *conn;
    struct h2_stream *next, *prev; /* of the connection */
    int32_t id;
    struct buf head; /* names and values of the request, one by one */
    struct h2_run names[H2_REQUEST_HEADERS_MAX];
    struct h2_run values[H2_REQUEST_HEADERS_MAX];
    unsigned n_headers;
    enum h2_body_state body_state;
    struct buf body;
    bool handed_out; /* the handler has it */
    bool answered;
    void (*gone)(void *);
    void *gone_arg;
    struct buf answer; /* body, read by nghttp2 */
    size_t answer_sent;
    struct buf trailers; /* name NUL value NUL ... */
    int64_t progress_ms;
};

struct h2_conn {
    struct h2 *server;
    struct h2_conn *next, *prev;
    struct stream stream;
    struct watch *watch;
    nghttp2_session *session;
    struct h2_stream *first;
    struct buf out;
    size_t sent;  /* of out */
    bool running; /* inside of conn_run: no freeing */
    bool dead;
    char opening[H2_OPENING];
    size_t n_opening;
    bool looked;  /* at the opening: it is HTTP/2 */
    bool greeted; /* the preface came whole, with its SETTINGS */
    int64_t begun_ms, progress_ms;
    int64_t control_credit; /* control frames it may still send */
    char peer[ADDRESS_TEXT_MAX];
};

struct h2 {
    struct loop *loop;
    struct h2_options o;
    struct acceptor *acceptor;
    nghttp2_session_callbacks *callbacks;
    nghttp2_option *option;
    void (*stray)(void *arg, struct slice first);
    void *stray_arg;
    struct h2_conn *first;
    struct h2_stream *idle; /* to be used again */
    unsigned n_idle;
    struct timer *sweep;
    unsigned open_streams;
    size_t held; /* bytes of bodies */
    bool paused, stopping;
    char *input; /* what was just read, of whichever connection */
};

/* Writes what there is to say; never frees. */
void h2_conn_flush(struct h2_conn *c);
/* Sets the callbacks of nghttp2. */
void h2_stream_callbacks(nghttp2_session_callbacks *cb);
/* Gives the stream up: tells its handler, if it has one. */
void h2_stream_close(struct h2_stream *s);

#endif
