/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The protobuf wire format: one field at a time, each length checked against
 * what is left. Knows no message type.
 */
#include "xr/pb.h"

enum {
    WIRE_GROUP_END = 4,
    GROUP_DEPTH_MAX = 100,
    NUMBER_MAX = (1 << 29) - 1,
};

static bool read_tag(struct pb *r, uint32_t *number, unsigned *wire);
static bool read_varint(struct pb *r, uint64_t *v);
static bool read_varint_long(struct pb *r, uint64_t *v);
static bool read_value(struct pb *r, struct pb_field *f, unsigned wire);
static bool read_group(struct pb *r, struct pb_field *f);
static bool skip_group(struct pb *r, uint32_t number);

void pb_init(struct pb *r, struct slice message)
{
    r->start = r->p = (const uint8_t *)message.p;
    r->end = message.n ? r->p + message.n : r->p;
}

int pb_next(struct pb *r, struct pb_field *f)
{
    const uint8_t *begin = r->p;
    unsigned wire;

    if (begin == r->end)
        return 0;
    if (read_tag(r, &f->number, &wire)) {
        f->type = (enum pb_type)wire;
        if (wire == PB_GROUP ? read_group(r, f) : read_value(r, f, wire))
            return 1;
    }
    r->p = begin;
    return -1;
}

double pb_double(uint64_t bits)
{
    double v;

    memcpy(&v, &bits, sizeof(v));
    return v;
}

static bool read_tag(struct pb *r, uint32_t *number, unsigned *wire)
{
    uint64_t tag;

    if (!read_varint(r, &tag))
        return false;
    *number = (uint32_t)(tag >> 3);
    *wire = (unsigned)(tag & 7);
    return tag >> 3 >= 1 && tag >> 3 <= NUMBER_MAX;
}

static bool read_varint(struct pb *r, uint64_t *v)
{
    if (r->p < r->end && *r->p < 0x80) {
        *v = *r->p++;
        return true;
    }
    return read_varint_long(r, v);
}

/* At most ten bytes; bits above the 64th are dropped, as the official runtimes
 * drop them. */
static bool read_varint_long(struct pb *r, uint64_t *v)
{
    uint64_t sum = 0;
    const uint8_t *p = r->p;

    for (unsigned shift = 0; shift < 64 && p < r->end; shift += 7) {
        uint8_t c = *p++;
        sum |= (uint64_t)(c & 0x7f) << shift;
        if (c >= 0x80)
            continue;
        r->p = p;
        *v = sum;
        return true;
    }
    return false;
}

static uint64_t little_endian(const uint8_t *p, unsigned n)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < n; i++)
        v |= (uint64_t)p[i] << (8 * i);
    return v;
}

static bool read_value(struct pb *r, struct pb_field *f, unsigned wire)
{
    size_t left, n;

    switch (wire) {
    case PB_VARINT:
        return read_varint(r, &f->u);
    case PB_FIXED64:
    case PB_FIXED32:
        n = wire == PB_FIXED64 ? 8 : 4;
        if ((size_t)(r->end - r->p) < n)
            return false;
        f->u = n == 8 ? little_endian(r->p, 8) : little_endian(r->p, 4);
        r->p += n;
        return true;
    case PB_BYTES:
        if (!read_varint(r, &f->u))
            return false;
        left = (size_t)(r->end - r->p);
        if (f->u > left)
            return false;
        f->bytes = slice_of(r->p, (size_t)f->u);
        r->p += f->u;
        return true;
    default: /* the end of a group that was not begun, or no wire type */
        return false;
    }
}

static bool read_group(struct pb *r, struct pb_field *f)
{
    struct pb within = *r;

    if ((size_t)(r->end - r->p) > PB_GROUP_BYTES_MAX)
        within.end = r->p + PB_GROUP_BYTES_MAX;
    if (!skip_group(&within, f->number))
        return false;
    f->bytes = slice_of(r->p, (size_t)(within.p - r->p));
    r->p = within.p;
    return true;
}

/* Groups nest; the numbers of begin and end must pair. */
static bool skip_group(struct pb *r, uint32_t number)
{
    uint32_t open[GROUP_DEPTH_MAX];
    int depth = 0;

    open[depth++] = number;
    while (depth > 0) {
        struct pb_field unused;
        unsigned wire;
        if (!read_tag(r, &number, &wire))
            return false;
        if (wire == PB_GROUP) {
            if (depth == GROUP_DEPTH_MAX)
                return false;
            open[depth++] = number;
        } else if (wire == WIRE_GROUP_END) {
            if (open[--depth] != number)
                return false;
        } else if (!read_value(r, &unused, wire)) {
            return false;
        }
    }
    return true;
}
