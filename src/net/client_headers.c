/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Header lines of requests, laid out in one block of text, and look-up in
 * the headers of an answer. Knows HTTP's spelling, nothing of libcurl but how
 * it writes an empty header (`Name;`) and one switched off (`Name:`).
 */
#include "client_parts.h"

#include <string.h>

#include "xr/slice.h"

static const char *const ours[CLIENT_HEADERS_OURS] = {"Accept", "Expect",
                                                      "Content-Type"};

static int check(struct client_header h, struct err *err);
static size_t write_line(char *at, struct client_header h);
static bool has(const struct client_request *r, const char *name);

int client_headers_lay(const struct client_request *r, struct buf *text,
                       char **lines, struct err *err)
{
    size_t bytes = CLIENT_HEADERS_OURS * sizeof("Content-Type:");
    int n = 0;
    for (size_t i = 0; i < r->n_headers; i++) {
        if (check(r->headers[i], err) < 0)
            return -1;
        bytes += r->headers[i].name.n + r->headers[i].value.n + 3;
    }
    buf_clear(text);
    char *at = buf_reserve(text, bytes);
    if (!at)
        return err_set(err, "request with %zu bytes of headers", bytes);
    for (size_t i = 0; i < r->n_headers; i++) {
        lines[n++] = at;
        at += write_line(at, r->headers[i]);
    }
    for (size_t i = 0; i < CLIENT_HEADERS_OURS; i++) {
        if (has(r, ours[i]))
            continue;
        lines[n++] = at;
        at = mempcpy(at, ours[i], strlen(ours[i]));
        at = mempcpy(at, ":", sizeof(":"));
    }
    return n;
}

struct slice client_answer_header(const struct client_answer *a,
                                  const char *name)
{
    size_t len = strlen(name);
    const char *p = a->raw_headers.p, *end = p + a->raw_headers.n;
    while (p < end) {
        const char *nl = memchr(p, '\n', (size_t)(end - p));
        const char *stop = nl ? nl : end;
        if ((size_t)(stop - p) > len && p[len] == ':' &&
            strncasecmp(p, name, len) == 0) {
            p += len + 1;
            while (p < stop && (*p == ' ' || *p == '\t'))
                p++;
            while (stop > p && strchr(" \t\r", stop[-1]))
                stop--;
            return slice_of(p, (size_t)(stop - p));
        }
        p = nl ? nl + 1 : end;
    }
    return SLICE("");
}

/* A line break in a value would let its author write headers of his own. */
static int check(struct client_header h, struct err *err)
{
    if (h.name.n == 0 || memchr(h.name.p, ':', h.name.n))
        return err_set(err, "request header without a proper name");
    for (size_t i = 0; i < h.name.n + h.value.n; i++) {
        char c = i < h.name.n ? h.name.p[i] : h.value.p[i - h.name.n];
        if (c == '\r' || c == '\n' || c == '\0')
            return err_set(err, "request header %.*s holds a line break",
                           (int)(h.name.n < 64 ? h.name.n : 64), h.name.p);
    }
    return 0;
}

static size_t write_line(char *at, struct client_header h)
{
    char *p = mempcpy(at, h.name.p, h.name.n);
    if (h.value.n) {
        *p++ = ':';
        *p++ = ' ';
        p = mempcpy(p, h.value.p, h.value.n);
    } else {
        *p++ = ';';
    }
    *p++ = '\0';
    return (size_t)(p - at);
}

static bool has(const struct client_request *r, const char *name)
{
    for (size_t i = 0; i < r->n_headers; i++) {
        if (slice_is_nocase(r->headers[i].name, name))
            return true;
    }
    return false;
}
