/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The frame of the query API: from a request to a call with its parameters,
 * through the store where it must be read, to the answer or to one of the
 * service's errors. What the operations mean is in the files query_*.c.
 */
#include "query_parts.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "xr/clock.h"
#include "xr/hash.h"
#include "xr/log.h"

#define JSON "application/json"
#define INVALID "InvalidRequestException"
#define PATTERN_MAX 64
#define ERROR_MAX 4096

/* A route hands over its operation. */
struct route {
    struct query *query;
    const struct operation *operation;
    char pattern[PATTERN_MAX];
};

static const struct operation *const tables[] = {
    operations_of_traces,   operations_of_graphs, operations_of_groups,
    operations_of_sampling, operations_of_rest,   operations_of_retrieval,
};

static size_t count_operations(void);
static void on_request(void *arg, struct http1_request *r);
static void on_unknown(void *arg, struct http1_request *r);
static struct call *call_new(struct query *q, const char *path,
                             struct http1_request *r);
static void call_free(struct call *c);
static void on_gone(void *arg);
static void send_error(struct http1_request *r, int status, const char *type,
                       const char *text);
static size_t conditions_of(const struct filter *f,
                            struct store_condition *out);
static bool condition_of(const struct filter_condition *f,
                         struct store_condition *out);
static void on_read(void *arg, uint64_t count, bool failed);

struct query *query_new(const struct query_options *o)
{
    struct query *q = calloc(1, sizeof(*q));
    if (!q)
        log_fatal("out of memory for the query API");
    q->o = *o;
    q->routes = calloc(count_operations(), sizeof(*q->routes));
    if (!q->routes)
        log_fatal("out of memory for the query API");
    random_bytes(q->secret, sizeof(q->secret));
    return q;
}

void query_routes(struct query *q, struct http1 *server)
{
    struct route *r = q->routes;
    for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++)
        for (const struct operation *o = tables[t]; o->path; o++, r++) {
            r->query = q;
            r->operation = o;
            snprintf(r->pattern, sizeof(r->pattern), "*/%s", o->path);
            http1_route(server, (struct http1_route){"POST", r->pattern,
                                                     on_request, r});
        }
    http1_route(server, (struct http1_route){"POST", "*", on_unknown, q});
}

void query_free(struct query *q)
{
    if (!q)
        return;
    while (q->calls)
        call_free(q->calls);
    for (size_t i = 0; i < RETRIEVALS_MAX; i++)
        free(q->retrievals[i]);
    free((char *)q->encryption.p);
    free(q->routes);
    free(q);
}

static size_t count_operations(void)
{
    size_t n = 0;
    for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++)
        for (const struct operation *o = tables[t]; o->path; o++)
            n++;
    return n;
}

static void on_request(void *arg, struct http1_request *r)
{
    struct route *route = arg;
    struct query *q = route->query;
    if (q->o.guard && !q->o.guard(q->o.arg, r, route->operation->sampler))
        return;
    struct call *c = call_new(q, route->operation->path, r);
    if (!c) {
        send_error(r, 503, "ServiceUnavailableException", "out of memory");
        return;
    }
    if (params_read(&c->params, http1_body(r), &c->arena, &c->err) < 0)
        call_invalid(c);
    else
        route->operation->fn(c);
}

static void on_unknown(void *arg, struct http1_request *r)
{
    struct query *q = arg;
    char text[256];
    struct slice path = http1_path(r);
    if (q->o.guard && !q->o.guard(q->o.arg, r, false))
        return;
    snprintf(text, sizeof(text), "no operation of X-Ray has the path %.*s",
             (int)(path.n < 128 ? path.n : 128), path.p);
    send_error(r, 404, "UnknownOperationException", text);
}

static struct call *call_new(struct query *q, const char *path,
                             struct http1_request *r)
{
    struct call *c = calloc(1, sizeof(*c));
    if (!c)
        return NULL;
    c->query = q;
    c->path = path;
    c->request = r;
    c->budget = FILTER_BUDGET;
    arena_init(&c->arena, CALL_ARENA_MAX);
    arena_init(&c->scratch, SCRATCH_MAX);
    buf_init(&c->out, ANSWER_MAX);
    jw_init(&c->j, &c->out);
    c->next = q->calls;
    if (c->next)
        c->next->prev = c;
    q->calls = c;
    http1_on_gone(r, on_gone, c);
    return c;
}

static void call_free(struct call *c)
{
    if (c->fini)
        c->fini(c);
    if (c->next)
        c->next->prev = c->prev;
    *(c->prev ? &c->prev->next : &c->query->calls) = c->next;
    if (c->request)
        http1_on_gone(c->request, NULL, NULL);
    free(c->state);
    filter_free(c->filter);
    buf_fini(&c->out);
    arena_fini(&c->scratch);
    arena_fini(&c->arena);
    free(c);
}

