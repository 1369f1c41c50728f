/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PutTelemetryRecords, as the daemon sends them: a record a minute of what
 * was received, sent, spilled and refused, and of errors by kind; one more at
 * the end, after the last batch. Nothing is sent before anything has been
 * received. Records of failed calls are kept for the next, within bounds.
 */
#include "xray_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "xr/clock.h"
#include "xr/json_out.h"

#define EVERY_MS 60000
#define RECORDS_MAX 30  /* kept */
#define RECORDS_CALL 10 /* sent in a call */
#define BODY_MAX 16384
#define TIMEOUT_MS 10000
#define FINAL_TIMEOUT_MS 2000

/* Totals since the start, or what came between two of them. */
struct tally {
    uint64_t received, sent, spilled, rejected;
    struct xray_errors errors;
};

struct record {
    int64_t time_ms;
    struct tally t;
};

struct xray_telemetry {
    struct xray *x;
    char *instance_id, *host_name, *resource_arn;
    struct timer *timer;
    struct record records[RECORDS_MAX]; /* oldest first */
    unsigned n, sending;
    struct tally before;
    struct upload upload; /* identity and credentials of the call */
    struct buf body;
    bool final;
};

static void on_minute(void *arg);
static void add_record(struct xray_telemetry *t);
static void tally_now(const struct xray *x, struct tally *now);
static void minus(struct tally *a, const struct tally *b);
static void start(struct xray_telemetry *t);
static void on_credentials(void *arg, struct cred *cred, const struct err *err);
static void write_body(struct xray_telemetry *t);
static void write_record(struct jw *j, const struct record *r);
static void member(struct jw *j, const char *key, uint64_t value);
static void text_member(struct jw *j, const char *key, const char *value);
static void on_answer(void *arg, const struct client_answer *a);
static void call_ended(struct xray_telemetry *t, bool ok);
static void forget(struct xray_telemetry *t, unsigned n);
static char *dup_text(const char *s);

void xray_telemetry_start(struct xray *x, const struct telemetry_facts *f)
{
    struct xray_telemetry *t = x->telemetry;
    if (!t) {
        t = calloc(1, sizeof(*t));
        if (!t)
            log_fatal("out of memory while starting");
        t->x = x;
        t->upload.x = x;
        buf_init(&t->body, BODY_MAX);
        t->timer = timer_new(x->loop, on_minute, t);
        timer_start(t->timer, EVERY_MS);
        x->telemetry = t;
    }
    free(t->instance_id);
    free(t->host_name);
    free(t->resource_arn);
    t->instance_id = dup_text(f->instance_id);
    t->host_name = dup_text(f->host_name);
    t->resource_arn = dup_text(f->resource_arn);
}

bool xray_telemetry_stop(struct xray *x)
{
    struct xray_telemetry *t = x->telemetry;
    if (!t || t->final || !x->endpoint.known ||
        pipeline_received(x->pipeline) == 0)
        return false;
    t->final = true;
    timer_stop(t->timer);
    if (t->upload.call)
        client_cancel(t->upload.call);
    t->upload.call = NULL;
    cred_cancel(x->cred, t);
    add_record(t);
    start(t);
    return true;
}

void xray_telemetry_free(struct xray *x)
{
    struct xray_telemetry *t = x->telemetry;
    if (!t)
        return;
    if (t->upload.call)
        client_cancel(t->upload.call);
    cred_cancel(x->cred, t);
    cred_unref(t->upload.cred);
    timer_free(t->timer);
    buf_fini(&t->body);
    free(t->instance_id);
    free(t->host_name);
    free(t->resource_arn);
    free(t);
    x->telemetry = NULL;
}

static void on_minute(void *arg)
{
    struct xray_telemetry *t = arg;
    if (pipeline_received(t->x->pipeline) == 0) {
        timer_start(t->timer, EVERY_MS);
        return;
    }
    add_record(t);
    start(t);
}

static void add_record(struct xray_telemetry *t)
{
    struct tally now;
    if (t->n == RECORDS_MAX)
        forget(t, 1);
    tally_now(t->x, &now);
    struct record *r = &t->records[t->n++];
    r->time_ms = clock_wall_ms() + t->x->skew_ms;
    r->t = now;
    minus(&r->t, &t->before);
    t->before = now;
}

/* Sent is what X-Ray has taken for judgement, refused documents included, as
 * the daemon counts; but each document once, however often it went. */
static void tally_now(const struct xray *x, struct tally *now)
{
    const struct intake *udp = pipeline_intake(x->pipeline, "udp");
    *now = (struct tally){
        .received = pipeline_received(x->pipeline),
        .sent = *x->sink.delivered + *x->sink.refused,
        .spilled = *x->sink.dropped,
        .rejected = *x->sink.refused,
        .errors = x->n.errors,
    };
    for (int i = 0; i < REJECT_REASONS; i++)
        now->rejected += *udp->rejected[i];
}

