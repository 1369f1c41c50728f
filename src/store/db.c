/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connection: the only file that knows SQLite. Turns its result codes into
 * the few that the store acts on. Knows no schema.
 */
#include "db.h"

#include <sqlite3.h>
#include <stdlib.h>

#define BUSY_TIMEOUT_MS 5000
#define STATEMENTS_MAX 64

struct db_statement {
    struct db *db;
    sqlite3_stmt *stmt;
};

struct db {
    sqlite3 *handle;
    struct db_statement *statements[STATEMENTS_MAX];
    size_t n;
};

static enum db_result result_of(int code);
static int bytes_of(size_t n);

struct db *db_open(const char *path, bool read_only, enum db_result *why,
                   struct err *err)
{
    struct db *d = calloc(1, sizeof(*d));
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
    flags |= read_only ? SQLITE_OPEN_READONLY
                       : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    *why = DB_FAILED;
    if (!d) {
        err_set(err, "%s: out of memory", path);
        return NULL;
    }
    int code = sqlite3_open_v2(path, &d->handle, flags, NULL);
    if (code == SQLITE_OK) {
        sqlite3_extended_result_codes(d->handle, 1);
        sqlite3_busy_timeout(d->handle, BUSY_TIMEOUT_MS);
        return d;
    }
    *why = result_of(code);
    err_set(err, "%s: %s", path, db_error(d));
    db_close(d);
    return NULL;
}

void db_close(struct db *d)
{
    if (!d)
        return;
    for (size_t i = 0; i < d->n; i++) {
        sqlite3_finalize(d->statements[i]->stmt);
        free(d->statements[i]);
    }
    sqlite3_close(d->handle);
    free(d);
}

const char *db_error(const struct db *d)
{
    return d->handle ? sqlite3_errmsg(d->handle) : "out of memory";
}

enum db_result db_exec(struct db *d, const char *sql)
{
    return result_of(sqlite3_exec(d->handle, sql, NULL, NULL, NULL));
}

int64_t db_number(struct db *d, const char *sql)
{
    sqlite3_stmt *stmt = NULL;
    int64_t v = -1;
    if (sqlite3_prepare_v2(d->handle, sql, -1, &stmt, NULL) == SQLITE_OK &&
        sqlite3_step(stmt) == SQLITE_ROW)
        v = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return v;
}

struct db_statement *db_prepare(struct db *d, const char *sql)
{
    if (d->n == STATEMENTS_MAX)
        return NULL;
    struct db_statement *s = calloc(1, sizeof(*s));
    if (!s)
        return NULL;
    s->db = d;
    if (sqlite3_prepare_v3(d->handle, sql, -1, SQLITE_PREPARE_PERSISTENT,
                           &s->stmt, NULL) != SQLITE_OK) {
        free(s);
        return NULL;
    }
    d->statements[d->n++] = s;
    return s;
}

void db_drop(struct db_statement *s)
{
    if (!s)
        return;
    struct db *d = s->db;
    for (size_t i = 0; i < d->n; i++)
        if (d->statements[i] == s)
            d->statements[i] = d->statements[--d->n];
    sqlite3_finalize(s->stmt);
    free(s);
}

void db_bind_blob(struct db_statement *s, int i, const void *p, size_t n)
{
    sqlite3_bind_blob(s->stmt, i, p, bytes_of(n), SQLITE_STATIC);
}

void db_bind_text(struct db_statement *s, int i, struct slice text)
{
    sqlite3_bind_text(s->stmt, i, text.p ? text.p : "", bytes_of(text.n),
                      SQLITE_STATIC);
}

void db_bind_int(struct db_statement *s, int i, int64_t v)
{
    sqlite3_bind_int64(s->stmt, i, v);
}

void db_bind_real(struct db_statement *s, int i, double v)
{
    sqlite3_bind_double(s->stmt, i, v);
}

enum db_result db_step(struct db_statement *s)
{
    enum db_result r = result_of(sqlite3_step(s->stmt));
    if (r != DB_ROW)
        db_reset(s);
    return r;
}

enum db_result db_run(struct db_statement *s)
{
    enum db_result r = db_step(s);
    db_reset(s);
    return r == DB_ROW ? DB_DONE : r;
}

void db_reset(struct db_statement *s)
{
    sqlite3_reset(s->stmt);
    sqlite3_clear_bindings(s->stmt);
}

struct slice db_bytes(struct db_statement *s, int i)
{
    /* The pointer first: asking for the length may convert. */
    const void *p = sqlite3_column_blob(s->stmt, i);
    return slice_of(p, (size_t)sqlite3_column_bytes(s->stmt, i));
}

int64_t db_int(struct db_statement *s, int i)
{
    return sqlite3_column_int64(s->stmt, i);
}

double db_real(struct db_statement *s, int i)
{
    return sqlite3_column_double(s->stmt, i);
}

/* A write that fails for reasons of the disk is treated as a full one: both
 * pass, and both are tried again. */
static enum db_result result_of(int code)
{
    switch (code & 0xff) {
    case SQLITE_ROW:
        return DB_ROW;
    case SQLITE_OK:
    case SQLITE_DONE:
        return DB_DONE;
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_READONLY:
        return DB_FULL;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return DB_DAMAGED;
    default:
        return DB_FAILED;
    }
}

/* Nothing that is bound comes near: documents end at 64 KB, requests at some
 * MB. */
static int bytes_of(size_t n)
{
    return n < INT32_MAX ? (int)n : INT32_MAX;
}
