/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Server-sent events: changes of traces are gathered for a quarter of a
 * second, so that a trace comes at most four times a second, put in a ring and
 * sent to who listens. A listener with a filter has the traces asked of the
 * store first. Who reads too slowly is cut off and comes back by
 * Last-Event-ID.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "api_parts.h"

#define RING 1000
#define FLUSH_MS 250
#define SECOND_MS 1000
#define COMMENT_MS 15000
#define EVENT_MAX (64u << 10)
#define BACKLOG_MAX (4u << 20)
#define ASKED_MAX 200 /* traces asked of the store at a time */

enum event_kind { EVENT_TRACE, EVENT_CLEARED };

struct event {
    uint64_t number;
    enum event_kind kind;
    uint8_t id[STORE_TRACE_ID];
    char *data; /* JSON */
    size_t n;
};

struct listener {
    struct listener *next;
    struct api_events *events;
    struct http1_request *request; /* NULL: gone, waits for its reading */
    struct filter *filter;         /* NULL: everything */
    struct slice filter_text;
    struct arena arena;
    uint64_t sent; /* number of the last event looked at */
    bool asking;   /* a reading is under way */
    int64_t commented_ms;
};

struct pending {
    uint8_t id[STORE_TRACE_ID];
    bool fresh; /* the first document of its trace */
    char *data;
    size_t n;
};

struct api_events {
    struct api *api;
    struct event ring[RING];
    uint64_t last; /* number of the newest event; they begin at 1 */
    struct pending pending[RING];
    size_t n_pending;
    bool overrun; /* more changed at once than the ring holds */
    struct listener *listeners;
    unsigned n_listeners;
    struct timer *flush, *second;
    uint64_t documents; /* a second ago */
    double rate;
};

/* What a reading for a listener found. */
struct asked {
    struct listener *listener;
    uint64_t upto;
    uint8_t ids[ASKED_MAX][STORE_TRACE_ID], found[ASKED_MAX][STORE_TRACE_ID];
    uint64_t numbers[ASKED_MAX];
    size_t n, n_found;
};

static struct listener *listener_new(struct api_events *e,
                                     struct http1_request *r);
static void listener_free(struct listener *l);
static void on_gone(void *arg);
static void end(struct listener *l);
static void resume(struct listener *l, struct slice last_id);
static void add_pending(struct api_events *e, const struct store_change *c);
static void on_flush(void *arg);
static void put_event(struct api_events *e, enum event_kind kind,
                      const uint8_t *id, struct slice data);
static void put_trace(struct api_events *e, struct pending *p);
static void serve_all(struct api_events *e);
static void serve(struct listener *l);
static bool send_event(struct listener *l, const struct event *v);
static void tell(struct listener *l, uint64_t number, const char *name,
                 struct slice data);
static void ask(struct listener *l);
static bool each_asked(struct api_work *w, const struct trace *t,
                       const struct store_trace *s, int64_t epoch);
static void asked_done(struct api_work *w, uint64_t count);
static void asked_free(void *state);
static bool was_found(const struct asked *x, const uint8_t *id);
static void on_second(void *arg);
static void write_stats(struct api_events *e, struct buf *out);
static struct event *event_at(struct api_events *e, uint64_t number);

struct api_events *api_events_new(struct api *a)
{
    struct api_events *e = calloc(1, sizeof(*e));
    if (e == NULL)
        abort();
    e->api = a;
    e->flush = timer_new(a->o.loop, on_flush, e);
    e->second = timer_new(a->o.loop, on_second, e);
    timer_start(e->second, SECOND_MS);
    return e;
}

void api_events_free(struct api_events *e)
{
    if (e == NULL)
        return;
    timer_free(e->flush);
    timer_free(e->second);
    while (e->listeners != NULL)
        listener_free(e->listeners);
    for (size_t i = 0; i < RING; i++)
        free(e->ring[i].data);
    for (size_t i = 0; i < e->n_pending; i++)
        free(e->pending[i].data);
    free(e);
}

