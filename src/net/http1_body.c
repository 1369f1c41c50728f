/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streamed bodies: what is too large to be held is taken by its handler while
 * it comes. What is not taken stays in the connection's buffer, and when that
 * is full nothing is read until the handler goes on, so that the client feels
 * how fast it is.
 */
#include <assert.h>

#include "http1_conn.h"

#define ROOM_AT_FIRST 131072

static int look(struct http1_conn *c, struct http1_fault *fault);
static int look_at_length(struct http1_conn *c);
static void hand_out(struct http1_conn *c);
static void drop(struct http1_conn *c, size_t n);

void http1_take_body(struct http1_request *r, http1_body_fn fn, void *arg)
{
    struct http1_conn *c = r->conn;
    assert(c->state == CONN_STREAM && r->body_fn == NULL);
    r->body_fn = fn;
    r->body_arg = arg;
    c->body.asked = true;
    conn_progress(c);
    if (c->head.expect_continue)
        buf_str(&c->out, "HTTP/1.1 100 Continue\r\n\r\n");
    conn_run(c);
}

void http1_body_go_on(struct http1_request *r)
{
    r->conn->body.asked = true;
    conn_progress(r->conn);
    conn_run(r->conn);
}

size_t http1_body_max(const struct http1_request *r)
{
    return r->conn->server->limits.body_max;
}

void conn_begin_stream(struct http1_conn *c, uint64_t max)
{
    size_t room = c->in.max - c->in.n;
    c->body.max = max;
    if (conn_make_room(c, room < ROOM_AT_FIRST ? room : ROOM_AT_FIRST))
        conn_dispatch(c, 0);
}

bool conn_step_stream(struct http1_conn *c)
{
    struct http1_fault fault;
    conn_write_out(c); /* 100 Continue */
    if (c->request.body_fn == NULL)
        return false;
    if (look(c, &fault) < 0) {
        conn_refuse(c, fault.status, fault.why);
        return true;
    }
    if (c->body.asked) {
        hand_out(c);
        return true;
    }
    if (!conn_stream_reads(c) || !conn_fill(c))
        return false;
    c->body.asked = true;
    return true;
}

bool conn_stream_reads(const struct http1_conn *c)
{
    return c->state == CONN_STREAM && c->request.body_fn && !c->body.over &&
           c->chunks.written < c->server->limits.body_max;
}

void conn_end_stream(struct http1_conn *c)
{
    struct http1_fault fault;
    if (c->state != CONN_STREAM)
        return;
    if (look(c, &fault) <= 0)
        c->closing = c->linger = true;
    c->request.body_fn = NULL;
    c->state = CONN_HANDLER;
}

void conn_break_stream(struct http1_conn *c)
{
    struct http1_request *r = &c->request;
    void (*gone)(void *) = r->gone;
    r->gone = NULL;
    r->body_fn = NULL;
    c->server->open_requests--;
    if (gone)
        gone(r->gone_arg);
}

/* At what has come: 1: the body is over; 0: more is to come; -1: the fault. */
static int look(struct http1_conn *c, struct http1_fault *fault)
{
    struct http1_chunks *k = &c->chunks;
    if (c->body.over)
        return 1;
    if (!c->head.chunked)
        return look_at_length(c);
    int rc =
        http1_chunks_feed(k, c->in.p + c->head_length, c->in.n - c->head_length,
                          (size_t)(c->body.max - c->body.taken), fault);
    if (rc == 0) { /* the framing's room is free again */
        k->read = k->written;
        c->in.n = c->head_length + k->written;
    }
    c->body.over = rc > 0;
    return rc;
}

static int look_at_length(struct http1_conn *c)
{
    uint64_t left = c->head.content_length - c->body.taken;
    size_t n = c->in.n - c->head_length;
    c->body.over = n >= left;
    c->chunks.read = c->chunks.written = c->body.over ? (size_t)left : n;
    return c->body.over;
}

/* What is left is handed out again at once if some was taken: the handler may
 * end its turn in the middle. */
static void hand_out(struct http1_conn *c)
{
    struct http1_request *r = &c->request;
    size_t n = c->chunks.written;
    c->body.asked = false;
    conn_set_request(c, n); /* the buffer may have moved */
    size_t taken = r->body_fn(r->body_arg, r->body, c->body.over);
    if (c->dead || c->state != CONN_STREAM)
        return; /* it has answered */
    assert(taken <= n);
    drop(c, taken);
    c->body.asked |= taken > 0 && taken < n;
    c->rests = loop_turn_is_long(c->server->loop);
    if (c->body.over && taken == n) {
        r->body_fn = NULL;
        c->state = CONN_HANDLER;
    }
}

static void drop(struct http1_conn *c, size_t n)
{
    char *body = c->in.p + c->head_length;
    memmove(body, body + n, c->in.n - c->head_length - n);
    c->in.n -= n;
    c->chunks.written -= n;
    c->chunks.read -= n;
    c->body.taken += n;
    c->progress_at -= c->progress_at < n ? c->progress_at : n;
}
