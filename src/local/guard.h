/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may ask what over HTTP in local mode: which Host, which Origin, which
 * token. Answers what it refuses.
 */
#ifndef XR_LOCAL_GUARD_H
#define XR_LOCAL_GUARD_H

#include "xr/http1.h"

#define GUARD_COOKIE "xray_relay_token"

struct guard {
    const char *const *allow_hosts; /* names that --allow-host gives */
    size_t n_allow_hosts;
    unsigned port;              /* ours; a Host with another is not */
    const char *token;          /* asked for in place of the Host; NULL: none */
    const char *const *origins; /* whose pages may ask too; "*": all */
    size_t n_origins;
};

enum guard_kind {
    GUARD_OPEN,   /* ingest and sampler calls: Origin only, with a token */
    GUARD_READ,   /* page, reading, the query API */
    GUARD_CHANGE, /* state-changing /api: not without a preflight */
};

/* False: it has been answered, 401, 403, 415 or 421, and r is gone. */
bool guard_passes(const struct guard *g, struct http1_request *r,
                  enum guard_kind kind);
/* Whether the token in a query (`/?token=`) is the one. */
bool guard_knows(const struct guard *g, struct slice token);

#endif
