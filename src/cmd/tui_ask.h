/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks local mode for what the interactive terminal wants: pages of the list,
 * the chosen trace, the map, and the stream of events, which is connected anew
 * when it breaks.
 */
#ifndef XR_CMD_TUI_ASK_H
#define XR_CMD_TUI_ASK_H

#include "events.h"
#include "local.h"
#include "tui.h"

struct tui_ask {
    struct local *local;
    struct tui *tui;
    loop_fn changed; /* something is to be drawn */
    void *arg;
    struct events events;
    struct client_call *stream, *list, *trace, *map, *clear, *completion;
    struct timer *again;       /* until the next try to connect */
    struct timer *map_rest;    /* until the map may be asked for again */
    bool connected;            /* an event has come */
    bool first;                /* the list's call is for its first page */
    char filter[EDIT_MAX + 1]; /* of the list's call */
    char id[TRACE_ID_MAX];     /* of the trace's call */
};

void ask_init(struct tui_ask *a, struct local *l, struct tui *t);
void ask_fini(struct tui_ask *a);
/* Starts what is wanted and not under way. */
void ask_run(struct tui_ask *a);

#endif
