/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sink that shows traces in a terminal. Documents are kept by trace until
 * nothing has come for a while, then a trace is printed as one line (time,
 * status, duration, name, trace id) or as a tree. Keeps a bounded number of
 * documents; knows the document's fields, no protocol.
 */
#include <stdlib.h>

#include "print_tree.h"
#include "xr/arena.h"
#include "xr/clock.h"
#include "xr/print.h"

/* Ceilings of what waits to be printed. */
#define TRACES_MAX 1024
#define TRACE_BYTES_MAX (8u << 20)

struct trace {
    struct trace *next;
    struct arena arena;
    struct slice id;
    struct print_node *nodes, *last;
    unsigned n;
    int64_t due_ms;
};

struct print {
    struct sink sink;
    struct loop *loop;
    struct timer *timer;
    struct print_options options;
    struct trace *traces; /* oldest first */
    unsigned n_traces;
    uint64_t waiting; /* documents */
};

static enum push_result push(struct sink *s, const struct segment *seg,
                             enum push_when_full when_full, struct err *err);
static uint64_t pending(struct sink *s);
static struct trace *find_trace(struct print *p, struct slice id);
static bool keep(struct trace *t, const struct segment *seg);
static void on_timer(void *arg);
static void print_trace(struct print *p, struct trace *t);
static void free_trace(struct print *p, struct trace **at);

struct print *print_new(struct loop *l, const struct print_options *o)
{
    struct print *p = calloc(1, sizeof(*p));
    if (p == NULL)
        return NULL;
    p->sink.name = "print";
    p->sink.push = push;
    p->sink.pending = pending;
    p->loop = l;
    p->options = *o;
    p->timer = timer_new(l, on_timer, p);
    return p;
}

struct sink *print_sink(struct print *p)
{
    return &p->sink;
}

void print_flush(struct print *p)
{
    while (p->traces != NULL) {
        print_trace(p, p->traces);
        free_trace(p, &p->traces);
    }
    fflush(p->options.out);
}

void print_free(struct print *p)
{
    if (p == NULL)
        return;
    while (p->traces != NULL)
        free_trace(p, &p->traces);
    timer_free(p->timer);
    free(p);
}

static enum push_result push(struct sink *s, const struct segment *seg,
                             enum push_when_full when_full, struct err *err)
{
    struct print *p = (struct print *)s;
    (void)when_full;
    (void)err;
    ++*s->made;
    struct trace *t = find_trace(p, seg->trace_id);
    if (t == NULL || !keep(t, seg)) {
        ++*s->dropped;
        return PUSH_ACCEPTED;
    }
    p->waiting++;
    t->due_ms = clock_mono_ms() + p->options.settle_ms;
    if (!timer_running(p->timer))
        timer_start(p->timer, p->options.settle_ms);
    return PUSH_ACCEPTED;
}

static uint64_t pending(struct sink *s)
{
    return ((struct print *)s)->waiting;
}

/* The trace with this id, made if there is none; the oldest gives way. */
static struct trace *find_trace(struct print *p, struct slice id)
{
    struct trace **at = &p->traces;
    for (; *at != NULL; at = &(*at)->next)
        if (slice_eq((*at)->id, id))
            return *at;
    if (p->n_traces == TRACES_MAX) {
        print_trace(p, p->traces);
        free_trace(p, &p->traces);
        for (at = &p->traces; *at != NULL;)
            at = &(*at)->next;
    }
    struct trace *t = calloc(1, sizeof(*t));
    if (t == NULL)
        return NULL;
    arena_init(&t->arena, TRACE_BYTES_MAX);
    t->id = slice_of(arena_dup(&t->arena, id), id.n);
    *at = t;
    p->n_traces++;
    return t;
}

/* Copies the facts; the document itself is scanned once for what a line
 * shows. False when the trace has reached its ceiling. */
static bool keep(struct trace *t, const struct segment *seg)
{
    struct print_node *n = arena_alloc(&t->arena, sizeof(*n));
    char *copy = arena_dup(&t->arena, seg->document);
    if (n == NULL || copy == NULL ||
        !print_node_read(n, slice_of(copy, seg->document.n), &t->arena))
        return false;
    *(t->last ? &t->last->next : &t->nodes) = n;
    t->last = n;
    while (t->last->next != NULL)
        t->last = t->last->next;
    t->n++;
    return true;
}

static void on_timer(void *arg)
{
    struct print *p = arg;
    int64_t now = clock_mono_ms(), next = -1;
    struct trace **at = &p->traces;
    while (*at != NULL) {
        if ((*at)->due_ms <= now) {
            print_trace(p, *at);
            free_trace(p, at);
            continue;
        }
        if (next < 0 || (*at)->due_ms < next)
            next = (*at)->due_ms;
        at = &(*at)->next;
    }
    fflush(p->options.out);
    if (next >= 0)
        timer_start(p->timer, next - now);
}

static void print_trace(struct print *p, struct trace *t)
{
    struct print_style style = {p->options.out, p->options.colour,
                                p->options.tree};
    print_tree(&style, t->id, t->nodes, &t->arena);
    *p->sink.delivered += t->n;
    p->waiting -= t->n;
    t->n = 0;
}

/* Takes the trace out of the list; what was not printed is a loss. */
static void free_trace(struct print *p, struct trace **at)
{
    struct trace *t = *at;
    p->waiting -= t->n;
    *p->sink.dropped += t->n;
    *at = t->next;
    p->n_traces--;
    arena_fini(&t->arena);
    free(t);
}
