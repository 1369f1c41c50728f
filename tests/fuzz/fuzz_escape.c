/* SPDX-License-Identifier: Apache-2.0 */
/* Escaping, in pieces of any size: gives a JSON string; done again on what it
 * means, it gives the same. */
#include <assert.h>

#include "xr/json_out.h"
#include "xr/json_scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static char once[6 * 4096 + 2], back[6 * 4096], twice[6 * 4096];
    struct slice rest = slice_of(data, n < 4096 ? n : 4096), text;
    size_t piece = n ? 6 + data[0] % 64 : 6, used = 1;
    struct js j;

    once[0] = '"';
    while (rest.n)
        used += json_escape(once + used, piece, &rest);
    once[used++] = '"';
    js_init(&j, slice_of(once, used), 1);
    assert(js_next(&j, &text) == JS_STRING && js_next(&j, NULL) == JS_END);
    rest = slice_of(back, js_unescape(text, back));
    assert(json_escape(twice, sizeof(twice), &rest) == text.n && rest.n == 0);
    assert(text.n == 0 || memcmp(twice, text.p, text.n) == 0);
    return 0;
}
