/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `xray-relay demo`: a small sample of traces for a local mode that runs, sent
 * to its listeners as programs would send them: X-Ray segments as datagrams,
 * OpenTelemetry's spans by OTLP/HTTP. Says what it sent, and whether it came.
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "cmd.h"
#include "demo.h"
#include "local.h"
#include "local/elements.h"
#include "xr/address.h"
#include "xr/clock.h"
#include "xr/hash.h"

#define HEADER "{\"format\":\"json\",\"version\":1}\n"
#define TIMEOUT_MS 15000
#define TRACES 60
#define OVER_S 600.0 /* they seem to have happened within */
#define RUNNING_SINCE_S 8.0
#define DATAGRAM_MAX (64u << 10)
#define BODY_MAX (1u << 20)
#define FIRST_NUMBER 41207

struct demo {
    struct local *local;
    char udp[ADDRESS_TEXT_MAX], otlp[ADDRESS_TEXT_MAX];
    int socket;
    struct address to;
    char run[9];
    uint32_t dice; /* the same sample each time, but for ids and times */
    unsigned traces, segments, spans;
};

static int run(struct demo *d);
static bool find_listeners(struct demo *d);
static void keep_address(char out[ADDRESS_TEXT_MAX], struct slice address);
static bool open_socket(struct demo *d, struct err *err);
static bool tell_all(struct demo *d);
static const struct demo_story *pick(unsigned i);
static double roll(struct demo *d);
static bool tell(struct demo *d, const struct demo_story *s, double start);
static bool send_segment(struct demo *d, const struct demo_trace *t, size_t at);
static bool send_spans(struct demo *d, const struct demo_trace *t, size_t at);
static int report(struct demo *d);

int cmd_demo(struct config *c)
{
    struct local l;
    struct demo d = {.local = &l, .socket = -1, .dice = 1};
    uint8_t run_id[4];
    int status = EXIT_FAILED;
    if (local_open(&l, "demo", c)) {
        random_bytes(run_id, sizeof(run_id));
        hex_encode(run_id, sizeof(run_id), d.run);
        status = run(&d);
        local_close(&l);
    }
    if (d.socket >= 0)
        close(d.socket);
    config_free(c);
    return status;
}

static int run(struct demo *d)
{
    struct err err;
    if (!find_listeners(d))
        return local_complain(d->local);
    if (!open_socket(d, &err)) {
        local_say(d->local, "UDP %s: %s", d->udp, err.text);
        return EXIT_FAILED;
    }
    return tell_all(d) ? report(d) : EXIT_FAILED;
}

/* Where the one that runs says that it listens. Without an OTLP listener, its
 * first port takes OTLP too. */
static bool find_listeners(struct demo *d)
{
    struct arena a;
    struct slice list, one;
    local_path(d->local, "/api/health");
    if (local_send(d->local, "GET", SLICE(""), TIMEOUT_MS) != 200)
        return false;
    arena_init(&a, 1u << 20);
    list = elements_member(buf_slice(&d->local->answer), "listeners", &a);
    while (elements_next(&list, &one)) {
        struct slice protocol = elements_member(one, "protocol", &a);
        struct slice address = elements_member(one, "address", &a);
        struct slice name = elements_member(one, "name", &a);
        if (slice_is(protocol, "http"))
            keep_address(d->otlp, address);
        else if (slice_is(protocol, "udp") && !slice_is(name, "OTLP"))
            keep_address(d->udp, address);
    }
    arena_fini(&a);
    if (d->otlp[0] == '\0')
        snprintf(d->otlp, sizeof(d->otlp), "%.*s", ADDRESS_TEXT_MAX - 1,
                 d->local->base + strlen("http://"));
    return d->udp[0] != '\0';
}

static void keep_address(char out[ADDRESS_TEXT_MAX], struct slice address)
{
    if (address.n < ADDRESS_TEXT_MAX)
        snprintf(out, ADDRESS_TEXT_MAX, "%.*s", SLICE_ARG(address));
}

