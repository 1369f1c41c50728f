/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds how far text is plain, that is, needs no look byte by byte: the inner
 * loop of the JSON reader and of the escaper. 16 bytes at a time with SSE2, 8
 * with ordinary words elsewhere.
 */
#ifndef XR_PLAIN_H
#define XR_PLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__) && !defined(XR_PORTABLE)
#include <emmintrin.h>
#define PLAIN_SSE2 1
#endif

static inline bool plain_byte(unsigned char c, bool ascii)
{
    return c >= 0x20 && c != '"' && c != '\\' && (!ascii || c < 0x80);
}

#define PLAIN_ONES (UINT64_MAX / 0xff)
#define PLAIN_HIGH (PLAIN_ONES * 0x80)

/* Whether all 8 bytes are plain. The tests for a small or an equal byte look
 * at the low 7 bits, and are exact where the high bit is clear; a byte with
 * the high bit set is neither. */
static inline bool plain_word(uint64_t w, bool ascii)
{
    uint64_t low = w & ~PLAIN_HIGH;
    uint64_t control = (low + PLAIN_ONES * (0x80 - 0x20)) ^ PLAIN_HIGH;
    uint64_t quote = ((low ^ (PLAIN_ONES * '"')) + PLAIN_ONES * 0x7f);
    uint64_t slash = ((low ^ (PLAIN_ONES * '\\')) + PLAIN_ONES * 0x7f);
    uint64_t hit = (control | ~(quote & slash)) & ~w & PLAIN_HIGH;

    return hit == 0 && (!ascii || (w & PLAIN_HIGH) == 0);
}

/* The portable form; also the tail of the other one. */
static inline size_t plain_run_words(const char *p, size_t n, bool ascii)
{
    size_t i = 0;
    uint64_t w;

    for (; i + sizeof(w) <= n; i += sizeof(w)) {
        memcpy(&w, p + i, sizeof(w));
        if (!plain_word(w, ascii))
            break;
    }
    while (i < n && plain_byte((unsigned char)p[i], ascii))
        i++;
    return i;
}

#ifdef PLAIN_SSE2
/* One bit for each of 16 bytes that is not plain. */
static inline unsigned plain_mask16(__m128i v, bool ascii)
{
    __m128i hit = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1f)), v);

    hit = _mm_or_si128(hit, _mm_cmpeq_epi8(v, _mm_set1_epi8('"')));
    hit = _mm_or_si128(hit, _mm_cmpeq_epi8(v, _mm_set1_epi8('\\')));
    if (ascii)
        hit = _mm_or_si128(hit, v);
    return (unsigned)_mm_movemask_epi8(hit);
}
#endif

/* The number of bytes at p before the first control byte, quote or backslash;
 * with ascii also before the first byte above 0x7f. */
static inline size_t plain_run(const char *p, size_t n, bool ascii)
{
    size_t i = 0;
#ifdef PLAIN_SSE2
    for (; i + 16 <= n; i += 16) {
        const void *from = p + i;
        unsigned mask = plain_mask16(_mm_loadu_si128(from), ascii);
        if (mask)
            return i + (size_t)__builtin_ctz(mask);
    }
#endif
    return i + plain_run_words(p + i, n - i, ascii);
}

/* The same, and copies them to dst. May write up to n bytes there, of which
 * those behind the count returned mean nothing. */
static inline size_t plain_copy(char *dst, const char *p, size_t n, bool ascii)
{
    size_t i = 0;
#ifdef PLAIN_SSE2
    for (; i + 16 <= n; i += 16) {
        const void *from = p + i;
        void *to = dst + i;
        __m128i v = _mm_loadu_si128(from);
        _mm_storeu_si128(to, v);
        unsigned mask = plain_mask16(v, ascii);
        if (mask)
            return i + (size_t)__builtin_ctz(mask);
    }
#endif
    for (uint64_t w; i + sizeof(w) <= n; i += sizeof(w)) {
        memcpy(&w, p + i, sizeof(w));
        if (!plain_word(w, ascii))
            break;
        memcpy(dst + i, &w, sizeof(w));
    }
    for (; i < n && plain_byte((unsigned char)p[i], ascii); i++)
        dst[i] = p[i];
    return i;
}

#endif
