/* SPDX-License-Identifier: Apache-2.0 */
/* From an OTLP request to segment documents: each is one JSON object. */
#include <assert.h>
#include <stdint.h>

#include "xr/otlp.h"
#include "xr/translate.h"

static bool translate_one(void *arg, const struct span *span)
{
    struct segment out[TRANSLATE_DOCUMENTS_MAX], again;
    struct err err = {""};
    int n = translate_span(arg, span, out, &err);

    assert(n <= TRANSLATE_DOCUMENTS_MAX && (n > 0 || err.text[0]));
    for (int i = 0; i < n; i++)
        assert(segment_scan(out[i].document, &again, &err) == 0);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct translate_options options = {.limit =
                                            n % 2 ? SEGMENT_MAX_BYTES : 2000};
    struct translator *t = translator_new(&options);
    struct slice body = slice_of(data, n);
    struct arena arena;
    struct err err;

    arena_init(&arena, 16 << 20);
    struct otlp_decoder *d =
        otlp_decoder_new(otlp_encoding_guess(body), body, &arena);
    assert(t && d);
    (void)otlp_decode(d, UINT32_MAX, translate_one, t, &err);
    otlp_decoder_free(d);
    arena_fini(&arena);
    translator_free(t);
    return 0;
}
