/* SPDX-License-Identifier: Apache-2.0 */
/* What the runtime API says, read. Pure. Private to lambda/. */
#ifndef XR_LAMBDA_MESSAGE_H
#define XR_LAMBDA_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "xr/slice.h"

enum event_type { EVENT_OTHER, EVENT_INVOKE, EVENT_SHUTDOWN };

/* Slices lie within the text; what it does not say is 0 or empty. */
struct event {
    enum event_type type;
    int64_t deadline_ms; /* since 1970 */
    struct slice request_id, reason;
};

/* The answer to GET next. */
void event_read(struct slice json, struct event *out);
/* A text member of the one object in json; empty if absent. */
struct slice event_member(struct slice json, const char *name);

/* Called for each event; request_id is empty where there is none. */
typedef void (*telemetry_fn)(void *arg, struct slice type,
                             struct slice request_id);
/* A POST of the Telemetry API. False: it is not JSON, as far as read. */
bool telemetry_read(struct slice json, telemetry_fn fn, void *arg);

#endif
