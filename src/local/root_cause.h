/* SPDX-License-Identifier: Apache-2.0 */
/* Where the faults, the errors and the time of a trace come from; part of its
 * summary. */
#ifndef XR_LOCAL_ROOT_CAUSE_H
#define XR_LOCAL_ROOT_CAUSE_H

#include "trace.h"
#include "xr/json_out.h"

enum root_cause_kind { ROOT_CAUSE_FAULT, ROOT_CAUSE_ERROR, ROOT_CAUSE_TIME };

/* A path from the entry, path[0], to a cause, path[n - 1]; valid during the
 * call. */
typedef void (*root_cause_fn)(void *arg, enum root_cause_kind kind,
                              const struct trace_entity *const *path, size_t n);

/* Tells the causes of one kind, those of a trace without an entry are none. */
void root_causes_each(const struct trace *t, enum root_cause_kind kind,
                      struct arena *a, root_cause_fn fn, void *arg);

/* One of them as it stands in a summary. */
void root_cause_write(struct jw *j, enum root_cause_kind kind,
                      const struct trace_entity *const *path, size_t n);
/* The share that an entity has of its trace's response time. */
double root_cause_coverage(const struct trace_entity *entry,
                           const struct trace_entity *e);

/* The members FaultRootCauses, ErrorRootCauses and ResponseTimeRootCauses. */
void root_causes_write(struct jw *j, const struct trace *t, struct arena *a);

#endif
