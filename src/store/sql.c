/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Schema and SQL texts of the store. The views are the part that users may rely
 * on; tables may change with the schema's number.
 */
#include "sql.h"

#include <stdio.h>
#include <string.h>

static enum db_result settle(struct sql_file *f, const char *path,
                             struct err *err);
static bool is_foreign(struct sql_file *f, const char *path, int64_t version,
                       struct err *err);
static enum db_result check(struct sql_file *f, const char *path,
                            struct err *err);
static bool has_text_index(struct sql_file *f);
static enum db_result set_text_index(struct sql_file *f, bool wanted,
                                     struct err *err);
static enum db_result prepare(struct sql_file *f, struct err *err);

static const char settings[] = "PRAGMA page_size=8192;"
                               "PRAGMA auto_vacuum=INCREMENTAL;"
                               "PRAGMA journal_mode=WAL;"
                               "PRAGMA synchronous=NORMAL;"
                               "PRAGMA foreign_keys=OFF;"
                               "PRAGMA temp_store=MEMORY;"
                               "PRAGMA journal_size_limit=33554432;";

static const char schema[] =
    "BEGIN;"
    "CREATE TABLE doc(n INTEGER PRIMARY KEY, tid BLOB NOT NULL,"
    " id BLOB NOT NULL, parent BLOB, kind INT, start REAL, \"end\" REAL,"
    " name TEXT, recv REAL, body BLOB, UNIQUE(tid, id));"
    "CREATE TABLE trace(tid BLOB PRIMARY KEY, epoch INT, start REAL,"
    " \"end\" REAL, dur REAL, rt REAL, flags INT, status INT, method TEXT,"
    " url TEXT, entry TEXT, entry_type TEXT, spans INT, docs INT, bytes INT,"
    " recv REAL, rev INT, pin INT) WITHOUT ROWID;"
    "CREATE INDEX trace_epoch ON trace(epoch);"
    "CREATE INDEX trace_end ON trace(\"end\");"
    "CREATE INDEX trace_recv ON trace(recv);"
    "CREATE TABLE svc(tid BLOB, name TEXT, type TEXT, flags INT,"
    " PRIMARY KEY(tid, name, type)) WITHOUT ROWID;"
    "CREATE INDEX svc_name ON svc(name);"
    "CREATE TABLE ann(tid BLOB, k TEXT, vt INT, s TEXT, n REAL,"
    " PRIMARY KEY(tid, k, vt, s, n)) WITHOUT ROWID;"
    "CREATE INDEX ann_value ON ann(k, vt, s, n);"
    "CREATE TABLE grp(name TEXT PRIMARY KEY, body TEXT) WITHOUT ROWID;"
    "CREATE TABLE rule(name TEXT PRIMARY KEY, body TEXT) WITHOUT ROWID;"
    "CREATE TABLE meta(name TEXT PRIMARY KEY, body TEXT) WITHOUT ROWID;"
    "CREATE VIEW v_traces AS SELECT"
    " '1-' || substr(lower(hex(tid)), 1, 8) || '-' ||"
    " substr(lower(hex(tid)), 9) AS trace_id, start, dur AS duration,"
    " nullif(rt, -1) AS response_time, flags & 1 AS fault,"
    " (flags >> 1) & 1 AS error, (flags >> 2) & 1 AS throttle,"
    " (flags >> 3) & 1 AS partial, status, method, url, entry, entry_type,"
    " spans, docs AS documents, bytes, recv AS received, rev AS revision,"
    " pin AS pinned FROM trace;"
    "CREATE VIEW v_documents AS SELECT"
    " '1-' || substr(lower(hex(tid)), 1, 8) || '-' ||"
    " substr(lower(hex(tid)), 9) AS trace_id, lower(hex(id)) AS id,"
    " lower(hex(parent)) AS parent_id, kind & 1 AS subsegment,"
    " (kind >> 1) & 1 AS in_progress, start, \"end\", name,"
    " recv AS received, CAST(body AS TEXT) AS document FROM doc;"
    "PRAGMA user_version=1;"
    "COMMIT;";

/* Every three letters of each document, so that any part of a word is found.
 * It has no copy of the documents; to take one out it must be told the text. */
