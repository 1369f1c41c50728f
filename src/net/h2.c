/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP/2 server's connections: bytes between sockets and nghttp2, limits
 * against peers that ask for work without end, time limits, the way out by
 * GOAWAY. Requests and answers are in h2_stream.c. Knows no gRPC.
 */
#include "xr/h2.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "h2_conn.h"
#include "xr/log.h"

#define READ_BYTES ((size_t)256 << 10)
#define OUT_MAX (4u << 20)
#define OUT_KEPT_BYTES 65536
/* Stop asking nghttp2 for more while so much waits for the socket. */
#define OUT_ENOUGH 65536
#define SWEEP_MS 1000
#define IDLE_MS (15 * 60 * 1000)
#define CONNECTION_WINDOW (32 << 20)
#define WINDOW_SLACK 65536
#define FRAME_MAX (256 << 10)
#define CONTROL_CREDIT 1000
#define CONTROL_CREDIT_PER_SWEEP 50
#define SETTINGS_ENTRIES_MAX 32
#define OUTBOUND_ACKS_MAX 2000
/* Bodies held, of all connections, up to which is read while paused. */
#define PAUSED_HELD_MAX ((size_t)4 << 20)

static void accepted(void *arg, int fd, const struct sockaddr *peer);
static bool begin_session(struct h2_conn *c);
static void conn_event(void *arg, int fd, bool readable, bool writable);
static void conn_run(struct h2_conn *c, bool readable);
static bool may_read(const struct h2 *s);
static void conn_read(struct h2_conn *c);
static void conn_open(struct h2_conn *c, struct slice bytes);
static void conn_stray(struct h2_conn *c, enum stream_first kind);
static void conn_feed(struct h2_conn *c, struct slice bytes);
static void conn_say(struct h2_conn *c);
static void conn_send(struct h2_conn *c);
static void conn_watch(struct h2_conn *c);
static bool conn_is_over(const struct h2_conn *c);
static void conn_free(struct h2_conn *c);
static void sweep(void *arg);
static void restart_clocks(struct h2_conn *c, int64_t now);
static void sweep_conn(struct h2_conn *c, int64_t now);
static void sweep_streams(struct h2_conn *c, int64_t now);

struct h2 *h2_new(struct loop *l, const struct h2_options *o, struct err *err)
{
    struct h2 *s = calloc(1, sizeof(*s));
    if (!s || !(s->input = malloc(READ_BYTES)) ||
        nghttp2_session_callbacks_new(&s->callbacks) != 0 ||
        nghttp2_option_new(&s->option) != 0)
        log_fatal("out of memory for HTTP/2");
    s->loop = l;
    s->o = *o;
    struct acceptor_options a = {
        .address = o->address, .max = o->connections, .fn = accepted, .arg = s};
    s->acceptor = acceptor_new(l, &a, err);
    if (!s->acceptor) {
        h2_free(s);
        return NULL;
    }
    h2_stream_callbacks(s->callbacks);
    nghttp2_option_set_no_closed_streams(s->option, 1);
    nghttp2_option_set_max_settings(s->option, SETTINGS_ENTRIES_MAX);
    nghttp2_option_set_max_outbound_ack(s->option, OUTBOUND_ACKS_MAX);
    s->sweep = timer_new(l, sweep, s);
    return s;
}

void h2_on_stray(struct h2 *s, void (*fn)(void *arg, struct slice first),
                 void *arg)
{
    s->stray = fn;
    s->stray_arg = arg;
}

const char *h2_bound(const struct h2 *s)
{
    return acceptor_bound(s->acceptor);
}

void h2_pause(struct h2 *s, bool pause)
{
    if (s->paused == pause)
        return;
    s->paused = pause;
    for (struct h2_conn *c = s->first; c; c = c->next) {
        c->progress_ms = loop_now_ms(s->loop);
        for (struct h2_stream *t = c->first; t; t = t->next)
            t->progress_ms = c->progress_ms;
        conn_watch(c);
    }
}

unsigned h2_open_streams(const struct h2 *s)
{
    return s->open_streams;
}

void h2_stop(struct h2 *s)
{
    s->stopping = true;
    acceptor_stop(s->acceptor);
    for (struct h2_conn *c = s->first, *next; c; c = next) {
        next = c->next;
        nghttp2_submit_goaway(
            c->session, NGHTTP2_FLAG_NONE,
            nghttp2_session_get_last_proc_stream_id(c->session),
            NGHTTP2_NO_ERROR, NULL, 0);
        conn_run(c, false);
    }
}

void h2_free(struct h2 *s)
{
    if (!s)
        return;
    while (s->first) {
        assert(!s->first->running);
        conn_free(s->first);
    }
    while (s->idle) {
        struct h2_stream *t = s->idle;
        s->idle = t->next;
        buf_fini(&t->head);
        buf_fini(&t->body);
        buf_fini(&t->answer);
        buf_fini(&t->trailers);
        free(t);
    }
    timer_free(s->sweep);
    acceptor_free(s->acceptor);
    nghttp2_session_callbacks_del(s->callbacks);
    nghttp2_option_del(s->option);
    free(s->input);
    free(s);
}

