/* SPDX-License-Identifier: Apache-2.0 */
/* Reads what stands in a request's query: percent-encoding, times, ids. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "api_parts.h"
#include "xr/clock.h"
#include "xr/hash.h"

#define NUMBER_MAX 40

static bool decode(struct slice raw, struct arena *a, struct slice *out);
static bool iso_time(const char *text, double *out);
static bool number(struct slice text, double *out, const char **rest,
                   char copy[NUMBER_MAX]);

bool api_param(struct http1_request *r, const char *name, struct arena *a,
               struct slice *out)
{
    struct slice q = http1_query(r);
    while (q.n > 0) {
        const char *end = memchr(q.p, '&', q.n);
        size_t n = end == NULL ? q.n : (size_t)(end - q.p);
        const char *eq = memchr(q.p, '=', n);
        struct slice key = slice_of(q.p, eq == NULL ? n : (size_t)(eq - q.p));
        if (slice_is(key, name)) {
            struct slice raw = slice_of(q.p + n, 0);
            if (eq != NULL)
                raw = slice_of(eq + 1, (size_t)(q.p + n - eq - 1));
            return decode(raw, a, out);
        }
        n += end != NULL;
        q = slice_of(q.p + n, q.n - n);
    }
    return false;
}

bool api_duration(struct slice text, double *seconds)
{
    static const struct {
        const char *unit;
        double seconds;
    } units[] = {{"", 1}, {"ms", 1e-3}, {"s", 1}, {"m", 60}, {"h", 3600}};
    char copy[NUMBER_MAX];
    const char *unit;
    if (!number(text, seconds, &unit, copy) || *seconds < 0)
        return false;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcmp(unit, units[i].unit) != 0)
            continue;
        *seconds *= units[i].seconds;
        return true;
    }
    return false;
}

bool api_time(struct slice text, double now, double *out)
{
    char copy[NUMBER_MAX];
    const char *rest;
    double ago;
    if (slice_starts(text, "-") &&
        api_duration(slice_of(text.p + 1, text.n - 1), &ago)) {
        *out = now - ago;
        return true;
    }
    if (number(text, out, &rest, copy) && *rest == '\0')
        return true;
    return text.n < NUMBER_MAX && iso_time(copy, out);
}

double api_now(void)
{
    return (double)clock_wall_ms() / 1000;
}

static bool decode(struct slice raw, struct arena *a, struct slice *out)
{
    char *p = arena_alloc(a, raw.n + 1);
    size_t n = 0;
    if (p == NULL)
        return false;
    for (size_t i = 0; i < raw.n; i++) {
        uint8_t byte;
        if (raw.p[i] == '%' && raw.n - i > 2 &&
            hex_decode(slice_of(raw.p + i + 1, 2), &byte, 1)) {
            p[n++] = (char)byte;
            i += 2;
        } else {
            p[n++] = raw.p[i] == '+' ? ' ' : raw.p[i];
        }
    }
    *out = slice_of(p, n);
    return true;
}

/* 2026-11-22T12:04:31.118Z, also with a space, without a zone (UTC). */
static bool iso_time(const char *text, double *out)
{
    struct tm tm = {0};
    int end = 0;
    double fraction = 0;
    if (sscanf(text, "%4d-%2d-%2d%*1[T ]%2d:%2d:%2d%n", &tm.tm_year, &tm.tm_mon,
               &tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &end) != 6 ||
        end == 0)
        return false;
    text += end;
    if (*text == '.') {
        char *after;
        fraction = strtod(text, &after);
        text = after;
    }
    if (*text != '\0' && strcmp(text, "Z") != 0 && strcmp(text, "+00:00") != 0)
        return false;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    *out = (double)timegm(&tm) + fraction;
    return true;
}

/* A number at the beginning; copy holds all of the text, *rest what follows.
 */
static bool number(struct slice text, double *out, const char **rest,
                   char copy[NUMBER_MAX])
{
    char *end;
    copy[0] = '\0';
    if (text.n == 0 || text.n >= NUMBER_MAX)
        return false;
    memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    if (!isdigit((unsigned char)copy[copy[0] == '-']))
        return false;
    *out = strtod(copy, &end);
    *rest = end;
    return isfinite(*out);
}
