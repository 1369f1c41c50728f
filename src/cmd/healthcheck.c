/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `xray-relay healthcheck`: GET /healthz of the relay that runs with the same
 * configuration, for container health checks in images without a shell.
 */
#include <stdio.h>

#include "cmd.h"
#include "reach.h"
#include "xr/client.h"

#define TIMEOUT_MS 3000

struct check {
    struct loop *loop;
    const char *url;
    int status;
};

static void on_answer(void *arg, const struct client_answer *a);

int cmd_healthcheck(struct config *c)
{
    struct err err;
    char url[128];
    struct check check = {.url = url, .status = 1};
    struct client_options o = {.connections = 1};
    struct client_request q = {.method = "GET",
                               .url = url,
                               .timeout_ms = TIMEOUT_MS,
                               .connect_timeout_ms = TIMEOUT_MS,
                               .direct = true};
    check.loop = loop_new(&err);
    struct client *client = client_new(check.loop, &o, &err);
    if (client != NULL &&
        reach_url(config_options(c)->tcp_address, "/healthz", url, sizeof(url),
                  &err) &&
        client_start(client, &q, on_answer, &check, &err) != NULL)
        loop_run(check.loop);
    else
        fprintf(stderr, "xray-relay healthcheck: %s\n", err.text);
    client_free(client);
    loop_free(check.loop);
    config_free(c);
    return check.status;
}

static void on_answer(void *arg, const struct client_answer *a)
{
    struct check *c = arg;
    if (a->outcome != CLIENT_ANSWERED)
        fprintf(stderr, "xray-relay healthcheck: %s\n", a->why);
    else if (a->status != 200 || !slice_starts(a->body, "xray-relay"))
        fprintf(stderr,
                "xray-relay healthcheck: another program answers at %s "
                "(status %d); `ss -lnp` names it\n",
                c->url, a->status);
    else
        c->status = 0;
    loop_stop(c->loop);
}
