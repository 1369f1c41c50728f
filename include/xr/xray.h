/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sink that uploads to X-Ray by PutTraceSegments: batches, retries, the
 * memory bound. Nothing is lost without a count.
 */
#ifndef XR_XRAY_H
#define XR_XRAY_H

#include <stdint.h>

#include "xr/client.h"
#include "xr/cred.h"
#include "xr/loop.h"
#include "xr/pipeline.h"

struct xray_options {
    unsigned concurrency;     /* uploads under way at a time */
    unsigned flush_idle_ms;   /* a document waits at most this long */
    unsigned batch_documents; /* 1..50 */
    size_t batch_bytes;       /* ceiling of one request body */
    size_t memory_bytes;      /* all memory held for documents */
    unsigned request_timeout_ms;
    unsigned backoff_max_ms; /* 5000 */
    const char *user_agent;  /* NULL: as the daemon's */
    bool repair_names;       /* clean and resend on InvalidName */
    /* For a process that freezes between its calls: nothing is sent until
     * xray_hold says so, and senders are never made to wait. */
    bool freezes;
};

/* What it works with, all borrowed. */
struct xray_wiring {
    struct loop *loop;
    struct client *client;
    struct cred_chain *cred;
    struct pipeline *pipeline;
    struct stats *stats;
};

struct xray;

struct xray *xray_new(const struct xray_wiring *w,
                      const struct xray_options *o);
void xray_free(struct xray *x);
struct sink *xray_sink(struct xray *x);
/* Region and base URL, once known; uploads wait until then. May be called
 * again (reload). Texts are copied. */
void xray_set_endpoint(struct xray *x, const char *region, const char *base);
/* Stops waiting for timers and back-off: everything goes out as fast as it
 * can. done is called on a turn of its own, when nothing is pending, or at the
 * deadline (by loop_now_ms), when the rest is dropped and counted. */
void xray_drain(struct xray *x, int64_t deadline_ms, loop_fn done, void *arg);

/* While held no upload begins, but in a drain. Letting go begins none either:
 * flush does. */
void xray_hold(struct xray *x, bool hold);
/* Takes requests off the wire, as failed ones; their documents stay. */
void xray_recall(struct xray *x);
/* This process is one of several copies now: forgets the random numbers that
 * the others have too. */
void xray_restored(struct xray *x);
void xray_queue(const struct xray *x, struct sink_queue *out);
/* Called whenever a document came in or an upload has ended; it may not call
 * back. */
void xray_on_change(struct xray *x, loop_fn fn, void *arg);

/* For /readyz: false while the last uploads failed; why says it. */
bool xray_healthy(const struct xray *x, struct err *why);

/* PutTelemetryRecords each minute. Numbers come from stats of this sink and of
 * the UDP intake. */
struct telemetry_facts {
    const char *instance_id, *host_name, *resource_arn;
};
void xray_telemetry_start(struct xray *x, const struct telemetry_facts *f);

#endif
