/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Segment documents over TCP: POST /TraceSegments, the body of the service's
 * own PutTraceSegments call. A way in for documents that no datagram holds,
 * and for networks without UDP. Unlike a datagram's sender this one is told
 * what became of each document. Knows neither sinks nor AWS.
 */
#include <stdlib.h>

#include "xr/input.h"
#include "xr/json_out.h"
#include "xr/json_scan.h"
#include "xr/log.h"

#define JSON "application/json"
#define REQUEST_DEPTH_MAX 64
#define ANSWER_MAX (8u << 20)
#define RETRY_AFTER_S "1"
#define TOO_LARGE_WHY "the body is too large: send fewer documents at a time"
#define COMPRESSED_WHY "the body must not be compressed"

struct xray_tcp {
    struct pipeline *pipeline;
    struct intake *intake;
    char *scratch; /* one document, unescaped */
    size_t scratch_n;
    void (*commit)(void *arg, void (*done)(void *arg, bool kept),
                   void *done_arg);
    void *commit_arg;
    bool as_service;
    size_t body_max, document_max;
};

/* An answer that waits until the documents are kept. */
struct held {
    struct http1_request *request; /* NULL: the client has gone */
    struct buf answer;
};

/* What is done with each string of TraceSegmentDocuments, in escaped form. */
typedef void (*document_fn)(void *arg, struct slice raw);

/* The answer while it grows. */
struct reply {
    struct xray_tcp *x;
    struct http1_request *request;
    struct jw *jw;
};

static int each_document(struct slice body, document_fn fn, void *arg,
                         struct err *err);
static int documents_of_list(struct js *j, document_fn fn, void *arg,
                             struct err *err);
static int syntax(const struct js *j, struct err *err);
static void answer_request(struct xray_tcp *x, struct http1_request *r,
                           struct buf *answer);
static void take_request(struct xray_tcp *x, struct http1_request *r);
static void held_gone(void *arg);
static void held_done(void *arg, bool kept);
static const char *code_of(const char *text);
static void count_document(void *arg, struct slice raw);
static void take_document(void *arg, struct slice raw);
static void unprocessed(struct reply *r, struct slice id, const char *code,
                        const char *message);
static void reject(struct xray_tcp *x, struct http1_request *r,
                   enum reject_reason reason, struct slice text,
                   const char *why);
static bool scratch_hold(struct xray_tcp *x, size_t n);
static void reply_error(struct http1_request *r, int status, const char *code,
                        const char *text);

struct xray_tcp *xray_tcp_new(struct pipeline *p)
{
    struct xray_tcp *x = calloc(1, sizeof(*x));
    if (!x)
        log_fatal("out of memory for segments over TCP");
    x->pipeline = p;
    x->intake = pipeline_intake(p, "tcp");
    x->body_max = SIZE_MAX; /* the server's */
    x->document_max = SEGMENT_MAX_BYTES;
    return x;
}

void xray_tcp_free(struct xray_tcp *x)
{
    if (!x)
        return;
    free(x->scratch);
    free(x);
}

void xray_tcp_on_commit(struct xray_tcp *x,
                        void (*commit)(void *arg,
                                       void (*done)(void *arg, bool kept),
                                       void *done_arg),
                        void *arg)
{
    x->commit = commit;
    x->commit_arg = arg;
}

void xray_tcp_as_service(struct xray_tcp *x, size_t body_max,
                         size_t document_max)
{
    x->as_service = true;
    x->body_max = body_max;
    x->document_max = document_max;
}

