/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sink that passes OTLP requests on to another backend by OTLP/HTTP: one
 * for each exporter of the kind. Its ledger counts spans.
 */
#ifndef XR_EXPORTER_H
#define XR_EXPORTER_H

#include <stdint.h>

#include "xr/client.h"
#include "xr/cred.h"
#include "xr/inflate.h"
#include "xr/loop.h"
#include "xr/pipeline.h"

struct exporter_options {
    const char *name; /* as the configuration calls it: of the sink, in logs */
    const char *url;  /* whole, the path /v1/traces included */
    const struct client_header *headers;
    size_t n_headers;
    enum coding compression; /* IDENTITY, GZIP or DEFLATE */
    unsigned timeout_ms;     /* of a request */
    unsigned flush_idle_ms;  /* a request waits so long for others; 0: none */
    unsigned concurrency;    /* requests under way at a time */
    size_t memory_bytes;     /* all memory held for requests */
    bool retry;
    unsigned retry_first_ms, retry_max_ms;
    int64_t retry_total_ms; /* then it is given up; 0: never */
    /* For a process that freezes between its calls, as in xr/xray.h. */
    bool freezes;
    const char *service; /* NULL: requests are not signed */
};

/* What it works with, all borrowed. */
struct exporter_wiring {
    struct loop *loop;
    struct client *client;
    struct cred_chain *cred; /* NULL if nothing is signed */
    struct stats *stats;
};

struct exporter;

/* Texts of the options are copied. */
struct exporter *exporter_new(const struct exporter_wiring *w,
                              const struct exporter_options *o);
void exporter_free(struct exporter *x); /* NULL is fine */
struct sink *exporter_sink(struct exporter *x);
/* The region to sign with; requests that are to be signed wait until then. */
void exporter_set_region(struct exporter *x, const char *region);
/* These mean what they mean for the X-Ray sink (xr/xray.h). */
void exporter_drain(struct exporter *x, int64_t deadline_ms, loop_fn done,
                    void *arg);
void exporter_hold(struct exporter *x, bool hold);
void exporter_recall(struct exporter *x);
void exporter_queue(const struct exporter *x, struct sink_queue *out);
void exporter_on_change(struct exporter *x, loop_fn fn, void *arg);
/* What failed last; err stays as it is if nothing has. */
void exporter_failure(const struct exporter *x, struct err *err);
bool exporter_healthy(const struct exporter *x, struct err *why);

#endif
