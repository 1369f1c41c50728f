/* SPDX-License-Identifier: Apache-2.0 */
/* Answers given without the backend. */
#ifndef XR_PROXY_ANSWERS_H
#define XR_PROXY_ANSWERS_H

#include "xr/buf.h"
#include "xr/http1.h"

/* The operations that are signed by default. */
enum operation {
    OP_SAMPLING_RULES,
    OP_SAMPLING_TARGETS,
    OP_SAMPLING_STATISTICS,
    OP_TELEMETRY,
    OP_OTHER, /* only with sign_anything */
};
#define OPERATIONS OP_OTHER

/* "/GetSamplingRules", the path and the name. */
const char *operation_path(enum operation op);
/* An answer that the SDKs can read and that says nothing; NULL for OTHER. */
const char *operation_empty(enum operation op);

/* Answers from built-in rules that sample everything, for local mode. -1: the
 * request can't be read (err). */
int operation_local(enum operation op, struct slice body, int64_t now_s,
                    struct buf *out, struct err *err);

#define KEPT_ANSWERS 8             /* different requests */
#define KEPT_ANSWER_MAX (2u << 20) /* bytes of one */

struct kept_answer {
    char *key;
    size_t key_n;
    char *body;
    size_t body_n;
    char type[96], encoding[32];
};

/* Last good answers, one per request (pages differ by their request). */
struct kept_answers {
    struct kept_answer rows[KEPT_ANSWERS];
    unsigned next; /* the row to give up when all are in use */
};

void kept_answers_put(struct kept_answers *k, struct slice key,
                      struct slice body, struct slice type,
                      struct slice encoding);
const struct kept_answer *kept_answers_get(const struct kept_answers *k,
                                           struct slice key);
void kept_answers_fini(struct kept_answers *k);

#endif