void xray_tcp_handle(void *arg, struct http1_request *r)
{
    struct xray_tcp *x = arg;
    struct slice body = http1_body(r);
    struct slice encoding = http1_header(r, "content-encoding");
    struct err err;
    uint64_t n = 0;
    if (encoding.n > 0 && !slice_is_nocase(encoding, "identity")) {
        reject(x, r, REJECT_INVALID, SLICE(""), COMPRESSED_WHY);
        reply_error(r, 415, "InvalidRequestException", COMPRESSED_WHY);
        return;
    }
    if (body.n > x->body_max) {
        reject(x, r, REJECT_TOO_LARGE, SLICE(""), TOO_LARGE_WHY);
        reply_error(r, 413, "InvalidRequestException", TOO_LARGE_WHY);
        return;
    }
    /* The whole is checked before the first document is taken. */
    if (each_document(body, count_document, &n, &err) < 0) {
        reject(x, r, REJECT_NOT_AN_OBJECT, body, err.text);
        reply_error(r, 400, "InvalidRequestException", err.text);
        return;
    }
    if (!pipeline_has_room(x->pipeline, body.n) || !scratch_hold(x, body.n)) {
        *x->intake->retry += n;
        http1_add(r, "Retry-After", SLICE(RETRY_AFTER_S));
        reply_error(r, 503, "ServiceUnavailableException",
                    "the buffer is full; send again later");
        return;
    }
    take_request(x, r);
}

/* Takes what can be taken; the answer names the rest. */
static void take_request(struct xray_tcp *x, struct http1_request *r)
{
    struct buf out;
    struct jw jw;
    struct err err;
    struct reply growing = {x, r, &jw};
    buf_init(&out, ANSWER_MAX);
    jw_init(&jw, &out);
    jw_object(&jw);
    jw_key(&jw, SLICE("UnprocessedTraceSegments"));
    jw_array(&jw);
    (void)each_document(http1_body(r), take_document, &growing, &err);
    jw_array_end(&jw);
    jw_object_end(&jw);
    answer_request(x, r, &out);
}

/* The answer's memory is taken over. */
static void answer_request(struct xray_tcp *x, struct http1_request *r,
                           struct buf *answer)
{
    struct held *h = x->commit ? malloc(sizeof(*h)) : NULL;
    if (!h) {
        http1_reply(r, 200, JSON, buf_slice(answer));
        buf_fini(answer);
        return;
    }
    *h = (struct held){r, *answer};
    http1_on_gone(r, held_gone, h);
    x->commit(x->commit_arg, held_done, h);
}

static void held_gone(void *arg)
{
    ((struct held *)arg)->request = NULL;
}

static void held_done(void *arg, bool kept)
{
    struct held *h = arg;
    if (h->request && kept) {
        http1_reply(h->request, 200, JSON, buf_slice(&h->answer));
    } else if (h->request) {
        http1_add(h->request, "Retry-After", SLICE(RETRY_AFTER_S));
        reply_error(h->request, 503, "ServiceUnavailableException",
                    "the store cannot write; send again later");
    }
    buf_fini(&h->answer);
    free(h);
}

/* Calls fn for each document; -1 when the request is not of the known form.
 * fn may be NULL. Members other than the list are read over. */
static int each_document(struct slice body, document_fn fn, void *arg,
                         struct err *err)
{
    struct js j;
    struct slice key = {0};
    bool found = false;
    js_init(&j, body, REQUEST_DEPTH_MAX);
    if (js_next(&j, NULL) != JS_OBJECT)
        return err_set(err, "the body is not a JSON object");
    for (;;) {
        enum js_kind kind = js_next(&j, &key);
        if (kind == JS_OBJECT_END)
            break;
        if (kind != JS_KEY)
            return syntax(&j, err);
        kind = js_next(&j, NULL);
        if (slice_is(key, "TraceSegmentDocuments") && kind == JS_ARRAY) {
            found = true;
            if (documents_of_list(&j, fn, arg, err) < 0)
                return -1;
        } else if (!js_skip(&j, kind)) {
            return syntax(&j, err);
        }
    }
    if (js_next(&j, NULL) != JS_END)
        return syntax(&j, err);
    if (!found)
        return err_set(err, "the list TraceSegmentDocuments is missing");
    return 0;
}

static int documents_of_list(struct js *j, document_fn fn, void *arg,
                             struct err *err)
{
    struct slice raw;
    for (;;) {
        enum js_kind kind = js_next(j, &raw);
        if (kind == JS_ARRAY_END)
            return 0;
        if (kind == JS_ERROR)
            return syntax(j, err);
        if (kind != JS_STRING)
            return err_set(err,
                           "a document before byte %zu is not a string: "
                           "documents are sent as JSON text in a string",
                           js_offset(j));
        fn(arg, raw);
    }
}

