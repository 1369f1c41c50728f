/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /api/import: the body is taken apart while it comes, and each segment
 * document in it is handed on; header lines of the daemon's protocol are passed
 * over, and OTLP goes the way of OTLP, resource by resource. When the store has
 * no room left the body waits until what came before is committed, and the
 * answer does so in any case.
 */
#include <stdlib.h>

#include "api_parts.h"
#include "elements.h"
#include "import_split.h"
#include "xr/json_scan.h"
#include "xr/loop.h"

#define REFUSED_MAX 100
#define DEPTH_MAX TRACE_JSON_DEPTH_MAX
#define ARENA_MAX (64u << 20)
#define HEADER_MAX 256
/* Segment documents are larger than the spans they are made of. */
#define GROWTH 4

struct import {
    struct api *api;
    struct http1_request *request; /* NULL: the client has gone */
    struct import_split split;
    const char *format;
    struct arena arena; /* one document */
    struct buf spans;   /* the OTLP request that is being taken */
    void *taking;       /* its handle, if that takes longer */
    bool again;         /* it found no room */
    bool waiting;       /* for on_room, on_spans or on_kept */
    bool over;          /* the body */
    bool given_up;      /* there will be no room */
    uint64_t documents, accepted;
    struct buf refused;
    struct jw refusals;
    unsigned told;
};

static size_t on_body(void *arg, struct slice body, bool last);
static bool import_item(struct import *x, enum import_kind kind,
                        struct slice item);
static bool make_room(struct import *x, size_t bytes);
static void on_room(void *arg, bool kept);
static void go_on(struct import *x);
static void import_value(struct import *x, struct slice value);
static bool is_header(struct slice value);
static void import_segment(struct import *x, struct slice segment);
static void import_document(struct import *x, struct slice document);
static void import_spans(struct import *x, struct slice resource_spans);
static void take_spans(struct import *x);
static void on_spans(void *arg, uint64_t accepted, uint64_t refused,
                     const char *why, bool full);
static void refuse_one(struct import *x, const char *code);
static void refuse(struct import *x, const char *code);
static void on_gone(void *arg);
static void finish(struct import *x);
static void on_kept(void *arg, bool kept);
static void reply(struct import *x);
static void import_free(struct import *x);

void api_import(struct api *a, struct http1_request *r)
{
    struct import *x = calloc(1, sizeof(*x));
    if (x == NULL)
        abort();
    *x = (struct import){.api = a, .request = r, .format = "ndjson"};
    import_split_init(&x->split, http1_body_max(r));
    arena_init(&x->arena, ARENA_MAX);
    buf_init(&x->spans, http1_body_max(r) + 64);
    buf_init(&x->refused, 1u << 20);
    jw_init(&x->refusals, &x->refused);
    jw_array(&x->refusals);
    http1_on_gone(r, on_gone, x);
    http1_take_body(r, on_body, x);
}

/* Item by item, as long as there is room and time. One for which there is no
 * room is met again. */
static size_t on_body(void *arg, struct slice body, bool last)
{
    struct import *x = arg;
    enum import_kind kind = IMPORT_NOTHING;
    struct slice item;
    size_t done = 0, used;
    if (x->waiting) {
        x->over = last && body.n == 0;
        return 0;
    }
    do {
        struct import_split before = x->split;
        kind =
            import_split_next(&x->split, slice_of(body.p + done, body.n - done),
                              last, &used, &item);
        if (!import_item(x, kind, item)) {
            x->split = before;
            return done;
        }
        done += used;
    } while (kind != IMPORT_NOTHING && !x->waiting &&
             !loop_turn_is_long(x->api->o.loop));
    x->over = last && done == body.n;
    if (x->over && !x->waiting)
        finish(x);
    return done;
}

/* False: there is no room for it now. */
static bool import_item(struct import *x, enum import_kind kind,
                        struct slice item)
{
    bool spans = kind == IMPORT_RESOURCE_SPANS;
    if (!make_room(x, (spans ? GROWTH : 2) * item.n))
        return false;
    switch (kind) {
    case IMPORT_NOTHING:
        break;
    case IMPORT_VALUE:
        import_value(x, item);
        break;
    case IMPORT_SEGMENT:
        import_segment(x, item);
        break;
    case IMPORT_RESOURCE_SPANS:
        import_spans(x, item);
        break;
    case IMPORT_TOO_LARGE:
        refuse_one(x, "SegmentTooLarge");
        break;
    }
    return true;
}

/* What is larger than all the room there is will never have it, and is left to
 * the store. */
