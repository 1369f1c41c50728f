/* SPDX-License-Identifier: Apache-2.0 */
/* The stream of /api/events (docs/LOCAL_API.md), taken apart. */
#ifndef XR_CMD_EVENTS_H
#define XR_CMD_EVENTS_H

#include "xr/buf.h"

struct events {
    struct buf pending; /* an event that is not whole yet */
    char last[64];      /* id of the last event; "": none has come */
    void (*fn)(void *arg, struct slice name, struct slice data);
    void *arg;
};

void events_init(struct events *e,
                 void (*fn)(void *arg, struct slice name, struct slice data),
                 void *arg);
void events_fini(struct events *e);
/* Before each connection. */
void events_begin(struct events *e);
/* The next bytes of the stream. */
void events_take(struct events *e, struct slice data);

#endif