static void minus(struct tally *a, const struct tally *b)
{
    a->received -= b->received;
    a->sent -= b->sent;
    a->spilled -= b->spilled;
    a->rejected -= b->rejected;
    a->errors.refused -= b->errors.refused;
    a->errors.timeout -= b->errors.timeout;
    a->errors.unknown_host -= b->errors.unknown_host;
    a->errors.other -= b->errors.other;
    a->errors.http_4xx -= b->errors.http_4xx;
    a->errors.http_5xx -= b->errors.http_5xx;
}

static void start(struct xray_telemetry *t)
{
    if (!t->x->endpoint.known) {
        call_ended(t, false);
        return;
    }
    cred_get(t->x->cred, on_credentials, t);
}

static void on_credentials(void *arg, struct cred *cred, const struct err *err)
{
    struct xray_telemetry *t = arg;
    struct xray *x = t->x;
    struct xray_request r;
    uint8_t sha256[SHA256_BYTES];
    (void)err; /* the uploads say it */
    if (!cred) {
        call_ended(t, false);
        return;
    }
    cred_unref(t->upload.cred);
    t->upload.cred = cred_ref(cred);
    xray_make_uuid(x, t->upload.id);
    write_body(t);
    sha256_once(buf_slice(&t->body), sha256);
    xray_request_init(&r);
    xray_request_sign(&r, x,
                      &(struct xray_call){.operation = "/TelemetryRecords",
                                          .id = t->upload.id,
                                          .attempt = 1,
                                          .cred = cred,
                                          .body = buf_slice(&t->body),
                                          .sha256 = sha256});
    unsigned timeout = t->final ? FINAL_TIMEOUT_MS : TIMEOUT_MS;
    struct client_request q = {.method = "POST",
                               .url = r.url,
                               .headers = r.headers,
                               .n_headers = r.n_headers,
                               .body = buf_slice(&t->body),
                               .timeout_ms = timeout,
                               .connect_timeout_ms = timeout};
    t->upload.call = client_start(x->client, &q, on_answer, t, NULL);
    xray_request_fini(&r);
    if (!t->upload.call)
        call_ended(t, false);
}

static void write_body(struct xray_telemetry *t)
{
    struct jw j;
    buf_clear(&t->body);
    jw_init(&j, &t->body);
    jw_object(&j);
    text_member(&j, "EC2InstanceId", t->instance_id);
    text_member(&j, "Hostname", t->host_name);
    text_member(&j, "ResourceARN", t->resource_arn);
    jw_key(&j, SLICE("TelemetryRecords"));
    jw_array(&j);
    t->sending = t->n < RECORDS_CALL ? t->n : RECORDS_CALL;
    for (unsigned i = 0; i < t->sending; i++)
        write_record(&j, &t->records[i]);
    jw_array_end(&j);
    jw_object_end(&j);
}

static void write_record(struct jw *j, const struct record *r)
{
    const struct xray_errors *e = &r->t.errors;
    char time[32];
    snprintf(time, sizeof(time), "%" PRId64 ".%03d", r->time_ms / 1000,
             (int)(r->time_ms % 1000));
    jw_object(j);
    jw_key(j, SLICE("BackendConnectionErrors"));
    jw_object(j);
    member(j, "ConnectionRefusedCount", e->refused);
    member(j, "HTTPCode4XXCount", e->http_4xx);
    member(j, "HTTPCode5XXCount", e->http_5xx);
    member(j, "OtherCount", e->other);
    member(j, "TimeoutCount", e->timeout);
    member(j, "UnknownHostCount", e->unknown_host);
    jw_object_end(j);
    member(j, "SegmentsReceivedCount", r->t.received);
    member(j, "SegmentsRejectedCount", r->t.rejected);
    member(j, "SegmentsSentCount", r->t.sent);
    member(j, "SegmentsSpilloverCount", r->t.spilled);
    jw_key(j, SLICE("Timestamp"));
    jw_raw(j, slice_str(time));
    jw_object_end(j);
}

static void member(struct jw *j, const char *key, uint64_t value)
{
    jw_key(j, slice_str(key));
    jw_uint(j, value);
}

static void text_member(struct jw *j, const char *key, const char *value)
{
    jw_key(j, slice_str(key));
    jw_string(j, slice_str(value));
}

static void on_answer(void *arg, const struct client_answer *a)
{
    struct xray_telemetry *t = arg;
    bool ok =
        a->outcome == CLIENT_ANSWERED && a->status >= 200 && a->status < 300;
    t->upload.call = NULL;
    if (ok)
        forget(t, t->sending);
    else
        log_debug("Telemetry could not be sent: %s (HTTP status %d)",
                  a->why ? a->why : "refused", a->status);
    call_ended(t, ok);
}

static void call_ended(struct xray_telemetry *t, bool ok)
{
    if (ok)
        log_debug("Sent telemetry; %u records are left", t->n);
    if (t->final)
        xray_telemetry_ended(t->x);
    else
        timer_start(t->timer, EVERY_MS);
}

static void forget(struct xray_telemetry *t, unsigned n)
{
    t->n -= n;
    memmove(t->records, t->records + n, t->n * sizeof(t->records[0]));
}

static char *dup_text(const char *s)
{
    char *copy = strdup(s ? s : "");
    if (!copy)
        log_fatal("out of memory while starting");
    return copy;
}
