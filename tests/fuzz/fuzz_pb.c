/* SPDX-License-Identifier: Apache-2.0 */
/* The protobuf reader: any bytes, and each bytes field as a message again. */
#include <assert.h>

#include "xr/pb.h"

static void walk(struct slice message, int depth)
{
    struct pb r;
    struct pb_field f;
    int rc;

    pb_init(&r, message);
    while ((rc = pb_next(&r, &f)) == 1) {
        assert(f.number > 0 && pb_offset(&r) <= message.n);
        if (f.type == PB_BYTES && depth < 16)
            walk(f.bytes, depth + 1);
    }
    assert(rc == -1 || pb_offset(&r) == message.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    walk(slice_of(data, n), 0);
    return 0;
}
