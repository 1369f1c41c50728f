/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON reader: any bytes; and decoding the escapes of each string. */
#include <assert.h>
#include <stdlib.h>

#include "xr/json_scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct js j;
    struct slice text;
    enum js_kind kind;

    js_init(&j, slice_of(data, n), 64);
    while ((kind = js_next(&j, &text)) > JS_END) {
        if (kind == JS_KEY || kind == JS_STRING) {
            char *out = malloc(text.n + 1);
            assert(js_unescape(text, out) <= text.n);
            free(out);
        }
    }
    assert((kind == JS_ERROR) == (j.why != NULL));
    assert(js_offset(&j) <= n && js_next(&j, NULL) == kind);
    return 0;
}
