/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The service graph: nodes and edges summed up over traces. Filled on the
 * store's worker, written on either side.
 */
#ifndef XR_LOCAL_GRAPH_H
#define XR_LOCAL_GRAPH_H

#include "statistics.h"
#include "xr/store.h"

/* Nodes of one graph, and links between its traces; further ones are left
 * out. */
#define GRAPH_NODES_MAX 10000
#define GRAPH_LINKS_MAX 2000

struct graph_edge {
    struct graph_edge *next; /* of the same caller */
    unsigned to;             /* index of a node */
    bool awaited; /* some call was no message; else it is a message link */
    double start, end;
    struct statistics statistics; /* of the caller's side */
    struct statistics ages; /* of messages, from their sending to their taking;
                               the histogram alone */
};

/* A span that names one of another trace: whose message it has taken. */
struct graph_link {
    struct graph_link *next;
    struct slice trace_id, id; /* of the other trace and its span */
    unsigned to;               /* node of the taker */
    struct trace_entity taker; /* its times and class only */
};

struct graph_node {
    struct slice name, type, account_id;
    bool client;   /* stands for who calls a root */
    bool root;     /* is called by nobody traced */
    bool reported; /* has sent segments of its own */
    double start, end;
    struct statistics statistics;
    struct graph_edge *edges;
};

struct graph {
    struct graph_node *nodes;
    size_t n, cap;
    struct arena arena; /* texts */
    struct graph_link *links;
    size_t n_links;
    unsigned *places; /* node index + 1 by hash; 0: free */
    size_t n_places;
    bool incomplete; /* memory or a ceiling was reached */
};

void graph_init(struct graph *g);
void graph_fini(struct graph *g);
void graph_add(struct graph *g, const struct trace *t);
/* Links go to other traces: after all have been added, the ids of those (each
 * once; room for GRAPH_LINKS_MAX), which are then to be given, as far as they
 * are part of the graph. */
size_t graph_linked(const struct graph *g, uint8_t (*ids)[STORE_TRACE_ID]);
void graph_add_links(struct graph *g, const struct trace *t);
/* The list Services of the query API: at most max nodes from one on. */
void graph_write(struct jw *j, const struct graph *g, size_t from, size_t max);

/* One of them. */
void graph_write_node(struct jw *j, const struct graph *g, size_t i);

/* Tells of each call in a trace: caller NULL is the client of a root; `call`
 * is the caller's subsegment, or the callee's segment where there is none. */
typedef void (*graph_call_fn)(void *arg, const struct trace_node *caller,
                              const struct trace_entity *callee,
                              const struct trace_entity *call);
void graph_each_call(const struct trace *t, graph_call_fn fn, void *arg);

#endif
