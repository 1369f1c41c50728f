/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AWS credentials: an immutable snapshot with a count, and the chain that finds
 * it: environment, shared files, web identity, container endpoints, IMDS;
 * AssumeRole on top for RoleARN.
 */
#ifndef XR_CRED_H
#define XR_CRED_H

#include <stdint.h>

#include "xr/client.h"
#include "xr/err.h"
#include "xr/loop.h"
#include "xr/slice.h"

struct cred {
    int refs;
    struct slice access_key_id, secret_access_key;
    struct slice session_token; /* empty: none */
    int64_t expires_ms;         /* wall clock; 0: never, or unknown */
    int64_t refresh_ms;         /* when the chain asks anew; 0: never */
    const char *source;         /* "environment", "profile NAME", "imds" … */
};

/* One holder more; gives c, NULL for NULL. */
struct cred *cred_ref(struct cred *c);
void cred_unref(struct cred *c); /* NULL is fine; wipes the secret */

struct cred_options {
    const char *region;   /* for STS; NULL: not known yet. Texts are copied */
    const char *role_arn; /* RoleARN, assumed on top of the chain */
    const char *role_session_name, *role_external_id; /* NULL: default */
    bool no_imds;
};

struct cred_chain;

/* cred NULL: none can be had now (err says what was tried and why; it is
 * tried again later by itself). The callee takes a reference if it keeps it. */
typedef void (*cred_fn)(void *arg, struct cred *cred, const struct err *err);

struct cred_chain *cred_chain_new(struct loop *l, struct client *client,
                                  const struct cred_options *o);
/* Drops waiting calls without calling back. NULL is fine. */
void cred_chain_free(struct cred_chain *c);
/* Once the region is known. */
void cred_set_region(struct cred_chain *c, const char *region);
/* Calls fn now if a snapshot is fresh, else when one refresh has ended. One
 * refresh runs at a time, however many wait. */
void cred_get(struct cred_chain *c, cred_fn fn, void *arg);
/* Withdraws all waiting calls with this arg. */
void cred_cancel(struct cred_chain *c, void *arg);
/* The present snapshot without waiting; NULL if there is none. Borrowed. */
struct cred *cred_current(struct cred_chain *c);
/* The service called it expired or invalid: refetch, unless it was replaced
 * meanwhile. */
void cred_invalidate(struct cred_chain *c, const struct cred *bad);

#endif
