/* SPDX-License-Identifier: Apache-2.0 */
/* Server-sent events; see events.h. */
#include "events.h"

#include <stdio.h>
#include <string.h>

#define EVENT_MAX (1u << 20)

static void take_event(struct events *e, struct slice text);

void events_init(struct events *e,
                 void (*fn)(void *arg, struct slice name, struct slice data),
                 void *arg)
{
    *e = (struct events){.fn = fn, .arg = arg};
    buf_init(&e->pending, EVENT_MAX);
}

void events_fini(struct events *e)
{
    buf_fini(&e->pending);
}

void events_begin(struct events *e)
{
    buf_clear(&e->pending);
}

/* Events end with an empty line. */
void events_take(struct events *e, struct slice data)
{
    buf_append(&e->pending, data);
    if (e->pending.failed) {
        buf_clear(&e->pending);
        return;
    }
    size_t done = 0;
    for (;;) {
        const char *from = e->pending.p + done;
        const char *end = memmem(from, e->pending.n - done, "\n\n", 2);
        if (end == NULL)
            break;
        take_event(e, slice_of(from, (size_t)(end - from)));
        done = (size_t)(end + 2 - e->pending.p);
    }
    memmove(e->pending.p, e->pending.p + done, e->pending.n - done);
    e->pending.n -= done;
}

static void take_event(struct events *e, struct slice text)
{
    struct slice name = {"", 0}, data = {"", 0};
    while (text.n > 0) {
        const char *lf = memchr(text.p, '\n', text.n);
        size_t n = lf == NULL ? text.n : (size_t)(lf - text.p);
        struct slice one = slice_of(text.p, n);
        if (slice_starts(one, "id: ") && n - 4 < sizeof(e->last))
            snprintf(e->last, sizeof(e->last), "%.*s", (int)(n - 4), one.p + 4);
        else if (slice_starts(one, "event: "))
            name = slice_of(one.p + 7, n - 7);
        else if (slice_starts(one, "data: "))
            data = slice_of(one.p + 6, n - 6);
        n += lf != NULL;
        text = slice_of(text.p + n, text.n - n);
    }
    e->fn(e->arg, name, data);
}
