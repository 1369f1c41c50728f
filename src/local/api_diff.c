/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /api/diff: the spans of two traces side by side, paired by their path: a
 * span's path is that of its parent, its name, and the how-manieth child of
 * that name it is.
 */
#include <stdlib.h>

#include "api_parts.h"

#define NAME_MAX_BYTES 200
#define SPANS_MAX 20000

struct span {
    char name[NAME_MAX_BYTES];
    int parent, depth;
    unsigned occurrence; /* among the children of its parent by that name */
    double start, took;  /* seconds; took -1: running */
    enum trace_class class;
    int status;
    bool service; /* a segment, also an inferred one */
    int pair;     /* index in the other side; -1: none */
};

struct side {
    struct span *spans;
    struct span **sorted; /* by parent, name, occurrence */
    size_t n;
    bool found;
    struct buf row; /* JSON */
};

struct diff {
    uint8_t ids[2][STORE_TRACE_ID];
    struct side sides[2];
};

/* A service's call, for the totals. */
struct call {
    const char *name;
    double took;
    int side;
};

static bool read_ids(struct api_work *w, struct diff *d);
static bool each_trace(struct api_work *w, const struct trace *t,
                       const struct store_trace *s, int64_t epoch);
static void read_side(struct side *x, const struct trace *t, struct arena *a);
static void number_children(struct side *x);
static void diff_done(struct api_work *w, uint64_t count);
static void diff_free(void *state);
static int by_path(const void *a, const void *b);
static int compare_siblings(const struct span *x, const struct span *y);
static void pair_up(struct side *a, struct side *b);
static int find(const struct side *x, const struct span *wanted);
static void write_rows(struct jw *j, const struct diff *d);
static void write_added(struct jw *j, const struct diff *d, int parent);
static void write_pair(struct jw *j, const struct diff *d, int a, int b);
static void write_span(struct jw *j, const char *key, const struct side *x,
                       int i);
static void write_totals(struct jw *j, const struct diff *d);
static void write_total(struct jw *j, const char *key, unsigned calls,
                        double time);
static int by_name(const void *a, const void *b);

void api_diff(struct api *a, struct http1_request *r)
{
    struct store_query q = {.n_ids = 2, .after_epoch = -1};
    struct api_work *w = api_work_new(a, r);
    if (w == NULL)
        return;
    struct diff *d = calloc(1, sizeof(*d));
    if (d == NULL)
        abort();
    buf_init(&d->sides[0].row, 1u << 20);
    buf_init(&d->sides[1].row, 1u << 20);
    w->state = d;
    w->free_state = diff_free;
    if (!read_ids(w, d)) {
        w->request = NULL;
        api_fail(r, 400, "a and b: two trace ids");
        api_work_free(w);
        return;
    }
    w->each = each_trace;
    w->done = diff_done;
    q.ids = (const uint8_t(*)[STORE_TRACE_ID])d->ids;
    api_work_start(w, &q);
}

static bool read_ids(struct api_work *w, struct diff *d)
{
    struct slice a, b;
    return api_param(w->request, "a", &w->arena, &a) &&
           trace_id_read(a, d->ids[0]) &&
           api_param(w->request, "b", &w->arena, &b) &&
           trace_id_read(b, d->ids[1]);
}

/* Worker. A trace may stand on both sides. */
static bool each_trace(struct api_work *w, const struct trace *t,
                       const struct store_trace *s, int64_t epoch)
{
    struct diff *d = w->state;
    struct row_facts facts = api_facts(s);
    (void)epoch;
    for (int i = 0; i < 2; i++) {
        struct jw j;
        if (d->sides[i].found || memcmp(d->ids[i], s->id, STORE_TRACE_ID) != 0)
            continue;
        read_side(&d->sides[i], t, &w->scratch);
        jw_init(&j, &d->sides[i].row);
        row_write(&j, t, &facts, &w->scratch);
    }
    return true;
}

