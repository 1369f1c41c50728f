/* SPDX-License-Identifier: Apache-2.0 */
/* For unit tests: OTLP requests written by hand, and a sink that counts. */
#ifndef XR_TEST_OTLP_MAKE_H
#define XR_TEST_OTLP_MAKE_H

#include <zlib.h>

#include "xr/buf.h"
#include "xr/pipeline.h"

static inline void make_varint(struct buf *b, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        buf_byte(b, (char)(v | 0x80));
    buf_byte(b, (char)v);
}

static inline void make_bytes(struct buf *b, unsigned field, struct slice s)
{
    make_varint(b, field << 3 | 2);
    make_varint(b, s.n);
    buf_append(b, s);
}

static inline void make_fixed64(struct buf *b, unsigned field, uint64_t v)
{
    make_varint(b, field << 3 | 1);
    for (int i = 0; i < 8; i++)
        buf_byte(b, (char)(v >> 8 * i));
}

/* A request of n spans; the first `bad` have no span id. name: of each. */
static inline void make_request(struct buf *out, unsigned n, unsigned bad,
                                struct slice name)
{
    struct buf scope, resource, span;
    buf_init(&scope, 64u << 20);
    buf_init(&resource, 64u << 20);
    buf_init(&span, 1 << 20);
    for (unsigned i = 0; i < n; i++) {
        char trace[16] = "trace-id-0123456", id[8];
        buf_clear(&span);
        for (int k = 0; k < 8; k++)
            id[k] = (char)('a' + (i >> 4 * k & 15));
        make_bytes(&span, 1, slice_of(trace, 16));
        if (i >= bad)
            make_bytes(&span, 2, slice_of(id, 8));
        make_bytes(&span, 5, name);
        make_varint(&span, 6 << 3);
        make_varint(&span, 2);
        make_fixed64(&span, 7, 1700000000000000000);
        make_fixed64(&span, 8, 1700000001000000000);
        /* attributes: key "k", value string "v" */
        make_bytes(&span, 9, SLICE("\x0a\x01k\x12\x03\x0a\x01v"));
        make_bytes(&scope, 2, buf_slice(&span));
    }
    make_bytes(&resource, 2, buf_slice(&scope));
    make_bytes(out, 1, buf_slice(&resource));
    buf_fini(&scope);
    buf_fini(&resource);
    buf_fini(&span);
}

/* The same in JSON. */
static inline void make_json(struct buf *out, unsigned n)
{
    buf_str(out, "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[");
    for (unsigned i = 0; i < n; i++)
        buf_printf(out,
                   "%s{\"traceId\":\"5b8efff798038103d269b633813fc60c\","
                   "\"spanId\":\"%016x\",\"name\":\"work\",\"kind\":2,"
                   "\"attributes\":[{\"key\":\"k\",\"value\":{"
                   "\"stringValue\":\"v\"}}],"
                   "\"startTimeUnixNano\":\"1700000000000000000\","
                   "\"endTimeUnixNano\":\"1700000001000000000\"}",
                   i ? "," : "", i + 1);
    buf_str(out, "]}]}]}");
}

/* window: 31 gzip, 15 zlib, -15 bare deflate. */
static inline void make_packed(struct buf *out, struct slice in, int window)
{
    z_stream z = {0};
    deflateInit2(&z, 6, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY);
    size_t room = deflateBound(&z, in.n) + 64;
    z.next_out = (Bytef *)buf_reserve(out, room);
    z.avail_out = (uInt)room;
    z.next_in = (Bytef *)in.p;
    z.avail_in = (uInt)in.n;
    deflate(&z, Z_FINISH);
    out->n += z.total_out;
    deflateEnd(&z);
}

/* A sink that takes `room` documents. */
struct count_sink {
    struct sink sink;
    uint64_t room, taken;
    bool has_room, busy, holds;
};

static inline enum push_result count_push(struct sink *s,
                                          const struct segment *seg,
                                          enum push_when_full when,
                                          struct err *err)
{
    struct count_sink *c = (struct count_sink *)s;
    (void)when;
    if (slice_is(seg->name, "refuse me")) {
        err_set(err, "refused by the sink");
        return PUSH_INVALID;
    }
    if (c->taken >= c->room)
        return PUSH_FULL;
    c->taken++;
    return PUSH_ACCEPTED;
}

static inline bool count_has_room(struct sink *s, size_t bytes)
{
    (void)bytes;
    return ((struct count_sink *)s)->has_room;
}

static inline bool count_busy(struct sink *s)
{
    return ((struct count_sink *)s)->busy;
}

static inline uint64_t count_pending(struct sink *s)
{
    return ((struct count_sink *)s)->holds;
}

static inline void count_sink_init(struct count_sink *c)
{
    *c = (struct count_sink){.room = UINT64_MAX, .has_room = true};
    c->sink = (struct sink){.name = "count",
                            .push = count_push,
                            .has_room = count_has_room,
                            .busy = count_busy,
                            .pending = count_pending};
}

#endif
