/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of the sink that passes OTLP requests on, shared by its files:
 * otlp.c takes requests into packages and keeps the memory bound, otlp_send.c
 * decides what is sent when, otlp_request.c writes and signs a request,
 * otlp_answer.c reads what an answer says.
 */
#ifndef XR_SINK_OTLP_PARTS_H
#define XR_SINK_OTLP_PARTS_H

#include "drain.h"
#include "retry.h"
#include "xr/arena.h"
#include "xr/deflate.h"
#include "xr/exporter.h"
#include "xr/hash.h"
#include "xr/log.h"
#include "xr/region.h"
#include "xr/sigv4.h"
#include "xr/stats.h"

#define OTLP_HEADERS_OWN 8
#define OTLP_LOG_EVERY_MS 10000
#define OTLP_LOG_NEW_MS 1000

/* One request of those in a package. */
struct package_part {
    size_t end; /* in the body */
    uint64_t spans;
};

/* A request body on its way. Requests in protobuf that wait together are one
 * behind the other in it, which by the rules of protobuf is one request. */
struct package {
    struct package *next, *prev;
    struct exporter *x;
    bool json;
    struct buf body;
    struct package_part *parts;
    size_t n_parts, parts_room;
    uint64_t spans;
    int64_t first_ms; /* when the first part came */
    unsigned attempts;
    int64_t begun_ms, sent_ms; /* first, last attempt */
    struct buf packed;
    struct client_call *call; /* while on the wire */
    struct cred *cred;
    bool renewed; /* credentials, for this attempt */
};

struct package_list {
    struct package *first, *last;
    unsigned n;
    size_t bytes; /* memory held */
    uint64_t spans;
};

/* Why spans did not arrive. */
enum otlp_loss {
    LOSS_FULL,
    LOSS_REFUSED,  /* by status */
    LOSS_PARTIAL,  /* by a partial success */
    LOSS_GAVE_UP,  /* retry_on_failure says so */
    LOSS_DEADLINE, /* of a shutdown */
    LOSS_KINDS,
};

struct otlp_counters {
    uint64_t *lost[LOSS_KINDS];
    uint64_t *ok, *failed, *retries;
    int64_t *held;
};

struct exporter {
    struct sink sink; /* first, so that a sink is an exporter */
    struct loop *loop;
    struct client *client;
    struct cred_chain *cred;
    struct exporter_options o;
    struct arena texts; /* of the options */
    char region[64];
    char host[ENDPOINT_MAX];
    struct slice path, query; /* within the URL */
    char *user_agent;

    struct package *filling; /* on no list */
    struct package_list ready, sending;
    struct package *packing; /* one of `sending`, being compressed */
    struct deflater *deflater;
    struct timer *flush_timer, *retry_timer, *pack_timer;

    unsigned failures; /* in a row */
    int64_t failed_ms; /* when it last began to wait */
    int64_t resume_ms; /* nothing is sent before */
    bool asking;       /* for credentials */
    bool pumping;
    int64_t skew_ms; /* the service's clock minus ours */
    bool held;
    struct drain drain;
    loop_fn changed;
    void *changed_arg;
    struct err why, logged; /* of the last failure */
    struct log_limit failure_limit, loss_limit, full_limit;
    struct otlp_counters n;
};

/* A request as it is sent; texts live in here, or in exporter and package. */
struct otlp_out {
    char length[24], date[SIGV4_DATE_LEN + 1];
    struct buf authorization;
    struct client_header *headers; /* own ones, then those of the options */
    size_t n_headers;
};

/* What an answer says beside its status. */
struct otlp_said {
    int64_t rejected; /* spans, by a partial success */
    char message[320];
};

/* otlp.c */
void package_list_add(struct package_list *l, struct package *p, bool front);
void package_list_remove(struct package_list *l, struct package *p);
void package_free(struct package *p);
/* Two of it, which have about half of the parts each; false if it has one
 * part only, or without memory. */
bool package_split(struct package *p, struct package *halves[2]);
/* Closes what is being filled. */
void exporter_seal(struct exporter *x);
/* Counts n spans as lost. */
void exporter_lose(struct exporter *x, enum otlp_loss why, uint64_t n);
/* After packages were settled: the end of a drain. */
void exporter_settled(struct exporter *x);

/* otlp_send.c */
void exporter_send_init(struct exporter *x);
void exporter_pump(struct exporter *x);
/* Off the wire, without counting anything. */
void exporter_stop(struct package *p);
/* Takes it off the wire and puts it where it is sent again. */
void exporter_again(struct package *p);
void exporter_failed(struct exporter *x, const struct package *p,
                     int64_t wait_ms);

/* otlp_request.c */
void otlp_find_host(struct exporter *x);
bool otlp_out_init(struct otlp_out *r, struct exporter *x,
                   const struct package *p);
void otlp_out_fini(struct otlp_out *r);

/* otlp_answer.c */
/* ok: the status was good, so that it is an export's response. */
void otlp_read_answer(const struct client_answer *a, bool ok,
                      struct otlp_said *out);

#endif
