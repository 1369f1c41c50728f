/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The datagram header, read as Go's encoding/json fills a struct with a text
 * field `format` and an integer field `version`: names without case under
 * Unicode simple folding, the last of several wins, a member of a wrong type
 * leaves the former value. The spellings that SDKs send are told at a glance.
 */
#include "xray_header.h"

#include "xr/json_scan.h"

#define HEADER_MAX (64u << 10)
#define DEPTH_MAX 10000
/* Longest word looked for, with room for two-byte folds. */
#define WORD_MAX 16

struct header {
    bool format_ok, version_ok;
};

static bool read_members(struct js *j, struct header *h);
static bool read_member(struct js *j, struct slice key, struct header *h);
static void read_version(struct slice literal, struct header *h);
static bool is_word(struct slice raw, const char *word);

bool xray_header_ok(struct slice header)
{
    if (slice_is(header, "{\"format\":\"json\",\"version\":1}") ||
        slice_is(header, "{\"format\": \"json\", \"version\": 1}"))
        return true;
    if (header.n > HEADER_MAX)
        return false;
    struct header h = {false, false};
    struct js j;
    js_init(&j, header, DEPTH_MAX);
    return js_next(&j, NULL) == JS_OBJECT && read_members(&j, &h) &&
           js_next(&j, NULL) == JS_END && h.format_ok && h.version_ok;
}

static bool read_members(struct js *j, struct header *h)
{
    struct slice key;
    for (;;) {
        enum js_kind k = js_next(j, &key);
        if (k == JS_OBJECT_END)
            return true;
        if (k != JS_KEY || !read_member(j, key, h))
            return false;
    }
}

static bool read_member(struct js *j, struct slice key, struct header *h)
{
    struct slice text;
    enum js_kind k = js_next(j, &text);
    if (k == JS_STRING && is_word(key, "format"))
        h->format_ok = is_word(text, "json");
    else if (k == JS_NUMBER && is_word(key, "version"))
        read_version(text, h);
    return js_skip(j, k);
}

/* An integer literal sets the version; one with a fraction, an exponent or
 * out of range is of a wrong type. */
static void read_version(struct slice literal, struct header *h)
{
    bool negative = literal.p[0] == '-';
    uint64_t v = 0;
    for (size_t i = negative; i < literal.n; i++) {
        unsigned digit = (unsigned)(literal.p[i] - '0');
        if (digit > 9 || v > (UINT64_MAX - digit) / 10)
            return;
        v = v * 10 + digit;
    }
    if (v > (uint64_t)INT64_MAX + negative)
        return;
    h->version_ok = v == 1 && !negative;
}

/* Compares a raw JSON string with a lower-case word. Beside the two cases of
 * ASCII, only U+017F (long s) folds to a letter of these words. */
static bool is_word(struct slice raw, const char *word)
{
    char text[6 * WORD_MAX];
    if (raw.n > sizeof(text))
        return false;
    size_t n = js_unescape(raw, text), at = 0;
    for (; *word != '\0'; word++) {
        if (at < n && (text[at] | 0x20) == *word) {
            at++;
        } else if (*word == 's' && at + 1 < n &&
                   memcmp(text + at, "\xc5\xbf", 2) == 0) {
            at += 2;
        } else {
            return false;
        }
    }
    return at == n;
}
