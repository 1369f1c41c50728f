/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads YAML through libyaml's events into a tree, with ceilings on size,
 * depth and nodes. YAML 1.1 as the X-Ray daemon reads it: yes/no/on/off are
 * booleans, of a repeated key the last wins, a second document is ignored,
 * `<<` merges a map. Knows nothing of options; the only file that knows
 * libyaml.
 */
#include "tree.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <yaml.h>

#include "value.h"

struct anchor {
    struct anchor *next;
    const char *name;
    struct tree_node *node;
};

struct reader {
    yaml_parser_t yaml;
    struct arena *arena;
    struct anchor *anchors;
    unsigned nodes;
    struct err *err;
};

static int read_document(struct reader *r, struct tree_node **out);
static int next_event(struct reader *r, yaml_event_t *e);
static struct tree_node *read_node(struct reader *r, const yaml_event_t *e,
                                   unsigned depth);
static struct tree_node *read_scalar(struct reader *r, const yaml_event_t *e);
static int read_list(struct reader *r, struct tree_node *list, unsigned depth);
static int read_map(struct reader *r, struct tree_node *map, unsigned depth);
static int read_entry(struct reader *r, struct tree_node *map,
                      const yaml_event_t *e, unsigned depth);
static int put(struct reader *r, struct tree_node *map, struct tree_item entry);
static int merge(struct reader *r, struct tree_node *map,
                 const struct tree_node *from);
static struct tree_item *find(const struct tree_node *map, const char *key);
static struct tree_item *item_add(struct reader *r, struct tree_node *parent,
                                  struct tree_item item);
static struct tree_node *node_new(struct reader *r, const yaml_event_t *e,
                                  enum tree_kind kind);
static struct tree_node *find_anchor(struct reader *r, const yaml_event_t *e);
static int remember(struct reader *r, const yaml_char_t *name,
                    struct tree_node *n);
static bool word_in(const char *word, const char *const *words);

int tree_parse(struct arena *a, struct slice text, struct tree_node **out,
               struct err *err)
{
    struct reader r = {.arena = a, .err = err};

    *out = NULL;
    if (text.n > TREE_BYTES_MAX)
        return err_set(err, "1: larger than %d bytes", TREE_BYTES_MAX);
    if (!yaml_parser_initialize(&r.yaml))
        return err_set(err, "1: no memory for the YAML parser");
    yaml_parser_set_input_string(&r.yaml, (const unsigned char *)text.p,
                                 text.n);
    int rc = read_document(&r, out);
    yaml_parser_delete(&r.yaml);
    return rc;
}

const struct tree_node *tree_get(const struct tree_node *map, const char *key)
{
    const struct tree_item *i =
        map && map->kind == TREE_MAP ? find(map, key) : NULL;

    return i ? i->node : NULL;
}

bool tree_is_null(const struct tree_node *n)
{
    static const char *const words[] = {"", "~", "null", "Null", "NULL", NULL};

    return n->kind == TREE_SCALAR && n->plain && word_in(n->text, words);
}

bool tree_bool(const struct tree_node *n, bool *out)
{
    static const char *const yes[] = {"y",   "Y",    "yes",  "Yes",
                                      "YES", "true", "True", "TRUE",
                                      "on",  "On",   "ON",   NULL};
    static const char *const no[] = {"n",   "N",     "no",    "No",
                                     "NO",  "false", "False", "FALSE",
                                     "off", "Off",   "OFF",   NULL};

    if (n->kind != TREE_SCALAR || !n->plain)
        return false;
    *out = word_in(n->text, yes);
    return *out || word_in(n->text, no);
}

bool tree_int(const struct tree_node *n, int64_t *out)
{
    char *end;

    if (n->kind != TREE_SCALAR || !n->plain)
        return false;
    if (value_parse_int(n->text, VALUE_ANY_UNDERSCORE, out) == VALUE_GOOD)
        return true;
    /* 2.0 and 1e3 are whole numbers too; strtod alone would take "inf". */
    if (n->text[strspn(n->text, "+-0123456789.eE")] != '\0')
        return false;
    double d = strtod(n->text, &end);
    if (end == n->text || *end || d != floor(d) || fabs(d) > 9e15)
        return false;
    *out = (int64_t)d;
    return true;
}

void tree_describe(const struct tree_node *n, char *out, size_t cap)
{
    bool yes;
    int64_t number;

    if (n->kind == TREE_LIST)
        snprintf(out, cap, "a list");
    else if (n->kind == TREE_MAP)
        snprintf(out, cap, "a section");
    else if (tree_is_null(n))
        snprintf(out, cap, "nothing");
    else if (tree_int(n, &number))
        snprintf(out, cap, "the number %.64s", n->text);
    else if (tree_bool(n, &yes))
        snprintf(out, cap, "the boolean %s", n->text);
    else
        snprintf(out, cap, "the text \"%.64s\"", n->text);
}

