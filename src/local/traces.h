/* SPDX-License-Identifier: Apache-2.0 */
/* The sink of local mode: documents into the store. */
#ifndef XR_LOCAL_TRACES_H
#define XR_LOCAL_TRACES_H

#include "xr/pipeline.h"
#include "xr/store.h"

struct traces {
    struct sink sink; /* "local" */
    struct store *store;
    bool strict;
    uint64_t refused; /* documents that are none of a trace */
};

/* The store is set once it is open. */
void traces_init(struct traces *t, bool strict);
/* The word of the service for what is wrong with a document, NULL if nothing
 * is; else *out is what the store takes. now: epoch seconds. */
const char *traces_check(const struct segment *seg, bool strict, double now,
                         struct store_document *out);
/* From the store. */
void traces_on_tally(struct traces *t, const struct store_tally *tally);

#endif