static void read_side(struct side *x, const struct trace *t, struct arena *a)
{
    struct row_place *places = row_places(t, a);
    size_t n = t->n_entities < SPANS_MAX ? t->n_entities : SPANS_MAX;
    x->found = true;
    x->spans = calloc(n + 1, sizeof(*x->spans));
    for (size_t i = 0; x->spans != NULL && places != NULL && i < n; i++) {
        const struct trace_entity *e = t->entities[i];
        struct span *s = &x->spans[x->n++];
        size_t len =
            e->name.n < NAME_MAX_BYTES - 1 ? e->name.n : NAME_MAX_BYTES - 1;
        if (len > 0)
            memcpy(s->name, e->name.p, len);
        s->parent = places[i].parent;
        s->depth = places[i].depth;
        s->start = e->start - t->start;
        s->took = e->in_progress ? -1 : e->end - e->start;
        s->class = e->class;
        s->status = e->http.status;
        s->service = trace_is_segment(e);
        s->pair = -1;
    }
    number_children(x);
}

/* Siblings of one name are numbered in the order in which they stand. */
static void number_children(struct side *x)
{
    x->sorted = malloc((x->n + 1) * sizeof(*x->sorted));
    for (size_t i = 0; x->sorted != NULL && i < x->n; i++)
        x->sorted[i] = &x->spans[i];
    if (x->sorted == NULL) {
        x->n = 0;
        return;
    }
    qsort(x->sorted, x->n, sizeof(struct span *), by_path);
    for (size_t i = 1; i < x->n; i++)
        if (x->sorted[i]->parent == x->sorted[i - 1]->parent &&
            strcmp(x->sorted[i]->name, x->sorted[i - 1]->name) == 0)
            x->sorted[i]->occurrence = x->sorted[i - 1]->occurrence + 1;
}

/* Before they are numbered: all 0, so that the place in the list decides. */
static int by_path(const void *a, const void *b)
{
    const struct span *x = *(struct span *const *)a;
    const struct span *y = *(struct span *const *)b;
    int order = compare_siblings(x, y);
    return order != 0 ? order : (x > y) - (x < y);
}

static int compare_siblings(const struct span *x, const struct span *y)
{
    if (x->parent != y->parent)
        return x->parent < y->parent ? -1 : 1;
    int order = strcmp(x->name, y->name);
    if (order != 0)
        return order;
    return (x->occurrence > y->occurrence) - (x->occurrence < y->occurrence);
}

static void diff_done(struct api_work *w, uint64_t count)
{
    struct diff *d = w->state;
    struct jw *j = &w->j;
    (void)count;
    if (w->request == NULL)
        return;
    if (!d->sides[0].found || !d->sides[1].found) {
        api_fail(w->request, 404,
                 d->sides[0].found ? "there is no trace b"
                                   : "there is no "
                                     "trace a");
        return;
    }
    pair_up(&d->sides[0], &d->sides[1]);
    jw_object(j);
    jw_key(j, SLICE("a"));
    jw_raw(j, buf_slice(&d->sides[0].row));
    jw_key(j, SLICE("b"));
    jw_raw(j, buf_slice(&d->sides[1].row));
    write_rows(j, d);
    write_totals(j, d);
    jw_object_end(j);
    api_reply(w->request, 200, &w->out);
}

static void diff_free(void *state)
{
    struct diff *d = state;
    for (int i = 0; i < 2; i++) {
        free(d->sides[i].spans);
        free(d->sides[i].sorted);
        buf_fini(&d->sides[i].row);
    }
    free(d);
}

/* Parents stand before children, so a pair's parents are a pair. */
static void pair_up(struct side *a, struct side *b)
{
    for (size_t i = 0; i < a->n; i++) {
        struct span wanted = a->spans[i];
        if (wanted.parent >= 0)
            wanted.parent = a->spans[wanted.parent].pair;
        else
            wanted.parent = -1;
        if (a->spans[i].parent >= 0 && wanted.parent < 0)
            continue;
        int found = find(b, &wanted);
        a->spans[i].pair = found;
        if (found >= 0)
            b->spans[found].pair = (int)i;
    }
}

static int find(const struct side *x, const struct span *wanted)
{
    size_t low = 0, high = x->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_siblings(wanted, x->sorted[middle]);
        if (order == 0)
            return (int)(x->sorted[middle] - x->spans);
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return -1;
}

/* As they stand in a; what only b has comes behind all that its parent has
 * in a. */
static void write_rows(struct jw *j, const struct diff *d)
{
    const struct side *a = &d->sides[0];
    int open = -1; /* the span written last, or one above it */
    jw_key(j, SLICE("rows"));
    jw_array(j);
    for (size_t i = 0; i <= a->n; i++) {
        int parent = i < a->n ? a->spans[i].parent : -1;
        for (; open >= 0 && open != parent; open = a->spans[open].parent)
            if (a->spans[open].pair >= 0)
                write_added(j, d, a->spans[open].pair);
        if (i == a->n)
            break;
        write_pair(j, d, (int)i, a->spans[i].pair);
        open = (int)i;
    }
    write_added(j, d, -1);
    jw_array_end(j);
}

