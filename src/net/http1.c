/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP/1.1 server: routes, connections, reading of requests. It reads the
 * bytes itself, on the loop, instead of by libevent's evhttp, because evhttp
 * 2.1 parses before anybody sees a byte and so can't keep the rules of this
 * server: it closes without an answer when a body is cut short or a version
 * is unknown, keeps reading pipelined bytes without bound while an answer is
 * pending, takes two Content-Length headers and an absent Host, tells nobody
 * when a connection without a request ends (so nothing can be counted,
 * paused or stopped), and reads 4 KiB at a time through a chain of buffers
 * that a contiguous body must be copied out of. Here a body is received where
 * the handler reads it. Knows no meaning of any path.
 */
#include <assert.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http1_conn.h"

#define SWEEP_MS 500
#define LINGER_MS 2000
#define READ_AT_LEAST 4096
#define READ_AT_ONCE 16384
/* A body that grows by less than this within the time limit is too slow. */
#define PROGRESS_BYTES 1024
#define IDLE_BUFFER_MS 1000 /* then an idle connection holds no buffer */
#define OUT_KEPT_BYTES 65536

static void accepted(void *arg, int fd, const struct sockaddr *peer);
static void conn_event(void *arg, int fd, bool readable, bool writable);
static bool conn_is_stray(struct http1_conn *c, struct slice first);
static bool conn_step(struct http1_conn *c);
static bool step_head(struct http1_conn *c);
static bool begin_body(struct http1_conn *c);
static void conn_count_held(struct http1_conn *c);
static bool step_body(struct http1_conn *c);
static bool step_chunks(struct http1_conn *c);
static bool conn_cut_short(struct http1_conn *c);
static bool step_flush(struct http1_conn *c);
static void conn_next_request(struct http1_conn *c);
static bool step_linger(struct http1_conn *c);
static void conn_watch(struct http1_conn *c);
static void conn_free(struct http1_conn *c);
static void sweep(void *arg);
static void sweep_conn(struct http1_conn *c, int64_t now);
static int64_t patience_ms(const struct http1_conn *c);
static void conn_timed_out(struct http1_conn *c);
static bool request_is_open(const struct http1_conn *c);

struct http1 *http1_new(struct loop *l, const char *address,
                        const struct http1_limits *limits,
                        struct tls_server *tls, struct err *err)
{
    struct http1 *s = calloc(1, sizeof(*s));
    if (!s) {
        err_set(err, "%s: out of memory", address);
        return NULL;
    }
    *s = (struct http1){.loop = l, .tls = tls, .limits = *limits};
    struct acceptor_options o = {.address = address,
                                 .max = limits->connections,
                                 .fn = accepted,
                                 .arg = s};
    s->acceptor = acceptor_new(l, &o, err);
    if (!s->acceptor) {
        free(s);
        return NULL;
    }
    s->sweep = timer_new(l, sweep, s);
    return s;
}

void http1_on_stray(struct http1 *s, void (*fn)(void *arg, struct slice first),
                    void *arg)
{
    s->stray = fn;
    s->stray_arg = arg;
}

const char *http1_bound(const struct http1 *s)
{
    return acceptor_bound(s->acceptor);
}

void http1_pause(struct http1 *s, bool pause)
{
    if (s->paused == pause)
        return;
    s->paused = pause;
    for (struct http1_conn *c = s->first; c; c = c->next) {
        if (!pause)
            conn_progress(c);
        conn_watch(c);
    }
}

unsigned http1_open_requests(const struct http1 *s)
{
    return s->open_requests;
}

void http1_stop(struct http1 *s)
{
    s->stopping = true;
    acceptor_stop(s->acceptor);
    for (struct http1_conn *c = s->first, *next; c; c = next) {
        next = c->next;
        c->closing = true;
        if (c->state == CONN_HEAD && c->in.n == 0) {
            c->dead = true;
            conn_run(c);
        }
    }
}

void http1_free(struct http1 *s)
{
    if (!s)
        return;
    while (s->first) {
        assert(!s->first->running);
        conn_free(s->first);
    }
    timer_free(s->sweep);
    acceptor_free(s->acceptor);
    free(s);
}

