/* SPDX-License-Identifier: Apache-2.0 */
/* Base64: any text; what is taken comes back the same way. */
#include <assert.h>
#include <stdlib.h>

#include "xr/hash.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    uint8_t *out = malloc(n / 4 * 3 + 1), *back = malloc(n + 3);
    char *text = malloc(n + 1);
    long len = base64_decode(slice_of(data, n), out);

    assert(out && back && text && len >= -1);
    if (len >= 0) {
        size_t m = base64_encode(slice_of(out, (size_t)len), text);
        assert(m == n && base64_decode(slice_of(text, m), back) == len);
        assert(memcmp(out, back, (size_t)len) == 0);
    }
    free(out);
    free(back);
    free(text);
    return 0;
}
