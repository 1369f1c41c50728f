/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The worker thread: takes jobs in order, does a slice of each reading between
 * them, and keeps the store in shape. Owns the connection. What is written
 * while the disk is full waits in memory and is tried again.
 */
#include "worker.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "xr/clock.h"

#define RETRY_MS 10000
#define RETAIN_MS 30000
#define IDLE_MS 1000
#define MEASURE_MS 1000 /* counting rows of a full store takes some ms */
/* Full batches held while the disk is full; the oldest gives way. A thousand
 * traces of eight documents. */
#define KEPT_BACK_MAX 16

static void *run(void *arg);
static bool do_job(struct worker *w, struct job *j);
static void do_batch(struct worker *w, struct batch *b);
static enum db_result write_or_renew(struct worker *w, struct batch *b);
static void keep_back(struct worker *w, struct batch *b);
static bool merge(struct batch *into, struct batch *b);
static void lose_oldest(struct worker *w);
static void try_again(struct worker *w);
static void set_full(struct worker *w, bool full);
static void do_change(struct worker *w, struct change *c);
static enum db_result do_deletes(struct worker *w, const struct change *c);
static void start_reading(struct worker *w, struct reading *r);
static void step_readings(struct worker *w);
static void tend(struct worker *w);
static void stop(struct worker *w, struct job *j);

void worker_init(struct worker *w, const struct store_options *o)
{
    *w = (struct worker){.options = *o, .lock_fd = -1};
    w->path = strdup(o->path);
    w->options.path = w->path;
    pthread_mutex_init(&w->lock, NULL);
    arena_init(&w->arena, TRACE_ARENA_MAX);
    queue_init(&w->in, QUEUE_MAX, false);
    queue_init(&w->out, QUEUE_MAX, true);
}

void worker_fini(struct worker *w)
{
    queue_fini(&w->in);
    queue_fini(&w->out);
    pthread_mutex_destroy(&w->lock);
    arena_fini(&w->arena);
    if (w->lock_fd >= 0)
        close(w->lock_fd);
    free(w->path);
}

