/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes forbidden characters out of the names of a segment document and its
 * subsegments: X-Ray takes letters, numbers, white space and
 * _ . : / % & # = + \ - @, at most 200 characters. All else of the document
 * stays as it is, byte for byte. Only used once X-Ray has refused a name.
 * Pure.
 */
#include "xray_parts.h"

#include "xr/json_out.h"
#include "xr/json_scan.h"

#define NAME_MAX_CHARS 200
#define NOTHING_LEFT "unknown"
#define DEPTH_MAX 256

/* What a level of nesting is. */
enum level { LEVEL_OTHER, LEVEL_SEGMENT, LEVEL_SUBSEGMENTS };

struct repair {
    struct js js;
    struct buf *out, scratch;
    const char *copied; /* of the document, so far */
    uint8_t levels[DEPTH_MAX + 2];
    int depth;
    struct slice key;
    bool changed;
};

static bool step(struct repair *r, enum js_kind kind, struct slice text);
static enum level opened(const struct repair *r, enum js_kind kind);
static void clean(struct repair *r, struct slice raw);
static size_t clean_text(char *text, size_t n);
static size_t char_length(const char *p, size_t left, uint32_t *code);
static bool allowed(uint32_t c);

bool xray_repair_names(struct slice document, struct buf *out)
{
    struct repair r = {.out = out, .copied = document.p};
    struct slice text;
    enum js_kind kind = JS_END;
    buf_init(&r.scratch, document.n + sizeof(NOTHING_LEFT));
    js_init(&r.js, document, DEPTH_MAX);
    do {
        kind = js_next(&r.js, &text);
    } while (kind > JS_END && step(&r, kind, text));
    buf_fini(&r.scratch);
    if (kind != JS_END)
        return false;
    size_t rest = (size_t)(document.p + document.n - r.copied);
    buf_append(out, slice_of(r.copied, rest));
    return r.changed && !out->failed;
}

static bool step(struct repair *r, enum js_kind kind, struct slice text)
{
    enum level here = r->levels[r->depth];
    switch (kind) {
    case JS_OBJECT:
    case JS_ARRAY:
        if (r->depth == DEPTH_MAX)
            return false;
        r->levels[r->depth + 1] = (uint8_t)opened(r, kind);
        r->depth++;
        break;
    case JS_OBJECT_END:
    case JS_ARRAY_END:
        r->depth--;
        break;
    case JS_KEY:
        r->key = text;
        break;
    case JS_STRING:
        if (here == LEVEL_SEGMENT && slice_is(r->key, "name"))
            clean(r, text);
        break;
    default:
        break;
    }
    return true;
}

static enum level opened(const struct repair *r, enum js_kind kind)
{
    enum level here = r->levels[r->depth];
    if (kind == JS_OBJECT)
        return r->depth == 0 || here == LEVEL_SUBSEGMENTS ? LEVEL_SEGMENT
                                                          : LEVEL_OTHER;
    return here == LEVEL_SEGMENT && slice_is(r->key, "subsegments")
               ? LEVEL_SUBSEGMENTS
               : LEVEL_OTHER;
}

/* Writes what stands before the name and then the clean name, if it had to be
 * changed. */
static void clean(struct repair *r, struct slice raw)
{
    buf_clear(&r->scratch);
    char *text = buf_reserve(&r->scratch, raw.n + sizeof(NOTHING_LEFT));
    if (!text)
        return;
    size_t n = js_unescape(raw, text);
    size_t kept = clean_text(text, n);
    if (kept == n)
        return;
    if (kept == 0) {
        kept = sizeof(NOTHING_LEFT) - 1;
        memcpy(text, NOTHING_LEFT, kept);
    }
    buf_append(r->out, slice_of(r->copied, (size_t)(raw.p - r->copied)));
    struct slice left = slice_of(text, kept);
    char *to = buf_reserve(r->out, 2 * kept + 8); /* at most \\ for each */
    if (to)
        r->out->n += json_escape(to, 2 * kept + 8, &left);
    r->copied = raw.p + raw.n;
    r->changed = true;
}

/* In place; returns the length that is left. */
static size_t clean_text(char *text, size_t n)
{
    size_t kept = 0, chars = 0, len;
    for (size_t i = 0; i < n && chars < NAME_MAX_CHARS; i += len) {
        uint32_t c;
        len = char_length(text + i, n - i, &c);
        if (!allowed(c))
            continue;
        memmove(text + kept, text + i, len);
        kept += len;
        chars++;
    }
    return kept;
}

/* One UTF-8 character; a byte that begins none is U+FFFD. */
static size_t char_length(const char *p, size_t left, uint32_t *code)
{
    const unsigned char *u = (const unsigned char *)p;
    size_t n = u[0] < 0x80 ? 1 : u[0] < 0xe0 ? 2 : u[0] < 0xf0 ? 3 : 4;
    *code = u[0];
    if (n == 1)
        return 1;
    *code = 0xfffd;
    if (u[0] < 0xc2 || u[0] > 0xf4 || n > left)
        return 1;
    uint32_t c = u[0] & (0xffu >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        if ((u[i] & 0xc0) != 0x80)
            return 1;
        c = c << 6 | (u[i] & 0x3fu);
    }
    *code = c;
    return n;
}

/* Beyond ASCII: all but the blocks of punctuation, symbols, emoji and private
 * use, since there is one attempt only and letters are the common case. */
static bool allowed(uint32_t c)
{
    static const struct {
        uint32_t first, last;
    } forbidden[] = {
        {0x80, 0xa9},       {0xab, 0xb1},        {0xb4, 0xb4},
        {0xb6, 0xb8},       {0xbb, 0xbb},        {0xbf, 0xbf},
        {0xd7, 0xd7},       {0xf7, 0xf7},        {0x2000, 0x206f},
        {0x20a0, 0x20cf},   {0x2190, 0x2bff},    {0x2e00, 0x2e7f},
        {0x3001, 0x3004},   {0x3008, 0x3020},    {0xd800, 0xf8ff},
        {0xfe00, 0xfe6f},   {0xff01, 0xff0f},    {0xffe0, 0xffff},
        {0x1f000, 0x1fbff}, {0xe0000, 0x10ffff},
    };
    if (c < 0x80)
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
               (c >= 'A' && c <= 'Z') ||
               (c && strchr(" _.:/%&#=+\\-@", (int)c) != NULL);
    for (size_t i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++) {
        if (c >= forbidden[i].first && c <= forbidden[i].last)
            return false;
    }
    return true;
}
