/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The relay as a Lambda extension: what of its parts is made, and the
 * callbacks by which the lifecycle (lambda/) moves them. Nothing here ends the
 * process but SHUTDOWN: what cannot be had is said once and done without.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "relay.h"
#include "xr/hash.h"
#include "xr/log.h"

#define MARGIN_MS 20 /* between the end of the drain and its deadline */

static void open_log(const struct config *c);
static void log_warning(void *arg, const char *text);
static int do_nothing(struct config *c, const char *program);
static void start(struct relay *r, struct config *c, const char *program);
static void listen_all(struct relay *r);
static void make_lambda(struct relay *r, const char *program);
static enum lambda_flush flush_of(const struct options *o);
static void on_stop_signal(void *arg);
static void on_changed(void *arg);
static void get_queue(void *arg, struct lambda_queue *out);
static void drain(void *arg);
static uint64_t datagrams(void *arg);
static void upload(void *arg);
static void hold(void *arg, bool hold);
static void recall(void *arg);
static void thawed(void *arg);
static void restored(void *arg);
static void account(void *arg, struct slice id);
static void prepare(void *arg);
static void leave(void *arg, int64_t deadline_ms);
static void on_left(struct relay *r);

int relay_run_lambda(char **argv)
{
    struct relay r;
    failopen_arm(argv[0]);
    struct config *c = config_load_lambda(argv);
    if (c == NULL)
        log_fatal("out of memory while starting");
    open_log(c);
    if (config_options(c)->no_exporter)
        return do_nothing(c, argv[0]);
    start(&r, c, argv[0]);
    loop_run(r.loop);
    failopen_disarm();
    relay_fini(&r);
    config_free(c);
    log_close();
    return 0;
}

static void open_log(const struct config *c)
{
    const struct options *o = config_options(c);
    const char *format = getenv("AWS_LAMBDA_LOG_FORMAT");
    struct err err;
    enum log_level level;
    if (log_level_parse(o->log_level, &level))
        log_set_level(level);
    if (log_open(o->log_file, o->log_rotation, &err) != 0)
        log_error("%s", err.text);
    log_set_json(format != NULL && strcmp(format, "JSON") == 0);
}

/* The traces shall go elsewhere, by what we are not. */
static int do_nothing(struct config *c, const char *program)
{
    config_warnings(c, log_warning, NULL);
    log_warn("So nothing is received and nothing is sent");
    config_free(c);
    failopen_disarm();
    return lambda_idle(program);
}

static void start(struct relay *r, struct config *c, const char *program)
{
    struct err err;
    relay_init(r, c, RELAY_LAMBDA);
    if (!relay_make_parts(r, &err))
        log_fatal("%s", err.text);
    listen_all(r);
    make_lambda(r, program);
    lambda_start(r->lambda);
    /* From here on the runtime starts beside us, so that nothing waits. */
    config_warnings(c, log_warning, NULL);
    relay_watch_start(r);
    loop_on_signal(r->loop, SIGTERM, on_stop_signal, r);
    loop_on_signal(r->loop, SIGPIPE, NULL, NULL);
}

static void log_warning(void *arg, const char *text)
{
    (void)arg;
    log_warn("%s", text);
}

/* Each says what is missing, and the rest goes on. */
static void listen_all(struct relay *r)
{
    relay_listen_udp(r);
    if (!relay_find_place(r))
        log_error("Without an endpoint nothing is uploaded");
    if (!relay_make_otlp(r))
        log_fatal("out of memory while starting");
    relay_listen_tcp(r);
    relay_listen_otlp(r);
}

static void make_lambda(struct relay *r, const char *program)
{
    const struct options *o = r->options;
    struct lambda_policy policy = {
        .flush = flush_of(o),
        .init = lambda_init_type(getenv("AWS_LAMBDA_INITIALIZATION_TYPE")),
        .interval_ms = o->lambda_flush_interval_ms,
    };
    struct lambda_relay relay = {
        .arg = r,
        .queue = get_queue,
        .drain = drain,
        .datagrams = datagrams,
        .upload = upload,
        .hold = hold,
        .recall = recall,
        .thawed = thawed,
        .restored = restored,
        .account = account,
        .prepare = prepare,
        .leave = leave,
    };
    r->drained = on_left;
    r->lambda = lambda_new(r->loop, getenv("AWS_LAMBDA_RUNTIME_API"), program,
                           &policy, &relay);
    relay_on_change(r, on_changed, r);
}

static enum lambda_flush flush_of(const struct options *o)
{
    if (strcmp(o->lambda_flush, "end") == 0)
        return LAMBDA_FLUSH_END;
    return strcmp(o->lambda_flush, "periodic") == 0 ? LAMBDA_FLUSH_PERIODIC
                                                    : LAMBDA_FLUSH_ADAPTIVE;
}

/* Lambda sends none; somebody who runs an emulator may. */
static void on_stop_signal(void *arg)
{
    struct relay *r = arg;
    r->drained = NULL;
    relay_drain(r, r->options->deadline_ms);
}

static void on_changed(void *arg)
{
    struct relay *r = arg;
    if (r->state == RELAY_RUNNING)
        lambda_changed(r->lambda);
}

static void get_queue(void *arg, struct lambda_queue *out)
{
    struct relay *r = arg;
    struct sink_queue q;
    relay_queue(r, &q);
    *out = (struct lambda_queue){
        .documents = q.documents,
        .bytes = q.bytes,
        .oldest_ms = q.oldest_ms,
        .uploads = q.uploads,
        .failures = q.failures,
        .open = relay_open_requests(r),
    };
}

static void drain(void *arg)
{
    struct relay *r = arg;
    if (r->udp != NULL)
        udp_read_now(xray_udp_socket(r->udp));
}

static uint64_t datagrams(void *arg)
{
    return relay_datagrams(arg);
}

static void upload(void *arg)
{
    struct relay *r = arg;
    pipeline_flush(r->pipeline);
}

static void hold(void *arg, bool hold)
{
    struct relay *r = arg;
    relay_hold(r, hold);
}

static void recall(void *arg)
{
    struct relay *r = arg;
    relay_recall(r);
}

static void thawed(void *arg)
{
    struct relay *r = arg;
    relay_drop_idle(r);
}

static void restored(void *arg)
{
    struct relay *r = arg;
    relay_drop_idle(r);
    random_reseed();
    relay_forget_keys(r);
}

static void account(void *arg, struct slice id)
{
    struct relay *r = arg;
    snprintf(r->place.account_id, sizeof(r->place.account_id), "%.*s",
             SLICE_ARG(id));
    relay_detect_place(r);
}

/* Half of the work would be the reading of an openssl.cnf, which the image has
 * for an OpenSSL of its own. */
static void prepare(void *arg)
{
    struct relay *r = arg;
    tls_skip_configuration();
    client_prepare(r->client);
}

static void leave(void *arg, int64_t deadline_ms)
{
    struct relay *r = arg;
    int64_t left = deadline_ms - loop_now_ms(r->loop);
    int64_t drain_ms = left - r->options->grace_ms - MARGIN_MS;
    relay_drain(r, drain_ms > 0 ? drain_ms : 0);
}

static void on_left(struct relay *r)
{
    if (r->lambda != NULL)
        lambda_left(r->lambda);
}
