/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Retrieval of traces: a token stands for ids, and what is retrieved is there
 * at once.
 */
#include <stdlib.h>

#include "graph.h"
#include "otlp_out.h"
#include "query_parts.h"
#include "rebuild.h"
#include "xr/hash.h"
#include "xr/log.h"

#define TOKEN_RANDOM 16 /* bytes */
#define TRACES_PAGE 5
#define SPANS_MAX 100
#define DOCUMENT_MAX (48u << 20)

struct retrieved {
    struct retrieval *retrieval;
    size_t from; /* first trace of the page */
    bool otel;   /* the format asked for */
    struct buf document;
    struct graph graph;
    bool linked; /* its traces have been asked for what links name */
};

static void start(struct call *c);
static void list(struct call *c);
static bool add_trace(void *arg, const struct store_trace *s, int64_t epoch);
static void write_document(struct call *c, const struct trace *t,
                           const struct trace_entity *e);
static int read_format(struct call *c, struct retrieved *s);
static void end_list(struct call *c, uint64_t count);
static void graph(struct call *c);
static void read_graph(struct call *c,
                       bool (*each)(void *arg, const struct store_trace *s,
                                    int64_t epoch));
static bool add_graph(void *arg, const struct store_trace *s, int64_t epoch);
static bool add_linked(void *arg, const struct store_trace *s, int64_t epoch);
static void end_graph(struct call *c, uint64_t count);
static void cancel(struct call *c);
static struct retrieved *begin(struct call *c);
static void fini(struct call *c);

const struct operation operations_of_retrieval[] = {
    {"StartTraceRetrieval", start, false},
    {"ListRetrievedTraces", list, false},
    {"GetRetrievedTracesGraph", graph, false},
    {"CancelTraceRetrieval", cancel, false},
    {0},
};

static void start(struct call *c)
{
    struct query *q = c->query;
    struct retrieval *r = calloc(1, sizeof(*r));
    uint8_t bytes[TOKEN_RANDOM];
    struct slice bad[RETRIEVED_MAX];
    struct trace_ids list = {.bad = bad, .max = RETRIEVED_MAX};
    if (!r)
        log_fatal("out of memory for the query API");
    list.ids = r->ids;
    if (call_range(c) < 0 || call_trace_ids(c, &list) < 0) {
        free(r);
        call_invalid(c);
        return;
    }
    r->n = list.n;
    random_bytes(bytes, sizeof(bytes));
    hex_encode(bytes, sizeof(bytes), r->token);
    struct retrieval **at = &q->retrievals[q->n_retrievals++ % RETRIEVALS_MAX];
    free(*at);
    *at = r;
    jw_object(&c->j);
    member_text(&c->j, "RetrievalToken", slice_str(r->token));
    jw_object_end(&c->j);
    call_reply(c);
}

static void list(struct call *c)
{
    struct retrieved *s = begin(c);
    struct token token;
    bool found;
    if (!s)
        return;
    if (call_token(c, &token, &found) < 0 || read_format(c, s) < 0) {
        call_invalid(c);
        return;
    }
    s->from = found ? (size_t)token.at : 0;
    size_t left = s->retrieval->n > s->from ? s->retrieval->n - s->from : 0;
    struct store_query q = {.ids = (const void *)(s->retrieval->ids + s->from),
                            .n_ids = left < TRACES_PAGE ? left : TRACES_PAGE,
                            .after_epoch = -1};
    jw_object(&c->j);
    jw_key(&c->j, SLICE("Traces"));
    jw_array(&c->j);
    if (q.n_ids == 0)
        end_list(c, 0);
    else
        call_read(c, &q, add_trace, end_list);
}

static int read_format(struct call *c, struct retrieved *s)
{
    struct slice format = SLICE("XRAY");
    if (params_text(&c->params, "TraceFormat", &format, &c->err) < 0)
        return -1;
    s->otel = slice_is(format, "OTEL");
    if (!s->otel && !slice_is(format, "XRAY"))
        return err_set(&c->err, "TraceFormat: XRAY or OTEL is expected");
    return 0;
}

/* Worker. */
static bool add_trace(void *arg, const struct store_trace *s, int64_t epoch)
{
    struct call *c = arg;
    struct retrieved *r = c->state;
    struct trace *t = call_assemble(c, s);
    size_t n = 0;
    (void)epoch;
    if (!t)
        return true;
    jw_object(&c->j);
    member_text(&c->j, "Id", t->id);
    member_number(&c->j, "Duration", t->duration);
    jw_key(&c->j, SLICE("Spans"));
    jw_array(&c->j);
    for (size_t i = 0; i < t->n_entities && n < SPANS_MAX; i++) {
        const struct trace_entity *e = t->entities[i];
        if (r->otel ? e->kind == TRACE_INFERRED
                    : !trace_is_segment(e) && !e->orphan)
            continue;
        write_document(c, t, e);
        c->out.failed = c->out.failed || r->document.failed;
        jw_object(&c->j);
        member_text(&c->j, "Id", e->id);
        member_text(&c->j, "Document", buf_slice(&r->document));
        jw_object_end(&c->j);
        n++;
    }
    jw_array_end(&c->j);
    jw_object_end(&c->j);
    return true;
}