static void accepted(void *arg, int fd, const struct sockaddr *peer)
{
    struct http1 *s = arg;
    struct http1_conn *c = calloc(1, sizeof(*c));
    if (!c || !stream_init(&c->stream, fd, s->tls)) {
        if (!c)
            close(fd);
        free(c);
        acceptor_released(s->acceptor);
        return;
    }
    c->server = s;
    c->request.conn = c;
    address_format(peer, c->peer);
    buf_init(&c->in,
             s->limits.headers_max + s->limits.body_max + 2 * READ_AT_ONCE);
    buf_init(&c->out, HTTP1_OUT_MAX);
    buf_init(&c->request.extra, HTTP1_OUT_MAX);
    c->next = s->first;
    if (c->next)
        c->next->prev = c;
    s->first = c;
    c->progress_ms = loop_now_ms(s->loop);
    c->watch = watch_new(s->loop, fd, conn_event, c);
    watch_set(c->watch, !s->paused, false);
    if (!timer_running(s->sweep))
        timer_start(s->sweep, SWEEP_MS);
}

static void conn_event(void *arg, int fd, bool readable, bool writable)
{
    struct http1_conn *c = arg;
    struct slice first;
    (void)fd, (void)writable;
    c->drained = c->rests = false;
    if (!stream_begin_tls(&c->stream, &first)) {
        if (c->server->stray)
            c->server->stray(c->server->stray_arg, first);
        c->dead = true;
    }
    if (readable && c->state == CONN_HANDLER &&
        stream_is_gone(&c->stream, &c->unread))
        c->dead = true;
    conn_run(c);
}

void conn_run(struct http1_conn *c)
{
    if (c->running)
        return;
    c->running = true;
    while (!c->dead && !c->rests && conn_step(c))
        ;
    c->running = false;
    if (c->dead)
        conn_free(c);
    else
        conn_watch(c);
}

/* One step of the connection; false when it must wait. */
static bool conn_step(struct http1_conn *c)
{
    switch (c->state) {
    case CONN_HEAD:
        return step_head(c);
    case CONN_BODY:
        return step_body(c);
    case CONN_STREAM:
        return conn_step_stream(c);
    case CONN_HANDLER:
        conn_write_out(c);
        return false;
    case CONN_FLUSH:
        return step_flush(c);
    case CONN_LINGER:
        return step_linger(c);
    }
    return false;
}

static bool step_head(struct http1_conn *c)
{
    struct slice in = buf_slice(&c->in);
    if (in.n == 0 || c->searched == in.n)
        return conn_fill(c);
    if (conn_is_stray(c, in)) {
        c->dead = true;
        return false;
    }
    struct http1_fault fault;
    long n = http1_parse_head(in, &c->searched, &c->head, &fault);
    if (n > (long)c->server->limits.headers_max ||
        (n == 0 && in.n >= c->server->limits.headers_max)) {
        conn_refuse(c, 431, "the request head is too large");
        return true;
    }
    if (n < 0) {
        conn_refuse(c, fault.status, fault.why);
        return true;
    }
    if (n == 0)
        return conn_fill(c);
    c->head_length = (size_t)n;
    return begin_body(c);
}

/* True for what can't be answered in HTTP/1. */
static bool conn_is_stray(struct http1_conn *c, struct slice first)
{
    if (c->stream.begun)
        return false;
    enum stream_first kind = stream_first(first);
    if (kind == FIRST_UNKNOWN)
        return false;
    c->stream.begun = true;
    if ((kind == FIRST_TLS || kind == FIRST_HTTP2) && c->server->stray)
        c->server->stray(c->server->stray_arg, first);
    return kind == FIRST_TLS;
}

static bool begin_body(struct http1_conn *c)
{
    const struct http1_head *h = &c->head;
    uint64_t streamed = conn_streamed_max(c);
    if (h->content_length >
        (streamed ? streamed : c->server->limits.body_max)) {
        conn_refuse(c, 413, "the body is too large");
        return true;
    }
    c->chunks = (struct http1_chunks){.state = CHUNK_SIZE};
    if (streamed) {
        conn_begin_stream(c, streamed);
        return true;
    }
    size_t whole = c->head_length + (size_t)h->content_length;
    if (whole > c->in.n && !conn_make_room(c, whole - c->in.n))
        return true;
    if (h->expect_continue && (h->chunked || whole > c->in.n)) {
        buf_str(&c->out, "HTTP/1.1 100 Continue\r\n\r\n");
        conn_write_out(c);
    }
    c->state = CONN_BODY;
    conn_progress(c);
    return true;
}

