/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The texts inside a Signature Version 4: path, query and header values in
 * their canonical form, and percent-encoding. Pure; takes any bytes.
 */
#include "sigv4_text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "xr/sigv4.h"

#define QUERY_MAX ((size_t)2 << 20) /* a longer one fails the buffer */

struct pair {
    struct slice name, value; /* encoded */
};

static void path_segment(struct slice s, bool slash, size_t begin,
                         struct buf *out);
static size_t query_split(struct slice query, struct pair *pairs,
                          struct buf *text);
static struct slice cut(struct slice *rest, char sep);
static struct slice recode(struct slice s, struct buf *text);
static int hex_digit(char c);
static int by_pair(const void *a, const void *b);
static int compare(struct slice a, struct slice b);
static bool is_blank(char c);
static bool is_unreserved(char c);
static void encode_byte(unsigned char c, struct buf *out);

void sigv4_append_path(struct slice path, struct buf *out)
{
    size_t begin = out->n;
    bool absolute = path.n == 0 || path.p[0] == '/';
    bool ends_in_slash = path.n > 0 && path.p[path.n - 1] == '/';
    struct slice rest = path;

    while (rest.n)
        path_segment(cut(&rest, '/'), absolute, begin, out);
    if (out->n == begin ? absolute : ends_in_slash)
        buf_byte(out, '/');
}

void sigv4_append_folded(struct slice value, struct buf *out)
{
    bool gap = false;
    size_t begin = out->n;

    for (size_t i = 0; i < value.n; i++) {
        if (is_blank(value.p[i])) {
            gap = out->n > begin;
            continue;
        }
        if (gap)
            buf_byte(out, ' ');
        gap = false;
        buf_byte(out, value.p[i]);
    }
}

void uri_encode(struct slice s, bool keep_slash, struct buf *out)
{
    for (size_t i = 0; i < s.n; i++) {
        if (keep_slash && s.p[i] == '/')
            buf_byte(out, '/');
        else
            encode_byte((unsigned char)s.p[i], out);
    }
}

void sigv4_canonical_query(struct slice query, struct buf *out)
{
    struct buf text, list;
    struct pair *pairs;
    size_t n = 1;

    if (query.n == 0)
        return;
    for (size_t i = 0; i < query.n; i++)
        n += query.p[i] == '&';
    buf_init(&text, 4 * QUERY_MAX);
    buf_init(&list, QUERY_MAX * sizeof *pairs + sizeof *pairs);
    pairs = (void *)buf_reserve(&list, n * sizeof *pairs);
    if (query.n > QUERY_MAX || !pairs || !buf_reserve(&text, 3 * query.n)) {
        out->failed = true;
        goto done;
    }
    n = query_split(query, pairs, &text);
    qsort(pairs, n, sizeof *pairs, by_pair);
    for (size_t i = 0; i < n; i++) {
        if (i)
            buf_byte(out, '&');
        buf_append(out, pairs[i].name);
        buf_byte(out, '=');
        buf_append(out, pairs[i].value);
    }
done:
    buf_fini(&text);
    buf_fini(&list);
}

/* Appends a segment, or takes the last one away for "..". What was written
 * holds no slash but those between segments. */
static void path_segment(struct slice s, bool slash, size_t begin,
                         struct buf *out)
{
    if (s.n == 0 || slice_is(s, "."))
        return;
    if (!slice_is(s, "..")) {
        if (slash || out->n > begin)
            buf_byte(out, '/');
        uri_encode(s, false, out);
        return;
    }
    while (out->n > begin && out->p[--out->n] != '/')
        ;
}

/* The caller has reserved all that text can need, so that it never moves. */
static size_t query_split(struct slice query, struct pair *pairs,
                          struct buf *text)
{
    size_t n = 0;

    while (query.n) {
        struct slice value = cut(&query, '&');
        struct slice name;

        if (value.n == 0)
            continue;
        name = cut(&value, '=');
        pairs[n].name = recode(name, text);
        pairs[n++].value = recode(value, text);
    }
    return n;
}

/* Takes what stands before the first sep off the front of rest. */
static struct slice cut(struct slice *rest, char sep)
{
    const char *end = rest->n ? memchr(rest->p, sep, rest->n) : NULL;
    struct slice first = *rest;

    if (!end) {
        *rest = slice_of(NULL, 0);
        return first;
    }
    first.n = (size_t)(end - first.p);
    *rest = slice_of(end + 1, rest->n - first.n - 1);
    return first;
}

/* Decodes and encodes again. A percent sign without two digits is itself. */
static struct slice recode(struct slice s, struct buf *text)
{
    size_t begin = text->n;

    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        int high, low;

        if (c == '+') {
            c = ' ';
        } else if (c == '%' && i + 2 < s.n &&
                   (high = hex_digit(s.p[i + 1])) >= 0 &&
                   (low = hex_digit(s.p[i + 2])) >= 0) {
            c = (char)(high << 4 | low);
            i += 2;
        }
        encode_byte((unsigned char)c, text);
    }
    return slice_of(text->p + begin, text->n - begin);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static int by_pair(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;
    int d = compare(x->name, y->name);

    return d ? d : compare(x->value, y->value);
}

static int compare(struct slice a, struct slice b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int d = n ? memcmp(a.p, b.p, n) : 0;

    return d ? d : (a.n > b.n) - (a.n < b.n);
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' ||
           c == '~';
}

static void encode_byte(unsigned char c, struct buf *out)
{
    static const char digits[] = "0123456789ABCDEF";

    if (is_unreserved((char)c)) {
        buf_byte(out, (char)c);
        return;
    }
    buf_byte(out, '%');
    buf_byte(out, digits[c >> 4]);
    buf_byte(out, digits[c & 15]);
}
