/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON writer and the escaper. The escaper is the one copy that a segment
 * document goes through, so it moves clean runs as a whole and looks closely
 * only at bytes that need it. Knows nothing of what it writes.
 */
#include "xr/json_out.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "xr/plain.h"

enum { ESCAPED_MAX_BYTES = 6 }; /* what one character may become */

static void before_value(struct jw *j);
static uint8_t *comma_place(struct jw *j);
static void open_level(struct jw *j, char c);
static void close_level(struct jw *j, char c);
static void put_quoted(struct buf *out, struct slice s);
static size_t escape_one(const unsigned char *p, size_t left, char *out,
                         size_t *wrote);
static size_t escape_ascii(unsigned char c, char *out);
static size_t utf8_length(const unsigned char *p, size_t left);

void jw_init(struct jw *j, struct buf *out)
{
    j->out = out;
    j->depth = 0;
    j->comma[0] = 0;
}

void jw_object(struct jw *j)
{
    open_level(j, '{');
}

void jw_object_end(struct jw *j)
{
    close_level(j, '}');
}

void jw_array(struct jw *j)
{
    open_level(j, '[');
}

void jw_array_end(struct jw *j)
{
    close_level(j, ']');
}

/* The value that follows is written without a comma. */
void jw_key(struct jw *j, struct slice key)
{
    before_value(j);
    put_quoted(j->out, key);
    buf_byte(j->out, ':');
    *comma_place(j) = 0;
}

void jw_string(struct jw *j, struct slice s)
{
    before_value(j);
    put_quoted(j->out, s);
}

void jw_int(struct jw *j, int64_t v)
{
    before_value(j);
    if (v < 0)
        buf_byte(j->out, '-');
    uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    char text[20];
    size_t at = sizeof(text);
    do {
        text[--at] = (char)('0' + u % 10);
        u /= 10;
    } while (u);
    buf_append(j->out, slice_of(text + at, sizeof(text) - at));
}

void jw_uint(struct jw *j, uint64_t v)
{
    if (v <= INT64_MAX) {
        jw_int(j, (int64_t)v);
        return;
    }
    before_value(j);
    buf_printf(j->out, "%" PRIu64, v);
}

void jw_double(struct jw *j, double v)
{
    char text[32];
    int n = 0;

    if (isnan(v)) {
        jw_string(j, SLICE("NaN"));
    } else if (isinf(v)) {
        jw_string(j, v > 0 ? SLICE("Infinity") : SLICE("-Infinity"));
    } else if (fabs(v) < 1e15 && trunc(v) == v && !(v == 0 && signbit(v))) {
        jw_int(j, (int64_t)v);
    } else {
        /* 15 digits always survive the way to a normal double and back, 17
         * always suffice; below that range fewer may do. */
        int digits = fabs(v) < 1e-300 ? 1 : 15;
        do {
            n = snprintf(text, sizeof(text), "%.*g", digits, v);
        } while (++digits <= 17 && strtod(text, NULL) != v);
        jw_raw(j, slice_of(text, (size_t)n));
    }
}

void jw_bool(struct jw *j, bool v)
{
    jw_raw(j, v ? SLICE("true") : SLICE("false"));
}

void jw_null(struct jw *j)
{
    jw_raw(j, SLICE("null"));
}

void jw_raw(struct jw *j, struct slice json)
{
    before_value(j);
    buf_append(j->out, json);
}

size_t json_escape(char *dst, size_t cap, struct slice *src)
{
    const char *p = src->p;
    size_t left = src->n, n = 0;

    while (left > 0) {
#ifdef PLAIN_SSE2
        const char *before = p;
        n += plain_copy_quoted(dst + n, cap - n, &p, left);
        left -= (size_t)(p - before);
#endif
        size_t room = cap - n;
        size_t run = plain_copy(dst + n, p, left < room ? left : room, true);
        n += run;
        p += run;
        left -= run;
        room -= run;
        if (left == 0)
            break;
        char small[ESCAPED_MAX_BYTES];
        size_t wrote = 0;
        char *to = room >= sizeof(small) ? dst + n : small;
        size_t taken = escape_one((const unsigned char *)p, left, to, &wrote);
        if (wrote > room)
            break;
        if (to == small)
            memcpy(dst + n, small, wrote);
        n += wrote;
        p += taken;
        left -= taken;
    }
    *src = slice_of(p, left);
    return n;
}