static bool open_socket(struct demo *d, struct err *err)
{
    if (address_parse(d->udp, SOCK_DGRAM, &d->to, err) != 0)
        return false;
    d->socket = socket(d->to.sa.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (d->socket < 0)
        err_set(err, "%s", strerror(errno));
    return d->socket >= 0;
}

/* The oldest first, more of them the nearer it gets; at last the one that
 * still runs. */
static bool tell_all(struct demo *d)
{
    double now = (double)clock_wall_ms() / 1e3;
    for (unsigned i = 0; i < TRACES; i++) {
        double left = 1 - (i + roll(d) / 2) / TRACES;
        double ago = RUNNING_SINCE_S / 2 + OVER_S * left * (0.5 + left / 2);
        if (!tell(d, pick(i), now - ago))
            return false;
    }
    return tell(d, &demo_stories[demo_stories_n - 1], now - RUNNING_SINCE_S);
}

/* Mixed, and each as often as it says. */
static const struct demo_story *pick(unsigned i)
{
    unsigned place = (i * 37 + 11) % TRACES * 100 / TRACES;
    const struct demo_story *s = demo_stories;
    while (place >= s->times)
        place -= s++->times;
    return s;
}

/* At least 0, less than 1. */
static double roll(struct demo *d)
{
    d->dice = d->dice * 1664525u + 1013904223u;
    return (d->dice >> 8) / (double)(1u << 24);
}

static bool tell(struct demo *d, const struct demo_story *s, double start)
{
    static const char *const users[] = {"alice", "bob", "carol", "dave"};
    double slow = roll(d);
    struct demo_trace t = {
        .story = s,
        .start = start,
        .pace = s->times == 0 ? 1 : 0.7 + 0.5 * roll(d) + slow * slow * slow,
        .number = FIRST_NUMBER + d->traces,
        .user = users[(unsigned)(roll(d) * 4)],
        .run = d->run,
    };
    uint8_t bytes[12];
    random_bytes(bytes, sizeof(bytes));
    snprintf(t.id, sizeof(t.id), "%08x", (unsigned)start);
    hex_encode(bytes, sizeof(bytes), t.id + 8);
    for (size_t i = 0; i < s->n; i++) {
        random_bytes(bytes, 8);
        hex_encode(bytes, 8, t.ids[i]);
    }
    for (size_t i = 0; i < s->n; i++) {
        if (s->steps[i].kind != DEMO_SERVICE)
            continue;
        bool otlp = demo_service_find(s->steps[i].name)->origin == NULL;
        if (otlp ? !send_spans(d, &t, i) : !send_segment(d, &t, i))
            return false;
    }
    d->traces++;
    return true;
}

static bool send_segment(struct demo *d, const struct demo_trace *t, size_t at)
{
    struct buf out;
    buf_init(&out, DATAGRAM_MAX);
    buf_str(&out, HEADER);
    demo_write_segment(t, at, &out);
    ssize_t n = sendto(d->socket, out.p, out.n, 0,
                       (const struct sockaddr *)&d->to.sa, d->to.len);
    if (n != (ssize_t)out.n)
        local_say(d->local, "UDP %s: %s", d->udp, strerror(errno));
    else
        d->segments++;
    buf_fini(&out);
    return n >= 0;
}

static bool send_spans(struct demo *d, const struct demo_trace *t, size_t at)
{
    struct local *l = d->local;
    struct buf body;
    buf_init(&body, BODY_MAX);
    unsigned n = demo_write_spans(t, at, &body);
    buf_clear(&l->path);
    buf_printf(&l->path, "http://%s/v1/traces", d->otlp);
    l->content_type = SLICE("application/json");
    int status = local_send(l, "POST", buf_slice(&body), TIMEOUT_MS);
    l->content_type = SLICE("");
    if (status != 200 && status >= 0)
        local_say(l, "OTLP %s: status %d", d->otlp, status);
    d->spans += n;
    buf_fini(&body);
    return status == 200;
}

static int report(struct demo *d)
{
    struct local *l = d->local;
    char filter[64], count[16];
    printf("Sent %u traces of a small shop, the way programs do:\n"
           "  %3u segments by UDP to %s, as an X-Ray SDK\n"
           "  %3u spans by OTLP/HTTP to %s, as OpenTelemetry\n",
           d->traces, d->segments, d->udp, d->spans, d->otlp);
    snprintf(filter, sizeof(filter), "annotation.demo_run = \"%s\"", d->run);
    snprintf(count, sizeof(count), "%u", d->traces);
    local_path(l, "/api/wait");
    local_param(l, "filter", filter);
    local_param(l, "count", count);
    int status = local_send(l, "GET", SLICE(""), TIMEOUT_MS);
    if (status != 200) {
        local_say(l, "not all of them have arrived: `xray-relay doctor` may "
                     "say why");
        return EXIT_FAILED;
    }
    printf("Look at them at %s/\n"
           "or here: %s ls 'fault', %s tail --since 600\n"
           "Delete them: %s clear 'annotation.demo = true'\n",
           l->base, program_invocation_name, program_invocation_name,
           program_invocation_name);
    return fflush(stdout) == 0 ? 0 : EXIT_FAILED;
}
