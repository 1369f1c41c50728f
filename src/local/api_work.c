/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One reading of the store for one request: what the request asks is read on
 * the loop, each trace is put together, filtered and written on the store's
 * worker, and the answer is given on the loop. In between the loop touches
 * nothing of the work but `request`, which the worker doesn't.
 */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>

#include "api_parts.h"

#define PARAMS_MAX_BYTES (64u << 10)
#define SCRATCH_MAX_BYTES (256u << 20)

static bool read_params(struct api_work *w, struct err *err);
static bool read_range(struct api_work *w, struct err *err);
static bool read_filter(struct api_work *w, struct err *err);
static void add_conditions(struct api_work *w, struct store_query *q,
                           struct store_condition *out);
static bool translate(const struct filter_condition *c,
                      struct store_condition *out);
static void gone(void *arg);
static bool on_each(void *arg, const struct store_trace *s, int64_t epoch);
static void on_done(void *arg, uint64_t count, bool failed);
static bool has_text(const struct store_trace *s, struct slice text);
static bool contains(struct slice body, struct slice text);

struct api_work *api_work_new(struct api *a, struct http1_request *r)
{
    struct err err = {""};
    char event[API_EVENT_TEXT];
    struct api_work *w = api_work_bare(a);
    w->request = r;
    if (!read_params(w, &err)) {
        w->request = NULL;
        api_fail(r, 400, err.text);
        api_work_free(w);
        return NULL;
    }
    http1_on_gone(r, gone, w);
    api_events_mark(a->events, event);
    http1_add(r, "X-Xray-Relay-Event", slice_str(event));
    return w;
}

struct api_work *api_work_bare(struct api *a)
{
    struct api_work *w = calloc(1, sizeof(*w));
    if (w == NULL)
        abort();
    w->api = a;
    w->to = INFINITY;
    w->from = -INFINITY;
    w->budget = FILTER_BUDGET;
    arena_init(&w->arena, PARAMS_MAX_BYTES);
    arena_init(&w->scratch, SCRATCH_MAX_BYTES);
    buf_init(&w->out, API_ANSWER_MAX);
    jw_init(&w->j, &w->out);
    w->next = a->works;
    if (w->next != NULL)
        w->next->prev = w;
    a->works = w;
    return w;
}

bool api_work_start(struct api_work *w, struct store_query *q)
{
    struct store_condition conditions[STORE_CONDITIONS_MAX];
    q->from = w->from;
    q->to = w->to;
    if (q->n_ids == 0)
        add_conditions(w, q, conditions);
    q->each = on_each;
    q->done = on_done;
    q->arg = w;
    if (store_query(w->api->o.store, q))
        return true;
    if (w->request != NULL) {
        api_fail(w->request, 503, "too many requests are under way");
        w->request = NULL;
    }
    api_work_free(w);
    return false;
}

void api_work_free(struct api_work *w)
{
    if (w->prev != NULL)
        w->prev->next = w->next;
    else
        w->api->works = w->next;
    if (w->next != NULL)
        w->next->prev = w->prev;
    if (w->free_state != NULL)
        w->free_state(w->state);
    filter_free(w->filter);
    buf_fini(&w->out);
    arena_fini(&w->scratch);
    arena_fini(&w->arena);
    free(w);
}

struct trace *api_assemble(const struct store_trace *s, struct arena *a)
{
    struct trace_document *d = arena_alloc(a, (s->n + 1) * sizeof(*d));
    char *id = arena_alloc(a, TRACE_ID_TEXT);
    if (d == NULL || id == NULL)
        return NULL;
    for (size_t i = 0; i < s->n; i++)
        d[i].body = s->bodies[i];
    trace_id_write(s->id, id);
    struct trace *t =
        trace_assemble(slice_of(id, TRACE_ID_TEXT - 1), d, s->n, a);
    if (t == NULL)
        return NULL;
    t->revision = s->revision;
    t->limit_exceeded = s->limit_exceeded;
    return t;
}

struct row_facts api_facts(const struct store_trace *s)
{
    return (struct row_facts){.received = s->received, .pinned = s->pinned};
}

static bool read_params(struct api_work *w, struct err *err)
{
    struct slice q;
    if (api_param(w->request, "q", &w->arena, &q)) {
        if (q.n > FILTER_MAX_BYTES)
            return err_set(err, "q: longer than %d bytes", FILTER_MAX_BYTES),
                   false;
        w->text = q;
    }
    return read_range(w, err) && read_filter(w, err);
}

