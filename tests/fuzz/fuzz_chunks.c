/* SPDX-License-Identifier: Apache-2.0 */
/* A chunked body, decoded in place while it arrives; the first byte tells in
 * pieces of what size. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "net/http1_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct http1_chunks c = {0};
    struct http1_fault fault = {0};
    char *body = malloc(n + 1);
    size_t have = 0, piece = n ? data[0] % 16 + 1 : 1, next = n > 0;
    int rc = 0;

    assert(body);
    while (rc == 0 && next < n) {
        size_t k = n - next < piece ? n - next : piece;
        memcpy(body + have, data + next, k);
        have += k;
        next += k;
        rc = http1_chunks_feed(&c, body, have, 1000, &fault);
        assert(c.written <= c.read && c.read <= have && c.written <= 1000);
        assert((rc == -1) == (fault.status >= 400));
    }
    free(body);
    return 0;
}
