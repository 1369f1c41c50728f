/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sink in a process that is frozen between its calls, as in Lambda: whoever
 * knows when that may happen says when uploads may begin, looks at what waits
 * and takes requests off the wire in time. It must not know who that is.
 */
#include "xray_parts.h"

void xray_hold(struct xray *x, bool hold)
{
    x->held = hold && !x->drain.begun;
}

void xray_recall(struct xray *x)
{
    struct batch *b;
    while ((b = x->lists[BATCH_INFLIGHT].first) != NULL) {
        struct upload *u = b->owner;
        if (u->call)
            client_cancel(u->call);
        u->call = NULL;
        err_set(&x->why, "no answer in the time that there was");
        xray_failed(x, 0);
        xray_again(x, b, 0);
    }
    xray_settled(x);
}

void xray_restored(struct xray *x)
{
    x->n_random = 0;
}

void xray_queue(const struct xray *x, struct sink_queue *out)
{
    *out = (struct sink_queue){
        .uploads = x->lists[BATCH_INFLIGHT].n + (x->asking ? 1 : 0),
        .failures = x->failures,
    };
    for (int i = BATCH_FILLING; i <= BATCH_BACKOFF; i++) {
        if (i == BATCH_INFLIGHT)
            continue;
        const struct batch *b = x->lists[i].first;
        for (; b; b = b->next) {
            out->documents += b->n;
            out->bytes += b->body.n;
            if (out->oldest_ms == 0 || b->first_ms < out->oldest_ms)
                out->oldest_ms = b->first_ms;
        }
    }
}

void xray_on_change(struct xray *x, loop_fn fn, void *arg)
{
    x->changed = fn;
    x->changed_arg = arg;
}

void xray_tell_change(struct xray *x)
{
    if (x->changed)
        x->changed(x->changed_arg);
}
