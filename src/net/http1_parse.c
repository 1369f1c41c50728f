/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads HTTP/1 heads and chunked bodies, strictly where two readers could
 * disagree on where a request ends (RFC 9112 §11.2): one Content-Length or
 * one "chunked", never both; no folded lines, no white space before a colon,
 * no bare CR. Pure: bytes in, places out; knows no connection.
 */
#include "http1_parse.h"

#include <limits.h>

/* The bytes of a head under the reader. */
struct head_reader {
    const char *base, *p, *end;
    struct http1_head *head;
    struct http1_fault *fault;
    bool has_length, has_coding;
    unsigned hosts;
};

static size_t skip_blank_lines(struct slice in);
static size_t find_head_end(struct slice in, size_t from);
static int fault_set(struct http1_fault *f, int status, const char *why);
static bool next_line(struct head_reader *r, struct slice *line);
static int parse_request_line(struct head_reader *r, struct slice line);
static int parse_version(struct head_reader *r, struct slice version);
static int parse_header(struct head_reader *r, struct slice line);
static int note_header(struct head_reader *r, struct slice name,
                       struct slice value);
static int note_length(struct head_reader *r, struct slice value);
static int note_coding(struct head_reader *r, struct slice value);
static void note_connection(struct http1_head *h, struct slice value);
static int check_framing(struct head_reader *r);
static bool is_token(struct slice s);
static struct slice trim(struct slice s);
static struct http1_run run_of(const struct head_reader *r, struct slice s);
static int chunk_size(struct http1_chunks *c, char b,
                      struct http1_fault *fault);
static int chunk_line_end(struct http1_chunks *c, struct http1_fault *fault);
static size_t chunk_data(struct http1_chunks *c, char *p, size_t n);
static int chunk_trailer(struct http1_chunks *c, char b,
                         struct http1_fault *fault);

long http1_parse_head(struct slice in, size_t *searched, struct http1_head *out,
                      struct http1_fault *fault)
{
    size_t skip = skip_blank_lines(in);
    size_t from = *searched > skip ? *searched : skip;
    size_t end = find_head_end(in, from > skip + 3 ? from - 3 : skip);
    *searched = in.n;
    if (end == 0)
        return 0;
    out->n_headers = 0;
    out->keep_alive = out->chunked = out->expect_continue = false;
    out->content_length = 0;
    struct head_reader r = {.base = in.p,
                            .p = in.p + skip,
                            .end = in.p + end,
                            .head = out,
                            .fault = fault};
    struct slice line;
    if (!next_line(&r, &line) || parse_request_line(&r, line) < 0)
        return -1;
    while (next_line(&r, &line) && line.n > 0)
        if (parse_header(&r, line) < 0)
            return -1;
    return check_framing(&r) < 0 ? -1 : (long)end;
}

int http1_chunks_feed(struct http1_chunks *c, char *p, size_t n,
                      size_t body_max, struct http1_fault *fault)
{
    while (c->read < n && c->state != CHUNK_DONE) {
        if (c->state == CHUNK_DATA) {
            c->read += chunk_data(c, p, n);
            continue;
        }
        char b = p[c->read++];
        int rc = c->state == CHUNK_TRAILER ? chunk_trailer(c, b, fault)
                                           : chunk_size(c, b, fault);
        if (rc < 0)
            return -1;
        if (c->left > body_max || c->written + c->left > body_max)
            return fault_set(fault, 413, "the body is too large");
    }
    return c->state == CHUNK_DONE;
}

/* A client may send an empty line between requests (RFC 9112 §2.2). */
static size_t skip_blank_lines(struct slice in)
{
    size_t i = 0;
    while (i < in.n && (in.p[i] == '\r' || in.p[i] == '\n'))
        i++;
    return i;
}

/* The place behind the empty line that ends a head; 0: not there. */
static size_t find_head_end(struct slice in, size_t from)
{
    while (from < in.n) {
        const char *lf = memchr(in.p + from, '\n', in.n - from);
        if (!lf)
            return 0;
        size_t i = (size_t)(lf - in.p) + 1;
        if (i < in.n && in.p[i] == '\n')
            return i + 1;
        if (i + 1 < in.n && in.p[i] == '\r' && in.p[i + 1] == '\n')
            return i + 2;
        from = i;
    }
    return 0;
}

static int fault_set(struct http1_fault *f, int status, const char *why)
{
    *f = (struct http1_fault){status, why};
    return -1;
}

/* A line without its CRLF or LF. */
static bool next_line(struct head_reader *r, struct slice *line)
{
    const char *lf = memchr(r->p, '\n', (size_t)(r->end - r->p));
    if (!lf)
        return false;
    *line = slice_of(r->p, (size_t)(lf - r->p));
    if (line->n > 0 && line->p[line->n - 1] == '\r')
        line->n--;
    r->p = lf + 1;
    return true;
}

