/* SPDX-License-Identifier: Apache-2.0 */
/* The head of an HTTP/1 request, at once and as it arrives byte by byte. */
#include <assert.h>
#include <stdint.h>

#include "net/http1_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct http1_head head;
    struct http1_fault fault = {0};
    size_t searched = 0, slowly = 0, have = 0;
    long len = http1_parse_head(slice_of(data, n), &searched, &head, &fault);
    long later = 0;

    assert(len <= (long)n && (len >= 0 || fault.status >= 400));
    while (later == 0 && have < n)
        later =
            http1_parse_head(slice_of(data, ++have), &slowly, &head, &fault);
    assert(later == len || (later < 0 && len < 0) || n == 0);
    return 0;
}
