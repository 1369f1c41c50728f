/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A trace as lines of text: the nodes of its documents, subsegments in them
 * included, put together by parent id. Text from outside is made harmless for
 * a terminal. Pure but for the stream that it writes to.
 */
#ifndef XR_SINK_PRINT_TREE_H
#define XR_SINK_PRINT_TREE_H

#include <stdio.h>

#include "xr/arena.h"
#include "xr/slice.h"

enum print_status {
    PRINT_OK,
    PRINT_ERROR,
    PRINT_THROTTLE,
    PRINT_FAULT,
    PRINT_IN_PROGRESS,
};

struct print_node {
    struct print_node *next; /* in order of reading, embedded ones behind */
    struct print_node *parent, *first_child, *next_sibling;
    struct slice id, parent_id, name, namespace;
    double start, end;
    enum print_status status;
    int http_status;
    bool subsegment;
};

struct print_style {
    FILE *out;
    bool colour, tree;
};

/* Reads the document into n, and its embedded subsegments into nodes behind
 * it. Texts point into the document. False when the arena is full or the
 * document is no JSON object. */
bool print_node_read(struct print_node *n, struct slice document,
                     struct arena *a);
/* Writes the trace: one line, or with style->tree a line a node. */
void print_tree(const struct print_style *style, struct slice trace_id,
                struct print_node *nodes, struct arena *a);

#endif
