/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thin face over SQLite, so that its names appear in db.c only. One
 * connection, used by one thread.
 */
#ifndef XR_STORE_DB_H
#define XR_STORE_DB_H

#include <stdint.h>

#include "xr/err.h"
#include "xr/slice.h"

enum db_result {
    DB_ROW,
    DB_DONE,
    DB_FULL,    /* no room on the disk, or it does not take writes */
    DB_DAMAGED, /* the file is no database any more */
    DB_FAILED,  /* anything else; db_error says what */
};

struct db;
struct db_statement;

/* Opens or makes the file, or ":memory:"; to read only, one that is there.
 * NULL with the reason; *why tells whether the file is damaged. */
struct db *db_open(const char *path, bool read_only, enum db_result *why,
                   struct err *err);
void db_close(struct db *d); /* NULL is fine */
/* What went wrong last. */
const char *db_error(const struct db *d);
/* Runs statements without parameters: DB_DONE or a failure. */
enum db_result db_exec(struct db *d, const char *sql);
/* The first column of the first row of a statement, -1 if there is none. */
int64_t db_number(struct db *d, const char *sql);

/* Statements live as long as the connection, if not dropped. NULL when it
 * cannot be made. */
struct db_statement *db_prepare(struct db *d, const char *sql);
void db_drop(struct db_statement *s); /* NULL is fine */
/* Parameters count from 1; bytes are borrowed until the statement is over. */
void db_bind_blob(struct db_statement *s, int i, const void *p, size_t n);
void db_bind_text(struct db_statement *s, int i, struct slice text);
void db_bind_int(struct db_statement *s, int i, int64_t v);
void db_bind_real(struct db_statement *s, int i, double v);
/* After anything but DB_ROW the statement is reset and its parameters are
 * forgotten. */
enum db_result db_step(struct db_statement *s);
/* Steps a statement that gives no rows. */
enum db_result db_run(struct db_statement *s);
void db_reset(struct db_statement *s);
/* Columns count from 0; texts and blobs are good until the next step. */
struct slice db_bytes(struct db_statement *s, int i);
int64_t db_int(struct db_statement *s, int i);
double db_real(struct db_statement *s, int i);

#endif
