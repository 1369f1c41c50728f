/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of the X-Ray sink, shared by its files: xray.c takes documents
 * in and keeps the memory bound, xray_upload.c decides what is sent when and
 * what an answer means, xray_answer.c settles single documents,
 * xray_request.c writes and signs requests, xray_freeze.c is for a process that
 * is frozen at times.
 */
#ifndef XR_SINK_XRAY_PARTS_H
#define XR_SINK_XRAY_PARTS_H

#include "drain.h"
#include "retry.h"
#include "xr/batch.h"
#include "xr/hash.h"
#include "xr/log.h"
#include "xr/region.h"
#include "xr/sigv4.h"
#include "xr/stats.h"
#include "xr/xray.h"

#define XRAY_UUID_MAX 37
#define XRAY_HEADERS_MAX 10
#define XRAY_LOG_EVERY_MS 10000
#define XRAY_LOG_NEW_MS 1000
/* Failures in a row after which only one upload at a time tries its luck. */
#define XRAY_PROBE_AFTER 3

/* Where requests go. */
struct xray_endpoint {
    bool known;
    char region[64];
    char base[ENDPOINT_MAX]; /* without a final slash */
    char host[ENDPOINT_MAX]; /* as in the Host header */
    const char *path;        /* within base: "" or "/prefix" */
};

/* What is to be signed. */
struct xray_call {
    const char *operation; /* "/TraceSegments" */
    const char *id;        /* of the invocation, the same over its attempts */
    unsigned attempt;
    const struct cred *cred;
    struct slice body;
    const uint8_t *sha256; /* of the body */
};

/* A signed request; all texts live in here but body and token. */
struct xray_request {
    char url[ENDPOINT_MAX + 64];
    char date[SIGV4_DATE_LEN + 1], stamp[32], attempt[40], length[24];
    struct buf authorization;
    struct client_header headers[XRAY_HEADERS_MAX];
    size_t n_headers;
};

/* What an error answer says. */
struct xray_error {
    char code[96], message[320];
};

/* The way of a batch through its attempts; batch->owner, from the first
 * attempt until the batch is settled. */
struct upload {
    struct upload *next; /* in the pool */
    struct xray *x;
    struct batch *batch;
    struct client_call *call; /* while in flight */
    struct cred *cred;        /* that it was signed with */
    char id[XRAY_UUID_MAX];   /* the same over all attempts */
    bool refreshed, skewed;   /* done for this batch already */
    bool repaired;            /* names were cleaned */
};

/* Errors by kind, as PutTelemetryRecords wants them. */
struct xray_errors {
    uint64_t refused, timeout, unknown_host, other, http_4xx, http_5xx;
};

#define XRAY_LATENCY_BUCKETS 8
#define XRAY_CODES_MAX 32  /* error codes that are counted by name */
#define XRAY_CODE_BYTES 40 /* of one, longer ones are cut */

struct xray_counters {
    uint64_t *by_outcome[CLIENT_OTHER + 1]; /* [CLIENT_ANSWERED]: 2xx */
    uint64_t *http_3xx, *http_4xx, *http_5xx, *throttled, *not_json;
    uint64_t *latency_sum, *latency_count;
    uint64_t *latency[XRAY_LATENCY_BUCKETS];
    uint64_t *retries, *splits, *repairs;
    int64_t *batches[BATCH_BACKOFF + 1]; /* by state */
    int64_t *held, *limit;
    struct xray_errors errors;
    char codes[XRAY_CODES_MAX][XRAY_CODE_BYTES];
    unsigned n_codes;
};

struct xray_telemetry;

struct xray {
    struct sink sink; /* first, so that a sink is an xray */
    struct loop *loop;
    struct client *client;
    struct cred_chain *cred;
    struct pipeline *pipeline;
    struct stats *stats;
    struct xray_options o;
    char *user_agent;
    struct xray_endpoint endpoint;

