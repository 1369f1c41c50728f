/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What travels between loop and worker: each job goes there, is done, and
 * comes back, so the number under way bounds both queues. Whoever holds a job
 * owns all of it.
 */
#ifndef XR_STORE_JOB_H
#define XR_STORE_JOB_H

#include "xr/buf.h"
#include "xr/store.h"

#define BATCH_DOCUMENTS 500
#define BATCH_BYTES (4u << 20) /* a batch is sent when it has as much */
#define BATCH_BYTES_MAX (BATCH_BYTES + (1u << 20))

enum job_kind {
    JOB_BATCH,
    JOB_QUERY,
    JOB_KEEP,
    JOB_FORGET,
    JOB_DELETE,
    JOB_PIN,
    JOB_STOP,
};

struct job {
    struct job *next;
    enum job_kind kind;
    bool failed; /* set by the worker */
};

/* A document of a batch; name and body stand in the batch's bytes. */
struct batch_document {
    struct store_document facts;
    size_t name_at, body_at;
    unsigned order;
};

struct batch {
    struct job job;
    struct batch_document documents[BATCH_DOCUMENTS];
    unsigned n;
    struct buf bytes;
    uint64_t number; /* they are written in this order */
    /* set by the worker */
    struct store_tally tally;
    struct arena told; /* changes */
    struct store_change *changes;
    size_t n_changes;
};

struct listed {
    uint8_t id[STORE_TRACE_ID];
    int64_t epoch;
};

/* A query under way. */
struct reading {
    struct job job;
    struct store_query query;
    struct arena arena; /* what the query points to */
    bool begun;
    struct listed *listed; /* traces to read */
    size_t n, cap, at;
    uint64_t count;
    struct reading *after; /* the worker's list */
};

/* JOB_KEEP, JOB_FORGET, JOB_DELETE, JOB_PIN */
struct change {
    struct job job;
    void (*done)(void *arg, bool kept);
    void *arg;
    enum store_kind kind;
    bool pin;
    struct buf name, body; /* body: JOB_DELETE and JOB_PIN: ids */
};

#endif
