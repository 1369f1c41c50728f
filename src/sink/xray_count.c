/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sink's counters: uploads by outcome, a small histogram of latency,
 * batches by state, and why documents were refused. The two balances of the
 * ledger are not kept here but with the documents.
 */
#include "xray_parts.h"

#include <ctype.h>
#include <stdio.h>

#define UPLOADS "xray_relay_uploads_total"
#define UPLOADS_HELP "Uploads to X-Ray by outcome."

static const unsigned latency_bounds[XRAY_LATENCY_BUCKETS - 1] = {
    5, 10, 25, 100, 500, 2000, 10000};

static void make_outcomes(struct xray *x);
static void make_latency(struct xray *x);
static void make_states(struct xray *x);
static void code_word(const char *code, char out[XRAY_CODE_BYTES]);
static void bring_up_to_date(void *arg);
static uint64_t *outcome_counter(struct xray *x, const char *outcome);
static void count_status(struct xray *x, const struct client_answer *a);

void xray_count_init(struct xray *x)
{
    make_outcomes(x);
    make_latency(x);
    make_states(x);
    x->n.retries = stats_counter(x->stats, "xray_relay_upload_retries_total",
                                 "", "Attempts after the first of a batch.");
    x->n.splits = stats_counter(x->stats, "xray_relay_batch_splits_total", "",
                                "Batches halved to find a document at fault.");
    x->n.repairs = stats_counter(x->stats, "xray_relay_name_repairs_total", "",
                                 "Documents whose names were cleaned.");
    x->n.held = stats_gauge(x->stats, "xray_relay_buffer_bytes", "",
                            "Memory held for documents, slack included.");
    x->n.limit = stats_gauge(x->stats, "xray_relay_upload_limit", "",
                             "Uploads that may be under way at a time now.");
    stats_on_render(x->stats, bring_up_to_date, x);
}

static void make_outcomes(struct xray *x)
{
    static const char *const outcomes[CLIENT_OTHER + 1] = {
        [CLIENT_ANSWERED] = "ok",     [CLIENT_REFUSED] = "connection_refused",
        [CLIENT_TIMEOUT] = "timeout", [CLIENT_UNKNOWN_HOST] = "unknown_host",
        [CLIENT_TLS] = "tls",         [CLIENT_BROKEN] = "broken",
        [CLIENT_OTHER] = "other"};
    struct xray_counters *n = &x->n;
    for (int i = 0; i <= CLIENT_OTHER; i++)
        n->by_outcome[i] = outcome_counter(x, outcomes[i]);
    n->http_3xx = outcome_counter(x, "http_3xx");
    n->http_4xx = outcome_counter(x, "http_4xx");
    n->http_5xx = outcome_counter(x, "http_5xx");
    n->throttled = outcome_counter(x, "throttled");
    n->not_json = outcome_counter(x, "not_json");
}

/* The form of a Prometheus histogram: each bucket counts those below it too. */
static void make_latency(struct xray *x)
{
    struct xray_counters *n = &x->n;
    char labels[64];
    for (int i = 0; i < XRAY_LATENCY_BUCKETS; i++) {
        if (i < XRAY_LATENCY_BUCKETS - 1)
            snprintf(labels, sizeof(labels), "le=\"%u\"", latency_bounds[i]);
        else
            snprintf(labels, sizeof(labels), "le=\"+Inf\"");
        n->latency[i] =
            stats_counter(x->stats, "xray_relay_upload_ms_bucket", labels,
                          "Answered uploads that took at most so many ms.");
    }
    n->latency_sum = stats_counter(x->stats, "xray_relay_upload_ms_sum", "",
                                   "Milliseconds that uploads took.");
    n->latency_count = stats_counter(x->stats, "xray_relay_upload_ms_count", "",
                                     "Uploads answered.");
}

