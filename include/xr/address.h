/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Listening addresses as the daemon reads them (Go's net.Listen rules):
 * `host:port`, `[v6]:port`, `:port` and wildcards as dual-stack, names and
 * service names resolved, empty text as the caller says.
 */
#ifndef XR_ADDRESS_H
#define XR_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "xr/err.h"

#define ADDRESS_TEXT_MAX 64

struct address {
    struct sockaddr_storage sa;
    socklen_t len;
    bool dual_stack; /* an IPv6 socket that takes IPv4 too */
};

/* socktype: SOCK_DGRAM or SOCK_STREAM. 0, or -1 with the reason in words. */
int address_parse(const char *text, int socktype, struct address *out,
                  struct err *err);
/* "127.0.0.1:2000", "[::1]:2000". */
void address_format(const struct sockaddr *sa, char out[ADDRESS_TEXT_MAX]);
/* Socket bound to the address, non-blocking, close-on-exec; streams listen.
 * The descriptor, or -1 with the reason. */
int address_bind(const struct address *a, int socktype, struct err *err);

#endif
