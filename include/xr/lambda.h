/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process as a Lambda extension: registration, the events INVOKE and
 * SHUTDOWN, when to upload and when to let the sandbox freeze. It is handed the
 * callbacks below and knows nothing else of the relay. And what takes its place
 * when the relay itself breaks: an extension that only asks for events, since
 * one that ends fails the function.
 */
#ifndef XR_LAMBDA_H
#define XR_LAMBDA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "xr/err.h"
#include "xr/loop.h"
#include "xr/slice.h"

enum lambda_flush {
    LAMBDA_FLUSH_ADAPTIVE,
    LAMBDA_FLUSH_END,      /* at the end of each invocation */
    LAMBDA_FLUSH_PERIODIC, /* at the interval, at the start of an invocation */
};

/* How AWS_LAMBDA_INITIALIZATION_TYPE says that this environment began. */
enum lambda_init {
    LAMBDA_ON_DEMAND, /* and provisioned concurrency */
    LAMBDA_SNAP_START,
    LAMBDA_MANAGED,
};
enum lambda_init lambda_init_type(const char *text);

struct lambda_policy {
    enum lambda_flush flush;
    enum lambda_init init;
    int64_t interval_ms; /* between uploads */
};

/* What waits and what moves, as of now. */
struct lambda_queue {
    uint64_t documents; /* not yet on the wire */
    size_t bytes;
    int64_t oldest_ms; /* loop time of the oldest; 0: none */
    unsigned uploads;  /* requests on the wire, for keys too */
    unsigned failures; /* uploads, in a row */
    unsigned open;     /* OTLP requests half received or not answered */
};

/* What the relay does for us, on the loop. */
struct lambda_relay {
    void *arg;
    void (*queue)(void *arg, struct lambda_queue *out);
    /* Reads what is in the sockets. */
    void (*drain)(void *arg);
    /* Datagrams received so far. */
    uint64_t (*datagrams)(void *arg);
    void (*upload)(void *arg);
    void (*hold)(void *arg, bool hold);
    void (*recall)(void *arg);
    void (*thawed)(void *arg);   /* idle connections are dead */
    void (*restored)(void *arg); /* a snapshot: keys and random numbers too */
    /* The account's id, once registered. */
    void (*account)(void *arg, struct slice id);
    /* After the first request for an event: time for costly preparations. */
    void (*prepare)(void *arg);
    /* Uploads all until the deadline (loop time), then lambda_left. */
    void (*leave)(void *arg, int64_t deadline_ms);
};

struct lambda;

/* api: host:port of the runtime API; name: of the extension. Opens the port
 * for telemetry; texts are borrowed. Never fails for want of that port. */
struct lambda *lambda_new(struct loop *l, const char *api, const char *name,
                          const struct lambda_policy *policy,
                          const struct lambda_relay *relay);
/* Registers and goes on by itself until the loop is stopped. */
void lambda_start(struct lambda *x);
/* Documents came in, or an upload ended. */
void lambda_changed(struct lambda *x);
/* What `leave` began has ended. */
void lambda_left(struct lambda *x);
void lambda_free(struct lambda *x); /* NULL is fine */

/* --- fail open ----------------------------------------------------------- */

/* From now on neither a fatal signal nor exit() ends the process: it executes
 * itself as `idle` instead. program: argv[0], whose base name is the
 * extension's. */
void failopen_arm(const char *program);
void failopen_disarm(void);
/* What the new process takes over: our identifier, and the connection on
 * which an answer is due (-1: none). */
void failopen_remember(const char *identifier);
void failopen_outstanding(int fd);

/* Asks for events until SHUTDOWN, then gives 0. Takes no memory. */
int lambda_idle(const char *program);

#endif
