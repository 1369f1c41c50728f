/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the query API share: one call, its answer, its reading. */
#ifndef XR_LOCAL_QUERY_PARTS_H
#define XR_LOCAL_QUERY_PARTS_H

#include "filter.h"
#include "param.h"
#include "query.h"
#include "summary.h"
#include "token.h"
#include "trace_id.h"

#define ANSWER_MAX (64u << 20)
#define CALL_ARENA_MAX (8u << 20)
#define SCRATCH_MAX (256u << 20) /* one trace of 32 MB, assembled */
#define SUMMARIES_PAGE 100
#define SERVICES_PAGE 100
#define TRACE_IDS_MAX 5
#define REPORTS_MAX 1000 /* of samplers */
#define RETRIEVALS_MAX 64
#define RETRIEVED_MAX 100

/* What a sampler told of one rule. */
struct report {
    char rule[33], client[25];
    double time; /* when it came */
    uint64_t requests, sampled, borrowed;
};

/* A retrieval is no more than its ids. */
struct retrieval {
    char token[33];
    uint8_t ids[RETRIEVED_MAX][STORE_TRACE_ID];
    size_t n;
};

struct operation;

struct query {
    struct query_options o;
    uint8_t secret[TOKEN_SECRET];
    struct report reports[REPORTS_MAX]; /* a ring */
    size_t n_reports;
    struct retrieval *retrievals[RETRIEVALS_MAX]; /* likewise */
    size_t n_retrievals;
    struct slice encryption; /* what PutEncryptionConfig was told; owned */
    struct route *routes;
    struct call *calls; /* under way */
};

/* One request. While the store reads for it, only the worker touches what
 * stands below `reading`. */
struct call {
    struct query *query;
    struct call *next, *prev;
    const char *path;
    struct http1_request *request; /* NULL: the client has gone */
    struct arena arena;            /* parameters and state */
    struct params params;
    struct err err;
    const char *error_type; /* of err; NULL: InvalidRequestException */
    /* --- reading */
    struct buf out;
    struct jw j;
    struct arena scratch; /* one trace */
    struct filter *filter;
    uint64_t budget;
    double from, to;
    bool out_of_budget;
    bool looks_at_all;            /* the store is not to use the filter */
    void *state;                  /* of call_state */
    void (*fini)(struct call *c); /* may be NULL */
    void (*finish)(struct call *c, uint64_t count);
};

/* The ids of a call; those that are none stand in bad. Room for `max` of both
 * is the caller's. */
struct trace_ids {
    uint8_t (*ids)[STORE_TRACE_ID];
    struct slice *bad;
    size_t max, n, n_bad;
};

typedef void (*operation_fn)(struct call *c);
struct operation {
    const char *path;
    operation_fn fn;
    bool sampler; /* stays open where a token is needed */
};

/* Tables of operations, ended by {0}. */
extern const struct operation operations_of_traces[];
extern const struct operation operations_of_graphs[];
extern const struct operation operations_of_groups[];
extern const struct operation operations_of_sampling[];
extern const struct operation operations_of_rest[];
extern const struct operation operations_of_retrieval[];

/* --- ends of a call: it is gone afterwards */
/* 400 with c->err. */
void call_invalid(struct call *c);
void call_error(struct call *c, int status, const char *type, const char *text);
/* 200 with what has been written to c->j. */
void call_reply(struct call *c);
/* 200 with {}. */
void call_reply_empty(struct call *c);
/* Answers when the store has said whether it is kept; a store_keep callback. */
void call_kept(void *arg, bool kept);
/* A store_keep or store_forget that could not begin. */
void call_busy(struct call *c);

/* Memory for the operation, cleared, freed with the call. */
void *call_state(struct call *c, size_t n);

/* --- reading */
/* StartTime, EndTime; -1 with c->err. */
int call_range(struct call *c);
/* Parses the filter of a text; -1 with c->err. */
int call_filter(struct call *c, struct slice expression);
/* The filter of GroupName or GroupARN, if there is one. */
int call_group(struct call *c);
/* TraceIds; -1 with c->err. */
int call_trace_ids(struct call *c, struct trace_ids *out);
/* NextToken; 0 with found false if there is none. */
int call_token(struct call *c, struct token *out, bool *found);
void call_put_token(struct call *c, const struct token *t);
/* Reads the traces of c's range and filter (or the ids of q); each runs on
 * the worker. Then c->finish on the loop, unless it failed or the client has
 * gone. */
void call_read(struct call *c, struct store_query *q,
               bool (*each)(void *arg, const struct store_trace *t,
                            int64_t epoch),
               void (*finish)(struct call *c, uint64_t count));
/* Worker: puts a trace together in c->scratch; NULL if it can't. */
struct trace *call_assemble(struct call *c, const struct store_trace *t);
/* Worker: whether the filter takes it. */
bool call_matches(struct call *c, const struct trace *t);
/* Now, epoch seconds. */
double call_now(void);

#endif
