/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An arena hands out memory that is given back all at once: one per request,
 * reset when the answer has been written. It never grows past its ceiling.
 */
#ifndef XR_ARENA_H
#define XR_ARENA_H

#include "xr/slice.h"

struct arena_block;

struct arena {
    struct arena_block *first, *current;
    size_t held;    /* bytes taken from malloc */
    size_t ceiling; /* held never exceeds it */
};

/* ceiling: bytes. Takes no memory yet. */
void arena_init(struct arena *a, size_t ceiling);
/* Gives n bytes aligned to 16, not cleared; NULL when the ceiling is reached
 * (the caller answers "too large") or malloc fails. */
void *arena_alloc(struct arena *a, size_t n);
/* Copies bytes and adds a NUL; NULL as above. */
char *arena_dup(struct arena *a, struct slice s);
/* Forgets all allocations, keeps the first block for re-use. */
void arena_reset(struct arena *a);
void arena_fini(struct arena *a);

#endif
