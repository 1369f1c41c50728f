/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The escaper: the one copy that a segment document goes through. It moves
 * clean runs as a whole, puts backslashes before quotes without branching (no
 * processor foresees where JSON text has them), and looks closely only at the
 * bytes that are left.
 */
#include "xr/json_out.h"
#include "xr/plain.h"

#ifdef PLAIN_SSE2
#include <cpuid.h>
#include <pthread.h>
#include <tmmintrin.h>
#endif

enum { ESCAPED_MAX_BYTES = 6 }; /* what one character may become */

static size_t escape_quotes(char *dst, size_t room, const char **p,
                            size_t left);
static size_t escape_letters(char *dst, size_t room, const char **p,
                             size_t *left);
static size_t escape_one(const unsigned char *p, size_t left, char *out,
                         size_t *wrote);
static size_t escape_ascii(unsigned char c, char *out);
static size_t utf8_length(const unsigned char *p, size_t left);

size_t json_escape(char *dst, size_t cap, struct slice *src)
{
    const char *p = src->p;
    size_t left = src->n, n = 0;

    while (left > 0) {
        const char *before = p;
        n += escape_quotes(dst + n, cap - n, &p, left);
        left -= (size_t)(p - before);
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
        n += escape_letters(dst + n, cap - n, &p, &left);
    }
    *src = slice_of(p, left);
    return n;
}

/* Letters beyond ASCII come in rows. */
static size_t escape_letters(char *dst, size_t room, const char **p,
                             size_t *left)
{
    size_t n = 0;

    while (*left > 0 && (unsigned char)**p >= 0x80 &&
           room - n >= ESCAPED_MAX_BYTES) {
        size_t wrote;
        size_t taken =
            escape_one((const unsigned char *)*p, *left, dst + n, &wrote);
        n += wrote;
        *p += taken;
        *left -= taken;
    }
    return n;
}

#ifdef PLAIN_SSE2
/* For each set of quotes among 8 bytes: from where each of the up to 16 bytes
 * comes, or BACKSLASH, and how many they are. */
#define BACKSLASH 0x80
struct spread {
    _Alignas(16) uint8_t from[16];
};
static struct spread spreads[256];
static uint8_t spread_length[256];

static void make_spreads(void)
{
    for (unsigned set = 0; set < 256; set++) {
        uint8_t n = 0;
        for (uint8_t i = 0; i < 8; i++) {
            if (set >> i & 1)
                spreads[set].from[n++] = BACKSLASH;
            spreads[set].from[n++] = i;
        }
        spread_length[set] = n;
    }
}

static _Atomic enum { SHUFFLE_UNKNOWN, SHUFFLE_NO, SHUFFLE_YES } shuffle;

/* Not before the first text, and without libgcc's way, which asks the CPU in a
 * constructor: each question costs microseconds in a virtual machine, and an
 * extension of Lambda starts with every environment. */
static void find_shuffle(void)
{
    unsigned a, b, c = 0, d;
    make_spreads();
    bool found = __get_cpuid(1, &a, &b, &c, &d) && (c & bit_SSSE3);
    shuffle = found ? SHUFFLE_YES : SHUFFLE_NO;
}

static bool has_shuffle(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    if (shuffle == SHUFFLE_UNKNOWN)
        pthread_once(&once, find_shuffle);
    return shuffle == SHUFFLE_YES;
}

/* Writes 8 bytes with their backslashes; 16 bytes at `to` are overwritten. */
__attribute__((target("ssse3"))) static inline size_t
spread8(char *to, __m128i v, unsigned set)
{
    const void *table = spreads[set].from;
    void *out = to;
    __m128i from = _mm_load_si128(table);
    __m128i gap = _mm_cmpgt_epi8(_mm_setzero_si128(), from);
    __m128i text = _mm_shuffle_epi8(v, from); /* 0 where a backslash goes */
    __m128i slashes = _mm_and_si128(gap, _mm_set1_epi8('\\'));
    _mm_storeu_si128(out, _mm_or_si128(text, slashes));
    return spread_length[set];
}

/* Whole blocks of 16 bytes, as long as they hold nothing to escape but quotes
 * and backslashes and there is room for the worst of them. */
__attribute__((target("ssse3"))) static size_t
escape_blocks(char *dst, size_t room, const char **p, size_t left)
{
    const char *from = *p, *end = from + left;
    char *to = dst, *last = dst + room - 32;
    for (; end - from >= 16 && to <= last; from += 16) {
        const void *in = from;
        void *out = to;
        __m128i v = _mm_loadu_si128(in);
        unsigned set = plain_mask16(v, true);
        if (set == 0) {
            _mm_storeu_si128(out, v);
            to += 16;
            continue;
        }
        __m128i quote = _mm_cmpeq_epi8(v, _mm_set1_epi8('"'));
        __m128i slash = _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'));
        if (set != (unsigned)_mm_movemask_epi8(_mm_or_si128(quote, slash)))
            break;
        to += spread8(to, v, set & 0xff);
        to += spread8(to, _mm_srli_si128(v, 8), set >> 8);
    }
    *p = from;
    return (size_t)(to - dst);
}
#endif

/* Takes as much text as can be had without looking at single bytes, maybe
 * none; moves *p, returns what was written. */
static size_t escape_quotes(char *dst, size_t room, const char **p, size_t left)
{
#ifdef PLAIN_SSE2
    if (left >= 16 && room >= 32 && has_shuffle())
        return escape_blocks(dst, room, p, left);
#endif
    (void)dst;
    (void)room;
    (void)p;
    (void)left;
    return 0;
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
