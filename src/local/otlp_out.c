/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes entities as spans of OTLP JSON. Attributes are those that the
 * translator reads (docs/MAPPING.md), old or new spelling as it reads the more
 * of them; annotations and metadata have the names by which it makes them
 * anew. Inferred segments are left out: they are made by whoever reads. Pure.
 */
#include "otlp_out.h"

#include <math.h>
#include <stdio.h>

#include "document.h"
#include "xr/json_scan.h"

#define KIND_INTERNAL 1
#define KIND_SERVER 2
#define KIND_CLIENT 3
#define STATUS_ERROR 2
#define METADATA "aws.xray.metadata."
#define KEY_MAX_BYTES 256

static void begin_spans(struct jw *j, const struct trace_entity *e);
static void end_spans(struct jw *j);
static void write_resource(struct jw *j, const struct trace_entity *e);
static const char *platform_of(struct slice origin);
static void write_scope(struct jw *j);
static void write_members(struct jw *j, const struct trace *t,
                          const struct trace_entity *e, struct arena *a);
static void write_ids(struct jw *j, const struct trace *t,
                      const struct trace_entity *e);
static int kind_of(const struct trace_entity *e);
static void write_time(struct jw *j, const char *key, double time);
static void write_attributes(struct jw *j, const struct trace_entity *e,
                             struct arena *a);
static void write_http(struct jw *j, const struct trace_entity *e);
static void write_call(struct jw *j, const struct trace_entity *e,
                       struct arena *a);
static void write_annotations(struct jw *j, const struct trace_entity *e);
static void write_annotation(struct jw *j, const struct trace_annotation *n);
static void write_metadata(struct jw *j, const struct trace_entity *e,
                           struct arena *a);
static void write_events(struct jw *j, const struct trace_entity *e);
static void write_status(struct jw *j, const struct trace_entity *e);
static void put_text(struct jw *j, const char *key, struct slice text);
static void put_int(struct jw *j, const char *key, int64_t value);
static void begin(struct jw *j, struct slice key);
static void end(struct jw *j);
static void member(struct jw *j, const char *key, struct slice text);

/* Entities stand each before its children, so those of one segment stand
 * together but for what they called. */
void otlp_out_trace(struct jw *j, const struct trace *t, struct arena *a)
{
    const struct trace_entity *open = NULL;
    for (size_t i = 0; i < t->n_entities; i++) {
        const struct trace_entity *e = t->entities[i];
        if (e->kind == TRACE_INFERRED)
            continue;
        if (!open || e->owner != open->owner) {
            if (open)
                end_spans(j);
            begin_spans(j, e);
            open = e;
        }
        jw_object(j);
        write_members(j, t, e, a);
        jw_object_end(j);
    }
    if (open)
        end_spans(j);
}

static void begin_spans(struct jw *j, const struct trace_entity *e)
{
    jw_object(j);
    write_resource(j, e);
    jw_key(j, SLICE("scopeSpans"));
    jw_array(j);
    jw_object(j);
    write_scope(j);
    jw_key(j, SLICE("spans"));
    jw_array(j);
}

static void end_spans(struct jw *j)
{
    jw_array_end(j);
    jw_object_end(j);
    jw_array_end(j);
    jw_object_end(j);
}

void otlp_out_span(struct jw *j, const struct trace *t,
                   const struct trace_entity *e, struct arena *a)
{
    jw_object(j);
    write_resource(j, e);
    write_scope(j);
    write_members(j, t, e, a);
    jw_object_end(j);
}

static void write_resource(struct jw *j, const struct trace_entity *e)
{
    const struct trace_entity *o = e->owner ? e->owner : e;
    const char *platform = platform_of(o->origin);
    jw_key(j, SLICE("resource"));
    jw_object(j);
    jw_key(j, SLICE("attributes"));
    jw_array(j);
    if (e->owner)
        put_text(j, "service.name", o->name);
    if (platform) {
        put_text(j, "cloud.provider", SLICE("aws"));
        put_text(j, "cloud.platform", slice_str(platform));
    }
    put_text(j, "cloud.account.id", o->account_id);
    put_text(j, "cloud.availability_zone", o->availability_zone);
    put_text(j, "host.id", o->instance_id);
    jw_array_end(j);
    jw_object_end(j);
}

