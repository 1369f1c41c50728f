/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gzip, deflate and zstd over zlib and libzstd. Several gzip members or zstd
 * frames behind each other are one body, as their formats say. What is kept
 * between bodies is the decoders' own memory. Knows no HTTP beyond the names.
 */
#include "xr/inflate.h"

#include <stdint.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#define ZSTD_WINDOW_LOG_MAX 24 /* 16 MiB */
#define WINDOW_BITS 15
#define STEP_LEAST 4096

struct inflater {
    enum coding coding;
    z_stream z;
    bool z_ready; /* z was initialised */
    ZSTD_DStream *zstd;
    ZSTD_inBuffer in; /* of zstd */
    bool ended;       /* a member or frame is complete */
};

static bool begin_zlib(struct inflater *i, struct slice body);
static int window_bits(enum coding coding, struct slice body);
static bool begin_zstd(struct inflater *i, struct slice body);
static int step_zlib(struct inflater *i, struct buf *out, size_t room,
                     struct err *err);
static int step_zstd(struct inflater *i, struct buf *out, size_t room,
                     struct err *err);

enum coding coding_parse(struct slice word)
{
    static const struct {
        const char *word;
        enum coding coding;
    } rows[] = {
        {"", CODING_IDENTITY}, {"identity", CODING_IDENTITY},
        {"gzip", CODING_GZIP}, {"x-gzip", CODING_GZIP},
        {"zstd", CODING_ZSTD}, {"deflate", CODING_DEFLATE},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (slice_is_nocase(word, rows[i].word))
            return rows[i].coding;
    return CODING_UNKNOWN;
}

struct inflater *inflater_new(void)
{
    return calloc(1, sizeof(struct inflater));
}

void inflater_free(struct inflater *i)
{
    if (!i)
        return;
    if (i->z_ready)
        inflateEnd(&i->z);
    ZSTD_freeDStream(i->zstd);
    free(i);
}

bool inflater_begin(struct inflater *i, enum coding coding, struct slice body)
{
    i->coding = coding;
    i->ended = false;
    return coding == CODING_ZSTD ? begin_zstd(i, body) : begin_zlib(i, body);
}

int inflater_step(struct inflater *i, size_t n, struct buf *out,
                  struct err *err)
{
    size_t room = out->cap - out->n;
    if (n < STEP_LEAST)
        n = STEP_LEAST;
    if (room > n)
        room = n;
    /* At the ceiling one byte of room tells whether anything is left. */
    if (room == 0 && out->n < out->max) {
        room = out->max - out->n < n ? out->max - out->n : n;
        if (!buf_reserve(out, room))
            return err_set(err, "out of memory");
    }
    return i->coding == CODING_ZSTD ? step_zstd(i, out, room, err)
                                    : step_zlib(i, out, room, err);
}

static bool begin_zlib(struct inflater *i, struct slice body)
{
    int bits = window_bits(i->coding, body);
    int rc =
        i->z_ready ? inflateReset2(&i->z, bits) : inflateInit2(&i->z, bits);
    if (rc != Z_OK)
        return false;
    i->z_ready = true;
    i->z.next_in = (Bytef *)(uintptr_t)body.p;
    i->z.avail_in = (uInt)body.n;
    return true;
}

/* "deflate" means the zlib format, whose two first bytes can be told from bare
 * deflate by their check (RFC 1950 §2.2). */
static int window_bits(enum coding coding, struct slice body)
{
    if (coding == CODING_GZIP)
        return WINDOW_BITS + 16;
    unsigned first = body.n > 1 ? (unsigned char)body.p[0] : 0;
    unsigned second = body.n > 1 ? (unsigned char)body.p[1] : 0;
    bool zlib = (first & 0x0f) == 8 && (first << 8 | second) % 31 == 0;
    return zlib ? WINDOW_BITS : -WINDOW_BITS;
}

static bool begin_zstd(struct inflater *i, struct slice body)
{
    if (!i->zstd)
        i->zstd = ZSTD_createDStream();
    if (!i->zstd || ZSTD_isError(ZSTD_initDStream(i->zstd)) ||
        ZSTD_isError(ZSTD_DCtx_setParameter(i->zstd, ZSTD_d_windowLogMax,
                                            ZSTD_WINDOW_LOG_MAX)))
        return false;
    i->in = (ZSTD_inBuffer){.src = body.p, .size = body.n};
    return true;
}

static int step_zlib(struct inflater *i, struct buf *out, size_t room,
                     struct err *err)
{
    char probe;
    i->z.next_out = (Bytef *)(room ? out->p + out->n : &probe);
    i->z.avail_out = (uInt)(room ? room : 1);
    uInt had = i->z.avail_out;
    int rc = inflate(&i->z, Z_NO_FLUSH);
    uInt got = had - i->z.avail_out;
    if (room == 0 && got > 0) {
        out->failed = true;
        return err_set(err, "the unpacked body is larger than %zu bytes",
                       out->max);
    }
    out->n += got;
    if (rc == Z_STREAM_END) {
        if (i->z.avail_in == 0)
            return 0;
        return i->coding == CODING_GZIP && inflateReset(&i->z) == Z_OK
                   ? 1
                   : err_set(err, "%u bytes behind the end of the packed body",
                             i->z.avail_in);
    }
    if (rc != Z_OK && rc != Z_BUF_ERROR)
        return err_set(err, "the packed body is damaged: %s",
                       i->z.msg ? i->z.msg : "not of this coding");
    if (got == 0 && i->z.avail_in == 0)
        return err_set(err, "the packed body is cut short");
    return 1;
}

static int step_zstd(struct inflater *i, struct buf *out, size_t room,
                     struct err *err)
{
    char probe;
    ZSTD_outBuffer to = {.dst = room ? out->p + out->n : &probe,
                         .size = room ? room : 1};
    size_t before = i->in.pos;
    size_t rc = ZSTD_decompressStream(i->zstd, &to, &i->in);
    if (ZSTD_isError(rc))
        return err_set(err, "the packed body is damaged: %s",
                       ZSTD_getErrorName(rc));
    if (room == 0 && to.pos > 0) {
        out->failed = true;
        return err_set(err, "the unpacked body is larger than %zu bytes",
                       out->max);
    }
    out->n += to.pos;
    i->ended = rc == 0;
    if (i->ended && i->in.pos == i->in.size)
        return 0;
    if (to.pos == 0 && i->in.pos == before)
        return err_set(err, "the packed body is cut short");
    return 1;
}
