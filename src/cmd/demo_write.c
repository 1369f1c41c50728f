/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A service's part of a story in the two forms in which programs report it.
 * Both say openly that they are a demonstration.
 */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "demo.h"
#include "xr/json_out.h"

#define REGION "eu-west-1"
#define ACCOUNT "123456789012"
#define AGENT "xray-relay demo"
/* Kinds and status of OTLP. */
enum { SPAN_INTERNAL = 1, SPAN_SERVER = 2, SPAN_CLIENT = 3, SPAN_ERROR = 2 };

static size_t parent_of(const struct demo_trace *t, size_t at);
static size_t end_of(const struct demo_trace *t, size_t at);
static double start_of(const struct demo_trace *t, size_t at);
static void write_entity(struct jw *j, const struct demo_trace *t, size_t at);
static void write_facts(struct jw *j, const struct demo_trace *t, size_t at);
static void write_entry(struct jw *j, const struct demo_trace *t, size_t at);
static void write_class(struct jw *j, const struct demo_step *s);
static void write_cause(struct jw *j, const struct demo_trace *t, size_t at);
static void write_http(struct jw *j, const struct demo_trace *t, size_t at);
static void write_sql(struct jw *j, const struct demo_step *s);
static void write_aws(struct jw *j, const struct demo_step *s, const char *key,
                      const char *value);
static const char *name_of(const struct demo_step *s);
static void url_of(const struct demo_trace *t, size_t at, struct buf *out);
static void write_span(struct jw *j, const struct demo_trace *t, size_t at);
static void write_span_facts(struct jw *j, const struct demo_trace *t,
                             size_t at);
static void write_exception(struct jw *j, const struct demo_trace *t,
                            size_t at);
static void write_status(struct jw *j, const struct demo_step *s);
static void attribute(struct jw *j, const char *key, const char *text);
static void attribute_number(struct jw *j, const char *key, unsigned n);
static void attribute_of(struct jw *j, const char *key, const char *kind,
                         const char *value);
static void nanoseconds(struct jw *j, const char *key, double seconds);
static void text(struct jw *j, const char *key, const char *value);
static void number(struct jw *j, const char *key, double value);
static void object(struct jw *j, const char *key);

void demo_write_segment(const struct demo_trace *t, size_t at, struct buf *out)
{
    const struct demo_step *s = &t->story->steps[at];
    const struct demo_service *service = demo_service_find(s->name);
    char id[40];
    struct jw j;
    assert(s->kind == DEMO_SERVICE && service && service->origin);
    snprintf(id, sizeof(id), "1-%.8s-%s", t->id, t->id + 8);
    jw_init(&j, out);
    jw_object(&j);
    text(&j, "trace_id", id);
    if (s->depth > 0)
        text(&j, "parent_id", t->ids[parent_of(t, at)]);
    text(&j, "origin", service->origin);
    write_entity(&j, t, at);
    jw_object_end(&j);
}

unsigned demo_write_spans(const struct demo_trace *t, size_t at,
                          struct buf *out)
{
    const struct demo_step *s = &t->story->steps[at];
    const struct demo_service *service = demo_service_find(s->name);
    unsigned n = 0;
    struct jw j;
    assert(s->kind == DEMO_SERVICE && service && !service->origin);
    jw_init(&j, out);
    jw_object(&j);
    jw_key(&j, SLICE("resourceSpans"));
    jw_array(&j);
    jw_object(&j);
    object(&j, "resource");
    jw_key(&j, SLICE("attributes"));
    jw_array(&j);
    attribute(&j, "service.name", s->name);
    attribute(&j, "telemetry.sdk.name", AGENT);
    attribute(&j, "telemetry.sdk.language", service->language);
    jw_array_end(&j);
    jw_object_end(&j);
    jw_key(&j, SLICE("scopeSpans"));
    jw_array(&j);
    jw_object(&j);
    jw_key(&j, SLICE("spans"));
    jw_array(&j);
    for (size_t i = at; i < end_of(t, at); i++, n++)
        write_span(&j, t, i);
    jw_array_end(&j);
    jw_object_end(&j);
    jw_array_end(&j);
    jw_object_end(&j);
    jw_array_end(&j);
    jw_object_end(&j);
    return n;
}

