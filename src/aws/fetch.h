/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One small HTTP exchange of this folder, repeated a few times when the fault
 * is likely to pass.
 */
#ifndef XR_AWS_FETCH_H
#define XR_AWS_FETCH_H

#include "xr/client.h"
#include "xr/loop.h"

typedef void (*fetch_fn)(void *arg, const struct client_answer *a);

struct fetch {
    struct loop *loop;
    struct client *client;
    struct client_call *call;
    struct timer *pause;
    /* All that the request points to must live until the end. */
    struct client_request request;
    unsigned tries_left, tried;
    bool patient; /* repeats after no connection and no answer, too */
    fetch_fn fn;
    void *arg;
};

void fetch_init(struct fetch *f, struct loop *l, struct client *c, void *arg);
/* fn is called once, perhaps before this returns, and may free f. */
void fetch_start(struct fetch *f, const struct client_request *r,
                 unsigned tries, fetch_fn fn);
void fetch_fini(struct fetch *f);
/* What went wrong, for a message: "answered 403 (AccessDenied: no)". */
void fetch_say(const struct client_answer *a, char out[384]);
/* The token as a header value: blanks at the ends taken off; false when there
 * are others or control characters in it, or nothing. */
bool fetch_token_ok(struct slice *token);

#endif
