/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sample that `xray-relay demo` sends: requests to a small shop, told as
 * steps, and written as programs with an X-Ray SDK or with OpenTelemetry would
 * send them.
 */
#ifndef XR_CMD_DEMO_H
#define XR_CMD_DEMO_H

#include <stdint.h>

#include "xr/buf.h"

enum demo_kind {
    DEMO_SERVICE, /* `name` answers `what`: "GET /orders" */
    DEMO_WORK,    /* a step within, called `name` */
    DEMO_CALL,    /* `what` is asked of the host `name` */
    DEMO_QUERY,   /* `what` is asked of the database `name` */
    DEMO_TABLE,   /* DynamoDB: operation `what` on the table `name` */
    DEMO_QUEUE,   /* SQS: operation `what` on the queue `name` */
    DEMO_BUCKET,  /* S3: operation `what` on the bucket `name` */
};

/* Steps stand in the order in which they begin, each below the last one of
 * less depth. */
struct demo_step {
    unsigned depth;
    enum demo_kind kind;
    const char *name, *what;
    unsigned from, took;        /* milliseconds, from since the request */
    unsigned status;            /* as of HTTP; 0: still under way */
    const char *type, *message; /* of the exception; NULL: none */
};

struct demo_story {
    const struct demo_step *steps;
    size_t n;
    unsigned times;     /* of a hundred requests */
    const char *member; /* annotation with the number of the request; NULL */
};

/* The shop's stories; the last one is told once. */
extern const struct demo_story demo_stories[];
extern const size_t demo_stories_n;

/* Who answers, and how it is watched. */
struct demo_service {
    const char *name, *origin; /* origin NULL: by OpenTelemetry */
    const char *language;
};
const struct demo_service *demo_service_find(const char *name);

#define DEMO_STEPS_MAX 32

/* A story as it happens once. */
struct demo_trace {
    const struct demo_story *story;
    char id[33];
    char ids[DEMO_STEPS_MAX][17]; /* of the steps */
    double start;                 /* epoch seconds */
    double pace;                  /* times what the steps took */
    unsigned number;
    const char *user, *run;
};

/* Appends the segment of the service at a step, as an X-Ray SDK makes it. */
void demo_write_segment(const struct demo_trace *t, size_t at, struct buf *out);
/* Appends an OTLP/JSON request with the spans of the service there; gives
 * their number. */
unsigned demo_write_spans(const struct demo_trace *t, size_t at,
                          struct buf *out);

#endif