/* Children that only b has, with all below them. */
static void write_added(struct jw *j, const struct diff *d, int parent)
{
    const struct side *b = &d->sides[1];
    int depth = parent < 0 ? -1 : b->spans[parent].depth;
    for (size_t i = (size_t)(parent + 1); i < b->n; i++) {
        const struct span *s = &b->spans[i];
        if (s->depth <= depth)
            break;
        if (s->pair >= 0 || s->parent != parent)
            continue;
        int top = s->depth;
        write_pair(j, d, -1, (int)i);
        while (i + 1 < b->n && b->spans[i + 1].depth > top)
            write_pair(j, d, -1, (int)++i);
    }
}

static void write_pair(struct jw *j, const struct diff *d, int a, int b)
{
    const struct span *x = a < 0 ? NULL : &d->sides[0].spans[a];
    const struct span *y = b < 0 ? NULL : &d->sides[1].spans[b];
    const struct span *any = x != NULL ? x : y;
    const char *change = x == NULL   ? "added"
                         : y == NULL ? "removed"
                         : x->class == y->class && x->status == y->status
                             ? "same"
                             : "changed";
    jw_object(j);
    jw_key(j, SLICE("depth"));
    jw_int(j, any->depth);
    jw_key(j, SLICE("name"));
    jw_string(j, slice_str(any->name));
    jw_key(j, SLICE("change"));
    jw_string(j, slice_str(change));
    write_span(j, "a", &d->sides[0], a);
    write_span(j, "b", &d->sides[1], b);
    jw_object_end(j);
}

static void write_span(struct jw *j, const char *key, const struct side *x,
                       int i)
{
    jw_key(j, slice_str(key));
    if (i < 0) {
        jw_null(j);
        return;
    }
    const struct span *s = &x->spans[i];
    jw_object(j);
    jw_key(j, SLICE("row"));
    jw_int(j, i);
    jw_key(j, SLICE("start"));
    row_seconds(j, s->start);
    jw_key(j, SLICE("duration"));
    row_seconds(j, s->took);
    jw_key(j, SLICE("class"));
    jw_string(j, slice_str(row_class(s->class)));
    jw_key(j, SLICE("status"));
    if (s->status != 0)
        jw_int(j, s->status);
    else
        jw_null(j);
    jw_object_end(j);
}

static void write_totals(struct jw *j, const struct diff *d)
{
    size_t n = 0, i, k;
    struct call *calls =
        malloc((d->sides[0].n + d->sides[1].n + 1) * sizeof(*calls));
    for (int side = 0; calls != NULL && side < 2; side++)
        for (i = 0; i < d->sides[side].n; i++)
            if (d->sides[side].spans[i].service)
                calls[n++] = (struct call){d->sides[side].spans[i].name,
                                           d->sides[side].spans[i].took, side};
    if (n > 0)
        qsort(calls, n, sizeof(*calls), by_name);
    jw_key(j, SLICE("nodes"));
    jw_array(j);
    for (i = 0; i < n; i = k) {
        unsigned count[2] = {0};
        double time[2] = {0};
        for (k = i; k < n && strcmp(calls[k].name, calls[i].name) == 0; k++) {
            count[calls[k].side]++;
            time[calls[k].side] += calls[k].took > 0 ? calls[k].took : 0;
        }
        jw_object(j);
        jw_key(j, SLICE("name"));
        jw_string(j, slice_str(calls[i].name));
        write_total(j, "a", count[0], time[0]);
        write_total(j, "b", count[1], time[1]);
        jw_object_end(j);
    }
    jw_array_end(j);
    free(calls);
}

static void write_total(struct jw *j, const char *key, unsigned calls,
                        double time)
{
    jw_key(j, slice_str(key));
    jw_object(j);
    jw_key(j, SLICE("calls"));
    jw_uint(j, calls);
    jw_key(j, SLICE("time"));
    row_seconds(j, time);
    jw_object_end(j);
}

static int by_name(const void *a, const void *b)
{
    const struct call *x = a, *y = b;
    return strcmp(x->name, y->name);
}
