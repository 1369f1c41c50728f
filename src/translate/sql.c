/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sql block of spans that call an SQL database, from both generations of
 * the database conventions. Other databases keep their attributes. Knows no
 * other block.
 */
#include "parts.h"

static bool is_sql(struct slice system);
static void put_connection(struct translator *t, bool is_new);

void sql_write(struct translator *t)
{
    bool is_new = true;

    t->has_sql = false;
    struct slice system = value_text(t, span_value(t, KEY_DB_SYSTEM_NAME));

    if (!is_sql(system)) {
        is_new = false;
        system = value_text(t, span_value(t, KEY_DB_SYSTEM));
        if (!is_sql(system))
            return;
    }
    t->has_sql = true;
    span_pick(t, KEY_DB_SYSTEM_NAME, KEY_DB_SYSTEM);
    struct slice user = span_take(t, KEY_DB_USER);
    if (user.n == 0 && is_new)
        user = span_take(t, KEY_USER_NAME);
    struct slice query = span_pick(t, KEY_DB_QUERY_TEXT, KEY_DB_STATEMENT);
    put_name(t, SLICE("sql"));
    jw_object(&t->jw);
    put_text(t, SLICE("url"), t->span->name);
    put_connection(t, is_new);
    put_text(t, SLICE("database_type"), system);
    put_text(t, SLICE("user"), user);
    if (query.n > 0) {
        put_name(t, SLICE("sanitized_query"));
        if (put_cut(t, query, t->cuts.statement_max))
            t->cuts.made.cut_statements++;
    }
    jw_object_end(&t->jw);
}

/* The SQL systems of the conventions, old names and new. */
static bool is_sql(struct slice system)
{
    static const char *const systems[] = {
        "mysql",     "postgresql", "mssql",     "sqlite",
        "mariadb",   "oracle",     "db2",       "derby",
        "hive",      "teradata",   "other_sql", "microsoft.sql_server",
        "oracle.db", "ibm.db2",
    };

    if (system.n == 0)
        return false;
    for (size_t i = 0; i < sizeof(systems) / sizeof(systems[0]); i++) {
        if (slice_is(system, systems[i]))
            return true;
    }
    return false;
}

/* CONNECTION/DATABASE. The old conventions without a connection string give
 * "localhost", as the exporter writes it; the new ones name the server. */
static void put_connection(struct translator *t, bool is_new)
{
    struct slice connection = span_take(t, KEY_DB_CONNECTION_STRING);
    struct slice name = span_pick(t, KEY_DB_NAMESPACE, KEY_DB_NAME);
    struct slice host = value_text(t, span_value(t, KEY_SERVER_ADDRESS));
    struct slice port = value_text(t, span_value(t, KEY_SERVER_PORT));

    buf_clear(&t->connection);
    if (connection.n > 0) {
        buf_append(&t->connection, connection);
    } else if (is_new && host.n > 0) {
        buf_append(&t->connection, host);
        if (port.n > 0)
            buf_byte(&t->connection, ':');
        buf_append(&t->connection, port);
    } else {
        buf_str(&t->connection, "localhost");
    }
    buf_byte(&t->connection, '/');
    buf_append(&t->connection, name);
    put_text(t, SLICE("connection_string"), buf_slice(&t->connection));
}
