/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes the text of an import apart while it comes: values one after the
 * other or in arrays, and what stands in the lists of BatchGetTraces answers
 * and of OTLP requests, however large those are as a whole.
 */
#ifndef XR_LOCAL_IMPORT_SPLIT_H
#define XR_LOCAL_IMPORT_SPLIT_H

#include "xr/slice.h"

/* Arrays and lists in each other. */
#define IMPORT_DEPTH_MAX 6

enum import_kind {
    IMPORT_NOTHING,        /* more is needed */
    IMPORT_VALUE,          /* a document, or what isn't one */
    IMPORT_SEGMENT,        /* of BatchGetTraces: {"Id", "Document"} */
    IMPORT_RESOURCE_SPANS, /* of an OTLP request */
    IMPORT_TOO_LARGE,      /* it is passed over; the item is empty */
};

struct import_split {
    struct import_list {
        enum import_kind of;
        bool member;           /* of an object, whose rest follows it */
    } lists[IMPORT_DEPTH_MAX]; /* that are open */
    unsigned n_lists;
    size_t item_max;
    bool within;  /* a value has begun; it is at the front of what comes */
    bool dropped; /* and is passed over */
    size_t looked_at;
    size_t depth; /* of brackets at that place */
    bool quoted, escaped;
};

/* item_max: bytes; what is larger is passed over. */
void import_split_init(struct import_split *s, size_t item_max);
/* The next item in `text`, which begins behind what was used before; last:
 * nothing follows it. *used: bytes that need not be handed in again. The item
 * is within them. */
enum import_kind import_split_next(struct import_split *s, struct slice text,
                                   bool last, size_t *used, struct slice *item);

#endif
