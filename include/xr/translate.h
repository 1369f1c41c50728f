/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OTLP span → X-Ray segment documents (docs/MAPPING.md has a row per rule).
 * Pure: no socket, clock, file or log; ids that it makes up are hashes of the
 * span's own ids, so the same span always gives the same bytes.
 */
#ifndef XR_TRANSLATE_H
#define XR_TRANSLATE_H

#include <stdint.h>

#include "xr/segment.h"
#include "xr/span.h"

/* A span gives at most two documents (a client local root: dependency and
 * service). */
#define TRANSLATE_DOCUMENTS_MAX 2

/* What is done to a span before it is translated, in this order. */
enum process_action {
    PROCESS_INSERT,
    PROCESS_UPDATE,
    PROCESS_UPSERT,
    PROCESS_DELETE,
    PROCESS_SAMPLE, /* keeps `keep` of 2^56 traces */
};
struct process_step {
    enum process_action action;
    bool resource;
    struct slice key;
    struct value value; /* EMPTY: not known yet, then nothing is done */
    uint64_t keep;
};

struct translate_options {
    const struct process_step *steps;
    size_t n_steps;
    bool index_all;              /* every attribute an annotation */
    const struct slice *indexed; /* names or globs (`*`, `?`) */
    size_t n_indexed;
    const struct slice *log_groups; /* names or ARNs */
    size_t n_log_groups;
    size_t limit; /* bytes a document, 0: none; larger ones are cut with a
                     visible mark, never dropped */
    /* Attributes that a resource gets unless it has one of the name. */
    struct attributes defaults;
    /* What is known of the place where this process runs (account, instance,
     * task). A resource that has any attribute cloud.* tells of its own place
     * and gets none of them: two places never mix in one document. */
    struct attributes place;
};

struct translate_counts {
    uint64_t spans, documents;
    uint64_t sampled_out; /* by a step */
    /* Cut for the limit: values, frames, texts; the last when all that was
     * not enough (annotations, keys, long lists). */
    uint64_t cut_metadata, cut_frames, cut_statements, cut_messages;
    uint64_t cut_others;
    uint64_t without_ids; /* spans with a zero trace or span id: refused */
    uint64_t too_large;   /* not to be cut to the limit, or memory: refused */
    /* Documents with more annotations than X-Ray indexes (50 of a trace);
     * they are sent whole. */
    uint64_t over_annotated;
};

struct translator;

/* Copies what it needs of the options. NULL when memory is out. */
struct translator *translator_new(const struct translate_options *o);
void translator_free(struct translator *t);
/* Other options from the next span on, copied as above. Not to be called
 * between a span and the use of its documents; what was learned is to be told
 * again. False when memory is out: the former ones stay. */
bool translator_set_options(struct translator *t,
                            const struct translate_options *o);
/* What was derived from a resource is kept while spans with the same resource
 * pointer follow each other. To be called whenever that memory may have been
 * re-used: for each new request. */
void translator_begin_request(struct translator *t);
/* Writes the span's documents into scratch memory that is re-used: out[] is
 * good until the next call. Returns how many (1 or 2); 0 when the span can
 * make no valid document (err says why); TRANSLATE_LEFT_OUT when a step wants
 * none of it. */
#define TRANSLATE_LEFT_OUT (-1)
int translate_span(struct translator *t, const struct span *span,
                   struct segment out[TRANSLATE_DOCUMENTS_MAX],
                   struct err *err);
/* Whether there are steps, which change spans or leave some out. */
bool translator_alters(const struct translator *t);
/* The span as the steps leave it, good until the next call: 1; 0: they want
 * none of it; -1: no memory. */
int translator_process(struct translator *t, const struct span *in,
                       const struct span **out);
/* A value that steps wait for: of their resource attribute `key`. */
void translator_learn(struct translator *t, struct slice key,
                      struct slice value);
const struct translate_counts *translator_counts(const struct translator *t);

#endif
