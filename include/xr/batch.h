/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A PutTraceSegments request body, built in place: documents are escaped
 * straight into it (the one user-space copy) while SHA-256 advances; closing
 * it costs a bracket and the end of the hash. Pure.
 */
#ifndef XR_BATCH_H
#define XR_BATCH_H

#include <stdint.h>

#include "xr/buf.h"
#include "xr/hash.h"
#include "xr/segment.h"

#define BATCH_DOCUMENTS_MAX 50 /* of one PutTraceSegments call */

/* On exactly one list at a time; only batch_set_state moves it. */
enum batch_state {
    BATCH_FREE,
    BATCH_FILLING,
    BATCH_READY,
    BATCH_INFLIGHT, /* the body is read-only */
    BATCH_BACKOFF,
};

struct batch_list;

struct batch {
    enum batch_state state;
    struct batch *next, *prev;
    struct batch_list *list;
    struct buf body; /* {"TraceSegmentDocuments":["...","..."]} */
    struct sha256 *hash;
    size_t hashed; /* bytes of body already hashed */
    uint8_t sha256[SHA256_BYTES];
    unsigned n;
    /* Where each document's string begins (behind the quote) and ends. */
    uint32_t begin[BATCH_DOCUMENTS_MAX], end[BATCH_DOCUMENTS_MAX];
    int64_t first_ms; /* when the first document came */
    unsigned attempts;
    int64_t due_ms; /* in BACKOFF: when to try again */
    void *owner;    /* the upload under way */
};

struct batch_list {
    struct batch *first, *last;
    unsigned n;
    size_t bytes; /* memory held, slack included */
    uint64_t documents;
};

/* Free, empty, on no list. body_max: ceiling of the body, bytes. NULL without
 * memory. */
struct batch *batch_new(size_t body_max);
/* It must be on no list. NULL is fine. */
void batch_free(struct batch *b);
/* Moves the batch to the end of the list that stands for the state; to NULL:
 * onto none. */
void batch_set_state(struct batch *b, enum batch_state state,
                     struct batch_list *to);
/* Empties it for re-use. */
void batch_reset(struct batch *b);
/* False when the document does not fit any more (seal, take another). An
 * empty batch takes any document up to body_max. */
bool batch_append(struct batch *b, struct slice document);
/* Appends a document that is escaped already (taken from another batch). */
bool batch_append_escaped(struct batch *b, struct slice escaped);
/* Closes the body and its hash. */
void batch_seal(struct batch *b);
/* The escaped text of the i-th document. */
struct slice batch_document(const struct batch *b, unsigned i);

#endif
