/* SPDX-License-Identifier: Apache-2.0 */
/* OTLP in an X-Ray datagram: the ledger balances afterwards. */
#include <assert.h>
#include <stdint.h>

#include "input/otlp_udp.h"
#include "xr/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct slice body = slice_of(data, n);
    struct buf line;
    struct stats *stats = stats_new();
    struct pipeline *p = pipeline_new(stats);
    struct translator *t = translator_new(&(struct translate_options){0});
    struct otlp_udp *o = otlp_udp_new(p, t, false, true);

    assert(o);
    log_set_level(LOG_LEVEL_ERROR);
    buf_init(&line, 10000);
    if (otlp_udp_is(body))
        otlp_udp_handle(o, body);
    assert(pipeline_ledger(p, &line));
    buf_fini(&line);
    otlp_udp_free(o);
    translator_free(t);
    pipeline_free(p);
    stats_free(stats);
    return 0;
}
