/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /api/wait: the traces since a mark are asked for when something has changed
 * or may have settled, until enough match or the time is over; then what came
 * nearest is looked for.
 */
#include <math.h>
#include <stdlib.h>

#include "api_parts.h"
#include "filter_explain.h"

#define TIMEOUT_S 10.0
#define TIMEOUT_MAX_S 300.0
#define SETTLE_S 0.2
#define COUNT_MAX 1000
#define LOOK_AGAIN_MS 30 /* changes come in runs */
#define NEAR_MAX 1000

struct waiter {
    struct waiter *next;
    struct api_waits *waits;
    struct http1_request *request; /* NULL: gone, waits for its reading */
    struct arena arena;
    struct slice filter;
    double since, settle;
    unsigned count;
    int64_t begun_ms, deadline_ms;
    struct timer *timer;
    int64_t plan_ms; /* when the timer runs out */
    bool asking, changed;
};

struct api_waits {
    struct api *api;
    struct waiter *first;
    unsigned n;
};

/* A reading for a waiter. */
struct look {
    struct waiter *waiter;
    unsigned settled;
    double settles_at; /* the earliest that has yet to; 0: none */
    /* near misses */
    struct filter *filter;
    bool near;
    uint64_t matched;
    size_t parts; /* that hold for the closest */
    struct buf closest;
};

static bool read_params(struct waiter *w, struct err *err);
static bool read_since(struct waiter *w, struct err *err);
static void waiter_free(struct waiter *w);
static void on_gone(void *arg);
static void plan(struct waiter *w, int64_t at_ms);
static void on_timer(void *arg);
static void look(struct waiter *w, bool near);
static bool each_match(struct api_work *k, const struct trace *t,
                       const struct store_trace *s, int64_t epoch);
static bool each_near(struct api_work *k, const struct trace *t,
                      const struct store_trace *s, int64_t epoch);
static void write_closest(struct look *x, const struct trace *t,
                          const struct store_trace *s, struct arena *a);
static void look_done(struct api_work *k, uint64_t count);
static void answer(struct waiter *w, struct api_work *k);
static void look_free(void *state);
static int64_t now_ms(const struct waiter *w);

struct api_waits *api_waits_new(struct api *a)
{
    struct api_waits *w = calloc(1, sizeof(*w));
    if (w == NULL)
        abort();
    w->api = a;
    return w;
}

void api_waits_free(struct api_waits *w)
{
    if (w == NULL)
        return;
    while (w->first != NULL)
        waiter_free(w->first);
    free(w);
}

void api_waits_open(struct api_waits *waits, struct http1_request *r)
{
    struct err err = {""};
    if (waits->n >= API_WAITS_MAX) {
        api_fail(r, 503, "16 requests wait already");
        return;
    }
    struct waiter *w = calloc(1, sizeof(*w));
    if (w == NULL)
        abort();
    w->waits = waits;
    w->request = r;
    w->next = waits->first;
    waits->first = w;
    waits->n++;
    arena_init(&w->arena, 64u << 10);
    w->timer = timer_new(waits->api->o.loop, on_timer, w);
    if (!read_params(w, &err)) {
        api_fail(r, 400, err.text);
        waiter_free(w);
        return;
    }
    http1_on_gone(r, on_gone, w);
    look(w, false);
}

void api_waits_change(struct api_waits *waits)
{
    for (struct waiter *w = waits->first; w != NULL; w = w->next) {
        w->changed = true;
        if (!w->asking)
            plan(w, now_ms(w) + LOOK_AGAIN_MS);
    }
}

void api_waits_stop(struct api_waits *waits)
{
    for (struct waiter *w = waits->first, *next; w != NULL; w = next) {
        next = w->next;
        timer_stop(w->timer);
        if (w->request == NULL)
            continue;
        api_fail(w->request, 503, "shutting down");
        on_gone(w);
    }
}