void h2_conn_flush(struct h2_conn *c)
{
    if (c->running)
        return; /* conn_run says it all at its end */
    conn_say(c);
    conn_watch(c);
}

static void accepted(void *arg, int fd, const struct sockaddr *peer)
{
    struct h2 *s = arg;
    struct h2_conn *c = calloc(1, sizeof(*c));
    if (!c || !stream_init(&c->stream, fd, s->o.tls)) {
        if (!c)
            close(fd);
        free(c);
        acceptor_released(s->acceptor);
        return;
    }
    c->server = s;
    address_format(peer, c->peer);
    buf_init(&c->out, OUT_MAX);
    c->control_credit = CONTROL_CREDIT;
    c->begun_ms = c->progress_ms = loop_now_ms(s->loop);
    c->next = s->first;
    if (c->next)
        c->next->prev = c;
    s->first = c;
    c->watch = watch_new(s->loop, fd, conn_event, c);
    watch_set(c->watch, may_read(s), false);
    if (!begin_session(c)) {
        conn_free(c);
        return;
    }
    if (!timer_running(s->sweep))
        timer_start(s->sweep, SWEEP_MS);
}

/* One message fits into a stream's window, so that a client never waits for a
 * window update in its middle. */
static bool begin_session(struct h2_conn *c)
{
    const struct h2_options *o = &c->server->o;
    uint32_t window = (uint32_t)(o->body_max + WINDOW_SLACK);
    nghttp2_settings_entry entries[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, o->streams},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, window},
        {NGHTTP2_SETTINGS_MAX_FRAME_SIZE, FRAME_MAX},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, H2_HEADER_BYTES_MAX},
    };
    size_t n = sizeof(entries) / sizeof(entries[0]);
    return nghttp2_session_server_new2(&c->session, c->server->callbacks, c,
                                       c->server->option) == 0 &&
           nghttp2_submit_settings(c->session, NGHTTP2_FLAG_NONE, entries, n) ==
               0 &&
           nghttp2_session_set_local_window_size(c->session, NGHTTP2_FLAG_NONE,
                                                 0, CONNECTION_WINDOW) == 0;
}

static void conn_event(void *arg, int fd, bool readable, bool writable)
{
    struct h2_conn *c = arg;
    struct slice first;
    (void)fd;
    if (!stream_begin_tls(&c->stream, &first)) {
        if (c->server->stray)
            c->server->stray(c->server->stray_arg, first);
        c->dead = true;
    }
    /* What TLS holds can be read whatever the socket says. */
    conn_run(c, readable || (writable && c->stream.tls));
}

static void conn_run(struct h2_conn *c, bool readable)
{
    if (c->running)
        return;
    c->running = true;
    if (readable && !c->dead && may_read(c->server))
        conn_read(c);
    if (!c->dead)
        conn_say(c);
    c->running = false;
    if (c->dead || conn_is_over(c))
        conn_free(c);
    else
        conn_watch(c);
}

/* Paused, little is read: the pings, checks and resets that come along with
 * requests, which then wait at the handler. Who got no answer to a ping would
 * take the connection for dead. */
static bool may_read(const struct h2 *s)
{
    return !s->paused || s->held < PAUSED_HELD_MAX;
}

/* One read a turn, so that connections share the loop; under TLS until
 * nothing is left inside, which the loop could not see. */
static void conn_read(struct h2_conn *c)
{
    struct h2 *s = c->server;
    do {
        long n = stream_read(&c->stream, s->input, READ_BYTES);
        if (n == STREAM_AGAIN)
            return;
        if (n <= 0) {
            c->dead = true;
            return;
        }
        c->progress_ms = loop_now_ms(s->loop);
        struct slice bytes = slice_of(s->input, (size_t)n);
        if (c->looked)
            conn_feed(c, bytes);
        else
            conn_open(c, bytes);
    } while (!c->dead && may_read(s) && stream_has_pending(&c->stream) &&
             !loop_turn_is_long(s->loop));
}

/* Looks at the first decrypted bytes, which may come one by one. */
static void conn_open(struct h2_conn *c, struct slice bytes)
{
    size_t n = H2_OPENING - c->n_opening;
    n = bytes.n < n ? bytes.n : n;
    memcpy(c->opening + c->n_opening, bytes.p, n);
    c->n_opening += n;
    struct slice opening = slice_of(c->opening, c->n_opening);
    enum stream_first kind = stream_first(opening);
    if (kind == FIRST_UNKNOWN)
        return;
    c->looked = true;
    if (kind != FIRST_HTTP2) {
        conn_stray(c, kind);
        return;
    }
    conn_feed(c, opening);
    if (!c->dead)
        conn_feed(c, slice_of(bytes.p + n, bytes.n - n));
}

