/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sampling calls of the SDKs on TCP 2000, signed and passed on,
 * off the span path: an allow-list of operations, the last good answer when
 * the backend fails.
 */
#ifndef XR_PROXY_H
#define XR_PROXY_H

#include "xr/cred.h"
#include "xr/http1.h"
#include "xr/stats.h"

struct proxy;

struct proxy_options {
    bool sign_anything; /* as the Go daemon: any path and method */
    unsigned timeout_ms;
    bool local; /* no backend: answer from built-in rules */
};

struct proxy *proxy_new(struct loop *l, struct client *client,
                        struct cred_chain *cred, struct stats *stats,
                        const struct proxy_options *o);
void proxy_free(struct proxy *p);
/* Region and base URL, once known. */
void proxy_set_endpoint(struct proxy *p, const char *region, const char *base);
/* The routes of the sampling operations, and the catch-all that answers 403
 * (or signs, with sign_anything). Add last. */
void proxy_routes(struct proxy *p, struct http1 *server);

#endif
