/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stream of GET /api/export: the store is read by pages of some traces,
 * each is sent when the one before has left, so that an export of any size
 * holds no more than a page.
 */
#include <stdlib.h>

#include "api_parts.h"
#include "otlp_out.h"

#define PAGE_TRACES 100
#define PAGE_BYTES (4u << 20)
#define BACKLOG_MAX (1u << 20)
#define POLL_MS 10

/* What stands around the traces, and how one is written. */
struct format {
    const char *name, *type;
    struct slice head, tail;
    void (*write)(struct api_work *w, const struct trace *t,
                  const struct store_trace *s, bool first);
};

struct export
{
    struct api *api;
    struct http1_request *request; /* NULL: gone */
    struct arena arena;
    struct slice filter, text;
    double from, to;
    const struct format *format;
    bool first;
    bool asking;
    struct timer *timer;
    /* of the page under way */
    unsigned n;
    bool more;
    int64_t epoch;
    uint8_t id[STORE_TRACE_ID];
};

static bool read_format(struct export *x, struct err *err);
static void export_free(struct export *x);
static void on_gone(void *arg);
static void on_timer(void *arg);
static void next_page(struct export *x);
static bool each_trace(struct api_work *w, const struct trace *t,
                       const struct store_trace *s, int64_t epoch);
static void write_lines(struct api_work *w, const struct trace *t,
                        const struct store_trace *s, bool first);
static void write_batchget(struct api_work *w, const struct trace *t,
                           const struct store_trace *s, bool first);
static void write_otlp(struct api_work *w, const struct trace *t,
                       const struct store_trace *s, bool first);
static void page_done(struct api_work *w, uint64_t count);
static void finish(struct export *x);

#define TEXT(lit)                                                              \
    {                                                                          \
        lit, sizeof(lit) - 1                                                   \
    }

static const struct format formats[] = {
    {"ndjson", "application/x-ndjson", TEXT(""), TEXT(""), write_lines},
    {"batchget", "application/json", TEXT("{\"Traces\":["),
     TEXT("],\"UnprocessedTraceIds\":[]}\n"), write_batchget},
    {"otlp", "application/json", TEXT("{\"resourceSpans\":["), TEXT("]}\n"),
     write_otlp},
};

void api_export(struct api *a, struct http1_request *r)
{
    struct err err = {""};
    struct api_work *w = api_work_new(a, r); /* reads and checks */
    if (w == NULL)
        return;
    struct export *x = calloc(1, sizeof(*x));
    if (x == NULL)
        abort();
    x->api = a;
    x->request = r;
    x->from = w->from;
    x->to = w->to;
    x->epoch = -1;
    x->first = true;
    w->request = NULL;
    api_work_free(w);
    arena_init(&x->arena, 64u << 10);
    x->timer = timer_new(a->o.loop, on_timer, x);
    (void)!api_param(r, "filter", &x->arena, &x->filter);
    (void)!api_param(r, "q", &x->arena, &x->text);
    if (!read_format(x, &err)) {
        api_fail(r, 400, err.text);
        export_free(x);
        return;
    }
    http1_on_gone(r, on_gone, x);
    http1_add(r, "Cache-Control", SLICE("no-store"));
    http1_add(r, "X-Content-Type-Options", SLICE("nosniff"));
    http1_stream_begin(r, 200, x->format->type);
    if (x->format->head.n > 0)
        http1_stream_chunk(r, x->format->head);
    next_page(x);
}

static bool read_format(struct export *x, struct err *err)
{
    struct slice name = SLICE("ndjson");
    (void)!api_param(x->request, "format", &x->arena, &name);
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
        if (slice_is(name, formats[i].name))
            x->format = &formats[i];
    if (x->format == NULL)
        return err_set(err, "format: ndjson, batchget or otlp"), false;
    return true;
}

static void export_free(struct export *x)
{
    timer_free(x->timer);
    arena_fini(&x->arena);
    free(x);
}

static void on_gone(void *arg)
{
    struct export *x = arg;
    x->request = NULL;
    if (!x->asking)
        export_free(x);
}

static void on_timer(void *arg)
{
    struct export *x = arg;
    if (http1_stream_backlog(x->request) > BACKLOG_MAX)
        timer_start(x->timer, POLL_MS);
    else
        next_page(x);
}

