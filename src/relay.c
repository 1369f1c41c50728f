/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wiring, start and drain order. Everything that the loop owns hangs on
 * struct relay; modules get what they need when they are made and never see
 * it.
 */
#include "relay.h"

#include <signal.h>
#include <stdlib.h>

#include "xr/clock.h"
#include "xr/log.h"

/* The sockets must have been empty this long before inputs stop. */
#define QUIET_MS 50
#define GRACE_STEP_MS 5
/* A second signal within this time is the first one's double. */
#define REPEAT_MS 1000
#define LEDGER_MAX (16u << 10)
#define IDLE_CONNECTION_S 60
#define PROXY_CONNECTIONS 8
#define LAMBDA_FLUSH_IDLE_MS (24 * 3600 * 1000)

static void take_signals(struct relay *r);
static void hold_signals(void);
static void on_terminate(void *arg);
static void on_interrupt(void *arg);
static void stop_by_signal(struct relay *r, const char *name);
static void on_hangup(void *arg);
static void on_grace(void *arg);
static void stop_inputs(struct relay *r, int64_t deadline_ms);
static void on_committed(void *arg, bool kept);
static bool make_xray(struct relay *r, size_t memory);

bool relay_start(struct relay *r, struct config *c, enum relay_mode mode)
{
    struct err err;
    relay_init(r, c, mode);
    if (r->options->no_exporter && r->uploads) {
        log_error("There is nowhere to send to; name awsxray or otlphttp in "
                  "the traces pipeline, or set Upload.FallbackExporter");
        return false;
    }
    if (!relay_make_parts(r, &err)) {
        log_error("%s", err.text);
        if (r->local && strstr(err.text, "in use by process") != NULL)
            relay_explain_taken(r->options->tcp_address, false);
        return false;
    }
    /* Before there is a socket: from then on a signal ends it in order. */
    take_signals(r);
    if (!relay_listen_udp(r) || !relay_find_place(r) || !relay_make_otlp(r) ||
        !relay_listen_tcp(r) || !relay_listen_otlp(r))
        return false;
    relay_watch_start(r);
    if (r->local)
        relay_greet(r);
    return true;
}

void relay_init(struct relay *r, struct config *c, enum relay_mode mode)
{
    bool local = mode == RELAY_LOCAL || mode == RELAY_TAIL;
    *r = (struct relay){
        .config = c,
        .options = config_options(c),
        .local = local,
        .for_tail = mode == RELAY_TAIL,
        .uploads = !local || config_flag(c, "tee") != NULL,
        .is_lambda = mode == RELAY_LAMBDA,
        .started_ms = clock_mono_ms(),
    };
}

static void take_signals(struct relay *r)
{
    loop_on_signal(r->loop, SIGTERM, on_terminate, r);
    loop_on_signal(r->loop, SIGINT, on_interrupt, r);
    loop_on_signal(r->loop, SIGHUP, on_hangup, r);
    loop_on_signal(r->loop, SIGPIPE, NULL, NULL);
    loop_on_signal(r->loop, SIGUSR1, NULL, NULL);
}

int relay_run(struct relay *r)
{
    loop_run(r->loop);
    return 0;
}

void relay_fini(struct relay *r)
{
    hold_signals();
    lambda_free(r->lambda);
    place_cancel(r->place_search);
    detect_free(r->detect);
    http1_free(r->tcp);
    relay_fini_otlp(r);
    xray_udp_free(r->udp);
    xray_tcp_free(r->segments);
    proxy_free(r->proxy);
    relay_fini_exporters(r);
    xray_free(r->xray);
    print_free(r->print);
    debug_sink_free(r->debug);
    local_free(r->traces);
    cred_chain_free(r->cred);
    client_free(r->client);
    translator_free(r->translator);
    pipeline_free(r->pipeline);
    timer_free(r->second);
    timer_free(r->tcp_retry);
    timer_free(r->place_retry);
    timer_free(r->grace);
    stats_free(r->stats);
    loop_free(r->loop);
}

bool relay_make_parts(struct relay *r, struct err *err)
{
    r->loop = loop_new(err);
    if (r->loop == NULL)
        return false;
    r->stats = stats_new();
    r->pipeline = pipeline_new(r->stats);
    r->translator = translator_from_options(r->options, SEGMENT_MAX_BYTES);
    r->grace = timer_new(r->loop, on_grace, r);
    if (!relay_make_client(r, err))
        return false;
    r->segments = xray_tcp_new(r->pipeline);
    if (r->local && !relay_make_local(r, err))
        return false;
    if (r->uploads && !relay_make_upload(r, err))
        return false;
    relay_detect_start(r);
    return true;
}

