/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP client: libcurl's multi interface on the loop, one connection cache,
 * keep-alive, threaded resolver, no Expect header, no signals. Libcurl appears
 * in net/client.c only.
 */
#ifndef XR_CLIENT_H
#define XR_CLIENT_H

#include <stdint.h>

#include "xr/err.h"
#include "xr/loop.h"
#include "xr/slice.h"

struct client;
struct client_call;

/* How an exchange ended. */
enum client_outcome {
    CLIENT_ANSWERED, /* status and body are there */
    CLIENT_REFUSED,  /* connection refused or unreachable */
    CLIENT_TIMEOUT,
    CLIENT_UNKNOWN_HOST,
    CLIENT_TLS,    /* certificate or handshake */
    CLIENT_BROKEN, /* closed or reset before the answer ended */
    CLIENT_OTHER,
};

struct client_options {
    const char *proxy;     /* URL; NULL: none but what the environment says */
    bool no_verify;        /* NoVerifySSL */
    const char *ca_bundle; /* file; NULL: usual places */
    unsigned connections;  /* to one host */
    unsigned idle_s;       /* an idle connection older than this isn't used */
};

struct client_header {
    struct slice name, value;
};

struct client_request {
    const char *method;
    const char *url;
    const struct client_header *headers; /* sent as they are, in order */
    size_t n_headers;
    struct slice body;   /* borrowed until done; read in place */
    unsigned timeout_ms; /* 0: none */
    unsigned connect_timeout_ms;
    bool direct;       /* never through a proxy (link-local endpoints) */
    bool fresh;        /* on a new connection */
    size_t answer_max; /* bytes; 0: 1 MiB */
    /* May be NULL. Called with each piece of a body of status 200 as it comes;
     * the answer's body is then empty. Must not end the call. */
    void (*on_data)(void *arg, struct slice data);
};

struct client_answer {
    enum client_outcome outcome;
    int status;
    struct slice body;
    struct slice raw_headers; /* as received, last response only */
    const char *why;          /* in words, for every outcome but ANSWERED */
    int64_t took_ms;
};

/* Called once, on the loop; the answer is good until it returns. */
typedef void (*client_fn)(void *arg, const struct client_answer *a);

struct client *client_new(struct loop *l, const struct client_options *o,
                          struct err *err);
/* Cancels what is open, without calling back. */
void client_free(struct client *c);
/* Starts an exchange; headers and url are copied, the body is not. NULL (err)
 * if it can't be started; fn is then not called. */
struct client_call *client_start(struct client *c,
                                 const struct client_request *r, client_fn fn,
                                 void *arg, struct err *err);
/* Ends an open call without calling back. */
void client_cancel(struct client_call *call);
/* Sets up now what the first call would have to wait for. */
void client_prepare(struct client *c);
/* Drops idle connections (after a freeze or a restore). */
void client_drop_idle(struct client *c);
/* The value of a header in raw_headers; empty if absent. Without case. */
struct slice client_answer_header(const struct client_answer *a,
                                  const char *name);

#endif
