/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection to the runtime API on the loop, with one exchange at a time and
 * no time-out: an answer may take hours, frozen in between. Private to
 * lambda/.
 */
#ifndef XR_LAMBDA_CALL_H
#define XR_LAMBDA_CALL_H

#include "http.h"
#include "xr/address.h"
#include "xr/loop.h"

struct call;

/* answer NULL: there is none, why says it. Good until it returns. */
typedef void (*call_fn)(void *arg, const struct lambda_answer *answer,
                        const char *why);

struct call *call_new(struct loop *l, const struct address *to);
void call_free(struct call *c); /* NULL is fine */
/* Sends as much as goes without waiting; fn is called once, in a later turn.
 * Nothing may be under way. */
void call_send(struct call *c, const struct lambda_request *r, call_fn fn,
               void *arg);
/* The descriptor on which the answer is awaited; -1. */
int call_fd(const struct call *c);

#endif
