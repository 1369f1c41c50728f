/* SPDX-License-Identifier: Apache-2.0 */
/* A datagram of an X-Ray SDK: header line, then a segment document. */
#include <assert.h>
#include <stdint.h>

#include "input/xray_header.h"
#include "xr/segment.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    const char *p = (const char *)data, *lf = n ? memchr(p, '\n', n) : NULL;
    size_t header = lf ? (size_t)(lf - p) : n;
    struct slice document = slice_of(p, 0);
    struct segment seg;
    struct err err;

    (void)!xray_header_ok(slice_of(p, header));
    if (lf)
        document = slice_of(lf + 1, n - header - 1);
    if (segment_scan(document, &seg, &err) == 0)
        assert(slice_eq(seg.document, document) && seg.id.n <= n);
    else
        assert(err.text[0]);
    return 0;
}
