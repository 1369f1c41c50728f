/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes spans as one OTLP trace request in protobuf, for requests that can't
 * be passed on as they came. Private to input/.
 */
#ifndef XR_INPUT_OTLP_ENCODE_H
#define XR_INPUT_OTLP_ENCODE_H

#include "xr/buf.h"
#include "xr/span.h"

struct otlp_encoder {
    struct buf out;
    uint64_t spans;
    /* What is open, by the pointers of the request that was read. */
    const struct resource *resource;
    const struct scope *scope;
    size_t resource_at, scope_at;
};

/* max: bytes of the request. */
void otlp_encoder_init(struct otlp_encoder *e, size_t max);
void otlp_encoder_fini(struct otlp_encoder *e);
/* Empties it for the next request. */
void otlp_encoder_begin(struct otlp_encoder *e);
/* s: the span to be written. of: the resource of the span that was read, by
 * which those that belong together are known (s may have a changed copy in
 * memory that is used again). */
void otlp_encode_span(struct otlp_encoder *e, const struct span *s,
                      const struct resource *of);
/* The whole; not to be used if e->out.failed. */
struct slice otlp_encoder_end(struct otlp_encoder *e);
/* OTLP calls a span without them invalid. */
static inline bool otlp_has_ids(const struct span *s)
{
    static const uint8_t none[sizeof(s->trace_id)];
    return memcmp(s->trace_id, none, sizeof(s->trace_id)) != 0 &&
           memcmp(s->span_id, none, sizeof(s->span_id)) != 0;
}

#endif
