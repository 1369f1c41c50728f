/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The waist of the program: what every input makes and every sink takes. A
 * segment document (the JSON text that X-Ray stores, a segment or a
 * subsegment) with the facts that routing and logging need, all borrowed.
 */
#ifndef XR_SEGMENT_H
#define XR_SEGMENT_H

#include <stdbool.h>

#include "xr/err.h"
#include "xr/slice.h"

/* Limit of one document in the X-Ray service, bytes. */
#define SEGMENT_MAX_BYTES 65536

struct segment {
    struct slice document;  /* goes out byte for byte */
    struct slice trace_id;  /* "1-xxxxxxxx-xxxxxxxxxxxxxxxxxxxxxxxx" */
    struct slice id;        /* 16 hex digits */
    struct slice parent_id; /* empty if there is none */
    struct slice name;      /* raw JSON text between the quotes */
    double start_time;      /* epoch seconds, 0 if absent */
    double end_time;        /* likewise; 0 while in progress */
    bool in_progress;
    bool subsegment; /* "type": "subsegment" */
};

/* Reads the facts of a document in one scan that checks that it is exactly
 * one JSON object; facts of a wrong type or absent stay empty, which is no
 * error. 0, or -1 with the reason and byte offset. */
int segment_scan(struct slice document, struct segment *out, struct err *err);

#endif
