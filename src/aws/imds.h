/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads from the EC2 instance metadata service: a session token first (v2),
 * without one (v1) where the token is refused.
 */
#ifndef XR_AWS_IMDS_H
#define XR_AWS_IMDS_H

#include "fetch.h"

#define IMDS_PATH_MAX 512
#define IMDS_TOKEN_MAX 1024

struct imds {
    struct fetch fetch;
    char token[IMDS_TOKEN_MAX];
    struct slice token_text;
    bool asked;      /* whether a token was asked for */
    bool unanswered; /* connected, but the token request got no answer */
    bool renewed;
    char url[IMDS_PATH_MAX + 256];
    struct client_header headers[2];
    const char *path;
    /* status 200, or a reason; anything else was dealt with. status is that of
     * the answer, 0 if there was none. */
    void (*fn)(void *arg, struct slice body, int status, const char *why);
    void *arg;
};

/* Why IMDS is not to be asked at all; NULL: ask. */
const char *imds_disabled(void);
void imds_init(struct imds *m, struct loop *l, struct client *c, void *arg);
/* Reads one path; may be called again from within fn. path must live until
 * then. why is NULL on success. fn may call imds_fini. */
void imds_get(struct imds *m, const char *path,
              void (*fn)(void *arg, struct slice body, int status,
                         const char *why));
void imds_fini(struct imds *m);

#endif
