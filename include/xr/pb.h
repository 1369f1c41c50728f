/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Protobuf wire format reader over a borrowed slice. Checks every length; a
 * group is given as one field, to be passed over as the official runtimes do.
 */
#ifndef XR_PB_H
#define XR_PB_H

#include <stdint.h>

#include "xr/slice.h"

enum pb_type {
    PB_VARINT = 0,
    PB_FIXED64 = 1,
    PB_BYTES = 2,
    PB_GROUP = 3,
    PB_FIXED32 = 5,
};

/* A longer group is malformed: no message of ours has any, and one is walked
 * through in one go. */
#define PB_GROUP_BYTES_MAX ((size_t)64 << 10)

struct pb {
    const uint8_t *start, *p, *end;
};

struct pb_field {
    uint32_t number;
    enum pb_type type;
    uint64_t u;         /* VARINT, FIXED64, FIXED32 */
    struct slice bytes; /* BYTES, GROUP */
};

/* message is borrowed while r is used. */
void pb_init(struct pb *r, struct slice message);
/* 1: *f holds the next field; 0: end of message; -1: malformed (r->p stands at
 * the offending byte). */
int pb_next(struct pb *r, struct pb_field *f);
/* Byte offset of the next unread byte, for messages. */
static inline size_t pb_offset(const struct pb *r)
{
    return (size_t)(r->p - r->start);
}
/* FIXED64 as a double. */
double pb_double(uint64_t bits);

#endif