void api_events_open(struct api_events *e, struct http1_request *r)
{
    struct slice last_id = http1_header(r, "Last-Event-ID"), text;
    if (e->n_listeners >= API_STREAMS_MAX) {
        api_fail(r, 503, "16 listeners are there already");
        return;
    }
    struct listener *l = listener_new(e, r);
    if (l == NULL)
        return;
    if (last_id.n == 0 && api_param(r, "last", &l->arena, &text))
        last_id = text;
    http1_on_gone(r, on_gone, l);
    http1_add(r, "Cache-Control", SLICE("no-store"));
    http1_add(r, "X-Content-Type-Options", SLICE("nosniff"));
    http1_stream_begin(r, 200, "text/event-stream");
    http1_stream_chunk(r, SLICE("retry: 1000\n\n"));
    l->sent = e->last;
    if (last_id.n > 0)
        resume(l, last_id);
}

void api_events_change(struct api_events *e, const struct store_change *c,
                       size_t n)
{
    for (size_t i = 0; i < n; i++)
        add_pending(e, &c[i]);
    if (e->n_pending > 0 && !timer_running(e->flush))
        timer_start(e->flush, FLUSH_MS);
}

void api_events_mark(const struct api_events *e, char out[API_EVENT_TEXT])
{
    snprintf(out, API_EVENT_TEXT, "%" PRIu64 ".%.0f", e->last, e->api->started);
}

void api_events_cleared(struct api_events *e, const uint8_t *id)
{
    static const uint8_t none[STORE_TRACE_ID];
    char text[TRACE_ID_TEXT], data[80] = "{\"id\":null}";
    if (id != NULL) {
        trace_id_write(id, text);
        snprintf(data, sizeof(data), "{\"id\":\"%s\"}", text);
    }
    on_flush(e); /* what was there before is told before */
    put_event(e, EVENT_CLEARED, id == NULL ? none : id, slice_str(data));
    serve_all(e);
}

void api_events_stop(struct api_events *e)
{
    timer_stop(e->flush);
    timer_stop(e->second);
    for (struct listener *l = e->listeners, *next; l != NULL; l = next) {
        next = l->next;
        end(l);
    }
}

double api_events_rate(const struct api_events *e)
{
    return e->rate;
}

/* NULL: it has been answered. */
static struct listener *listener_new(struct api_events *e,
                                     struct http1_request *r)
{
    struct err err = {""};
    struct slice text = {"", 0};
    struct listener *l = calloc(1, sizeof(*l));
    if (l == NULL)
        abort();
    arena_init(&l->arena, 2 * FILTER_MAX_BYTES + HTTP1_BODIES_HELD);
    l->events = e;
    l->request = r;
    l->commented_ms = loop_now_ms(e->api->o.loop);
    l->next = e->listeners;
    e->listeners = l;
    e->n_listeners++;
    if (!api_param(r, "filter", &l->arena, &text) || text.n == 0)
        return l;
    l->filter_text = text;
    l->filter = filter_parse(text, e->api->o.groups, &err);
    if (l->filter != NULL)
        return l;
    api_fail(r, 400, err.text);
    listener_free(l);
    return NULL;
}

static void listener_free(struct listener *l)
{
    struct listener **at = &l->events->listeners;
    while (*at != l)
        at = &(*at)->next;
    *at = l->next;
    l->events->n_listeners--;
    filter_free(l->filter);
    arena_fini(&l->arena);
    free(l);
}

/* While a reading is under way the listener stays for it. */
static void on_gone(void *arg)
{
    struct listener *l = arg;
    l->request = NULL;
    if (!l->asking)
        listener_free(l);
}

static void end(struct listener *l)
{
    struct http1_request *r = l->request;
    if (r == NULL)
        return;
    http1_on_gone(r, NULL, NULL);
    http1_stream_end(r);
    on_gone(l);
}

/* What was missed, if the ring still has it; numbers of another run of the
 * server are never in order with ours. */
static void resume(struct listener *l, struct slice last_id)
{
    struct api_events *e = l->events;
    char text[64] = "", mine[24];
    char *rest;
    if (last_id.n < sizeof(text))
        memcpy(text, last_id.p, last_id.n);
    uint64_t number = strtoull(text, &rest, 10);
    snprintf(mine, sizeof(mine), ".%.0f", e->api->started);
    uint64_t oldest = e->last >= RING ? e->last - RING + 1 : 1;
    if (strcmp(rest, mine) != 0 || number > e->last || number + 1 < oldest) {
        tell(l, e->last, "reset", SLICE("{}"));
        return;
    }
    l->sent = number;
    serve(l);
}