static int read_document(struct reader *r, struct tree_node **out)
{
    yaml_event_t e;
    bool begun = false;

    while (next_event(r, &e) == 0) {
        yaml_event_type_t type = e.type;
        if (type == YAML_STREAM_END_EVENT) {
            yaml_event_delete(&e);
            return 0;
        }
        if (begun) {
            *out = read_node(r, &e, 1);
            yaml_event_delete(&e);
            return *out ? 0 : -1;
        }
        yaml_event_delete(&e);
        begun = type == YAML_DOCUMENT_START_EVENT;
    }
    return -1;
}

static int next_event(struct reader *r, yaml_event_t *e)
{
    if (yaml_parser_parse(&r->yaml, e))
        return 0;
    size_t line = r->yaml.problem_mark.line;
    if (line == 0)
        line = r->yaml.context_mark.line;
    return err_set(r->err, "%zu: not valid YAML: %s%s%s", line + 1,
                   r->yaml.problem ? r->yaml.problem : "unreadable",
                   r->yaml.context ? ", " : "",
                   r->yaml.context ? r->yaml.context : "");
}

/* The node that begins with e; NULL with the reason set. */
static struct tree_node *read_node(struct reader *r, const yaml_event_t *e,
                                   unsigned depth)
{
    struct tree_node *n = NULL;

    if (depth > TREE_DEPTH_MAX) {
        err_set(r->err, "%zu: nested deeper than %d levels",
                e->start_mark.line + 1, TREE_DEPTH_MAX);
        return NULL;
    }
    switch (e->type) {
    case YAML_ALIAS_EVENT:
        return find_anchor(r, e);
    case YAML_SCALAR_EVENT:
        n = read_scalar(r, e);
        return n && remember(r, e->data.scalar.anchor, n) == 0 ? n : NULL;
    case YAML_SEQUENCE_START_EVENT:
        n = node_new(r, e, TREE_LIST);
        if (!n || remember(r, e->data.sequence_start.anchor, n) != 0)
            return NULL;
        return read_list(r, n, depth) == 0 ? n : NULL;
    case YAML_MAPPING_START_EVENT:
        n = node_new(r, e, TREE_MAP);
        if (!n || remember(r, e->data.mapping_start.anchor, n) != 0)
            return NULL;
        return read_map(r, n, depth) == 0 ? n : NULL;
    default:
        err_set(r->err, "%zu: a value is missing", e->start_mark.line + 1);
        return NULL;
    }
}

static struct tree_node *read_scalar(struct reader *r, const yaml_event_t *e)
{
    const char *text = (const char *)e->data.scalar.value;
    const char *tag = (const char *)e->data.scalar.tag;
    size_t n = e->data.scalar.length;
    struct tree_node *node = node_new(r, e, TREE_SCALAR);

    if (!node)
        return NULL;
    if (memchr(text, '\0', n)) {
        err_set(r->err, "%u: a NUL byte in a value", node->line);
        return NULL;
    }
    node->plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    if (tag)
        node->plain = strcmp(tag, YAML_STR_TAG) != 0;
    node->text = arena_dup(r->arena, slice_of(text, n));
    if (!node->text)
        err_set(r->err, "%u: too large", node->line);
    return node->text ? node : NULL;
}

static int read_list(struct reader *r, struct tree_node *list, unsigned depth)
{
    yaml_event_t e;

    list->open = true;
    while (next_event(r, &e) == 0) {
        if (e.type == YAML_SEQUENCE_END_EVENT) {
            yaml_event_delete(&e);
            list->open = false;
            return 0;
        }
        struct tree_item item = {.line = (unsigned)e.start_mark.line + 1,
                                 .node = read_node(r, &e, depth + 1)};
        yaml_event_delete(&e);
        if (!item.node || !item_add(r, list, item))
            return -1;
    }
    return -1;
}

static int read_map(struct reader *r, struct tree_node *map, unsigned depth)
{
    yaml_event_t e;

    map->open = true;
    while (next_event(r, &e) == 0) {
        bool end = e.type == YAML_MAPPING_END_EVENT;
        int rc = end ? 0 : read_entry(r, map, &e, depth);
        yaml_event_delete(&e);
        if (end)
            map->open = false;
        if (end || rc != 0)
            return rc;
    }
    return -1;
}

