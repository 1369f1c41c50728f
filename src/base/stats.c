/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters and gauges: a fixed table whose places never move, so that the hot
 * path adds through a pointer. Rendered family by family, in order of their
 * first appearance. Knows no metric by name.
 */
#include "xr/stats.h"

#include <inttypes.h>
#include <stdlib.h>

#include "xr/log.h"

enum { HOOKS_MAX = 16 };

#define HASH_START 2166136261u

enum stat_kind { STAT_COUNTER, STAT_GAUGE };

struct stat {
    const char *name, *help;
    char *labels;
    enum stat_kind kind;
    uint32_t name_hash, hash; /* of the name; of both */
    int family;               /* index of the first row of this name */
    union {
        uint64_t counter;
        int64_t gauge;
    } value;
};

struct stats {
    int used;
    struct stat spare; /* given out when the table is full */
    struct stat rows[STATS_MAX];
    int hooks;
    struct {
        void (*fn)(void *);
        void *arg;
    } hook[HOOKS_MAX];
};

static struct stat *stat_get(struct stats *s, enum stat_kind kind,
                             const char *name, const char *labels,
                             const char *help);
static uint32_t hash_text(uint32_t hash, const char *text);
static char *copy(const char *text);
static void render_family(const struct stats *s, int family, struct buf *out);
static void render_row(const struct stat *row, struct buf *out);

struct stats *stats_new(void)
{
    struct stats *s = calloc(1, sizeof(*s));

    if (!s)
        log_fatal("no memory for the metrics");
    return s;
}

void stats_free(struct stats *s)
{
    if (!s)
        return;
    for (int i = 0; i < s->used; i++)
        free(s->rows[i].labels);
    free(s);
}

uint64_t *stats_counter(struct stats *s, const char *name, const char *labels,
                        const char *help)
{
    return &stat_get(s, STAT_COUNTER, name, labels, help)->value.counter;
}

int64_t *stats_gauge(struct stats *s, const char *name, const char *labels,
                     const char *help)
{
    return &stat_get(s, STAT_GAUGE, name, labels, help)->value.gauge;
}

void stats_on_render(struct stats *s, void (*fn)(void *), void *arg)
{
    if (s->hooks == HOOKS_MAX)
        log_fatal("more than %d parts of the program bring metrics up to date",
                  HOOKS_MAX);
    s->hook[s->hooks].fn = fn;
    s->hook[s->hooks++].arg = arg;
}

void stats_render(struct stats *s, struct buf *out)
{
    for (int i = 0; i < s->hooks; i++)
        s->hook[i].fn(s->hook[i].arg);
    for (int i = 0; i < s->used; i++) {
        if (s->rows[i].family == i)
            render_family(s, i, out);
    }
}

static struct stat *stat_get(struct stats *s, enum stat_kind kind,
                             const char *name, const char *labels,
                             const char *help)
{
    int family = s->used;
    uint32_t name_hash = hash_text(HASH_START, name);
    uint32_t hash = hash_text(name_hash, labels);

    for (int i = 0; i < s->used; i++) {
        struct stat *row = &s->rows[i];
        if (row->hash == hash && strcmp(row->name, name) == 0 &&
            strcmp(row->labels, labels) == 0)
            return row;
        if (family == s->used && row->name_hash == name_hash &&
            strcmp(row->name, name) == 0)
            family = row->family;
    }
    if (s->used == STATS_MAX) {
        log_error("metric %s{%s} is not shown: more than %d metrics", name,
                  labels, STATS_MAX);
        return &s->spare;
    }
    struct stat *row = &s->rows[s->used++];
    row->name = name;
    row->labels = copy(labels);
    row->help = help;
    row->kind = kind;
    row->name_hash = name_hash;
    row->hash = hash;
    row->family = family;
    return row;
}

/* FNV-1a: the program makes more than a hundred rows at each start, one of
 * Lambda's extension included, and most have the same name. */
static uint32_t hash_text(uint32_t hash, const char *text)
{
    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * 16777619u;
    return hash;
}

static char *copy(const char *text)
{
    char *p = strdup(text);

    if (!p)
        log_fatal("no memory for the metrics");
    return p;
}

static void render_family(const struct stats *s, int family, struct buf *out)
{
    const struct stat *first = &s->rows[family];

    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", first->name, first->help,
               first->name, first->kind == STAT_COUNTER ? "counter" : "gauge");
    for (int i = family; i < s->used; i++) {
        if (s->rows[i].family == family)
            render_row(&s->rows[i], out);
    }
}

static void render_row(const struct stat *row, struct buf *out)
{
    buf_str(out, row->name);
    if (row->labels[0])
        buf_printf(out, "{%s}", row->labels);
    if (row->kind == STAT_COUNTER)
        buf_printf(out, " %" PRIu64 "\n", row->value.counter);
    else
        buf_printf(out, " %" PRId64 "\n", row->value.gauge);
}
