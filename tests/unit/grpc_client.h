/* SPDX-License-Identifier: Apache-2.0 */
/* For unit tests: a gRPC client made of nghttp2, turned by hand with the loop
 * of wire.h. */
#ifndef XR_TEST_GRPC_CLIENT_H
#define XR_TEST_GRPC_CLIENT_H

#include <nghttp2/nghttp2.h>

#include "wire.h"

#define CALLS_MAX 256

struct call {
    struct buf body; /* what is sent */
    size_t sent;
    char status[8], grpc_status[8], grpc_message[512], details[512];
    char text[1024]; /* the answer's body */
    size_t text_n;
    unsigned header_frames;
    bool closed;
    uint32_t error;
};

struct client {
    struct wire wire;
    size_t fed; /* of wire.got */
    nghttp2_session *session;
    struct call calls[CALLS_MAX];
    unsigned n;
    bool goaway;
    uint32_t goaway_error;
    bool hold_back; /* bodies are not sent to their end */
    const char *timeout;
};

static inline int on_client_header(nghttp2_session *session,
                                   const nghttp2_frame *frame,
                                   const uint8_t *name, size_t name_n,
                                   const uint8_t *value, size_t value_n,
                                   uint8_t flags, void *user)
{
    struct call *k =
        nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    struct slice n = slice_of(name, name_n);
    (void)flags, (void)user;
    const struct {
        const char *name;
        char *to;
        size_t size;
    } rows[] = {
        {":status", k->status, sizeof(k->status)},
        {"grpc-status", k->grpc_status, sizeof(k->grpc_status)},
        {"grpc-message", k->grpc_message, sizeof(k->grpc_message)},
        {"grpc-status-details-bin", k->details, sizeof(k->details)},
    };
    for (size_t i = 0; i < 4; i++)
        if (slice_is(n, rows[i].name))
            snprintf(rows[i].to, rows[i].size, "%.*s", (int)value_n, value);
    return 0;
}

static inline int on_client_data(nghttp2_session *session, uint8_t flags,
                                 int32_t id, const uint8_t *data, size_t n,
                                 void *user)
{
    struct call *k = nghttp2_session_get_stream_user_data(session, id);
    (void)flags, (void)user;
    assert_true(k->text_n + n < sizeof(k->text));
    memcpy(k->text + k->text_n, data, n);
    k->text_n += n;
    return 0;
}

static inline int on_client_frame(nghttp2_session *session,
                                  const nghttp2_frame *frame, void *user)
{
    struct client *c = user;
    if (frame->hd.type == NGHTTP2_GOAWAY) {
        c->goaway = true;
        c->goaway_error = frame->goaway.error_code;
    }
    if (frame->hd.type == NGHTTP2_HEADERS) {
        struct call *k =
            nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
        k->header_frames++;
    }
    return 0;
}

static inline int on_client_close(nghttp2_session *session, int32_t id,
                                  uint32_t error, void *user)
{
    struct call *k = nghttp2_session_get_stream_user_data(session, id);
    (void)user;
    k->closed = true;
    k->error = error;
    return 0;
}

static inline ssize_t read_body(nghttp2_session *session, int32_t id,
                                uint8_t *to, size_t room, uint32_t *flags,
                                nghttp2_data_source *source, void *user)
{
    struct client *c = user;
    struct call *k = source->ptr;
    (void)session, (void)id;
    size_t n = k->body.n - k->sent;
    n = n < room ? n : room;
    if (n == 0 && c->hold_back)
        return NGHTTP2_ERR_DEFERRED;
    memcpy(to, k->body.p + k->sent, n);
    k->sent += n;
    if (k->sent == k->body.n && !c->hold_back)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)n;
}

static inline void client_open(struct client *c, const char *bound)
{
    nghttp2_session_callbacks *cb;
    memset(c, 0, sizeof(*c));
    c->timeout = "10S";
    wire_open(&c->wire, bound);
    nghttp2_session_callbacks_new(&cb);
    nghttp2_session_callbacks_set_on_header_callback(cb, on_client_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb,
                                                              on_client_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_client_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_client_close);
    nghttp2_session_client_new(&c->session, cb, c);
    nghttp2_session_callbacks_del(cb);
    nghttp2_submit_settings(c->session, 0, NULL, 0);
}

static inline void client_close(struct client *c)
{
    for (unsigned i = 0; i < c->n; i++)
        buf_fini(&c->calls[i].body);
    nghttp2_session_del(c->session);
    wire_close(&c->wire);
}

/* Says and hears what there is. */
static inline void client_turn(struct client *c)
{
    const uint8_t *p;
    ssize_t n;
    while ((n = nghttp2_session_mem_send(c->session, &p)) > 0)
        if (!wire_send(&c->wire, slice_of(p, (size_t)n)))
            break;
    wire_take(&c->wire);
    if (c->wire.got.n > c->fed)
        nghttp2_session_mem_recv(c->session, (uint8_t *)c->wire.got.p + c->fed,
                                 c->wire.got.n - c->fed);
    c->fed = c->wire.got.n;
}

#define HEADER(n, v)                                                           \
    {                                                                          \
        (uint8_t *)(n), (uint8_t *)(v), strlen(n), strlen(v), 0                \
    }

/* Begins a call; prefix: of the message, NULL for the right one. */
static inline struct call *client_call(struct client *c, const char *path,
                                       const char *encoding, struct slice m,
                                       const char *prefix)
{
    struct call *k = &c->calls[c->n++];
    char right[5] = {encoding[0] != '\0', (char)(m.n >> 24), (char)(m.n >> 16),
                     (char)(m.n >> 8), (char)m.n};
    nghttp2_nv nv[] = {
        HEADER(":method", "POST"),
        HEADER(":scheme", "http"),
        HEADER(":authority", "localhost"),
        HEADER(":path", path),
        HEADER("content-type", "application/grpc"),
        HEADER("te", "trailers"),
        HEADER("grpc-timeout", c->timeout),
        HEADER("grpc-encoding", encoding),
    };
    nghttp2_data_provider provider = {.source.ptr = k,
                                      .read_callback = read_body};
    assert_true(c->n <= CALLS_MAX);
    buf_init(&k->body, 64u << 20);
    buf_append(&k->body, slice_of(prefix ? prefix : right, 5));
    buf_append(&k->body, m);
    nghttp2_submit_request(c->session, NULL, nv, encoding[0] ? 8 : 7, &provider,
                           k);
    return k;
}

static inline bool client_waits(struct client *c, struct call *k)
{
    client_turn(c);
    return k->closed;
}

static inline void client_wait(struct client *c, struct call *k)
{
    if (!wire_until(client_waits(c, k)))
        fail_msg("no answer");
}

#endif