static void conn_stray(struct h2_conn *c, enum stream_first kind)
{
    if (c->server->stray && kind != FIRST_OTHER)
        c->server->stray(c->server->stray_arg,
                         slice_of(c->opening, c->n_opening));
    if (kind == FIRST_HTTP1) {
        char answer[512];
        snprintf(answer, sizeof(answer),
                 "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n"
                 "Content-Type: text/plain\r\n\r\n%s\n",
                 c->server->o.not_http1);
        (void)stream_write(&c->stream, slice_str(answer));
        stream_shutdown(&c->stream);
    }
    c->dead = true;
}

static void conn_feed(struct h2_conn *c, struct slice bytes)
{
    ssize_t n =
        nghttp2_session_mem_recv(c->session, (const uint8_t *)bytes.p, bytes.n);
    if (n < 0) {
        log_debug("HTTP/2 from %s: %s", c->peer, nghttp2_strerror((int)n));
        /* What is left to say (GOAWAY) goes out before the end. */
        conn_say(c);
        c->dead = true;
    }
}

/* Takes what nghttp2 has to say and sends it. */
static void conn_say(struct h2_conn *c)
{
    while (!c->dead) {
        const uint8_t *p;
        ssize_t n = 0;
        while (c->out.n - c->sent < OUT_ENOUGH &&
               (n = nghttp2_session_mem_send(c->session, &p)) > 0)
            buf_append(&c->out, slice_of(p, (size_t)n));
        if (n < 0 || c->out.failed)
            c->dead = true;
        if (c->dead || c->sent == c->out.n)
            return;
        conn_send(c);
        if (c->sent < c->out.n)
            return;
    }
}

static void conn_send(struct h2_conn *c)
{
    while (c->sent < c->out.n) {
        long n = stream_write(&c->stream,
                              slice_of(c->out.p + c->sent, c->out.n - c->sent));
        if (n < 0) {
            c->dead = n == STREAM_BROKEN;
            return;
        }
        c->sent += (size_t)n;
        c->progress_ms = loop_now_ms(c->server->loop);
    }
    c->sent = 0;
    buf_recycle(&c->out, OUT_KEPT_BYTES);
}

static void conn_watch(struct h2_conn *c)
{
    bool reads = may_read(c->server);
    bool hidden = reads && stream_has_pending(&c->stream);
    watch_set(c->watch, reads,
              c->sent < c->out.n || c->stream.wants_write || c->dead ||
                  hidden || conn_is_over(c));
}

/* GOAWAY was said, all is answered and written. */
static bool conn_is_over(const struct h2_conn *c)
{
    return c->sent == c->out.n && !nghttp2_session_want_read(c->session) &&
           !nghttp2_session_want_write(c->session);
}

static void conn_free(struct h2_conn *c)
{
    struct h2 *s = c->server;
    while (c->first)
        h2_stream_close(c->first);
    if (c->prev)
        c->prev->next = c->next;
    else
        s->first = c->next;
    if (c->next)
        c->next->prev = c->prev;
    nghttp2_session_del(c->session);
    watch_free(c->watch);
    stream_fini(&c->stream);
    buf_fini(&c->out);
    acceptor_released(s->acceptor);
    free(c);
}

static void sweep(void *arg)
{
    struct h2 *s = arg;
    int64_t now = loop_now_ms(s->loop);
    bool stood_still = timer_stood_still(s->sweep);
    for (struct h2_conn *c = s->first, *next; c; c = next) {
        next = c->next;
        if (stood_still)
            restart_clocks(c, now);
        sweep_conn(c, now);
    }
    if (s->first)
        timer_start(s->sweep, SWEEP_MS);
}

static void restart_clocks(struct h2_conn *c, int64_t now)
{
    c->begun_ms = c->progress_ms = now;
    for (struct h2_stream *s = c->first; s; s = s->next)
        s->progress_ms = now;
}

static void sweep_conn(struct h2_conn *c, int64_t now)
{
    int64_t quiet = now - c->progress_ms;
    int64_t limit = (int64_t)c->server->o.timeout_s * 1000;
    if (c->server->paused) /* it may have said it, unheard */
        c->begun_ms = now;
    if (c->control_credit < CONTROL_CREDIT)
        c->control_credit += CONTROL_CREDIT_PER_SWEEP;
    if (c->sent < c->out.n && quiet >= limit)
        c->dead = true; /* it does not take its answers */
    else if (!c->greeted && now - c->begun_ms >= limit)
        c->dead = true; /* it never said who it is, or only byte by byte */
    else if (!c->first && quiet >= IDLE_MS)
        nghttp2_session_terminate_session(c->session, NGHTTP2_NO_ERROR);
    if (!c->server->paused)
        sweep_streams(c, now);
    conn_run(c, false);
}

/* Requests that do not come whole in time. */
static void sweep_streams(struct h2_conn *c, int64_t now)
{
    int64_t limit = (int64_t)c->server->o.timeout_s * 1000;
    for (struct h2_stream *s = c->first; s; s = s->next)
        if (!s->handed_out && now - s->progress_ms >= limit)
            nghttp2_submit_rst_stream(c->session, NGHTTP2_FLAG_NONE, s->id,
                                      NGHTTP2_CANCEL);
}
