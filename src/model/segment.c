/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the facts of a segment document in one scan. Each datagram passes
 * here, so this is a validating scanner of its own and not the pull reader of
 * base: one pass, no token per value, strings a block at a step. The
 * document is never changed. Knows field names, nothing of where a document
 * comes from.
 */
#include "xr/segment.h"

#include <stdint.h>
#include <string.h>

#include "xr/json_scan.h"
#include "xr/plain.h"

/* A longer number literal is no time. */
/* The longest key of interest with each character written as an escape. */
#define KEY_RAW_MAX (6 * (sizeof("in_progress") - 1))

/* The scan's place is handed from function to function and not kept here, so
 * that it stays in a register. A function gives the place behind what it read,
 * NULL after a fault. */
struct scan {
    const char *end;
    const char *why, *where; /* of the fault */
    unsigned depth;
    bool escaped; /* the last string holds a backslash */
    uint8_t in_object[JS_DEPTH_MAX / 8 + 1]; /* one bit a level */
};

/* What comes next inside of a container. */
enum next { NEXT_NONE, NEXT_MEMBER, NEXT_ITEM };

static const char *scan_members(struct scan *s, const char *p,
                                struct segment *out);
static const char *scan_value(struct scan *s, const char *p);
static inline const char *open_container(struct scan *s, const char *p,
                                         enum next *next);
static inline const char *after_value(struct scan *s, const char *p,
                                      enum next *next);
static const char *scan_key(struct scan *s, const char *p, struct slice *key);
static inline const char *scan_scalar(struct scan *s, const char *p);
static const char *scan_string(struct scan *s, const char *p);
static const char *scan_escape(struct scan *s, const char *p);
static const char *scan_number(struct scan *s, const char *p);
static const char *scan_word(struct scan *s, const char *p, const char *word);
static inline void note_fact(struct segment *out, struct slice key,
                             struct slice value);
static void note_text(struct slice *fact, struct slice value);
static void note_time(double *fact, struct slice value);

static const char *fail(struct scan *s, const char *where, const char *why)
{
    s->where = where;
    s->why = why;
    return NULL;
}

