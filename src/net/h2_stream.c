/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests and answers of the HTTP/2 server: nghttp2 tells what arrives on
 * each stream, here it becomes a request for the handler; answers go back as
 * nghttp2 asks for them. Knows no sockets.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "h2_conn.h"

#define IDLE_STREAMS 64
#define BODY_KEPT_BYTES ((size_t)256 << 10)
#define ANSWER_MAX (1u << 20)
/* A frame that asks for work without bringing any costs one credit. Each
 * request earns some, so that a busy client may ping as it likes. */
#define CREDIT_MAX 2000
#define CREDIT_PER_REQUEST 20

static int on_begin_headers(nghttp2_session *session,
                            const nghttp2_frame *frame, void *user);
static struct h2_stream *stream_new(struct h2_conn *c, int32_t id);
static int on_header(nghttp2_session *session, const nghttp2_frame *frame,
                     const uint8_t *name, size_t name_n, const uint8_t *value,
                     size_t value_n, uint8_t flags, void *user);
static struct h2_run head_add(struct h2_stream *s, const uint8_t *p, size_t n);
static int on_data(nghttp2_session *session, uint8_t flags, int32_t id,
                   const uint8_t *data, size_t n, void *user);
static void give_body_up(struct h2_stream *s, enum h2_body_state why);
static int on_frame(nghttp2_session *session, const nghttp2_frame *frame,
                    void *user);
static bool is_control(const nghttp2_frame *frame);
static void hand_out(struct h2_stream *s);
static int on_frame_sent(nghttp2_session *session, const nghttp2_frame *frame,
                         void *user);
static int on_stream_closed(nghttp2_session *session, int32_t id,
                            uint32_t error, void *user);
static size_t add_headers(nghttp2_nv *nv, const struct h2_header *h, size_t n);
static ssize_t read_answer(nghttp2_session *session, int32_t id, uint8_t *to,
                           size_t room, uint32_t *flags,
                           nghttp2_data_source *source, void *user);
static void submit_trailers(nghttp2_session *session, struct h2_stream *s);
static void stream_free(struct h2_stream *s);
static void keep_trailers(struct h2_stream *s, const struct h2_answer *a);
static nghttp2_nv nv_of(struct slice name, struct slice value);