static void make_states(struct xray *x)
{
    static const char *const states[BATCH_BACKOFF + 1] = {
        [BATCH_FREE] = "free",
        [BATCH_FILLING] = "filling",
        [BATCH_READY] = "ready",
        [BATCH_INFLIGHT] = "inflight",
        [BATCH_BACKOFF] = "backoff"};
    char labels[64];
    for (int i = 0; i <= BATCH_BACKOFF; i++) {
        snprintf(labels, sizeof(labels), "state=\"%s\"", states[i]);
        x->n.batches[i] = stats_gauge(x->stats, "xray_relay_batches", labels,
                                      "Batches by state.");
    }
}

void xray_count_answer(struct xray *x, const struct client_answer *a)
{
    struct xray_counters *n = &x->n;
    if (a->outcome == CLIENT_ANSWERED) {
        uint64_t ms = a->took_ms > 0 ? (uint64_t)a->took_ms : 0;
        *n->latency_sum += ms;
        ++*n->latency_count;
        for (int i = XRAY_LATENCY_BUCKETS - 1; i >= 0; i--) {
            if (i < XRAY_LATENCY_BUCKETS - 1 && ms > latency_bounds[i])
                break;
            ++*n->latency[i];
        }
        count_status(x, a);
        return;
    }
    ++*n->by_outcome[a->outcome];
    if (a->outcome == CLIENT_REFUSED)
        n->errors.refused++;
    else if (a->outcome == CLIENT_TIMEOUT)
        n->errors.timeout++;
    else if (a->outcome == CLIENT_UNKNOWN_HOST)
        n->errors.unknown_host++;
    else
        n->errors.other++;
}

void xray_count_refused(struct xray *x, const char *code)
{
    char labels[64], word[XRAY_CODE_BYTES];
    code_word(code, word);
    bool seen = false;
    for (unsigned i = 0; i < x->n.n_codes && !seen; i++)
        seen = strcmp(x->n.codes[i], word) == 0;
    if (!seen && x->n.n_codes < XRAY_CODES_MAX)
        memcpy(x->n.codes[x->n.n_codes++], word, sizeof(word));
    else if (!seen)
        memcpy(word, "other", sizeof("other"));
    snprintf(labels, sizeof(labels), "code=\"%s\"", word);
    ++*stats_counter(x->stats, "xray_relay_documents_refused_by_code_total",
                     labels, "Documents that X-Ray refused, by error code.");
}

/* A code comes from outside: only plain letters may become a label, and only
 * so many codes labels of their own. */
static void code_word(const char *code, char out[XRAY_CODE_BYTES])
{
    size_t n = 0;
    for (; code[n] && n < XRAY_CODE_BYTES - 1; n++)
        out[n] = isalnum((unsigned char)code[n]) ? code[n] : '_';
    out[n] = '\0';
    if (n == 0)
        memcpy(out, "none", sizeof("none"));
}

static void bring_up_to_date(void *arg)
{
    struct xray *x = arg;
    for (int i = 0; i <= BATCH_BACKOFF; i++)
        *x->n.batches[i] = x->lists[i].n;
    *x->n.held = (int64_t)xray_held(x);
    *x->n.limit = x->limit;
}

static uint64_t *outcome_counter(struct xray *x, const char *outcome)
{
    char labels[64];
    snprintf(labels, sizeof(labels), "outcome=\"%s\"", outcome);
    return stats_counter(x->stats, UPLOADS, labels, UPLOADS_HELP);
}

static void count_status(struct xray *x, const struct client_answer *a)
{
    struct xray_counters *n = &x->n;
    if (a->status < 300) {
        ++*n->by_outcome[CLIENT_ANSWERED];
    } else if (a->status < 400) {
        ++*n->http_3xx;
        n->errors.other++;
    } else if (a->status < 500) {
        ++*(a->status == 429 ? n->throttled : n->http_4xx);
        n->errors.http_4xx++;
    } else {
        ++*n->http_5xx;
        n->errors.http_5xx++;
    }
}
