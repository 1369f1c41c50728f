/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps the store within its size and age: traces whose last document came
 * longest ago go first, in lots, each a transaction of its own, so that
 * documents and queries have their turn in between.
 */
#include "worker.h"

#define KEEP_PERCENT 90
#define NEVER 1e18

static void tell_large(struct worker *w, uint64_t max);
static int64_t delete_lot(struct worker *w, double before);
static uint64_t bytes_used(struct worker *w);

/* Over the size: goes on to 90 %, so that it does not begin anew at once. */
bool retain_step(struct worker *w, int64_t now_s)
{
    uint64_t max =
        w->options.max_bytes ? w->options.max_bytes : STORE_BYTES_DEFAULT;
    int64_t age =
        w->options.max_age_s ? w->options.max_age_s : STORE_AGE_S_DEFAULT;
    uint64_t used = bytes_used(w);
    int64_t n = delete_lot(w, (double)(now_s - age));
    if (n == 0 && used > max / 100 * KEEP_PERCENT &&
        (used > max || w->shrinking)) {
        n = delete_lot(w, NEVER);
        tell_large(w, max);
    }
    w->shrinking = n > 0 && bytes_used(w) > max / 100 * KEEP_PERCENT;
    if (n > 0 && !w->shrinking)
        db_exec(w->file.db, "PRAGMA incremental_vacuum");
    return w->shrinking || n == OLD_LOT;
}

/* Once: the next traces go as silently as a full store lets them. */
static void tell_large(struct worker *w, uint64_t max)
{
    if (w->told_large)
        return;
    w->told_large = true;
    worker_note(w,
                "store: %s has its %llu MB: the traces that came first are "
                "deleted from now on to keep within them (--keep-mb)",
                w->path, (unsigned long long)(max >> 20));
}

void retain_measure(struct worker *w)
{
    int64_t traces = db_number(w->file.db, "SELECT count(*) FROM trace");
    int64_t documents = db_number(w->file.db, "SELECT count(*) FROM doc");
    uint64_t bytes = bytes_used(w);
    pthread_mutex_lock(&w->lock);
    w->health.traces = traces > 0 ? (uint64_t)traces : 0;
    w->health.documents = documents > 0 ? (uint64_t)documents : 0;
    w->health.bytes = bytes;
    pthread_mutex_unlock(&w->lock);
}

/* Deletes the oldest traces received before a time; gives how many. */
static int64_t delete_lot(struct worker *w, double before)
{
    uint8_t ids[OLD_LOT][STORE_TRACE_ID];
    struct db_statement *s = w->file.st[SQL_TRACE_OLDEST];
    int64_t n = 0;
    db_bind_real(s, 1, before);
    db_bind_int(s, 2, OLD_LOT);
    while (n < OLD_LOT && db_step(s) == DB_ROW) {
        struct slice id = db_bytes(s, 0);
        if (id.n == STORE_TRACE_ID)
            memcpy(ids[n++], id.p, STORE_TRACE_ID);
    }
    db_reset(s);
    if (n == 0 || db_run(w->file.st[SQL_BEGIN]) != DB_DONE)
        return 0;
    for (int64_t i = 0; i < n; i++)
        if (write_delete(w, ids[i]) != DB_DONE) {
            sql_rollback(&w->file);
            return 0;
        }
    if (db_run(w->file.st[SQL_COMMIT]) == DB_DONE)
        return n;
    sql_rollback(&w->file);
    return 0;
}

static uint64_t bytes_used(struct worker *w)
{
    int64_t pages = db_number(w->file.db, "PRAGMA page_count");
    int64_t spare = db_number(w->file.db, "PRAGMA freelist_count");
    int64_t size = db_number(w->file.db, "PRAGMA page_size");
    return pages > spare ? (uint64_t)((pages - spare) * size) : 0;
}