static void before_value(struct jw *j)
{
    uint8_t *comma = comma_place(j);

    if (*comma)
        buf_byte(j->out, ',');
    *comma = 1;
}

/* Levels too deep share the last place: the output has failed by then. */
static uint8_t *comma_place(struct jw *j)
{
    return &j->comma[j->depth < JW_DEPTH_MAX ? j->depth : JW_DEPTH_MAX - 1];
}

static void open_level(struct jw *j, char c)
{
    before_value(j);
    buf_byte(j->out, c);
    if (++j->depth >= JW_DEPTH_MAX)
        j->out->failed = true;
    *comma_place(j) = 0;
}

static void close_level(struct jw *j, char c)
{
    assert(j->depth > 0);
    j->depth--;
    buf_byte(j->out, c);
}

static void put_quoted(struct buf *out, struct slice s)
{
    enum { SLACK_BYTES = 64 };

    buf_byte(out, '"');
    while (s.n > 0) {
        /* Most text needs no escape: room for it as it is, and some. */
        size_t want = s.n + SLACK_BYTES;
        if (want > out->max - out->n)
            want = out->max - out->n;
        char *to = buf_reserve(out, want);
        size_t before = s.n;
        if (!to)
            return;
        out->n += json_escape(to, want, &s);
        if (s.n == before) {
            out->failed = true;
            return;
        }
    }
    buf_byte(out, '"');
}

/* Takes the character at p, which is not plain; returns its length. */
static size_t escape_one(const unsigned char *p, size_t left, char *out,
                         size_t *wrote)
{
    if (p[0] == '"' || p[0] == '\\') {
        out[0] = '\\';
        out[1] = (char)p[0];
        *wrote = 2;
        return 1;
    }
    if (p[0] < 0x80) {
        *wrote = escape_ascii(p[0], out);
        return 1;
    }
    size_t n = utf8_length(p, left);
    if (n == 0) {
        memcpy(out, "\xEF\xBF\xBD", 3);
        *wrote = 3;
        return 1;
    }
    if (n == 3 && p[0] == 0xE2 && p[1] == 0x80 && (p[2] & 0xFE) == 0xA8) {
        memcpy(out, p[2] == 0xA8 ? "\\u2028" : "\\u2029", 6);
        *wrote = 6;
        return 3;
    }
    for (size_t i = 0; i < n; i++)
        out[i] = (char)p[i];
    *wrote = n;
    return n;
}

/* Plain bytes come here only when no room was left for them. */
static size_t escape_ascii(unsigned char c, char *out)
{
    static const char digits[] = "0123456789abcdef";
    static const char letters[] = "\nn\rr\tt\bb\ff";

    if (plain_byte(c, true)) {
        out[0] = (char)c;
        return 1;
    }
    out[0] = '\\';
    for (size_t i = 0; i < sizeof(letters) - 1; i += 2) {
        if (letters[i] == (char)c) {
            out[1] = letters[i + 1];
            return 2;
        }
    }
    memcpy(out + 1, "u00", 3);
    out[4] = digits[c >> 4];
    out[5] = digits[c & 15];
    return 6;
}

/* The length of the valid character at p, 0 if it is not valid: too long a
 * form, a surrogate, above U+10FFFF, cut off. p[0] >= 0x80. */
static size_t utf8_length(const unsigned char *p, size_t left)
{
    size_t n = p[0] >= 0xF0 ? 4 : p[0] >= 0xE0 ? 3 : 2;
    unsigned char low = 0x80, high = 0xBF; /* bounds of the second byte */

    if (p[0] < 0xC2 || p[0] > 0xF4 || left < n)
        return 0;
    if (p[0] == 0xE0)
        low = 0xA0;
    else if (p[0] == 0xED)
        high = 0x9F;
    else if (p[0] == 0xF0)
        low = 0x90;
    else if (p[0] == 0xF4)
        high = 0x8F;
    if (p[1] < low || p[1] > high)
        return 0;
    for (size_t i = 2; i < n; i++) {
        if ((p[i] & 0xC0) != 0x80)
            return 0;
    }
    return n;
}
