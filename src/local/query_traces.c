/* SPDX-License-Identifier: Apache-2.0 */
/* GetTraceSummaries and BatchGetTraces. */
#include "infer.h"
#include "query_parts.h"
#include "rebuild.h"

#define DOCUMENT_MAX (48u << 20)

enum range_type { BY_TRACE_ID, BY_EVENT, BY_SERVICE };

/* A page of summaries while it grows. */
struct page {
    enum range_type type;
    double rate; /* share of the traces to show */
    size_t n;
    struct token last; /* behind which the next page begins */
    bool more;
    /* BY_SERVICE: the store can't tell which traces are in the range, so all
     * are looked at and counted here, those of other pages too. */
    uint64_t in_range;
    bool goes_on;
    struct token first; /* goes_on: behind which this page begins */
};

/* A batch of traces while it grows. */
struct batch {
    uint8_t ids[TRACE_IDS_MAX][STORE_TRACE_ID];
    struct slice bad[TRACE_IDS_MAX];
    bool found[TRACE_IDS_MAX];
    struct trace_ids list;
    struct buf document;
};

static void get_summaries(struct call *c);
static int read_page(struct call *c, struct page *p);
static int read_sampling(struct call *c, struct page *p);
static bool add_summary(void *arg, const struct store_trace *s, int64_t epoch);
static bool is_before(const struct page *p, const struct store_trace *s,
                      int64_t epoch);
static bool in_range(const struct call *c, const struct trace *t,
                     enum range_type type, double *event);
static bool is_sampled(const struct trace *t, double rate);
static void end_summaries(struct call *c, uint64_t count);
static void get_traces(struct call *c);
static bool add_trace(void *arg, const struct store_trace *s, int64_t epoch);
static void add_segment(struct call *c, const struct trace *t,
                        const struct trace_entity *e);
static void end_traces(struct call *c, uint64_t count);
static void free_batch(struct call *c);

const struct operation operations_of_traces[] = {
    {"TraceSummaries", get_summaries, false},
    {"Traces", get_traces, false},
    {0},
};

static void get_summaries(struct call *c)
{
    struct page *p = call_state(c, sizeof(*p));
    struct slice expression = SLICE("");
    struct token token;
    bool found;
    p->rate = 1;
    if (call_range(c) < 0 || read_page(c, p) < 0 ||
        params_text(&c->params, "FilterExpression", &expression, &c->err) < 0 ||
        call_filter(c, expression) < 0 || call_token(c, &token, &found) < 0) {
        call_invalid(c);
        return;
    }
    struct store_query q = {.range = p->type == BY_TRACE_ID ? RANGE_LISTED
                                                            : RANGE_ACTIVE,
                            .after_epoch = found ? token.at : -1};
    if (found)
        memcpy(q.after_id, token.id, STORE_TRACE_ID);
    if (p->type == BY_SERVICE) {
        p->goes_on = found;
        p->first = token;
        q.after_epoch = -1;
        c->looks_at_all = true;
    }
    jw_object(&c->j);
    jw_key(&c->j, SLICE("TraceSummaries"));
    jw_array(&c->j);
    call_read(c, &q, add_summary, end_summaries);
}

static int read_page(struct call *c, struct page *p)
{
    static const char *const types[] = {"TraceId", "Event", "Service"};
    struct slice type = SLICE("TraceId");
    if (params_text(&c->params, "TimeRangeType", &type, &c->err) < 0)
        return -1;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (slice_is(type, types[i])) {
            p->type = (enum range_type)i;
            return read_sampling(c, p);
        }
    return err_set(&c->err, "TimeRangeType: TraceId, Event or Service is "
                            "expected");
}

static int read_sampling(struct call *c, struct page *p)
{
    bool wanted = false;
    struct slice strategy = SLICE(""), name = SLICE("");
    struct params inner;
    double value = 1;
    if (params_bool(&c->params, "Sampling", &wanted, &c->err) < 0 ||
        params_object(&c->params, "SamplingStrategy", &strategy, &c->err) < 0 ||
        params_read(&inner, strategy, &c->arena, &c->err) < 0 ||
        params_text(&inner, "Name", &name, &c->err) < 0 ||
        params_number(&inner, "Value", &value, &c->err) < 0)
        return -1;
    if (wanted && slice_is(name, "FixedRate"))
        p->rate = value;
    return 0;
}

/* Worker. */
static bool add_summary(void *arg, const struct store_trace *s, int64_t epoch)
{
    struct call *c = arg;
    struct page *p = c->state;
    double event = 0;
    struct trace *t = call_assemble(c, s);
    if (!t || !in_range(c, t, p->type, &event))
        return true;
    p->in_range++;
    if (p->more || is_before(p, s, epoch) || !is_sampled(t, p->rate) ||
        !call_matches(c, t))
        return !c->out_of_budget;
    if (p->n == SUMMARIES_PAGE) {
        p->more = true;
        return p->type == BY_SERVICE;
    }
    summary_write(&c->j, t, event, &c->scratch);
    p->n++;
    p->last.at = epoch;
    memcpy(p->last.id, s->id, STORE_TRACE_ID);
    return true;
}

