/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /api/import: finds out what the body is and hands each segment document
 * in it on. Values may stand one after the other, a line each, or in an array;
 * header lines of the daemon's protocol are passed over.
 */
#include <stdlib.h>

#include "api_parts.h"
#include "elements.h"
#include "xr/json_scan.h"

#define REFUSED_MAX 100
#define ARRAYS_MAX 3 /* in each other */
#define DEPTH_MAX TRACE_JSON_DEPTH_MAX
#define ARENA_MAX (64u << 20)

struct import {
    struct api *api;
    const char *format;
    struct arena arena; /* one document */
    uint64_t documents, accepted;
    struct buf refused;
    struct jw refusals;
    unsigned told, depth;
};

/* What a top-level value of the body is. */
struct outline {
    bool header, otlp, segment;
    struct slice traces; /* BatchGetTraces */
};

static bool is_otlp(struct slice body);
static void import_values(struct import *x, struct slice body);
static void import_value(struct import *x, struct slice value);
static struct outline outline_of(struct slice value);
static void import_traces(struct import *x, struct slice traces);
static void import_trace(struct import *x, struct slice trace);
static void import_document(struct import *x, struct slice document);
static void reply(struct import *x, struct http1_request *r);

void api_import(struct api *a, struct http1_request *r)
{
    struct slice body = http1_body(r);
    struct import x = {.api = a, .format = "ndjson"};
    if (is_otlp(body) && a->o.otlp != NULL) {
        a->o.otlp(a->o.otlp_arg, r);
        return;
    }
    arena_init(&x.arena, ARENA_MAX);
    buf_init(&x.refused, 1u << 20);
    jw_init(&x.refusals, &x.refused);
    jw_array(&x.refusals);
    import_values(&x, body);
    jw_array_end(&x.refusals);
    reply(&x, r);
    buf_fini(&x.refused);
    arena_fini(&x.arena);
}

static bool is_otlp(struct slice body)
{
    struct slice first;
    return elements_next(&body, &first) && outline_of(first).otlp;
}

static void import_values(struct import *x, struct slice body)
{
    struct slice value;
    while (elements_next(&body, &value))
        import_value(x, value);
}

static void import_value(struct import *x, struct slice value)
{
    if (value.p[0] == '[' && x->depth < ARRAYS_MAX) {
        x->depth++;
        import_values(x, value);
        x->depth--;
        return;
    }
    struct outline o = outline_of(value);
    if (o.traces.n > 0) {
        x->format = "batchget";
        import_traces(x, o.traces);
    } else if (o.header && !o.segment) {
        x->format = "datagrams";
    } else {
        import_document(x, value);
    }
}

/* By the members at the top: of a header line there are only two. */
static struct outline outline_of(struct slice value)
{
    struct outline o = {0};
    struct js j;
    struct slice key, text;
    enum js_kind k;
    js_init(&j, value, DEPTH_MAX);
    if (js_next(&j, NULL) != JS_OBJECT)
        return o;
    while (js_next(&j, &key) == JS_KEY) {
        k = js_next(&j, &text);
        size_t from = js_offset(&j) - 1;
        if (!js_skip(&j, k))
            break;
        if (k == JS_ARRAY && slice_is(key, "Traces"))
            o.traces = slice_of(value.p + from, js_offset(&j) - from);
        else if (k == JS_ARRAY && slice_is(key, "resourceSpans"))
            o.otlp = true;
        else if (slice_is(key, "format"))
            o.header = true;
        else if (slice_is(key, "id") || slice_is(key, "trace_id"))
            o.segment = true;
    }
    return o;
}

/* [{"Id", "Segments": [{"Id", "Document"}]}] */
static void import_traces(struct import *x, struct slice traces)
{
    struct slice value;
    while (elements_next(&traces, &value))
        import_trace(x, value);
}

static void import_trace(struct import *x, struct slice trace)
{
    struct js j;
    struct slice key = {0}, text, document;
    enum js_kind k;
    js_init(&j, trace, DEPTH_MAX);
    while ((k = js_next(&j, &text)) != JS_END && k != JS_ERROR) {
        if (k == JS_KEY)
            key = text;
        if (k != JS_STRING || !slice_is(key, "Document"))
            continue;
        arena_reset(&x->arena);
        if (js_text(text, &x->arena, &document))
            import_document(x, document);
    }
}

static void import_document(struct import *x, struct slice document)
{
    const char *code = x->api->o.take == NULL
                           ? "Unsupported"
                           : x->api->o.take(x->api->o.arg, document);
    x->documents++;
    if (code == NULL) {
        x->accepted++;
        return;
    }
    if (x->told++ >= REFUSED_MAX)
        return;
    jw_object(&x->refusals);
    jw_key(&x->refusals, SLICE("at"));
    jw_uint(&x->refusals, x->documents);
    jw_key(&x->refusals, SLICE("code"));
    jw_string(&x->refusals, slice_str(code));
    jw_object_end(&x->refusals);
}

static void reply(struct import *x, struct http1_request *r)
{
    struct buf out;
    struct jw j;
    buf_init(&out, 2u << 20);
    jw_init(&j, &out);
    jw_object(&j);
    jw_key(&j, SLICE("format"));
    jw_string(&j, slice_str(x->format));
    jw_key(&j, SLICE("documents"));
    jw_uint(&j, x->documents);
    jw_key(&j, SLICE("accepted"));
    jw_uint(&j, x->accepted);
    jw_key(&j, SLICE("refused"));
    jw_raw(&j, buf_slice(&x->refused));
    jw_object_end(&j);
    api_reply(r, 200, &out);
    buf_fini(&out);
}