static void on_gone(void *arg)
{
    ((struct call *)arg)->request = NULL;
}

void call_invalid(struct call *c)
{
    char text[sizeof(c->err.text)];
    snprintf(text, sizeof(text), "%s", c->err.text);
    call_error(c, 400, c->error_type ? c->error_type : INVALID, text);
}

void call_error(struct call *c, int status, const char *type, const char *text)
{
    struct http1_request *r = c->request;
    c->request = NULL;
    if (r)
        send_error(r, status, type, text);
    call_free(c);
}

void call_reply(struct call *c)
{
    if (c->out.failed) {
        err_set(&c->err, "the answer is too large: ask for less");
        call_invalid(c);
        return;
    }
    struct http1_request *r = c->request;
    c->request = NULL;
    if (r) {
        http1_add(r, "Cache-Control", SLICE("no-store"));
        http1_reply(r, 200, JSON, buf_slice(&c->out));
    }
    call_free(c);
}

void call_reply_empty(struct call *c)
{
    buf_clear(&c->out);
    buf_str(&c->out, "{}");
    call_reply(c);
}

void call_kept(void *arg, bool kept)
{
    struct call *c = arg;
    if (kept)
        call_reply(c);
    else
        call_busy(c);
}

void call_busy(struct call *c)
{
    call_error(c, 503, "ServiceUnavailableException",
               "the store is busy or cannot write; send again later");
}

static void send_error(struct http1_request *r, int status, const char *type,
                       const char *text)
{
    struct buf out;
    struct jw j;
    buf_init(&out, ERROR_MAX);
    jw_init(&j, &out);
    jw_object(&j);
    member_text(&j, "__type", slice_str(type));
    member_text(&j, "Message", slice_str(text));
    jw_object_end(&j);
    http1_add(r, "Cache-Control", SLICE("no-store"));
    http1_add(r, "x-amzn-ErrorType", slice_str(type));
    http1_reply(r, status, JSON, buf_slice(&out));
    buf_fini(&out);
}

void *call_state(struct call *c, size_t n)
{
    c->state = calloc(1, n);
    if (!c->state)
        log_fatal("out of memory for the query API");
    return c->state;
}

int call_range(struct call *c)
{
    if (!params_find(&c->params, "StartTime") ||
        !params_find(&c->params, "EndTime"))
        return err_set(&c->err, "StartTime and EndTime are required");
    if (params_time(&c->params, "StartTime", &c->from, &c->err) < 0 ||
        params_time(&c->params, "EndTime", &c->to, &c->err) < 0)
        return -1;
    if (c->from > c->to)
        return err_set(&c->err, "StartTime is later than EndTime");
    return 0;
}

int call_filter(struct call *c, struct slice expression)
{
    struct filter_groups groups = resources_groups(c->query->o.resources);
    if (expression.n == 0)
        return 0;
    c->filter = filter_parse(expression, &groups, &c->err);
    return c->filter ? 0 : -1;
}

int call_group(struct call *c)
{
    struct slice name = SLICE(""), expression;
    struct filter_groups groups = resources_groups(c->query->o.resources);
    if (params_text(&c->params, "GroupARN", &name, &c->err) < 0 ||
        params_text(&c->params, "GroupName", &name, &c->err) < 0)
        return -1;
    /* Grafana sends an empty name for all. */
    if (name.n == 0)
        return 0;
    if (!groups.find(groups.arg, name, &expression))
        return err_set(&c->err, "there is no group %.*s",
                       (int)(name.n < 128 ? name.n : 128), name.p);
    return call_filter(c, expression);
}

int call_trace_ids(struct call *c, struct trace_ids *out)
{
    struct slice texts[RETRIEVED_MAX];
    struct param_list list = {.items = texts, .max = out->max};
    assert(out->max <= RETRIEVED_MAX);
    out->n = out->n_bad = 0;
    if (params_texts(&c->params, "TraceIds", &list, &c->err) < 0)
        return -1;
    if (list.n == 0)
        return err_set(&c->err, "TraceIds: at least one is required");
    for (size_t i = 0; i < list.n; i++) {
        bool known = false;
        if (!trace_id_read(texts[i], out->ids[out->n])) {
            out->bad[out->n_bad++] = texts[i];
            continue;
        }
        for (size_t k = 0; k < out->n; k++)
            known = known ||
                    memcmp(out->ids[k], out->ids[out->n], STORE_TRACE_ID) == 0;
        out->n += !known;
    }
    return 0;
}