static void next_page(struct export *x)
{
    struct err err;
    struct store_query q = {.range = RANGE_ACTIVE, .after_epoch = x->epoch};
    struct api_work *w = api_work_bare(x->api);
    memcpy(q.after_id, x->id, STORE_TRACE_ID);
    w->filter = filter_parse(x->filter, x->api->o.groups, &err);
    w->from = x->from;
    w->to = x->to;
    w->text = x->text;
    w->state = x;
    w->each = each_trace;
    w->done = page_done;
    x->n = 0;
    x->more = false;
    x->asking = true;
    if (!api_work_start(w, &q)) {
        x->asking = false;
        timer_start(x->timer, POLL_MS);
    }
}

static bool each_trace(struct api_work *w, const struct trace *t,
                       const struct store_trace *s, int64_t epoch)
{
    struct export *x = w->state;
    if (x->n == PAGE_TRACES || w->out.n > PAGE_BYTES) {
        x->more = true;
        return false;
    }
    size_t before = w->out.n;
    x->format->write(w, t, s, x->first);
    x->first = x->first && w->out.n == before;
    x->n++;
    x->epoch = epoch;
    memcpy(x->id, s->id, STORE_TRACE_ID);
    return true;
}

/* In a document line feeds stand between tokens only. */
static void write_lines(struct api_work *w, const struct trace *t,
                        const struct store_trace *s, bool first)
{
    struct buf *out = &w->out;
    (void)t, (void)first;
    for (size_t i = 0; i < s->n; i++) {
        size_t from = out->n;
        buf_append(out, s->bodies[i]);
        for (; !out->failed && from < out->n; from++)
            if (out->p[from] == '\n' || out->p[from] == '\r')
                out->p[from] = ' ';
        buf_byte(out, '\n');
    }
}

static void write_batchget(struct api_work *w, const struct trace *t,
                           const struct store_trace *s, bool first)
{
    struct jw j;
    (void)s;
    if (!first)
        buf_byte(&w->out, ',');
    jw_init(&j, &w->out);
    jw_object(&j);
    jw_key(&j, SLICE("Id"));
    jw_string(&j, t->id);
    jw_key(&j, SLICE("Duration"));
    jw_double(&j, t->duration);
    jw_key(&j, SLICE("LimitExceeded"));
    jw_bool(&j, t->limit_exceeded);
    jw_key(&j, SLICE("Segments"));
    jw_array(&j);
    for (size_t i = 0; i < t->n_entities; i++) {
        const struct trace_entity *e = t->entities[i];
        if (e->embedded || e->kind == TRACE_INFERRED || e->document == NULL)
            continue;
        jw_object(&j);
        jw_key(&j, SLICE("Id"));
        jw_string(&j, e->id);
        jw_key(&j, SLICE("Document"));
        jw_string(&j, e->document->body);
        jw_object_end(&j);
    }
    jw_array_end(&j);
    jw_object_end(&j);
}

/* One that holds only what is inferred adds nothing, not even a comma. */
static void write_otlp(struct api_work *w, const struct trace *t,
                       const struct store_trace *s, bool first)
{
    struct jw j;
    size_t from = w->out.n, comma = first ? 0 : 1;
    (void)s;
    if (!first)
        buf_byte(&w->out, ',');
    jw_init(&j, &w->out);
    otlp_out_trace(&j, t, &w->scratch);
    if (w->out.n == from + comma)
        w->out.n = from;
}

/* What can't be read or sent cuts the connection: the status is out. */
static void page_done(struct api_work *w, uint64_t count)
{
    struct export *x = w->state;
    (void)count;
    x->asking = false;
    if (x->request == NULL || x->api->stopped || w->out.failed ||
        w->budget == 0) {
        if (x->request != NULL)
            http1_abort(x->request);
        export_free(x);
        return;
    }
    http1_stream_chunk(x->request, buf_slice(&w->out));
    if (x->more)
        timer_start(x->timer, 0);
    else
        finish(x);
}

static void finish(struct export *x)
{
    struct http1_request *r = x->request;
    if (x->format->tail.n > 0)
        http1_stream_chunk(r, x->format->tail);
    http1_on_gone(r, NULL, NULL);
    export_free(x);
    http1_stream_end(r);
}
