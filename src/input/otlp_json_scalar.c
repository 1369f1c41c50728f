/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scalars of OTLP/JSON, as the JSON mapping of protobuf has them: 64-bit
 * integers as strings or numbers, doubles with names for what JSON lacks, and
 * OTLP's own rule that ids are hexadecimal.
 */
#include "otlp_json_scalar.h"

#include <math.h>
#include <stdlib.h>

#include "xr/hash.h"

static bool is_number_or_text(const struct otlp_decoder *d);
static bool whole_number(struct otlp_decoder *d, double *out);
static bool plain_digits(struct slice text, uint64_t *out);
static bool to_double(struct otlp_decoder *d, double *out);

const char *const otlp_json_span_kinds[] = {
    "SPAN_KIND_UNSPECIFIED",
    "SPAN_KIND_INTERNAL",
    "SPAN_KIND_SERVER",
    "SPAN_KIND_CLIENT",
    "SPAN_KIND_PRODUCER",
    "SPAN_KIND_CONSUMER",
    NULL,
};
const char *const otlp_json_status_codes[] = {
    "STATUS_CODE_UNSET",
    "STATUS_CODE_OK",
    "STATUS_CODE_ERROR",
    NULL,
};

/* Bytes of a number that is no plain integer. */
enum { DIGITS_MAX = 1024 };

static const char why_integer[] = "an integer in range is expected";

bool otlp_json_text(struct otlp_decoder *d, struct slice *out)
{
    struct otlp_json_cursor *c = &d->json;

    if (c->kind == JS_NULL)
        return true;
    if (c->kind != JS_STRING)
        return otlp_json_fail(d, "a string is expected");
    if (c->text.n > OTLP_STRING_MAX)
        return otlp_json_fail(d, otlp_why_string);
    return js_text(c->text, d->into, out) || otlp_json_fail(d, otlp_why_memory);
}

bool otlp_json_id(struct otlp_decoder *d, uint8_t *out, size_t n)
{
    struct slice text = d->json.text;

    if (d->json.kind != JS_STRING)
        return otlp_json_fail(d, "an id in hexadecimal is expected");
    if (text.n != 2 * n || !hex_decode(text, out, n))
        memset(out, 0, n);
    return true;
}

bool otlp_json_bytes(struct otlp_decoder *d, struct slice *out)
{
    struct slice text;

    if (!otlp_json_spend(d, d->json.text.n / OTLP_WORK_BYTES_CLOSE) ||
        !otlp_json_text(d, &text))
        return false;
    while (text.n > 0 && text.p[text.n - 1] == '=')
        text.n--;
    char *padded = arena_alloc(d->into, text.n + 4);
    if (!padded)
        return otlp_json_fail(d, otlp_why_memory);
    size_t n = 0;
    for (; n < text.n; n++) {
        char c = text.p[n];
        padded[n] = c == '-' ? '+' : c == '_' ? '/' : c;
    }
    while (n % 4 != 0)
        padded[n++] = '=';
    uint8_t *bytes = arena_alloc(d->into, n / 4 * 3);
    if (!bytes)
        return otlp_json_fail(d, otlp_why_memory);
    long length = base64_decode(slice_of(padded, n), bytes);
    if (length < 0)
        return otlp_json_fail(d, "base64 is expected");
    *out = slice_of(bytes, (size_t)length);
    return true;
}

bool otlp_json_uint32(struct otlp_decoder *d, uint32_t *out)
{
    uint64_t v = 0;

    if (!otlp_json_uint64(d, &v))
        return false;
    if (v > UINT32_MAX)
        return otlp_json_fail(d, why_integer);
    *out = (uint32_t)v;
    return true;
}

bool otlp_json_uint64(struct otlp_decoder *d, uint64_t *out)
{
    double v;

    if (is_number_or_text(d) && plain_digits(d->json.text, out))
        return true;
    if (!whole_number(d, &v) || !(v >= 0 && v < 0x1p64))
        return otlp_json_fail(d, why_integer);
    *out = (uint64_t)v;
    return true;
}

bool otlp_json_int64(struct otlp_decoder *d, int64_t *out)
{
    struct slice text = d->json.text;
    uint64_t digits;
    double v;

    if (is_number_or_text(d)) {
        bool minus = text.n > 0 && text.p[0] == '-';
        if (minus)
            text = slice_of(text.p + 1, text.n - 1);
        if (plain_digits(text, &digits) &&
            digits <= (uint64_t)INT64_MAX + minus) {
            *out = (int64_t)(minus ? 0 - digits : digits);
            return true;
        }
    }
    if (!whole_number(d, &v) || !(v >= -0x1p63 && v < 0x1p63))
        return otlp_json_fail(d, why_integer);
    *out = (int64_t)v;
    return true;
}

bool otlp_json_double(struct otlp_decoder *d, double *out)
{
    struct slice text = d->json.text;

    if (d->json.kind == JS_STRING && slice_is(text, "NaN"))
        *out = (double)NAN;
    else if (d->json.kind == JS_STRING && slice_is(text, "Infinity"))
        *out = (double)INFINITY;
    else if (d->json.kind == JS_STRING && slice_is(text, "-Infinity"))
        *out = (double)-INFINITY;
    else if (!to_double(d, out))
        return otlp_json_fail(d, "a number in range is expected");
    return true;
}

bool otlp_json_enum(struct otlp_decoder *d, const char *const *names, int *out)
{
    int64_t v;

    for (int i = 0; d->json.kind == JS_STRING && names[i]; i++) {
        if (slice_is(d->json.text, names[i])) {
            *out = i;
            return true;
        }
    }
    uint64_t digits;
    if (d->json.kind == JS_STRING && !plain_digits(d->json.text, &digits))
        return true;
    if (!otlp_json_int64(d, &v))
        return false;
    if (v < INT32_MIN || v > INT32_MAX)
        return otlp_json_fail(d, why_integer);
    *out = (int)v;
    return true;
}

static bool is_number_or_text(const struct otlp_decoder *d)
{
    return d->json.kind == JS_NUMBER || d->json.kind == JS_STRING;
}

/* Up to 20 digits that fit 64 bits. */
static bool plain_digits(struct slice text, uint64_t *out)
{
    uint64_t v = 0;

    if (text.n == 0 || text.n > 20)
        return false;
    for (size_t i = 0; i < text.n; i++) {
        unsigned digit = (unsigned)(unsigned char)text.p[i] - '0';
        if (digit > 9 || __builtin_mul_overflow(v, 10, &v) ||
            __builtin_add_overflow(v, digit, &v))
            return false;
    }
    *out = v;
    return true;
}

/* For the rarer spellings of an integer: 1e3, 5.0. Digits alone came here
 * because they are out of range, which a double would blur. */
static bool whole_number(struct otlp_decoder *d, double *out)
{
    struct slice text = d->json.text;
    bool spelled = false;

    for (size_t i = 0; i < text.n && !spelled; i++)
        spelled = text.p[i] == '.' || (text.p[i] | 0x20) == 'e';
    return spelled && to_double(d, out) && *out == floor(*out);
}

static bool to_double(struct otlp_decoder *d, double *out)
{
    struct slice text = d->json.text;
    char *end;

    if (!is_number_or_text(d) || text.n == 0 || text.n > DIGITS_MAX)
        return false;
    d->work += text.n;
    for (size_t i = 0; i < text.n; i++) {
        if (!memchr("0123456789+-.eE", text.p[i], 15))
            return false;
    }
    char *copy = arena_dup(d->into, text);
    if (!copy)
        return false;
    *out = strtod(copy, &end);
    return *end == '\0' && isfinite(*out);
}
