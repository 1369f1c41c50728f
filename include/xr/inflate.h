/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unpacking of compressed request bodies, a piece at a time, so that neither
 * a large body nor a small one that unpacks to a huge one holds the loop.
 */
#ifndef XR_INFLATE_H
#define XR_INFLATE_H

#include "xr/buf.h"
#include "xr/err.h"

enum coding {
    CODING_IDENTITY,
    CODING_GZIP,
    CODING_DEFLATE, /* zlib format, or bare deflate as some send it */
    CODING_ZSTD,
    CODING_UNKNOWN,
};

/* By the word of Content-Encoding or grpc-encoding; empty is identity. */
enum coding coding_parse(struct slice word);

struct inflater;

/* May be used for many bodies, one after the other. NULL: out of memory. */
struct inflater *inflater_new(void);
void inflater_free(struct inflater *i); /* NULL is fine */
/* Begins a body; it is borrowed until its end. False: out of memory. */
bool inflater_begin(struct inflater *i, enum coding coding, struct slice body);
/* Appends at most about n bytes to out. 1: more to come; 0: the end; -1: not
 * of this coding, cut short, or out's ceiling is reached (out->failed). */
int inflater_step(struct inflater *i, size_t n, struct buf *out,
                  struct err *err);

#endif
