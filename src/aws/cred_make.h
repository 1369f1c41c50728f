/* SPDX-License-Identifier: Apache-2.0 */
/* Making snapshots of texts that were checked. */
#ifndef XR_AWS_CRED_MAKE_H
#define XR_AWS_CRED_MAKE_H

#include "xr/cred.h"

#define CRED_ID_MAX 128
#define CRED_SECRET_MAX 256
#define CRED_TOKEN_MAX (16 << 10)

struct cred_parts {
    struct slice id, secret, token;
    int64_t expires_ms, refresh_ms;
};

/* NULL, with what is wrong but never the text itself, when a part is missing,
 * too long, or could not stand in a header. */
struct cred *cred_make(const struct cred_parts *p, const char *source,
                       struct err *err);

#endif
