/* SPDX-License-Identifier: Apache-2.0 */
/* The checks behind "AWS would refuse this"; see warning.h. */
#include "warning.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#define SEGMENT_LIMIT_BYTES 65536
#define AGE_LIMIT_S (30.0 * 86400)
#define AHEAD_LIMIT_S 600.0
#define KEY_SHOWN 40

struct found {
    struct warning *out;
    size_t max, n;
    size_t entity;
};

static void check_age(struct found *f, const struct trace *t, double received);
static void check_size(struct found *f, const struct trace_entity *e);
static void check_keys(struct found *f, const struct trace_entity *e);
static bool key_is_indexed(struct slice key);
static struct warning *next(struct found *f);

size_t warning_find(const struct trace *t, double received, struct warning *out,
                    size_t max)
{
    struct found f = {.out = out, .max = max};
    check_age(&f, t, received);
    for (size_t i = 0; i < t->n_entities && f.n < WARNINGS_MAX; i++) {
        f.entity = i;
        check_size(&f, t->entities[i]);
        check_keys(&f, t->entities[i]);
    }
    return f.n;
}

/* The second in the trace id is what the service goes by. */
static void check_age(struct found *f, const struct trace *t, double received)
{
    char hex[9] = "";
    struct warning *w;
    if (t->id.n < 10 || t->n_entities == 0)
        return;
    memcpy(hex, t->id.p + 2, 8);
    double age = received - (double)strtoul(hex, NULL, 16);
    if (age <= AGE_LIMIT_S && age >= -AHEAD_LIMIT_S)
        return;
    w = next(f);
    if (w == NULL)
        return;
    if (age > 0)
        snprintf(w->text, sizeof(w->text),
                 "The trace id is %.0f days old; the limit is 30 days.",
                 age / 86400);
    else
        snprintf(w->text, sizeof(w->text),
                 "The trace id lies %.0f minutes ahead; the limit is 10.",
                 -age / 60);
}

static void check_size(struct found *f, const struct trace_entity *e)
{
    struct warning *w;
    if (e->embedded || e->kind == TRACE_INFERRED ||
        e->raw.n <= SEGMENT_LIMIT_BYTES || (w = next(f)) == NULL)
        return;
    snprintf(w->text, sizeof(w->text),
             "The document is %.1f kB; the limit is 64 kB.",
             (double)e->raw.n / 1024);
}

static void check_keys(struct found *f, const struct trace_entity *e)
{
    struct warning *w;
    if (e->kind == TRACE_INFERRED)
        return;
    for (const struct trace_annotation *a = e->annotations;
         a != NULL && f->n < WARNINGS_MAX; a = a->next) {
        if (key_is_indexed(a->key) || (w = next(f)) == NULL)
            continue;
        snprintf(w->text, sizeof(w->text),
                 "The annotation key \"%.*s\" is left out: only letters, "
                 "digits and _ are indexed.",
                 (int)(a->key.n < KEY_SHOWN ? a->key.n : KEY_SHOWN), a->key.p);
    }
}

static bool key_is_indexed(struct slice key)
{
    for (size_t i = 0; i < key.n; i++)
        if (!isalnum((unsigned char)key.p[i]) && key.p[i] != '_')
            return false;
    return key.n > 0;
}

/* The place of one more warning; NULL if it is only counted. */
static struct warning *next(struct found *f)
{
    if (f->n == WARNINGS_MAX)
        return NULL;
    size_t i = f->n++;
    if (i >= f->max)
        return NULL;
    f->out[i].entity = f->entity;
    return &f->out[i];
}