static const char make_text_index[] =
    "BEGIN;"
    "CREATE VIRTUAL TABLE doc_text USING fts5(body, content='',"
    " tokenize='trigram');"
    "CREATE TRIGGER doc_text_put AFTER INSERT ON doc BEGIN"
    " INSERT INTO doc_text(rowid, body)"
    " VALUES(new.n, CAST(new.body AS TEXT)); END;"
    "CREATE TRIGGER doc_text_delete AFTER DELETE ON doc BEGIN"
    " INSERT INTO doc_text(doc_text, rowid, body)"
    " VALUES('delete', old.n, CAST(old.body AS TEXT)); END;"
    "CREATE TRIGGER doc_text_update AFTER UPDATE ON doc BEGIN"
    " INSERT INTO doc_text(doc_text, rowid, body)"
    " VALUES('delete', old.n, CAST(old.body AS TEXT));"
    " INSERT INTO doc_text(rowid, body)"
    " VALUES(new.n, CAST(new.body AS TEXT)); END;"
    "INSERT INTO doc_text(rowid, body) SELECT n, CAST(body AS TEXT) FROM doc;"
    "COMMIT;";

static const char drop_text_index[] = "BEGIN;"
                                      "DROP TRIGGER doc_text_put;"
                                      "DROP TRIGGER doc_text_delete;"
                                      "DROP TRIGGER doc_text_update;"
                                      "DROP TABLE doc_text;"
                                      "COMMIT;";

static const char *const texts[SQL_STATEMENTS] = {
    [SQL_BEGIN] = "BEGIN IMMEDIATE",
    [SQL_COMMIT] = "COMMIT",
    [SQL_TRACE_GET] = "SELECT docs, bytes, rev, recv, flags, pin, epoch"
                      " FROM trace WHERE tid = ?1",
    [SQL_TRACE_PUT] =
        "INSERT OR REPLACE INTO trace(tid, epoch, start, \"end\", dur, rt,"
        " flags, status, method, url, entry, entry_type, spans, docs, bytes,"
        " recv, rev, pin) VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,"
        "?14,?15,?16,?17,?18)",
    [SQL_TRACE_DELETE] = "DELETE FROM trace WHERE tid = ?1",
    [SQL_TRACE_PIN] = "UPDATE trace SET pin = ?2 WHERE tid = ?1",
    [SQL_TRACE_OLDEST] = "SELECT tid FROM trace WHERE recv < ?1 AND pin = 0"
                         " ORDER BY recv LIMIT ?2",
    /* What is complete stands for good but for a later complete one. */
    [SQL_DOC_PUT] =
        "INSERT INTO doc(tid, id, parent, kind, start, \"end\", name, recv,"
        " body) VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9)"
        " ON CONFLICT(tid, id) DO UPDATE SET parent = excluded.parent,"
        " kind = excluded.kind, start = excluded.start,"
        " \"end\" = excluded.\"end\", name = excluded.name,"
        " recv = excluded.recv, body = excluded.body"
        " WHERE (excluded.kind & 2) = 0 OR (doc.kind & 2) <> 0",
    [SQL_DOC_LIST] = "SELECT body FROM doc WHERE tid = ?1 ORDER BY n",
    [SQL_DOC_DELETE] = "DELETE FROM doc WHERE tid = ?1",
    [SQL_SVC_PUT] = "INSERT OR IGNORE INTO svc(tid, name, type, flags)"
                    " VALUES(?1,?2,?3,?4)",
    [SQL_SVC_DELETE] = "DELETE FROM svc WHERE tid = ?1",
    [SQL_ANN_PUT] = "INSERT OR IGNORE INTO ann(tid, k, vt, s, n)"
                    " VALUES(?1,?2,?3,?4,?5)",
    [SQL_ANN_DELETE] = "DELETE FROM ann WHERE tid = ?1",
};

static const struct {
    const char *list, *put, *forget;
} kept[STORE_KINDS] = {
    [STORE_GROUPS] = {"SELECT name, body FROM grp",
                      "INSERT OR REPLACE INTO grp VALUES(?1,?2)",
                      "DELETE FROM grp WHERE name = ?1"},
    [STORE_RULES] = {"SELECT name, body FROM rule",
                     "INSERT OR REPLACE INTO rule VALUES(?1,?2)",
                     "DELETE FROM rule WHERE name = ?1"},
    [STORE_META] = {"SELECT name, body FROM meta",
                    "INSERT OR REPLACE INTO meta VALUES(?1,?2)",
                    "DELETE FROM meta WHERE name = ?1"},
};

enum db_result sql_open(struct sql_file *f, const char *path, bool index_text,
                        struct err *err)
{
    enum db_result r;
    *f = (struct sql_file){.db = db_open(path, false, &r, err)};
    if (!f->db)
        return r;
    r = settle(f, path, err);
    if (r == DB_DONE)
        r = set_text_index(f, index_text, err);
    if (r == DB_DONE)
        r = prepare(f, err);
    if (r == DB_DONE) {
        r = sql_keep(f, STORE_META, SLICE("clean"), SLICE("0"));
        if (r != DB_DONE)
            err_set(err, "%s: %s", path, db_error(f->db));
    }
    if (r != DB_DONE)
        sql_close(f, false);
    return r;
}