/* The last step before it of less depth. */
static size_t parent_of(const struct demo_trace *t, size_t at)
{
    const struct demo_step *s = t->story->steps;
    size_t i = at;
    while (i > 0 && s[i].depth >= s[at].depth)
        i--;
    return i;
}

/* Behind what is below it. */
static size_t end_of(const struct demo_trace *t, size_t at)
{
    const struct demo_step *s = t->story->steps;
    size_t i = at + 1;
    while (i < t->story->n && s[i].depth > s[at].depth)
        i++;
    return i;
}

static double start_of(const struct demo_trace *t, size_t at)
{
    return t->start + t->story->steps[at].from * t->pace / 1e3;
}

/* --- as an X-Ray SDK writes it */

static void write_entity(struct jw *j, const struct demo_trace *t, size_t at)
{
    const struct demo_step *s = t->story->steps;
    double start = start_of(t, at);
    size_t end = end_of(t, at);
    text(j, "name", name_of(&s[at]));
    text(j, "id", t->ids[at]);
    number(j, "start_time", start);
    if (s[at].status > 0) {
        number(j, "end_time", start + s[at].took * t->pace / 1e3);
    } else {
        jw_key(j, SLICE("in_progress"));
        jw_bool(j, true);
    }
    write_class(j, &s[at]);
    write_facts(j, t, at);
    if (s[at].message != NULL)
        write_cause(j, t, at);
    if (end == at + 1 || s[at + 1].kind == DEMO_SERVICE)
        return;
    jw_key(j, SLICE("subsegments"));
    jw_array(j);
    for (size_t i = at + 1; i < end; i = end_of(t, i)) {
        jw_object(j);
        write_entity(j, t, i);
        jw_object_end(j);
    }
    jw_array_end(j);
}

static void write_facts(struct jw *j, const struct demo_trace *t, size_t at)
{
    const struct demo_step *s = &t->story->steps[at];
    char url[128];
    switch (s->kind) {
    case DEMO_SERVICE:
        write_entry(j, t, at);
        break;
    case DEMO_WORK:
        break;
    case DEMO_CALL:
        text(j, "namespace", "remote");
        write_http(j, t, at);
        break;
    case DEMO_QUERY:
        write_sql(j, s);
        break;
    case DEMO_TABLE:
        write_aws(j, s, "table_name", s->name);
        break;
    case DEMO_QUEUE:
        snprintf(url, sizeof(url),
                 "https://sqs." REGION ".amazonaws.com/" ACCOUNT "/%s",
                 s->name);
        write_aws(j, s, "queue_url", url);
        break;
    case DEMO_BUCKET:
        write_aws(j, s, "bucket_name", s->name);
        break;
    }
}

static void write_entry(struct jw *j, const struct demo_trace *t, size_t at)
{
    const struct demo_step *s = &t->story->steps[at];
    write_http(j, t, at);
    object(j, "aws");
    object(j, "xray");
    text(j, "sdk", AGENT);
    text(j, "sdk_version", XR_VERSION);
    jw_object_end(j);
    jw_object_end(j);
    if (s->depth > 0)
        return;
    text(j, "user", t->user);
    object(j, "annotations");
    jw_key(j, SLICE("demo"));
    jw_bool(j, true);
    text(j, "demo_run", t->run);
    if (t->story->member != NULL) {
        jw_key(j, slice_str(t->story->member));
        jw_uint(j, t->number);
    }
    jw_object_end(j);
    object(j, "metadata");
    object(j, "default");
    text(j, "note", "a demonstration: nothing of this has happened");
    jw_object_end(j);
    jw_object_end(j);
}

static void write_class(struct jw *j, const struct demo_step *s)
{
    if (s->status >= 500) {
        jw_key(j, SLICE("fault"));
        jw_bool(j, true);
    } else if (s->status >= 400) {
        jw_key(j, SLICE("error"));
        jw_bool(j, true);
    }
    if (s->status == 429) {
        jw_key(j, SLICE("throttle"));
        jw_bool(j, true);
    }
}

