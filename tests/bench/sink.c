/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The limit for receiving: recvmmsg in a loop and nothing else. Binds a port
 * of 127.0.0.1, runs until a second has passed without a datagram, and prints
 * count and CPU time per datagram as JSON.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>

#define SLOTS 64
#define SLOT_BYTES 65536

static double cpu_seconds(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

int main(int argc, char **argv)
{
    static struct mmsghdr headers[SLOTS];
    static struct iovec slots[SLOTS];
    int port = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 2000;
    int buffer = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 4 << 20;
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval quiet = {.tv_sec = 1};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    char *memory = calloc(SLOTS, SLOT_BYTES);
    for (int i = 0; i < SLOTS; i++) {
        slots[i] = (struct iovec){memory + (size_t)i * SLOT_BYTES, SLOT_BYTES};
        headers[i].msg_hdr.msg_iov = &slots[i];
        headers[i].msg_hdr.msg_iovlen = 1;
    }
    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer));
    if (memory == NULL || bind(fd, (struct sockaddr *)&a, sizeof(a)) != 0)
        return 1;
    puts("listening");
    fflush(stdout);
    long long total = 0, calls = 0;
    double start = 0;
    int n = recvmmsg(fd, headers, 1, MSG_WAITFORONE, NULL); /* the first */
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &quiet, sizeof(quiet));
    for (start = cpu_seconds(); n > 0; calls++) {
        total += n;
        n = recvmmsg(fd, headers, SLOTS, MSG_WAITFORONE, NULL);
    }
    double cpu = cpu_seconds() - start;
    printf("{\"datagrams\":%lld,\"calls\":%lld,\"cpu_us\":%.3f}\n", total,
           calls, cpu * 1e6 / (double)total);
    return 0;
}
