/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Datagram receiver: many datagrams a wake-up into a ring of slots, a large
 * receive buffer, the kernel's own drops counted, wake-ups coalesced under
 * load. What is Linux-only sits in net/udp_linux.c; net/udp_portable.c is its
 * twin (XR_PORTABLE=1).
 */
#ifndef XR_UDP_H
#define XR_UDP_H

#include <stdint.h>

#include "xr/address.h"
#include "xr/loop.h"
#include "xr/slice.h"

#define UDP_DATAGRAM_MAX 65507 /* largest IPv4 payload; IPv6 65527 */
#define UDP_SLOT_BYTES 65536
#define UDP_BATCH 64 /* datagrams of one recvmmsg */

struct udp;

/* One datagram; the bytes are good until the call returns. truncated: it was
 * longer than a slot. */
typedef void (*udp_fn)(void *arg, struct slice datagram, bool truncated);

struct udp_stats {
    uint64_t datagrams, bytes, wakeups;
    uint64_t kernel_drops;   /* as of the last udp_update_drops */
    uint64_t receive_buffer; /* bytes granted by the kernel */
    uint64_t receive_buffer_asked;
};

struct udp_options {
    const char *address;
    uint64_t receive_buffer; /* bytes to ask for */
    udp_fn fn;
    void *arg;
};

/* Binds and starts to receive. NULL with the reason. */
struct udp *udp_new(struct loop *l, const struct udp_options *o,
                    struct err *err);
/* The address really bound (port 0 resolved). */
const char *udp_bound(const struct udp *u);
/* Reads all that is there now; returns how many datagrams. */
unsigned udp_read_now(struct udp *u);
/* Reads all that is there and closes the socket, so that the system refuses to
 * the sender what comes later; the statistics stay. */
void udp_stop(struct udp *u);
/* Asks the kernel for its drop count (getsockopt SO_MEMINFO). */
void udp_update_drops(struct udp *u);
const struct udp_stats *udp_stats(const struct udp *u);
void udp_free(struct udp *u); /* NULL is fine */

#endif
