/* SPDX-License-Identifier: Apache-2.0 */
/* Where the faults, the errors and the time of a trace come from (spec: local
 * §3.1); part of its summary. */
#ifndef XR_LOCAL_ROOT_CAUSE_H
#define XR_LOCAL_ROOT_CAUSE_H

#include "trace.h"
#include "xr/json_out.h"

/* The members FaultRootCauses, ErrorRootCauses and ResponseTimeRootCauses. */
void root_causes_write(struct jw *j, const struct trace *t, struct arena *a);

#endif
