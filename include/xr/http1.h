/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/1.1 server with a route table, on the loop (why not evhttp: see
 * net/http1.c). Bodies are collected whole (contiguous, capped) before the
 * handler is called, but for routes that take them as they come; answers may
 * be given later. An absent Host, two Content-Length headers, both framings at
 * once are answered 400 here, and `OPTIONS *` with 200.
 */
#ifndef XR_HTTP1_H
#define XR_HTTP1_H

#include <stdint.h>

#include "xr/address.h"
#include "xr/loop.h"
#include "xr/slice.h"

struct http1;
struct http1_request;
struct tls_server;

struct http1_limits {
    size_t body_max;      /* bytes; more is answered 413 */
    size_t headers_max;   /* bytes */
    unsigned connections; /* more are closed at once */
    unsigned timeout_s;   /* without progress */
    unsigned head_s;      /* the same, of a head that has begun; 0: as that */
};
/* So many bodies of the largest size may be held at a time, all connections
 * together; what goes beyond is answered 503. */
#define HTTP1_BODIES_HELD 8

typedef void (*http1_fn)(void *arg, struct http1_request *r);

/* One route. method "*": any. path: exact; or, when it begins with "*" + "/",
 * the last part of any path (as X-Ray operations are told apart); or, when it
 * ends with "/" + "*", all that begins so; "*": any. */
struct http1_route {
    const char *method, *path;
    http1_fn fn;
    void *arg;
};

struct http1_header {
    struct slice name, value;
};

/* Binds and listens. Routes are tried in the order in which they were added;
 * none: 404, or 405 when the path is known with another method. tls NULL:
 * plain. NULL with the reason. */
struct http1 *http1_new(struct loop *l, const char *address,
                        const struct http1_limits *limits,
                        struct tls_server *tls, struct err *err);
void http1_route(struct http1 *s, struct http1_route route);
/* One whose fn is called when the head is there; it takes the body, of up to
 * max bytes, by http1_take_body. */
void http1_route_streamed(struct http1 *s, struct http1_route route,
                          uint64_t max);
/* Asked with each request before its handler: true, it has answered it or
 * keeps it, and then answers later or lets it go on. */
void http1_before(struct http1 *s, bool (*fn)(void *, struct http1_request *),
                  void *arg);
void http1_go_on(struct http1_request *r);
/* For traffic that is not HTTP/1 (TLS hello, HTTP/2 preface): called with the
 * first bytes, for a hint in the log. May be NULL. */
void http1_on_stray(struct http1 *s, void (*fn)(void *arg, struct slice first),
                    void *arg);
/* For requests that the server refuses itself (a body too large, too slow, cut
 * short) once it has read their head: true, fn has answered. */
void http1_on_refused(struct http1 *s,
                      bool (*fn)(void *arg, struct http1_request *r, int status,
                                 const char *why),
                      void *arg);
const char *http1_bound(const struct http1 *s);
/* Stops or resumes reading from connections (backpressure). */
void http1_pause(struct http1 *s, bool pause);
/* Requests whose answer is not yet given or not yet written. */
unsigned http1_open_requests(const struct http1 *s);
/* Stops accepting; open requests are answered, then closed. */
void http1_stop(struct http1 *s);
void http1_free(struct http1 *s); /* NULL is fine */

struct slice http1_method(const struct http1_request *r);
/* Path without query, percent-decoding not done. */
struct slice http1_path(const struct http1_request *r);
struct slice http1_query(const struct http1_request *r);
/* Empty slice when absent. Without case. */
struct slice http1_header(const struct http1_request *r, const char *name);
/* The i-th header in order; false past the end. */
bool http1_header_at(const struct http1_request *r, size_t i,
                     struct http1_header *out);
/* Good until the answer is given. */
struct slice http1_body(const struct http1_request *r);
/* A streamed body. fn is called with what has come and was not taken yet (good
 * during the call) whenever there is more, and tells how much of it it takes;
 * last: nothing follows. When it takes nothing it is called again with more,
 * or after http1_body_go_on; about body_max of the server is read ahead.
 * The answer may be given at any time: the connection is closed behind it if
 * the body is not over. What breaks off is told by http1_on_gone. r may be
 * gone when these two return. */
typedef size_t (*http1_body_fn)(void *arg, struct slice body, bool last);
void http1_take_body(struct http1_request *r, http1_body_fn fn, void *arg);
void http1_body_go_on(struct http1_request *r);
size_t http1_body_max(const struct http1_request *r);
/* "10.0.0.7:51234" */
const char *http1_peer(const struct http1_request *r);

/* Adds a header to the answer. */
void http1_add(struct http1_request *r, const char *name, struct slice value);
/* Answers once and ends the request: r is gone afterwards. The body is
 * copied. content_type may be NULL. */
void http1_reply(struct http1_request *r, int status, const char *content_type,
                 struct slice body);
/* Cuts the connection without an answer. */
void http1_abort(struct http1_request *r);
/* Called if the client goes away before the answer, or the server is freed: r
 * must then not be used any more. Never called from inside of http1_reply or
 * http1_stream_*. */
void http1_on_gone(struct http1_request *r, void (*fn)(void *), void *arg);

/* A streamed answer (server-sent events, large exports): begin, chunks, end. */
void http1_stream_begin(struct http1_request *r, int status,
                        const char *content_type);
void http1_stream_chunk(struct http1_request *r, struct slice data);
/* Bytes not yet taken by the socket, for backpressure. */
size_t http1_stream_backlog(const struct http1_request *r);
void http1_stream_end(struct http1_request *r);

#endif
