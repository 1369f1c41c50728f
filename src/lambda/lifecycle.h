/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a Lambda extension as a pure state machine: events and the time
 * go in, what to do comes out. It knows no socket, clock or document; the
 * runtime (runtime.c) feeds it and does what it says. Private to lambda/.
 *
 * The rule above all: never ask for the next event with a request on the wire,
 * for then the sandbox freezes and cuts it.
 */
#ifndef XR_LAMBDA_LIFECYCLE_H
#define XR_LAMBDA_LIFECYCLE_H

#include <stdbool.h>
#include <stdint.h>

#include "xr/lambda.h"

#define LIFE_REQUEST_ID_MAX 64

enum life_state {
    LIFE_NEW,
    LIFE_REGISTERING,
    LIFE_SUBSCRIBING,
    LIFE_WAITING,  /* has asked for the next event: may freeze any time */
    LIFE_RUNNING,  /* an invocation's handler runs, as far as is known */
    LIFE_DRAINING, /* the handler is over: sockets are emptied */
    LIFE_CLOSING,  /* uploads of this invocation end */
    LIFE_LEAVING,  /* SHUTDOWN came */
    LIFE_GONE,
};

enum life_event_kind {
    LIFE_EVENT_START,
    LIFE_EVENT_REGISTERED,
    LIFE_EVENT_INVOKE_REFUSED, /* no INVOKE events here: managed instances */
    LIFE_EVENT_SUBSCRIBED,     /* Telemetry will tell of runtimeDone */
    LIFE_EVENT_NO_TELEMETRY,   /* 202: an emulator, which never freezes */
    LIFE_EVENT_NOT_SUBSCRIBED, /* refused or failed: it may well freeze */
    LIFE_EVENT_INVOKE,         /* deadline_ms, request_id */
    LIFE_EVENT_RUNTIME_DONE,   /* request_id */
    LIFE_EVENT_DRAINED,        /* LIFE_DRAIN has been done */
    LIFE_EVENT_CHANGED,        /* documents came in, or an upload ended */
    LIFE_EVENT_UPLOADED,       /* LIFE_UPLOAD has been done: queue is new */
    LIFE_EVENT_TICK,           /* wake_ms has come */
    LIFE_EVENT_SHUTDOWN,       /* deadline_ms */
    LIFE_EVENT_EMPTY,          /* what LIFE_LEAVE began has ended */
};

struct life_event {
    enum life_event_kind kind;
    int64_t now_ms;      /* monotonic; so are all times here */
    int64_t deadline_ms; /* INVOKE, SHUTDOWN; 0: not said */
    int64_t away_ms;     /* INVOKE: since it was asked for, by any clock */
    struct slice request_id;
    bool datagram; /* CHANGED: more datagrams may follow this one */
    struct lambda_queue queue;
};

/* What to do, in this order. */
enum life_action {
    LIFE_REGISTER = 1 << 0,         /* for INVOKE and SHUTDOWN */
    LIFE_REGISTER_MANAGED = 1 << 1, /* for SHUTDOWN only */
    LIFE_SUBSCRIBE = 1 << 2,
    LIFE_RESTORED = 1 << 3, /* forget keys and random numbers */
    LIFE_THAWED = 1 << 4,   /* idle connections are too old */
    LIFE_DRAIN = 1 << 5,    /* read what the sockets hold, then DRAINED */
    LIFE_RELEASE = 1 << 6,  /* uploads may begin */
    LIFE_UPLOAD = 1 << 7,   /* send what is queued now */
    LIFE_HOLD = 1 << 8,     /* no upload may begin */
    LIFE_RECALL = 1 << 9,   /* take requests off the wire, keep documents */
    LIFE_NEXT = 1 << 10,    /* ask for the next event */
    LIFE_LEAVE = 1 << 11,   /* upload all until deadline_ms, then EMPTY */
    LIFE_EXIT = 1 << 12,    /* end the process with 0 */
};

struct life_step {
    unsigned actions;
    int64_t wake_ms;     /* send TICK then; 0: never */
    int64_t deadline_ms; /* of LIFE_LEAVE */
};

struct life {
    struct lambda_policy policy;
    enum life_state state;
    bool managed;   /* no INVOKE events, no freeze */
    bool unfrozen;  /* Telemetry answered 202 */
    bool telemetry; /* runtimeDone will come, as far as is known */
    bool restored;  /* the first INVOKE has been seen */
    bool rare;      /* this invocation ends with an upload */
    bool drained;   /* in DRAINING: the sockets were read */
    unsigned invocations;
    int64_t invoked_ms, deadline_ms, gap_ms;
    int64_t done_ms;    /* the handler ended; 0: not known to have */
    int64_t give_up_ms; /* in SUBSCRIBING, DRAINING, LEAVING */
    int64_t eager_ms;   /* upload then; 0: none waits */
    int64_t flush_ms;   /* unfrozen: the next flush */
    int64_t breaker_ms; /* closed again then; 0: closed */
    char request_id[LIFE_REQUEST_ID_MAX];
    char done_id[LIFE_REQUEST_ID_MAX]; /* the last runtimeDone's */
};

void life_init(struct life *l, const struct lambda_policy *policy);
/* Takes one event. Events that do not fit the state (late, double) change
 * nothing. */
void life_step(struct life *l, const struct life_event *e,
               struct life_step *out);

#endif
