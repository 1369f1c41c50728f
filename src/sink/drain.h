/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of a sink: until a deadline it may empty itself, then it is told to
 * drop the rest, and either way somebody waits to hear of the end. What a sink
 * does meanwhile is its own affair. Private to sink/.
 */
#ifndef XR_SINK_DRAIN_H
#define XR_SINK_DRAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "xr/loop.h"

struct drain {
    struct loop *loop;
    struct timer *deadline;
    loop_fn done; /* NULL: nobody waits, or he has been told */
    void *arg;
    bool begun;
};

/* late: what is to be done when the deadline has come; it calls drain_end. */
void drain_init(struct drain *d, struct loop *l, loop_fn late, void *arg);
void drain_fini(struct drain *d);
void drain_begin(struct drain *d, int64_t deadline_ms, loop_fn done, void *arg);
/* Tells, once, on a turn of its own, so that the sink may be freed then. */
void drain_end(struct drain *d);

#endif