static const char *platform_of(struct slice origin)
{
    static const char *const platforms[][2] = {
        {"AWS::EC2::Instance", "aws_ec2"},
        {"AWS::ECS::", "aws_ecs"},
        {"AWS::EKS::", "aws_eks"},
        {"AWS::Lambda", "aws_lambda"},
        {"AWS::ElasticBeanstalk::", "aws_elastic_beanstalk"},
        {"AWS::AppRunner::", "aws_app_runner"},
    };
    for (size_t i = 0; i < sizeof(platforms) / sizeof(platforms[0]); i++)
        if (slice_starts(origin, platforms[i][0]))
            return platforms[i][1];
    return NULL;
}

/* We do not know it, and a name of ours would come back as metadata. */
static void write_scope(struct jw *j)
{
    jw_key(j, SLICE("scope"));
    jw_object(j);
    jw_object_end(j);
}

static void write_members(struct jw *j, const struct trace *t,
                          const struct trace_entity *e, struct arena *a)
{
    write_ids(j, t, e);
    member(j, "name", e->name);
    jw_key(j, SLICE("kind"));
    jw_int(j, kind_of(e));
    write_time(j, "startTimeUnixNano", e->start);
    if (!e->in_progress)
        write_time(j, "endTimeUnixNano", e->end);
    write_attributes(j, e, a);
    write_events(j, e);
    write_status(j, e);
}

/* "1-xxxxxxxx-xxxxxxxxxxxxxxxxxxxxxxxx" without the version and the dashes. */
static void write_ids(struct jw *j, const struct trace *t,
                      const struct trace_entity *e)
{
    char id[33];
    int n = t->id.n == 35 ? snprintf(id, sizeof(id), "%.8s%.24s", t->id.p + 2,
                                     t->id.p + 11)
                          : 0;
    member(j, "traceId", slice_of(id, n > 0 ? (size_t)n : 0));
    member(j, "spanId", e->id);
    struct slice parent = e->parent ? e->parent->id : e->parent_id;
    if (parent.n > 0)
        member(j, "parentSpanId", parent);
}

static int kind_of(const struct trace_entity *e)
{
    if (e->kind == TRACE_SEGMENT)
        return KIND_SERVER;
    return e->name_space.n > 0 ? KIND_CLIENT : KIND_INTERNAL;
}

/* A double tells microseconds of our time, no less. */
static void write_time(struct jw *j, const char *key, double time)
{
    char text[32];
    int n = snprintf(text, sizeof(text), "%lld000", llround(time * 1e6));
    member(j, key, slice_of(text, (size_t)n));
}

static void write_attributes(struct jw *j, const struct trace_entity *e,
                             struct arena *a)
{
    jw_key(j, SLICE("attributes"));
    jw_array(j);
    if (e->in_progress) {
        begin(j, SLICE("aws.xray.inprogress"));
        jw_key(j, SLICE("boolValue"));
        jw_bool(j, true);
        end(j);
    }
    put_text(j, "enduser.id", e->user);
    write_http(j, e);
    write_call(j, e, a);
    write_annotations(j, e);
    write_metadata(j, e, a);
    jw_array_end(j);
}

static void write_http(struct jw *j, const struct trace_entity *e)
{
    put_text(j, "http.request.method", e->http.method);
    put_text(j, "url.full", e->http.url);
    put_text(j, "user_agent.original", e->http.user_agent);
    put_text(j, "client.address", e->http.client_ip);
    if (e->http.status > 0)
        put_int(j, "http.response.status_code", e->http.status);
}

/* Whom it called, and with what. */
static void write_call(struct jw *j, const struct trace_entity *e,
                       struct arena *a)
{
    static const char *const members[][2] = {
        {"region", "aws.region"},
        {"request_id", "aws.request_id"},
        {"queue_url", "aws.queue_url"},
        {"table_name", "aws.table_name"},
    };
    if (e->kind != TRACE_SUBSEGMENT)
        return;
    if (slice_is(e->name_space, "aws")) {
        put_text(j, "rpc.system", SLICE("aws-api"));
        put_text(j, "rpc.service", e->name);
        put_text(j, "rpc.method", e->operation);
        for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
            put_text(j, members[i][1],
                     document_member(e->raw_aws, members[i][0], a));
    } else if (e->name_space.n > 0) {
        put_text(j, "peer.service", e->name);
    }
    if (e->raw_sql.n > 0) {
        put_text(j, "db.system", SLICE("other_sql"));
        put_text(j, "db.statement",
                 document_member(e->raw_sql, "sanitized_query", a));
        put_text(j, "db.user", document_member(e->raw_sql, "user", a));
        put_text(j, "db.connection_string",
                 document_member(e->raw_sql, "connection_string", a));
    }
}

