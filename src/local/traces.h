/* SPDX-License-Identifier: Apache-2.0 */
/* The sink of local mode: documents into the store. */
#ifndef XR_LOCAL_TRACES_H
#define XR_LOCAL_TRACES_H

#include "redact.h"
#include "xr/log.h"
#include "xr/pipeline.h"
#include "xr/store.h"

/* A document was taken. now: epoch seconds. */
typedef void (*traces_taken_fn)(void *arg, struct slice document, double now);

struct traces {
    struct sink sink; /* "local" */
    struct store *store;
    bool strict;
    struct redact redact;
    struct buf redacted;
    traces_taken_fn taken; /* may be NULL */
    void *taken_arg;
    struct log_limit beyond; /* documents beyond a trace's ceilings */
};

/* The store is set once it is open. */
void traces_init(struct traces *t, bool strict, traces_taken_fn taken,
                 void *arg);
void traces_fini(struct traces *t);
/* A document that comes from elsewhere than the pipeline; NULL, or the word of
 * the service for what is wrong with it. */
const char *traces_take(struct traces *t, struct slice document,
                        struct err *err);
/* From the store. */
void traces_on_tally(struct traces *t, const struct store_tally *tally);

#endif
