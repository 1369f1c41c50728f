/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Local mode's part of the wiring: the store as a sink, traces in the
 * terminal beside it, and who may reach it from elsewhere.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "relay.h"
#include "xr/clock.h"
#include "xr/hash.h"
#include "xr/log.h"

#define PATH_BYTES_MAX 4096
#define SEGMENTS_BODY_MAX (5u << 20) /* of PutTraceSegments */
#define SETTLE_MS 1000
#define TOKEN_BYTES 16
#define KEEP_MAX 1000000 /* MB, days */

/* The listeners as health tells of them. */
static const struct listener {
    const char *name, *protocol, *intake;
} listeners[RELAY_LISTENERS] = {
    {"X-Ray daemon", "udp", "udp"}, {"X-Ray daemon", "tcp", "tcp"},
    {"OTLP", "http", "otlp_http"},  {"OTLP", "grpc", "otlp_grpc"},
    {"OTLP", "udp", "otlp_udp"},
};

static bool make_print(struct relay *r, struct err *err);
static bool check_remote(struct relay *r, struct err *err);
static bool is_loopback(const char *address, int type);
static const char *store_path(struct relay *r, char *out, size_t size);
static bool read_keep(const struct config *c, const char *flag, long *out,
                      struct err *err);
static double default_rate(const struct config *c, struct err *err);
static size_t split_hosts(char *words, const char **out, size_t max);
static void *take_otlp(void *arg, struct slice json, local_spans_fn fn,
                       void *fn_arg);
static void forget_otlp(void *taking);
static void on_health(void *arg, struct jw *j);
static void write_listener(struct relay *r, struct jw *j, size_t i,
                           const char *address);
static uint64_t refused_by(const struct intake *in);

bool relay_make_local(struct relay *r, struct err *err)
{
    long keep_mb, keep_days;
    char path[PATH_BYTES_MAX];
    const char *hosts = config_flag(r->config, "allow-host");
    if (!read_keep(r->config, "keep-mb", &keep_mb, err) ||
        !read_keep(r->config, "keep-days", &keep_days, err) ||
        !check_remote(r, err))
        return false;
    snprintf(r->hosts_text, sizeof(r->hosts_text), "%s", hosts ? hosts : "");
    struct local_options o = {
        .store = store_path(r, path, sizeof(path)),
        .default_rate = default_rate(r->config, err),
        .redact = config_flag(r->config, "redact"),
        .strict = config_flag(r->config, "strict") != NULL,
        .keep_bytes = (uint64_t)keep_mb << 20,
        .keep_s = (int64_t)keep_days * 86400,
        .index_text = config_flag(r->config, "index-text") != NULL,
        .faults = config_flag(r->config, "fault"),
        .allow_hosts = r->hosts,
        .n_allow_hosts = split_hosts(r->hosts_text, r->hosts,
                                     sizeof(r->hosts) / sizeof(r->hosts[0])),
        .source_root = config_flag(r->config, "source-root"),
        .token = r->token[0] ? r->token : NULL,
        .otlp = {take_otlp, forget_otlp, r},
        .health = on_health,
        .health_arg = r,
    };
    if (o.default_rate < 0)
        return false;
    r->traces = local_new(r->loop, &o, err);
    if (r->traces == NULL)
        return false;
    pipeline_add(r->pipeline, local_sink(r->traces));
    pipeline_on_reject(r->pipeline, local_on_reject, r->traces);
    xray_tcp_on_commit(r->segments, local_commit, r->traces);
    /* What is uploaded as well is to fit there. */
    xray_tcp_as_service(r->segments, SEGMENTS_BODY_MAX,
                        r->uploads ? SEGMENT_MAX_BYTES : SIZE_MAX);
    return r->for_tail || make_print(r, err);
}

static bool make_print(struct relay *r, struct err *err)
{
    const char *plain = getenv("NO_COLOR");
    struct print_options o = {
        .out = stdout,
        .tree = config_flag(r->config, "tree") != NULL,
        .colour = isatty(STDOUT_FILENO) && (plain == NULL || *plain == '\0'),
        .settle_ms = SETTLE_MS,
    };
    r->print = print_new(r->loop, &o);
    if (r->print == NULL) {
        err_set(err, "out of memory");
        return false;
    }
    pipeline_add(r->pipeline, print_sink(r->print));
    return true;
}

/* Traces hold what other machines are not to see, so listening for those is
 * asked for twice; then reading takes a token. */
static bool check_remote(struct relay *r, struct err *err)
{
    const struct options *o = r->options;
    uint8_t bytes[TOKEN_BYTES];
    const char *given = getenv("XRAY_RELAY_TOKEN");
    bool here = is_loopback(o->udp_address, SOCK_DGRAM) &&
                is_loopback(o->tcp_address, SOCK_STREAM) &&
                is_loopback(o->otlp_http_address, SOCK_STREAM) &&
                is_loopback(o->otlp_grpc_address, SOCK_STREAM);
    if (here)
        return true;
    if (config_flag(r->config, "allow-remote") == NULL &&
        getenv("XRAY_RELAY_ALLOW_REMOTE") == NULL) {
        err_set(err, "local mode listens on loopback addresses only: add "
                     "--allow-remote to be reached from other machines "
                     "(reading then takes a token)");
        return false;
    }
    if (given != NULL && *given != '\0') {
        size_t n = strlen(given);
        if (n < TOKEN_BYTES || n >= sizeof(r->token)) {
            err_set(err, "XRAY_RELAY_TOKEN: wants %d to %zu characters",
                    TOKEN_BYTES, sizeof(r->token) - 1);
            return false;
        }
        memcpy(r->token, given, n + 1);
        return true;
    }
    random_bytes(bytes, sizeof(bytes));
    hex_encode(bytes, sizeof(bytes), r->token);
    return true;
}

