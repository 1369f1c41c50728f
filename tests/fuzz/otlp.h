/* SPDX-License-Identifier: Apache-2.0 */
/* For the two OTLP targets: a request decoded in one go and in the smallest
 * slices must give the same spans and end the same way. */
#ifndef XR_TESTS_FUZZ_OTLP_H
#define XR_TESTS_FUZZ_OTLP_H

#include <assert.h>

#include "xr/otlp.h"

enum { MEMORY_MAX = 16 << 20 };

struct seen {
    size_t spans, attributes, events, large;
    int rc;
};

static bool count_span(void *arg, const struct span *span)
{
    struct seen *s = arg;

    s->spans++;
    s->attributes += span->attributes.n;
    s->events += span->n_events;
    return true;
}

static struct seen decode(enum otlp_encoding e, struct slice body, unsigned by)
{
    struct arena arena;
    struct seen s = {0};
    struct err err = {""};

    arena_init(&arena, MEMORY_MAX);
    struct otlp_decoder *d = otlp_decoder_new(e, body, &arena);
    assert(d);
    do {
        s.rc = otlp_decode(d, by, count_span, &s, &err);
        s.large += s.rc == OTLP_SPAN_LARGE;
    } while (s.rc > 0);
    assert((s.rc < 0 || s.large) == (err.text[0] != '\0'));
    otlp_decoder_free(d);
    arena_fini(&arena);
    return s;
}

static inline void otlp_check(enum otlp_encoding e, struct slice body)
{
    struct seen whole = decode(e, body, 1000), slices = decode(e, body, 1);

    assert(whole.spans == slices.spans && whole.rc == slices.rc);
    assert(whole.attributes == slices.attributes);
    assert(whole.events == slices.events && whole.large == slices.large);
}

#endif