/* The newest summary of a trace takes the place of the one before. */
static void add_pending(struct api_events *e, const struct store_change *c)
{
    struct pending *p = NULL;
    for (size_t i = 0; i < e->n_pending && p == NULL; i++)
        if (memcmp(e->pending[i].id, c->id, STORE_TRACE_ID) == 0)
            p = &e->pending[i];
    if (p == NULL) {
        if (e->n_pending == RING) {
            e->overrun = true;
            return;
        }
        p = &e->pending[e->n_pending++];
        memcpy(p->id, c->id, STORE_TRACE_ID);
        p->fresh = c->revision == 0;
        p->data = NULL;
    }
    free(p->data);
    p->n = c->summary.n < EVENT_MAX ? c->summary.n : 0;
    p->data = malloc(p->n + 1);
    if (p->data == NULL)
        abort();
    if (p->n > 0)
        memcpy(p->data, c->summary.p, p->n);
}

static void on_flush(void *arg)
{
    struct api_events *e = arg;
    for (size_t i = 0; i < e->n_pending; i++) {
        if (e->pending[i].n > 0)
            put_trace(e, &e->pending[i]);
        free(e->pending[i].data);
    }
    e->n_pending = 0;
    serve_all(e);
    if (!e->overrun)
        return;
    e->overrun = false;
    for (struct listener *l = e->listeners; l != NULL; l = l->next)
        tell(l, e->last, "reset", SLICE("{}"));
}

static void put_trace(struct api_events *e, struct pending *p)
{
    struct buf data;
    buf_init(&data, EVENT_MAX + 64);
    buf_printf(&data,
               "{\"change\":\"%s\",\"trace\":", p->fresh ? "new" : "changed");
    buf_append(&data, slice_of(p->data, p->n));
    buf_byte(&data, '}');
    if (!data.failed)
        put_event(e, EVENT_TRACE, p->id, buf_slice(&data));
    buf_fini(&data);
}

static void put_event(struct api_events *e, enum event_kind kind,
                      const uint8_t *id, struct slice data)
{
    struct event *v = event_at(e, ++e->last);
    free(v->data);
    v->number = e->last;
    v->kind = kind;
    memcpy(v->id, id, STORE_TRACE_ID);
    v->n = data.n;
    v->data = malloc(data.n + 1);
    if (v->data == NULL)
        abort();
    memcpy(v->data, data.p, data.n);
}

static void serve_all(struct api_events *e)
{
    for (struct listener *l = e->listeners, *next; l != NULL; l = next) {
        next = l->next;
        serve(l);
    }
}

/* Sends what the listener has not seen. A filter's traces are asked for
 * first; then the rest waits, so that the order stays. */
static void serve(struct listener *l)
{
    struct api_events *e = l->events;
    if (l->request == NULL || l->asking)
        return;
    if (l->sent + RING < e->last) {
        l->sent = e->last;
        tell(l, e->last, "reset", SLICE("{}"));
        return;
    }
    if (l->filter != NULL) {
        if (l->sent < e->last)
            ask(l);
        return;
    }
    while (l->sent < e->last)
        if (!send_event(l, event_at(e, l->sent + 1)))
            return;
}

/* False: the listener is gone. */
static bool send_event(struct listener *l, const struct event *v)
{
    l->sent = v->number;
    if (http1_stream_backlog(l->request) > BACKLOG_MAX) {
        end(l);
        return false;
    }
    tell(l, v->number, v->kind == EVENT_TRACE ? "trace" : "cleared",
         slice_of(v->data, v->n));
    return true;
}

static void tell(struct listener *l, uint64_t number, const char *name,
                 struct slice data)
{
    struct buf out;
    if (l->request == NULL)
        return;
    buf_init(&out, EVENT_MAX + 256);
    buf_printf(&out, "id: %" PRIu64 ".%.0f\nevent: %s\ndata: ", number,
               l->events->api->started, name);
    buf_append(&out, data);
    buf_str(&out, "\n\n");
    if (!out.failed)
        http1_stream_chunk(l->request, buf_slice(&out));
    buf_fini(&out);
}

