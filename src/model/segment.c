/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the facts of a segment document in one scan. Each datagram passes
 * here, so this is a validating scanner of its own and not the pull reader of
 * base: one pass, no token per value, strings eight bytes at a step. The
 * document is never changed. Knows field names, nothing of where a document
 * comes from.
 */
#include "xr/segment.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "xr/json_scan.h"

/* A longer number literal is no time. */
#define NUMBER_MAX 63
/* The longest key of interest with each character written as an escape. */
#define KEY_RAW_MAX (6 * (sizeof("in_progress") - 1))

struct scan {
    const char *start, *p, *end;
    const char *why;
    unsigned depth;
    bool escaped; /* the last key holds a backslash */
    uint8_t in_object[JS_DEPTH_MAX / 8 + 1]; /* one bit a level */
};

static bool scan_members(struct scan *s, struct segment *out);
static bool scan_value(struct scan *s);
static int open_container(struct scan *s, bool object);
static int after_value(struct scan *s);
static bool scan_key(struct scan *s, struct slice *key);
static bool scan_scalar(struct scan *s);
static bool scan_string(struct scan *s);
static inline const char *find_special(const char *p, const char *end);
static bool scan_escape(struct scan *s);
static bool scan_number(struct scan *s);
static bool scan_digits(struct scan *s);
static bool scan_word(struct scan *s, const char *word);
static void note_fact(struct segment *out, struct slice key,
                      struct slice value);
static void note_text(struct slice *fact, struct slice value);
static void note_time(double *fact, struct slice value);
static double number_of(struct slice literal);

static bool fail(struct scan *s, const char *why)
{
    s->why = why;
    return false;
}

