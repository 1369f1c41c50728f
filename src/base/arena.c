/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The arena: a chain of blocks, each larger than the one before, filled from
 * the front. A reset keeps the first block, so that a request of usual size
 * takes nothing from malloc. Knows bytes only.
 */
#include "xr/arena.h"

#include <stdint.h>
#include <stdlib.h>

enum {
    ALIGN = 16,
    FIRST_BYTES = 8 * 1024,
    STEP_MAX_BYTES = 1024 * 1024,
};

struct arena_block {
    struct arena_block *next;
    size_t cap, used;
    _Alignas(ALIGN) unsigned char data[];
};

static void *take(struct arena_block *b, size_t n);
static struct arena_block *block_add(struct arena *a, size_t n);
static void free_from(struct arena *a, struct arena_block *b);

void arena_init(struct arena *a, size_t ceiling)
{
    *a = (struct arena){.ceiling = ceiling};
}

void *arena_alloc(struct arena *a, size_t n)
{
    if (n > SIZE_MAX / 2)
        return NULL;
    n = n ? (n + ALIGN - 1) / ALIGN * ALIGN : ALIGN;

    void *p = a->current ? take(a->current, n) : NULL;
    if (p)
        return p;
    struct arena_block *b = block_add(a, n);
    return b ? take(b, n) : NULL;
}

char *arena_dup(struct arena *a, struct slice s)
{
    char *p = s.n < SIZE_MAX ? arena_alloc(a, s.n + 1) : NULL;

    if (!p)
        return NULL;
    if (s.n)
        memcpy(p, s.p, s.n);
    p[s.n] = '\0';
    return p;
}

void arena_reset(struct arena *a)
{
    if (!a->first)
        return;
    free_from(a, a->first->next);
    a->first->next = NULL;
    a->first->used = 0;
    a->current = a->first;
}

void arena_fini(struct arena *a)
{
    free_from(a, a->first);
    a->first = a->current = NULL;
}

static void *take(struct arena_block *b, size_t n)
{
    if (n > b->cap - b->used)
        return NULL;
    void *p = b->data + b->used;
    b->used += n;
    return p;
}

/* Adds a block with room for n at least: twice the last one where the ceiling
 * allows it, else exactly what is needed. */
static struct arena_block *block_add(struct arena *a, size_t n)
{
    size_t left = a->ceiling - a->held;
    size_t cap = a->current ? a->current->cap * 2 : FIRST_BYTES;

    if (cap > STEP_MAX_BYTES)
        cap = STEP_MAX_BYTES;
    if (cap < n)
        cap = n;
    if (left < sizeof(struct arena_block) + n)
        return NULL;
    if (cap > left - sizeof(struct arena_block))
        cap = n;

    struct arena_block *b = malloc(sizeof(*b) + cap);
    if (!b)
        return NULL;
    b->next = NULL;
    b->cap = cap;
    b->used = 0;
    if (a->current)
        a->current->next = b;
    else
        a->first = b;
    a->current = b;
    a->held += sizeof(*b) + cap;
    return b;
}

static void free_from(struct arena *a, struct arena_block *b)
{
    while (b) {
        struct arena_block *next = b->next;
        a->held -= sizeof(*b) + b->cap;
        free(b);
        b = next;
    }
}
