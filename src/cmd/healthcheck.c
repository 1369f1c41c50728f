/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `xray-relay healthcheck`: GET /healthz of the relay that runs with the same
 * configuration, for container health checks in images without a shell.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

#include "cmd.h"
#include "xr/address.h"
#include "xr/client.h"

#define TIMEOUT_MS 3000

struct check {
    struct loop *loop;
    int status;
};

static bool health_url(const char *address, char *url, size_t size,
                       struct err *err);
static void on_answer(void *arg, const struct client_answer *a);

int cmd_healthcheck(struct config *c)
{
    struct err err;
    char url[128];
    struct check check = {.status = 1};
    struct client_options o = {.connections = 1};
    struct client_request q = {.method = "GET",
                               .url = url,
                               .timeout_ms = TIMEOUT_MS,
                               .connect_timeout_ms = TIMEOUT_MS,
                               .direct = true};
    check.loop = loop_new(&err);
    struct client *client = client_new(check.loop, &o, &err);
    if (client != NULL &&
        health_url(config_options(c)->tcp_address, url, sizeof(url), &err) &&
        client_start(client, &q, on_answer, &check, &err) != NULL)
        loop_run(check.loop);
    else
        fprintf(stderr, "xray-relay healthcheck: %s\n", err.text);
    client_free(client);
    loop_free(check.loop);
    config_free(c);
    return check.status;
}

/* Where a relay that listens on `address` is reached from here. */
static bool health_url(const char *address, char *url, size_t size,
                       struct err *err)
{
    struct address a;
    char text[ADDRESS_TEXT_MAX];
    if (address_parse(address, SOCK_STREAM, &a, err) != 0)
        return false;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&a.sa;
    struct sockaddr_in *v4 = (struct sockaddr_in *)&a.sa;
    if (a.sa.ss_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&v6->sin6_addr)) {
        in_port_t port = v6->sin6_port; /* dual-stack: 127.0.0.1 reaches it */
        *v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = port};
    }
    if (a.sa.ss_family == AF_INET && v4->sin_addr.s_addr == INADDR_ANY)
        v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address_format((struct sockaddr *)&a.sa, text);
    snprintf(url, size, "http://%s/healthz", text);
    return true;
}

static void on_answer(void *arg, const struct client_answer *a)
{
    struct check *c = arg;
    if (a->outcome != CLIENT_ANSWERED)
        fprintf(stderr, "xray-relay healthcheck: %s\n", a->why);
    else if (a->status != 200 || !slice_starts(a->body, "xray-relay"))
        fprintf(stderr,
                "xray-relay healthcheck: another program holds the port "
                "(status %d)\n",
                a->status);
    else
        c->status = 0;
    loop_stop(c->loop);
}
