/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A listening stream socket that hands out accepted connections, at most so
 * many at a time. For the servers of this folder.
 */
#ifndef XR_NET_ACCEPTOR_H
#define XR_NET_ACCEPTOR_H

#include "xr/address.h"
#include "xr/loop.h"

struct acceptor;

/* The descriptor is the callee's: non-blocking, close-on-exec, no delay. */
typedef void (*acceptor_fn)(void *arg, int fd, const struct sockaddr *peer);

struct acceptor_options {
    const char *address;
    unsigned max; /* connections open at a time, more are closed at once */
    acceptor_fn fn;
    void *arg;
};

/* Binds and listens. NULL with the reason. */
struct acceptor *acceptor_new(struct loop *l, const struct acceptor_options *o,
                              struct err *err);
/* The address really bound (port 0 resolved). */
const char *acceptor_bound(const struct acceptor *a);
/* One connection that was handed out is closed. */
void acceptor_released(struct acceptor *a);
/* Closes the listening socket. */
void acceptor_stop(struct acceptor *a);
void acceptor_free(struct acceptor *a); /* NULL is fine */

#endif
