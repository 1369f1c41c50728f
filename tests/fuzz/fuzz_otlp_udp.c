/* SPDX-License-Identifier: Apache-2.0 */
/* OTLP in an X-Ray datagram: each item gets exactly one answer. */
#include <assert.h>
#include <stdint.h>

#include "input/otlp_udp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct slice body = slice_of(data, n);
    struct stats *stats = stats_new();
    struct pipeline *p = pipeline_new(stats);
    struct translator *t = translator_new(&(struct translate_options){0});
    struct otlp_udp *o = otlp_udp_new(p, t, false, true);

    assert(o);
    if (otlp_udp_is(body)) {
        uint64_t before = pipeline_received(p);
        otlp_udp_handle(o, SLICE("{\"format\":\"json\",\"version\":1}"), body);
        assert(pipeline_received(p) > before || n < 16);
    }
    otlp_udp_free(o);
    translator_free(t);
    pipeline_free(p);
    stats_free(stats);
    return 0;
}
