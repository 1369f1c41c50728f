/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growing byte buffer with a ceiling and a sticky error: append as in a
 * straight column of calls, check `failed` once at the end.
 */
#ifndef XR_BUF_H
#define XR_BUF_H

#include "xr/slice.h"

struct buf {
    char *p;
    size_t n;    /* bytes in use */
    size_t cap;  /* bytes allocated */
    size_t max;  /* ceiling of cap */
    bool failed; /* an append did not fit; contents are then incomplete */
};

/* max: ceiling in bytes. Takes no memory yet. */
void buf_init(struct buf *b, size_t max);
/* Makes room for n more bytes and gives the place, NULL (and failed) if the
 * ceiling forbids it. The caller adds to b->n what it wrote. */
char *buf_reserve(struct buf *b, size_t n);
void buf_append(struct buf *b, struct slice s);
void buf_byte(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
static inline void buf_str(struct buf *b, const char *s)
{
    buf_append(b, slice_str(s));
}
static inline struct slice buf_slice(const struct buf *b)
{
    return slice_of(b->p, b->n);
}
/* Empties, keeps the memory, clears the error. */
void buf_clear(struct buf *b);
/* The same, but more memory than that is given back. */
void buf_recycle(struct buf *b, size_t kept);
/* Adds a NUL behind the bytes (not counted) and gives the text, "" if it does
 * not fit. Good until the next append. */
const char *buf_cstr(struct buf *b);
void buf_fini(struct buf *b);
/* The same for a secret: its bytes are overwritten first. */
void buf_wipe(struct buf *b);

#endif
