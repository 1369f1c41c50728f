/* SPDX-License-Identifier: Apache-2.0 */
/* How callees that report nothing are named; part of trace_assemble. */
#ifndef XR_LOCAL_INFER_H
#define XR_LOCAL_INFER_H

#include "trace.h"

/* Whether a subsegment calls something that ought to be on the map. */
bool infer_wanted(const struct trace_entity *e);
/* Turns a copy of the calling subsegment into the callee's name and origin. */
void infer_name(struct trace_entity *e, struct arena *a);
/* Whether a subsegment hands over a message: who gets it answers to nobody. */
bool infer_is_message(const struct trace_entity *e);
/* The type of a segment's node: origin, or that of an inferred one. */
struct slice infer_type(const struct trace_entity *segment);
/* A hash of text without regard to the case of letters. */
uint64_t infer_hash(struct slice text);

#endif
