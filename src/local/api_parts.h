/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the own API share. */
#ifndef XR_LOCAL_API_PARTS_H
#define XR_LOCAL_API_PARTS_H

#include "api.h"
#include "trace_id.h"

#define API_ANSWER_MAX (48u << 20)
#define API_EVENT_TEXT 64
/* Traces that one answer looks at: histogram, graph, near misses. */
#define API_LOOK_MAX 20000
#define API_CHANGES_MAX 1000
#define API_STREAMS_MAX 16
#define API_IMPORT_MAX (1u << 30) /* bytes; they are not held */
#define API_WAITS_MAX 16

struct api_events;
struct api_waits;
struct api_run;

struct api {
    struct api_options o;
    double started;
    struct api_events *events;
    struct api_waits *waits;
    struct api_work *works; /* under way */
    struct api_run *runs;   /* earlier ones that are open, last asked first */
    bool earlier;           /* the store is an earlier run's: only read */
    bool stopped;
};

/* --- api_param.c: what stands in the query of a request */
/* The decoded value in the arena; false if it is not there. */
bool api_param(struct http1_request *r, const char *name, struct arena *a,
               struct slice *out);
/* "10s", "200ms", "2m", "1h", or seconds. */
bool api_duration(struct slice text, double *seconds);
/* Seconds since 1970, "-900" or "-15m" (before now), or ISO 8601. */
bool api_time(struct slice text, double now, double *out);
double api_now(void);

/* --- api.c: answers */
void api_fail(struct http1_request *r, int status, const char *message);
void api_reply(struct http1_request *r, int status, struct buf *json);

/* False: nothing is at this path (below /api/), and r is not answered. */
bool api_serve(struct api *a, struct http1_request *r, struct slice path);

/* --- api_run.c: the same for runs/NAME/… */
bool api_try_run(struct api *a, struct http1_request *r, struct slice path);
void api_close_runs(struct api *a);

/* --- api_work.c: a reading of the store for one request */
struct api_work {
    struct api *api;
    struct api_work *prev, *next;
    struct http1_request *request; /* loop only; NULL: the client went away */
    struct arena arena;            /* parameters */
    struct arena scratch;          /* worker: one trace */
    struct filter *filter;
    struct slice text; /* plain text to search for */
    double from, to;
    uint64_t budget;
    uint64_t seen, matched;
    uint64_t look_max; /* traces; 0: all */
    struct buf out;
    struct jw j;
    /* Worker: a trace that matches; false ends the reading. */
    bool (*each)(struct api_work *w, const struct trace *t,
                 const struct store_trace *s, int64_t epoch);
    /* Loop: the reading is over. Answers unless request is NULL; the work is
     * freed behind it. */
    void (*done)(struct api_work *w, uint64_t count);
    /* Set by `done` instead of answering: what to read next. */
    const struct store_query *more;
    /* Loop: may be NULL; frees what `state` points to. */
    void (*free_state)(void *state);
    void *state;
};

/* With filter, range and q of the request; NULL: it has been answered. */
struct api_work *api_work_new(struct api *a, struct http1_request *r);
/* Without a request. */
struct api_work *api_work_bare(struct api *a);
/* Starts reading; q gives order and ids only. False: too busy; the request, if
 * there is one, has been answered, and w is gone. */
bool api_work_start(struct api_work *w, struct store_query *q);
void api_work_free(struct api_work *w);
/* Worker: the trace of a store's reading, NULL if it can't be made. */
struct trace *api_assemble(const struct store_trace *s, struct arena *a);
struct row_facts api_facts(const struct store_trace *s);

/* --- handlers; r has passed the guard */
void api_list(struct api *a, struct http1_request *r);
void api_histogram(struct api *a, struct http1_request *r);
void api_trace(struct api *a, struct http1_request *r, const uint8_t *id);
void api_graph(struct api *a, struct http1_request *r, const uint8_t *id);
void api_diff(struct api *a, struct http1_request *r);
void api_export(struct api *a, struct http1_request *r);
void api_import(struct api *a, struct http1_request *r);
void api_complete(struct api *a, struct http1_request *r);
void api_source(struct api *a, struct http1_request *r);
void api_runs(struct api *a, struct http1_request *r);
void api_delete(struct api *a, struct http1_request *r);
void api_delete_one(struct api *a, struct http1_request *r, const uint8_t *id);
void api_pin(struct api *a, struct http1_request *r, const uint8_t *id,
             bool pin);

/* --- api_events.c */
struct api_events *api_events_new(struct api *a);
void api_events_free(struct api_events *e);
void api_events_open(struct api_events *e, struct http1_request *r);
void api_events_change(struct api_events *e, const struct store_change *c,
                       size_t n);
/* The id of the newest event, from which a stream can go on: what is read from
 * now on has all that it tells of, and what it doesn't have is told later. */
void api_events_mark(const struct api_events *e, char out[API_EVENT_TEXT]);
/* id NULL: many. */
void api_events_cleared(struct api_events *e, const uint8_t *id);
void api_events_stop(struct api_events *e);
double api_events_rate(const struct api_events *e);

/* --- api_wait.c */
struct api_waits *api_waits_new(struct api *a);
void api_waits_free(struct api_waits *w);
void api_waits_open(struct api_waits *w, struct http1_request *r);
void api_waits_change(struct api_waits *w);
void api_waits_stop(struct api_waits *w);

#endif