bool conn_make_room(struct http1_conn *c, size_t n)
{
    struct http1 *s = c->server;
    size_t most = HTTP1_BODIES_HELD * (s->limits.body_max + READ_AT_ONCE);
    size_t others = s->in_held - c->in_held;
    bool fits = n <= READ_AT_ONCE || others + c->in.n + n <= most;
    if (fits && buf_reserve(&c->in, n)) {
        conn_count_held(c);
        return true;
    }
    http1_add(&c->request, "Retry-After", SLICE("1"));
    conn_refuse(c, 503, "too many large requests at a time");
    return false;
}

static void conn_count_held(struct http1_conn *c)
{
    c->server->in_held += c->in.cap - c->in_held;
    c->in_held = c->in.cap;
}

static bool step_body(struct http1_conn *c)
{
    if (c->head.chunked)
        return step_chunks(c);
    size_t length = (size_t)c->head.content_length;
    if (c->in.n - c->head_length < length)
        return conn_fill(c);
    c->chunks.read = length;
    conn_dispatch(c, length);
    return true;
}

static bool step_chunks(struct http1_conn *c)
{
    struct http1_fault fault;
    struct http1_chunks *k = &c->chunks;
    int rc =
        http1_chunks_feed(k, c->in.p + c->head_length, c->in.n - c->head_length,
                          c->server->limits.body_max, &fault);
    if (rc < 0) {
        conn_refuse(c, fault.status, fault.why);
        return true;
    }
    if (rc > 0) {
        conn_dispatch(c, k->written);
        return true;
    }
    k->read = k->written; /* all was taken; the framing's room is free again */
    c->in.n = c->head_length + k->written;
    return conn_fill(c);
}

/* The peer has ended its side. */
static bool conn_cut_short(struct http1_conn *c)
{
    if (c->state == CONN_BODY || c->state == CONN_STREAM ||
        (c->state == CONN_HEAD && c->in.n > 0)) {
        conn_refuse(c, 400, "the request was cut short");
        c->linger = false;
        return true;
    }
    c->dead = true;
    return false;
}

static bool step_flush(struct http1_conn *c)
{
    conn_write_out(c);
    if (c->dead || c->sent < c->out.n)
        return false;
    conn_next_request(c);
    c->rests = loop_turn_is_long(c->server->loop);
    if (!c->closing)
        return true;
    if (!c->linger || c->dead) {
        c->dead = true;
        return false;
    }
    stream_shutdown(&c->stream);
    c->state = CONN_LINGER;
    conn_progress(c);
    return true;
}

/* The answer is out: what follows the request in the buffer is the next. */
static void conn_next_request(struct http1_conn *c)
{
    size_t used = c->head_length + c->chunks.read;
    c->server->open_requests--;
    c->state = CONN_HEAD;
    if (used > c->in.n)
        used = c->in.n;
    memmove(c->in.p, c->in.p + used, c->in.n - used);
    c->in.n -= used;
    c->searched = c->head_length = 0;
    c->body.max = c->body.taken = 0;
    c->body.over = c->body.asked = false;
    c->unread = false;
    c->sent = 0;
    buf_recycle(&c->out, OUT_KEPT_BYTES);
    conn_progress(c);
}

static bool step_linger(struct http1_conn *c)
{
    char waste[READ_AT_ONCE];
    long n = stream_read(&c->stream, waste, sizeof(waste));
    if (n == 0 || n == STREAM_BROKEN)
        c->dead = true;
    return n > 0;
}

bool conn_fill(struct http1_conn *c)
{
    if (c->server->paused || c->drained)
        return false;
    size_t room = c->in.cap - c->in.n;
    if (room < READ_AT_LEAST &&
        (c->state == CONN_HEAD || c->head.chunked || room == 0)) {
        /* Chunks do not say how many follow: room doubles. */
        size_t more = c->in.n > READ_AT_ONCE ? c->in.n : READ_AT_ONCE;
        if (more > c->in.max - c->in.n)
            more = c->in.max - c->in.n;
        if (!conn_make_room(c, more))
            return true;
        room = c->in.cap - c->in.n;
    }
    long n = stream_read(&c->stream, c->in.p + c->in.n, room);
    if (n == 0)
        return conn_cut_short(c);
    if (n < 0) {
        c->dead = n == STREAM_BROKEN;
        return false;
    }
    c->drained = !c->stream.tls && (size_t)n < room;
    if ((c->state == CONN_HEAD && c->in.n == 0) ||
        c->in.n + (size_t)n >= c->progress_at + PROGRESS_BYTES)
        conn_progress(c);
    c->in.n += (size_t)n;
    c->rests = !c->drained && loop_turn_is_long(c->server->loop);
    return true;
}

