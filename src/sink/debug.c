/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the collector's debug (formerly logging) exporter is for: says on
 * stdout what goes through, a document a line or only how many. On demand, for
 * documents hold what the function's spans hold.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "xr/log.h"
#include "xr/print.h"

struct debug {
    struct sink sink; /* first, so that a sink is a debug */
    struct loop *loop;
    bool documents;
    uint64_t n; /* not told yet */
    bool later;
};

static enum push_result push(struct sink *s, const struct segment *seg,
                             enum push_when_full when_full, struct err *err);
static void tell(void *arg);

struct sink *debug_sink_new(struct loop *l, bool documents)
{
    struct debug *d = calloc(1, sizeof(*d));
    if (d == NULL)
        log_fatal("out of memory while starting");
    d->sink = (struct sink){.name = "debug", .push = push};
    d->loop = l;
    d->documents = documents;
    return &d->sink;
}

void debug_sink_free(struct sink *s)
{
    free(s);
}

static enum push_result push(struct sink *s, const struct segment *seg,
                             enum push_when_full when_full, struct err *err)
{
    struct debug *d = (struct debug *)s;
    (void)when_full;
    (void)err;
    ++*s->made;
    ++*s->delivered;
    d->n++;
    if (d->documents) {
        fwrite(seg->document.p, 1, seg->document.n, stdout);
        fputc('\n', stdout);
    }
    if (!d->later)
        loop_later(d->loop, tell, d);
    d->later = true;
    return PUSH_ACCEPTED;
}

/* Once for what came in one turn of the loop. */
static void tell(void *arg)
{
    struct debug *d = arg;
    if (!d->documents)
        printf("debug exporter: %" PRIu64 " documents\n", d->n);
    fflush(stdout);
    d->n = 0;
    d->later = false;
}
