/* SPDX-License-Identifier: Apache-2.0 */
/* The commands' way to the local mode that runs: its own API, called from a
 * loop of their own. */
#ifndef XR_CMD_LOCAL_H
#define XR_CMD_LOCAL_H

#include "xr/client.h"
#include "xr/options.h"

/* Of an answer, and of what a command keeps while it reads one. */
#define ANSWER_MAX_BYTES (64u << 20)

/* Statuses of the process. */
enum { EXIT_MATCHED = 0, EXIT_FAILED = 1, EXIT_BAD_FILTER = 2 };

struct local {
    const char *command; /* for messages */
    struct loop *loop;
    struct client *client;
    char base[128];             /* "http://127.0.0.1:2000" */
    struct buf path;            /* of the request that is being made */
    struct buf answer;          /* of the last one */
    struct slice authorization; /* empty: none */
    struct slice content_type;  /* of bodies; empty: none is said */
    char token[300];
    int status;   /* -1: no answer */
    bool refused; /* nothing listens there */
    bool quiet;   /* who calls knows what to do when nothing listens */
    bool reads_store;
    struct offline *offline; /* NULL: a server is asked */
    void (*on_data)(void *arg, struct slice data);
    void *arg;
};

/* Where `-t` or the configuration says; XRAY_RELAY_TOKEN is the token. False:
 * the reason has been printed. */
bool local_open(struct local *l, const char *command, const struct config *c);
/* For commands that only read: where nobody listens they read the store's
 * file; with --store they read that one in any case. */
bool local_open_reader(struct local *l, const char *command,
                       const struct config *c);
void local_close(struct local *l);

/* Begins a path: "/api/traces". */
void local_path(struct local *l, const char *path);
/* Adds a parameter, percent-encoded; value NULL: nothing. */
void local_param(struct local *l, const char *name, const char *value);
/* Sends, waits for the answer (l->answer); gives its status, -1 if there is
 * none. timeout_ms 0: for ever. */
int local_send(struct local *l, const char *method, struct slice body,
               unsigned timeout_ms);
/* The same without waiting: the path is complete, q has the method, and maybe
 * timeout_ms and on_data. NULL: it could not be started. */
struct client_call *local_start(struct local *l, const struct client_request *q,
                                client_fn fn, void *arg);
/* Prints what the last answer says is wrong; gives the exit status. */
int local_complain(struct local *l);
/* "xray-relay COMMAND: ..." on standard error. */
void local_say(const struct local *l, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
