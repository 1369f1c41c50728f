/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hands each segment to every sink and keeps the loss ledger. Knows segments
 * and the sink table; no protocol, no socket.
 */
#include "xr/pipeline.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define INTAKES_MAX 8
#define LABELS_MAX 256

struct pipeline {
    struct stats *stats;
    struct sink *sinks;
    struct intake intakes[INTAKES_MAX];
    unsigned n_intakes;
    void (*relief)(void *);
    void *relief_arg;
    pipeline_reject_fn rejected; /* NULL: nobody asks */
    void *rejected_arg;
};

static uint64_t rejected(const struct intake *in);
static bool sink_balance(struct sink *s, struct buf *out);
static uint64_t *item_counter(struct pipeline *p, const char *intake,
                              const char *outcome, const char *reason);
static uint64_t *document_counter(struct pipeline *p, const char *sink,
                                  const char *outcome);

const char *reject_reason_name(enum reject_reason r)
{
    static const char *const names[REJECT_REASONS] = {
        [REJECT_NO_HEADER] = "no_header",
        [REJECT_NO_DOCUMENT] = "no_document",
        [REJECT_BAD_HEADER] = "bad_header",
        [REJECT_NOT_AN_OBJECT] = "not_an_object",
        [REJECT_TRUNCATED] = "truncated",
        [REJECT_OTLP_UNSAMPLED] = "otlp_unsampled",
        [REJECT_OTLP_METRICS] = "otlp_metrics",
        [REJECT_OTLP_MALFORMED] = "otlp_malformed",
        [REJECT_BAD_IDS] = "bad_ids",
        [REJECT_TOO_LARGE] = "too_large",
        [REJECT_INVALID] = "invalid",
        [REJECT_FULL] = "full",
        [REJECT_INJECTED] = "injected",
    };
    return names[r];
}

struct pipeline *pipeline_new(struct stats *stats)
{
    struct pipeline *p = calloc(1, sizeof(*p));
    if (p != NULL)
        p->stats = stats;
    return p;
}

void pipeline_free(struct pipeline *p)
{
    free(p);
}

void pipeline_add(struct pipeline *p, struct sink *s)
{
    s->next = p->sinks;
    p->sinks = s;
    s->made = document_counter(p, s->name, "made");
    s->delivered = document_counter(p, s->name, "delivered");
    s->refused = document_counter(p, s->name, "refused");
    s->dropped = document_counter(p, s->name, "dropped");
}

struct intake *pipeline_intake(struct pipeline *p, const char *name)
{
    for (unsigned i = 0; i < p->n_intakes; i++)
        if (strcmp(p->intakes[i].name, name) == 0)
            return &p->intakes[i];
    assert(p->n_intakes < INTAKES_MAX); /* the program names fewer */
    struct intake *in = &p->intakes[p->n_intakes++];
    in->name = name;
    in->accepted = item_counter(p, name, "accepted", "");
    in->retry = item_counter(p, name, "retry", "");
    in->kernel_dropped = item_counter(p, name, "kernel_dropped", "");
    for (int r = 0; r < REJECT_REASONS; r++)
        in->rejected[r] =
            item_counter(p, name, "rejected", reject_reason_name(r));
    return in;
}

void pipeline_reject(struct pipeline *p, const struct intake *in,
                     const struct rejection *r)
{
    ++*in->rejected[r->reason];
    if (p->rejected != NULL)
        p->rejected(p->rejected_arg, in, r);
}

void pipeline_on_reject(struct pipeline *p, pipeline_reject_fn fn, void *arg)
{
    p->rejected = fn;
    p->rejected_arg = arg;
}

enum push_result pipeline_push(struct pipeline *p, const struct segment *seg,
                               enum push_when_full when_full, struct err *err)
{
    enum push_result worst = PUSH_ACCEPTED;
    bool taken = false;
    for (struct sink *s = p->sinks; s != NULL; s = s->next) {
        if (s->push == NULL)
            continue;
        enum push_result r =
            s->push(s, seg, s->aside ? WHEN_FULL_DROP_OLDEST : when_full, err);
        if (r > worst)
            worst = r;
        taken = true;
    }
    if (taken)
        return worst;
    err_set(err, "segments can go to X-Ray only, and no exporter sends there; "
                 "add awsxray to those of the traces pipeline");
    return PUSH_INVALID;
}

enum push_result pipeline_push_otlp(struct pipeline *p,
                                    const struct otlp_request *q,
                                    enum push_when_full when_full,
                                    struct err *err)
{
    enum push_result worst = PUSH_ACCEPTED;
    for (struct sink *s = p->sinks; s != NULL; s = s->next) {
        if (s->push_otlp == NULL)
            continue;
        enum push_result r = s->push_otlp(s, q, when_full, err);
        if (r > worst)
            worst = r;
    }
    return worst;
}

bool pipeline_has_room_otlp(struct pipeline *p, size_t bytes)
{
    for (struct sink *s = p->sinks; s != NULL; s = s->next)
        if (s->has_room_otlp != NULL && !s->has_room_otlp(s, bytes))
            return false;
    return true;
}

