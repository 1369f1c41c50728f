/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters and gauges by name, and their Prometheus text. A module asks once
 * for a place and then adds to it; nothing is looked up on the hot path.
 */
#ifndef XR_STATS_H
#define XR_STATS_H

#include <stdint.h>

#include "xr/buf.h"

#define STATS_MAX 512

struct stats;

/* Never NULL: without memory the program ends. */
struct stats *stats_new(void);
void stats_free(struct stats *s);
/* The value's place, good for the life of s. The same name and labels give the
 * same place. name: Prometheus style, `xray_relay_..._total`; labels: inside
 * of the braces, "" for none (`input="udp",reason="no_header"`), copied; help:
 * one sentence. Name and help are kept as they are, so literals. */
uint64_t *stats_counter(struct stats *s, const char *name, const char *labels,
                        const char *help);
int64_t *stats_gauge(struct stats *s, const char *name, const char *labels,
                     const char *help);
/* Called before each rendering, to bring gauges up to date. */
void stats_on_render(struct stats *s, void (*fn)(void *), void *arg);
/* Appends the text exposition format 0.0.4. */
void stats_render(struct stats *s, struct buf *out);

#endif
