/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a sink: its deadline, and who waits for it. */
#include "drain.h"

#include <stddef.h>

void drain_init(struct drain *d, struct loop *l, loop_fn late, void *arg)
{
    *d = (struct drain){.loop = l, .deadline = timer_new(l, late, arg)};
}

void drain_fini(struct drain *d)
{
    timer_free(d->deadline);
}

void drain_begin(struct drain *d, int64_t deadline_ms, loop_fn done, void *arg)
{
    int64_t left = deadline_ms - loop_now_ms(d->loop);
    d->begun = true;
    d->done = done;
    d->arg = arg;
    timer_start(d->deadline, left > 0 ? left : 0);
}

void drain_end(struct drain *d)
{
    loop_fn done = d->done;
    timer_stop(d->deadline);
    d->done = NULL;
    if (done)
        loop_later(d->loop, done, d->arg);
}