static bool make_room(struct import *x, size_t bytes)
{
    struct store *s = x->api->o.store;
    if (bytes == 0 || x->given_up || store_has_room(s, bytes) ||
        store_pending(s) == 0)
        return true;
    x->waiting = true;
    store_flush(s, on_room, x);
    return false;
}

/* What was put is committed; or it can't be, and there will be no room. */
static void on_room(void *arg, bool kept)
{
    struct import *x = arg;
    bool again = x->again;
    x->waiting = x->again = false;
    x->given_up = !kept;
    if (x->request == NULL) {
        import_free(x);
        return;
    }
    if (again && kept)
        take_spans(x);
    else if (again)
        refuse_one(x, "StoreFull");
    if (!x->waiting)
        go_on(x);
}

static void go_on(struct import *x)
{
    if (x->over)
        finish(x);
    else
        http1_body_go_on(x->request);
}

static void import_value(struct import *x, struct slice value)
{
    if (is_header(value))
        x->format = "datagrams";
    else
        import_document(x, value);
}

/* {"format": "json", "version": 1}: of a header there is not more. */
static bool is_header(struct slice value)
{
    bool format = false;
    struct js j;
    struct slice key, text;
    js_init(&j, value, DEPTH_MAX);
    if (value.n > HEADER_MAX || js_next(&j, NULL) != JS_OBJECT)
        return false;
    while (js_next(&j, &key) == JS_KEY) {
        if (slice_is(key, "id") || slice_is(key, "trace_id"))
            return false;
        format |= slice_is(key, "format");
        if (!js_skip(&j, js_next(&j, &text)))
            break;
    }
    return format;
}

/* {"Id", "Document"} */
static void import_segment(struct import *x, struct slice segment)
{
    x->format = "batchget";
    arena_reset(&x->arena);
    import_document(x, elements_member(segment, "Document", &x->arena));
}

static void import_document(struct import *x, struct slice document)
{
    const char *(*take)(void *, struct slice) = x->api->o.take;
    const char *code = "StoreFull";
    if (!x->given_up)
        code = take == NULL ? "Unsupported" : take(x->api->o.arg, document);
    if (code != NULL) {
        refuse_one(x, code);
        return;
    }
    x->documents++;
    x->accepted++;
}

/* Made a request again. */
static void import_spans(struct import *x, struct slice resource_spans)
{
    x->format = "otlp";
    buf_clear(&x->spans);
    buf_str(&x->spans, "{\"resourceSpans\":[");
    buf_append(&x->spans, resource_spans);
    buf_str(&x->spans, "]}");
    if (x->api->o.otlp.take != NULL && !x->given_up) {
        take_spans(x);
        return;
    }
    refuse_one(x, x->given_up ? "StoreFull" : "Unsupported");
}

static void take_spans(struct import *x)
{
    const struct local_otlp *otlp = &x->api->o.otlp;
    x->waiting = true;
    x->taking = otlp->take(otlp->arg, buf_slice(&x->spans), on_spans, x);
}

static void on_spans(void *arg, uint64_t accepted, uint64_t refused,
                     const char *why, bool full)
{
    struct import *x = arg;
    struct store *s = x->api->o.store;
    bool later = x->taking != NULL;
    x->taking = NULL;
    x->again = full && !x->given_up && store_pending(s) > 0;
    if (x->again) {
        store_flush(s, on_room, x);
        return;
    }
    x->waiting = false;
    x->documents += accepted + refused + full;
    x->accepted += accepted;
    if (refused > 0 || full)
        refuse(x, full ? "StoreFull" : why);
    if (later)
        go_on(x);
}

static void refuse_one(struct import *x, const char *code)
{
    x->documents++;
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

static void on_gone(void *arg)
{
    struct import *x = arg;
    x->request = NULL;
    if (x->taking != NULL)
        x->api->o.otlp.cancel(x->taking);
    if (x->taking != NULL || !x->waiting)
        import_free(x);
}

static void finish(struct import *x)
{
    x->waiting = true;
    store_flush(x->api->o.store, on_kept, x);
}

static void on_kept(void *arg, bool kept)
{
    struct import *x = arg;
    (void)kept; /* if not, the store keeps what it can, and health tells */
    if (x->request != NULL)
        reply(x);
    import_free(x);
}

static void reply(struct import *x)
{
    struct buf out;
    struct jw j;
    jw_array_end(&x->refusals);
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

static void import_free(struct import *x)
{
    buf_fini(&x->spans);
    buf_fini(&x->refused);
    arena_fini(&x->arena);
    free(x);
}
