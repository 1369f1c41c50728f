/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The answering half of the HTTP/1 server: heads, whole bodies, streamed
 * bodies. All is put into the connection's out buffer and written at once as
 * far as the socket takes it; http1.c writes the rest.
 */
#include <assert.h>
#include <stdio.h>
#include <time.h>

#include "http1_conn.h"
#include "xr/clock.h"

static void answer_head(struct http1_request *r, int status,
                        const char *content_type);
static void answer_length(struct http1_request *r, int status, size_t n);
static void answer_date(struct http1 *s, struct buf *out);
static void put_number(struct buf *out, size_t n);
static bool answer_has_body(const struct http1_request *r, int status);
static bool is_head_request(const struct http1_request *r);
static void answer_done(struct http1_request *r);
static const char *status_words(int status);

void http1_add(struct http1_request *r, const char *name, struct slice value)
{
    buf_str(&r->extra, name);
    buf_str(&r->extra, ": ");
    /* A line end inside of a value would begin a header of its own. */
    for (size_t i = 0; i < value.n; i++) {
        unsigned char c = (unsigned char)value.p[i];
        buf_byte(&r->extra, c < ' ' && c != '\t' ? ' ' : value.p[i]);
    }
    buf_str(&r->extra, "\r\n");
}

void http1_reply(struct http1_request *r, int status, const char *content_type,
                 struct slice body)
{
    struct http1_conn *c = r->conn;
    conn_end_stream(c);
    assert(c->state == CONN_HANDLER && !r->streaming);
    answer_head(r, status, content_type);
    answer_length(r, status, body.n);
    buf_str(&c->out, "\r\n");
    if (answer_has_body(r, status))
        buf_append(&c->out, body);
    answer_done(r);
}

void http1_stream_begin(struct http1_request *r, int status,
                        const char *content_type)
{
    struct http1_conn *c = r->conn;
    conn_end_stream(c);
    assert(c->state == CONN_HANDLER && !r->streaming);
    r->streaming = true;
    r->stream_chunked = c->head.minor >= 1;
    if (!r->stream_chunked)
        c->closing = true;
    answer_head(r, status, content_type);
    buf_str(&c->out,
            r->stream_chunked ? "Transfer-Encoding: chunked\r\n\r\n" : "\r\n");
    conn_write_out(c);
}

void http1_stream_chunk(struct http1_request *r, struct slice data)
{
    struct http1_conn *c = r->conn;
    assert(r->streaming);
    if (data.n == 0 || is_head_request(r))
        return;
    if (r->stream_chunked)
        buf_printf(&c->out, "%zx\r\n", data.n);
    buf_append(&c->out, data);
    if (r->stream_chunked)
        buf_str(&c->out, "\r\n");
    conn_write_out(c);
}

size_t http1_stream_backlog(const struct http1_request *r)
{
    return r->conn->out.n - r->conn->sent;
}

void http1_stream_end(struct http1_request *r)
{
    assert(r->streaming);
    if (r->stream_chunked && !is_head_request(r))
        buf_str(&r->conn->out, "0\r\n\r\n");
    answer_done(r);
}

void http1_abort(struct http1_request *r)
{
    struct http1_conn *c = r->conn;
    r->gone = NULL;
    c->dead = true;
    conn_run(c);
}

void conn_refuse(struct http1_conn *c, int status, const char *why)
{
    struct http1 *s = c->server;
    char text[160];
    if (c->state == CONN_STREAM)
        conn_break_stream(c);
    int n = snprintf(text, sizeof(text), "%d %s: %s\n", status,
                     status_words(status), why);
    c->closing = c->linger = true;
    c->state = CONN_HANDLER;
    s->open_requests++;
    if (c->head_length == 0)
        c->head.method.n = 0; /* of the request before */
    else
        conn_set_request(c, 0);
    if (c->head_length > 0 && s->refused &&
        s->refused(s->refused_arg, &c->request, status, why))
        return;
    http1_reply(&c->request, status, "text/plain; charset=utf-8",
                slice_of(text, (size_t)n));
}

static void answer_head(struct http1_request *r, int status,
                        const char *content_type)
{
    struct http1_conn *c = r->conn;
    struct buf *out = &c->out;
    if (!c->head.keep_alive || c->server->stopping)
        c->closing = true;
    buf_str(out, "HTTP/1.1 ");
    put_number(out, (size_t)status);
    buf_byte(out, ' ');
    buf_str(out, status_words(status));
    answer_date(c->server, out);
    if (content_type) {
        buf_str(out, "Content-Type: ");
        buf_str(out, content_type);
        buf_str(out, "\r\n");
    }
    buf_append(out, buf_slice(&r->extra));
    if (c->closing)
        buf_str(out, "Connection: close\r\n");
    else if (c->head.minor == 0)
        buf_str(out, "Connection: keep-alive\r\n");
    if (r->extra.failed)
        out->failed = true;
}

static void answer_length(struct http1_request *r, int status, size_t n)
{
    struct buf *out = &r->conn->out;
    if (status == 204 || status == 304)
        return;
    buf_str(out, "Content-Length: ");
    put_number(out, n);
    buf_str(out, "\r\n");
}

/* Ends the line before, too. The text is good for a second. */
static void answer_date(struct http1 *s, struct buf *out)
{
    time_t now = (time_t)(clock_wall_ms() / 1000);
    struct tm tm;
    if (s->date_of != now || !s->date[0]) {
        s->date_of = now;
        gmtime_r(&now, &tm);
        (void)strftime(s->date, sizeof(s->date),
                       "\r\nDate: %a, %d %b %Y %T GMT\r\n", &tm);
    }
    buf_str(out, s->date);
}

/* Half of an answer's instructions were printf's. */
static void put_number(struct buf *out, size_t n)
{
    char digits[24];
    size_t at = sizeof(digits);
    do
        digits[--at] = (char)('0' + n % 10);
    while ((n /= 10) > 0);
    buf_append(out, slice_of(digits + at, sizeof(digits) - at));
}

static bool answer_has_body(const struct http1_request *r, int status)
{
    return status != 204 && status != 304 && !is_head_request(r);
}

static bool is_head_request(const struct http1_request *r)
{
    return slice_is(http1_method(r), "HEAD");
}

/* The answer is complete: the request is gone, the connection goes on. */
static void answer_done(struct http1_request *r)
{
    struct http1_conn *c = r->conn;
    r->gone = NULL;
    r->streaming = false;
    buf_clear(&r->extra);
    c->state = CONN_FLUSH;
    conn_run(c);
}

static const char *status_words(int status)
{
    static const struct {
        int status;
        const char *words;
    } rows[] = {
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {301, "Moved Permanently"},
        {302, "Found"},
        {303, "See Other"},
        {304, "Not Modified"},
        {307, "Temporary Redirect"},
        {308, "Permanent Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {411, "Length Required"},
        {413, "Content Too Large"},
        {415, "Unsupported Media Type"},
        {417, "Expectation Failed"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].status == status)
            return rows[i].words;
    return "Unknown";
}
