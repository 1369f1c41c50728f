/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The limit for an extension's start: registers with Lambda's Extensions API,
 * asks for events one after the other and ends at SHUTDOWN. One blocking
 * socket, no memory allocated, nothing else. Linked statically, it is as small
 * as an extension can be.
 */
#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REGISTER                                                               \
    "POST /2020-01-01/extension/register HTTP/1.1\r\nHost: lambda\r\n"         \
    "Lambda-Extension-Name: %s\r\nContent-Length: 32\r\n\r\n"                  \
    "{\"events\":[\"INVOKE\",\"SHUTDOWN\"]}"
#define NEXT                                                                   \
    "GET /2020-01-01/extension/event/next HTTP/1.1\r\nHost: lambda\r\n"        \
    "Lambda-Extension-Identifier: %.64s\r\n\r\n"

static int connect_api(const char *api);
static bool ask(int fd, char *text, int n);

int main(int argc, char **argv)
{
    static char text[8192];
    char id[65] = "";
    const char *api = getenv("AWS_LAMBDA_RUNTIME_API");
    const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
    int fd = api != NULL ? connect_api(api) : -1;
    if (fd < 0 || !ask(fd, text,
                       snprintf(text, sizeof(text), REGISTER,
                                slash ? slash + 1 : argv[0])))
        return 1;
    const char *p = strcasestr(text, "Lambda-Extension-Identifier: ");
    if (p == NULL || sscanf(strchr(p, ':') + 2, "%64[^\r]", id) != 1)
        return 1;
    do {
        if (!ask(fd, text, snprintf(text, sizeof(text), NEXT, id)))
            return 1;
    } while (strstr(text, "\"SHUTDOWN\"") == NULL);
    return 0;
}

static int connect_api(const char *api)
{
    struct sockaddr_in to = {.sin_family = AF_INET};
    char host[64] = "";
    unsigned port = 0;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (sscanf(api, "%63[0-9.]:%u", host, &port) != 2 ||
        inet_pton(AF_INET, host, &to.sin_addr) != 1)
        return -1;
    to.sin_port = htons((uint16_t)port);
    return connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 ? fd : -1;
}

/* Sends the n bytes of text and puts the answer, header and body, there. */
static bool ask(int fd, char *text, int n)
{
    size_t got = 0, whole = 0;
    if (send(fd, text, (size_t)n, MSG_NOSIGNAL) != n)
        return false;
    do {
        ssize_t k = recv(fd, text + got, 8191 - got, 0);
        if (k <= 0)
            return false;
        got += (size_t)k;
        text[got] = '\0';
        const char *end = strstr(text, "\r\n\r\n");
        const char *length = strcasestr(text, "\r\nContent-Length: ");
        if (end != NULL && length != NULL)
            whole = (size_t)(end + 4 - text) + strtoul(length + 18, NULL, 10);
    } while (whole == 0 || got < whole);
    return true;
}