bool relay_make_client(struct relay *r, struct err *err)
{
    const struct options *o = r->options;
    const char *from_env = getenv("HTTPS_PROXY");
    /* A proxy out of the environment the client reads there itself, for to
     * that one NO_PROXY applies. */
    bool own = *o->proxy_address != '\0' &&
               (from_env == NULL || strcmp(o->proxy_address, from_env) != 0);
    struct client_options client = {
        .proxy = own ? o->proxy_address : NULL,
        .no_verify = o->no_verify_ssl,
        .ca_bundle = *o->ca_bundle ? o->ca_bundle : NULL,
        /* Uploads never keep the sampling calls waiting. */
        .connections = (unsigned)o->concurrency + PROXY_CONNECTIONS,
        .idle_s = IDLE_CONNECTION_S,
    };
    r->client = client_new(r->loop, &client, err);
    return r->client != NULL;
}

/* Who sends shares the memory for what waits: none can take it from another. */
bool relay_make_upload(struct relay *r, struct err *err)
{
    const struct options *o = r->options;
    uint64_t memory = memory_for_documents(o->buffer_mb);
    size_t senders = o->n_exporters + (o->no_xray ? 0 : 1);
    size_t share = senders ? (size_t)memory / senders : 0;
    struct cred_options cred = {
        .role_arn = *o->role_arn ? o->role_arn : NULL,
        .role_session_name = o->role_session_name,
        .role_external_id = o->role_external_id,
        .no_imds = r->is_lambda,
    };
    r->cred = cred_chain_new(r->loop, r->client, &cred);
    if (r->cred == NULL || (!o->no_xray && !make_xray(r, share))) {
        err_set(err, "out of memory");
        return false;
    }
    if (!relay_make_exporters(r, share, err))
        return false;
    if (o->debug_export != DEBUG_NONE) {
        r->debug = debug_sink_new(r->loop, o->debug_export == DEBUG_DOCUMENTS);
        pipeline_add(r->pipeline, r->debug);
    }
    log_info("Using memory limit of %llu MB",
             (unsigned long long)(memory >> 20));
    return true;
}

static bool make_xray(struct relay *r, size_t memory)
{
    const struct options *o = r->options;
    struct xray_options x = {
        .concurrency = (unsigned)o->concurrency,
        .flush_idle_ms = (unsigned)o->flush_idle_ms,
        .batch_documents = (unsigned)o->batch_documents,
        .batch_bytes = (size_t)o->batch_kb << 10,
        .memory_bytes = memory,
        .request_timeout_ms = (unsigned)o->request_timeout_ms,
        .backoff_max_ms = (unsigned)o->backoff_max_ms,
        .repair_names = o->repair_names,
        .freezes = r->is_lambda,
    };
    if (r->is_lambda) /* the lifecycle says when */
        x.flush_idle_ms = LAMBDA_FLUSH_IDLE_MS;
    struct xray_wiring wiring = {r->loop, r->client, r->cred, r->pipeline,
                                 r->stats};
    r->xray = xray_new(&wiring, &x);
    if (r->xray == NULL)
        return false;
    xray_sink(r->xray)->aside = r->local;
    pipeline_add(r->pipeline, xray_sink(r->xray));
    return true;
}

bool relay_listen_udp(struct relay *r)
{
    const struct options *o = r->options;
    struct err err;
    struct xray_udp_options u = {
        .address = o->udp_address,
        .receive_buffer = (uint64_t)o->receive_buffer_kb << 10,
        .otlp_pass = strcmp(o->otlp_udp_mode, "pass") == 0,
        .otlp_unsampled = o->otlp_udp_unsampled,
    };
    r->udp = xray_udp_new(r->loop, r->pipeline, r->translator, &u, &err);
    if (r->udp == NULL) {
        log_error("UDP %s: %s", o->udp_address, err.text);
        if (r->local && strstr(err.text, "already in use") != NULL)
            relay_explain_taken(o->udp_address, true);
        return false;
    }
    if (r->traces != NULL)
        xray_udp_on_datagram(r->udp, local_drops_datagram, r->traces);
    const struct udp_stats *s = udp_stats(xray_udp_socket(r->udp));
    log_info("Receiving segments by UDP on %s, receive buffer %llu KiB of "
             "%llu KiB asked for",
             udp_bound(xray_udp_socket(r->udp)),
             (unsigned long long)(s->receive_buffer >> 10),
             (unsigned long long)(s->receive_buffer_asked >> 10));
    return true;
}