bool worker_start(struct worker *w, struct err *err)
{
    sigset_t all, before;
    if (!w->path || queue_fd(&w->out) < 0) {
        err_set(err, "store: no memory, or no descriptor left (ulimit -n)");
        return false;
    }
    if (!files_prepare(w, err) || files_open(w, err) != DB_DONE)
        return false;
    for (int kind = 0; w->options.on_kept && kind < STORE_KINDS; kind++) {
        struct db_statement *s = sql_kept(&w->file, (enum store_kind)kind);
        while (s && db_step(s) == DB_ROW)
            w->options.on_kept(w->options.arg, (enum store_kind)kind,
                               db_bytes(s, 0), db_bytes(s, 1));
        db_drop(s);
    }
    retain_measure(w);
    /* Signals are the loop's. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int code = pthread_create(&w->thread, NULL, run, w);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (code != 0)
        err_set(err, "store: cannot start a thread: %s", strerror(code));
    if (code != 0)
        sql_close(&w->file, true);
    return code == 0;
}

void worker_join(struct worker *w)
{
    pthread_join(w->thread, NULL);
}

void worker_note(struct worker *w, const char *fmt, ...)
{
    va_list args;
    pthread_mutex_lock(&w->lock);
    va_start(args, fmt);
    vsnprintf(w->note.text, sizeof(w->note.text), fmt, args);
    va_end(args);
    pthread_mutex_unlock(&w->lock);
}

static void *run(void *arg)
{
    struct worker *w = arg;
    for (;;) {
        struct job *j = queue_take(&w->in, w->readings ? 0 : IDLE_MS);
        if (j && !do_job(w, j))
            return NULL;
        step_readings(w);
        tend(w);
    }
}

/* False when the thread is to end. */
static bool do_job(struct worker *w, struct job *j)
{
    switch (j->kind) {
    case JOB_BATCH:
        do_batch(w, (struct batch *)j);
        return true;
    case JOB_QUERY:
        start_reading(w, (struct reading *)j);
        return true;
    case JOB_KEEP:
    case JOB_FORGET:
    case JOB_DELETE:
    case JOB_PIN:
        do_change(w, (struct change *)j);
        return true;
    case JOB_STOP:
        stop(w, j);
        return false;
    }
    return true;
}

static void do_batch(struct worker *w, struct batch *b)
{
    if (w->kept_back) {
        keep_back(w, b);
        return;
    }
    enum db_result r = write_or_renew(w, b);
    w->changed = true;
    if (r == DB_FULL && !files_is_memory(w->path)) {
        set_full(w, true);
        w->retry_ms = clock_mono_ms() + RETRY_MS;
        keep_back(w, b);
        return;
    }
    if (r != DB_DONE) {
        worker_note(w, "store: %u documents are lost: %s", b->n,
                    w->file.db ? db_error(w->file.db) : "no database");
        b->job.failed = true;
        b->tally = (struct store_tally){.lost = b->n};
        b->n_changes = 0;
    }
    queue_put(&w->out, &b->job);
}

/* A file that turns out to be damaged gives way to a new one. */
static enum db_result write_or_renew(struct worker *w, struct batch *b)
{
    struct err err;
    enum db_result r = w->file.db ? write_batch(w, b) : DB_DAMAGED;
    if (r != DB_DAMAGED)
        return r;
    if (w->file.db)
        sql_close(&w->file, false);
    r = files_open(w, &err);
    return r == DB_DONE ? write_batch(w, b) : r;
}

/* Who waits for the batch is told that it is not kept, and may send again. */
static void keep_back(struct worker *w, struct batch *b)
{
    if (w->last_kept_back && merge(w->last_kept_back, b)) {
        b->job.failed = true;
        queue_put(&w->out, &b->job);
        return;
    }
    if (w->n_kept_back == KEPT_BACK_MAX)
        lose_oldest(w);
    b->job.next = NULL;
    if (w->last_kept_back)
        w->last_kept_back->job.next = &b->job;
    else
        w->kept_back = b;
    w->last_kept_back = b;
    w->n_kept_back++;
}

/* Moves the documents, if they fit: many small batches would soon be too many.
 * What is left goes home empty. */
static bool merge(struct batch *into, struct batch *b)
{
    size_t at = into->bytes.n;
    if (into->n + b->n > BATCH_DOCUMENTS ||
        into->bytes.n + b->bytes.n > BATCH_BYTES)
        return false;
    buf_append(&into->bytes, buf_slice(&b->bytes));
    if (into->bytes.failed) {
        into->bytes.failed = false;
        into->bytes.n = at;
        return false;
    }
    for (unsigned i = 0; i < b->n; i++) {
        struct batch_document d = b->documents[i];
        d.name_at += at;
        d.body_at += at;
        d.order += into->n;
        into->documents[into->n + i] = d;
    }
    into->n += b->n;
    b->n = 0;
    b->n_changes = 0;
    b->tally = (struct store_tally){0};
    return true;
}

static void lose_oldest(struct worker *w)
{
    struct batch *b = w->kept_back;
    w->kept_back = (struct batch *)b->job.next;
    if (!w->kept_back)
        w->last_kept_back = NULL;
    w->n_kept_back--;
    b->job.failed = true;
    b->tally = (struct store_tally){.lost = b->n};
    b->n_changes = 0;
    queue_put(&w->out, &b->job);
}

static void try_again(struct worker *w)
{
    while (w->kept_back) {
        struct batch *b = w->kept_back;
        if (write_or_renew(w, b) != DB_DONE) {
            w->retry_ms = clock_mono_ms() + RETRY_MS;
            return;
        }
        w->kept_back = (struct batch *)b->job.next;
        if (!w->kept_back)
            w->last_kept_back = NULL;
        w->n_kept_back--;
        queue_put(&w->out, &b->job);
    }
    set_full(w, false);
}

static void set_full(struct worker *w, bool full)
{
    if (full)
        worker_note(w,
                    "store: cannot write %s: %s; the newest traces wait in "
                    "memory, tried again each %d s",
                    w->path, db_error(w->file.db), RETRY_MS / 1000);
    else
        worker_note(w, "store: %s takes traces again", w->path);
    pthread_mutex_lock(&w->lock);
    w->health.full = full;
    pthread_mutex_unlock(&w->lock);
    queue_wake(&w->out); /* the loop writes the note to the log */
}

static void do_change(struct worker *w, struct change *c)
{
    enum db_result r = DB_FAILED;
    struct db_statement *s;
    switch (w->file.db ? c->job.kind : JOB_STOP) {
    case JOB_KEEP:
        r = sql_keep(&w->file, c->kind, buf_slice(&c->name),
                     buf_slice(&c->body));
        break;
    case JOB_FORGET:
        r = sql_forget(&w->file, c->kind, buf_slice(&c->name));
        break;
    case JOB_DELETE:
        r = do_deletes(w, c);
        retain_measure(w);
        break;
    case JOB_PIN:
        s = w->file.st[SQL_TRACE_PIN];
        db_bind_blob(s, 1, c->body.p, STORE_TRACE_ID);
        db_bind_int(s, 2, c->pin);
        r = db_run(s);
        break;
    default:
        break;
    }
    c->job.failed = r != DB_DONE;
    queue_put(&w->out, &c->job);
}

static enum db_result do_deletes(struct worker *w, const struct change *c)
{
    static const char all[] =
        "DELETE FROM doc WHERE tid IN (SELECT tid FROM trace WHERE pin = 0);"
        "DELETE FROM svc WHERE tid IN (SELECT tid FROM trace WHERE pin = 0);"
        "DELETE FROM ann WHERE tid IN (SELECT tid FROM trace WHERE pin = 0);"
        "DELETE FROM trace WHERE pin = 0;";
    enum db_result r = db_run(w->file.st[SQL_BEGIN]);
    if (r == DB_DONE && c->body.n == 0)
        r = db_exec(w->file.db, all);
    for (size_t at = 0; r == DB_DONE && at < c->body.n; at += STORE_TRACE_ID)
        r = write_delete(w, (const uint8_t *)c->body.p + at);
    if (r == DB_DONE)
        r = db_run(w->file.st[SQL_COMMIT]);
    if (r != DB_DONE)
        sql_rollback(&w->file);
    return r;
}

static void start_reading(struct worker *w, struct reading *r)
{
    r->after = NULL;
    if (w->last_reading)
        w->last_reading->after = r;
    else
        w->readings = r;
    w->last_reading = r;
}

/* A slice of the first; then it is the next one's turn. */
static void step_readings(struct worker *w)
{
    struct reading *r = w->readings;
    if (!r)
        return;
    w->readings = r->after;
    if (!w->readings)
        w->last_reading = NULL;
    if (!w->file.db)
        r->job.failed = true;
    if (!w->file.db || read_step(w, r))
        queue_put(&w->out, &r->job);
    else
        start_reading(w, r);
}

static void tend(struct worker *w)
{
    int64_t now = clock_mono_ms();
    if (w->kept_back && now >= w->retry_ms)
        try_again(w);
    if (!w->file.db || w->options.read_only)
        return;
    if (w->changed && now >= w->measure_ms) {
        retain_measure(w);
        w->changed = false;
        w->measure_ms = now + MEASURE_MS;
    }
    if (now < w->retain_ms)
        return;
    bool more = retain_step(w, clock_wall_ms() / 1000);
    w->retain_ms = now + (more ? 0 : RETAIN_MS);
    retain_measure(w);
}

/* Comes last in the queue. Readings under way fail, as their askers are about
 * to go. */
static void stop(struct worker *w, struct job *j)
{
    while (w->readings) {
        struct reading *r = w->readings;
        w->readings = r->after;
        r->job.failed = true;
        queue_put(&w->out, &r->job);
    }
    if (w->kept_back)
        try_again(w);
    while (w->kept_back)
        lose_oldest(w);
    sql_close(&w->file, !w->options.read_only);
    queue_put(&w->out, j);
}
