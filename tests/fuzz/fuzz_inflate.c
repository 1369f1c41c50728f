/* SPDX-License-Identifier: Apache-2.0 */
/* Packed bodies: the first byte tells the coding and the size of the steps. */
#include <assert.h>
#include <stdint.h>

#include "xr/inflate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct inflater *inflater = inflater_new();
    struct slice body = slice_of(data, n);
    enum coding coding = CODING_IDENTITY;
    size_t step = 100;
    struct buf out;
    struct err err;
    int rc;

    if (n > 0) {
        coding = data[0] % CODING_UNKNOWN;
        step += data[0];
        body = slice_of(data + 1, n - 1);
    }
    buf_init(&out, 100000);
    assert(inflater && inflater_begin(inflater, coding, body));
    while ((rc = inflater_step(inflater, step, &out, &err)) == 1)
        ;
    assert(out.n <= 100000 && (rc == -1 || !out.failed));
    buf_fini(&out);
    inflater_free(inflater);
    return 0;
}
