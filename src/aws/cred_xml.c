/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Just enough XML for STS: the content of a named element, and entities. Takes
 * any bytes; knows no attributes, comments are passed over. Pure.
 */
#include <string.h>

#include "cred_parse.h"

#define ENTITY_MAX 10
#define TAG_NAME_MAX 96 /* of an element, with its prefix */

static const char *find_tag(struct slice xml, const char *name, bool closing,
                            const char **end);
static bool tag_is(const char *p, const char *end, const char *name);
static size_t decode_entity(struct slice s, struct buf *out);
static bool character(struct slice digits, int base, struct buf *out);

bool xml_find(struct slice xml, const char *name, struct slice *inner)
{
    const char *begin, *close, *end = xml.p + xml.n;

    *inner = slice_of(NULL, 0);
    if (xml.n == 0 || !find_tag(xml, name, false, &begin))
        return false;
    if (begin[-2] == '/')
        return true; /* <name/> */
    close = find_tag(slice_of(begin, (size_t)(end - begin)), name, true, &end);
    if (!close)
        return false;
    *inner = slice_of(begin, (size_t)(close - begin));
    return true;
}

void xml_text(struct slice raw, struct buf *out)
{
    size_t i = 0;

    while (i < raw.n) {
        size_t n = raw.p[i] == '&'
                       ? decode_entity(slice_of(raw.p + i, raw.n - i), out)
                       : 0;
        if (n == 0) {
            buf_byte(out, raw.p[i]);
            n = 1;
        }
        i += n;
    }
}

/* Where the tag begins; *end is what follows its '>'. */
static const char *find_tag(struct slice xml, const char *name, bool closing,
                            const char **end)
{
    const char *p = xml.p, *stop = xml.p + xml.n;

    while ((p = memchr(p, '<', (size_t)(stop - p)))) {
        const char *open = p++, *gt;

        if (p == stop || closing != (*p == '/') ||
            !tag_is(p + closing, stop, name))
            continue;
        gt = memchr(p, '>', (size_t)(stop - p));
        if (gt)
            *end = gt + 1;
        return gt ? open : NULL;
    }
    return NULL;
}

/* The name is looked for within a bound, which keeps the whole linear. */
static bool tag_is(const char *p, const char *end, const char *name)
{
    size_t n = 0, len = strlen(name);
    size_t max =
        (size_t)(end - p) < TAG_NAME_MAX ? (size_t)(end - p) : TAG_NAME_MAX;
    const char *colon;

    while (n < max && !strchr(" \t\r\n/>", p[n]))
        n++;
    colon = memchr(p, ':', n);
    if (colon) {
        n -= (size_t)(colon + 1 - p);
        p = colon + 1;
    }
    return n == len && memcmp(p, name, len) == 0;
}

/* Bytes taken; 0 when it is no entity that we know. */
static size_t decode_entity(struct slice s, struct buf *out)
{
    static const struct {
        const char *name;
        char c;
    } known[] = {
        {"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''},
    };
    size_t n = s.n < ENTITY_MAX ? s.n : ENTITY_MAX;
    const char *semicolon = memchr(s.p, ';', n);
    struct slice body;

    if (!semicolon)
        return 0;
    n = (size_t)(semicolon - s.p) + 1;
    body = slice_of(s.p + 1, n - 2);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (slice_is(body, known[i].name)) {
            buf_byte(out, known[i].c);
            return n;
        }
    if (slice_starts(body, "#x"))
        return character(slice_of(body.p + 2, body.n - 2), 16, out) ? n : 0;
    if (slice_starts(body, "#"))
        return character(slice_of(body.p + 1, body.n - 1), 10, out) ? n : 0;
    return 0;
}

/* ASCII only: credentials and codes hold nothing else. */
static bool character(struct slice digits, int base, struct buf *out)
{
    int v = 0;

    for (size_t i = 0; i < digits.n; i++) {
        char c = digits.p[i];
        int d = c >= '0' && c <= '9'   ? c - '0'
                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                       : base;

        if (d >= base)
            return false;
        v = v * base + d;
        if (v > 0x7e)
            return false;
    }
    if (v == 0)
        return false;
    buf_byte(out, (char)v);
    return true;
}
