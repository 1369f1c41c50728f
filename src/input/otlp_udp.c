/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OTLP in X-Ray datagrams. The ADOT exporters, which are the default in Lambda,
 * put a prefix and the base64 of one protobuf request behind the header line:
 * T1S sampled spans, T1U unsampled ones (only for statistics, and uploading
 * them would be billed), T1 spans of the first versions, M1 metrics. The
 * document formats are the decoder's and the translator's business.
 */
#include "otlp_udp.h"

#include <stdlib.h>

#include "otlp_encode.h"
#include "xr/clock.h"
#include "xr/hash.h"
#include "xr/log.h"
#include "xr/otlp.h"

/* Longest body behind the prefix: a datagram. */
#define BASE64_MAX 65536
/* Resources and scopes of one datagram. */
#define REQUEST_MEMORY_MAX (4u << 20)
/* Of a request that processors have changed. */
#define ENCODED_MAX (16u << 20)
/* Warnings of one reason: at most one in this time, with a count. */
#define WARN_EVERY_MS 1000

enum prefix { PREFIX_NONE, PREFIX_SAMPLED, PREFIX_UNSAMPLED, PREFIX_METRICS };

struct otlp_udp {
    struct pipeline *pipeline;
    struct translator *translator;
    struct intake *intake;
    bool pass, unsampled;
    struct arena arena;
    struct otlp_encoder encoder;
    uint64_t spans, without_ids; /* of the datagram */
    struct log_limit limits[REJECT_REASONS];
    uint8_t request[BASE64_MAX / 4 * 3]; /* not touched before it is used */
};

static enum prefix find_prefix(struct slice *body);
static void decode(struct otlp_udp *o, struct slice base64);
static enum otlp_result walk(struct otlp_udp *o, struct slice request,
                             otlp_span_fn fn, struct err *err);
static bool check_span(void *arg, const struct span *span);
static void pass_on(struct otlp_udp *o, struct slice request);
static bool encode_span(void *arg, const struct span *span);
static bool take_span(void *arg, const struct span *span);
static enum push_result push_all(struct otlp_udp *o,
                                 const struct segment *segments, int n,
                                 struct err *err);
static void count(struct otlp_udp *o, enum push_result r, const char *why);
static void reject(struct otlp_udp *o, enum reject_reason r, const char *why);

struct otlp_udp *otlp_udp_new(struct pipeline *p, struct translator *t,
                              bool pass, bool unsampled)
{
    struct otlp_udp *o = malloc(sizeof(*o));

    if (!o)
        return NULL;
    memset(o, 0, offsetof(struct otlp_udp, request));
    o->pipeline = p;
    o->translator = t;
    o->intake = pipeline_intake(p, "otlp_udp");
    o->pass = pass;
    o->unsampled = unsampled;
    arena_init(&o->arena, REQUEST_MEMORY_MAX);
    otlp_encoder_init(&o->encoder, ENCODED_MAX);
    return o;
}

void otlp_udp_free(struct otlp_udp *o)
{
    if (!o)
        return;
    arena_fini(&o->arena);
    otlp_encoder_fini(&o->encoder);
    free(o);
}

bool otlp_udp_is(struct slice body)
{
    return find_prefix(&body) != PREFIX_NONE;
}

void otlp_udp_handle(struct otlp_udp *o, struct slice body)
{
    struct segment raw = {.document = body};
    enum prefix prefix = find_prefix(&body);
    struct err err = {.text = ""};

    if (prefix == PREFIX_METRICS)
        reject(o, REJECT_OTLP_METRICS, "metrics are not taken");
    else if (o->pass && !pipeline_takes_otlp(o->pipeline))
        count(o, push_all(o, &raw, 1, &err), err.text);
    else if (prefix == PREFIX_UNSAMPLED && !o->unsampled)
        reject(o, REJECT_OTLP_UNSAMPLED, "unsampled spans are not uploaded");
    else
        decode(o, body);
}

/* Cuts the prefix off. The old form has two characters and no mark of its own,
 * but the base64 of a request begins with a C. */
static enum prefix find_prefix(struct slice *body)
{
    static const struct {
        const char *text;
        enum prefix prefix;
        size_t n;
    } rows[] = {
        {"T1S", PREFIX_SAMPLED, 3},
        {"T1U", PREFIX_UNSAMPLED, 3},
        {"T1C", PREFIX_SAMPLED, 2},
        {"M1", PREFIX_METRICS, 2},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (slice_starts(*body, rows[i].text)) {
            *body = slice_of(body->p + rows[i].n, body->n - rows[i].n);
            return rows[i].prefix;
        }
    }
    return PREFIX_NONE;
}

/* In two turns, so that of a request with a fault nothing is forwarded. */
static void decode(struct otlp_udp *o, struct slice base64)
{
    enum otlp_result rc;
    struct err err;

    if (base64.n > BASE64_MAX) {
        reject(o, REJECT_TOO_LARGE, "longer than a datagram can be");
        return;
    }
    long n = base64_decode(base64, o->request);
    if (n < 0) {
        reject(o, REJECT_OTLP_MALFORMED, "not base64");
        return;
    }
    struct slice request = slice_of(o->request, (size_t)n);
    o->spans = o->without_ids = 0;
    rc = walk(o, request, check_span, &err);
    if (rc == OTLP_END) {
        translator_begin_request(o->translator);
        walk(o, request, take_span, &err);
        pass_on(o, request);
    } else {
        reject(o, rc == OTLP_LARGE ? REJECT_TOO_LARGE : REJECT_OTLP_MALFORMED,
               err.text);
    }
}

