/* SPDX-License-Identifier: Apache-2.0 */
/* The rows by which the store finds a trace. */
#ifndef XR_LOCAL_INDEX_H
#define XR_LOCAL_INDEX_H

#include "xr/store.h"

/* A store_index_fn. Worker. */
bool index_trace(void *arg, const struct store_trace *t, struct arena *a,
                 struct store_row *out);

#endif
