/* SPDX-License-Identifier: Apache-2.0 */
/* For fuzz_grpc: a server on loopback, made once and kept. */
#ifndef XR_TESTS_FUZZ_GRPC_H
#define XR_TESTS_FUZZ_GRPC_H

#include <assert.h>
#include <signal.h>

#include "../unit/wire.h"
#include "xr/input.h"
#include "xr/log.h"

static struct otlp_grpc *grpc_server(void)
{
    static struct otlp_grpc *g;
    struct otlp_grpc_options o = {.address = "127.0.0.1:0",
                                  .message_max = 100000};
    struct err err;

    if (g)
        return g;
    log_set_level(LOG_LEVEL_ERROR);
    wire_loop = loop_new(&err);
    loop_on_signal(wire_loop, SIGPIPE, NULL, NULL);
    g = otlp_grpc_new(wire_loop, pipeline_new(stats_new()),
                      translator_new(&(struct translate_options){0}), &o, &err);
    assert(g);
    return g;
}

/* One turn of the loop, without waiting. */
static void grpc_turn(void)
{
    loop_later(wire_loop, wire_stop, wire_loop);
    loop_run(wire_loop);
}

/* A close that leaves no port behind. */
static void grpc_reset(struct wire *w)
{
    struct linger now = {.l_onoff = 1};

    setsockopt(w->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    wire_close(w);
}

#endif
