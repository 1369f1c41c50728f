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

/* Ceilings (issue: nesting, attributes, string lengths). */
#define OTLP_VALUE_DEPTH_MAX 32
#define OTLP_ATTRIBUTES_MAX 4096 /* of one span, event, link, resource */
#define OTLP_STRING_MAX (4u << 20)

enum otlp_encoding { OTLP_PROTOBUF, OTLP_JSON };

struct otlp_decoder;

/* Called for each span; the span and all behind it are good until the call
 * returns. False stops the decoding (the caller is full). */
typedef bool (*otlp_span_fn)(void *arg, const struct span *span);

/* body and arena are borrowed for the life of the decoder. Resource and scope
 * views live in the arena; span views in memory that is re-used per span. */
struct otlp_decoder *otlp_decoder_new(enum otlp_encoding encoding,
                                      struct slice body, struct arena *arena);
void otlp_decoder_free(struct otlp_decoder *d);
/* Decodes at most max_spans further spans. 1: more to come; 0: the end; -1:
 * malformed (err: byte offset for protobuf, path and offset for JSON) or a
 * ceiling. Spans before a fault were delivered. A span whose own fields are of
 * a wrong length (ids) is delivered with zero ids, not an error. */
int otlp_decode(struct otlp_decoder *d, unsigned max_spans, otlp_span_fn fn,
                void *arg, struct err *err);
/* Found out by content: JSON begins with `{` behind white space. An empty body
 * is protobuf (a request without spans). */
enum otlp_encoding otlp_encoding_guess(struct slice body);

#endif