static bool read_params(struct waiter *w, struct err *err)
{
    struct slice text;
    double timeout = TIMEOUT_S, count = 1;
    w->filter = SLICE("");
    w->settle = SETTLE_S;
    w->since = -INFINITY;
    w->begun_ms = now_ms(w);
    (void)!api_param(w->request, "filter", &w->arena, &w->filter);
    struct filter *f = filter_parse(w->filter, w->waits->api->o.groups, err);
    if (f == NULL)
        return false;
    filter_free(f);
    if (api_param(w->request, "timeout", &w->arena, &text) &&
        (!api_duration(text, &timeout) || timeout > TIMEOUT_MAX_S))
        return err_set(err, "timeout: a time such as 10s, at most 300s"), false;
    if (api_param(w->request, "settle", &w->arena, &text) &&
        (!api_duration(text, &w->settle) || w->settle > TIMEOUT_MAX_S))
        return err_set(err, "settle: a time such as 200ms"), false;
    if (api_param(w->request, "count", &w->arena, &text) &&
        (!api_time(text, 0, &count) || count < 1 || count > COUNT_MAX))
        return err_set(err, "count: 1 to %d", COUNT_MAX), false;
    w->count = (unsigned)count;
    w->deadline_ms = w->begun_ms + (int64_t)(timeout * 1000);
    return read_since(w, err);
}

static bool read_since(struct waiter *w, struct err *err)
{
    struct slice text;
    double now = api_now();
    if (!api_param(w->request, "since", &w->arena, &text) || text.n == 0)
        return true;
    if (text.p[0] == 'm')
        text = slice_of(text.p + 1, text.n - 1);
    if (slice_is(text, "now"))
        w->since = now;
    else if (!api_time(text, now, &w->since))
        return err_set(err, "since: now, a time, or a mark"), false;
    return true;
}

static void waiter_free(struct waiter *w)
{
    struct waiter **at = &w->waits->first;
    while (*at != w)
        at = &(*at)->next;
    *at = w->next;
    w->waits->n--;
    timer_free(w->timer);
    arena_fini(&w->arena);
    free(w);
}

static void on_gone(void *arg)
{
    struct waiter *w = arg;
    w->request = NULL;
    timer_stop(w->timer);
    if (!w->asking)
        waiter_free(w);
}

static void plan(struct waiter *w, int64_t at_ms)
{
    int64_t now = now_ms(w);
    if (timer_running(w->timer) && w->plan_ms <= at_ms)
        return;
    w->plan_ms = at_ms;
    timer_start(w->timer, at_ms > now ? at_ms - now : 0);
}

static void on_timer(void *arg)
{
    struct waiter *w = arg;
    if (!w->asking && w->request != NULL)
        look(w, false);
}

static void look(struct waiter *w, bool near)
{
    struct err err;
    struct store_query q = {.range = RANGE_RECEIVED, .after_epoch = -1};
    struct api_work *k = api_work_bare(w->waits->api);
    struct look *x = calloc(1, sizeof(*x));
    if (x == NULL)
        abort();
    x->waiter = w;
    x->near = near;
    buf_init(&x->closest, API_ANSWER_MAX);
    struct filter *f = filter_parse(w->filter, w->waits->api->o.groups, &err);
    if (near)
        x->filter = f;
    else
        k->filter = f;
    k->from = w->since;
    k->state = x;
    k->free_state = look_free;
    k->each = near ? each_near : each_match;
    k->done = look_done;
    k->look_max = near ? NEAR_MAX : 0;
    if (!near) {
        jw_object(&k->j);
        jw_key(&k->j, SLICE("traces"));
        jw_array(&k->j);
    }
    w->asking = true;
    w->changed = false;
    if (!api_work_start(k, &q)) { /* busy */
        w->asking = false;
        plan(w, now_ms(w) + LOOK_AGAIN_MS);
    }
}

static bool each_match(struct api_work *k, const struct trace *t,
                       const struct store_trace *s, int64_t epoch)
{
    struct look *x = k->state;
    struct row_facts facts = api_facts(s);
    double at = s->received + x->waiter->settle;
    (void)epoch;
    if (at > api_now()) {
        if (x->settles_at == 0 || at < x->settles_at)
            x->settles_at = at;
        return true;
    }
    row_write(&k->j, t, &facts, &k->scratch);
    return ++x->settled < x->waiter->count;
}

