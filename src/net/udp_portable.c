/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Datagrams on any POSIX system: one recvmsg a datagram, a receive buffer as
 * large as is granted, no count of the kernel's drops. The twin of
 * udp_linux.c; XR_PORTABLE=1 builds it on Linux too, so that it is tested.
 */
#if !defined(__linux__) || defined(XR_PORTABLE)

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "udp_os.h"

#define RECEIVE_BUFFER_MIN (64u << 10)

struct udp_ring {
    struct {
        size_t n;
        bool truncated;
        char *bytes;
    } slots[UDP_BATCH];
    char *memory;
};

struct udp_ring *udp_ring_new(void)
{
    struct udp_ring *r = calloc(1, sizeof(*r));
    if (r == NULL)
        return NULL;
    r->memory = malloc((size_t)UDP_BATCH * UDP_SLOT_BYTES);
    if (r->memory == NULL) {
        free(r);
        return NULL;
    }
    for (int i = 0; i < UDP_BATCH; i++)
        r->slots[i].bytes = r->memory + (size_t)i * UDP_SLOT_BYTES;
    return r;
}

void udp_ring_free(struct udp_ring *r)
{
    if (r == NULL)
        return;
    free(r->memory);
    free(r);
}

int udp_ring_receive(struct udp_ring *r, int fd)
{
    for (int i = 0; i < UDP_BATCH; i++) {
        struct iovec part = {r->slots[i].bytes, UDP_SLOT_BYTES};
        struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1};
        ssize_t n = recvmsg(fd, &m, 0);
        if (n < 0) {
            if (i > 0 || errno == EAGAIN || errno == EINTR ||
                errno == ECONNREFUSED)
                return i;
            return -1;
        }
        r->slots[i].n = (size_t)n;
        r->slots[i].truncated = (m.msg_flags & MSG_TRUNC) != 0;
    }
    return UDP_BATCH;
}

struct slice udp_ring_datagram(const struct udp_ring *r, int i, bool *truncated)
{
    *truncated = r->slots[i].truncated;
    return slice_of(r->slots[i].bytes, r->slots[i].n);
}

/* Halves the wish until the system grants it. */
uint64_t udp_os_receive_buffer(int fd, uint64_t bytes)
{
    int granted = 0;
    socklen_t len = sizeof(granted);
    for (; bytes >= RECEIVE_BUFFER_MIN; bytes /= 2) {
        int ask = bytes > INT32_MAX / 2 ? INT32_MAX / 2 : (int)bytes;
        if (setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &ask, sizeof(ask)) == 0)
            break;
    }
    if (getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &granted, &len) != 0)
        return 0;
    return (uint64_t)granted;
}

bool udp_os_drops(int fd, uint64_t *drops)
{
    (void)fd;
    (void)drops;
    return false;
}

#endif