/* Has the store look which of the next events' traces match. */
static void ask(struct listener *l)
{
    struct api_events *e = l->events;
    struct err err;
    struct store_query q = {.after_epoch = -1};
    struct api_work *w = api_work_bare(e->api);
    struct asked *x = calloc(1, sizeof(*x));
    if (x == NULL)
        abort();
    x->listener = l;
    x->upto = l->sent;
    while (x->upto < e->last && x->n < ASKED_MAX) {
        struct event *v = event_at(e, ++x->upto);
        if (v->kind == EVENT_TRACE)
            memcpy(x->ids[x->n++], v->id, STORE_TRACE_ID);
    }
    w->state = x;
    w->free_state = asked_free;
    w->filter = filter_parse(l->filter_text, e->api->o.groups, &err);
    w->each = each_asked;
    w->done = asked_done;
    q.ids = x->ids;
    q.n_ids = x->n;
    l->asking = true;
    if (w->filter == NULL || x->n == 0) { /* only others than traces */
        asked_done(w, 0);
        api_work_free(w);
    } else if (!api_work_start(w, &q)) {
        l->asking = false; /* tried again with the next event */
    }
}

static bool each_asked(struct api_work *w, const struct trace *t,
                       const struct store_trace *s, int64_t epoch)
{
    struct asked *x = w->state;
    (void)t, (void)epoch;
    if (x->n_found < ASKED_MAX)
        memcpy(x->found[x->n_found++], s->id, STORE_TRACE_ID);
    return true;
}

static void asked_done(struct api_work *w, uint64_t count)
{
    struct asked *x = w->state;
    struct listener *l = x->listener;
    struct api_events *e = l->events;
    (void)count;
    l->asking = false;
    if (l->request == NULL) {
        listener_free(l);
        return;
    }
    while (l->sent < x->upto) {
        struct event *v = event_at(e, l->sent + 1);
        if (v->number != l->sent + 1) /* overwritten meanwhile */
            break;
        if (v->kind == EVENT_TRACE && !was_found(x, v->id))
            l->sent++;
        else if (!send_event(l, v))
            return;
    }
    serve(l);
}

static void asked_free(void *state)
{
    free(state);
}

static bool was_found(const struct asked *x, const uint8_t *id)
{
    for (size_t i = 0; i < x->n_found; i++)
        if (memcmp(x->found[i], id, STORE_TRACE_ID) == 0)
            return true;
    return false;
}

/* `stats` has the number of the newest event: it tells nothing that could be
 * missed. */
static void on_second(void *arg)
{
    struct api_events *e = arg;
    struct store_health h = store_health(e->api->o.store);
    int64_t now = loop_now_ms(e->api->o.loop);
    struct buf out;
    timer_start(e->second, SECOND_MS);
    e->rate =
        h.documents > e->documents ? (double)(h.documents - e->documents) : 0;
    e->documents = h.documents;
    buf_init(&out, 1024);
    write_stats(e, &out);
    for (struct listener *l = e->listeners; l != NULL; l = l->next) {
        if (l->request == NULL)
            continue;
        if (now - l->commented_ms >= COMMENT_MS) {
            l->commented_ms = now;
            http1_stream_chunk(l->request, SLICE(": still here\n\n"));
        }
        tell(l, l->sent, "stats", buf_slice(&out));
    }
    buf_fini(&out);
}

static void write_stats(struct api_events *e, struct buf *out)
{
    struct store_health h = store_health(e->api->o.store);
    const struct api_options *o = &e->api->o;
    struct jw j;
    jw_init(&j, out);
    jw_object(&j);
    jw_key(&j, SLICE("now"));
    jw_double(&j, api_now());
    jw_key(&j, SLICE("traces"));
    jw_uint(&j, h.traces);
    jw_key(&j, SLICE("documents"));
    jw_uint(&j, h.documents);
    jw_key(&j, SLICE("refused"));
    jw_uint(&j, o->refused == NULL ? 0 : o->refused(o->arg));
    jw_key(&j, SLICE("documents_per_second"));
    jw_double(&j, e->rate);
    jw_key(&j, SLICE("bytes"));
    jw_uint(&j, h.bytes);
    jw_object_end(&j);
}

static struct event *event_at(struct api_events *e, uint64_t number)
{
    return &e->ring[number % RING];
}
