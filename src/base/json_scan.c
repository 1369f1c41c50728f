/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON pull reader. One pass, no tree, no memory of its own: a bit per
 * level says whether an object or an array is open, `expect` says which tokens
 * may come next. Knows RFC 8259 and nothing of what the text means.
 */
#include "xr/json_scan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "xr/plain.h"

#define NUMBER_MAX 63 /* a longer literal is no number of interest */

enum expect {
    EXPECT_VALUE,        /* at the start, after ':' and after ',' in arrays */
    EXPECT_VALUE_OR_END, /* after '[' */
    EXPECT_KEY_OR_END,   /* after '{' */
    EXPECT_COMMA_OR_END, /* after a value inside of an array or object */
    EXPECT_NOTHING,      /* after the one value */
    EXPECT_FAILED,
};

static enum js_kind fail(struct js *j, const char *why);
static void skip_space(struct js *j);
static enum js_kind read_value(struct js *j, struct slice *text);
static enum js_kind after_comma(struct js *j, struct slice *text);
static enum js_kind read_key(struct js *j, struct slice *text);
static bool read_string(struct js *j, struct slice *text);
static bool read_escape(struct js *j);
static enum js_kind read_number(struct js *j, struct slice *text);
static enum js_kind read_word(struct js *j, const char *word, size_t n,
                              enum js_kind kind);
static enum js_kind open_level(struct js *j, bool object);
static enum js_kind close_level(struct js *j);
static void value_done(struct js *j);
static int hex4(const char *p, const char *end);
static size_t unescape_u(const char *p, const char *end, char *out,
                         size_t *wrote);
static size_t put_utf8(char *out, uint32_t c);

/* What escapes cost to read and to decode, beside the 1 of each. */
enum { ESCAPE_ROW = 6, ESCAPE_HEX = 8 };

/* What stands behind a backslash, and for what. */
static const char escape_means[256] = {
    ['"'] = '"',  ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b',
    ['f'] = '\f', ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t',
};

void js_init(struct js *j, struct slice text, int max_depth)
{
    /* in_object is written before it is read, so it is not cleared. */
    j->start = j->p = text.p;
    j->end = text.n ? text.p + text.n : text.p;
    j->why = NULL;
    j->depth = 0;
    j->escapes = 0;
    j->max_depth = max_depth < JS_DEPTH_MAX ? max_depth : JS_DEPTH_MAX;
    j->expect = EXPECT_VALUE;
}

static inline bool in_object(const struct js *j)
{
    int top = j->depth - 1;
    return (j->in_object[top / 8] >> (top % 8)) & 1;
}

enum js_kind js_next(struct js *j, struct slice *text)
{
    struct slice unused;

    if (!text)
        text = &unused;
    skip_space(j);
    if (j->expect == EXPECT_FAILED)
        return JS_ERROR;
    if (j->p == j->end) {
        if (j->expect == EXPECT_NOTHING)
            return JS_END;
        return fail(j, "unexpected end of JSON");
    }
    char c = *j->p;
    switch ((enum expect)j->expect) {
    case EXPECT_VALUE:
        return read_value(j, text);
    case EXPECT_VALUE_OR_END:
        return c == ']' ? close_level(j) : read_value(j, text);
    case EXPECT_KEY_OR_END:
        return c == '}' ? close_level(j) : read_key(j, text);
    case EXPECT_COMMA_OR_END:
        if (c == ',')
            return after_comma(j, text);
        if (c == (in_object(j) ? '}' : ']'))
            return close_level(j);
        return fail(j, in_object(j) ? "expected ',' or '}'"
                                    : "expected ',' or ']'");
    case EXPECT_NOTHING:
        return fail(j, "more after the end of the JSON value");
    case EXPECT_FAILED:
        break;
    }
    return JS_ERROR;
}

bool js_skip(struct js *j, enum js_kind begun)
{
    if (begun != JS_OBJECT && begun != JS_ARRAY)
        return begun != JS_ERROR;
    for (int above = j->depth - 1; j->depth > above;) {
        if (js_next(j, NULL) == JS_ERROR)
            return false;
    }
    return true;
}

bool js_has_escape(struct slice raw)
{
    return raw.n && memchr(raw.p, '\\', raw.n) != NULL;
}