enum db_result sql_open_to_read(struct sql_file *f, const char *path,
                                struct err *err)
{
    enum db_result r;
    *f = (struct sql_file){.db = db_open(path, true, &r, err)};
    if (!f->db)
        return r;
    int64_t version = db_number(f->db, "PRAGMA user_version");
    r = version == SQL_VERSION ? prepare(f, err) : DB_FAILED;
    f->text_index = has_text_index(f);
    if (version < 0)
        err_set(err, "%s: %s", path, db_error(f->db));
    else if (version != SQL_VERSION)
        err_set(err,
                "%s is no store of this version (schema %lld, this program "
                "knows %d): read it with the program that wrote it",
                path, (long long)version, SQL_VERSION);
    if (r != DB_DONE)
        sql_close(f, false);
    return r;
}

void sql_close(struct sql_file *f, bool clean)
{
    if (clean && f->db)
        sql_keep(f, STORE_META, SLICE("clean"), SLICE("1"));
    db_close(f->db);
    *f = (struct sql_file){0};
}

/* Brings file and schema to where they ought to be; a file that is not ours to
 * change stays as it is. */
static enum db_result settle(struct sql_file *f, const char *path,
                             struct err *err)
{
    int64_t version = db_number(f->db, "PRAGMA user_version");
    if (is_foreign(f, path, version, err))
        return DB_FAILED;
    enum db_result r = db_exec(f->db, settings);
    if (r == DB_DONE && version == 0)
        r = db_exec(f->db, schema);
    else if (r == DB_DONE)
        return check(f, path, err);
    if (r != DB_DONE)
        err_set(err, "%s: %s", path, db_error(f->db));
    return r;
}

static bool is_foreign(struct sql_file *f, const char *path, int64_t version,
                       struct err *err)
{
    if (version > SQL_VERSION) {
        err_set(err,
                "%s was written by a newer version (schema %lld, this "
                "program knows %d): use that version, or another --store",
                path, (long long)version, SQL_VERSION);
        return true;
    }
    if (version != 0 ||
        db_number(f->db, "SELECT count(*) FROM sqlite_master") <= 0)
        return false;
    err_set(err,
            "%s is no store of xray-relay but another program's database: "
            "choose another file with --store",
            path);
    return true;
}

static enum db_result check(struct sql_file *f, const char *path,
                            struct err *err)
{
    if (db_number(f->db, "SELECT body = '1' FROM meta"
                         " WHERE name = 'clean'") == 1)
        return DB_DONE;
    if (db_number(f->db, "SELECT quick_check = 'ok' FROM"
                         " pragma_quick_check(1)") == 1)
        return DB_DONE;
    err_set(err, "%s: the database is damaged", path);
    return DB_DAMAGED;
}

static bool has_text_index(struct sql_file *f)
{
    return db_number(f->db, "SELECT count(*) FROM sqlite_master"
                            " WHERE name = 'doc_text'") > 0;
}

static enum db_result set_text_index(struct sql_file *f, bool wanted,
                                     struct err *err)
{
    enum db_result r = DB_DONE;
    bool there = has_text_index(f);
    if (wanted != there)
        r = db_exec(f->db, wanted ? make_text_index : drop_text_index);
    f->text_index = wanted;
    if (r != DB_DONE)
        err_set(err, "--index-text: the store's SQLite cannot %s it: %s",
                wanted ? "make" : "drop", db_error(f->db));
    return r;
}

static enum db_result prepare(struct sql_file *f, struct err *err)
{
    for (int i = 0; i < SQL_STATEMENTS; i++) {
        f->st[i] = db_prepare(f->db, texts[i]);
        if (!f->st[i]) {
            err_set(err, "store: %s", db_error(f->db));
            return DB_DAMAGED;
        }
    }
    return DB_DONE;
}

enum db_result sql_rollback(struct sql_file *f)
{
    return db_exec(f->db, "ROLLBACK");
}

struct db_statement *sql_kept(struct sql_file *f, enum store_kind kind)
{
    return db_prepare(f->db, kept[kind].list);
}

enum db_result sql_keep(struct sql_file *f, enum store_kind kind,
                        struct slice name, struct slice body)
{
    struct db_statement *s = db_prepare(f->db, kept[kind].put);
    if (!s)
        return DB_FAILED;
    db_bind_text(s, 1, name);
    db_bind_text(s, 2, body);
    enum db_result r = db_run(s);
    db_drop(s);
    return r;
}

enum db_result sql_forget(struct sql_file *f, enum store_kind kind,
                          struct slice name)
{
    struct db_statement *s = db_prepare(f->db, kept[kind].forget);
    if (!s)
        return DB_FAILED;
    db_bind_text(s, 1, name);
    enum db_result r = db_run(s);
    db_drop(s);
    return r;
}
