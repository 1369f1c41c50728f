/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cfg.yaml, the X-Ray daemon's file, with our own sections: maps its keys to
 * the option rows. An unknown key is an error in a file that was named and a
 * warning in one that was found; a wrong type is an error in both. Keys that
 * the daemon retired keep their own messages.
 */
#include <stdio.h>
#include <string.h>

#include "config.h"
#include "tree.h"

enum { PATH_BYTES = 256 };

/* Keys of older files, and what to say of them. */
struct old_key {
    const char *path;
    const char *now; /* what to write today; NULL: nothing */
    bool harmless;   /* the daemon takes it and does nothing */
};

static const struct old_key old_keys[] = {
    {.path = "Profile.CPU"},
    {.path = "Profile.Memory"},
    {.path = "Socket.BufferSizeKB"},
    {.path = "Logging.LogFormat"},
    {.path = "Processor.BatchProcessorQueueSize"},
    {.path = "LogRotation", .now = "Logging.LogRotation"},
    {.path = "Processor.Region", .now = "Region"},
    {.path = "Processor.Endpoint", .now = "Endpoint"},
    {.path = "Processor.Routine", .now = "Concurrency"},
    {.path = "MemoryLimit", .now = "TotalBufferSizeMB"},
    {.path = "proxyserver.idleconntimeout", .harmless = true},
    {.path = "proxyserver.maxidleconnsperhost", .harmless = true},
    {.path = "proxyserver.maxidleconns", .harmless = true},
};

enum { OLD_KEYS = sizeof(old_keys) / sizeof(old_keys[0]) };

static void check_version(struct config *c, const struct tree_node *root);
static void walk(struct config *c, const struct tree_node *map,
                 const char *prefix);
static void apply_item(struct config *c, const struct tree_item *i,
                       const char *path);
static void apply_section(struct config *c, const struct tree_item *i,
                          const char *path);
static const struct old_key *find_old(const char *path);
static bool is_old_section(const char *path);
static void refuse_old(struct config *c, const struct old_key *k,
                       unsigned line);
static void refuse_unknown(struct config *c, const char *path, unsigned line);
static int read_node(struct config *c, const struct option_row *row,
                     const struct tree_node *n, struct value *out);
static int read_list(struct config *c, const struct tree_node *n,
                     struct value *out);
static bool means_default(const struct option_row *row,
                          const struct tree_node *n, const struct value *v);

void cfg_apply(struct config *c, const struct tree_node *root)
{
    check_version(c, root);
    if (root && root->kind == TREE_MAP)
        walk(c, root, "");
}

void cfg_store_node(struct config *c, int row, const struct tree_node *n,
                    const char *path)
{
    static const char *const wanted[] = {
        [OPTION_TEXT] = "text",
        [OPTION_BOOL] = "true or false (without quotes)",
        [OPTION_INT] = "a whole number (without quotes)",
        [OPTION_LIST] = "a list of texts",
    };
    const struct option_row *r = &option_rows[row];
    struct value v = {0};
    char is[96];

    if (tree_is_null(n))
        return;
    if (read_node(c, r, n, &v) != 0) {
        tree_describe(n, is, sizeof(is));
        config_fault(c, "%s:%u: %s needs %s, but here is %s", c->file, n->line,
                     path, wanted[r->type], is);
    } else if (!means_default(r, n, &v)) {
        (void)config_store(c, row, &v,
                           config_text(c, "%s:%u", c->file, n->line));
    }
}

static void check_version(struct config *c, const struct tree_node *root)
{
    const struct tree_node *n = tree_get(root, "Version");
    int64_t version;

    if (root && root->kind != TREE_MAP)
        config_fault(c,
                     "%s:%u: Version is missing: the file must be a list "
                     "of keys and values, beginning with Version: 2",
                     c->file, root->line);
    else if (!n)
        config_fault(c, "%s:1: Version is missing: write Version: 2", c->file);
    else if (!tree_int(n, &version) || version < 1 || version > 2)
        config_fault(c,
                     "%s:%u: Version is not correct: write Version: 2 "
                     "(a number, 1 or 2)",
                     c->file, n->line);
}

