/* SPDX-License-Identifier: Apache-2.0 */
/* One look through the chain, from the families to a snapshot. */
#ifndef XR_AWS_CRED_FIND_H
#define XR_AWS_CRED_FIND_H

#include "cred_job.h"

struct cred_find {
    struct cred_plan plan;
    struct cred_job job;
    size_t step;
    bool running;
    struct cred_options options; /* texts owned by the caller */
    struct err tried;            /* families passed over, and why */
    const char *family;
    char source[256];
    /* c is handed over; NULL with the reason. */
    void (*fn)(void *arg, struct cred *c, const struct err *err);
    void *arg;
};

void cred_find_init(struct cred_find *f, struct loop *l, struct client *c);
/* fn is called once, perhaps before this returns. */
void cred_find_start(struct cred_find *f, const struct cred_options *o,
                     void (*fn)(void *arg, struct cred *c,
                                const struct err *err),
                     void *arg);
/* Ends it without calling back. */
void cred_find_stop(struct cred_find *f);
/* Whether a file that the last plan was made of has changed since. */
bool cred_find_stale(const struct cred_find *f);

#endif