/* The next byte behind white space, 0 at the end (a NUL is never valid). */
static inline char peek(struct scan *s)
{
    const char *p = s->p;

    while (p < s->end && (*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r'))
        p++;
    s->p = p;
    return p < s->end ? *p : '\0';
}

int segment_scan(struct slice document, struct segment *out, struct err *err)
{
    struct scan s;

    s.start = s.p = document.p;
    s.end = document.p + document.n;
    s.why = NULL;
    s.depth = 0;
    *out = (struct segment){.document = document};
    if (scan_members(&s, out)) {
        if (peek(&s) == '\0' && s.p == s.end)
            return 0;
        s.why = "something stands behind the object";
    }
    return err_set(err, "not one JSON object: %s at byte %zu", s.why,
                   (size_t)(s.p - s.start));
}

static bool scan_members(struct scan *s, struct segment *out)
{
    if (peek(s) != '{')
        return fail(s, "no '{' begins it");
    int more = open_container(s, true);
    while (more > 0) {
        struct slice key, value;
        char plain[KEY_RAW_MAX];
        if (!scan_key(s, &key))
            return false;
        if (s->escaped && key.n <= sizeof(plain))
            key = slice_of(plain, js_unescape(key, plain));
        value.p = s->p;
        if (!scan_value(s))
            return false;
        value.n = (size_t)(s->p - value.p);
        note_fact(out, key, value);
        more = after_value(s);
    }
    return more == 0;
}

/* Skips a value and all in it; the scanner stands at its first byte. */
static bool scan_value(struct scan *s)
{
    unsigned outside = s->depth;

    for (;;) {
        char c = peek(s);
        int more = 0;
        if (c == '{' || c == '[')
            more = open_container(s, c == '{');
        else if (!scan_scalar(s))
            return false;
        while (more == 0) {
            if (s->depth == outside)
                return true;
            more = after_value(s);
        }
        struct slice key;
        if (more < 0 || (more == 1 && !scan_key(s, &key)))
            return false;
    }
}

/* 1: a member follows; 2: a value follows; 0: it was empty and is closed; -1:
 * too deep. */
static int open_container(struct scan *s, bool object)
{
    if (s->depth == JS_DEPTH_MAX) {
        s->why = "nested too deep";
        return -1;
    }
    uint8_t bit = (uint8_t)(1u << (s->depth & 7));
    uint8_t *level = &s->in_object[s->depth >> 3];
    *level = (uint8_t)(object ? *level | bit : *level & ~bit);
    s->p++;
    if (peek(s) == (object ? '}' : ']')) {
        s->p++;
        return 0;
    }
    s->depth++;
    return object ? 1 : 2;
}

/* As open_container, for what stands behind a value inside a container. */
static int after_value(struct scan *s)
{
    unsigned level = s->depth - 1;
    bool object = s->in_object[level >> 3] >> (level & 7) & 1;
    char c = peek(s);

    if (c == ',') {
        s->p++;
        return object ? 1 : 2;
    }
    if (c == (object ? '}' : ']')) {
        s->p++;
        s->depth--;
        return 0;
    }
    s->why = object ? "',' or '}' expected" : "',' or ']' expected";
    return -1;
}

/* A key and its colon; stops at the first byte of the value. */
static bool scan_key(struct scan *s, struct slice *key)
{
    if (peek(s) != '"')
        return fail(s, "a key in quotes expected");
    key->p = s->p + 1;
    s->escaped = false;
    if (!scan_string(s))
        return false;
    key->n = (size_t)(s->p - 1 - key->p);
    if (peek(s) != ':')
        return fail(s, "':' expected");
    s->p++;
    peek(s);
    return true;
}

static bool scan_scalar(struct scan *s)
{
    if (s->p == s->end)
        return fail(s, "it ends before its time");
    switch (*s->p) {
    case '"':
        return scan_string(s);
    case 't':
        return scan_word(s, "true");
    case 'f':
        return scan_word(s, "false");
    case 'n':
        return scan_word(s, "null");
    default:
        return scan_number(s);
    }
}

static bool scan_string(struct scan *s)
{
    s->p++;
    for (;;) {
        s->p = find_special(s->p, s->end);
        if (s->p == s->end)
            return fail(s, "a string does not end");
        if (*s->p == '"') {
            s->p++;
            return true;
        }
        if (*s->p != '\\')
            return fail(s, "a control byte stands in a string");
        if (!scan_escape(s))
            return false;
    }
}

#define ONES UINT64_C(0x0101010101010101)
#define HIGHS UINT64_C(0x8080808080808080)

/* The first quote, backslash or control byte, eight bytes at a step. A borrow
 * of the subtractions can mark a byte too many, but only above one that is
 * marked rightly, and the lowest mark is the one that is used. */
static inline const char *find_special(const char *p, const char *end)
{
    for (; end - p >= 8; p += 8) {
        uint64_t w, quote, slash, marks;
        memcpy(&w, p, 8);
        if (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)
            w = __builtin_bswap64(w);
        quote = w ^ ONES * '"';
        slash = w ^ ONES * '\\';
        marks = (((w - ONES * ' ') & ~w) | ((quote - ONES) & ~quote) |
                 ((slash - ONES) & ~slash)) &
                HIGHS;
        if (marks)
            return p + __builtin_ctzll(marks) / 8;
    }
    while (p < end && (unsigned char)*p >= ' ' && *p != '"' && *p != '\\')
        p++;
    return p;
}

static bool scan_escape(struct scan *s)
{
    ptrdiff_t left = s->end - s->p;

    s->escaped = true;
    if (left >= 2 && s->p[1] != '\0' && strchr("\"\\/bfnrt", s->p[1])) {
        s->p += 2;
        return true;
    }
    if (left < 6 || s->p[1] != 'u')
        return fail(s, "an escape is not valid");
    for (int i = 2; i < 6; i++) {
        char c = s->p[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') ||
              (c >= 'A' && c <= 'F')))
            return fail(s, "an escape is not valid");
    }
    s->p += 6;
    return true;
}

static bool scan_number(struct scan *s)
{
    const char *begin = s->p;

    if (*s->p == '-')
        s->p++;
    if (s->p < s->end && *s->p == '0')
        s->p++;
    else if (!scan_digits(s))
        return fail(s, s->p == begin ? "a value expected" : "digits expected");
    if (s->p < s->end && *s->p == '.') {
        s->p++;
        if (!scan_digits(s))
            return fail(s, "digits expected");
    }
    if (s->p < s->end && (*s->p == 'e' || *s->p == 'E')) {
        s->p++;
        if (s->p < s->end && (*s->p == '+' || *s->p == '-'))
            s->p++;
        if (!scan_digits(s))
            return fail(s, "digits expected");
    }
    return true;
}

static bool scan_digits(struct scan *s)
{
    const char *begin = s->p;

    while (s->p < s->end && *s->p >= '0' && *s->p <= '9')
        s->p++;
    return s->p > begin;
}

static bool scan_word(struct scan *s, const char *word)
{
    size_t n = strlen(word);

    if ((size_t)(s->end - s->p) < n || memcmp(s->p, word, n) != 0)
        return fail(s, "a value expected");
    s->p += n;
    return true;
}

/* Keeps the value if the key is one of ours. The last one wins, but a value
 * of a wrong type leaves what an earlier one gave. */
static void note_fact(struct segment *out, struct slice key, struct slice value)
{
    if (slice_eq(key, SLICE("trace_id")))
        note_text(&out->trace_id, value);
    else if (slice_eq(key, SLICE("id")))
        note_text(&out->id, value);
    else if (slice_eq(key, SLICE("parent_id")))
        note_text(&out->parent_id, value);
    else if (slice_eq(key, SLICE("name")))
        note_text(&out->name, value);
    else if (slice_eq(key, SLICE("start_time")))
        note_time(&out->start_time, value);
    else if (slice_eq(key, SLICE("end_time")))
        note_time(&out->end_time, value);
    else if (slice_eq(key, SLICE("in_progress")))
        out->in_progress = slice_eq(value, SLICE("true"));
    else if (slice_eq(key, SLICE("type")))
        out->subsegment = slice_eq(value, SLICE("\"subsegment\""));
}

static void note_text(struct slice *fact, struct slice value)
{
    if (value.p[0] == '"')
        *fact = slice_of(value.p + 1, value.n - 2);
}

static void note_time(double *fact, struct slice value)
{
    char c = value.p[0];

    if (c == '-' || (c >= '0' && c <= '9'))
        *fact = number_of(value);
}

/* The literal's value. Up to 15 digits and a few decimals, as clients write
 * times, both parts are exact doubles, so one division is exact too; all else
 * goes to strtod. */
static double number_of(struct slice literal)
{
    static const double tens[] = {1,   1e1, 1e2, 1e3,  1e4,  1e5, 1e6,
                                  1e7, 1e8, 1e9, 1e10, 1e11, 1e12};
    uint64_t digits = 0;
    size_t i = 0, point = literal.n;

    for (; i < literal.n && digits < (UINT64_C(1) << 53) / 10; i++) {
        char c = literal.p[i];
        if (c == '.')
            point = i + 1;
        else if (c >= '0' && c <= '9')
            digits = digits * 10 + (uint64_t)(c - '0');
        else
            break;
    }
    if (i == literal.n && i - point < sizeof(tens) / sizeof(tens[0]))
        return (double)digits / tens[i - point];

    char text[NUMBER_MAX + 1];
    if (literal.n > NUMBER_MAX)
        return 0;
    memcpy(text, literal.p, literal.n);
    text[literal.n] = '\0';
    double v = strtod(text, NULL);
    return isfinite(v) ? v : 0;
}
