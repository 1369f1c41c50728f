/* SPDX-License-Identifier: Apache-2.0 */
/*
 * X-Ray datagrams: a header line, a line feed, a segment document. The document
 * goes on byte for byte; only its facts are read. What the daemon refuses is
 * refused and counted by reason, and so is, by design, a body that is not one
 * JSON object. Knows the framing and pipeline_push, no sink.
 */
#include <stdlib.h>

#include "otlp_udp.h"
#include "xr/clock.h"
#include "xr/input.h"
#include "xr/json_scan.h"
#include "xr/log.h"
#include "xray_header.h"

/* Warnings of one kind: at most one in this time, with a count. */
#define WARN_EVERY_MS 1000

struct xray_udp {
    struct pipeline *pipeline;
    struct intake *intake;
    struct udp *socket;
    struct otlp_udp *otlp;
    bool (*drop)(void *arg);
    void *drop_arg;
    struct log_limit limits[REJECT_REASONS];
};

static void on_datagram(void *arg, struct slice d, bool truncated);
static void take_document(struct xray_udp *u, struct slice document);
static void reject(struct xray_udp *u, enum reject_reason r, struct slice d,
                   const char *why);

struct xray_udp *xray_udp_new(struct loop *l, struct pipeline *p,
                              struct translator *t,
                              const struct xray_udp_options *o, struct err *err)
{
    struct xray_udp *u = calloc(1, sizeof(*u));
    if (u == NULL) {
        err_set(err, "out of memory");
        return NULL;
    }
    u->pipeline = p;
    u->intake = pipeline_intake(p, "udp");
    u->otlp = otlp_udp_new(p, t, o->otlp_pass, o->otlp_unsampled);
    if (u->otlp == NULL) {
        err_set(err, "out of memory");
        xray_udp_free(u);
        return NULL;
    }
    struct udp_options socket = {
        .address = o->address,
        .receive_buffer = o->receive_buffer,
        .fn = on_datagram,
        .arg = u,
    };
    u->socket = udp_new(l, &socket, err);
    if (u->socket == NULL) {
        xray_udp_free(u);
        return NULL;
    }
    return u;
}

void xray_udp_free(struct xray_udp *u)
{
    if (u == NULL)
        return;
    udp_free(u->socket);
    otlp_udp_free(u->otlp);
    free(u);
}

void xray_udp_on_datagram(struct xray_udp *u, bool (*drop)(void *arg),
                          void *arg)
{
    u->drop = drop;
    u->drop_arg = arg;
}

struct udp *xray_udp_socket(struct xray_udp *u)
{
    return u->socket;
}

static void on_datagram(void *arg, struct slice d, bool truncated)
{
    struct xray_udp *u = arg;
    if (d.n == 0)
        return; /* the daemon does not count it either */
    if (u->drop != NULL && u->drop(u->drop_arg)) {
        ++*u->intake->rejected[REJECT_INJECTED];
        return;
    }
    if (truncated) {
        reject(u, REJECT_TRUNCATED, d, "longer than a datagram can be");
        return;
    }
    const char *lf = memchr(d.p, '\n', d.n);
    if (lf == NULL) {
        reject(u, REJECT_NO_HEADER, d, "Missing header or segment");
        return;
    }
    struct slice header = slice_of(d.p, (size_t)(lf - d.p));
    struct slice body = slice_of(lf + 1, d.n - header.n - 1);
    if (body.n == 0)
        reject(u, REJECT_NO_DOCUMENT, d, "Missing header or segment");
    else if (!xray_header_ok(header))
        reject(u, REJECT_BAD_HEADER, d, "Invalid header");
    else if (otlp_udp_is(body))
        otlp_udp_handle(u->otlp, body);
    else
        take_document(u, body);
}

static void take_document(struct xray_udp *u, struct slice document)
{
    struct segment seg;
    struct err err;
    if (segment_scan(document, &seg, &err) != 0) {
        reject(u, REJECT_NOT_AN_OBJECT, document, err.text);
        return;
    }
    enum push_result r =
        pipeline_push(u->pipeline, &seg, WHEN_FULL_DROP_OLDEST, &err);
    if (r == PUSH_INVALID)
        reject(u, REJECT_INVALID, document, err.text);
    else if (r == PUSH_FULL)
        ++*u->intake->retry; /* no sink answers so to a datagram */
    else
        ++*u->intake->accepted;
}

/* Says what came and from which rule it fell, never the payload. */
static void reject(struct xray_udp *u, enum reject_reason r, struct slice d,
                   const char *why)
{
    uint64_t held = 0;
    pipeline_reject(u->pipeline, u->intake,
                    &(struct rejection){.reason = r, .why = why, .text = d});
    if (!log_limit_pass(&u->limits[r], clock_mono_ms(), WARN_EVERY_MS, &held))
        return;
    log_warn("Datagram of %zu bytes refused (%s): %s%s", d.n,
             reject_reason_name(r), why,
             held > 0 ? "; more of the kind since the last warning" : "");
}
