/* SPDX-License-Identifier: Apache-2.0 */
/* Deleting and pinning traces. */
#include <stdlib.h>

#include "api_parts.h"

#define DELETE_MAX 100000 /* by one filter */

/* A change that the store makes for a request. */
struct changing {
    struct api *api;
    struct http1_request *request; /* NULL: gone */
    uint64_t n;                    /* traces that will be gone */
    bool one, all, pin;            /* all: n were there before */
    uint8_t id[STORE_TRACE_ID];
};

struct chosen {
    uint8_t (*ids)[STORE_TRACE_ID];
    size_t n, cap;
};

static struct changing *changing_new(struct api *a, struct http1_request *r,
                                     const uint8_t *id);
static void on_gone(void *arg);
static void busy(struct changing *c);
static bool each_none(struct api_work *w, const struct trace *t,
                      const struct store_trace *s, int64_t epoch);
static void counted(struct api_work *w, uint64_t count);
static bool each_chosen(struct api_work *w, const struct trace *t,
                        const struct store_trace *s, int64_t epoch);
static void chosen_done(struct api_work *w, uint64_t count);
static void chosen_free(void *state);
static void on_deleted(void *arg, bool kept);
static void on_pinned(void *arg, bool kept);
static void changing_end(struct changing *c, bool kept, struct buf *answer);

void api_delete(struct api *a, struct http1_request *r)
{
    struct store_query q = {.range = RANGE_ACTIVE, .after_epoch = -1};
    struct slice text;
    struct api_work *w = api_work_new(a, r);
    if (w == NULL)
        return;
    if (!api_param(r, "filter", &w->arena, &text) || text.n == 0) {
        w->each = each_none;
        w->done = counted;
        api_work_start(w, &q);
        return;
    }
    w->state = calloc(1, sizeof(struct chosen));
    if (w->state == NULL)
        abort();
    w->free_state = chosen_free;
    w->each = each_chosen;
    w->done = chosen_done;
    api_work_start(w, &q);
}

void api_delete_one(struct api *a, struct http1_request *r, const uint8_t *id)
{
    struct changing *c = changing_new(a, r, id);
    c->n = 1;
    if (!store_delete(a->o.store, &c->id, 1, on_deleted, c))
        busy(c);
}

void api_pin(struct api *a, struct http1_request *r, const uint8_t *id,
             bool pin)
{
    struct changing *c = changing_new(a, r, id);
    c->pin = pin;
    if (!store_pin(a->o.store, id, pin, on_pinned, c))
        busy(c);
}

static struct changing *changing_new(struct api *a, struct http1_request *r,
                                     const uint8_t *id)
{
    struct changing *c = calloc(1, sizeof(*c));
    if (c == NULL)
        abort();
    c->api = a;
    c->request = r;
    c->one = id != NULL;
    if (id != NULL)
        memcpy(c->id, id, STORE_TRACE_ID);
    http1_on_gone(r, on_gone, c);
    return c;
}

static void on_gone(void *arg)
{
    struct changing *c = arg;
    c->request = NULL;
}

static void busy(struct changing *c)
{
    api_fail(c->request, 503, "too many requests are under way");
    free(c);
}

/* Only how many there are. */
static bool each_none(struct api_work *w, const struct trace *t,
                      const struct store_trace *s, int64_t epoch)
{
    (void)w, (void)t, (void)s, (void)epoch;
    return false;
}

static void counted(struct api_work *w, uint64_t count)
{
    if (w->request == NULL)
        return;
    struct changing *c = changing_new(w->api, w->request, NULL);
    c->all = true;
    c->n = count;
    if (!store_delete(w->api->o.store, NULL, 0, on_deleted, c))
        busy(c);
}

static bool each_chosen(struct api_work *w, const struct trace *t,
                        const struct store_trace *s, int64_t epoch)
{
    struct chosen *x = w->state;
    (void)t, (void)epoch;
    if (x->n == x->cap) {
        size_t cap = x->cap == 0 ? 64 : 2 * x->cap;
        void *more = realloc(x->ids, cap * sizeof(*x->ids));
        if (more == NULL)
            return false;
        x->ids = more;
        x->cap = cap;
    }
    memcpy(x->ids[x->n++], s->id, STORE_TRACE_ID);
    return x->n < DELETE_MAX;
}

static void chosen_done(struct api_work *w, uint64_t count)
{
    struct chosen *x = w->state;
    (void)count;
    if (w->request == NULL)
        return;
    if (x->n == 0) {
        buf_str(&w->out, "{\"deleted\":0}");
        api_reply(w->request, 200, &w->out);
        return;
    }
    struct changing *c = changing_new(w->api, w->request, NULL);
    c->n = x->n;
    if (!store_delete(w->api->o.store, (const uint8_t(*)[STORE_TRACE_ID])x->ids,
                      x->n, on_deleted, c))
        busy(c);
}

static void chosen_free(void *state)
{
    struct chosen *x = state;
    free(x->ids);
    free(x);
}

static void on_deleted(void *arg, bool kept)
{
    struct changing *c = arg;
    struct buf out;
    uint64_t left = store_health(c->api->o.store).traces; /* pinned ones */
    if (c->all)
        c->n = c->n > left ? c->n - left : 0;
    if (kept && !c->api->stopped)
        api_events_cleared(c->api->events, c->one ? c->id : NULL);
    buf_init(&out, 256);
    buf_printf(&out, "{\"deleted\":%llu}", (unsigned long long)c->n);
    changing_end(c, kept, &out);
}

static void on_pinned(void *arg, bool kept)
{
    struct changing *c = arg;
    struct buf out;
    buf_init(&out, 256);
    buf_printf(&out, "{\"pinned\":%s}", c->pin ? "true" : "false");
    changing_end(c, kept, &out);
}

static void changing_end(struct changing *c, bool kept, struct buf *answer)
{
    if (c->request != NULL && kept)
        api_reply(c->request, 200, answer);
    else if (c->request != NULL)
        api_fail(c->request, 503, "the store could not be written");
    buf_fini(answer);
    free(c);
}
