/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Faults on purpose, to see how an SDK or a relay takes them: answers with an
 * error status, late answers, cut connections, datagrams that are dropped.
 * Counted, so that nobody looks for them elsewhere.
 */
#ifndef XR_LOCAL_INJECTOR_H
#define XR_LOCAL_INJECTOR_H

#include "xr/err.h"
#include "xr/http1.h"
#include "xr/json_out.h"

struct injector;

struct injector *injector_new(struct loop *l);
/* Requests that are held back are dropped. NULL is fine. */
void injector_free(struct injector *f);

/* One more: "GetSamplingRules:429:10%", "PutTraceSegments:delay=2s",
 * "GetGroups:cut", "udp:drop=5%". */
bool injector_add(struct injector *f, struct slice text, struct err *err);
/* Replaces all by those of a JSON array of texts, or of an object with the
 * member `faults`; what is wrong leaves them as they are. */
bool injector_replace(struct injector *f, struct slice json, struct err *err);
/* The array of texts; and the array of what each has done. */
void injector_write(const struct injector *f, struct jw *j);
void injector_write_counts(const struct injector *f, struct jw *j);

/* Before a request is handled (http1_before): true if it is held or
 * answered. */
bool injector_on_request(void *f, struct http1_request *r);
/* Whether a datagram is to be dropped. */
bool injector_on_datagram(void *f);

#endif
