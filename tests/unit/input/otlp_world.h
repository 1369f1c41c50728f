/* SPDX-License-Identifier: Apache-2.0 */
/* What stands behind an OTLP server in its tests: a pipeline with a sink that
 * counts, and the translator. */
#ifndef XR_TESTS_OTLP_WORLD_H
#define XR_TESTS_OTLP_WORLD_H

#include "../otlp_make.h"
#include "../wire.h"

static struct stats *stats;
static struct pipeline *pipeline;
static struct translator *translator;
static struct count_sink sink;
static struct intake *intake; /* of the server */
static struct buf body, packed;

static inline void world_begin(void)
{
    static const struct translate_options plain = {.limit = 65536};
    struct err err;
    wire_loop = loop_new(&err);
    stats = stats_new();
    pipeline = pipeline_new(stats);
    count_sink_init(&sink);
    pipeline_add(pipeline, &sink.sink);
    translator = translator_new(&plain);
    buf_init(&body, 64u << 20);
    buf_init(&packed, 64u << 20);
}

/* The server is gone. */
static inline void world_end(void)
{
    translator_free(translator);
    pipeline_free(pipeline);
    stats_free(stats);
    loop_free(wire_loop);
    buf_fini(&body);
    buf_fini(&packed);
}

#endif