static int syntax(const struct js *j, struct err *err)
{
    return err_set(err, "the body is not valid JSON: %s at byte %zu",
                   j->why ? j->why : "unexpected token", js_offset(j));
}

static void count_document(void *arg, struct slice raw)
{
    (void)raw;
    ++*(uint64_t *)arg;
}

static void take_document(void *arg, struct slice raw)
{
    struct reply *r = arg;
    struct intake *in = r->x->intake;
    struct segment seg;
    struct err err = {""};
    struct slice doc = raw;
    if (js_has_escape(raw))
        doc = slice_of(r->x->scratch, js_unescape(raw, r->x->scratch));
    if (segment_scan(doc, &seg, &err) < 0) {
        reject(r->x, r->request,
               doc.n ? REJECT_NOT_AN_OBJECT : REJECT_NO_DOCUMENT, doc,
               err.text);
        unprocessed(r, SLICE(""), "ParseError",
                    r->x->as_service ? "Invalid segment. ErrorCode: ParseError"
                                     : err.text);
        return;
    }
    if (doc.n > r->x->document_max) {
        reject(r->x, r->request, REJECT_TOO_LARGE, doc,
               "the document is larger than 64 KB");
        unprocessed(r, seg.id, "SegmentTooLarge",
                    "the document is larger than 64 KB");
        return;
    }
    switch (pipeline_push(r->x->pipeline, &seg, WHEN_FULL_REFUSE, &err)) {
    case PUSH_ACCEPTED:
        ++*in->accepted;
        break;
    case PUSH_FULL:
        ++*in->retry;
        unprocessed(r, seg.id, "ServiceUnavailable",
                    "the buffer is full; send again later");
        break;
    case PUSH_INVALID:
        reject(r->x, r->request, REJECT_INVALID, doc, err.text);
        unprocessed(r, seg.id, code_of(err.text), err.text);
        break;
    }
}

/* The word behind "ErrorCode: ", the form that the service has. */
static const char *code_of(const char *text)
{
    static const char before[] = "ErrorCode: ";
    const char *at = strstr(text, before);
    return at ? at + sizeof(before) - 1 : "InvalidSegment";
}

static void unprocessed(struct reply *r, struct slice id, const char *code,
                        const char *message)
{
    jw_object(r->jw);
    if (id.n > 0) {
        jw_key(r->jw, SLICE("Id"));
        jw_string(r->jw, id);
    }
    jw_key(r->jw, SLICE("ErrorCode"));
    jw_string(r->jw, slice_str(code));
    jw_key(r->jw, SLICE("Message"));
    jw_string(r->jw, slice_str(message));
    jw_object_end(r->jw);
}

static void reject(struct xray_tcp *x, struct http1_request *r,
                   enum reject_reason reason, struct slice text,
                   const char *why)
{
    struct rejection rejection = {reason, why, text, http1_peer(r)};
    pipeline_reject(x->pipeline, x->intake, &rejection);
}

/* Kept from request to request, grown to the largest so far. */
static bool scratch_hold(struct xray_tcp *x, size_t n)
{
    if (n <= x->scratch_n)
        return true;
    char *fresh = realloc(x->scratch, n);
    if (!fresh)
        return false;
    x->scratch = fresh;
    x->scratch_n = n;
    return true;
}

static void reply_error(struct http1_request *r, int status, const char *code,
                        const char *text)
{
    struct buf out;
    struct jw j;
    buf_init(&out, 4096);
    jw_init(&j, &out);
    jw_object(&j);
    jw_key(&j, SLICE("__type"));
    jw_string(&j, slice_str(code));
    jw_key(&j, SLICE("Message"));
    jw_string(&j, slice_str(text));
    jw_object_end(&j);
    http1_reply(r, status, JSON, buf_slice(&out));
    buf_fini(&out);
}
