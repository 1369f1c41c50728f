/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies of OTLP answers, in both encodings. */
#ifndef XR_INPUT_OTLP_REPLY_H
#define XR_INPUT_OTLP_REPLY_H

#include <stdint.h>

#include "xr/buf.h"
#include "xr/otlp.h"

/* Codes of google.rpc, as gRPC counts them. */
enum rpc_code {
    RPC_OK = 0,
    RPC_UNKNOWN = 2,
    RPC_INVALID_ARGUMENT = 3,
    RPC_DEADLINE_EXCEEDED = 4,
    RPC_NOT_FOUND = 5,
    RPC_RESOURCE_EXHAUSTED = 8,
    RPC_UNIMPLEMENTED = 12,
    RPC_INTERNAL = 13,
    RPC_UNAVAILABLE = 14,
};

/* ExportTraceServiceResponse; without rejected spans and message it is the
 * empty one. */
void otlp_reply_export(struct buf *out, enum otlp_encoding encoding,
                       uint64_t rejected, const char *message);
/* google.rpc.Status. retry_s > 0: with RetryInfo (protobuf only). */
void otlp_reply_status(struct buf *out, enum otlp_encoding encoding,
                       enum rpc_code code, const char *message,
                       unsigned retry_s);

#define GRPC_MESSAGE_MAX 4096 /* bytes that either of these writes, at most */
/* Text as grpc-message wants it: printable ASCII but the percent sign stays,
 * other bytes are percent-encoded. */
void otlp_reply_grpc_message(struct buf *out, const char *text);
/* google.rpc.Status with RetryInfo, in base64 without padding. */
void otlp_reply_grpc_details(struct buf *out, enum rpc_code code,
                             const char *text, unsigned retry_s);

#endif