/* Recursion ends at the depth of the longest known key. */
static void walk(struct config *c, const struct tree_node *map,
                 const char *prefix)
{
    char path[PATH_BYTES];

    for (const struct tree_item *i = map->first; i; i = i->next) {
        snprintf(path, sizeof(path), "%s%s%.100s", prefix, *prefix ? "." : "",
                 i->key);
        if (i->earlier_line)
            config_warn(c,
                        "%s:%u: %s was set in line %u before; the last one "
                        "counts",
                        c->file, i->line, path, i->earlier_line);
        if (strcmp(path, "Version") != 0)
            apply_item(c, i, path);
    }
}

static void apply_item(struct config *c, const struct tree_item *i,
                       const char *path)
{
    const struct old_key *old = find_old(path);
    int row = option_find_key(path);

    if (old)
        refuse_old(c, old, i->line);
    else if (row >= 0)
        cfg_store_node(c, row, i->node, path);
    else if (option_is_section(path) || is_old_section(path))
        apply_section(c, i, path);
    else
        refuse_unknown(c, path, i->line);
}

static void apply_section(struct config *c, const struct tree_item *i,
                          const char *path)
{
    char is[96];

    if (i->node->kind == TREE_MAP) {
        walk(c, i->node, path);
    } else if (tree_is_null(i->node)) {
        config_stray(c,
                     "%s:%u: %s is a section without keys: give it some or "
                     "remove it",
                     c->file, i->line, path);
    } else {
        tree_describe(i->node, is, sizeof(is));
        config_fault(c, "%s:%u: %s needs a section of keys, but here is %s",
                     c->file, i->line, path, is);
    }
}

static const struct old_key *find_old(const char *path)
{
    for (size_t i = 0; i < OLD_KEYS; i++)
        if (strcmp(old_keys[i].path, path) == 0)
            return &old_keys[i];
    return NULL;
}

static bool is_old_section(const char *path)
{
    size_t n = strlen(path);

    for (size_t i = 0; i < OLD_KEYS; i++)
        if (strncmp(old_keys[i].path, path, n) == 0 &&
            old_keys[i].path[n] == '.')
            return true;
    return false;
}

static void refuse_old(struct config *c, const struct old_key *k, unsigned line)
{
    if (k->harmless)
        config_warn(c, "%s:%u: %s has no effect", c->file, line, k->path);
    else if (k->now)
        config_stray(c,
                     "%s:%u: %s is not supported since Version 1 files: "
                     "write %s",
                     c->file, line, k->path, k->now);
    else
        config_stray(c, "%s:%u: %s is not supported any more: remove it",
                     c->file, line, k->path);
}

static void refuse_unknown(struct config *c, const char *path, unsigned line)
{
    const char *nearest = option_nearest_key(path);

    config_stray(c, "%s:%u: %s is no known key%s%s%s", c->file, line, path,
                 nearest ? " (nearest: " : "", nearest ? nearest : "",
                 nearest ? ")" : "");
}

/* -1: not of the row's type. */
static int read_node(struct config *c, const struct option_row *row,
                     const struct tree_node *n, struct value *out)
{
    switch (row->type) {
    case OPTION_TEXT:
        out->text = n->text;
        return n->kind == TREE_SCALAR ? 0 : -1;
    case OPTION_BOOL:
        return tree_bool(n, &out->yes) ? 0 : -1;
    case OPTION_INT:
        return tree_int(n, &out->number) ? 0 : -1;
    case OPTION_LIST:
        return read_list(c, n, out);
    default:
        return -1;
    }
}

/* A text alone is a list of one. */
static int read_list(struct config *c, const struct tree_node *n,
                     struct value *out)
{
    if (n->kind == TREE_SCALAR)
        config_list_add(c, &out->list, n->text);
    for (const struct tree_item *i = n->first; i; i = i->next) {
        if (n->kind == TREE_MAP || i->node->kind != TREE_SCALAR)
            return -1;
        config_list_add(c, &out->list, i->node->text);
    }
    return n->kind == TREE_MAP ? -1 : 0;
}

/* The daemon's own settings know no explicit "empty" in the file. */
static bool means_default(const struct option_row *row,
                          const struct tree_node *n, const struct value *v)
{
    if (!(row->marks & ROW_DAEMON))
        return false;
    return (row->type == OPTION_TEXT && n->text[0] == '\0') ||
           (row->type == OPTION_INT && v->number == 0);
}
