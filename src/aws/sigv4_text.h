/* SPDX-License-Identifier: Apache-2.0 */
/* How Signature Version 4 writes paths and header values. Pure. */
#ifndef XR_AWS_SIGV4_TEXT_H
#define XR_AWS_SIGV4_TEXT_H

#include "xr/buf.h"

/* The path without empty, "." and ".." segments, encoded once more. */
void sigv4_append_path(struct slice path, struct buf *out);
/* The value trimmed, each run of blanks as one. */
void sigv4_append_folded(struct slice value, struct buf *out);
/* Percent-encodes all but unreserved characters, and the slash where kept. */
void uri_encode(struct slice s, bool keep_slash, struct buf *out);

#endif
