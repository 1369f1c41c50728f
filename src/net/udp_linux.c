/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Datagrams on Linux: recvmmsg into a ring of slots, SO_RCVBUFFORCE where the
 * process may, and the socket's drop count by SO_MEMINFO (SO_RXQ_OVFL tells
 * of a drop only with a later datagram, so it misses the tail of a burst).
 */
#if defined(__linux__) && !defined(XR_PORTABLE)

#include <errno.h>
#include <linux/sock_diag.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "udp_os.h"

/* Older C libraries lack the name. */
#ifndef SO_MEMINFO
#define SO_MEMINFO 55
#endif

struct udp_ring {
    struct mmsghdr headers[UDP_BATCH];
    struct iovec slots[UDP_BATCH];
    char *memory;
};

struct udp_ring *udp_ring_new(void)
{
    struct udp_ring *r = calloc(1, sizeof(*r));
    if (r == NULL)
        return NULL;
    size_t size = (size_t)UDP_BATCH * UDP_SLOT_BYTES;
    r->memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (r->memory == MAP_FAILED) {
        free(r);
        return NULL;
    }
    for (int i = 0; i < UDP_BATCH; i++) {
        r->slots[i] = (struct iovec){r->memory + (size_t)i * UDP_SLOT_BYTES,
                                     UDP_SLOT_BYTES};
        r->headers[i].msg_hdr.msg_iov = &r->slots[i];
        r->headers[i].msg_hdr.msg_iovlen = 1;
    }
    return r;
}

void udp_ring_free(struct udp_ring *r)
{
    if (r == NULL)
        return;
    munmap(r->memory, (size_t)UDP_BATCH * UDP_SLOT_BYTES);
    free(r);
}

int udp_ring_receive(struct udp_ring *r, int fd)
{
    int n = recvmmsg(fd, r->headers, UDP_BATCH, MSG_DONTWAIT, NULL);
    if (n >= 0)
        return n;
    return errno == EAGAIN || errno == EINTR || errno == ECONNREFUSED ? 0 : -1;
}

struct slice udp_ring_datagram(const struct udp_ring *r, int i, bool *truncated)
{
    *truncated = (r->headers[i].msg_hdr.msg_flags & MSG_TRUNC) != 0;
    return slice_of(r->slots[i].iov_base, r->headers[i].msg_len);
}

uint64_t udp_os_receive_buffer(int fd, uint64_t bytes)
{
    int ask = bytes > INT32_MAX / 2 ? INT32_MAX / 2 : (int)bytes;
    int granted = 0;
    socklen_t len = sizeof(granted);
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &ask, sizeof(ask)) != 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &ask, sizeof(ask));
    if (getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &granted, &len) != 0)
        return 0;
    return (uint64_t)granted;
}

bool udp_os_drops(int fd, uint64_t *drops)
{
    uint32_t info[SK_MEMINFO_VARS] = {0};
    socklen_t len = sizeof(info);
    if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &len) != 0 ||
        len <= SK_MEMINFO_DROPS * sizeof(info[0]))
        return false;
    *drops = info[SK_MEMINFO_DROPS];
    return true;
}

#endif