void h2_stream_callbacks(nghttp2_session_callbacks *cb)
{
    nghttp2_session_callbacks_set_on_begin_headers_callback(cb,
                                                            on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(cb, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_frame);
    nghttp2_session_callbacks_set_on_frame_send_callback(cb, on_frame_sent);
    nghttp2_session_callbacks_set_on_stream_close_callback(cb,
                                                           on_stream_closed);
}

struct slice h2_method(const struct h2_stream *s)
{
    return h2_header(s, ":method");
}

struct slice h2_path(const struct h2_stream *s)
{
    return h2_header(s, ":path");
}

struct slice h2_header(const struct h2_stream *s, const char *name)
{
    for (unsigned i = 0; i < s->n_headers; i++)
        if (slice_is(slice_of(s->head.p + s->names[i].at, s->names[i].n), name))
            return slice_of(s->head.p + s->values[i].at, s->values[i].n);
    return SLICE("");
}

enum h2_body_state h2_body_state(const struct h2_stream *s)
{
    return s->body_state;
}

struct slice h2_body(const struct h2_stream *s)
{
    return buf_slice(&s->body);
}

void h2_on_gone(struct h2_stream *s, void (*fn)(void *), void *arg)
{
    s->gone = fn;
    s->gone_arg = arg;
}

void h2_reply(struct h2_stream *s, const struct h2_answer *a)
{
    struct h2_conn *c = s->conn;
    char status[12];
    nghttp2_nv nv[H2_HEADERS_MAX + 1];
    assert(!s->answered && a->n_headers <= H2_HEADERS_MAX);
    s->answered = true;
    s->gone = NULL;
    /* The body was read: its room is free for others. */
    c->server->held -= s->body.n;
    buf_recycle(&s->body, BODY_KEPT_BYTES);
    snprintf(status, sizeof(status), "%d", a->status);
    nv[0] = nv_of(SLICE(":status"), slice_str(status));
    size_t n = 1 + add_headers(nv + 1, a->headers, a->n_headers);
    bool only_headers = a->body.n == 0 && a->n_trailers == 0;
    nghttp2_data_provider provider = {.source.ptr = s,
                                      .read_callback = read_answer};
    buf_append(&s->answer, a->body);
    keep_trailers(s, a);
    if (s->answer.failed || s->trailers.failed ||
        nghttp2_submit_response(c->session, s->id, nv, n,
                                only_headers ? NULL : &provider) != 0)
        nghttp2_submit_rst_stream(c->session, NGHTTP2_FLAG_NONE, s->id,
                                  NGHTTP2_INTERNAL_ERROR);
    h2_conn_flush(c);
}

void h2_stream_close(struct h2_stream *s)
{
    if (s->handed_out && !s->answered && s->gone)
        s->gone(s->gone_arg);
    stream_free(s);
}

/* Takes the stream off its connection and keeps its memory for the next. */
static void stream_free(struct h2_stream *s)
{
    struct h2_conn *c = s->conn;
    struct h2 *server = c->server;
    if (s->prev)
        s->prev->next = s->next;
    else
        c->first = s->next;
    if (s->next)
        s->next->prev = s->prev;
    server->held -= s->body.n;
    if (s->handed_out)
        server->open_streams--;
    if (server->n_idle >= IDLE_STREAMS) {
        buf_fini(&s->head);
        buf_fini(&s->body);
        buf_fini(&s->answer);
        buf_fini(&s->trailers);
        free(s);
        return;
    }
    buf_recycle(&s->body, BODY_KEPT_BYTES);
    s->next = server->idle;
    server->idle = s;
    server->n_idle++;
}

static int on_begin_headers(nghttp2_session *session,
                            const nghttp2_frame *frame, void *user)
{
    struct h2_conn *c = user;
    if (frame->hd.type != NGHTTP2_HEADERS ||
        frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0; /* trailers of a request are read over */
    struct h2_stream *s = stream_new(c, frame->hd.stream_id);
    if (!s)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    nghttp2_session_set_stream_user_data(session, s->id, s);
    c->control_credit += CREDIT_PER_REQUEST;
    if (c->control_credit > CREDIT_MAX)
        c->control_credit = CREDIT_MAX;
    return 0;
}

static struct h2_stream *stream_new(struct h2_conn *c, int32_t id)
{
    struct h2 *server = c->server;
    struct h2_stream *s = server->idle;
    if (s) {
        struct buf head = s->head, body = s->body, answer = s->answer,
                   trailers = s->trailers;
        server->idle = s->next;
        server->n_idle--;
        *s = (struct h2_stream){
            .head = head, .body = body, .answer = answer, .trailers = trailers};
        buf_clear(&s->head);
        buf_clear(&s->answer);
        buf_clear(&s->trailers);
    } else {
        s = calloc(1, sizeof(*s));
        if (!s)
            return NULL;
        buf_init(&s->head, H2_HEADER_BYTES_MAX);
        buf_init(&s->body, server->o.body_max);
        buf_init(&s->answer, ANSWER_MAX);
        buf_init(&s->trailers, H2_TRAILER_BYTES_MAX);
    }
    s->conn = c;
    s->id = id;
    s->progress_ms = loop_now_ms(server->loop);
    s->next = c->first;
    if (s->next)
        s->next->prev = s;
    c->first = s;
    return s;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame,
                     const uint8_t *name, size_t name_n, const uint8_t *value,
                     size_t value_n, uint8_t flags, void *user)
{
    (void)flags, (void)user;
    if (frame->hd.type != NGHTTP2_HEADERS ||
        frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0;
    struct h2_stream *s =
        nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    if (!s)
        return 0;
    if (s->n_headers == H2_REQUEST_HEADERS_MAX)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    s->names[s->n_headers] = head_add(s, name, name_n);
    s->values[s->n_headers] = head_add(s, value, value_n);
    if (s->head.failed)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    s->n_headers++;
    return 0;
}

static struct h2_run head_add(struct h2_stream *s, const uint8_t *p, size_t n)
{
    struct h2_run r = {(uint32_t)s->head.n, (uint32_t)n};
    buf_append(&s->head, slice_of(p, n));
    return r;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id,
                   const uint8_t *data, size_t n, void *user)
{
    struct h2_conn *c = user;
    struct h2_stream *s = nghttp2_session_get_stream_user_data(session, id);
    (void)flags;
    if (!s || s->handed_out)
        return 0;
    s->progress_ms = loop_now_ms(c->server->loop);
    if (s->body.n + n > s->body.max) {
        give_body_up(s, H2_BODY_TOO_LARGE);
        return 0;
    }
    if (c->server->held + n > c->server->o.held_max) {
        give_body_up(s, H2_BODY_NO_ROOM);
        return 0;
    }
    buf_append(&s->body, slice_of(data, n));
    if (s->body.failed)
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    c->server->held += n;
    return 0;
}

/* The answer is known before the body's end; what still comes is dropped. */
static void give_body_up(struct h2_stream *s, enum h2_body_state why)
{
    s->conn->server->held -= s->body.n;
    buf_recycle(&s->body, BODY_KEPT_BYTES);
    s->body_state = why;
    hand_out(s);
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame,
                    void *user)
{
    struct h2_conn *c = user;
    c->greeted = true; /* SETTINGS are the first one that gets here */
    if (is_control(frame) && --c->control_credit < 0)
        return nghttp2_session_terminate_session(session,
                                                 NGHTTP2_ENHANCE_YOUR_CALM);
    if ((frame->hd.type != NGHTTP2_DATA && frame->hd.type != NGHTTP2_HEADERS) ||
        !(frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
        return 0;
    struct h2_stream *s =
        nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    if (s && !s->handed_out)
        hand_out(s);
    return 0;
}

static bool is_control(const nghttp2_frame *frame)
{
    switch (frame->hd.type) {
    case NGHTTP2_DATA:
        return frame->hd.length == 0 &&
               !(frame->hd.flags & NGHTTP2_FLAG_END_STREAM);
    case NGHTTP2_HEADERS:
    case NGHTTP2_WINDOW_UPDATE:
        return false;
    }
    return true;
}

static void hand_out(struct h2_stream *s)
{
    struct h2 *server = s->conn->server;
    s->handed_out = true;
    server->open_streams++;
    server->o.fn(server->o.arg, s);
}

/* An answer that was given before the request's end: the client need not send
 * the rest (RFC 9113 §8.1). */
static int on_frame_sent(nghttp2_session *session, const nghttp2_frame *frame,
                         void *user)
{
    (void)user;
    int32_t id = frame->hd.stream_id;
    if ((frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS) &&
        frame->hd.flags & NGHTTP2_FLAG_END_STREAM &&
        nghttp2_session_get_stream_remote_close(session, id) == 0)
        nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, id,
                                  NGHTTP2_NO_ERROR);
    return 0;
}

static int on_stream_closed(nghttp2_session *session, int32_t id,
                            uint32_t error, void *user)
{
    struct h2_stream *s = nghttp2_session_get_stream_user_data(session, id);
    (void)error, (void)user;
    if (s)
        h2_stream_close(s);
    return 0;
}

static size_t add_headers(nghttp2_nv *nv, const struct h2_header *h, size_t n)
{
    for (size_t i = 0; i < n; i++)
        nv[i] = nv_of(h[i].name, h[i].value);
    return n;
}

/* Nghttp2 asks for more of the answer's body. */
static ssize_t read_answer(nghttp2_session *session, int32_t id, uint8_t *to,
                           size_t room, uint32_t *flags,
                           nghttp2_data_source *source, void *user)
{
    struct h2_stream *s = source->ptr;
    (void)id, (void)user;
    size_t n = s->answer.n - s->answer_sent;
    n = n < room ? n : room;
    if (n)
        memcpy(to, s->answer.p + s->answer_sent, n);
    s->answer_sent += n;
    if (s->answer_sent == s->answer.n) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
        if (s->trailers.n > 0) {
            *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
            submit_trailers(session, s);
        }
    }
    return (ssize_t)n;
}

static void submit_trailers(nghttp2_session *session, struct h2_stream *s)
{
    nghttp2_nv nv[H2_HEADERS_MAX];
    size_t n = 0;
    const char *p = s->trailers.p, *end = p + s->trailers.n;
    while (p < end && n < H2_HEADERS_MAX) {
        struct slice name = slice_str(p);
        struct slice value = slice_str(p + name.n + 1);
        nv[n++] = nv_of(name, value);
        p = value.p + value.n + 1;
    }
    nghttp2_submit_trailer(session, s->id, nv, n);
}

static void keep_trailers(struct h2_stream *s, const struct h2_answer *a)
{
    for (size_t i = 0; i < a->n_trailers; i++) {
        buf_append(&s->trailers, a->trailers[i].name);
        buf_byte(&s->trailers, '\0');
        buf_append(&s->trailers, a->trailers[i].value);
        buf_byte(&s->trailers, '\0');
    }
}

static nghttp2_nv nv_of(struct slice name, struct slice value)
{
    return (nghttp2_nv){.name = (uint8_t *)(uintptr_t)name.p,
                        .value = (uint8_t *)(uintptr_t)value.p,
                        .namelen = name.n,
                        .valuelen = value.n};
}
