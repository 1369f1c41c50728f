/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON writer: tokens into a buf, commas by itself. Knows nothing of what
 * it writes.
 */
#include "xr/json_out.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void before_value(struct jw *j);
static uint8_t *comma_place(struct jw *j);
static void open_level(struct jw *j, char c);
static void close_level(struct jw *j, char c);
static void put_quoted(struct buf *out, struct slice s);

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

/* A number of few decimals, as most are: V = I / 10^K with the least K, where
 * one division tells whether it gives the same double. NULL if it is none. */
static char *put_short(double v, char text[32])
{
    double scale = 1, size = fabs(v);

    if (size < 1e-4)
        return NULL;
    for (int decimals = 1; decimals <= 15; decimals++) {
        scale *= 10;
        double whole = rint(size * scale);
        if (whole >= 1e15)
            return NULL;
        if (whole / scale != size)
            continue;
        uint64_t digits = (uint64_t)whole, power = (uint64_t)scale;
        int n = snprintf(text, 32, "%s%" PRIu64 ".%0*" PRIu64, v < 0 ? "-" : "",
                         digits / power, decimals, digits % power);
        return text + n;
    }
    return NULL;
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
        char *end = put_short(v, text);
        if (end) {
            jw_raw(j, slice_of(text, (size_t)(end - text)));
            return;
        }
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
