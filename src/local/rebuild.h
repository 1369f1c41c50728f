/* SPDX-License-Identifier: Apache-2.0 */
/* Segments of a trace as documents, as BatchGetTraces gives them. */
#ifndef XR_LOCAL_REBUILD_H
#define XR_LOCAL_REBUILD_H

#include "trace.h"
#include "xr/buf.h"

/* Appends the document of a segment or of an orphan subsegment: as it came,
 * if no subsegment came apart from it; else with those put into it. An
 * inferred one is made up. */
void rebuild_document(const struct trace *t, const struct trace_entity *e,
                      struct buf *out);

#endif
