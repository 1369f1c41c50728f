/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fast stand-in for the X-Ray endpoint: fake PORT. Takes POST requests with
 * a Content-Length, counts documents by the second half of their trace ids (a
 * bit each, modulo 2^26) and answers 200 with nothing unprocessed. GET /stats
 * gives the counts, GET /reset clears them.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define CLIENTS_MAX 1024
#define REQUEST_MAX (8u << 20)
#define IDS (1u << 26)
#define MARK "\\\"trace_id\\\":\\\"1-"
#define FIRST_HALF 17 /* 8 digits, a dash, 8 digits; the number follows */
#define NUMBER 16

struct client {
    char *bytes;
    size_t n;
};

static struct client clients[CLIENTS_MAX];
static unsigned char seen[IDS / 8];
static long long documents, distinct, requests;

static void count_documents(const char *p, const char *end)
{
    while ((p = memmem(p, (size_t)(end - p), MARK, sizeof(MARK) - 1))) {
        p += sizeof(MARK) - 1;
        if (end - p < FIRST_HALF + NUMBER)
            return;
        unsigned id = (unsigned)(strtoull(p + FIRST_HALF, NULL, 16) % IDS);
        documents++;
        distinct += !(seen[id / 8] >> (id % 8) & 1);
        seen[id / 8] = (unsigned char)(seen[id / 8] | 1 << (id % 8));
    }
}

static void answer(int fd, const char *body)
{
    char text[512];
    int n = snprintf(text, sizeof(text),
                     "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                     "Content-Length: %zu\r\n\r\n%s",
                     strlen(body), body);
    if (write(fd, text, (size_t)n) != n)
        close(fd);
}

static void handle(int fd, const char *head, const char *body, size_t n)
{
    char text[200];
    if (strncmp(head, "GET /stats", 10) == 0) {
        snprintf(text, sizeof(text),
                 "{\"documents\":%lld,\"distinct\":%lld,\"requests\":%lld}",
                 documents, distinct, requests);
        answer(fd, text);
    } else if (strncmp(head, "GET /reset", 10) == 0) {
        documents = distinct = requests = 0;
        memset(seen, 0, sizeof(seen));
        answer(fd, "{}");
    } else {
        requests++;
        count_documents(body, body + n);
        answer(fd, "{\"UnprocessedTraceSegments\":[]}");
    }
}

/* Length of the body that the head announces. */
static size_t body_length(const char *head)
{
    for (const char *p = head; (p = strchr(p, '\n')) != NULL; p++)
        if (strncasecmp(p + 1, "content-length:", 15) == 0)
            return (size_t)strtoul(p + 16, NULL, 10);
    return 0;
}

/* Handles the whole requests that the client's bytes hold. */
static void consume(int fd, struct client *c)
{
    size_t at = 0;
    c->bytes[c->n] = '\0';
    for (;;) {
        char *end = memmem(c->bytes + at, c->n - at, "\r\n\r\n", 4);
        if (end == NULL)
            break;
        *end = '\0';
        size_t need = body_length(c->bytes + at);
        char *body = end + 4;
        if ((size_t)(c->bytes + c->n - body) < need) {
            *end = '\r';
            break;
        }
        handle(fd, c->bytes + at, body, need);
        at = (size_t)(body - c->bytes) + need;
    }
    memmove(c->bytes, c->bytes + at, c->n - at);
    c->n -= at;
}

static void readable(int fd)
{
    struct client *c = &clients[fd];
    if (c->bytes == NULL)
        c->bytes = malloc(REQUEST_MAX + 1);
    ssize_t n = read(fd, c->bytes + c->n, REQUEST_MAX - c->n);
    if (n <= 0) {
        close(fd);
        c->n = 0;
        return;
    }
    c->n += (size_t)n;
    consume(fd, c);
}

int main(int argc, char **argv)
{
    struct sockaddr_in a = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)strtol(argv[argc - 1], NULL, 10)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int l = socket(AF_INET, SOCK_STREAM, 0), on = 1, ep = epoll_create1(0);
    setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(l, (struct sockaddr *)&a, sizeof(a)) != 0 || listen(l, 256) != 0)
        return 1;
    struct epoll_event e = {.events = EPOLLIN, .data.fd = l}, got[64];
    epoll_ctl(ep, EPOLL_CTL_ADD, l, &e);
    puts("listening");
    fflush(stdout);
    for (;;) {
        int n = epoll_wait(ep, got, 64, -1);
        for (int i = 0; i < n; i++) {
            if (got[i].data.fd != l) {
                readable(got[i].data.fd);
                continue;
            }
            int fd = accept4(l, NULL, NULL, SOCK_CLOEXEC);
            if (fd < 0 || fd >= CLIENTS_MAX)
                continue;
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
            e.data.fd = fd;
            epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
        }
    }
}
