/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gzip and deflate over zlib, at the level that costs least: spans repeat
 * themselves, so that a higher one gains little. Knows no HTTP.
 */
#include "xr/deflate.h"

#include <stdint.h>
#include <stdlib.h>
#include <zlib.h>

#define LEVEL 1
#define WINDOW_BITS 15
#define GZIP_BITS 16 /* added to WINDOW_BITS */
#define MEMORY_LEVEL 8
#define ROOM 16384

struct deflater {
    z_stream z;
    bool ready; /* z was initialised for `coding` */
    enum coding coding;
    size_t left; /* of the body, not yet given to zlib */
};

static bool make_ready(struct deflater *d, enum coding coding);

struct deflater *deflater_new(void)
{
    return calloc(1, sizeof(struct deflater));
}

void deflater_free(struct deflater *d)
{
    if (!d)
        return;
    if (d->ready)
        deflateEnd(&d->z);
    free(d);
}

bool deflater_begin(struct deflater *d, enum coding coding, struct slice body)
{
    if (!make_ready(d, coding))
        return false;
    d->z.next_in = (Bytef *)(uintptr_t)body.p;
    d->z.avail_in = 0;
    d->left = body.n;
    return true;
}

int deflater_step(struct deflater *d, size_t n, struct buf *out)
{
    size_t piece = n < d->left ? n : d->left;
    d->z.avail_in = (uInt)piece;
    d->left -= piece;
    int flush = d->left > 0 ? Z_NO_FLUSH : Z_FINISH;
    for (;;) {
        size_t room = out->cap - out->n;
        char *to = room > 0 ? out->p + out->n : buf_reserve(out, ROOM);
        if (!to)
            return -1;
        room = out->cap - out->n;
        d->z.next_out = (Bytef *)to;
        d->z.avail_out = (uInt)room;
        int rc = deflate(&d->z, flush);
        out->n += room - d->z.avail_out;
        if (rc == Z_STREAM_END)
            return 0;
        if (rc != Z_OK && rc != Z_BUF_ERROR)
            return -1;
        /* Room left over: all input was read. */
        if (d->z.avail_out > 0 && flush == Z_NO_FLUSH)
            return 1;
    }
}

static bool make_ready(struct deflater *d, enum coding coding)
{
    int bits = coding == CODING_GZIP ? WINDOW_BITS + GZIP_BITS : WINDOW_BITS;
    if (d->ready && d->coding == coding)
        return deflateReset(&d->z) == Z_OK;
    if (d->ready)
        deflateEnd(&d->z);
    d->coding = coding;
    d->ready = deflateInit2(&d->z, LEVEL, Z_DEFLATED, bits, MEMORY_LEVEL,
                            Z_DEFAULT_STRATEGY) == Z_OK;
    return d->ready;
}