/* All is delivered or counted: who still signals has nothing to end, and
 * should see the exit status. */
static void hold_signals(void)
{
    sigset_t stop;
    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    sigaddset(&stop, SIGINT);
    pthread_sigmask(SIG_BLOCK, &stop, NULL);
}

static void on_terminate(void *arg)
{
    stop_by_signal(arg, "terminated");
}

static void on_interrupt(void *arg)
{
    stop_by_signal(arg, "interrupt");
}

static void stop_by_signal(struct relay *r, const char *name)
{
    if (r->state != RELAY_RUNNING &&
        clock_mono_ms() - r->signalled_ms < REPEAT_MS)
        return; /* a group's signal and a wrapper's copy of it */
    if (r->state != RELAY_RUNNING) {
        log_warn("Second shutdown signal: what is not sent is dropped");
        if (r->state == RELAY_GRACE)
            stop_inputs(r, 0);
        else if (r->uploads) /* the deadline is now */
            relay_drain_sinks(r, loop_now_ms(r->loop));
        return;
    }
    r->signalled_ms = clock_mono_ms();
    log_info("Got shutdown signal: %s", name);
    relay_drain(r, r->options->deadline_ms);
}

static void on_hangup(void *arg)
{
    relay_reload(arg);
}

void relay_drain(struct relay *r, int64_t deadline_ms)
{
    int64_t now = clock_mono_ms();
    if (r->state != RELAY_RUNNING)
        return;
    r->deadline_ms = deadline_ms;
    r->state = RELAY_GRACE;
    r->quiet_since_ms = now;
    r->grace_until_ms = now + r->options->grace_ms;
    r->grace_datagrams = relay_datagrams(r);
    timer_start(r->grace, 0);
}

/* Inputs stop when they have been quiet, or when the grace is over: a client
 * that is still sending gets this long. */
static void on_grace(void *arg)
{
    struct relay *r = arg;
    int64_t now = clock_mono_ms();
    uint64_t n = relay_datagrams(r);
    if (n != r->grace_datagrams || relay_open_requests(r) > 0)
        r->quiet_since_ms = now;
    r->grace_datagrams = n;
    if (now < r->grace_until_ms && now - r->quiet_since_ms < QUIET_MS)
        timer_start(r->grace, GRACE_STEP_MS);
    else
        stop_inputs(r, r->deadline_ms);
}

static void stop_inputs(struct relay *r, int64_t deadline_ms)
{
    r->state = RELAY_DRAINING;
    timer_stop(r->grace);
    if (r->udp != NULL)
        udp_stop(xray_udp_socket(r->udp));
    relay_count_drops(r);
    if (r->tcp != NULL)
        http1_stop(r->tcp);
    relay_stop_otlp(r);
    if (r->print != NULL)
        print_flush(r->print);
    if (r->traces != NULL)
        local_stop(r->traces);
    if (r->traces == NULL)
        relay_drain_sinks(r, loop_now_ms(r->loop) + deadline_ms);
    else
        local_commit(r->traces, on_committed, r);
}

uint64_t relay_datagrams(const struct relay *r)
{
    return r->udp ? udp_stats(xray_udp_socket(r->udp))->datagrams : 0;
}

unsigned relay_open_requests(const struct relay *r)
{
    return (r->tcp ? http1_open_requests(r->tcp) : 0) + relay_open_otlp(r);
}

/* What could not be written is in the ledger. */
static void on_committed(void *arg, bool kept)
{
    struct relay *r = arg;
    (void)kept;
    if (r->state != RELAY_STOPPED && r->uploads)
        relay_drain_sinks(r, loop_now_ms(r->loop) + r->deadline_ms);
    else
        relay_drained(r);
}

void relay_drained(struct relay *r)
{
    struct buf line;
    if (r->state == RELAY_STOPPED)
        return;
    r->state = RELAY_STOPPED;
    buf_init(&line, LEDGER_MAX);
    pipeline_ledger(r->pipeline, &line);
    log_info("Ledger: %s", buf_cstr(&line));
    buf_fini(&line);
    if (r->drained != NULL)
        r->drained(r);
    else
        loop_stop(r->loop);
}