static int parse_request_line(struct head_reader *r, struct slice line)
{
    const char *sp = memchr(line.p, ' ', line.n);
    if (!sp)
        return fault_set(r->fault, 400, "this is not an HTTP request line");
    struct slice method = slice_of(line.p, (size_t)(sp - line.p));
    struct slice rest = slice_of(sp + 1, line.n - method.n - 1);
    const char *sp2 = memchr(rest.p, ' ', rest.n);
    if (!sp2 || !is_token(method) || method.n > 32)
        return fault_set(r->fault, 400, "this is not an HTTP request line");
    struct slice target = slice_of(rest.p, (size_t)(sp2 - rest.p));
    if (target.n == 0)
        return fault_set(r->fault, 400, "the request target is empty");
    for (size_t i = 0; i < target.n; i++)
        if ((unsigned char)target.p[i] <= ' ' || target.p[i] == 0x7f)
            return fault_set(r->fault, 400,
                             "the request target has a control character");
    r->head->method = run_of(r, method);
    r->head->target = run_of(r, target);
    return parse_version(r, slice_of(sp2 + 1, rest.n - target.n - 1));
}

static int parse_version(struct head_reader *r, struct slice version)
{
    const char *v = version.p;
    if (version.n != 8 || memcmp(v, "HTTP/", 5) != 0 || v[5] < '0' ||
        v[5] > '9' || v[6] != '.' || v[7] < '0' || v[7] > '9')
        return fault_set(r->fault, 400, "this is not an HTTP request line");
    if (v[5] != '1')
        return fault_set(r->fault, 505, "this port speaks HTTP/1.1");
    r->head->minor = (unsigned)(v[7] - '0');
    r->head->keep_alive = r->head->minor >= 1;
    return 0;
}

static int parse_header(struct head_reader *r, struct slice line)
{
    struct http1_head *h = r->head;
    const char *colon = memchr(line.p, ':', line.n);
    if (!colon)
        return fault_set(r->fault, 400, "a header line has no colon");
    struct slice name = slice_of(line.p, (size_t)(colon - line.p));
    struct slice value = trim(slice_of(colon + 1, line.n - name.n - 1));
    if (!is_token(name))
        return fault_set(r->fault, 400, "a header has no valid name");
    for (size_t i = 0; i < value.n; i++)
        if (((unsigned char)value.p[i] < ' ' && value.p[i] != '\t') ||
            value.p[i] == 0x7f)
            return fault_set(r->fault, 400,
                             "a header value has a control character");
    if (h->n_headers == HTTP1_HEADERS_MAX)
        return fault_set(r->fault, 431, "the request has too many headers");
    h->names[h->n_headers] = run_of(r, name);
    h->values[h->n_headers++] = run_of(r, value);
    return note_header(r, name, value);
}

/* Takes note of the headers that say where a request ends and what follows. */
static int note_header(struct head_reader *r, struct slice name,
                       struct slice value)
{
    if (slice_is_nocase(name, "host")) {
        if (++r->hosts > 1)
            return fault_set(r->fault, 400, "two Host headers");
    } else if (slice_is_nocase(name, "content-length")) {
        return note_length(r, value);
    } else if (slice_is_nocase(name, "transfer-encoding")) {
        return note_coding(r, value);
    } else if (slice_is_nocase(name, "connection")) {
        note_connection(r->head, value);
    } else if (slice_is_nocase(name, "expect")) {
        if (!slice_is_nocase(value, "100-continue"))
            return fault_set(r->fault, 417, "unknown expectation");
        r->head->expect_continue = r->head->minor >= 1;
    }
    return 0;
}

static int note_length(struct head_reader *r, struct slice value)
{
    if (r->has_length)
        return fault_set(r->fault, 400, "two Content-Length headers");
    r->has_length = true;
    if (value.n == 0 || value.n > 18)
        return fault_set(r->fault, 400, "Content-Length is not a length");
    uint64_t n = 0;
    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] < '0' || value.p[i] > '9')
            return fault_set(r->fault, 400, "Content-Length is not a length");
        n = n * 10 + (uint64_t)(value.p[i] - '0');
    }
    r->head->content_length = n;
    return 0;
}

static int note_coding(struct head_reader *r, struct slice value)
{
    if (r->has_coding)
        return fault_set(r->fault, 400, "two Transfer-Encoding headers");
    r->has_coding = true;
    if (!slice_is_nocase(value, "chunked"))
        return fault_set(r->fault, 501,
                         "the only known transfer coding is chunked");
    r->head->chunked = true;
    return 0;
}

