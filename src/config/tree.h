/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A YAML or JSON text as a tree of nodes with line numbers, all in the
 * caller's arena. Private to config/.
 */
#ifndef XR_CONFIG_TREE_H
#define XR_CONFIG_TREE_H

#include <stdbool.h>
#include <stdint.h>

#include "xr/arena.h"
#include "xr/err.h"

#define TREE_BYTES_MAX (1024 * 1024)
#define TREE_DEPTH_MAX 64
#define TREE_NODES_MAX 10000

enum tree_kind {
    TREE_SCALAR,
    TREE_MAP,
    TREE_LIST,
};

struct tree_node {
    enum tree_kind kind;
    bool plain;       /* no quotes: may be a number, boolean or null */
    bool open;        /* still being read: an alias to it would be a circle */
    bool seen;        /* for walkers: aliases lead to a node twice */
    unsigned line;    /* from 1 */
    const char *text; /* of a scalar */
    struct tree_item *first, *last;
};

/* An entry of a map, or of a list (key is then NULL). */
struct tree_item {
    struct tree_item *next;
    const char *key;
    unsigned line;
    unsigned earlier_line; /* of a key that this one replaces, else 0 */
    bool merged;           /* came in by <<: weaker than a key of the map */
    struct tree_node *node;
};

/* Reads the first document of text. *out is NULL if there is none. The reason
 * of -1 begins with its line, "12: ". */
int tree_parse(struct arena *a, struct slice text, struct tree_node **out,
               struct err *err);
/* Value of a key; NULL if there is no such key or the node is no map. */
const struct tree_node *tree_get(const struct tree_node *map, const char *key);
/* Typed readings by the rules of YAML 1.1; false if the scalar is no such. */
bool tree_is_null(const struct tree_node *n);
bool tree_bool(const struct tree_node *n, bool *out);
bool tree_int(const struct tree_node *n, int64_t *out);
/* What the node is, for a message: `text "lots"`, `a list`. */
void tree_describe(const struct tree_node *n, char *out, size_t cap);

#endif