size_t js_unescape(struct slice raw, char *out)
{
    const char *p = raw.p, *end = raw.n ? p + raw.n : p;
    size_t n = 0;

    while (p < end) {
        if (*p != '\\') {
            size_t run = plain_copy(out + n, p, (size_t)(end - p), false);
            if (run == 0) /* a byte that no reader gave */
                out[n + run++] = *p;
            n += run;
            p += run;
            continue;
        }
        if (end - p < 2) { /* done, or a lone backslash that no reader gave */
            p = end;
            continue;
        }
        if (p[1] == 'u') {
            size_t wrote = 0;
            p += unescape_u(p, end, out + n, &wrote);
            n += wrote;
            continue;
        }
        char c = escape_means[(unsigned char)p[1]];
        out[n++] = c ? c : p[1];
        p += 2;
    }
    return n;
}

bool js_text(struct slice raw, struct arena *a, struct slice *out)
{
    if (!js_has_escape(raw)) {
        *out = raw;
        return true;
    }
    char *p = arena_alloc(a, raw.n);
    if (!p)
        return false;
    *out = slice_of(p, js_unescape(raw, p));
    return true;
}

/* Up to 15 digits and a few decimals, as clients write times, both parts are
 * exact doubles, so one division is exact too; all else goes to strtod. */
double js_number(struct slice literal, double otherwise)
{
    static const double tens[] = {1,   1e1, 1e2, 1e3,  1e4,  1e5, 1e6,
                                  1e7, 1e8, 1e9, 1e10, 1e11, 1e12};
    uint64_t digits = 0;
    size_t i = 0, point = literal.n;

    for (; i < literal.n && digits < (UINT64_C(1) << 53) / 10; i++) {
        char c = literal.p[i];
        if (c == '.' && point == literal.n)
            point = i + 1;
        else if (c >= '0' && c <= '9')
            digits = digits * 10 + (uint64_t)(c - '0');
        else
            break;
    }
    if (i > 0 && i == literal.n && i - point < sizeof(tens) / sizeof(tens[0]))
        return (double)digits / tens[i - point];

    char text[NUMBER_MAX + 1], *end;
    if (literal.n == 0 || literal.n > NUMBER_MAX)
        return otherwise;
    memcpy(text, literal.p, literal.n);
    text[literal.n] = '\0';
    double v = strtod(text, &end);
    return *end == '\0' && isfinite(v) ? v : otherwise;
}

static enum js_kind fail(struct js *j, const char *why)
{
    j->why = why;
    j->expect = EXPECT_FAILED;
    return JS_ERROR;
}

