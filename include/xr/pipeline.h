/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where segments go: one synchronous call hands a segment to every sink. And
 * where the loss ledger is kept: both of its balances are shown at /metrics
 * and on the last log line, and every scenario asserts them.
 */
#ifndef XR_PIPELINE_H
#define XR_PIPELINE_H

#include <stdint.h>

#include "xr/segment.h"
#include "xr/stats.h"

enum push_result {
    PUSH_ACCEPTED,
    PUSH_FULL,    /* nothing was taken; tell the sender to retry */
    PUSH_INVALID, /* this sink can never take it (err says why) */
};

/* What to do when memory is full. A datagram's sender can't be told. */
enum push_when_full { WHEN_FULL_DROP_OLDEST, WHEN_FULL_REFUSE };

/* A whole OTLP request, unpacked, that has been read without a fault. */
struct otlp_request {
    bool json; /* else protobuf */
    struct slice body;
    uint64_t spans; /* in it */
};

/* The seam between pipeline and sinks: small table, one per sink. All calls
 * are made on the loop. */
struct sink {
    const char *name; /* "xray", "print", "local" */
    /* Copies what it keeps before it returns. NULL: takes no segments. */
    enum push_result (*push)(struct sink *s, const struct segment *seg,
                             enum push_when_full when_full, struct err *err);
    /* May be NULL: takes no requests. Copies what it keeps. With
     * WHEN_FULL_DROP_OLDEST it always accepts and counts what was lost. */
    enum push_result (*push_otlp)(struct sink *s, const struct otlp_request *r,
                                  enum push_when_full when_full,
                                  struct err *err);
    /* May be NULL. As has_room, for bytes of requests. */
    bool (*has_room_otlp)(struct sink *s, size_t bytes);
    /* May be NULL. Whether `bytes` more of documents fit without dropping. */
    bool (*has_room)(struct sink *s, size_t bytes);
    /* May be NULL. Whether so much is waiting that OTLP connections should
     * not be read for now (backpressure before the buffer is full). */
    bool (*busy)(struct sink *s);
    /* May be NULL. Send what is waiting now, without waiting for the timer. */
    void (*flush)(struct sink *s);
    /* May be NULL: keeps nothing. Documents (where requests are taken: spans)
     * taken and not yet settled. */
    uint64_t (*pending)(struct sink *s);
    /* Nobody waits for it: when it is full it drops the oldest, whoever sends
     * (local mode's uploads). */
    bool aside;
    struct sink *next; /* set by pipeline_add */
    /* Balance two of the ledger: set by pipeline_add, kept by the sink. */
    uint64_t *made, *delivered, *refused, *dropped;
};

/* What waits in a sink and what moves, for whoever says when uploads may
 * begin. */
struct sink_queue {
    uint64_t documents; /* not on the wire (where requests are taken: spans) */
    size_t bytes;
    int64_t oldest_ms; /* loop time of the oldest; 0: none */
    unsigned uploads;  /* on the wire, a question for credentials too */
    unsigned failures; /* of uploads, in a row */
};

/* Why an item was not accepted: balance one. Names are label values. */
enum reject_reason {
    REJECT_NO_HEADER,      /* no LF in the datagram */
    REJECT_NO_DOCUMENT,    /* nothing behind the header */
    REJECT_BAD_HEADER,     /* no header that the daemon takes */
    REJECT_NOT_AN_OBJECT,  /* body is not exactly one JSON object */
    REJECT_TRUNCATED,      /* longer than the receive slot */
    REJECT_OTLP_UNSAMPLED, /* T1U, by default not uploaded */
    REJECT_OTLP_METRICS,   /* M1 */
    REJECT_OTLP_MALFORMED, /* base64, protobuf or JSON does not decode */
    REJECT_BAD_IDS,        /* span without a trace or span id */
    REJECT_TOO_LARGE,      /* over a ceiling */
    REJECT_INVALID,        /* a sink can never take it */
    REJECT_FULL,           /* no room, from a sender that can't send again */
    REJECT_INJECTED,       /* dropped on purpose (local mode's faults) */
    REJECT_REASONS,
};
const char *reject_reason_name(enum reject_reason r);

/* Balance one, per input: offered = accepted + rejected + retry +
 * kernel_dropped. Items are datagrams, spans, or documents sent by TCP. */
struct intake {
    const char *name; /* "udp", "tcp", "otlp_http", "otlp_grpc", "otlp_udp" */
    uint64_t *accepted, *retry, *kernel_dropped;
    uint64_t *rejected[REJECT_REASONS];
};

struct pipeline;

/* stats is borrowed and must outlive it. NULL without memory. */
struct pipeline *pipeline_new(struct stats *stats);
void pipeline_free(struct pipeline *p);
/* The sink is borrowed and must outlive the pipeline. */
void pipeline_add(struct pipeline *p, struct sink *s);
/* The intake's counters, made at the first call for that name. */
struct intake *pipeline_intake(struct pipeline *p, const char *name);
/* One item that was not accepted. */
struct rejection {
    enum reject_reason reason;
    const char *why;   /* in words */
    struct slice text; /* what came, or a part of it */
    const char *peer;  /* "10.0.0.7:51234"; NULL: not known */
};
/* Counts it, and tells whoever asked to know. */
void pipeline_reject(struct pipeline *p, const struct intake *in,
                     const struct rejection *r);
typedef void (*pipeline_reject_fn)(void *arg, const struct intake *in,
                                   const struct rejection *r);
void pipeline_on_reject(struct pipeline *p, pipeline_reject_fn fn, void *arg);
/* Hands the segment to every sink; the worst answer wins. Counts for the
 * sinks only: the input counts its own items in its intake. */
enum push_result pipeline_push(struct pipeline *p, const struct segment *seg,
                               enum push_when_full when_full, struct err *err);
/* Whether every sink that somebody waits for has room for so many bytes more of
 * documents: ask before a request is taken in part. */
bool pipeline_has_room(struct pipeline *p, size_t bytes);
/* The same for a whole request, handed to the sinks that take such. */
enum push_result pipeline_push_otlp(struct pipeline *p,
                                    const struct otlp_request *r,
                                    enum push_when_full when_full,
                                    struct err *err);
bool pipeline_has_room_otlp(struct pipeline *p, size_t bytes);
/* Spans for the sinks that take requests, lost on the way to them. */
void pipeline_lose_otlp(struct pipeline *p, uint64_t spans);
/* Is there a sink that takes segments; one that takes requests; and is a sink
 * of requests the only one that keeps anything? Else each goes its own way:
 * none that is full or out of reach keeps the others from being served. */
bool pipeline_takes_segments(const struct pipeline *p);
bool pipeline_takes_otlp(const struct pipeline *p);
bool pipeline_otlp_alone(const struct pipeline *p);
/* Whether a sink wants senders to wait; what waits is to be sent now; how much
 * is taken and not yet settled, in all sinks. */
bool pipeline_busy(struct pipeline *p);
void pipeline_flush(struct pipeline *p);
uint64_t pipeline_pending(struct pipeline *p);
/* Items that any input has seen so far, whatever became of them. */
uint64_t pipeline_received(const struct pipeline *p);
/* Called on the loop when pipeline_busy has turned false again (a sink calls
 * pipeline_relieved). */
void pipeline_on_relief(struct pipeline *p, void (*fn)(void *), void *arg);
void pipeline_relieved(struct pipeline *p);
/* Both balances as one line of text for the log; true if they hold with
 * nothing pending. */
bool pipeline_ledger(struct pipeline *p, struct buf *out);

#endif
