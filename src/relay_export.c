/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The exporters of OTLP beside X-Ray or in its place: what each is made of,
 * and what is asked of all that send, X-Ray's sink among them: draining, and
 * in Lambda when uploads may begin.
 */
#include <stdio.h>
#include <stdlib.h>

#include "relay.h"
#include "xr/log.h"

#define IDLE_CONNECTION_S 60

static bool make_one(struct relay *r, const struct otlp_exporter *e,
                     size_t memory, struct err *err);
static bool make_client(struct relay_exporter *at,
                        const struct otlp_exporter *e, struct err *err);
static bool make_cred(struct relay_exporter *at, const struct otlp_exporter *e);
static struct exporter *make_exporter(const struct relay_exporter *at,
                                      const struct otlp_exporter *e,
                                      size_t memory);
static struct client_header *headers_of(const struct otlp_exporter *e);
static void region_of(const struct otlp_exporter *e, char region[64],
                      char service[64]);
static const char *or_null(const char *text);
static void on_xray_drained(void *arg);
static void on_exporter_drained(void *arg);
static void look_whether_drained(void *arg);

bool relay_make_exporters(struct relay *r, size_t memory, struct err *err)
{
    const struct options *o = r->options;
    for (size_t i = 0; i < o->n_exporters; i++)
        if (!make_one(r, &o->exporters[i], memory, err))
            return false;
    return true;
}

void relay_fini_exporters(struct relay *r)
{
    for (size_t i = 0; i < r->n_exporters; i++) {
        struct relay_exporter *at = &r->exporters[i];
        exporter_free(at->exporter);
        cred_chain_free(at->own_cred);
        client_free(at->client);
    }
}

void relay_set_region(struct relay *r, const char *region)
{
    for (size_t i = 0; i < r->n_exporters; i++) {
        struct relay_exporter *at = &r->exporters[i];
        if (at->own_cred != NULL && !at->has_region)
            cred_set_region(at->own_cred, region);
        if (!at->has_region)
            exporter_set_region(at->exporter, region);
    }
}

bool relay_needs_region(const struct relay *r)
{
    bool needed = r->xray != NULL;
    for (size_t i = 0; i < r->n_exporters; i++)
        needed = needed ||
                 (r->exporters[i].is_signed && !r->exporters[i].has_region);
    return needed;
}

void relay_drain_sinks(struct relay *r, int64_t deadline_ms)
{
    r->xray_drained = r->xray == NULL;
    if (r->xray != NULL)
        xray_drain(r->xray, deadline_ms, on_xray_drained, r);
    for (size_t i = 0; i < r->n_exporters; i++) {
        struct relay_exporter *at = &r->exporters[i];
        at->drained = false;
        exporter_drain(at->exporter, deadline_ms, on_exporter_drained, at);
    }
    /* Where nothing keeps anything, nobody calls. */
    loop_later(r->loop, look_whether_drained, r);
}

void relay_queue(const struct relay *r, struct sink_queue *out)
{
    struct sink_queue q;
    *out = (struct sink_queue){0};
    if (r->xray != NULL)
        xray_queue(r->xray, out);
    for (size_t i = 0; i < r->n_exporters; i++) {
        exporter_queue(r->exporters[i].exporter, &q);
        out->documents += q.documents;
        out->bytes += q.bytes;
        out->uploads += q.uploads;
        if (q.oldest_ms != 0 &&
            (out->oldest_ms == 0 || q.oldest_ms < out->oldest_ms))
            out->oldest_ms = q.oldest_ms;
        /* Failures are not told: an exporter of OTLP knows itself when to
         * leave its backend alone, and must not stop the uploads to X-Ray. */
    }
}

void relay_hold(struct relay *r, bool hold)
{
    if (r->xray != NULL)
        xray_hold(r->xray, hold);
    for (size_t i = 0; i < r->n_exporters; i++)
        exporter_hold(r->exporters[i].exporter, hold);
}

void relay_recall(struct relay *r)
{
    if (r->xray != NULL)
        xray_recall(r->xray);
    for (size_t i = 0; i < r->n_exporters; i++)
        exporter_recall(r->exporters[i].exporter);
}

void relay_drop_idle(struct relay *r)
{
    client_drop_idle(r->client);
    for (size_t i = 0; i < r->n_exporters; i++)
        client_drop_idle(r->exporters[i].client);
}

/* A snapshot of this process runs: keys were for the one it was taken of. */
void relay_forget_keys(struct relay *r)
{
    if (r->xray != NULL)
        xray_restored(r->xray);
    if (cred_current(r->cred) != NULL)
        cred_invalidate(r->cred, cred_current(r->cred));
    for (size_t i = 0; i < r->n_exporters; i++) {
        struct cred_chain *own = r->exporters[i].own_cred;
        if (own != NULL && cred_current(own) != NULL)
            cred_invalidate(own, cred_current(own));
    }
}

void relay_on_change(struct relay *r, loop_fn fn, void *arg)
{
    if (r->xray != NULL)
        xray_on_change(r->xray, fn, arg);
    for (size_t i = 0; i < r->n_exporters; i++)
        exporter_on_change(r->exporters[i].exporter, fn, arg);
}

