/* SPDX-License-Identifier: Apache-2.0 */
/* The list of traces by pages. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "api_parts.h"
#include "xr/hash.h"

#define LIMIT 200
#define LIMIT_MAX 1000
#define CURSOR_MAX 64

/* A row in the text written so far. The store goes by whole seconds; in a
 * page rows are put in the order of their fractions too. */
struct row_at {
    double start;
    size_t at, n;
};

struct page {
    struct row_at rows[LIMIT_MAX];
    unsigned limit, n;
    bool more;
    int64_t epoch; /* of the last one written */
    uint8_t id[STORE_TRACE_ID];
};

static bool read_page(struct api_work *w, struct page *p,
                      struct store_query *q);
static bool read_cursor(struct slice text, struct store_query *q);
static bool each_row(struct api_work *w, const struct trace *t,
                     const struct store_trace *s, int64_t epoch);
static void list_done(struct api_work *w, uint64_t count);
static int by_start(const void *a, const void *b);

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
    size_t at = w->out.n;
    row_write(&w->j, t, &facts, &w->scratch);
    size_t comma = at < w->out.n && w->out.p[at] == ',';
    p->rows[p->n++] =
        (struct row_at){t->start, at + comma, w->out.n - at - comma};
    p->epoch = epoch;
    memcpy(p->id, s->id, STORE_TRACE_ID);
    return !w->out.failed;
}

static void list_done(struct api_work *w, uint64_t count)
{
    struct page *p = w->state;
    char hex[2 * STORE_TRACE_ID + 1], cursor[CURSOR_MAX];
    struct buf out;
    struct jw j;
    (void)count;
    if (w->request == NULL)
        return;
    buf_init(&out, API_ANSWER_MAX);
    jw_init(&j, &out);
    jw_object(&j);
    jw_key(&j, SLICE("traces"));
    jw_array(&j);
    qsort(p->rows, p->n, sizeof(p->rows[0]), by_start);
    for (unsigned i = 0; i < p->n; i++)
        jw_raw(&j, slice_of(w->out.p + p->rows[i].at, p->rows[i].n));
    jw_array_end(&j);
    jw_key(&j, SLICE("cursor"));
    hex_encode(p->id, STORE_TRACE_ID, hex);
    snprintf(cursor, sizeof(cursor), "%" PRId64 ".%s", p->epoch, hex);
    if (p->more)
        jw_string(&j, slice_str(cursor));
    else
        jw_null(&j);
    jw_key(&j, SLICE("seen"));
    jw_uint(&j, w->seen);
    jw_object_end(&j);
    api_reply(w->request, 200, &out);
    buf_fini(&out);
}

static int by_start(const void *a, const void *b)
{
    const struct row_at *x = a, *y = b;
    if (x->start != y->start)
        return x->start < y->start ? 1 : -1;
    return (x->at > y->at) - (x->at < y->at);
}
