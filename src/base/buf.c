/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The growing byte buffer. Doubles until its ceiling; after the first append
 * that does not fit it takes nothing more, so that its contents are a true
 * prefix of what was meant. Knows bytes only.
 */
#include "xr/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { BUF_FIRST_BYTES = 256 };

static void overwrite(struct buf *b);
static bool grow(struct buf *b, size_t need);

void buf_init(struct buf *b, size_t max)
{
    *b = (struct buf){.max = max};
}

char *buf_reserve(struct buf *b, size_t n)
{
    if (b->failed)
        return NULL;
    if (n > b->cap - b->n || !b->p) {
        if (n > b->max - b->n || !grow(b, b->n + n)) {
            b->failed = true;
            return NULL;
        }
    }
    return b->p + b->n;
}

void buf_append(struct buf *b, struct slice s)
{
    char *to = buf_reserve(b, s.n);

    if (to && s.n) {
        memcpy(to, s.p, s.n);
        b->n += s.n;
    }
}

void buf_byte(struct buf *b, char c)
{
    char *to = buf_reserve(b, 1);

    if (to) {
        *to = c;
        b->n++;
    }
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    char small[256];
    va_list ap, again;

    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(small, sizeof(small), fmt, ap);
    va_end(ap);
    assert(n >= 0);
    if ((size_t)n < sizeof(small)) {
        buf_append(b, slice_of(small, (size_t)n));
    } else {
        char *big = malloc((size_t)n + 1);
        if (big) {
            vsnprintf(big, (size_t)n + 1, fmt, again);
            buf_append(b, slice_of(big, (size_t)n));
            free(big);
        } else {
            b->failed = true;
        }
    }
    va_end(again);
}

void buf_clear(struct buf *b)
{
    b->n = 0;
    b->failed = false;
}

void buf_recycle(struct buf *b, size_t kept)
{
    if (b->cap > kept)
        buf_fini(b);
    else
        buf_clear(b);
}

const char *buf_cstr(struct buf *b)
{
    char *end = buf_reserve(b, 1);

    if (!end)
        return "";
    *end = '\0';
    return b->p;
}

void buf_fini(struct buf *b)
{
    free(b->p);
    *b = (struct buf){.max = b->max};
}

void buf_wipe(struct buf *b)
{
    overwrite(b);
    buf_fini(b);
}

static void overwrite(struct buf *b)
{
    if (b->p != NULL)
        explicit_bzero(b->p, b->cap);
}

/* need <= max. */
static bool grow(struct buf *b, size_t need)
{
    size_t cap = b->cap ? b->cap : BUF_FIRST_BYTES;

    while (cap < need)
        cap = cap > b->max / 2 ? b->max : cap * 2;
    if (cap > b->max)
        cap = b->max;
    if (cap == 0) /* an empty append to a buffer that may hold nothing */
        return false;
    char *p = realloc(b->p, cap);
    if (!p)
        return false;
    b->p = p;
    b->cap = cap;
    return true;
}