static void note_connection(struct http1_head *h, struct slice value)
{
    while (value.n > 0) {
        const char *comma = memchr(value.p, ',', value.n);
        size_t n = comma ? (size_t)(comma - value.p) : value.n;
        struct slice word = trim(slice_of(value.p, n));
        if (slice_is_nocase(word, "close"))
            h->keep_alive = false;
        else if (slice_is_nocase(word, "keep-alive") && h->minor == 0)
            h->keep_alive = true;
        n = comma ? n + 1 : n;
        value = slice_of(value.p + n, value.n - n);
    }
}

static int check_framing(struct head_reader *r)
{
    if (r->has_length && r->has_coding)
        return fault_set(r->fault, 400,
                         "both Content-Length and Transfer-Encoding");
    if (r->has_coding && r->head->minor == 0)
        return fault_set(r->fault, 400, "Transfer-Encoding in HTTP/1.0");
    if (r->hosts == 0 && r->head->minor >= 1)
        return fault_set(r->fault, 400, "missing required Host header");
    return 0;
}

static bool is_token(struct slice s)
{
    /* tchar of RFC 9110 §5.6.2 */
    static const bool allowed[256] = {
        ['!'] = true,         ['#' ... '\''] = true, ['*'] = true,
        ['+'] = true,         ['-'] = true,          ['.'] = true,
        ['0' ... '9'] = true, ['A' ... 'Z'] = true,  ['^' ... 'z'] = true,
        ['|'] = true,         ['~'] = true,
    };
    for (size_t i = 0; i < s.n; i++)
        if (!allowed[(unsigned char)s.p[i]])
            return false;
    return s.n > 0;
}

static struct slice trim(struct slice s)
{
    while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
        s = slice_of(s.p + 1, s.n - 1);
    while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    return s;
}

static struct http1_run run_of(const struct head_reader *r, struct slice s)
{
    return (struct http1_run){(uint32_t)(s.p - r->base), (uint32_t)s.n};
}

/* A byte of a size line, or of the line end behind the data. */
static int chunk_size(struct http1_chunks *c, char b, struct http1_fault *fault)
{
    if (++c->line > HTTP1_CHUNK_LINE_MAX)
        return fault_set(fault, 400, "a chunk's size line is too long");
    if (b == '\n')
        return chunk_line_end(c, fault);
    if (c->cr)
        return fault_set(fault, 400, "a chunk's size line has a bare CR");
    c->cr = b == '\r';
    if (c->cr)
        return 0;
    if (c->state == CHUNK_DATA_END)
        return fault_set(fault, 400, "a chunk is longer than it said");
    if (c->state == CHUNK_EXTENSION)
        return 0;
    int digit = b >= '0' && b <= '9'   ? b - '0'
                : b >= 'a' && b <= 'f' ? b - 'a' + 10
                : b >= 'A' && b <= 'F' ? b - 'A' + 10
                                       : -1;
    if (digit < 0 && c->digits && (b == ';' || b == ' ' || b == '\t')) {
        c->state = CHUNK_EXTENSION;
        return 0;
    }
    if (digit < 0 || c->left > UINT64_MAX >> 8)
        return fault_set(fault, 400, "a chunk has no valid size");
    c->left = c->left << 4 | (unsigned)digit;
    c->digits = true;
    return 0;
}

static int chunk_line_end(struct http1_chunks *c, struct http1_fault *fault)
{
    bool behind_data = c->state == CHUNK_DATA_END;
    if (!behind_data && !c->digits)
        return fault_set(fault, 400, "a chunk has no valid size");
    c->line = 0;
    c->cr = c->digits = false;
    c->state = behind_data   ? CHUNK_SIZE
               : c->left > 0 ? CHUNK_DATA
                             : CHUNK_TRAILER;
    return 0;
}

/* Moves data forward to the rest of the body; returns the bytes taken. */
static size_t chunk_data(struct http1_chunks *c, char *p, size_t n)
{
    size_t take = n - c->read;
    if (take > c->left)
        take = (size_t)c->left;
    memmove(p + c->written, p + c->read, take);
    c->written += take;
    c->left -= take;
    if (c->left == 0)
        c->state = CHUNK_DATA_END;
    return take;
}

/* Trailers are read over: nothing here needs them. */
static int chunk_trailer(struct http1_chunks *c, char b,
                         struct http1_fault *fault)
{
    if (++c->trailer > HTTP1_TRAILER_MAX)
        return fault_set(fault, 431, "the trailers are too long");
    if (b == '\n') {
        if (c->line == 0)
            c->state = CHUNK_DONE;
        c->line = 0;
    } else if (b != '\r') {
        c->line++;
    }
    return 0;
}
