/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop's side of the store: fills batches, hands jobs to the worker, and
 * calls back when they have come home. Never waits for the worker but while
 * opening and closing.
 */
#include "xr/store.h"

#include <stdlib.h>

#include "worker.h"
#include "xr/log.h"

#define FILL_MS 100
/* Documents that wait for the worker; more are refused. */
#define WAITING_BYTES_MAX (16u << 20)
#define CHANGE_BYTES_MAX (4u << 20)
#define NAME_BYTES_MAX 1024
#define TOLD_BYTES_MAX (8u << 20)
#define STOP_WAIT_MS 1000

/* Who waits until a batch is written. */
struct waiter {
    struct waiter *next;
    uint64_t batch;
    void (*done)(void *arg, bool kept);
    void *arg;
};

struct store {
    struct worker worker;
    struct loop *loop;
    struct watch *watch;
    struct timer *fill;
    struct batch *batch; /* filling; NULL: none begun */
    size_t waiting_bytes;
    uint64_t waiting;  /* documents */
    unsigned requests; /* queries and changes under way */
    unsigned batches;  /* under way */
    uint64_t batch_number;
    struct waiter *waiters, *last_waiter; /* by number of batch */
};

static struct batch *batch_new(struct store *s);
static void wake_waiters(struct store *s, uint64_t number, bool kept);
static void batch_free(struct batch *b);
static void send_batch(void *arg);
static void on_wake(void *arg, int fd, bool readable, bool writable);
static void show_note(struct store *s);
static void come_home(struct store *s, struct job *j);
static void batch_home(struct store *s, struct batch *b);
static void reading_home(struct store *s, struct reading *r);
static void change_home(struct store *s, struct change *c);
static bool copy_query(struct reading *r, const struct store_query *q);
static bool copy_slice(struct arena *a, struct slice *s);
static struct change *change_new(enum job_kind kind,
                                 void (*done)(void *arg, bool kept), void *arg);
static bool send_change(struct store *s, struct change *c);
static void drop(struct store *s);

struct store *store_open(struct loop *l, const struct store_options *o,
                         struct err *err)
{
    struct store *s = calloc(1, sizeof(*s));
    if (!s) {
        err_set(err, "store: out of memory");
        return NULL;
    }
    s->loop = l;
    worker_init(&s->worker, o);
    if (!worker_start(&s->worker, err)) {
        drop(s);
        return NULL;
    }
    s->fill = timer_new(l, send_batch, s);
    s->watch = watch_new(l, queue_fd(&s->worker.out), on_wake, s);
    watch_set(s->watch, true, false);
    show_note(s);
    return s;
}

void store_close(struct store *s)
{
    if (!s)
        return;
    struct job end = {.kind = JOB_STOP}, *j;
    send_batch(s);
    s->worker.options.on_tally = NULL;
    s->worker.options.on_change = NULL;
    if (queue_put(&s->worker.in, &end)) {
        while ((j = queue_take(&s->worker.out, STOP_WAIT_MS)) != &end)
            if (j)
                come_home(s, j);
        worker_join(&s->worker);
    }
    show_note(s);
    wake_waiters(s, UINT64_MAX, false);
    batch_free(s->batch);
    timer_free(s->fill);
    watch_free(s->watch);
    drop(s);
}

static void drop(struct store *s)
{
    worker_fini(&s->worker);
    free(s);
}

bool store_put(struct store *s, const struct store_document *d)
{
    size_t bytes = d->body.n + d->name.n;
    if (!store_has_room(s, bytes))
        return false;
    if (s->batch && (s->batch->n == BATCH_DOCUMENTS ||
                     s->batch->bytes.n + bytes > BATCH_BYTES))
        send_batch(s);
    if (!s->batch && !(s->batch = batch_new(s)))
        return false;
    struct batch *b = s->batch;
    size_t body_at = b->bytes.n, name_at = body_at + d->body.n;
    buf_append(&b->bytes, d->body);
    buf_append(&b->bytes, d->name);
    if (b->bytes.failed) {
        b->bytes.failed = false;
        b->bytes.n = body_at;
        return false;
    }
    b->documents[b->n] = (struct batch_document){*d, name_at, body_at, b->n};
    b->n++;
    s->waiting++;
    s->waiting_bytes += bytes;
    if (!timer_running(s->fill))
        timer_start(s->fill, FILL_MS);
    return true;
}

