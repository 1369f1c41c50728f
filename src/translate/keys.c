/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The attribute keys that rules read, in a small hash table, so that one pass
 * over a span's attributes tells each rule where its attributes are; and a set
 * that is emptied by counting a turn, to find keys that occur twice. Knows
 * keys, not what they mean.
 */
#include <assert.h>
#include <stdlib.h>

#include "parts.h"

static uint64_t load(const char *p, size_t n);
static bool seen_grow(struct seen *s, size_t n);

static const struct slice key_text[KEY_END] = {
#define X(name, text) [KEY_##name] = {text, sizeof(text) - 1},
    SPAN_KEYS(X) RESOURCE_KEYS(X)
#undef X
};

void keys_init(struct key_table *k)
{
    memset(k, 0, sizeof(*k));
    for (unsigned i = 0; i < KEY_END; i++) {
        k->hash[i] = key_hash(key_text[i]);
        size_t at = k->hash[i] % KEY_TABLE_SLOTS;
        while (k->slot[at])
            at = (at + 1) % KEY_TABLE_SLOTS;
        k->slot[at] = (uint8_t)(i + 1);
    }
}

uint64_t key_hash(struct slice key)
{
    uint64_t h = key.n * UINT64_C(0x9E3779B97F4A7C15);
    const char *p = key.p;
    size_t left = key.n;

    while (left > 0) {
        size_t n = left < 8 ? left : 8;
        h = (h ^ load(p, n)) * UINT64_C(0xD6E8FEB86659FD93);
        h ^= h >> 32;
        p += n;
        left -= n;
    }
    return h;
}

enum key keys_find(const struct key_table *k, struct slice key, uint64_t hash)
{
    size_t at = hash % KEY_TABLE_SLOTS;

    for (; k->slot[at]; at = (at + 1) % KEY_TABLE_SLOTS) {
        unsigned i = k->slot[at] - 1u;
        if (k->hash[i] == hash && slice_eq(key_text[i], key))
            return (enum key)i;
    }
    return KEY_NONE;
}

bool seen_begin(struct seen *s, size_t n)
{
    if ((!s->entries || n * 2 > s->mask) && !seen_grow(s, n))
        return false;
    if (++s->turn == 0) {
        memset(s->entries, 0, (s->mask + 1) * sizeof(*s->entries));
        s->turn = 1;
    }
    return true;
}

void seen_fini(struct seen *s)
{
    free(s->entries);
    *s = (struct seen){0};
}

struct seen_entry *seen_find(const struct seen *s, uint64_t hash)
{
    if (!s->entries)
        return NULL;
    for (uint32_t at = (uint32_t)hash & s->mask;; at = (at + 1) & s->mask) {
        struct seen_entry *e = &s->entries[at];
        if (e->turn != s->turn)
            return NULL;
        if (e->hash == hash)
            return e;
    }
}

/* The set is never more than half full, so the search ends. */
bool seen_add(struct seen *s, uint64_t hash, uint32_t index,
              struct seen_entry **was)
{
    for (uint32_t at = (uint32_t)hash & s->mask;; at = (at + 1) & s->mask) {
        struct seen_entry *e = &s->entries[at];
        if (e->turn != s->turn) {
            *e = (struct seen_entry){hash, s->turn, index};
            return true;
        }
        if (e->hash == hash) {
            *was = e;
            return false;
        }
    }
}

/* At most 8 bytes as a number. */
static uint64_t load(const char *p, size_t n)
{
    uint64_t v = 0;

    assert(n <= sizeof(v));
    memcpy(&v, p, n);
    return v;
}

static bool seen_grow(struct seen *s, size_t n)
{
    size_t size = 64;

    while (size < n * 2 + 2)
        size *= 2;
    struct seen_entry *entries = calloc(size, sizeof(*entries));
    if (!entries)
        return false;
    free(s->entries);
    *s = (struct seen){.entries = entries, .mask = (uint32_t)(size - 1)};
    return true;
}
