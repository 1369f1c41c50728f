/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /api/import: finds out what the body is and hands each segment document
 * in it on. Values may stand one after the other, a line each, or in an array;
 * header lines of the daemon's protocol are passed over. When the store has no
 * room left the request is held until what came before is committed; then the
 * value in which it stopped is gone over again, past the documents taken.
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
    struct http1_request *request; /* NULL: the client has gone */
    struct slice rest;             /* of the body */
    const char *format;
    struct arena arena; /* one document */
    uint64_t documents, accepted;
    uint64_t before; /* documents in the values that are done */
    uint64_t past;   /* documents met since `rest` began */
    bool full;       /* the store has no room now */
    bool given_up;   /* nor will it have */
    bool waiting;    /* for on_room */
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
static void run(struct import *x);
static void on_gone(void *arg);
static void on_room(void *arg, bool kept);
static void import_free(struct import *x);
static void import_values(struct import *x, struct slice body);
static bool next_value(struct slice *rest, struct slice *value);
static void import_value(struct import *x, struct slice value);
static struct outline outline_of(struct slice value);
static void import_traces(struct import *x, struct slice traces);
static void import_trace(struct import *x, struct slice trace);
static void import_document(struct import *x, struct slice document);
static void refuse(struct import *x, const char *code);
static void reply(struct import *x);

void api_import(struct api *a, struct http1_request *r)
{
    struct slice body = http1_body(r);
    if (is_otlp(body) && a->o.otlp != NULL) {
        a->o.otlp(a->o.otlp_arg, r);
        return;
    }
    struct import *x = calloc(1, sizeof(*x));
    if (x == NULL)
        abort();
    *x = (struct import){
        .api = a, .request = r, .rest = body, .format = "ndjson"};
    arena_init(&x->arena, ARENA_MAX);
    buf_init(&x->refused, 1u << 20);
    jw_init(&x->refusals, &x->refused);
    jw_array(&x->refusals);
    http1_on_gone(r, on_gone, x);
    run(x);
}

/* Value by value, as long as there is room. */
static void run(struct import *x)
{
    struct slice value, rest = x->rest;
    x->full = false;
    while (!x->full && next_value(&rest, &value)) {
        x->past = x->before;
        import_value(x, value);
        if (x->full)
            break;
        x->before = x->documents;
        x->rest = rest;
    }
    if (x->full) {
        x->waiting = true;
        store_flush(x->api->o.store, on_room, x);
        return;
    }
    jw_array_end(&x->refusals);
    reply(x);
    import_free(x);
}

static void on_gone(void *arg)
{
    struct import *x = arg;
    x->request = NULL;
    if (!x->waiting)
        import_free(x);
}

/* What was put is committed; or it can't be, and there will be no room. */
static void on_room(void *arg, bool kept)
{
    struct import *x = arg;
    x->waiting = false;
    x->given_up = !kept;
    if (x->request == NULL)
        import_free(x);
    else
        run(x);
}

static void import_free(struct import *x)
{
    buf_fini(&x->refused);
    arena_fini(&x->arena);
    free(x);
}

static bool is_otlp(struct slice body)
{
    struct slice first;
    return elements_next(&body, &first) && outline_of(first).otlp;
}

static void import_values(struct import *x, struct slice body)
{
    struct slice value;
    while (!x->full && next_value(&body, &value))
        import_value(x, value);
}

/* The next one, behind the end of an array too. */
static bool next_value(struct slice *rest, struct slice *value)
{
    while (!elements_next(rest, value)) {
        while (rest->n > 0 && strchr(" \t\r\n,", rest->p[0]) != NULL)
            *rest = slice_of(rest->p + 1, rest->n - 1);
        if (rest->n == 0 || rest->p[0] != ']')
            return false;
        *rest = slice_of(rest->p + 1, rest->n - 1);
    }
    return true;
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
    while (!x->full && elements_next(&traces, &value))
        import_trace(x, value);
}

static void import_trace(struct import *x, struct slice trace)
{
    struct js j;
    struct slice key = {0}, text, document;
    enum js_kind k;
    js_init(&j, trace, DEPTH_MAX);
    while (!x->full && (k = js_next(&j, &text)) != JS_END && k != JS_ERROR) {
        if (k == JS_KEY)
            key = text;
        if (k != JS_STRING || !slice_is(key, "Document"))
            continue;
        arena_reset(&x->arena);
        if (js_text(text, &x->arena, &document))
            import_document(x, document);
    }
}

/* Its name stands once more in the store's batch. One that is larger than all
 * the room there is will never have it. */
static void import_document(struct import *x, struct slice document)
{
    const char *code = "StoreFull";
    if (x->past++ < x->documents)
        return; /* before it was full */
    if (!x->given_up) {
        x->full = !store_has_room(x->api->o.store, 2 * document.n) &&
                  store_pending(x->api->o.store) > 0;
        if (x->full)
            return;
        code = x->api->o.take == NULL ? "Unsupported"
                                      : x->api->o.take(x->api->o.arg, document);
    }
    x->documents++;
    x->accepted += code == NULL;
    if (code != NULL)
        refuse(x, code);
}

static void refuse(struct import *x, const char *code)
{
    if (x->told++ >= REFUSED_MAX)
        return;
    jw_object(&x->refusals);
    jw_key(&x->refusals, SLICE("at"));
    jw_uint(&x->refusals, x->documents);
    jw_key(&x->refusals, SLICE("code"));
    jw_string(&x->refusals, slice_str(code));
    jw_object_end(&x->refusals);
}

static void reply(struct import *x)
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
    api_reply(x->request, 200, &out);
    buf_fini(&out);
}