    struct batch *filling;
    struct batch_list lists[BATCH_BACKOFF + 1]; /* by state */
    struct upload *uploads;                     /* free ones */
    uint8_t random[512];                        /* for ids of requests */
    size_t n_random;                            /* not used yet */
    size_t body_hint; /* bytes that a full batch took lately */
    size_t peak;      /* of memory held, since it was last given back */
    struct timer *flush_timer, *retry_timer, *tidy_timer;

    unsigned limit;    /* uploads that may be under way now */
    unsigned failures; /* in a row */
    int64_t probe_ms;  /* while probing: none before */
    bool asking;       /* for credentials */
    bool no_cred;
    int64_t skew_ms; /* the service's clock minus ours */
    bool was_busy;

    bool held; /* no upload may begin */
    loop_fn changed;
    void *changed_arg;

    struct drain drain;
    bool finishing; /* only telemetry is left */
    struct err why; /* of the last failure */
    struct err logged;
    struct log_limit failure_limit, split_limit, full_limit, cred_limit,
        document_limit;
    struct xray_counters n;
    struct xray_telemetry *telemetry;
};

/* xray.c */
/* An empty batch on no list, its body with room for `bytes`; NULL without
 * memory. */
struct batch *xray_take_batch(struct xray *x, size_t bytes);
/* What to do when all of the batch's documents have been counted. */
void xray_recycle(struct xray *x, struct batch *b);
/* After batches have been settled: relief, the end of a drain. */
void xray_settled(struct xray *x);
size_t xray_held(const struct xray *x);
void xray_tell_change(struct xray *x);
void xray_telemetry_ended(struct xray *x);

/* xray_upload.c */
/* Counts a failure for which nothing but time helps. */
void xray_failed(struct xray *x, int64_t wait_ms);
/* Starts what may be started now, and sets the timer for the rest. */
void xray_pump(struct xray *x);
void xray_release_upload(struct xray *x, struct batch *b);
/* The upload of a batch, made at need. */
struct upload *xray_upload_of(struct xray *x, struct batch *b);
/* Puts the batch where it is tried again after the wait. */
void xray_again(struct xray *x, struct batch *b, int64_t wait_ms);
uint32_t xray_random(void);

/* xray_answer.c */
/* Code and message of an error answer. */
void xray_read_error(const struct client_answer *a, struct xray_error *out);
/* Settles the documents of a good answer. False: it is not JSON, and nothing
 * has been done. */
bool xray_settle(struct xray *x, struct upload *u,
                 const struct client_answer *a);
/* The batch was refused whole: looks for the document at fault. */
void xray_refuse(struct xray *x, struct upload *u, const struct xray_error *e);

/* xray_repair.c */
/* Writes the document anew with forbidden characters taken out of the names
 * of segment and subsegments. False: no name needed it, or it is no JSON. */
bool xray_repair_names(struct slice document, struct buf *out);

/* xray_request.c */
void xray_set_base(struct xray_endpoint *e, const char *region,
                   const char *base);
void xray_make_uuid(struct xray *x, char out[XRAY_UUID_MAX]);
void xray_request_init(struct xray_request *r);
void xray_request_fini(struct xray_request *r);
void xray_request_sign(struct xray_request *r, const struct xray *x,
                       const struct xray_call *c);
/* The given one or, for NULL, what the daemon says of itself. To be freed. */
char *xray_user_agent(const char *given);

/* xray_count.c */
void xray_count_init(struct xray *x);
/* Counts one answer by outcome, status and latency. */
void xray_count_answer(struct xray *x, const struct client_answer *a);
void xray_count_refused(struct xray *x, const char *code);

/* xray_telemetry.c */
/* Sends the final record; false if there is none to send. xray.c is told when
 * it has been sent, or not. */
bool xray_telemetry_stop(struct xray *x);
void xray_telemetry_free(struct xray *x);

#endif
