/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The local store: documents by trace in one SQLite file, on a thread of its
 * own, which no other part of the program has. All calls are made on the loop;
 * what a request brings comes back to the loop. Functions marked "worker" run
 * on that thread: they may touch nothing but their argument, which the loop
 * leaves alone until the request is done. Knows no meaning of a document: rows
 * to find traces by are made by the index function that it is given.
 */
#ifndef XR_STORE_H
#define XR_STORE_H

#include <stdint.h>

#include "xr/arena.h"
#include "xr/err.h"
#include "xr/loop.h"

struct store;

#define STORE_TRACE_ID 16 /* bytes */
#define STORE_ID 8
/* Of one trace; what goes beyond is refused. */
#define STORE_TRACE_DOCUMENTS_MAX 10000
#define STORE_TRACE_BYTES_MAX (32u << 20)
/* Requests under way, batches aside. */
#define STORE_REQUESTS_MAX 256

struct store_document {
    uint8_t trace_id[STORE_TRACE_ID], id[STORE_ID], parent[STORE_ID];
    bool has_parent, subsegment, in_progress;
    double start, end, received; /* epoch seconds */
    struct slice name, body;
};

/* A trace as the store knows it. */
struct store_trace {
    uint8_t id[STORE_TRACE_ID];
    const struct slice *bodies; /* documents by arrival */
    size_t n;
    uint64_t revision; /* arrivals after the first */
    double received;   /* of the last one */
    bool limit_exceeded, pinned;
};

enum store_flag {
    STORE_FAULT = 1,
    STORE_ERROR = 2,
    STORE_THROTTLE = 4,
    STORE_PARTIAL = 8,
};

enum store_value_kind { STORE_STRING, STORE_NUMBER, STORE_BOOL };

struct store_annotation {
    struct slice key, text;
    enum store_value_kind kind;
    double number; /* 0 and 1 for STORE_BOOL */
};

struct store_service {
    struct slice name, type;
    unsigned flags;
};

/* What a trace is found by. */
struct store_row {
    int64_t epoch; /* second by which it is listed */
    double start, end, duration, response_time; /* response_time -1: none */
    unsigned flags, status, spans;
    struct slice method, url, entry, entry_type;
    const struct store_service *services;
    size_t n_services;
    const struct store_annotation *annotations;
    size_t n_annotations;
    struct slice summary; /* told to on_change; any text */
};

/* Worker. Makes the rows of a trace; memory from the arena. False: it can't
 * (the trace is kept, and found by its id and time only). */
typedef bool (*store_index_fn)(void *arg, const struct store_trace *t,
                               struct arena *a, struct store_row *out);

/* What became of a batch of documents. */
struct store_tally {
    uint64_t kept, refused, lost; /* refused: beyond a trace's limits */
};

/* A trace whose documents have changed. */
struct store_change {
    uint8_t id[STORE_TRACE_ID];
    uint64_t revision;
    struct slice summary;
};

/* How the store is, for health and page. */
struct store_health {
    uint64_t traces, documents, bytes; /* bytes of the file */
    bool full;                         /* the disk; tried again each 10 s */
    char damaged[256];                 /* where a damaged file was put; "" */
};

/* 0 in store_options stands for these. */
#define STORE_BYTES_DEFAULT (512ull << 20)
#define STORE_AGE_S_DEFAULT (7 * 86400)

/* Things kept by name beside the traces. */
enum store_kind { STORE_GROUPS, STORE_RULES, STORE_META, STORE_KINDS };

struct store_options {
    const char *path;   /* a file, made with its folders, or ":memory:" */
    bool read_only;     /* must be there; another process may write it */
    bool index_text;    /* for WHERE_TEXT; made or dropped when it is opened */
    uint64_t max_bytes; /* 0: STORE_BYTES_DEFAULT */
    int64_t max_age_s;  /* since last received; 0: STORE_AGE_S_DEFAULT */
    store_index_fn index;
    /* Loop. May be NULL. */
    void (*on_tally)(void *arg, const struct store_tally *t);
    void (*on_change)(void *arg, const struct store_change *c, size_t n);
    /* Called for each thing kept, while opening. May be NULL. */
    void (*on_kept)(void *arg, enum store_kind kind, struct slice name,
                    struct slice body);
    void *arg;
};

/* Waits until the file is open. NULL with the reason: another process has it,
 * or it is of a newer version. */
