/* SPDX-License-Identifier: Apache-2.0 */
/* The schema and the statements that are kept prepared. */
#ifndef XR_STORE_SQL_H
#define XR_STORE_SQL_H

#include "db.h"
#include "xr/store.h"

#define SQL_VERSION 1
/* Beside enum store_flag, in the column `flags`. */
#define SQL_FLAG_LIMIT 16
#define KIND_SUBSEGMENT 1
#define KIND_IN_PROGRESS 2

enum sql {
    SQL_BEGIN,
    SQL_COMMIT,
    SQL_TRACE_GET,
    SQL_TRACE_PUT,
    SQL_TRACE_DELETE,
    SQL_TRACE_PIN,
    SQL_TRACE_OLDEST,
    SQL_DOC_PUT,
    SQL_DOC_LIST,
    SQL_DOC_DELETE,
    SQL_SVC_PUT,
    SQL_SVC_DELETE,
    SQL_ANN_PUT,
    SQL_ANN_DELETE,
    SQL_STATEMENTS,
};

/* An open file with its statements. */
struct sql_file {
    struct db *db;
    struct db_statement *st[SQL_STATEMENTS];
    bool text_index; /* there is the table doc_text */
};

/* Makes or opens the file, checks it if its last user did not end well, makes
 * or drops the index of texts. DB_DONE, or what is wrong. */
enum db_result sql_open(struct sql_file *f, const char *path, bool index_text,
                        struct err *err);
/* One that is there and that another process may write meanwhile. */
enum db_result sql_open_to_read(struct sql_file *f, const char *path,
                                struct err *err);
/* clean: the next start need not check. */
void sql_close(struct sql_file *f, bool clean);
enum db_result sql_rollback(struct sql_file *f);
/* Rows of name and body, by kind. */
struct db_statement *sql_kept(struct sql_file *f, enum store_kind kind);
enum db_result sql_keep(struct sql_file *f, enum store_kind kind,
                        struct slice name, struct slice body);
enum db_result sql_forget(struct sql_file *f, enum store_kind kind,
                          struct slice name);

#endif
