/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the Live view tells: refused documents, who sends, and which samplers
 * have polled. Kept in memory, the newest of each.
 */
#ifndef XR_LOCAL_LIVE_H
#define XR_LOCAL_LIVE_H

#include "xr/http1.h"
#include "xr/json_out.h"

/* So many of each are told. */
#define LIVE_MAX 100
/* Bytes of a refused document that are kept. */
#define LIVE_TEXT_MAX 1024

struct live;

enum live_poll { POLL_RULES, POLL_TARGETS };

struct live_refusal {
    const char *listener, *peer; /* peer: NULL, not known */
    const char *code, *why;
    struct slice text;
};

struct live *live_new(void);
/* Times are epoch seconds. */
void live_add_refusal(struct live *l, const struct live_refusal *r, double now);
/* A document that was taken: by whose hand, if it says so. */
void live_add_document(struct live *l, struct slice document, double now);
/* A sampler asked; client_id is empty for rules. */
void live_add_poll(struct live *l, const struct http1_request *r,
                   enum live_poll kind, struct slice client_id, double now);
uint64_t live_refused(const struct live *l);
/* The members refused_documents, senders, samplers; into an object. */
void live_write(struct jw *j, struct live *l, double now);
void live_free(struct live *l); /* NULL is fine */

#endif