int call_token(struct call *c, struct token *out, bool *found)
{
    struct slice text = SLICE("");
    *found = false;
    if (params_text(&c->params, "NextToken", &text, &c->err) < 0)
        return -1;
    if (text.n == 0)
        return 0;
    if (!token_read(c->query->secret, token_query(c->path, &c->params), text,
                    out))
        return err_set(&c->err, "NextToken is not one of this query");
    *found = true;
    return 0;
}

void call_put_token(struct call *c, const struct token *t)
{
    char text[TOKEN_TEXT];
    token_write(c->query->secret, token_query(c->path, &c->params), t, text);
    member_text(&c->j, "NextToken", slice_str(text));
}

void call_read(struct call *c, struct store_query *q,
               bool (*each)(void *arg, const struct store_trace *t,
                            int64_t epoch),
               void (*finish)(struct call *c, uint64_t count))
{
    struct store_condition conditions[STORE_CONDITIONS_MAX];
    q->from = c->from;
    q->to = c->to;
    q->conditions = conditions;
    q->n_conditions = c->filter && !c->looks_at_all
                          ? conditions_of(c->filter, conditions)
                          : 0;
    q->each = each;
    q->done = on_read;
    q->arg = c;
    c->finish = finish;
    if (!store_query(c->query->o.store, q))
        call_busy(c);
}

/* What the store can tell from its rows; the rest the filter decides. */
static size_t conditions_of(const struct filter *f, struct store_condition *out)
{
    size_t n, used = 0;
    const struct filter_condition *c = filter_conditions(f, &n);
    for (size_t i = 0; i < n && used < STORE_CONDITIONS_MAX; i++)
        used += condition_of(&c[i], &out[used]);
    return used;
}

static bool condition_of(const struct filter_condition *f,
                         struct store_condition *out)
{
    *out = (struct store_condition){
        .want = f->want, .low = f->low, .high = f->high, .text = f->key};
    out->annotation = (struct store_annotation){
        .key = f->key,
        .text = f->text,
        .kind = (enum store_value_kind)f->value_kind,
        .number = f->value_kind == VALUE_BOOL ? f->boolean : f->number};
    switch (f->kind) {
    case CONDITION_FAULT:
        out->flag = STORE_FAULT;
        return true;
    case CONDITION_ERROR:
        out->flag = STORE_ERROR;
        return true;
    case CONDITION_THROTTLE:
        out->flag = STORE_THROTTLE;
        return true;
    case CONDITION_PARTIAL:
        out->flag = STORE_PARTIAL;
        return true;
    case CONDITION_STATUS:
        out->kind = WHERE_STATUS;
        return true;
    case CONDITION_DURATION:
        out->kind = WHERE_DURATION;
        return true;
    case CONDITION_RESPONSE_TIME:
        out->kind = WHERE_RESPONSE_TIME;
        return true;
    case CONDITION_ANNOTATION:
        out->kind = WHERE_ANNOTATION;
        return true;
    case CONDITION_SERVICE:
        out->kind = WHERE_SERVICE;
        return true;
    }
    return false;
}

static void on_read(void *arg, uint64_t count, bool failed)
{
    struct call *c = arg;
    if (failed) {
        call_error(c, 500, "InternalFailure", "the store could not be read");
    } else if (c->out_of_budget) {
        err_set(&c->err, "the filter takes too long over so many traces: "
                         "narrow the time range");
        call_invalid(c);
    } else if (!c->request) {
        call_free(c);
    } else {
        c->finish(c, count);
    }
}

struct trace *call_assemble(struct call *c, const struct store_trace *t)
{
    struct trace_document *d;
    arena_reset(&c->scratch);
    d = arena_alloc(&c->scratch, t->n * sizeof(*d));
    char *id = arena_alloc(&c->scratch, TRACE_ID_TEXT);
    if (!d || !id)
        return NULL;
    for (size_t i = 0; i < t->n; i++)
        d[i].body = t->bodies[i];
    trace_id_write(t->id, id);
    struct trace *whole = trace_assemble(slice_str(id), d, t->n, &c->scratch);
    if (whole) {
        whole->revision = t->revision;
        whole->limit_exceeded = t->limit_exceeded;
    }
    return whole;
}

bool call_matches(struct call *c, const struct trace *t)
{
    if (!c->filter)
        return true;
    bool fits = filter_match(c->filter, t, &c->budget);
    c->out_of_budget = c->budget == 0;
    return fits && !c->out_of_budget;
}

double call_now(void)
{
    return (double)clock_wall_ms() / 1e3;
}
