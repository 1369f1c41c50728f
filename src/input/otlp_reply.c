/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes the few small messages that answer an OTLP request, protobuf by hand
 * and JSON by the writer. Knows the messages' fields, no transport.
 */
#include "otlp_reply.h"

#include <stdio.h>

#include "xr/hash.h"
#include "xr/json_out.h"

#define MESSAGE_MAX 1024
#define VARINT 0
#define BYTES 2

static void pb_varint(struct buf *b, uint64_t v);
static void pb_tag(struct buf *b, unsigned field, unsigned type);
static void pb_number(struct buf *b, unsigned field, uint64_t v);
static void pb_bytes(struct buf *b, unsigned field, struct slice s);
static void pb_retry_info(struct buf *b, unsigned field, unsigned retry_s);
static void json_export(struct buf *out, uint64_t rejected,
                        const char *message);
static void json_status(struct buf *out, enum rpc_code code,
                        const char *message);

void otlp_reply_export(struct buf *out, enum otlp_encoding encoding,
                       uint64_t rejected, const char *message)
{
    if (encoding == OTLP_JSON) {
        json_export(out, rejected, message);
        return;
    }
    if (rejected == 0 && !*message)
        return;
    struct buf partial;
    buf_init(&partial, MESSAGE_MAX + 64);
    if (rejected)
        pb_number(&partial, 1, rejected);
    pb_bytes(&partial, 2, slice_str(message));
    pb_bytes(out, 1, buf_slice(&partial));
    buf_fini(&partial);
}

void otlp_reply_status(struct buf *out, enum otlp_encoding encoding,
                       enum rpc_code code, const char *message,
                       unsigned retry_s)
{
    if (encoding == OTLP_JSON) {
        json_status(out, code, message);
        return;
    }
    pb_number(out, 1, code);
    pb_bytes(out, 2, slice_str(message));
    if (retry_s)
        pb_retry_info(out, 3, retry_s);
}

void otlp_reply_grpc_message(struct buf *out, const char *text)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t n = strnlen(text, MESSAGE_MAX);
    for (size_t i = 0; i < n; i++) {
        unsigned char b = (unsigned char)text[i];
        if (b >= 0x20 && b <= 0x7e && b != '%') {
            buf_byte(out, text[i]);
            continue;
        }
        buf_byte(out, '%');
        buf_byte(out, digits[b >> 4]);
        buf_byte(out, digits[b & 15]);
    }
}

void otlp_reply_grpc_details(struct buf *out, enum rpc_code code,
                             const char *text, unsigned retry_s)
{
    struct buf status;
    buf_init(&status, MESSAGE_MAX * 2);
    otlp_reply_status(&status, OTLP_PROTOBUF, code, text, retry_s);
    char *to = buf_reserve(out, base64_encoded_len(status.n));
    if (to)
        out->n += base64_encode(buf_slice(&status), to);
    while (out->n > 0 && out->p[out->n - 1] == '=')
        out->n--;
    buf_fini(&status);
}

static void pb_varint(struct buf *b, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        buf_byte(b, (char)(v | 0x80));
    buf_byte(b, (char)v);
}

static void pb_tag(struct buf *b, unsigned field, unsigned type)
{
    pb_varint(b, field << 3 | type);
}

static void pb_number(struct buf *b, unsigned field, uint64_t v)
{
    pb_tag(b, field, VARINT);
    pb_varint(b, v);
}

static void pb_bytes(struct buf *b, unsigned field, struct slice s)
{
    pb_tag(b, field, BYTES);
    pb_varint(b, s.n);
    buf_append(b, s);
}

/* google.protobuf.Any of google.rpc.RetryInfo{retry_delay: Duration}. */
static void pb_retry_info(struct buf *b, unsigned field, unsigned retry_s)
{
    struct buf delay, info, any;
    buf_init(&delay, 64);
    buf_init(&info, 64);
    buf_init(&any, 256);
    pb_number(&delay, 1, retry_s);
    pb_bytes(&info, 1, buf_slice(&delay));
    pb_bytes(&any, 1, SLICE("type.googleapis.com/google.rpc.RetryInfo"));
    pb_bytes(&any, 2, buf_slice(&info));
    pb_bytes(b, field, buf_slice(&any));
    buf_fini(&delay);
    buf_fini(&info);
    buf_fini(&any);
}

static void json_export(struct buf *out, uint64_t rejected, const char *message)
{
    struct jw j;
    char number[24];
    jw_init(&j, out);
    jw_object(&j);
    if (rejected || *message) {
        jw_key(&j, SLICE("partialSuccess"));
        jw_object(&j);
        snprintf(number, sizeof(number), "%llu", (unsigned long long)rejected);
        jw_key(&j, SLICE("rejectedSpans"));
        jw_string(&j, slice_str(number)); /* 64 bit: a string in JSON */
        jw_key(&j, SLICE("errorMessage"));
        jw_string(&j, slice_str(message));
        jw_object_end(&j);
    }
    jw_object_end(&j);
}

static void json_status(struct buf *out, enum rpc_code code,
                        const char *message)
{
    struct jw j;
    jw_init(&j, out);
    jw_object(&j);
    jw_key(&j, SLICE("code"));
    jw_int(&j, code);
    jw_key(&j, SLICE("message"));
    jw_string(&j, slice_str(message));
    jw_object_end(&j);
}
