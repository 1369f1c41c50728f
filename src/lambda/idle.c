/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The idle extension: asks for the next event, again and again, so that the
 * function lives although its relay does not, and ends with 0 at SHUTDOWN.
 * Blocking, without memory, loop, configuration or log.
 */
#include "idle.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http.h"
#include "xr/lambda.h"

#define PAUSE_FIRST_MS 10
#define PAUSE_MAX_MS 1000

static struct {
    int fd;
    const char *api, *name;
    char identifier[LAMBDA_ID_MAX];
    bool managed;
    char out[LAMBDA_REQUEST_MAX], in[LAMBDA_ANSWER_MAX];
} idle;

static bool take(const struct lambda_answer *a);
static int ask(struct lambda_answer *a);
static int receive(struct lambda_answer *a);
static int connect_api(void);
static void cut(void);
static bool is_shutdown(struct slice body);

int lambda_idle(const char *program)
{
    const char *fd = getenv(IDLE_ENV_FD);
    sigset_t none;
    /* We may come out of a handler, whose signal stays blocked. */
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    return idle_run(program, getenv(IDLE_ENV_ID),
                    fd ? (int)strtol(fd, NULL, 10) : -1);
}

int idle_run(const char *program, const char *identifier, int fd)
{
    struct lambda_answer a;
    int pause = PAUSE_FIRST_MS;
    idle.api = getenv("AWS_LAMBDA_RUNTIME_API");
    idle.name = lambda_base_name(program);
    idle.fd = fd;
    if (identifier != NULL)
        snprintf(idle.identifier, LAMBDA_ID_MAX, "%s", identifier);
    if (idle.api == NULL)
        return 1;
    int rc = fd >= 0 ? receive(&a) : ask(&a);
    for (;;) {
        if (rc > 0 && a.status == 200) {
            if (take(&a))
                return 0;
            pause = PAUSE_FIRST_MS;
        } else {
            if (rc > 0 && idle.identifier[0] == '\0' && a.status == 403)
                idle.managed = !idle.managed;
            if (rc <= 0)
                cut();
            poll(NULL, 0, pause);
            pause = pause < PAUSE_MAX_MS ? 2 * pause : PAUSE_MAX_MS;
        }
        rc = ask(&a);
    }
}

/* True: it was SHUTDOWN. */
static bool take(const struct lambda_answer *a)
{
    struct slice id = lambda_answer_header(a, "Lambda-Extension-Identifier");
    if (idle.identifier[0] == '\0' && id.n > 0 && id.n < LAMBDA_ID_MAX) {
        memcpy(idle.identifier, id.p, id.n);
        idle.identifier[id.n] = '\0';
        return false;
    }
    return is_shutdown(a->body);
}

/* Registers, or asks for the next event. */
static int ask(struct lambda_answer *a)
{
    bool known = idle.identifier[0] != '\0';
    struct lambda_request r = {
        .method = known ? "GET" : "POST",
        .path = known ? LAMBDA_PATH_NEXT : LAMBDA_PATH_REGISTER,
        .api = idle.api,
        .name = known ? NULL : idle.name,
        .identifier = known ? idle.identifier : NULL,
        .body = known          ? NULL
                : idle.managed ? LAMBDA_REGISTER_MANAGED
                               : LAMBDA_REGISTER_ALL,
    };
    size_t n = lambda_request_write(&r, idle.out, sizeof(idle.out));
    if (idle.fd < 0 && connect_api() != 0)
        return -1;
    for (size_t sent = 0; sent < n;) {
        ssize_t k = send(idle.fd, idle.out + sent, n - sent, MSG_NOSIGNAL);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            return -1;
        sent += (size_t)k;
    }
    return receive(a);
}

/* Waits as long as it takes; the descriptor may be a non-blocking one. */
static int receive(struct lambda_answer *a)
{
    size_t n = 0;
    for (;;) {
        struct pollfd p = {.fd = idle.fd, .events = POLLIN};
        if (poll(&p, 1, -1) < 0 && errno != EINTR)
            return -1;
        ssize_t k = recv(idle.fd, idle.in + n, sizeof(idle.in) - n, 0);
        if (k < 0 && (errno == EAGAIN || errno == EINTR))
            continue;
        if (k < 0)
            return -1;
        n += (size_t)k;
        int rc = lambda_answer_read(idle.in, n, k == 0, a);
        if (rc != 0 || k == 0 || n == sizeof(idle.in))
            return rc;
    }
}

/* The API is at an address in numbers, or at localhost. */
static int connect_api(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET};
    const char *colon = strrchr(idle.api, ':');
    char host[64] = "127.0.0.1";
    size_t n = colon ? (size_t)(colon - idle.api) : strlen(idle.api);
    if (n < sizeof(host) && n > 0 && idle.api[0] >= '0' && idle.api[0] <= '9') {
        memcpy(host, idle.api, n);
        host[n] = '\0';
    }
    if (inet_pton(AF_INET, host, &to.sin_addr) != 1)
        return -1;
    to.sin_port = htons((uint16_t)(colon ? strtol(colon + 1, NULL, 10) : 80));
    idle.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (idle.fd < 0 ||
        connect(idle.fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
        cut();
        return -1;
    }
    return 0;
}

static void cut(void)
{
    if (idle.fd >= 0)
        close(idle.fd);
    idle.fd = -1;
}

/* Without a JSON reader, which would want more stack than is left perhaps. */
static bool is_shutdown(struct slice body)
{
    const char *key = memmem(body.p, body.n, "\"eventType\"", 11);
    if (key == NULL)
        return false;
    const char *p = key + 11, *end = body.p + body.n;
    while (p < end && (*p == ' ' || *p == ':' || *p == '\t' || *p == '\n'))
        p++;
    return (size_t)(end - p) >= 10 && memcmp(p, "\"SHUTDOWN\"", 10) == 0;
}
