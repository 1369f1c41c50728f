/* SPDX-License-Identifier: Apache-2.0 */
/* Reads one segment document into entities; part of trace_assemble. */
#ifndef XR_LOCAL_DOCUMENT_H
#define XR_LOCAL_DOCUMENT_H

#include "trace.h"

enum document_result {
    DOCUMENT_READ,
    DOCUMENT_UNREADABLE, /* no JSON object, too deep, or without an id */
    DOCUMENT_NO_MEMORY,  /* the arena is full */
};

/* Gives the document's entity; its embedded subsegments hang below it in the
 * order in which they stand. */
enum document_result document_read(const struct trace_document *d,
                                   struct arena *a, struct trace_entity **out);
/* The member of a JSON object, decoded if it is a string, else as it stands;
 * empty if there is none. */
struct slice document_member(struct slice object, const char *key,
                             struct arena *a);
/* The first text of a JSON array of texts, else empty. */
struct slice document_first_text(struct slice array, struct arena *a);

#endif
