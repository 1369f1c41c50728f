/* SPDX-License-Identifier: Apache-2.0 */
/* What the answer to an upload means, and how long to wait before the next
 * attempt. Pure; private to sink/. */
#ifndef XR_SINK_RETRY_H
#define XR_SINK_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "xr/client.h"
#include "xr/slice.h"

/* A server that asks for more is not believed. */
#define RETRY_AFTER_MAX_MS 60000
/* Between attempts that only a person's work can make succeed. */
#define RETRY_DENIED_MAX_MS 30000
/* While draining. */
#define RETRY_DRAIN_MAX_MS 250

enum retry_class {
    RETRY_OK,
    RETRY_AGAIN,       /* the same again, later */
    RETRY_THROTTLED,   /* likewise; the service asks for less */
    RETRY_CREDENTIALS, /* expired or unknown keys: fetch them anew */
    RETRY_SKEW,        /* perhaps the clock: look at the Date header */
    RETRY_DENIED,      /* no permission or wrong address: may be mended */
    RETRY_REFUSED,     /* the documents are at fault */
};

/* code: as retry_code gave it; empty if there was none. */
enum retry_class retry_classify(enum client_outcome outcome, int status,
                                struct slice code);
/* The bare code in an error type: "com.x#FooException:http://..." is
 * "FooException". */
struct slice retry_code(struct slice type);
/* The class of a document's own code in an otherwise good answer. */
enum retry_class retry_classify_document(struct slice code);

/* Full jitter: anything from 0 to base * 2^attempt, at most cap_ms. attempt
 * counts from 1. */
int64_t retry_backoff_ms(unsigned attempt, unsigned cap_ms, uint32_t random);
/* The same from another base. */
int64_t retry_backoff_from_ms(unsigned base_ms, unsigned attempt,
                              unsigned cap_ms, uint32_t random);
/* For RETRY_DENIED: long, with half of it jitter. */
int64_t retry_denied_ms(unsigned attempt, uint32_t random);
/* The wait after an answer: the backoff, or longer if a Retry-After header asks
 * for that; while draining not for long. */
int64_t retry_wait_ms(int64_t backoff_ms, const struct client_answer *a,
                      int64_t now_ms, bool draining);

#endif
