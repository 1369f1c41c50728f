/* SPDX-License-Identifier: Apache-2.0 */
/* The list of traces by pages, and one trace. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "api_parts.h"
#include "xr/hash.h"

#define LIMIT 200
#define LIMIT_MAX 1000
#define CURSOR_MAX 64

struct page {
    unsigned limit, n;
    bool more;
    int64_t epoch; /* of the last one written */
    uint8_t id[STORE_TRACE_ID];
};

struct one {
    bool documents, found;
};

static bool read_page(struct api_work *w, struct page *p,
                      struct store_query *q);
static bool read_cursor(struct slice text, struct store_query *q);
static bool each_row(struct api_work *w, const struct trace *t,
                     const struct store_trace *s, int64_t epoch);
static void list_done(struct api_work *w, uint64_t count);
static bool each_one(struct api_work *w, const struct trace *t,
                     const struct store_trace *s, int64_t epoch);
static void one_done(struct api_work *w, uint64_t count);

void api_list(struct api *a, struct http1_request *r)
{
    struct store_query q = {.range = RANGE_ACTIVE, .after_epoch = -1};
    struct api_work *w = api_work_new(a, r);
    if (w == NULL)
        return;
    struct page *p = calloc(1, sizeof(*p));
    if (p == NULL)
        abort();
    w->state = p;
    w->free_state = free;
    if (!read_page(w, p, &q)) {
        w->request = NULL;
        api_fail(r, 400, "limit: 1 to 1000; cursor: as it was given");
        api_work_free(w);
        return;
    }
    w->each = each_row;
    w->done = list_done;
    jw_object(&w->j);
    jw_key(&w->j, SLICE("traces"));
    jw_array(&w->j);
    api_work_start(w, &q);
}

void api_trace(struct api *a, struct http1_request *r, const uint8_t *id)
{
    struct store_query q = {.n_ids = 1, .after_epoch = -1};
    struct slice text;
    struct api_work *w = api_work_new(a, r);
    if (w == NULL)
        return;
    struct one *o = calloc(1, sizeof(*o));
    if (o == NULL)
        abort();
    w->state = o;
    w->free_state = free;
    o->documents =
        !api_param(r, "documents", &w->arena, &text) || !slice_is(text, "0");
    q.ids = (const uint8_t(*)[STORE_TRACE_ID])id;
    w->each = each_one;
    w->done = one_done;
    api_work_start(w, &q);
}

static bool read_page(struct api_work *w, struct page *p, struct store_query *q)
{
    struct slice text;
    double limit = LIMIT;
    if (api_param(w->request, "limit", &w->arena, &text) &&
        (!api_time(text, 0, &limit) || limit < 1 || limit > LIMIT_MAX))
        return false;
    p->limit = (unsigned)limit;
    return !api_param(w->request, "cursor", &w->arena, &text) || text.n == 0 ||
           read_cursor(text, q);
}

/* The place behind which the next page begins: second and id of a trace. */
static bool read_cursor(struct slice text, struct store_query *q)
{
    char copy[CURSOR_MAX];
    char *end;
    if (text.n >= sizeof(copy))
        return false;
    memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    q->after_epoch = strtoll(copy, &end, 10);
    return q->after_epoch >= 0 && *end == '.' && strlen(end + 1) == 32 &&
           hex_decode(slice_of(end + 1, 32), q->after_id, STORE_TRACE_ID);
}

/* One more than asked for tells that there is another page. */
static bool each_row(struct api_work *w, const struct trace *t,
                     const struct store_trace *s, int64_t epoch)
{
    struct page *p = w->state;
    struct row_facts facts = api_facts(s);
    if (p->n == p->limit) {
        p->more = true;
        w->seen--;
        return false;
    }
    row_write(&w->j, t, &facts, &w->scratch);
    p->n++;
    p->epoch = epoch;
    memcpy(p->id, s->id, STORE_TRACE_ID);
    return !w->out.failed;
}

static void list_done(struct api_work *w, uint64_t count)
{
    struct page *p = w->state;
    char hex[2 * STORE_TRACE_ID + 1], cursor[CURSOR_MAX];
    (void)count;
    if (w->request == NULL)
        return;
    jw_array_end(&w->j);
    jw_key(&w->j, SLICE("cursor"));
    hex_encode(p->id, STORE_TRACE_ID, hex);
    snprintf(cursor, sizeof(cursor), "%" PRId64 ".%s", p->epoch, hex);
    if (p->more)
        jw_string(&w->j, slice_str(cursor));
    else
        jw_null(&w->j);
    jw_key(&w->j, SLICE("seen"));
    jw_uint(&w->j, w->seen);
    jw_object_end(&w->j);
    api_reply(w->request, 200, &w->out);
}

static bool each_one(struct api_work *w, const struct trace *t,
                     const struct store_trace *s, int64_t epoch)
{
    struct one *o = w->state;
    struct row_facts facts = api_facts(s);
    (void)epoch;
    o->found = true;
    row_write_whole(&w->j, t, &facts, o->documents, &w->scratch);
    return true;
}

static void one_done(struct api_work *w, uint64_t count)
{
    struct one *o = w->state;
    (void)count;
    if (w->request == NULL)
        return;
    if (o->found)
        api_reply(w->request, 200, &w->out);
    else
        api_fail(w->request, 404, "there is no such trace (any more)");
}
