/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A trace as the own API shows it (docs/LOCAL_API.md): the row of a list, and
 * the whole for the waterfall. Pure; runs on the store's worker.
 */
#ifndef XR_LOCAL_ROW_H
#define XR_LOCAL_ROW_H

#include "trace.h"
#include "xr/json_out.h"

/* What the store knows of a trace beside its documents. */
struct row_facts {
    double received; /* epoch seconds of the last document */
    bool pinned;
};

/* The row: one object. The arena is for a moment's use. */
void row_write(struct jw *j, const struct trace *t, const struct row_facts *f,
               struct arena *a);
/* Members of the answer of /api/traces/{id}, into an object that is open. */
void row_write_whole(struct jw *j, const struct trace *t,
                     const struct row_facts *f, bool documents,
                     struct arena *a);

/* --- helpers that the other answers use too */
const char *row_class(enum trace_class c);
/* A text, cut to `max` bytes at the edge of a character. */
void row_text(struct jw *j, struct slice s, size_t max);
/* Seconds as a number, or null if there are none (negative). */
void row_seconds(struct jw *j, double s);
/* "Type: message" of the first exception, empty if there is none. */
struct slice row_message(const struct trace_entity *e, char *out, size_t size);

/* Place of each entity in the tree, by index in trace.entities. */
struct row_place {
    int parent; /* index, -1: none */
    int depth;
};
/* NULL when the arena is full. */
struct row_place *row_places(const struct trace *t, struct arena *a);

#endif
