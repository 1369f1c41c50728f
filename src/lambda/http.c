/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests to the runtime API and its answers. Why not the HTTP client of
 * net/: the set-up of libcurl takes more time than all the rest of a cold
 * start, and whoever replaces a broken relay can take no memory.
 */
#include "http.h"

#include <stdio.h>
#include <stdlib.h>

static int read_body(char *p, size_t n, bool ended, struct lambda_answer *out);
static int read_chunks(char *p, size_t n, struct lambda_answer *out);
static size_t chunk_at(const char *p, size_t n, size_t *size);

size_t lambda_request_write(const struct lambda_request *r, char *out,
                            size_t cap)
{
    const char *body = r->body ? r->body : "";
    int n = snprintf(
        out, cap,
        "%s %s HTTP/1.1\r\nHost: %s\r\n%s%s%s%s%s%s%sContent-Length: "
        "%zu\r\n\r\n%s",
        r->method, r->path, r->api, r->name ? "Lambda-Extension-Name: " : "",
        r->name ? r->name : "",
        r->name ? "\r\nLambda-Extension-Accept-Feature: accountId\r\n" : "",
        r->identifier ? "Lambda-Extension-Identifier: " : "",
        r->identifier ? r->identifier : "", r->identifier ? "\r\n" : "",
        r->body ? "Content-Type: application/json\r\n" : "", strlen(body),
        body);
    return n > 0 && (size_t)n < cap ? (size_t)n : 0;
}

int lambda_answer_read(char *p, size_t n, bool ended, struct lambda_answer *out)
{
    char *end = memmem(p, n, "\r\n\r\n", 4);
    *out = (struct lambda_answer){0};
    if (end == NULL)
        return ended || n >= LAMBDA_ANSWER_MAX ? -1 : 0;
    if (n < 12 || memcmp(p, "HTTP/1.", 7) != 0)
        return -1;
    for (int i = 9; i < 12; i++) {
        if (p[i] < '0' || p[i] > '9')
            return -1;
        out->status = 10 * out->status + p[i] - '0';
    }
    out->headers = slice_of(p, (size_t)(end - p) + 2);
    char *body = end + 4;
    return read_body(body, n - (size_t)(body - p), ended, out);
}

static int read_body(char *p, size_t n, bool ended, struct lambda_answer *out)
{
    struct slice length = lambda_answer_header(out, "Content-Length");
    struct slice coding = lambda_answer_header(out, "Transfer-Encoding");
    char digits[24];
    if (slice_is_nocase(coding, "chunked")) {
        int rc = read_chunks(p, n, out);
        return rc == 0 && ended ? -1 : rc;
    }
    if (length.n == 0 || length.n >= sizeof(digits)) {
        out->body = slice_of(p, n); /* as far as the connection goes */
        return ended ? 1 : 0;
    }
    memcpy(digits, length.p, length.n);
    digits[length.n] = '\0';
    size_t whole = strtoul(digits, NULL, 10);
    if (n < whole)
        return ended || whole > LAMBDA_ANSWER_MAX ? -1 : 0;
    out->body = slice_of(p, whole);
    return 1;
}

/* Looks first whether all is there, so that the bytes are moved once only. */
static int read_chunks(char *p, size_t n, struct lambda_answer *out)
{
    size_t at = 0, head, size, filled = 0;
    do {
        head = chunk_at(p + at, n - at, &size);
        if (head == 0)
            return n - at > 32 ? -1 : 0;
        if (size > LAMBDA_ANSWER_MAX)
            return -1;
        at += head + size + 2;
        if (at > n)
            return 0;
    } while (size > 0);
    for (at = 0; (head = chunk_at(p + at, n - at, &size)) > 0 && size > 0;
         at += head + size + 2) {
        memmove(p + filled, p + at + head, size);
        filled += size;
    }
    out->body = slice_of(p, filled);
    return 1;
}

/* Bytes of the line that gives the chunk's size; 0: it is not whole. */
static size_t chunk_at(const char *p, size_t n, size_t *size)
{
    const char *end = memmem(p, n < 32 ? n : 32, "\r\n", 2);
    if (end == NULL || end == p)
        return 0;
    *size = strtoul(p, NULL, 16);
    return (size_t)(end - p) + 2;
}

struct slice lambda_answer_header(const struct lambda_answer *a,
                                  const char *name)
{
    size_t n = strlen(name);
    const char *p = a->headers.p, *end = p + a->headers.n;
    while (p != NULL && p < end) {
        const char *eol = memmem(p, (size_t)(end - p), "\r\n", 2);
        if (eol == NULL)
            break;
        if ((size_t)(eol - p) > n && p[n] == ':' &&
            strncasecmp(p, name, n) == 0) {
            p += n + 1;
            while (p < eol && (*p == ' ' || *p == '\t'))
                p++;
            return slice_of(p, (size_t)(eol - p));
        }
        p = eol + 2;
    }
    return (struct slice){0};
}

const char *lambda_base_name(const char *program)
{
    const char *slash = strrchr(program, '/');
    return slash ? slash + 1 : program;
}