static void skip_space(struct js *j)
{
    const char *p = j->p;

    while (p < j->end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
        p++;
    j->p = p;
}

/* At least one byte is left. */
static enum js_kind read_value(struct js *j, struct slice *text)
{
    switch (*j->p) {
    case '{':
        return open_level(j, true);
    case '[':
        return open_level(j, false);
    case '"':
        if (!read_string(j, text))
            return JS_ERROR;
        value_done(j);
        return JS_STRING;
    case 't':
        return read_word(j, "true", 4, JS_TRUE);
    case 'f':
        return read_word(j, "false", 5, JS_FALSE);
    case 'n':
        return read_word(j, "null", 4, JS_NULL);
    case '-':
    case '0' ... '9':
        return read_number(j, text);
    default:
        return fail(j, "expected a JSON value");
    }
}

static enum js_kind after_comma(struct js *j, struct slice *text)
{
    j->p++;
    skip_space(j);
    if (j->p == j->end)
        return fail(j, "unexpected end of JSON");
    return in_object(j) ? read_key(j, text) : read_value(j, text);
}

/* Takes the colon too. */
static enum js_kind read_key(struct js *j, struct slice *text)
{
    if (*j->p != '"')
        return fail(j, "expected a member name in quotes");
    if (!read_string(j, text))
        return JS_ERROR;
    skip_space(j);
    if (j->p == j->end)
        return fail(j, "unexpected end of JSON");
    if (*j->p != ':')
        return fail(j, "expected ':' after a member name");
    j->p++;
    j->expect = EXPECT_VALUE;
    return JS_KEY;
}

static bool read_string(struct js *j, struct slice *text)
{
    const char *begin = ++j->p;

    for (;;) {
        j->p += plain_run(j->p, (size_t)(j->end - j->p), false);
        if (j->p == j->end) {
            fail(j, "a string is not closed");
            return false;
        }
        if (*j->p == '"')
            break;
        if (*j->p != '\\') {
            fail(j, "a control byte stands in a string");
            return false;
        }
        j->escapes += ESCAPE_ROW;
        do { /* they come in rows where JSON stands in JSON */
            if (!read_escape(j))
                return false;
        } while (j->p < j->end && *j->p == '\\');
    }
    *text = slice_of(begin, (size_t)(j->p - begin));
    j->p++;
    return true;
}

/* p stands at the backslash. */
static bool read_escape(struct js *j)
{
    char c = j->end - j->p >= 2 ? j->p[1] : '\0';

    if (c == 'u' && hex4(j->p + 2, j->end) >= 0) {
        j->p += 6;
        j->escapes += ESCAPE_HEX;
        return true;
    }
    if (escape_means[(unsigned char)c]) {
        j->p += 2;
        j->escapes++;
        return true;
    }
    fail(j, "an escape in a string is not valid");
    return false;
}

static const char *digits(const char *p, const char *end)
{
    while (p < end && *p >= '0' && *p <= '9')
        p++;
    return p;
}

static enum js_kind read_number(struct js *j, struct slice *text)
{
    const char *begin = j->p, *p = begin, *end = j->end, *run;

    if (*p == '-')
        p++;
    run = p;
    p = p < end && *p == '0' ? p + 1 : digits(p, end);
    bool ok = p > run;
    if (ok && p < end && *p == '.') {
        run = ++p;
        p = digits(p, end);
        ok = p > run;
    }
    if (ok && p < end && (*p == 'e' || *p == 'E')) {
        p++;
        if (p < end && (*p == '+' || *p == '-'))
            p++;
        run = p;
        p = digits(p, end);
        ok = p > run;
    }
    j->p = p;
    if (!ok)
        return fail(j, "a number is not complete");
    *text = slice_of(begin, (size_t)(p - begin));
    value_done(j);
    return JS_NUMBER;
}

static enum js_kind read_word(struct js *j, const char *word, size_t n,
                              enum js_kind kind)
{
    if ((size_t)(j->end - j->p) < n || memcmp(j->p, word, n) != 0)
        return fail(j, "expected a JSON value");
    j->p += n;
    value_done(j);
    return kind;
}

static enum js_kind open_level(struct js *j, bool object)
{
    if (j->depth >= j->max_depth)
        return fail(j, "nested too deeply");
    unsigned bit = 1u << (j->depth % 8);
    uint8_t *byte = &j->in_object[j->depth / 8];
    *byte = (uint8_t)(object ? *byte | bit : *byte & ~bit);
    j->depth++;
    j->p++;
    j->expect = object ? EXPECT_KEY_OR_END : EXPECT_VALUE_OR_END;
    return object ? JS_OBJECT : JS_ARRAY;
}

static enum js_kind close_level(struct js *j)
{
    bool object = in_object(j);

    j->p++;
    j->depth--;
    value_done(j);
    return object ? JS_OBJECT_END : JS_ARRAY_END;
}

static void value_done(struct js *j)
{
    j->expect = j->depth ? EXPECT_COMMA_OR_END : EXPECT_NOTHING;
}

/* -1 when there are not four hexadecimal digits. */
static int hex4(const char *p, const char *end)
{
    int v = 0;

    if (end - p < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        char c = p[i];
        int letter = (c | 0x20) - 'a', digit = c - '0';
        if (digit < 0 || (digit > 9 && (letter < 0 || letter > 5)))
            return -1;
        v = v * 16 + (digit <= 9 ? digit : letter + 10);
    }
    return v;
}

/* Decodes the \uXXXX at p, or a pair of them; returns the bytes taken. */
static size_t unescape_u(const char *p, const char *end, char *out,
                         size_t *wrote)
{
    int first = hex4(p + 2, end);
    size_t taken = 6;

    if (first < 0) { /* no reader gave this; keep it as it is */
        out[0] = p[0];
        out[1] = p[1];
        *wrote = 2;
        return 2;
    }
    uint32_t c = (uint32_t)first;
    if (c >= 0xD800 && c <= 0xDFFF) {
        int second = end - p >= 12 && p[6] == '\\' && p[7] == 'u'
                         ? hex4(p + 8, end)
                         : -1;
        if (c <= 0xDBFF && second >= 0xDC00 && second <= 0xDFFF) {
            c = 0x10000 + ((c - 0xD800) << 10) + ((uint32_t)second - 0xDC00);
            taken = 12;
        } else {
            c = 0xFFFD;
        }
    }
    *wrote = put_utf8(out, c);
    return taken;
}

static size_t put_utf8(char *out, uint32_t c)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xC0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3F));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xE0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3F));
        out[2] = (char)(0x80 | (c & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3F));
    out[2] = (char)(0x80 | (c >> 6 & 0x3F));
    out[3] = (char)(0x80 | (c & 0x3F));
    return 4;
}