static bool make_one(struct relay *r, const struct otlp_exporter *e,
                     size_t memory, struct err *err)
{
    struct relay_exporter *at = &r->exporters[r->n_exporters];
    at->relay = r;
    at->is_signed = e->sigv4;
    if (!make_client(at, e, err))
        return false;
    r->n_exporters++;
    if (e->sigv4 && !make_cred(at, e)) {
        err_set(err, "out of memory");
        return false;
    }
    at->exporter = make_exporter(at, e, memory);
    pipeline_add(r->pipeline, exporter_sink(at->exporter));
    char region[64], service[64];
    region_of(e, region, service);
    at->has_region = region[0] != '\0';
    if (at->has_region)
        exporter_set_region(at->exporter, region);
    log_info("Passing OTLP on to %s", e->name);
    return true;
}

static bool make_client(struct relay_exporter *at,
                        const struct otlp_exporter *e, struct err *err)
{
    const struct options *o = at->relay->options;
    const char *bundle = *e->ca_file ? e->ca_file : o->ca_bundle;
    struct client_options client = {
        .proxy = or_null(e->proxy_url),
        .no_verify = e->no_verify,
        .ca_bundle = or_null(bundle),
        .connections = (unsigned)o->concurrency,
        .idle_s = IDLE_CONNECTION_S,
    };
    at->client = client_new(at->relay->loop, &client, err);
    return at->client != NULL;
}

/* Its own role, or none where X-Ray's uploads have one. */
static bool make_cred(struct relay_exporter *at, const struct otlp_exporter *e)
{
    struct relay *r = at->relay;
    char region[64], service[64];
    region_of(e, region, service);
    struct cred_options cred = {
        .region = *e->sts_region ? e->sts_region : or_null(region),
        .role_arn = or_null(e->role_arn),
        .role_session_name = or_null(e->role_session_name),
        .role_external_id = or_null(e->role_external_id),
        .no_imds = r->is_lambda,
    };
    at->cred = r->cred;
    if (*e->role_arn == '\0' && *r->options->role_arn == '\0')
        return true;
    at->cred = at->own_cred = cred_chain_new(r->loop, r->client, &cred);
    return at->cred != NULL;
}

static struct exporter *make_exporter(const struct relay_exporter *at,
                                      const struct otlp_exporter *e,
                                      size_t memory)
{
    static const enum coding codings[] = {
        [OTLP_PACK_GZIP] = CODING_GZIP,
        [OTLP_PACK_DEFLATE] = CODING_DEFLATE,
        [OTLP_PACK_NONE] = CODING_IDENTITY,
    };
    const struct options *o = at->relay->options;
    char region[64], service[64];
    struct client_header *headers = headers_of(e);
    region_of(e, region, service);
    struct exporter_wiring w = {at->relay->loop, at->client, at->cred,
                                at->relay->stats};
    struct exporter_options x = {
        .name = e->name,
        .url = e->url,
        .headers = headers,
        .n_headers = e->n_headers,
        .compression = codings[e->packing],
        .timeout_ms = (unsigned)e->timeout_ms,
        .flush_idle_ms = o->batches ? (unsigned)o->flush_idle_ms : 0,
        .concurrency = (unsigned)o->concurrency,
        .memory_bytes = memory,
        .retry = e->retry,
        .retry_first_ms = (unsigned)e->retry_first_ms,
        .retry_max_ms = e->retry_max_ms >= 0 ? (unsigned)e->retry_max_ms
                                             : (unsigned)o->backoff_max_ms,
        .retry_total_ms = e->retry_total_ms,
        .freezes = at->relay->is_lambda,
        .service = e->sigv4 ? service : NULL,
    };
    struct exporter *made = exporter_new(&w, &x);
    free(headers);
    return made;
}

/* The caller frees them; the texts are the configuration's. */
static struct client_header *headers_of(const struct otlp_exporter *e)
{
    struct client_header *headers = calloc(e->n_headers + 1, sizeof(*headers));
    if (headers == NULL)
        log_fatal("out of memory while starting");
    for (size_t i = 0; i < e->n_headers; i++)
        headers[i] = (struct client_header){slice_str(e->headers[i].name),
                                            slice_str(e->headers[i].value)};
    return headers;
}

/* What is not given is in the host of an AWS endpoint: service, region. */
static void region_of(const struct otlp_exporter *e, char region[64],
                      char service[64])
{
    const char *host = strstr(e->url, "://") + 3;
    size_t n = strcspn(host, ":/?");
    size_t label = strcspn(host, ".");
    bool aws = memmem(host, n, ".amazonaws.com", 14) != NULL && label < n;
    const char *second = host + label + 1;
    snprintf(service, 64, "%.*s", aws ? (int)label : 4, aws ? host : "xray");
    snprintf(region, 64, "%.*s", aws ? (int)strcspn(second, ".") : 0, second);
    if (*e->service)
        snprintf(service, 64, "%s", e->service);
    if (*e->region)
        snprintf(region, 64, "%s", e->region);
}

static const char *or_null(const char *text)
{
    return *text ? text : NULL;
}

static void on_xray_drained(void *arg)
{
    struct relay *r = arg;
    r->xray_drained = true;
    look_whether_drained(r);
}

static void on_exporter_drained(void *arg)
{
    struct relay_exporter *at = arg;
    at->drained = true;
    look_whether_drained(at->relay);
}

static void look_whether_drained(void *arg)
{
    struct relay *r = arg;
    bool all = r->xray_drained;
    for (size_t i = 0; i < r->n_exporters; i++)
        all = all && r->exporters[i].drained;
    if (all)
        relay_drained(r);
}
