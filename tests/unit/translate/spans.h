/* SPDX-License-Identifier: Apache-2.0 */
/* Spans built by hand, and the documents they give, for the tests of
 * translate/. */
#ifndef XR_TEST_SPANS_H
#define XR_TEST_SPANS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "xr/translate.h"

enum { FIXTURE_ATTRIBUTES = 256 };

struct fixture {
    struct translate_options options;
    struct translator *translator;
    struct attribute attributes[FIXTURE_ATTRIBUTES];
    struct attribute resource_attributes[32];
    struct resource resource;
    struct scope scope;
    struct span span;
    struct span_event event;
    struct attribute event_attributes[3];
    struct segment out[TRANSLATE_DOCUMENTS_MAX];
    char text[TRANSLATE_DOCUMENTS_MAX][1 << 20];
};

static inline void fixture_begin(struct fixture *f, int kind, bool has_parent)
{
    memset(f, 0, sizeof(*f));
    f->resource.attributes.items = f->resource_attributes;
    f->span = (struct span){
        .kind = kind,
        .name = SLICE("op"),
        .start_ns = UINT64_C(1700000000500000000),
        .end_ns = UINT64_C(1700000001000000000),
        .attributes = {.items = f->attributes},
        .resource = &f->resource,
        .scope = &f->scope,
    };
    memset(f->span.trace_id, 0x11, 16);
    memset(f->span.span_id, 0x22, 8);
    if (has_parent)
        memset(f->span.parent_id, 0x33, 8);
}

static inline struct value *fixture_add(struct fixture *f, const char *key)
{
    struct attribute *a = &f->attributes[f->span.attributes.n++];

    assert_true(f->span.attributes.n <= FIXTURE_ATTRIBUTES);
    a->key = slice_str(key);
    return &a->value;
}

static inline void add_text(struct fixture *f, const char *key,
                            const char *text)
{
    *fixture_add(f, key) =
        (struct value){.kind = VALUE_STRING, .text = slice_str(text)};
}

static inline void add_int(struct fixture *f, const char *key, int64_t i)
{
    *fixture_add(f, key) = (struct value){.kind = VALUE_INT, .i = i};
}

static inline void add_resource(struct fixture *f, const char *key,
                                const char *text)
{
    uint32_t n = f->resource.attributes.n++;

    f->resource_attributes[n].key = slice_str(key);
    f->resource_attributes[n].value =
        (struct value){.kind = VALUE_STRING, .text = slice_str(text)};
}

static inline void add_exception(struct fixture *f, const char *stack)
{
    static const char *const keys[] = {
        "exception.type",
        "exception.message",
        "exception.stacktrace",
    };
    const char *texts[] = {"T", "M", stack};

    for (int i = 0; i < 3; i++) {
        f->event_attributes[i].key = slice_str(keys[i]);
        f->event_attributes[i].value = (struct value){
            .kind = VALUE_STRING,
            .text = slice_str(texts[i]),
        };
    }
    f->event = (struct span_event){
        .name = SLICE("exception"),
        .attributes = {f->event_attributes, 3},
    };
    f->span.events = &f->event;
    f->span.n_events = 1;
}

/* Translates and keeps the documents as texts. */
static inline int fixture_run(struct fixture *f)
{
    struct err err;

    if (!f->translator)
        f->translator = translator_new(&f->options);
    assert_non_null(f->translator);
    translator_begin_request(f->translator);
    int n = translate_span(f->translator, &f->span, f->out, &err);
    for (int i = 0; i < n; i++) {
        struct segment scanned;
        assert_true(f->out[i].document.n < sizeof(f->text[i]));
        snprintf(f->text[i], sizeof(f->text[i]), "%.*s",
                 SLICE_ARG(f->out[i].document));
        assert_int_equal(segment_scan(f->out[i].document, &scanned, &err), 0);
        assert_true(slice_eq(scanned.id, f->out[i].id));
        assert_true(slice_eq(scanned.name, f->out[i].name));
        assert_true(slice_eq(scanned.trace_id, f->out[i].trace_id));
        assert_true(slice_eq(scanned.parent_id, f->out[i].parent_id));
        assert_int_equal(scanned.subsegment, f->out[i].subsegment);
        assert_int_equal(scanned.in_progress, f->out[i].in_progress);
    }
    return n;
}

static inline void fixture_end(struct fixture *f)
{
    translator_free(f->translator);
    f->translator = NULL;
}

#define assert_has(f, part)                                                    \
    do {                                                                       \
        if (!strstr((f)->text[0], part))                                       \
            fail_msg("no %s in %s", part, (f)->text[0]);                       \
    } while (0)
#define assert_has_not(f, part)                                                \
    do {                                                                       \
        if (strstr((f)->text[0], part))                                        \
            fail_msg("%s is in %s", part, (f)->text[0]);                       \
    } while (0)

#endif
