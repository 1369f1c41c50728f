/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decoders of an OTLP ExportTraceServiceRequest, protobuf and JSON, with one
 * saved cursor, so that a large body can be decoded in slices between loop
 * turns. Spans are views into the body and the arena.
 */
#ifndef XR_OTLP_H
#define XR_OTLP_H

#include <stdint.h>

#include "xr/arena.h"
#include "xr/err.h"
#include "xr/json_scan.h"
#include "xr/pb.h"
#include "xr/span.h"

/* Ceilings. Items of one list (attributes of one place, events, links): SDKs
 * keep 128 of each unless told otherwise, and 4096 are more than a document of
 * 64 KB holds. Those behind are passed over and counted. Deeper values and
 * longer strings (bytes) make a span OTLP_SPAN_LARGE. */
#define OTLP_ITEMS_MAX 4096
#define OTLP_VALUE_DEPTH_MAX 32
#define OTLP_STRING_MAX (4u << 20)

enum otlp_encoding { OTLP_PROTOBUF, OTLP_JSON };

struct otlp_decoder;

enum otlp_result {
    OTLP_LARGE = -2, /* as BAD, for a ceiling; no later span can be read */
    OTLP_BAD = -1,   /* malformed */
    OTLP_END = 0,
    OTLP_MORE = 1,
    OTLP_SPAN_LARGE = 2, /* one span was passed over for a ceiling; go on */
};

/* Called for each span; the span and all behind it are good until the next
 * call of otlp_decode. False stops the decoding (the caller is full). */
typedef bool (*otlp_span_fn)(void *arg, const struct span *span);

/* body and arena are borrowed for the life of the decoder. Resource and scope
 * views live in the arena; span views in memory that is re-used per span. */
struct otlp_decoder *otlp_decoder_new(enum otlp_encoding encoding,
                                      struct slice body, struct arena *arena);
void otlp_decoder_free(struct otlp_decoder *d);
/* Decodes at most max_spans further spans. Unless it says END or MORE, err
 * tells where (byte offset for protobuf, path and offset for JSON). Spans
 * before a fault were delivered. A span whose own fields are of a wrong length
 * (ids) is delivered with zero ids, not an error. */
enum otlp_result otlp_decode(struct otlp_decoder *d, unsigned max_spans,
                             otlp_span_fn fn, void *arg, struct err *err);
/* Attributes, events and links passed over so far, beyond OTLP_ITEMS_MAX. A
 * span's own are in its dropped_* counts too. */
uint64_t otlp_decoder_left_out(const struct otlp_decoder *d);
/* Found out by content: JSON begins with `{` behind white space. An empty body
 * is protobuf (a request without spans). */
enum otlp_encoding otlp_encoding_guess(struct slice body);

#endif
