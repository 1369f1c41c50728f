/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One trace, put together from its documents: segments, their subsegments and
 * the segments inferred for callees that report none, as one tree of plain data
 * in an arena. All that is asked of a trace (summary, graph, filter, page) is
 * read from here. Knows no store, no time but the documents' own, no query.
 */
#ifndef XR_LOCAL_TRACE_H
#define XR_LOCAL_TRACE_H

#include <stdint.h>

#include "xr/arena.h"

/* Deeper nested documents are kept, but only shown raw. */
#define TRACE_JSON_DEPTH_MAX 100
/* Annotation keys of a trace that are indexed. */
#define TRACE_ANNOTATION_KEYS_MAX 50

/* What became of a call, the worst first asked: fault (flag or 5xx), throttle
 * (flag or 429), error (flag or 4xx). A throttle counts as error too. */
enum trace_class { CLASS_OK, CLASS_ERROR, CLASS_THROTTLE, CLASS_FAULT };

enum trace_kind {
    TRACE_SEGMENT,
    TRACE_SUBSEGMENT,
    TRACE_INFERRED, /* a segment made for a callee that sent none */
};

enum trace_value_kind { VALUE_STRING, VALUE_NUMBER, VALUE_BOOL };

struct trace_annotation {
    struct trace_annotation *next; /* of the same entity */
    struct slice key;
    enum trace_value_kind kind;
    struct slice text; /* VALUE_STRING */
    double number;     /* VALUE_NUMBER */
    bool boolean;      /* VALUE_BOOL */
};

struct trace_exception {
    struct trace_exception *next;
    struct slice id, type, message;
    bool remote;
};

/* What an entity names of another trace (`links`). */
struct trace_link {
    struct trace_link *next;
    struct slice trace_id; /* as in struct trace */
    struct slice id;       /* of an entity there; empty: not told */
};

/* The members of `http`; empty slices and 0 are "not there". */
struct trace_http {
    bool present;
    struct slice method, url, user_agent, client_ip;
    int status;
};

/* A service as maps show it: segments of the same name and type. */
struct trace_node {
    struct slice name, type; /* type: empty if the segment has no origin */
    struct slice account_id;
    bool inferred;  /* only inferred segments */
    unsigned index; /* in trace.nodes */
};

struct trace_document {
    struct slice body; /* as it came */
};

/* A segment, a subsegment or an inferred segment. Texts are decoded, `raw_`
 * are JSON text as it came; empty: not there. */
struct trace_entity {
    enum trace_kind kind;
    enum trace_class class;
    const struct trace_document
        *document;              /* of an inferred one: its caller's */
    struct slice raw;           /* the object in the document */
    struct slice id, parent_id; /* parent_id as written */
    struct slice name, name_space, origin, user, resource_arn;
    struct slice instance_id, availability_zone, account_id;
    struct slice operation; /* aws.operation */
    struct slice raw_http, raw_aws, raw_sql, raw_cause, raw_metadata;
    double start, end; /* end: 0 while in progress */
    bool in_progress;
    bool fault, error, throttle; /* as written */
    bool embedded; /* a subsegment inside of its parent's document */
    bool orphan;   /* a subsegment whose parent is not in the trace (yet) */
    bool whole;    /* all subsegments below it stand in its own text */
    bool root;     /* a segment that nobody in the trace called */
    struct trace_http http;
    struct trace_annotation *annotations;
    struct trace_exception *exceptions;
    struct trace_link *links;

    /* The tree. Children are in the order of their start; below a subsegment
     * stand its own and the segments that it called. */
    struct trace_entity *parent, *first_child, *last_child, *next;
    /* The segment that a subsegment finally hangs from, NULL for orphans; a
     * segment itself. */
    struct trace_entity *owner;
    /* Of a subsegment: the first segment that it called, inferred or not. */
    struct trace_entity *callee;
    struct trace_node *node; /* the owner's node; NULL for orphans */
};

/* Whether e is a node's own report or made for one. */
static inline bool trace_is_segment(const struct trace_entity *e)
{
    return e->kind != TRACE_SUBSEGMENT;
}

struct trace {
    struct slice id; /* "1-xxxxxxxx-xxxxxxxxxxxxxxxxxxxxxxxx" */
    /* All entities, each before its children (depth first, by time); orphan
     * subsegments and what hangs from them stand last. */
    struct trace_entity **entities;
    size_t n_entities;
    struct trace_node *nodes;
    size_t n_nodes;
    const struct trace_document *documents;
    size_t n_documents;
    size_t unreadable; /* documents that are no segment at all */

    struct trace_entity *entry; /* the earliest root; may be NULL */
    double start, end;          /* epoch seconds; end: latest known */
    double duration;            /* end - start */
    double response_time;       /* of the entry; -1 while in progress */
    bool has_fault, has_error;  /* of the entry */
    bool has_throttle;          /* of any segment */
    bool partial;
    bool limit_exceeded; /* set by the caller */
    uint64_t revision;   /* arrivals after the first; set by the caller */
};

/* Puts the documents of one trace together, those that came later standing
 * later. What it gives borrows from the documents and lives in the arena; NULL
 * when that is full. Documents that are not segments are counted and passed
 * over. */
struct trace *trace_assemble(struct slice id,
                             const struct trace_document *documents, size_t n,
                             struct arena *a);

#endif
