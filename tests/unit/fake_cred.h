/* SPDX-License-Identifier: Apache-2.0 */
/* Counting of credentials for tests that play the chain: nothing is freed. */
#ifndef XR_TEST_FAKE_CRED_H
#define XR_TEST_FAKE_CRED_H

#include "xr/cred.h"

struct cred *cred_ref(struct cred *c)
{
    c->refs++;
    return c;
}

void cred_unref(struct cred *c)
{
    if (c)
        c->refs--;
}

#endif
