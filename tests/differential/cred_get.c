/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks for credentials once with the real client and loop, and prints what was
 * found as JSON. An argument is a role to be assumed on top.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "xr/client.h"
#include "xr/cred.h"
#include "xr/log.h"
#include "xr/loop.h"

static json_t *text(struct slice s)
{
    return json_stringn(s.n ? s.p : "", s.n);
}

static void on_cred(void *arg, struct cred *c, const struct err *err)
{
    json_t *o;

    if (c)
        o = json_pack("{s:o, s:o, s:o, s:I, s:s}", "id", text(c->access_key_id),
                      "secret", text(c->secret_access_key), "token",
                      text(c->session_token), "expires_ms",
                      (json_int_t)c->expires_ms, "source", c->source);
    else
        o = json_pack("{s:s}", "why", err->text);
    if (!o || json_dumpf(o, stdout, JSON_COMPACT) != 0)
        abort();
    putchar('\n');
    json_decref(o);
    loop_stop(arg);
}

int main(int argc, char **argv)
{
    struct client_options how = {.connections = 2, .idle_s = 5};
    struct cred_options what = {.region = getenv("REGION"),
                                .role_arn = argc > 1 ? argv[1] : NULL};
    struct err err;
    struct loop *l;
    struct client *client;
    struct cred_chain *chain;

    log_set_level(LOG_LEVEL_ERROR + 1);
    l = loop_new(&err);
    client = l ? client_new(l, &how, &err) : NULL;
    if (!client) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    chain = cred_chain_new(l, client, &what);
    cred_get(chain, on_cred, l);
    /* Only when it was not found at once: then the loop was stopped before it
     * ran, which it does not remember. */
    if (!cred_current(chain))
        loop_run(l);
    cred_chain_free(chain);
    client_free(client);
    loop_free(l);
    return 0;
}
