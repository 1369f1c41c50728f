/* SPDX-License-Identifier: Apache-2.0 */
/* A client's request as it goes upstream, and the answer as it goes back. */
#ifndef XR_PROXY_FORWARD_H
#define XR_PROXY_FORWARD_H

#include "xr/buf.h"
#include "xr/client.h"
#include "xr/cred.h"
#include "xr/http1.h"

#define FORWARD_HEADERS_MAX 136 /* a client's 128 and ours */
#define FORWARD_TEXT_MAX (4u << 20)

/* Where requests go and in whose name. */
struct forward_to {
    struct slice base; /* URL without a final slash */
    struct slice region;
    const struct cred *cred;
    int64_t now_s;
};

struct forward {
    struct client_header headers[FORWARD_HEADERS_MAX];
    size_t n;
    struct buf text; /* URL, and the values that are made here */
    struct buf authorization;
    const char *method, *url;
};

void forward_init(struct forward *f);
/* Lays out and signs the request. path: to put behind the base; NULL: the
 * client's own. -1: it can't be sent (err). */
int forward_build(struct forward *f, const struct http1_request *r,
                  const char *path, const struct forward_to *to,
                  struct err *err);
void forward_fini(struct forward *f);

/* Adds the headers of an answer that pass on to the client. */
void forward_answer_headers(struct http1_request *r,
                            const struct client_answer *a);

#endif