/* What can't be parsed is reported by whoever listens on it. */
static bool is_loopback(const char *address, int type)
{
    struct address a;
    if (address_parse(address, type, &a, NULL) != 0)
        return true;
    if (a.sa.ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const void *)&a.sa;
        return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
    }
    const struct sockaddr_in6 *v6 = (const void *)&a.sa;
    return a.sa.ss_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

static const char *store_path(struct relay *r, char *out, size_t size)
{
    const char *given = config_flag(r->config, "store");
    if (r->for_tail)
        return ":memory:";
    if (given != NULL && *given != '\0')
        return given;
    if (local_default_path(out, size) == 0)
        return out;
    log_warn("No home directory: traces are kept in memory only; name a file "
             "with --store");
    return ":memory:";
}

/* *out 0: it is not given. */
static bool read_keep(const struct config *c, const char *flag, long *out,
                      struct err *err)
{
    const char *text = config_flag(c, flag);
    char *end = "";
    *out = text ? strtol(text, &end, 10) : 0;
    if (text == NULL || (*end == '\0' && *out >= 1 && *out <= KEEP_MAX))
        return true;
    err_set(err, "--%s %s: wants a number from 1 to %d", flag, text, KEEP_MAX);
    return false;
}

/* --sampling-rate: of the rule Default; all unless it says less. -1: it is no
 * such number. */
static double default_rate(const struct config *c, struct err *err)
{
    const char *text = config_flag(c, "sampling-rate");
    char *end;
    if (text == NULL)
        return 1;
    double rate = strtod(text, &end);
    if (end != text && *end == '\0' && rate >= 0 && rate <= 1)
        return rate;
    err_set(err, "--sampling-rate %s: wants a number from 0 to 1", text);
    return -1;
}

/* "xray,host.docker.internal:2000" */
static size_t split_hosts(char *words, const char **out, size_t max)
{
    size_t n = 0;
    char *save, *word = strtok_r(words, ", ", &save);
    for (; word != NULL && n < max; word = strtok_r(NULL, ", ", &save))
        out[n++] = word;
    return n;
}

static void *take_otlp(void *arg, struct slice json, local_spans_fn fn,
                       void *fn_arg)
{
    struct relay *r = arg;
    return otlp_http_import(r->otlp, json, fn, fn_arg);
}

static void forget_otlp(void *taking)
{
    otlp_http_forget(taking);
}

static void on_health(void *arg, struct jw *j)
{
    struct relay *r = arg;
    const char *http = r->otlp_server[0] ? http1_bound(r->otlp_server[0]) : "";
    const char *grpc = r->grpc[0] ? otlp_grpc_bound(r->grpc[0]) : "";
    const char *udp = udp_bound(xray_udp_socket(r->udp));
    const char *const addresses[RELAY_LISTENERS] = {udp, http1_bound(r->tcp),
                                                    http, grpc, udp};
    relay_note_heard(r);
    jw_key(j, SLICE("listeners"));
    jw_array(j);
    for (size_t i = 0; i < RELAY_LISTENERS; i++)
        if (*addresses[i] != '\0')
            write_listener(r, j, i, addresses[i]);
    jw_array_end(j);
}

static void write_listener(struct relay *r, struct jw *j, size_t i,
                           const char *address)
{
    const struct listener *l = &listeners[i];
    const struct intake *in = pipeline_intake(r->pipeline, l->intake);
    jw_object(j);
    jw_key(j, SLICE("name"));
    jw_string(j, slice_str(l->name));
    jw_key(j, SLICE("protocol"));
    jw_string(j, slice_str(l->protocol));
    jw_key(j, SLICE("address"));
    jw_string(j, slice_str(address));
    jw_key(j, SLICE("packets"));
    jw_uint(j, *in->accepted + *in->retry + refused_by(in));
    jw_key(j, SLICE("documents"));
    jw_uint(j, *in->accepted);
    jw_key(j, SLICE("refused"));
    jw_uint(j, refused_by(in));
    jw_key(j, SLICE("last"));
    if (r->heard[i].last > 0)
        jw_double(j, r->heard[i].last);
    else
        jw_null(j);
    jw_key(j, SLICE("lost"));
    jw_uint(j, *in->kernel_dropped);
    jw_object_end(j);
}

/* A second is near enough for people, and costs nothing an item. */
void relay_note_heard(struct relay *r)
{
    for (size_t i = 0; i < RELAY_LISTENERS; i++) {
        const struct intake *in =
            pipeline_intake(r->pipeline, listeners[i].intake);
        uint64_t received = *in->accepted + *in->retry + refused_by(in);
        if (received == r->heard[i].received)
            continue;
        r->heard[i].received = received;
        r->heard[i].last = (double)clock_wall_ms() / 1e3;
    }
}

static uint64_t refused_by(const struct intake *in)
{
    uint64_t n = 0;
    for (int i = 0; i < REJECT_REASONS; i++)
        if (i != REJECT_INJECTED) /* told of as faults */
            n += *in->rejected[i];
    return n;
}
