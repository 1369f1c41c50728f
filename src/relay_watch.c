/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the relay looks at each second: datagrams that the kernel has dropped,
 * with the mend, and whether anything arrives at all. And what it looks at when
 * /metrics is asked for.
 */
#include <string.h>

#include "relay.h"
#include "xr/clock.h"
#include "xr/log.h"

#define SECOND_MS 1000
#define WARN_EVERY_MS 60000

static void on_second(void *arg);
static void on_render(void *arg);
static void show_translation(struct relay *r);
static void warn_drops(struct relay *r);
static void hint_if_quiet(struct relay *r);

void relay_watch_start(struct relay *r)
{
    r->second = timer_new(r->loop, on_second, r);
    timer_start(r->second, SECOND_MS);
    r->longest_turn = stats_gauge(
        r->stats, "xray_relay_loop_turn_cpu_microseconds_max", "",
        "CPU time of the event loop's longest turn since this was last read.");
    stats_on_render(r->stats, on_render, r);
}

void relay_count_drops(struct relay *r)
{
    if (r->udp == NULL) /* a Lambda extension goes on without */
        return;
    struct udp *socket = xray_udp_socket(r->udp);
    udp_update_drops(socket);
    *pipeline_intake(r->pipeline, "udp")->kernel_dropped =
        udp_stats(socket)->kernel_drops;
}

static void on_render(void *arg)
{
    struct relay *r = arg;
    relay_count_drops(r);
    *r->longest_turn = loop_longest_turn_us(r->loop);
    show_translation(r);
}

/* What the translator left out, and what X-Ray will not index. */
static void show_translation(struct relay *r)
{
    const struct translate_counts *n = translator_counts(r->translator);
    const struct {
        const char *label;
        uint64_t count;
    } rows[] = {
        {"what=\"metadata\"", n->cut_metadata},
        {"what=\"frames\"", n->cut_frames},
        {"what=\"statements\"", n->cut_statements},
        {"what=\"messages\"", n->cut_messages},
        {"what=\"others\"", n->cut_others},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        *stats_counter(r->stats, "xray_relay_cuts_total", rows[i].label,
                       "Values cut for documents to fit into 64 KB.") =
            rows[i].count;
    *stats_counter(r->stats, "xray_relay_over_annotated_total", "",
                   "Documents with more annotations than X-Ray indexes (50 of "
                   "a trace), sent whole.") = n->over_annotated;
    *stats_counter(r->stats, "xray_relay_sampled_out_total", "",
                   "Spans that probabilistic_sampler left out.") =
        n->sampled_out;
}

static void on_second(void *arg)
{
    struct relay *r = arg;
    relay_count_drops(r);
    if (r->udp != NULL) {
        warn_drops(r);
        hint_if_quiet(r);
    }
    if (r->traces != NULL)
        relay_note_heard(r);
    timer_start(r->second, SECOND_MS);
}

/* At most once a minute. */
static void warn_drops(struct relay *r)
{
    const struct udp_stats *s = udp_stats(xray_udp_socket(r->udp));
    int64_t now = clock_mono_ms();
    uint64_t new = s->kernel_drops - r->drops_warned;
    if (new == 0 ||
        (r->drops_warned_ms != 0 && now - r->drops_warned_ms < WARN_EVERY_MS))
        return;
    log_warn("The kernel has dropped %llu datagrams at %s since the last "
             "warning: the receive buffer of %llu KiB was full. Grant more "
             "by the sysctl net.core.rmem_max or the capability "
             "CAP_NET_ADMIN",
             (unsigned long long)new, udp_bound(xray_udp_socket(r->udp)),
             (unsigned long long)(s->receive_buffer >> 10));
    r->drops_warned = s->kernel_drops;
    r->drops_warned_ms = now;
}

/* Once, if nothing has come since the start. */
static void hint_if_quiet(struct relay *r)
{
    int64_t after_s = r->options->quiet_hint_s;
    struct udp *socket = xray_udp_socket(r->udp);
    if (r->hinted || after_s == 0 ||
        clock_mono_ms() - r->started_ms < after_s * 1000)
        return;
    r->hinted = true;
    if (udp_stats(socket)->datagrams > 0 || pipeline_received(r->pipeline) > 0)
        return;
    bool loopback = strncmp(udp_bound(socket), "127.", 4) == 0 ||
                    strncmp(udp_bound(socket), "[::1]", 5) == 0;
    log_warn("Nothing has arrived in %lld s. Listening for datagrams on UDP "
             "%s%s. Usual causes: the port is published for TCP only, or the "
             "SDK's AWS_XRAY_DAEMON_ADDRESS names another address",
             (long long)after_s, udp_bound(socket),
             loopback ? ", which other containers cannot reach (start with "
                        "-b 0.0.0.0:2000 there)"
                      : "");
}
