/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of receiving datagrams differs between systems: udp_linux.c, and
 * udp_portable.c as its twin. No other file of net/ has a Linux-only call for
 * datagrams.
 */
#ifndef XR_NET_UDP_OS_H
#define XR_NET_UDP_OS_H

#include <stdint.h>

#include "xr/udp.h"

struct udp_ring;

/* Memory for UDP_BATCH datagrams; pages are touched as they are used. NULL
 * when there is none. */
struct udp_ring *udp_ring_new(void);
void udp_ring_free(struct udp_ring *r);
/* Receives what is there, at most UDP_BATCH datagrams. The count, 0 when
 * nothing is there, -1 with errno. */
int udp_ring_receive(struct udp_ring *r, int fd);
/* The i-th of the datagrams received last. */
struct slice udp_ring_datagram(const struct udp_ring *r, int i,
                               bool *truncated);

/* Asks for a receive buffer; returns what was granted, bytes. */
uint64_t udp_os_receive_buffer(int fd, uint64_t bytes);
/* Datagrams that the kernel has dropped at this socket so far; false where
 * the system does not tell. */
bool udp_os_drops(int fd, uint64_t *drops);

#endif