bool store_has_room(const struct store *s, size_t bytes)
{
    return s->waiting_bytes + bytes <= WAITING_BYTES_MAX &&
           s->batches < QUEUE_MAX - STORE_REQUESTS_MAX - 1;
}

uint64_t store_pending(const struct store *s)
{
    return s->waiting;
}

/* The batch goes even if it is empty: what waits came with the ones before,
 * and batches are written in order. */
void store_flush(struct store *s, void (*done)(void *arg, bool kept), void *arg)
{
    struct waiter *w = done ? calloc(1, sizeof(*w)) : NULL;
    if (done && !s->batch)
        s->batch = batch_new(s);
    if (done && (!w || !s->batch)) {
        free(w);
        done(arg, false);
        return;
    }
    if (w) {
        *w = (struct waiter){NULL, s->batch->number, done, arg};
        *(s->last_waiter ? &s->last_waiter->next : &s->waiters) = w;
        s->last_waiter = w;
    }
    send_batch(s);
    if (store_health(s).full)
        wake_waiters(s, UINT64_MAX, false);
}

/* Tells those who wait for batches up to a number. */
static void wake_waiters(struct store *s, uint64_t number, bool kept)
{
    while (s->waiters && s->waiters->batch <= number) {
        struct waiter *w = s->waiters;
        s->waiters = w->next;
        if (!s->waiters)
            s->last_waiter = NULL;
        w->done(w->arg, kept);
        free(w);
    }
}

struct store_health store_health(const struct store *s)
{
    struct worker *w = (struct worker *)&s->worker;
    pthread_mutex_lock(&w->lock);
    struct store_health h = w->health;
    pthread_mutex_unlock(&w->lock);
    return h;
}

bool store_query(struct store *s, const struct store_query *q)
{
    struct reading *r = calloc(1, sizeof(*r));
    if (!r)
        return false;
    r->job.kind = JOB_QUERY;
    r->query = *q;
    arena_init(&r->arena, CHANGE_BYTES_MAX);
    if (s->requests < STORE_REQUESTS_MAX && copy_query(r, q) &&
        queue_put(&s->worker.in, &r->job)) {
        s->requests++;
        return true;
    }
    arena_fini(&r->arena);
    free(r);
    return false;
}

static bool copy_query(struct reading *r, const struct store_query *q)
{
    struct store_condition *conditions =
        arena_alloc(&r->arena, q->n_conditions * sizeof(*conditions));
    void *ids = arena_alloc(&r->arena, q->n_ids * STORE_TRACE_ID);
    if (!conditions || !ids || q->n_conditions > STORE_CONDITIONS_MAX)
        return false;
    if (q->n_ids)
        memcpy(ids, q->ids, q->n_ids * STORE_TRACE_ID);
    r->query.ids = ids;
    r->query.conditions = conditions;
    if (!copy_slice(&r->arena, &r->query.named))
        return false;
    for (size_t i = 0; i < q->n_conditions; i++) {
        conditions[i] = q->conditions[i];
        if (!copy_slice(&r->arena, &conditions[i].text) ||
            !copy_slice(&r->arena, &conditions[i].annotation.key) ||
            !copy_slice(&r->arena, &conditions[i].annotation.text))
            return false;
    }
    return true;
}

static bool copy_slice(struct arena *a, struct slice *s)
{
    s->p = arena_dup(a, *s);
    return s->p != NULL;
}

bool store_keep(struct store *s, const struct store_item *item,
                void (*done)(void *arg, bool kept), void *arg)
{
    struct change *c = change_new(JOB_KEEP, done, arg);
    if (!c)
        return false;
    c->kind = item->kind;
    buf_append(&c->name, item->name);
    buf_append(&c->body, item->body);
    return send_change(s, c);
}

bool store_forget(struct store *s, enum store_kind kind, struct slice name,
                  void (*done)(void *arg, bool kept), void *arg)
{
    struct change *c = change_new(JOB_FORGET, done, arg);
    if (!c)
        return false;
    c->kind = kind;
    buf_append(&c->name, name);
    return send_change(s, c);
}

bool store_delete(struct store *s, const uint8_t (*ids)[STORE_TRACE_ID],
                  size_t n_ids, void (*done)(void *arg, bool kept), void *arg)
{
    struct change *c = change_new(JOB_DELETE, done, arg);
    if (!c)
        return false;
    buf_append(&c->body, slice_of(ids, n_ids * STORE_TRACE_ID));
    return send_change(s, c);
}