static inline const char *skip_space(const struct scan *s, const char *p)
{
    while (p < s->end && (unsigned char)*p <= ' ' &&
           (*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r'))
        p++;
    return p;
}

/* The byte at p, 0 at the end (a NUL is never valid). */
static inline char byte_at(const struct scan *s, const char *p)
{
    return p < s->end ? *p : '\0';
}

int segment_scan(struct slice document, struct segment *out, struct err *err)
{
    struct scan s;

    s.end = document.p + document.n;
    s.depth = 0;
    s.escaped = false;
    s.in_object[0] = 0;
    *out = (struct segment){.document = document};
    const char *p = scan_members(&s, document.p, out);
    if (p) {
        p = skip_space(&s, p);
        if (p == s.end)
            return 0;
        fail(&s, p, "something stands behind the object");
    }
    return err_set(err, "not one JSON object: %s at byte %zu", s.why,
                   (size_t)(s.where - document.p));
}

static const char *scan_members(struct scan *s, const char *p,
                                struct segment *out)
{
    enum next next;

    p = skip_space(s, p);
    if (byte_at(s, p) != '{')
        return fail(s, p, "no '{' begins it");
    p = open_container(s, p, &next);
    while (p && next != NEXT_NONE) {
        struct slice key, value;
        char plain[KEY_RAW_MAX];
        value.p = scan_key(s, p, &key);
        bool escaped = s->escaped;
        p = value.p ? scan_value(s, value.p) : NULL;
        if (!p)
            return NULL;
        value.n = (size_t)(p - value.p);
        if (escaped && key.n <= sizeof(plain))
            key = slice_of(plain, js_unescape(key, plain));
        note_fact(out, key, value);
        p = after_value(s, p, &next);
    }
    return p;
}

/* Skips a value and all in it; p stands at its first byte. */
static const char *scan_value(struct scan *s, const char *p)
{
    unsigned outside = s->depth;
    enum next next;
    struct slice key;

    for (;;) {
        char c = byte_at(s, p);
        next = NEXT_NONE;
        if (c == '"')
            p = scan_string(s, p);
        else if (c == '{' || c == '[')
            p = open_container(s, p, &next);
        else
            p = scan_scalar(s, p);
        while (p && next == NEXT_NONE) {
            if (s->depth == outside)
                return p;
            p = after_value(s, p, &next);
        }
        if (p && next == NEXT_MEMBER)
            p = scan_key(s, p, &key);
        if (!p)
            return NULL;
    }
}

/* Stops at the first member or item, or behind the bracket that closes. */
static inline const char *open_container(struct scan *s, const char *p,
                                         enum next *next)
{
    bool object = *p == '{';

    if (s->depth == JS_DEPTH_MAX)
        return fail(s, p, "nested too deep");
    uint8_t bit = (uint8_t)(1u << (s->depth & 7));
    uint8_t *level = &s->in_object[s->depth >> 3];
    if (bit == 1)
        *level = 0;
    *level = (uint8_t)(object ? *level | bit : *level & ~bit);
    p = skip_space(s, p + 1);
    if (byte_at(s, p) == (object ? '}' : ']')) {
        *next = NEXT_NONE;
        return p + 1;
    }
    s->depth++;
    *next = object ? NEXT_MEMBER : NEXT_ITEM;
    return p;
}

/* Behind a value inside of a container: a comma or the end. */
static inline const char *after_value(struct scan *s, const char *p,
                                      enum next *next)
{
    unsigned level = s->depth - 1;
    bool object = s->in_object[level >> 3] >> (level & 7) & 1;

    p = skip_space(s, p);
    char c = byte_at(s, p);
    if (c == ',') {
        *next = object ? NEXT_MEMBER : NEXT_ITEM;
        return skip_space(s, p + 1);
    }
    if (c == (object ? '}' : ']')) {
        s->depth--;
        *next = NEXT_NONE;
        return p + 1;
    }
    return fail(s, p, object ? "',' or '}' expected" : "',' or ']' expected");
}

/* A key and its colon; gives the first byte of the value. */
static const char *scan_key(struct scan *s, const char *p, struct slice *key)
{
    if (byte_at(s, p) != '"')
        return fail(s, p, "a key in quotes expected");
    key->p = p + 1;
    s->escaped = false;
    p = scan_string(s, p);
    if (!p)
        return NULL;
    key->n = (size_t)(p - 1 - key->p);
    p = skip_space(s, p);
    if (byte_at(s, p) != ':')
        return fail(s, p, "':' expected");
    return skip_space(s, p + 1);
}

static inline const char *scan_scalar(struct scan *s, const char *p)
{
    switch (byte_at(s, p)) {
    case 't':
        return scan_word(s, p, "true");
    case 'f':
        return scan_word(s, p, "false");
    case 'n':
        return scan_word(s, p, "null");
    case '-':
    case '0' ... '9':
        return scan_number(s, p);
    default:
        return fail(s, p, "a value expected");
    }
}

static const char *scan_string(struct scan *s, const char *p)
{
    for (p++;;) {
        p += plain_run(p, (size_t)(s->end - p), false);
        if (p == s->end)
            return fail(s, p, "a string does not end");
        if (*p == '"')
            return p + 1;
        if (*p != '\\')
            return fail(s, p, "a control byte stands in a string");
        p = scan_escape(s, p);
        if (!p)
            return NULL;
    }
}

static const char *scan_escape(struct scan *s, const char *p)
{
    ptrdiff_t left = s->end - p;

    s->escaped = true;
    if (left >= 2 && p[1] != '\0' && strchr("\"\\/bfnrt", p[1]))
        return p + 2;
    if (left < 6 || p[1] != 'u')
        return fail(s, p, "an escape is not valid");
    for (int i = 2; i < 6; i++) {
        char c = p[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') ||
              (c >= 'A' && c <= 'F')))
            return fail(s, p, "an escape is not valid");
    }
    return p + 6;
}

static const char *digits(const struct scan *s, const char *p)
{
    while (p < s->end && *p >= '0' && *p <= '9')
        p++;
    return p;
}

static const char *scan_number(struct scan *s, const char *p)
{
    const char *run = *p == '-' ? p + 1 : p;

    p = byte_at(s, run) == '0' ? run + 1 : digits(s, run);
    if (p > run && byte_at(s, p) == '.') {
        run = p + 1;
        p = digits(s, run);
    }
    if (p > run && (byte_at(s, p) | 0x20) == 'e') {
        run = p + 1;
        if (byte_at(s, run) == '+' || byte_at(s, run) == '-')
            run++;
        p = digits(s, run);
    }
    return p > run ? p : fail(s, p, "digits expected");
}

static const char *scan_word(struct scan *s, const char *p, const char *word)
{
    size_t n = strlen(word);

    if ((size_t)(s->end - p) < n || memcmp(p, word, n) != 0)
        return fail(s, p, "a value expected");
    return p + n;
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
        *fact = js_number(value, 0);
}