struct store *store_open(struct loop *l, const struct store_options *o,
                         struct err *err);
/* Writes what waits, ends the thread. NULL is fine. No callback is called any
 * more but for requests under way, whose `done` is told that they failed. */
void store_close(struct store *s);

/* Copies the document into the batch that is filling. False: so much waits
 * that there is no room. */
bool store_put(struct store *s, const struct store_document *d);
bool store_has_room(const struct store *s, size_t bytes);
/* Documents put and not yet told of by on_tally. */
uint64_t store_pending(const struct store *s);
/* Commits now what was put; done (may be NULL) learns whether it is kept. */
void store_flush(struct store *s, void (*done)(void *arg, bool kept),
                 void *arg);
struct store_health store_health(const struct store *s);

/* --- reading: the newest first, by the second of its row, then by id */
enum store_range {
    RANGE_LISTED,   /* the row's second */
    RANGE_ACTIVE,   /* begun before `to`, ended at `from` or later */
    RANGE_RECEIVED, /* last document */
};

enum store_condition_kind {
    WHERE_FLAG, /* of `flag`, is `want` */
    WHERE_STATUS,
    WHERE_DURATION, /* low and high included, as for the two beside it */
    WHERE_RESPONSE_TIME,
    WHERE_ANNOTATION, /* text or number of the key equals */
    WHERE_SERVICE,    /* one has the name `text` */
    /* A hint: with index_text, most traces go in which no document has `text`
     * (ASCII letters of either case). Those that come have to be looked at. */
    WHERE_TEXT,
};

struct store_condition {
    enum store_condition_kind kind;
    enum store_flag flag;
    bool want;
    double low, high;
    struct slice text;
    struct store_annotation annotation;
};

#define STORE_CONDITIONS_MAX 16
#define STORE_NAMED_MAX 100

struct store_query {
    /* By ids, in that order; if n_ids is 0, by range. */
    const uint8_t (*ids)[STORE_TRACE_ID];
    size_t n_ids;
    /* Not empty: behind those of n_ids the newest traces of which a service
     * has this name, at most STORE_NAMED_MAX. */
    struct slice named;
    enum store_range range;
    double from, to; /* half open */
    const struct store_condition *conditions;
    size_t n_conditions;
    /* Goes on behind this trace if after_epoch is not negative. */
    int64_t after_epoch;
    uint8_t after_id[STORE_TRACE_ID];

    /* Worker. Each trace that fits; false ends the reading. */
    bool (*each)(void *arg, const struct store_trace *t, int64_t epoch);
    /* Loop. count: traces in the range whatever the conditions; failed: the
     * store could not be read. */
    void (*done)(void *arg, uint64_t count, bool failed);
    void *arg;
};

/* Everything the query points to is copied but arg. False: too many are under
 * way; done is not called. */
bool store_query(struct store *s, const struct store_query *q);

/* --- things kept by name. done may be NULL. */
struct store_item {
    enum store_kind kind;
    struct slice name, body;
};

bool store_keep(struct store *s, const struct store_item *item,
                void (*done)(void *arg, bool kept), void *arg);
bool store_forget(struct store *s, enum store_kind kind, struct slice name,
                  void (*done)(void *arg, bool kept), void *arg);
/* Deletes traces, or, n_ids 0, all that are not pinned. */
bool store_delete(struct store *s, const uint8_t (*ids)[STORE_TRACE_ID],
                  size_t n_ids, void (*done)(void *arg, bool kept), void *arg);
bool store_pin(struct store *s, const uint8_t id[STORE_TRACE_ID], bool pin,
               void (*done)(void *arg, bool kept), void *arg);

/* --- one file for each start, named after it, in a folder */
#define STORE_RUNS_MAX 1000

struct store_run {
    char name[48];           /* of the file */
    double started, written; /* epoch seconds */
    uint64_t bytes;
};

/* The name of a file for a run that begins now; -1: no room for it. */
int store_run_name(char *out, size_t size);
/* Those that are there, the newest first; gives how many. */
size_t store_runs(const char *folder, struct store_run *out, size_t max);
/* Deletes runs not written for so long, and the oldest of those that have
 * more bytes together; gives how many. Runs that are open stay. */
size_t store_runs_trim(const char *folder, uint64_t max_bytes,
                       int64_t max_age_s);

#endif
