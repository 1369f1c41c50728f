/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What OTLP over HTTP and over gRPC have in common: a body is unpacked,
 * decoded, translated and pushed, in slices between which the loop turns.
 */
#ifndef XR_INPUT_OTLP_TAKE_H
#define XR_INPUT_OTLP_TAKE_H

#include "xr/inflate.h"
#include "xr/loop.h"
#include "xr/otlp.h"
#include "xr/pipeline.h"
#include "xr/translate.h"

enum otlp_verdict {
    OTLP_TAKEN,     /* what was not rejected is taken */
    OTLP_RETRY,     /* full: the whole is to be sent again later */
    OTLP_MALFORMED, /* nothing to be sent again */
    OTLP_TOO_LARGE, /* once unpacked */
};

struct otlp_outcome {
    enum otlp_verdict verdict;
    uint64_t accepted, rejected; /* spans */
    const char *message;         /* "": nothing to say */
};

/* Called once. */
typedef void (*otlp_done_fn)(void *arg, const struct otlp_outcome *o);

struct otlp_taker_options {
    const char *intake;      /* name in the ledger */
    size_t body_max;         /* bytes, unpacked */
    bool never_retry;        /* when full, reject what does not fit (lambda) */
    void (*on_busy)(void *); /* reading should rest until there is relief */
    void *arg;
};

struct otlp_taker;
struct otlp_job;

struct otlp_body {
    enum otlp_encoding encoding;
    enum coding coding;
    struct slice bytes; /* borrowed until done or cancelled */
};

struct otlp_taker *otlp_taker_new(struct loop *l, struct pipeline *p,
                                  struct translator *t,
                                  const struct otlp_taker_options *o);
void otlp_taker_free(struct otlp_taker *t);
struct intake *otlp_taker_intake(struct otlp_taker *t);
/* Counts an item that did not get as far as a job. */
void otlp_taker_reject(struct otlp_taker *t, enum reject_reason reason,
                       const char *why);
/* Takes a body. Small ones are done before this returns: fn was called then,
 * and NULL is returned. */
struct otlp_job *otlp_take(struct otlp_taker *t, const struct otlp_body *body,
                           otlp_done_fn fn, void *arg);
/* Stops the job, without calling back. Spans taken so far stay taken. */
void otlp_job_cancel(struct otlp_job *j);

#endif
