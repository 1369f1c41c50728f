/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON writer: writes into a buf, places commas itself, keeps a sticky error
 * (the buf's). No tree. Prefix jw_.
 *
 * Strings are written as the X-Ray daemon writes them (Go's JSON encoder
 * without HTML escaping): `"` and `\` with a backslash, \n \r \t \b \f
 * short, other control bytes \u00XX, U+2028 and U+2029 as \u2028 \u2029, each
 * byte of invalid UTF-8 as U+FFFD, all else raw.
 */
#ifndef XR_JSON_OUT_H
#define XR_JSON_OUT_H

#include <stdint.h>

#include "xr/buf.h"

#define JW_DEPTH_MAX 128

struct jw {
    struct buf *out;
    uint8_t comma[JW_DEPTH_MAX]; /* a value stands before, per depth */
    int depth;
};

/* Starts at the end of out's present contents. */
void jw_init(struct jw *j, struct buf *out);
void jw_object(struct jw *j);
void jw_object_end(struct jw *j);
void jw_array(struct jw *j);
void jw_array_end(struct jw *j);
void jw_key(struct jw *j, struct slice key);
void jw_string(struct jw *j, struct slice s);
void jw_int(struct jw *j, int64_t v);
void jw_uint(struct jw *j, uint64_t v);
/* Shortest decimal that reads back as the same double; 3.0 is written 3.
 * NaN and infinities are written as the strings "NaN", "Infinity",
 * "-Infinity" (JSON has no such numbers). */
void jw_double(struct jw *j, double v);
void jw_bool(struct jw *j, bool v);
void jw_null(struct jw *j);
/* Text that is JSON already, written as it is. */
void jw_raw(struct jw *j, struct slice json);

/* Escapes as much of *src as fits into cap bytes at dst, without quotes, and
 * moves *src forward by what was taken. Returns the bytes written. An escape
 * or a UTF-8 character is never split. With cap >= 6 it always advances. */
size_t json_escape(char *dst, size_t cap, struct slice *src);

#endif