static bool read_range(struct api_work *w, struct err *err)
{
    struct slice text;
    double now = api_now();
    if (api_param(w->request, "start", &w->arena, &text) && text.n > 0 &&
        !api_time(text, now, &w->from))
        return err_set(err, "start: not a time: seconds, -seconds or ISO "
                            "8601"),
               false;
    if (api_param(w->request, "end", &w->arena, &text) && text.n > 0 &&
        !api_time(text, now, &w->to))
        return err_set(err, "end: not a time: seconds, -seconds or ISO 8601"),
               false;
    return true;
}

static bool read_filter(struct api_work *w, struct err *err)
{
    struct slice text = {"", 0};
    bool given = api_param(w->request, "filter", &w->arena, &text);
    w->filter = filter_parse(text, w->api->o.groups, err);
    (void)given;
    return w->filter != NULL;
}

static void add_conditions(struct api_work *w, struct store_query *q,
                           struct store_condition *out)
{
    size_t n = 0;
    const struct filter_condition *c =
        w->filter == NULL ? NULL : filter_conditions(w->filter, &n);
    q->conditions = out;
    if (w->text.n > 0)
        out[q->n_conditions++] =
            (struct store_condition){.kind = WHERE_TEXT, .text = w->text};
    for (size_t i = 0; i < n && q->n_conditions < STORE_CONDITIONS_MAX; i++)
        if (translate(&c[i], &out[q->n_conditions]))
            q->n_conditions++;
}

static bool translate(const struct filter_condition *c,
                      struct store_condition *out)
{
    static const struct {
        enum store_condition_kind kind;
        enum store_flag flag;
    } kinds[] = {
        [CONDITION_FAULT] = {WHERE_FLAG, STORE_FAULT},
        [CONDITION_ERROR] = {WHERE_FLAG, STORE_ERROR},
        [CONDITION_THROTTLE] = {WHERE_FLAG, STORE_THROTTLE},
        [CONDITION_PARTIAL] = {WHERE_FLAG, STORE_PARTIAL},
        [CONDITION_STATUS] = {WHERE_STATUS, 0},
        [CONDITION_DURATION] = {WHERE_DURATION, 0},
        [CONDITION_RESPONSE_TIME] = {WHERE_RESPONSE_TIME, 0},
        [CONDITION_ANNOTATION] = {WHERE_ANNOTATION, 0},
        [CONDITION_SERVICE] = {WHERE_SERVICE, 0},
    };
    *out = (struct store_condition){
        .kind = kinds[c->kind].kind,
        .flag = kinds[c->kind].flag,
        .want = c->want,
        .low = c->low,
        .high = c->high,
        .text = c->key,
        .annotation = {.key = c->key, .text = c->text, .number = c->number}};
    out->annotation.kind = c->value_kind == VALUE_STRING   ? STORE_STRING
                           : c->value_kind == VALUE_NUMBER ? STORE_NUMBER
                                                           : STORE_BOOL;
    if (c->value_kind == VALUE_BOOL)
        out->annotation.number = c->boolean;
    return true;
}

static void gone(void *arg)
{
    struct api_work *w = arg;
    w->request = NULL;
}

/* Worker. */
static bool on_each(void *arg, const struct store_trace *s, int64_t epoch)
{
    struct api_work *w = arg;
    if (w->look_max > 0 && w->seen == w->look_max)
        return false;
    w->seen++;
    if (w->text.n > 0 && !has_text(s, w->text))
        return true;
    arena_reset(&w->scratch);
    struct trace *t = api_assemble(s, &w->scratch);
    if (t == NULL)
        return true;
    if (w->filter != NULL && !filter_match(w->filter, t, &w->budget))
        return w->budget > 0;
    w->matched++;
    return w->each(w, t, s, epoch);
}

static void on_done(void *arg, uint64_t count, bool failed)
{
    struct api_work *w = arg;
    struct http1_request *r = w->request;
    if (r != NULL && (failed || w->budget == 0)) {
        w->request = NULL;
        api_fail(r, failed ? 503 : 400,
                 failed ? "the store could not be read"
                        : "the filter takes too long: ask for a shorter range "
                          "or less");
    }
    w->more = NULL;
    w->done(w, count);
    if (w->more != NULL && w->request != NULL) {
        struct store_query next = *w->more;
        api_work_start(w, &next);
        return;
    }
    api_work_free(w);
}

static bool has_text(const struct store_trace *s, struct slice text)
{
    for (size_t i = 0; i < s->n; i++)
        if (contains(s->bodies[i], text))
            return true;
    return false;
}

/* Without regard to the case of ASCII letters. */
static bool contains(struct slice body, struct slice text)
{
    char low = (char)tolower((unsigned char)text.p[0]);
    char up = (char)toupper((unsigned char)text.p[0]);
    for (size_t i = 0; i + text.n <= body.n; i++)
        if ((body.p[i] == low || body.p[i] == up) &&
            strncasecmp(body.p + i, text.p, text.n) == 0)
            return true;
    return false;
}
