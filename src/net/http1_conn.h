/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What http1.c (connections, reading), http1_body.c (streamed bodies) and
 * http1_answer.c (writing) share.
 */
#ifndef XR_NET_HTTP1_CONN_H
#define XR_NET_HTTP1_CONN_H

#include <time.h>

#include "acceptor.h"
#include "http1_parse.h"
#include "stream.h"
#include "xr/buf.h"
#include "xr/http1.h"

#define HTTP1_ROUTES_MAX 64
/* Bytes of answers one connection may hold that the client does not take. */
#define HTTP1_OUT_MAX (64u << 20)

/* What a connection is doing. */
enum conn_state {
    CONN_HEAD,    /* waiting for a request, or in the middle of its head */
    CONN_BODY,    /* reading a body */
    CONN_STREAM,  /* a handler has the request and takes the body meanwhile */
    CONN_HANDLER, /* a handler has the request */
    CONN_FLUSH,   /* the answer is being written */
    CONN_LINGER,  /* answered and closed by us; reading what still comes, since
                     a reset would take the answer away from the client */
};

struct http1_conn;

/* A request: the part of a connection that handlers see. */
struct http1_request {
    struct http1_conn *conn;
    struct slice target, path, query; /* set when the request is complete */
    struct slice body;
    struct buf extra; /* answer headers added by the handler */
    void (*gone)(void *);
    void *gone_arg;
    bool streaming, stream_chunked;
    http1_body_fn body_fn; /* of a streamed body; NULL: nobody takes it yet */
    void *body_arg;
};

struct http1_conn {
    struct http1 *server;
    struct http1_conn *next, *prev;
    struct stream stream;
    struct watch *watch;
    enum conn_state state;
    bool running;   /* inside conn_run: no freeing, no second entry */
    bool dead;      /* to be freed when conn_run ends */
    bool closing;   /* close when the answer is written */
    bool linger;    /* the client may still be sending when we close */
    bool unread;    /* bytes wait while a handler has the request */
    bool rests;     /* to go on in the next turn: this one is long */
    bool drained;   /* the socket has nothing more to read in this turn */
    struct buf in;  /* head, then body; what follows is the next request */
    size_t in_held; /* what in takes, as counted in the server's sum */
    size_t searched;
    struct http1_head head;
    size_t head_length;
    struct http1_chunks chunks;
    struct {
        uint64_t max;   /* 0: the body is collected whole */
        uint64_t taken; /* bytes that are not in the buffer any more */
        bool over;      /* all has come */
        bool asked;     /* there is something to call body_fn for */
    } body;
    struct http1_request request;
    struct buf out;
    size_t sent;         /* of out */
    int64_t progress_ms; /* when it last got somewhere */
    size_t progress_at;  /* in.n at that time */
    char peer[ADDRESS_TEXT_MAX];
};

struct http1 {
    struct loop *loop;
    struct acceptor *acceptor;
    struct tls_server *tls;
    struct http1_limits limits;
    struct http1_route routes[HTTP1_ROUTES_MAX];
    uint64_t streamed_max[HTTP1_ROUTES_MAX]; /* 0: bodies are collected */
    size_t n_routes;
    bool streams; /* one of them does not collect */
    bool (*before)(void *arg, struct http1_request *r);
    void *before_arg;
    void (*stray)(void *arg, struct slice first);
    void *stray_arg;
    bool (*refused)(void *arg, struct http1_request *r, int status,
                    const char *why);
    void *refused_arg;
    struct http1_conn *first;
    struct timer *sweep; /* runs while connections are open */
    unsigned open_requests;
    size_t in_held; /* bytes of all input buffers */
    bool paused, stopping;
    time_t date_of; /* the second that date says */
    char date[48];
};

/* Goes on with the connection as far as it can without waiting. It may be gone
 * afterwards. */
void conn_run(struct http1_conn *c);
/* The request is complete, or its head when the body is streamed: finds its
 * handler and calls it. */
void conn_dispatch(struct http1_conn *c, size_t body_length);
/* What the route of the request whose head was read takes as it comes; 0: the
 * body is collected. */
uint64_t conn_streamed_max(struct http1_conn *c);
/* The head is there: its handler is called. */
void conn_begin_stream(struct http1_conn *c, uint64_t max);
/* One step of CONN_STREAM; false when it must wait. */
bool conn_step_stream(struct http1_conn *c);
/* Whether there is room to read on. */
bool conn_stream_reads(const struct http1_conn *c);
/* It is answered: the body is over, or else the connection ends with it. */
void conn_end_stream(struct http1_conn *c);
/* It is refused: its handler is told. */
void conn_break_stream(struct http1_conn *c);
/* Reads more; false when nothing more can be had now. */
bool conn_fill(struct http1_conn *c);
/* Makes room in the input buffer; refuses the request and returns false when
 * all buffers together would take too much. */
bool conn_make_room(struct http1_conn *c, size_t n);
void conn_progress(struct http1_conn *c);
/* Target, path and body of the request whose head was read. */
void conn_set_request(struct http1_conn *c, size_t body_length);
/* Answers a request that can't be taken, and closes. */
void conn_refuse(struct http1_conn *c, int status, const char *why);
/* Writes what the socket takes of out. Never frees: what is broken is freed in
 * a later turn, since a handler is at work on the request. */
void conn_write_out(struct http1_conn *c);
struct slice conn_run_text(const struct http1_conn *c, struct http1_run r);

#endif