static void write_cause(struct jw *j, const struct demo_trace *t, size_t at)
{
    const struct demo_step *s = &t->story->steps[at];
    object(j, "cause");
    text(j, "working_directory", "/srv/shop");
    jw_key(j, SLICE("exceptions"));
    jw_array(j);
    jw_object(j);
    text(j, "id", t->ids[at]);
    text(j, "type", s->type);
    text(j, "message", s->message);
    jw_key(j, SLICE("remote"));
    jw_bool(j, s->kind != DEMO_WORK && s->kind != DEMO_SERVICE);
    jw_key(j, SLICE("stack"));
    jw_array(j);
    jw_object(j);
    text(j, "path", "/srv/shop/orders/store.py");
    jw_key(j, SLICE("line"));
    jw_uint(j, 88);
    text(j, "label", "save");
    jw_object_end(j);
    jw_array_end(j);
    jw_object_end(j);
    jw_array_end(j);
    jw_object_end(j);
}

static void write_http(struct jw *j, const struct demo_trace *t, size_t at)
{
    const struct demo_step *s = &t->story->steps[at];
    struct buf url;
    buf_init(&url, 512);
    url_of(t, at, &url);
    object(j, "http");
    object(j, "request");
    jw_key(j, SLICE("method"));
    jw_string(j, slice_of(s->what, strcspn(s->what, " ")));
    text(j, "url", buf_cstr(&url));
    if (s->kind == DEMO_SERVICE && s->depth == 0) {
        text(j, "user_agent", AGENT);
        text(j, "client_ip", "192.0.2.17");
    }
    jw_object_end(j);
    if (s->status > 0) {
        object(j, "response");
        jw_key(j, SLICE("status"));
        jw_uint(j, s->status);
        jw_object_end(j);
    }
    jw_object_end(j);
    buf_fini(&url);
}

static void write_sql(struct jw *j, const struct demo_step *s)
{
    text(j, "namespace", "remote");
    object(j, "sql");
    text(j, "url", "postgresql://db.internal:5432/shop");
    text(j, "database_type", "PostgreSQL");
    text(j, "database_version", "16.4");
    text(j, "user", "shop");
    text(j, "sanitized_query", s->what);
    jw_object_end(j);
}

static void write_aws(struct jw *j, const struct demo_step *s, const char *key,
                      const char *value)
{
    text(j, "namespace", "aws");
    object(j, "aws");
    text(j, "operation", s->what);
    text(j, "region", REGION);
    text(j, key, value);
    if (s->status == 429) {
        jw_key(j, SLICE("retries"));
        jw_uint(j, 3);
    }
    jw_object_end(j);
    object(j, "http");
    object(j, "response");
    jw_key(j, SLICE("status"));
    jw_uint(j, s->status == 429 ? 400 : s->status);
    jw_object_end(j);
    jw_object_end(j);
}

/* What SDKs name the entity. */
static const char *name_of(const struct demo_step *s)
{
    return s->kind == DEMO_TABLE    ? "DynamoDB"
           : s->kind == DEMO_QUEUE  ? "SQS"
           : s->kind == DEMO_BUCKET ? "S3"
                                    : s->name;
}

/* "POST /orders" at a host; {id} becomes the number. */
static void url_of(const struct demo_trace *t, size_t at, struct buf *out)
{
    const struct demo_step *s = &t->story->steps[at];
    const char *path = strchr(s->what, ' ') + 1;
    const char *id = strstr(path, "{id}");
    if (s->kind == DEMO_CALL)
        buf_printf(out, "https://%s", s->name);
    else if (s->depth == 0)
        buf_str(out, "https://shop.example");
    else
        buf_printf(out, "https://%s.internal", s->name);
    if (id != NULL)
        buf_printf(out, "%.*s%u%s", (int)(id - path), path, t->number, id + 4);
    else
        buf_str(out, path);
}

/* --- as OpenTelemetry writes it */

static void write_span(struct jw *j, const struct demo_trace *t, size_t at)
{
    const struct demo_step *s = &t->story->steps[at];
    double start = start_of(t, at);
    jw_object(j);
    text(j, "traceId", t->id);
    text(j, "spanId", t->ids[at]);
    if (s->depth > 0)
        text(j, "parentSpanId", t->ids[parent_of(t, at)]);
    jw_key(j, SLICE("kind"));
    jw_uint(j, s->kind == DEMO_SERVICE ? SPAN_SERVER
               : s->kind == DEMO_WORK  ? SPAN_INTERNAL
                                       : SPAN_CLIENT);
    nanoseconds(j, "startTimeUnixNano", start);
    nanoseconds(j, "endTimeUnixNano", start + s->took * t->pace / 1e3);
    write_span_facts(j, t, at);
    if (s->message != NULL)
        write_exception(j, t, at);
    if (s->status >= 500)
        write_status(j, s);
    jw_object_end(j);
}