static void write_document(struct call *c, const struct trace *t,
                           const struct trace_entity *e)
{
    struct retrieved *r = c->state;
    struct jw j;
    buf_clear(&r->document);
    jw_init(&j, &r->document);
    if (r->otel)
        otlp_out_span(&j, t, e, &c->scratch);
    else
        rebuild_document(t, e, &r->document);
}

static void end_list(struct call *c, uint64_t count)
{
    struct retrieved *r = c->state;
    struct token next = {.at = (int64_t)(r->from + TRACES_PAGE)};
    (void)count;
    jw_array_end(&c->j);
    member_text(&c->j, "RetrievalStatus", SLICE("COMPLETE"));
    member_text(&c->j, "TraceFormat", r->otel ? SLICE("OTEL") : SLICE("XRAY"));
    if (r->retrieval && (size_t)next.at < r->retrieval->n)
        call_put_token(c, &next);
    jw_object_end(&c->j);
    call_reply(c);
}

static void graph(struct call *c)
{
    struct retrieved *s = begin(c);
    if (!s)
        return;
    if (s->retrieval->n == 0)
        end_graph(c, 0);
    else
        read_graph(c, add_graph);
}

static void read_graph(struct call *c,
                       bool (*each)(void *arg, const struct store_trace *s,
                                    int64_t epoch))
{
    const struct retrieved *s = c->state;
    struct store_query q = {.ids = (const void *)s->retrieval->ids,
                            .n_ids = s->retrieval->n,
                            .after_epoch = -1};
    call_read(c, &q, each, end_graph);
}

/* Worker. */
static bool add_graph(void *arg, const struct store_trace *s, int64_t epoch)
{
    struct call *c = arg;
    struct trace *t = call_assemble(c, s);
    (void)epoch;
    if (t)
        graph_add(&((struct retrieved *)c->state)->graph, t);
    return true;
}

/* Worker. Once more, when it is known which traces others point to. */
static bool add_linked(void *arg, const struct store_trace *s, int64_t epoch)
{
    struct call *c = arg;
    struct trace *t = call_assemble(c, s);
    (void)epoch;
    if (t)
        graph_add_links(&((struct retrieved *)c->state)->graph, t);
    return true;
}

/* Links between the traces are edges, as in the other graphs; the lists of
 * links are empty. */
static void end_graph(struct call *c, uint64_t count)
{
    struct retrieved *r = c->state;
    (void)count;
    if (r->graph.n_links > 0 && !r->linked) {
        r->linked = true;
        read_graph(c, add_linked);
        return;
    }
    jw_object(&c->j);
    member_text(&c->j, "RetrievalStatus", SLICE("COMPLETE"));
    jw_key(&c->j, SLICE("Services"));
    jw_array(&c->j);
    for (size_t i = 0; i < r->graph.n; i++) {
        jw_object(&c->j);
        jw_key(&c->j, SLICE("Service"));
        graph_write_node(&c->j, &r->graph, i);
        member_empty_list(&c->j, "Links");
        jw_object_end(&c->j);
    }
    jw_array_end(&c->j);
    jw_object_end(&c->j);
    call_reply(c);
}

/* Forgets the token. */
static void cancel(struct call *c)
{
    struct retrieved *s = begin(c);
    if (!s)
        return;
    for (size_t i = 0; i < RETRIEVALS_MAX; i++)
        if (c->query->retrievals[i] &&
            strcmp(c->query->retrievals[i]->token, s->retrieval->token) == 0) {
            free(c->query->retrievals[i]);
            c->query->retrievals[i] = NULL;
        }
    call_reply_empty(c);
}

/* A copy of the retrieval that the token names, as the ring goes on; NULL: it
 * has been answered. */
static struct retrieved *begin(struct call *c)
{
    struct slice token = SLICE("");
    if (params_text(&c->params, "RetrievalToken", &token, &c->err) < 0) {
        call_invalid(c);
        return NULL;
    }
    for (size_t i = 0; i < RETRIEVALS_MAX; i++) {
        const struct retrieval *r = c->query->retrievals[i];
        if (!r || !slice_is(token, r->token))
            continue;
        struct retrieved *s = call_state(c, sizeof(*s));
        s->retrieval = malloc(sizeof(*r));
        if (!s->retrieval)
            log_fatal("out of memory for the query API");
        *s->retrieval = *r;
        buf_init(&s->document, DOCUMENT_MAX);
        graph_init(&s->graph);
        c->fini = fini;
        return s;
    }
    call_error(c, 404, "ResourceNotFoundException",
               "no retrieval has this token");
    return NULL;
}

static void fini(struct call *c)
{
    struct retrieved *s = c->state;
    free(s->retrieval);
    buf_fini(&s->document);
    graph_fini(&s->graph);
}