bool store_pin(struct store *s, const uint8_t id[STORE_TRACE_ID], bool pin,
               void (*done)(void *arg, bool kept), void *arg)
{
    struct change *c = change_new(JOB_PIN, done, arg);
    if (!c)
        return false;
    c->pin = pin;
    buf_append(&c->body, slice_of(id, STORE_TRACE_ID));
    return send_change(s, c);
}

static struct change *change_new(enum job_kind kind,
                                 void (*done)(void *arg, bool kept), void *arg)
{
    struct change *c = calloc(1, sizeof(*c));
    if (!c)
        return NULL;
    c->job.kind = kind;
    c->done = done;
    c->arg = arg;
    buf_init(&c->name, NAME_BYTES_MAX);
    buf_init(&c->body, CHANGE_BYTES_MAX);
    return c;
}

static bool send_change(struct store *s, struct change *c)
{
    if (s->requests < STORE_REQUESTS_MAX && !c->name.failed &&
        !c->body.failed && queue_put(&s->worker.in, &c->job)) {
        s->requests++;
        return true;
    }
    buf_fini(&c->name);
    buf_fini(&c->body);
    free(c);
    return false;
}

static struct batch *batch_new(struct store *s)
{
    struct batch *b = calloc(1, sizeof(*b));
    if (!b)
        return NULL;
    b->job.kind = JOB_BATCH;
    b->number = s->batch_number++;
    buf_init(&b->bytes, BATCH_BYTES_MAX);
    arena_init(&b->told, TOLD_BYTES_MAX);
    return b;
}

static void batch_free(struct batch *b)
{
    if (!b)
        return;
    buf_fini(&b->bytes);
    arena_fini(&b->told);
    free(b);
}

static void send_batch(void *arg)
{
    struct store *s = arg;
    struct batch *b = s->batch;
    timer_stop(s->fill);
    if (!b)
        return;
    s->batch = NULL;
    s->batches++;
    if (queue_put(&s->worker.in, &b->job))
        return;
    /* The queue has a place for each; and if not, nothing is lost unsaid. */
    b->job.failed = true;
    b->tally = (struct store_tally){.lost = b->n};
    batch_home(s, b);
}

static void on_wake(void *arg, int fd, bool readable, bool writable)
{
    struct store *s = arg;
    struct job *j;
    (void)fd, (void)readable, (void)writable;
    queue_clear_wake(&s->worker.out);
    show_note(s);
    if (store_health(s).full)
        wake_waiters(s, UINT64_MAX, false);
    while ((j = queue_take(&s->worker.out, 0)))
        come_home(s, j);
}

static void show_note(struct store *s)
{
    struct err note;
    pthread_mutex_lock(&s->worker.lock);
    note = s->worker.note;
    s->worker.note.text[0] = '\0';
    pthread_mutex_unlock(&s->worker.lock);
    if (note.text[0])
        log_warn("%s", note.text);
}

static void come_home(struct store *s, struct job *j)
{
    switch (j->kind) {
    case JOB_BATCH:
        batch_home(s, (struct batch *)j);
        break;
    case JOB_QUERY:
        reading_home(s, (struct reading *)j);
        break;
    default:
        change_home(s, (struct change *)j);
        break;
    }
}

static void batch_home(struct store *s, struct batch *b)
{
    const struct store_options *o = &s->worker.options;
    s->batches--;
    s->waiting -= b->n;
    for (unsigned i = 0; i < b->n; i++)
        s->waiting_bytes -=
            b->documents[i].facts.body.n + b->documents[i].facts.name.n;
    if (o->on_tally && b->n > 0)
        o->on_tally(o->arg, &b->tally);
    wake_waiters(s, b->number, !b->job.failed);
    if (o->on_change && b->n_changes > 0)
        o->on_change(o->arg, b->changes, b->n_changes);
    batch_free(b);
}

static void reading_home(struct store *s, struct reading *r)
{
    s->requests--;
    r->query.done(r->query.arg, r->count, r->job.failed);
    free(r->listed);
    arena_fini(&r->arena);
    free(r);
}

static void change_home(struct store *s, struct change *c)
{
    s->requests--;
    if (c->done)
        c->done(c->arg, !c->job.failed);
    buf_fini(&c->name);
    buf_fini(&c->body);
    free(c);
}
