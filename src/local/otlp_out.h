/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A trace as OTLP JSON: the way back from segments to spans, so that what is
 * translated again reads the same but for what spans cannot say.
 */
#ifndef XR_LOCAL_OTLP_OUT_H
#define XR_LOCAL_OTLP_OUT_H

#include "trace.h"
#include "xr/json_out.h"

/* The elements of the list resourceSpans, into an array. */
void otlp_out_trace(struct jw *j, const struct trace *t, struct arena *a);
/* One span with its resource and scope beside it. Inferred segments are none.
 */
void otlp_out_span(struct jw *j, const struct trace *t,
                   const struct trace_entity *e, struct arena *a);

#endif
