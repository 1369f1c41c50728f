/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON pull reader: no tree, no allocation, strict as Go's encoding/json
 * (RFC 8259; invalid UTF-8 inside strings is tolerated, raw control bytes are
 * not). Prefix js_.
 */
#ifndef XR_JSON_SCAN_H
#define XR_JSON_SCAN_H

#include <stdint.h>

#include "xr/arena.h"
#include "xr/slice.h"

#define JS_DEPTH_MAX 10000 /* Go's limit; a reader may set a lower one */

enum js_kind {
    JS_ERROR = -1,
    JS_END, /* the one value is over and only white space follows */
    JS_OBJECT,
    JS_OBJECT_END,
    JS_ARRAY,
    JS_ARRAY_END,
    JS_KEY,
    JS_STRING,
    JS_NUMBER,
    JS_TRUE,
    JS_FALSE,
    JS_NULL,
};

struct js {
    const char *start, *p, *end;
    const char *why; /* after JS_ERROR: what was wrong */
    int depth, max_depth;
    uint32_t escapes; /* what those read so far cost, in units of about 3 ns */
    uint8_t expect;   /* internal: what may come next */
    uint8_t in_object[JS_DEPTH_MAX / 8 + 1]; /* internal: one bit a level */
};

/* text is borrowed while j is used. max_depth: levels of objects and arrays,
 * at most JS_DEPTH_MAX; a deeper one is JS_ERROR. */
void js_init(struct js *j, struct slice text, int max_depth);
/* Gives the next token. *text (may be NULL): for JS_KEY and JS_STRING the raw
 * bytes between the quotes (escapes not decoded), for JS_NUMBER the literal. */
enum js_kind js_next(struct js *j, struct slice *text);
/* After a token that begins a value (OBJECT, ARRAY, or a scalar): skips to its
 * end. False on a syntax error. */
bool js_skip(struct js *j, enum js_kind begun);
/* Byte offset of the next unread byte, for messages. */
static inline size_t js_offset(const struct js *j)
{
    return (size_t)(j->p - j->start);
}

/* Whether raw holds a backslash, so that it needs js_unescape. */
bool js_has_escape(struct slice raw);
/* Decodes escapes into out, which has room for raw.n bytes; returns the
 * length. Lone surrogates become U+FFFD. */
size_t js_unescape(struct slice raw, char *out);
/* raw itself when nothing is escaped, else decoded into the arena; false when
 * the arena is full. */
bool js_text(struct slice raw, struct arena *a, struct slice *out);
/* The value of a JS_NUMBER's literal; otherwise: what is given for one without
 * end, one that no double holds, and text that is no number. */
double js_number(struct slice literal, double otherwise);

#endif