static bool each_near(struct api_work *k, const struct trace *t,
                      const struct store_trace *s, int64_t epoch)
{
    struct look *x = k->state;
    struct slice text;
    size_t holds = 0;
    (void)epoch;
    if (x->filter == NULL)
        return false;
    for (size_t i = 0; i < filter_parts(x->filter); i++)
        holds += filter_part(x->filter, i, t, &k->budget, &text);
    x->matched += filter_match(x->filter, t, &k->budget);
    if (x->closest.n == 0 || holds > x->parts) {
        x->parts = holds;
        write_closest(x, t, s, &k->scratch);
    }
    return k->budget > 0;
}

static void write_closest(struct look *x, const struct trace *t,
                          const struct store_trace *s, struct arena *a)
{
    struct row_facts facts = api_facts(s);
    struct buf found;
    struct jw j;
    buf_clear(&x->closest);
    buf_init(&found, 4096);
    jw_init(&j, &x->closest);
    jw_object(&j);
    jw_key(&j, SLICE("trace"));
    row_write(&j, t, &facts, a);
    jw_key(&j, SLICE("terms"));
    jw_array(&j);
    for (size_t i = 0; i < filter_parts(x->filter); i++) {
        struct slice text;
        uint64_t budget = FILTER_BUDGET;
        bool holds = filter_part(x->filter, i, t, &budget, &text);
        buf_clear(&found);
        filter_part_found(x->filter, i, t, &found);
        jw_object(&j);
        jw_key(&j, SLICE("text"));
        jw_string(&j, text);
        jw_key(&j, SLICE("holds"));
        jw_bool(&j, holds);
        jw_key(&j, SLICE("found"));
        jw_string(&j, buf_slice(&found));
        jw_object_end(&j);
    }
    jw_array_end(&j);
    jw_object_end(&j);
    buf_fini(&found);
}

static void look_done(struct api_work *k, uint64_t count)
{
    struct look *x = k->state;
    struct waiter *w = x->waiter;
    (void)count;
    w->asking = false;
    if (w->request == NULL) {
        waiter_free(w);
        return;
    }
    if (x->near || x->settled >= w->count) {
        answer(w, k);
        return;
    }
    if (now_ms(w) >= w->deadline_ms) {
        look(w, true);
        return;
    }
    plan(w, w->deadline_ms);
    if (w->changed)
        plan(w, now_ms(w) + LOOK_AGAIN_MS);
    if (x->settles_at > 0)
        plan(w, now_ms(w) + 1 +
                    (int64_t)fmax(0, (x->settles_at - api_now()) * 1000));
}

static void answer(struct waiter *w, struct api_work *k)
{
    struct look *x = k->state;
    struct http1_request *r = w->request;
    double waited = (double)(now_ms(w) - w->begun_ms) / 1000;
    if (x->near) {
        jw_object(&k->j);
        jw_key(&k->j, SLICE("filter"));
        jw_string(&k->j, w->filter);
    } else {
        jw_array_end(&k->j);
    }
    jw_key(&k->j, SLICE("waited"));
    jw_double(&k->j, waited);
    if (x->near) {
        jw_key(&k->j, SLICE("seen"));
        jw_uint(&k->j, k->seen);
        jw_key(&k->j, SLICE("matched"));
        jw_uint(&k->j, x->matched);
        jw_key(&k->j, SLICE("closest"));
        if (x->closest.n > 0)
            jw_raw(&k->j, buf_slice(&x->closest));
        else
            jw_null(&k->j);
    }
    jw_object_end(&k->j);
    waiter_free(w);
    api_reply(r, x->near ? 408 : 200, &k->out);
}

static void look_free(void *state)
{
    struct look *x = state;
    filter_free(x->filter);
    buf_fini(&x->closest);
    free(x);
}

static int64_t now_ms(const struct waiter *w)
{
    return loop_now_ms(w->waits->api->o.loop);
}
