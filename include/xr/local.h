/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Local mode: an X-Ray back end on this machine. A sink that keeps documents
 * in the store, and the query API over them.
 */
#ifndef XR_LOCAL_H
#define XR_LOCAL_H

#include "xr/http1.h"
#include "xr/json_out.h"
#include "xr/pipeline.h"

struct local;

/* Learns what became of the spans of an OTLP request. why: of those refused,
 * or ""; full: none was taken, and there may be room later. */
typedef void (*local_spans_fn)(void *arg, uint64_t accepted, uint64_t refused,
                               const char *why, bool full);

/* Who takes OTLP; all NULL: nobody. */
struct local_otlp {
    /* A request in JSON, borrowed until fn is called, once. NULL: it was
     * called before this returned; else what `cancel` wants, by which fn is
     * forgotten. */
    void *(*take)(void *arg, struct slice json, local_spans_fn fn,
                  void *fn_arg);
    void (*cancel)(void *taking);
    void *arg;
};

struct local_options {
    const char *store;   /* a file, ":memory:", or "run": a new file */
    bool read_only;      /* the file must be there, and stays as it is */
    bool index_text;     /* for searches of plain text */
    uint64_t keep_bytes; /* of traces; 0: STORE_BYTES_DEFAULT */
    int64_t keep_s;      /* since received; 0: STORE_AGE_S_DEFAULT */
    double default_rate; /* of the sampling rule Default; 1: all */
    const char *redact;  /* names split by commas (redact.h); NULL: none */
    bool strict;         /* refuse what the service refuses: age, size */
    const char *const *allow_hosts;
    size_t n_allow_hosts;
    const char *faults; /* split by commas (injector.h); NULL: none */
    /* Where the page looks for the files of stack frames; NULL: nowhere. */
    const char *source_root;
    const char *token;      /* asked for instead of a known Host; NULL: none */
    struct local_otlp otlp; /* for imports */
    /* The members `listeners` and what else is told of them in health and
     * live view. */
    void (*health)(void *arg, struct jw *j);
    void *health_arg;
};

/* Opens the store. NULL with the reason. */
struct local *local_new(struct loop *l, const struct local_options *o,
                        struct err *err);
struct sink *local_sink(struct local *l);
/* The own API, the query API's operations and 404 for all other POSTs. Add
 * last; for one server only. */
void local_routes(struct local *l, struct http1 *server);
/* Refuses requests of a server that name another Host than this machine's or
 * come from other web sites (but from those of `origins`, which are kept), and
 * injects faults into the others. */
void local_watch(struct local *l, struct http1 *server,
                 const char *const *origins, size_t n_origins);
/* Whether a datagram is to be dropped (xray_udp_on_datagram). */
bool local_drops_datagram(void *l);
/* Ends streams and requests that wait for traces. */
void local_stop(struct local *l);
/* Commits what has come; then calls done (xray_tcp_on_commit, drain). */
void local_commit(void *l, void (*done)(void *arg, bool kept), void *arg);
/* What an input did not take, for the Live view (pipeline_on_reject). */
void local_on_reject(void *l, const struct intake *in,
                     const struct rejection *r);
/* Where it keeps them, and how many. */
const char *local_store(const struct local *l);
uint64_t local_traces(const struct local *l);
/* Where the store is kept if nothing is said, and the folder with a file for
 * each start; -1: no home directory. */
int local_default_path(char *out, size_t size);
int local_runs_folder(char *out, size_t size);
/* NULL is fine. Servers with its routes must be gone. */
void local_free(struct local *l);

#endif