/* Key event e and the value behind it. */
static int read_entry(struct reader *r, struct tree_node *map,
                      const yaml_event_t *e, unsigned depth)
{
    struct tree_node *key = read_node(r, e, depth + 1);
    yaml_event_t next;

    if (!key)
        return -1;
    if (key->kind != TREE_SCALAR)
        return err_set(r->err, "%u: a key must be a word", key->line);
    if (next_event(r, &next) != 0)
        return -1;
    struct tree_node *value = read_node(r, &next, depth + 1);
    yaml_event_delete(&next);
    if (!value)
        return -1;
    if (key->plain && strcmp(key->text, "<<") == 0)
        return merge(r, map, value);
    return put(r, map,
               (struct tree_item){.key = key->text,
                                  .line = (unsigned)e->start_mark.line + 1,
                                  .node = value});
}

/* The last of a repeated key wins; the earlier line is kept for a warning. */
static int put(struct reader *r, struct tree_node *map, struct tree_item entry)
{
    struct tree_item *old = find(map, entry.key);

    if (!old)
        return item_add(r, map, entry) ? 0 : -1;
    old->earlier_line = old->merged ? 0 : old->line;
    old->merged = false;
    old->line = entry.line;
    old->node = entry.node;
    return 0;
}

/* `<<: *base`, or a list of such: adds what map does not have yet. Looking
 * counts like making, since aliases make the same items come up again. */
static int merge(struct reader *r, struct tree_node *map,
                 const struct tree_node *from)
{
    if (from->kind == TREE_SCALAR || from->open)
        return err_set(r->err, "%u: << needs a map", from->line);
    for (const struct tree_item *i = from->first; i; i = i->next) {
        if (++r->nodes > TREE_NODES_MAX)
            return err_set(r->err, "%u: << merges more than %d values",
                           from->line, TREE_NODES_MAX);
        if (from->kind == TREE_LIST) {
            if (i->node->kind != TREE_MAP)
                return err_set(r->err, "%u: << needs maps", from->line);
            if (merge(r, map, i->node) != 0)
                return -1;
        } else if (!find(map, i->key)) {
            struct tree_item copy = *i;
            copy.next = NULL;
            copy.merged = true;
            if (!item_add(r, map, copy))
                return -1;
        }
    }
    return 0;
}

static struct tree_item *find(const struct tree_node *map, const char *key)
{
    for (struct tree_item *i = map->first; i; i = i->next)
        if (i->key && strcmp(i->key, key) == 0)
            return i;
    return NULL;
}

static struct tree_item *item_add(struct reader *r, struct tree_node *parent,
                                  struct tree_item item)
{
    struct tree_item *i = NULL;

    if (++r->nodes <= TREE_NODES_MAX)
        i = arena_alloc(r->arena, sizeof(*i));
    if (!i) {
        err_set(r->err, "%u: more than %d values", item.line, TREE_NODES_MAX);
        return NULL;
    }
    *i = item;
    if (parent->last)
        parent->last->next = i;
    else
        parent->first = i;
    parent->last = i;
    return i;
}

static struct tree_node *node_new(struct reader *r, const yaml_event_t *e,
                                  enum tree_kind kind)
{
    unsigned line = (unsigned)e->start_mark.line + 1;
    struct tree_node *n = NULL;

    if (++r->nodes <= TREE_NODES_MAX)
        n = arena_alloc(r->arena, sizeof(*n));
    if (!n) {
        err_set(r->err, "%u: more than %d values", line, TREE_NODES_MAX);
        return NULL;
    }
    *n = (struct tree_node){.kind = kind, .line = line};
    return n;
}

static struct tree_node *find_anchor(struct reader *r, const yaml_event_t *e)
{
    const char *name = (const char *)e->data.alias.anchor;

    for (struct anchor *a = r->anchors; a; a = a->next) {
        if (strcmp(a->name, name) == 0) {
            if (!a->node->open)
                return a->node;
            err_set(r->err, "%zu: *%.64s contains itself",
                    e->start_mark.line + 1, name);
            return NULL;
        }
    }
    err_set(r->err, "%zu: no anchor &%.64s above", e->start_mark.line + 1,
            name);
    return NULL;
}

static int remember(struct reader *r, const yaml_char_t *name,
                    struct tree_node *n)
{
    if (!name)
        return 0;
    struct anchor *a = arena_alloc(r->arena, sizeof(*a));
    const char *copy = arena_dup(r->arena, slice_str((const char *)name));
    if (!a || !copy)
        return err_set(r->err, "%u: too large", n->line);
    *a = (struct anchor){r->anchors, copy, n};
    r->anchors = a;
    return 0;
}

static bool word_in(const char *word, const char *const *words)
{
    for (; *words; words++)
        if (strcmp(word, *words) == 0)
            return true;
    return false;
}