void pipeline_lose_otlp(struct pipeline *p, uint64_t spans)
{
    for (struct sink *s = p->sinks; s != NULL; s = s->next) {
        if (s->push_otlp == NULL)
            continue;
        *s->made += spans;
        *s->dropped += spans;
    }
}

bool pipeline_takes_segments(const struct pipeline *p)
{
    for (const struct sink *s = p->sinks; s != NULL; s = s->next)
        if (s->push != NULL)
            return true;
    return false;
}

bool pipeline_takes_otlp(const struct pipeline *p)
{
    for (const struct sink *s = p->sinks; s != NULL; s = s->next)
        if (s->push_otlp != NULL)
            return true;
    return false;
}

bool pipeline_otlp_alone(const struct pipeline *p)
{
    unsigned keeping = 0;
    for (const struct sink *s = p->sinks; s != NULL; s = s->next)
        keeping += s->pending != NULL;
    return keeping == 1 && pipeline_takes_otlp(p);
}

bool pipeline_has_room(struct pipeline *p, size_t bytes)
{
    for (struct sink *s = p->sinks; s != NULL; s = s->next)
        if (!s->aside && s->has_room != NULL && !s->has_room(s, bytes))
            return false;
    return true;
}

bool pipeline_busy(struct pipeline *p)
{
    for (struct sink *s = p->sinks; s != NULL; s = s->next)
        if (!s->aside && s->busy != NULL && s->busy(s))
            return true;
    return false;
}

void pipeline_flush(struct pipeline *p)
{
    for (struct sink *s = p->sinks; s != NULL; s = s->next)
        if (s->flush != NULL)
            s->flush(s);
}

uint64_t pipeline_pending(struct pipeline *p)
{
    uint64_t n = 0;
    for (struct sink *s = p->sinks; s != NULL; s = s->next)
        if (s->pending != NULL)
            n += s->pending(s);
    return n;
}

uint64_t pipeline_received(const struct pipeline *p)
{
    uint64_t n = 0;
    for (unsigned i = 0; i < p->n_intakes; i++) {
        const struct intake *in = &p->intakes[i];
        n += *in->accepted + *in->retry + rejected(in);
    }
    return n;
}

void pipeline_on_relief(struct pipeline *p, void (*fn)(void *), void *arg)
{
    p->relief = fn;
    p->relief_arg = arg;
}

void pipeline_relieved(struct pipeline *p)
{
    if (p->relief != NULL && !pipeline_busy(p))
        p->relief(p->relief_arg);
}

bool pipeline_ledger(struct pipeline *p, struct buf *out)
{
    uint64_t accepted = 0, bad = 0, retry = 0, kernel = 0;
    for (unsigned i = 0; i < p->n_intakes; i++) {
        const struct intake *in = &p->intakes[i];
        accepted += *in->accepted;
        bad += rejected(in);
        retry += *in->retry;
        kernel += *in->kernel_dropped;
    }
    buf_printf(out,
               "items: offered %" PRIu64 " = accepted %" PRIu64
               " + rejected %" PRIu64 " + told to retry %" PRIu64
               " + dropped by the kernel %" PRIu64,
               accepted + bad + retry + kernel, accepted, bad, retry, kernel);
    bool settled = true;
    for (struct sink *s = p->sinks; s != NULL; s = s->next)
        settled = sink_balance(s, out) && settled;
    return settled;
}

static bool sink_balance(struct sink *s, struct buf *out)
{
    uint64_t pending = s->pending ? s->pending(s) : 0;
    buf_printf(
        out,
        "; %s: made %" PRIu64 " = delivered %" PRIu64 " + refused %" PRIu64
        " + dropped %" PRIu64 " + pending %" PRIu64,
        s->name, *s->made, *s->delivered, *s->refused, *s->dropped, pending);
    return pending == 0 &&
           *s->made == *s->delivered + *s->refused + *s->dropped;
}

static uint64_t rejected(const struct intake *in)
{
    uint64_t n = 0;
    for (int r = 0; r < REJECT_REASONS; r++)
        n += *in->rejected[r];
    return n;
}

static uint64_t *item_counter(struct pipeline *p, const char *intake,
                              const char *outcome, const char *reason)
{
    struct buf labels; /* printf would be a fifth of an extension's start */
    buf_init(&labels, LABELS_MAX);
    buf_str(&labels, "input=\"");
    buf_str(&labels, intake);
    buf_str(&labels, "\",outcome=\"");
    buf_str(&labels, outcome);
    if (*reason != '\0')
        buf_str(&labels, "\",reason=\"");
    buf_str(&labels, reason);
    buf_str(&labels, "\"");
    uint64_t *counter =
        stats_counter(p->stats, "xray_relay_items_total", buf_cstr(&labels),
                      "Datagrams, spans and documents offered, by input and "
                      "outcome.");
    buf_fini(&labels);
    return counter;
}

static uint64_t *document_counter(struct pipeline *p, const char *sink,
                                  const char *outcome)
{
    char labels[128];
    snprintf(labels, sizeof(labels), "sink=\"%s\",outcome=\"%s\"", sink,
             outcome);
    return stats_counter(p->stats, "xray_relay_documents_total", labels,
                         "Segment documents (at exporters of OTLP: "
                         "spans), by sink and outcome.");
}