static void write_span_facts(struct jw *j, const struct demo_trace *t,
                             size_t at)
{
    const struct demo_step *s = &t->story->steps[at];
    struct buf url;
    buf_init(&url, 512);
    char method[16] = "";
    jw_key(j, SLICE("name"));
    if (s->kind == DEMO_SERVICE || s->kind == DEMO_CALL) {
        snprintf(method, sizeof(method), "%.*s", (int)strcspn(s->what, " "),
                 s->what);
        url_of(t, at, &url);
        jw_string(j, slice_str(s->what));
    } else {
        jw_string(j, slice_str(s->name));
    }
    jw_key(j, SLICE("attributes"));
    jw_array(j);
    if (method[0] != '\0') {
        attribute(j, "http.request.method", method);
        attribute(j, "url.full", buf_cstr(&url));
        attribute(j, "server.address", s->name);
        if (s->kind == DEMO_CALL)
            attribute(j, "peer.service", s->name);
        attribute_number(j, "http.response.status_code", s->status);
    }
    if (s->kind == DEMO_QUERY) {
        attribute(j, "db.system.name", "postgresql");
        attribute(j, "db.namespace", s->name);
        attribute(j, "db.query.text", s->what);
        attribute(j, "server.address", "db.internal");
    }
    jw_array_end(j);
    buf_fini(&url);
}

static void write_exception(struct jw *j, const struct demo_trace *t, size_t at)
{
    const struct demo_step *s = &t->story->steps[at];
    jw_key(j, SLICE("events"));
    jw_array(j);
    jw_object(j);
    text(j, "name", "exception");
    nanoseconds(j, "timeUnixNano", start_of(t, at) + s->took * t->pace / 1e3);
    jw_key(j, SLICE("attributes"));
    jw_array(j);
    attribute(j, "exception.type", s->type);
    attribute(j, "exception.message", s->message);
    attribute(j, "exception.stacktrace",
              "PaymentFailed\n"
              "\tat example.payments.Bank.charge(Bank.java:71)\n"
              "\tat example.payments.Payments.pay(Payments.java:34)\n");
    jw_array_end(j);
    jw_object_end(j);
    jw_array_end(j);
}

static void write_status(struct jw *j, const struct demo_step *s)
{
    object(j, "status");
    jw_key(j, SLICE("code"));
    jw_uint(j, SPAN_ERROR);
    if (s->message != NULL)
        text(j, "message", s->message);
    jw_object_end(j);
}

static void attribute(struct jw *j, const char *key, const char *value)
{
    attribute_of(j, key, "stringValue", value);
}

static void attribute_number(struct jw *j, const char *key, unsigned n)
{
    char digits[16];
    snprintf(digits, sizeof(digits), "%u", n);
    attribute_of(j, key, "intValue", digits);
}

static void attribute_of(struct jw *j, const char *key, const char *kind,
                         const char *value)
{
    jw_object(j);
    text(j, "key", key);
    object(j, "value");
    text(j, kind, value);
    jw_object_end(j);
    jw_object_end(j);
}

static void nanoseconds(struct jw *j, const char *key, double seconds)
{
    char digits[32];
    snprintf(digits, sizeof(digits), "%lld", (long long)(seconds * 1e6) * 1000);
    text(j, key, digits);
}

static void text(struct jw *j, const char *key, const char *value)
{
    jw_key(j, slice_str(key));
    jw_string(j, slice_str(value));
}

/* Six digits behind the point, as SDKs write times. */
static void number(struct jw *j, const char *key, double value)
{
    char digits[40];
    int n = snprintf(digits, sizeof(digits), "%.6f", value);
    jw_key(j, slice_str(key));
    jw_raw(j, slice_of(digits, (size_t)n));
}

static void object(struct jw *j, const char *key)
{
    jw_key(j, slice_str(key));
    jw_object(j);
}
