/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters and gauges: a fixed table whose places never move, so that the hot
 * path adds through a pointer. Rendered family by family, in order of their
 * first appearance. Knows no metric by name.
 */
#include "xr/stats.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "xr/log.h"

enum { HOOKS_MAX = 16, INDEX_SIZE = 4 * STATS_MAX };

#define HASH_START 2166136261u

enum stat_kind { STAT_COUNTER, STAT_GAUGE };

struct stat {
    const char *name, *help;
    char *labels;
    enum stat_kind kind;
    uint32_t hash; /* of name and labels */
    int family;    /* index of the first row of this name */
    union {
        uint64_t counter;
        int64_t gauge;
    } value;
};

struct stats {
    int used;
    struct stat spare; /* given out when the table is full */
    int hooks;
    struct {
        void (*fn)(void *);
        void *arg;
    } hook[HOOKS_MAX];
    /* Rows by their hash, and the first of each family by that of its name;
     * the row's number plus one. */
    uint16_t index[INDEX_SIZE];
    /* Last and not cleared, so that unused rows are never touched. */
    struct stat rows[STATS_MAX];
};

static struct stat *stat_get(struct stats *s, enum stat_kind kind,
                             const char *name, const char *labels,
                             const char *help);
static uint16_t *find(struct stats *s, uint32_t hash, const char *name,
                      const char *labels);
static uint32_t hash_text(uint32_t hash, const char *text);
static char *copy(const char *text);
static void render_family(const struct stats *s, int family, struct buf *out);
static void render_row(const struct stat *row, struct buf *out);

struct stats *stats_new(void)
{
    struct stats *s = malloc(sizeof(*s));

    if (!s)
        log_fatal("no memory for the metrics");
    memset(s, 0, offsetof(struct stats, rows));
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
    uint32_t name_hash = hash_text(HASH_START, name);
    uint32_t hash = hash_text(name_hash, labels);
    uint16_t *place = find(s, hash, name, labels);

    if (*place != 0)
        return &s->rows[*place - 1];
    if (s->used == STATS_MAX) {
        log_error("metric %s{%s} is not shown: more than %d metrics", name,
                  labels, STATS_MAX);
        return &s->spare;
    }
    struct stat *row = &s->rows[s->used++];
    *row = (struct stat){.name = name,
                         .labels = copy(labels),
                         .help = help,
                         .kind = kind,
                         .hash = hash};
    *place = (uint16_t)s->used;
    uint16_t *first = find(s, name_hash, name, NULL);
    if (*first == 0)
        *first = *place;
    row->family = *first - 1;
    return row;
}

/* Where the row is in the index, or is to be. labels NULL: the first row of
 * the name; nothing leaves the index, so it stays the first that is met. */
static uint16_t *find(struct stats *s, uint32_t hash, const char *name,
                      const char *labels)
{
    uint32_t i = hash % INDEX_SIZE;
    for (; s->index[i] != 0; i = (i + 1) % INDEX_SIZE) {
        const struct stat *row = &s->rows[s->index[i] - 1];
        if ((labels == NULL || row->hash == hash) &&
            strcmp(row->name, name) == 0 &&
            (labels == NULL || strcmp(row->labels, labels) == 0))
            break;
    }
    return &s->index[i];
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
