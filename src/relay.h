/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The wiring: which inputs, sinks and clients there are in a mode, in which
 * order they start, and in which they end. The files beside this one and the
 * commands include it; nobody else.
 */
#ifndef XR_RELAY_H
#define XR_RELAY_H

#include "xr/cred.h"
#include "xr/detect.h"
#include "xr/exporter.h"
#include "xr/input.h"
#include "xr/lambda.h"
#include "xr/local.h"
#include "xr/options.h"
#include "xr/print.h"
#include "xr/proxy.h"
#include "xr/region.h"
#include "xr/tls.h"
#include "xr/xray.h"

#define RELAY_LISTENERS 5

enum relay_mode {
    RELAY_UPLOAD,
    RELAY_LOCAL, /* no account needed: store, query API, page */
    RELAY_TAIL,  /* the same for `tail`: in memory, prints nothing itself */
    RELAY_LAMBDA,
};

enum relay_state {
    RELAY_RUNNING,
    RELAY_GRACE,    /* signal came; still receiving */
    RELAY_DRAINING, /* inputs are stopped; sinks empty themselves */
    RELAY_STOPPED,
};

/* An exporter of OTLP, and what it alone uses. */
struct relay_exporter {
    struct relay *relay;
    struct exporter *exporter;
    struct client *client;
    struct cred_chain *cred, *own_cred; /* own: not the relay's; or NULL */
    bool is_signed, has_region, drained;
};

struct relay {
    struct config *config;
    const struct options *options;
    bool local, for_tail;  /* RELAY_LOCAL, RELAY_TAIL; RELAY_TAIL */
    bool uploads;          /* false: local mode without --tee */
    bool is_lambda;        /* RELAY_LAMBDA */
    struct lambda *lambda; /* then: its life, else NULL */
    enum relay_state state;

    struct loop *loop;
    struct stats *stats;
    struct pipeline *pipeline;
    struct client *client;
    struct cred_chain *cred;
    struct translator *translator;

    /* sinks */
    struct xray *xray; /* NULL: nothing goes to X-Ray */
    struct relay_exporter exporters[OTLP_EXPORTERS_MAX];
    size_t n_exporters;
    bool xray_drained;
    struct print *print;
    struct sink *debug;
    struct local *traces; /* local mode's store */
    char token[33];       /* local mode, open to other machines; "" */
    char hosts_text[1024];
    const char *hosts[32]; /* --allow-host, within the text */

    /* inputs */
    struct xray_udp *udp;
    struct xray_tcp *segments;
    struct http1 *tcp;
    struct proxy *proxy;
    struct otlp_http *otlp;
    struct http1 *otlp_server[2]; /* the address, and ::1 beside 127.0.0.1 */
    struct otlp_grpc *grpc[2];
    unsigned grpc_hinted;
    struct tls_server *tls_http, *tls_grpc;

    char region[64];
    char endpoint[ENDPOINT_MAX];
    struct place place;
    struct place_search *place_search;
    struct detect *detect; /* NULL: switched off */

    struct timer *second, *tcp_retry, *place_retry, *grace;
    void (*drained)(struct relay *r); /* in place of ending the loop */
    int64_t signalled_ms, deadline_ms, grace_until_ms, quiet_since_ms;
    uint64_t grace_datagrams;

    int64_t started_ms, drops_warned_ms;
    uint64_t drops_warned;
    int64_t *longest_turn; /* gauge */
    bool hinted;
    /* Local mode: what each listener had received when it was last looked
     * at, and when that was more than before. */
    struct {
        uint64_t received;
        double last;
    } heard[RELAY_LISTENERS];
};

/* Makes everything and binds. False when the program must end with 1; the
 * reason has been logged. */
bool relay_start(struct relay *r, struct config *c, enum relay_mode mode);
/* Runs until a signal has ended it; gives the exit status. */
int relay_run(struct relay *r);
void relay_fini(struct relay *r);

/* Ends in one direction: stop inputs, seal, drain within the deadline, stop.
 * SIGTERM, SIGINT and Lambda's SHUTDOWN call it. deadline_ms: so long may
 * uploads take once inputs have stopped. */
void relay_drain(struct relay *r, int64_t deadline_ms);

/* What a mode says, before there is any part. */
void relay_init(struct relay *r, struct config *c, enum relay_mode mode);
/* Parts that the commands and the extension make too. */
bool relay_make_parts(struct relay *r, struct err *err);
bool relay_listen_udp(struct relay *r);
/* Datagrams received; requests not yet answered. */
uint64_t relay_datagrams(const struct relay *r);
unsigned relay_open_requests(const struct relay *r);
bool relay_make_client(struct relay *r, struct err *err);
bool relay_make_upload(struct relay *r, struct err *err);

/* All sinks are empty, or the deadline has passed. */
void relay_drained(struct relay *r);

/* relay_export.c: exporters of OTLP, each with so much memory. */
bool relay_make_exporters(struct relay *r, size_t memory, struct err *err);
void relay_fini_exporters(struct relay *r);
void relay_set_region(struct relay *r, const char *region);
bool relay_needs_region(const struct relay *r);
/* For all that send: X-Ray's sink and the exporters. */
void relay_drain_sinks(struct relay *r, int64_t deadline_ms);
void relay_queue(const struct relay *r, struct sink_queue *out);
void relay_hold(struct relay *r, bool hold);
void relay_recall(struct relay *r);
void relay_drop_idle(struct relay *r);
void relay_forget_keys(struct relay *r);
void relay_on_change(struct relay *r, loop_fn fn, void *arg);
/* relay_local.c: what local mode has in place of upload and proxy. */
bool relay_make_local(struct relay *r, struct err *err);
/* Each second: notes which listeners have heard something. */
void relay_note_heard(struct relay *r);
/* relay_greet.c: says where local mode listens, and who holds its port. */
void relay_greet(const struct relay *r);
void relay_explain_taken(const char *address, bool sure);
/* relay_http.c: the server on TCP 2000 and its routes. */
bool relay_listen_tcp(struct relay *r);
/* relay_otlp.c: the OTLP servers. False: exit with 1. */
bool relay_make_otlp(struct relay *r);
bool relay_listen_otlp(struct relay *r);
void relay_stop_otlp(struct relay *r);
void relay_fini_otlp(struct relay *r);
unsigned relay_open_otlp(const struct relay *r);
/* relay_lambda.c: the whole life as a Lambda extension; the exit status. */
int relay_run_lambda(char **argv);
/* relay_place.c: region, endpoints, metadata. False: exit with 1. */
bool relay_find_place(struct relay *r);
void relay_reload(struct relay *r);
/* relay_detect.c: the translator gets the options, and what is known of our
 * own place. Each: again, when there is more or other to give. */
void relay_detect_start(struct relay *r);
void relay_detect_place(struct relay *r);
void relay_detect_reload(struct relay *r);
/* relay_watch.c: each second: kernel drops, the quiet hint. */
void relay_watch_start(struct relay *r);
void relay_count_drops(struct relay *r);

/* translator.c: by the Translate options. limit: bytes a document, 0: none.
 * NULL without memory. */
struct translator *translator_from_options(const struct options *o,
                                           size_t limit);
/* Gives it those options while it runs, and what else is in rest. False
 * without memory: the former ones stay. */
bool translator_use_options(struct translator *t, const struct options *o,
                            const struct translate_options *rest);

/* memory.c: bytes for documents, from TotalBufferSizeMB (0: 1 % of the
 * smaller of host memory and cgroup limit, at least 3 MB). */
uint64_t memory_for_documents(int64_t buffer_mb);

#endif
