/* SPDX-License-Identifier: Apache-2.0 */
/* The worker thread and the parts of its work. */
#ifndef XR_STORE_WORKER_H
#define XR_STORE_WORKER_H

#include "job.h"
#include "queue.h"
#include "sql.h"

/* Jobs that may wait for the worker: batches are bounded by bytes. */
#define QUEUE_MAX (STORE_REQUESTS_MAX + 64)
/* One trace with its documents, and what the index function makes of it. */
#define TRACE_ARENA_MAX (256u << 20)
#define OLD_LOT 200

struct worker {
    struct store_options options;
    char *path;
    int lock_fd;
    struct queue in, out;
    pthread_t thread;

    /* Worker only. */
    struct sql_file file;
    struct arena arena; /* one trace */
    struct reading *readings, *last_reading;
    struct batch *kept_back, *last_kept_back; /* the disk is full */
    unsigned n_kept_back;
    int64_t retry_ms, retain_ms, measure_ms;
    bool changed;    /* since it was measured */
    bool shrinking;  /* was too large, and is not yet small enough */
    bool told_large; /* the log has been told that the size deletes traces */

    /* Both. */
    pthread_mutex_t lock;
    struct store_health health;
    struct err note; /* for the log; "" */
};

void worker_init(struct worker *w, const struct store_options *o);
void worker_fini(struct worker *w);
/* On the loop: opens the file, calls on_kept, starts the thread. */
bool worker_start(struct worker *w, struct err *err);
/* On the loop, after JOB_STOP has come back. */
void worker_join(struct worker *w);
/* Leaves a line for the log. */
void worker_note(struct worker *w, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* files.c: folders, lock, damage. */
bool files_prepare(struct worker *w, struct err *err);
bool files_is_memory(const char *path);
/* Opens the file; a damaged one is put aside for a new one. */
enum db_result files_open(struct worker *w, struct err *err);

/* write.c: one batch in one transaction. */
enum db_result write_batch(struct worker *w, struct batch *b);
enum db_result write_delete(struct worker *w, const uint8_t *id);

/* read.c: true when the reading is over. */
bool read_step(struct worker *w, struct reading *r);
/* Loads a trace into the worker's arena. DB_ROW, or DB_DONE if there is
 * none. */
enum db_result read_trace(struct worker *w, const uint8_t *id,
                          struct store_trace *out, int64_t *epoch);

/* retain.c: deletes what is too much or too old; true if there is more. */
bool retain_step(struct worker *w, int64_t now_s);
void retain_measure(struct worker *w);

#endif