static void write_annotations(struct jw *j, const struct trace_entity *e)
{
    if (!e->annotations)
        return;
    for (const struct trace_annotation *n = e->annotations; n; n = n->next)
        write_annotation(j, n);
    begin(j, SLICE("aws.xray.annotations"));
    jw_key(j, SLICE("arrayValue"));
    jw_object(j);
    jw_key(j, SLICE("values"));
    jw_array(j);
    for (const struct trace_annotation *n = e->annotations; n; n = n->next) {
        jw_object(j);
        member(j, "stringValue", n->key);
        jw_object_end(j);
    }
    jw_array_end(j);
    jw_object_end(j);
    end(j);
}

static void write_annotation(struct jw *j, const struct trace_annotation *n)
{
    begin(j, n->key);
    if (n->kind == VALUE_STRING) {
        member(j, "stringValue", n->text);
    } else if (n->kind == VALUE_BOOL) {
        jw_key(j, SLICE("boolValue"));
        jw_bool(j, n->boolean);
    } else if (trunc(n->number) == n->number && fabs(n->number) < 1e15) {
        char text[32];
        int size = snprintf(text, sizeof(text), "%.0f", n->number);
        member(j, "intValue", slice_of(text, (size_t)size));
    } else {
        jw_key(j, SLICE("doubleValue"));
        jw_double(j, n->number);
    }
    end(j);
}

/* A namespace each, as the JSON text that it is. */
static void write_metadata(struct jw *j, const struct trace_entity *e,
                           struct arena *a)
{
    struct js js;
    struct slice raw, name;
    if (e->raw_metadata.n == 0)
        return;
    js_init(&js, e->raw_metadata, TRACE_JSON_DEPTH_MAX);
    if (js_next(&js, NULL) != JS_OBJECT)
        return;
    while (js_next(&js, &raw) == JS_KEY && js_text(raw, a, &name)) {
        char key[KEY_MAX_BYTES];
        enum js_kind kind = js_next(&js, NULL);
        const char *from = js.p - 1;
        if (!js_skip(&js, kind))
            return;
        int n =
            snprintf(key, sizeof(key), METADATA "%.*s",
                     (int)(name.n < 200 ? name.n : 200), name.n ? name.p : "");
        if (kind != JS_OBJECT)
            continue;
        begin(j, slice_of(key, (size_t)n));
        member(j, "stringValue", slice_of(from, (size_t)(js.p - from)));
        end(j);
    }
}

static void write_events(struct jw *j, const struct trace_entity *e)
{
    jw_key(j, SLICE("events"));
    jw_array(j);
    for (const struct trace_exception *x = e->exceptions; x; x = x->next) {
        jw_object(j);
        member(j, "name", SLICE("exception"));
        write_time(j, "timeUnixNano", e->in_progress ? e->start : e->end);
        jw_key(j, SLICE("attributes"));
        jw_array(j);
        put_text(j, "exception.type", x->type);
        put_text(j, "exception.message", x->message);
        jw_array_end(j);
        jw_object_end(j);
    }
    jw_array_end(j);
}

/* Errors of the caller's making are told by the HTTP status alone: as a status
 * of the span they would read as faults. */
static void write_status(struct jw *j, const struct trace_entity *e)
{
    jw_key(j, SLICE("status"));
    jw_object(j);
    if (e->class == CLASS_FAULT) {
        jw_key(j, SLICE("code"));
        jw_int(j, STATUS_ERROR);
        if (e->exceptions && e->exceptions->message.n > 0)
            member(j, "message", e->exceptions->message);
    }
    jw_object_end(j);
}

/* What is empty is not written. */
static void put_text(struct jw *j, const char *key, struct slice text)
{
    if (text.n == 0)
        return;
    begin(j, slice_str(key));
    member(j, "stringValue", text);
    end(j);
}

static void put_int(struct jw *j, const char *key, int64_t value)
{
    char text[32];
    int n = snprintf(text, sizeof(text), "%lld", (long long)value);
    begin(j, slice_str(key));
    member(j, "intValue", slice_of(text, (size_t)n));
    end(j);
}

static void begin(struct jw *j, struct slice key)
{
    jw_object(j);
    jw_key(j, SLICE("key"));
    jw_string(j, key);
    jw_key(j, SLICE("value"));
    jw_object(j);
}

static void end(struct jw *j)
{
    jw_object_end(j);
    jw_object_end(j);
}

static void member(struct jw *j, const char *key, struct slice text)
{
    jw_key(j, slice_str(key));
    jw_string(j, text);
}
