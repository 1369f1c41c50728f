/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compression of request bodies, a piece at a time, so that a large body does
 * not hold the loop.
 */
#ifndef XR_DEFLATE_H
#define XR_DEFLATE_H

#include "xr/buf.h"
#include "xr/inflate.h"

struct deflater;

/* May be used for many bodies, one after the other. NULL: out of memory. */
struct deflater *deflater_new(void);
void deflater_free(struct deflater *d); /* NULL is fine */
/* Begins a body, which is borrowed until its end. coding: CODING_GZIP or
 * CODING_DEFLATE. False: out of memory. */
bool deflater_begin(struct deflater *d, enum coding coding, struct slice body);
/* Reads about n bytes more of the body and appends what comes of them. 1: more
 * to come; 0: the end; -1: out of memory, or out's ceiling is reached. */
int deflater_step(struct deflater *d, size_t n, struct buf *out);

#endif