static enum otlp_result walk(struct otlp_udp *o, struct slice request,
                             otlp_span_fn fn, struct err *err)
{
    enum otlp_result rc;

    arena_reset(&o->arena);
    struct otlp_decoder *d =
        otlp_decoder_new(OTLP_PROTOBUF, request, &o->arena);
    if (!d) {
        err_set(err, "out of memory");
        return OTLP_LARGE;
    }
    do {
        rc = otlp_decode(d, UINT32_MAX, fn, o, err);
        if (rc == OTLP_SPAN_LARGE && fn == take_span) {
            reject(o, REJECT_TOO_LARGE, err->text);
        } else if (rc == OTLP_SPAN_LARGE && fn == check_span) {
            o->spans++;
            o->without_ids++;
        }
    } while (rc > 0);
    otlp_decoder_free(d);
    return rc;
}

static bool check_span(void *arg, const struct span *span)
{
    struct otlp_udp *o = arg;
    o->spans++;
    o->without_ids += !otlp_has_ids(span);
    return true;
}

/* As it came, unless steps change spans or some are not to be passed on. */
static void pass_on(struct otlp_udp *o, struct slice request)
{
    struct otlp_request r = {.body = request, .spans = o->spans};
    struct err err;

    if (!pipeline_takes_otlp(o->pipeline))
        return;
    if (o->without_ids > 0 || translator_alters(o->translator)) {
        otlp_encoder_begin(&o->encoder);
        translator_begin_request(o->translator);
        bool whole = walk(o, request, encode_span, &err) == OTLP_END;
        r.body = otlp_encoder_end(&o->encoder);
        r.spans = o->encoder.spans;
        if (!whole || o->encoder.out.failed) {
            pipeline_lose_otlp(o->pipeline, o->spans - o->without_ids);
            return;
        }
    }
    if (r.spans > 0)
        pipeline_push_otlp(o->pipeline, &r, WHEN_FULL_DROP_OLDEST, &err);
}

static bool encode_span(void *arg, const struct span *span)
{
    struct otlp_udp *o = arg;
    const struct span *altered;
    int rc = otlp_has_ids(span)
                 ? translator_process(o->translator, span, &altered)
                 : 0;

    if (rc > 0)
        otlp_encode_span(&o->encoder, altered, span->resource);
    else if (rc < 0)
        o->encoder.out.failed = true;
    return true;
}

static bool take_span(void *arg, const struct span *span)
{
    struct otlp_udp *o = arg;
    struct segment segments[TRANSLATE_DOCUMENTS_MAX];
    struct err err = {.text = "a span without a trace id or span id"};
    bool segments_wanted = !pipeline_takes_otlp(o->pipeline) ||
                           pipeline_takes_segments(o->pipeline);
    int n = segments_wanted
                ? translate_span(o->translator, span, segments, &err)
                : TRANSLATE_LEFT_OUT;

    if (!otlp_has_ids(span))
        reject(o, REJECT_BAD_IDS, err.text);
    else if (n == TRANSLATE_LEFT_OUT)
        count(o, PUSH_ACCEPTED, "");
    else if (n > 0)
        count(o, push_all(o, segments, n, &err), err.text);
    else
        reject(o, REJECT_INVALID, err.text);
    return true;
}

/* The worst of the answers. */
static enum push_result push_all(struct otlp_udp *o,
                                 const struct segment *segments, int n,
                                 struct err *err)
{
    enum push_result worst = PUSH_ACCEPTED;

    for (int i = 0; i < n; i++) {
        enum push_result r = pipeline_push(o->pipeline, &segments[i],
                                           WHEN_FULL_DROP_OLDEST, err);
        if (r > worst)
            worst = r;
    }
    return worst;
}

static void count(struct otlp_udp *o, enum push_result r, const char *why)
{
    if (r == PUSH_INVALID)
        reject(o, REJECT_INVALID, why);
    else if (r == PUSH_FULL)
        ++*o->intake->retry; /* no sink answers so to a datagram */
    else
        ++*o->intake->accepted;
}

/* Counts, and says so now and then; never shows the payload. What is left out
 * by design is no reason for a warning. */
static void reject(struct otlp_udp *o, enum reject_reason r, const char *why)
{
    uint64_t held = 0;

    pipeline_reject(o->pipeline, o->intake,
                    &(struct rejection){.reason = r, .why = why});
    if (r == REJECT_OTLP_UNSAMPLED || r == REJECT_OTLP_METRICS)
        return;
    if (!log_limit_pass(&o->limits[r], clock_mono_ms(), WARN_EVERY_MS, &held))
        return;
    log_warn("OTLP in a datagram refused (%s): %s%s", reject_reason_name(r),
             why, held > 0 ? "; more of the kind since the last warning" : "");
}