void conn_progress(struct http1_conn *c)
{
    c->progress_ms = loop_now_ms(c->server->loop);
    c->progress_at = c->in.n;
}

void conn_write_out(struct http1_conn *c)
{
    if (c->out.failed)
        c->dead = true;
    while (!c->dead && c->sent < c->out.n) {
        long n = stream_write(&c->stream,
                              slice_of(c->out.p + c->sent, c->out.n - c->sent));
        if (n < 0) {
            c->dead = n == STREAM_BROKEN;
            break;
        }
        c->sent += (size_t)n;
        c->progress_ms = loop_now_ms(c->server->loop);
    }
    if (c->sent == c->out.n && c->state == CONN_HANDLER) {
        c->sent = 0;
        buf_clear(&c->out);
    }
    if (!c->running)
        conn_watch(c);
}

static void conn_watch(struct http1_conn *c)
{
    bool reading =
        c->state == CONN_HEAD || c->state == CONN_BODY || conn_stream_reads(c);
    bool read = (reading && !c->server->paused) || c->state == CONN_LINGER ||
                (c->state == CONN_HANDLER && !c->unread);
    /* The loop can't see what TLS has read already; a socket that can be
     * written to brings the next turn here. */
    bool hidden = reading && read && stream_has_pending(&c->stream);
    bool write = c->sent < c->out.n || c->stream.wants_write || c->dead ||
                 hidden || c->rests;
    watch_set(c->watch, read, write);
}

static void conn_free(struct http1_conn *c)
{
    struct http1 *s = c->server;
    if (c->prev)
        c->prev->next = c->next;
    else
        s->first = c->next;
    if (c->next)
        c->next->prev = c->prev;
    if (request_is_open(c))
        s->open_requests--;
    if (c->request.gone)
        c->request.gone(c->request.gone_arg);
    watch_free(c->watch);
    stream_fini(&c->stream);
    s->in_held -= c->in_held;
    buf_fini(&c->in);
    buf_fini(&c->out);
    buf_fini(&c->request.extra);
    acceptor_released(s->acceptor);
    free(c);
}

static void sweep(void *arg)
{
    struct http1 *s = arg;
    int64_t now = loop_now_ms(s->loop);
    bool stood_still = timer_stood_still(s->sweep);
    for (struct http1_conn *c = s->first, *next; c; c = next) {
        next = c->next;
        if (stood_still)
            c->progress_ms = now;
        sweep_conn(c, now);
    }
    if (s->first)
        timer_start(s->sweep, SWEEP_MS);
}

static void sweep_conn(struct http1_conn *c, int64_t now)
{
    int64_t quiet = now - c->progress_ms;
    bool idle = c->state == CONN_HEAD && c->in.n == 0;
    bool waits_for_us = (c->server->paused && c->state <= CONN_STREAM) ||
                        (c->state == CONN_STREAM && !conn_stream_reads(c)) ||
                        (c->state == CONN_HANDLER && c->sent == c->out.n);
    if (idle && quiet >= IDLE_BUFFER_MS && c->in.cap > 0) {
        buf_fini(&c->in);
        conn_count_held(c);
    }
    if (c->state == CONN_LINGER && quiet >= LINGER_MS)
        c->dead = true;
    if (c->dead)
        conn_run(c);
    else if (!waits_for_us && quiet >= patience_ms(c))
        conn_timed_out(c);
}

static int64_t patience_ms(const struct http1_conn *c)
{
    const struct http1_limits *l = &c->server->limits;
    bool head = c->state == CONN_HEAD && c->in.n > 0 && l->head_s > 0;
    return 1000 * (int64_t)(head ? l->head_s : l->timeout_s);
}

static void conn_timed_out(struct http1_conn *c)
{
    bool asked = c->state == CONN_BODY || c->state == CONN_STREAM ||
                 (c->state == CONN_HEAD && c->in.n);
    if (asked) {
        conn_refuse(c, 408, "the request did not come in time");
    } else {
        c->dead = true;
        conn_run(c);
    }
}

static bool request_is_open(const struct http1_conn *c)
{
    return c->state == CONN_STREAM || c->state == CONN_HANDLER ||
           c->state == CONN_FLUSH;
}
