/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The service map in the interactive terminal: the answer of /api/graph as a
 * tree of who calls whom, with the numbers of each. Asks nobody for anything.
 */
#ifndef XR_CMD_TUI_MAP_H
#define XR_CMD_TUI_MAP_H

#include "tui_detail.h"

/* Of a node, or of the calls along an edge. */
struct map_numbers {
    double total, error, throttle, fault, p50, p90; /* percentiles -1: none */
};

struct map_node {
    struct slice name, type, cause;
    bool client, root, drawn;
    struct map_numbers numbers;
};

struct map_edge {
    size_t from, to;
    bool link;
    struct map_numbers numbers;
};

struct map_row {
    size_t node;
    unsigned depth;
    bool again; /* what it calls stands elsewhere */
};

struct tui_map {
    struct buf text; /* the answer, which all slices point into */
    struct arena arena;
    struct map_node *nodes;
    struct map_edge *edges;
    struct map_row *rows;
    size_t n_nodes, n_edges, n;
    struct tui_place at; /* in `rows` */
    double traces;
    bool complete;
};

void map_init(struct tui_map *m);
void map_fini(struct tui_map *m);
/* Takes an answer; the chosen node stays so if it is still there. */
void map_take(struct tui_map *m, struct slice answer);
const struct map_node *map_chosen(const struct tui_map *m);
/* What stands over the columns of the rows. */
void map_draw_head(struct pen *p);
void map_draw_row(const struct tui_map *m, size_t i, struct pen *p);
/* What is known of the chosen node: its calls, who calls it, its faults. */
void map_detail(const struct tui_map *m, struct tui_detail *d);

#endif