/* Whether it was on a page before; only asked where the store has not. */
static bool is_before(const struct page *p, const struct store_trace *s,
                      int64_t epoch)
{
    if (!p->goes_on || epoch < p->first.at)
        return false;
    return epoch > p->first.at ||
           memcmp(s->id, p->first.id, STORE_TRACE_ID) >= 0;
}

/* The store has looked at the trace's own times; a segment may have ended
 * within the range or not. */
static bool in_range(const struct call *c, const struct trace *t,
                     enum range_type type, double *event)
{
    double last = 0;
    if (type == BY_TRACE_ID)
        return true;
    for (size_t i = 0; i < t->n_entities; i++) {
        const struct trace_entity *e = t->entities[i];
        if (trace_is_segment(e) && !e->in_progress && e->end >= c->from &&
            e->end < c->to && e->end > last)
            last = e->end;
    }
    if (type == BY_EVENT)
        *event = last > 0 ? last : t->start;
    return type == BY_EVENT || last > 0;
}

/* The same traces at the same rate, on each page. */
static bool is_sampled(const struct trace *t, double rate)
{
    double share = (double)(infer_hash(t->id) >> 11) / (double)(1ull << 53);
    return rate >= 1 || share < rate;
}

static void end_summaries(struct call *c, uint64_t count)
{
    struct page *p = c->state;
    jw_array_end(&c->j);
    member_number(&c->j, "ApproximateTime", call_now());
    member_int(&c->j, "TracesProcessedCount",
               (int64_t)(p->type == BY_SERVICE ? p->in_range : count));
    if (p->more)
        call_put_token(c, &p->last);
    jw_object_end(&c->j);
    call_reply(c);
}

static void get_traces(struct call *c)
{
    struct batch *b = call_state(c, sizeof(*b));
    buf_init(&b->document, DOCUMENT_MAX);
    c->fini = free_batch;
    b->list = (struct trace_ids){b->ids, b->bad, TRACE_IDS_MAX, 0, 0};
    if (call_trace_ids(c, &b->list) < 0) {
        call_invalid(c);
        return;
    }
    jw_object(&c->j);
    jw_key(&c->j, SLICE("Traces"));
    jw_array(&c->j);
    struct store_query q = {
        .ids = (const void *)b->ids, .n_ids = b->list.n, .after_epoch = -1};
    if (b->list.n == 0)
        end_traces(c, 0);
    else
        call_read(c, &q, add_trace, end_traces);
}

/* Worker. */
static bool add_trace(void *arg, const struct store_trace *s, int64_t epoch)
{
    struct call *c = arg;
    struct batch *b = c->state;
    struct trace *t = call_assemble(c, s);
    (void)epoch;
    if (!t)
        return true;
    for (size_t i = 0; i < b->list.n; i++)
        if (memcmp(b->ids[i], s->id, STORE_TRACE_ID) == 0)
            b->found[i] = true;
    jw_object(&c->j);
    member_text(&c->j, "Id", t->id);
    member_number(&c->j, "Duration", t->duration);
    member_bool(&c->j, "LimitExceeded", t->limit_exceeded);
    jw_key(&c->j, SLICE("Segments"));
    jw_array(&c->j);
    for (size_t i = 0; i < t->n_entities; i++)
        if (trace_is_segment(t->entities[i]) || t->entities[i]->orphan)
            add_segment(c, t, t->entities[i]);
    jw_array_end(&c->j);
    jw_object_end(&c->j);
    return true;
}

static void add_segment(struct call *c, const struct trace *t,
                        const struct trace_entity *e)
{
    struct batch *b = c->state;
    buf_clear(&b->document);
    rebuild_document(t, e, &b->document);
    c->out.failed = c->out.failed || b->document.failed;
    jw_object(&c->j);
    member_text(&c->j, "Id", e->id);
    member_text(&c->j, "Document", buf_slice(&b->document));
    jw_object_end(&c->j);
}

static void end_traces(struct call *c, uint64_t count)
{
    struct batch *b = c->state;
    (void)count;
    jw_array_end(&c->j);
    jw_key(&c->j, SLICE("UnprocessedTraceIds"));
    jw_array(&c->j);
    for (size_t i = 0; i < b->list.n; i++) {
        char text[TRACE_ID_TEXT];
        trace_id_write(b->ids[i], text);
        if (!b->found[i])
            jw_string(&c->j, slice_str(text));
    }
    for (size_t i = 0; i < b->list.n_bad; i++)
        jw_string(&c->j, b->bad[i]);
    jw_array_end(&c->j);
    jw_object_end(&c->j);
    call_reply(c);
}

static void free_batch(struct call *c)
{
    buf_fini(&((struct batch *)c->state)->document);
}
