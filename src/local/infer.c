/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names and types of inferred segments: a table of what AWS services are called
 * on a map, by what the calling subsegment says. Pure.
 */
#include "infer.h"

#include <stdio.h>

#include "document.h"

#define TYPE_PREFIX "AWS::"
#define TEXT(lit)                                                              \
    {                                                                          \
        lit, sizeof(lit) - 1                                                   \
    }

/* What the SDKs call the service, in any case; the member of `aws` that names
 * the resource; names and types with and without it. */
static const struct {
    const char *service, *member;
    struct slice plain_name, plain_type, type;
} services[] = {
    {"DynamoDB", "table_name", TEXT("DynamoDB"), TEXT("AWS::DynamoDB"),
     TEXT("AWS::DynamoDB::Table")},
    {"SNS", NULL, TEXT("SNS"), TEXT("AWS::SNS"), {0}},
    {"SQS", "queue_url", TEXT("SQS"), TEXT("AWS::SQS"),
     TEXT("AWS::SQS::Queue")},
    {"Lambda", "function_name", TEXT("Lambda"), TEXT("AWS::Lambda"),
     TEXT("AWS::Lambda")},
    {"S3", "bucket_name", TEXT("S3"), TEXT("AWS::S3::Bucket"),
     TEXT("AWS::S3::Bucket")},
};

static void name_other(struct trace_entity *e, struct arena *a);

bool infer_wanted(const struct trace_entity *e)
{
    return e->kind == TRACE_SUBSEGMENT && (slice_is(e->name_space, "aws") ||
                                           slice_is(e->name_space, "remote"));
}

void infer_name(struct trace_entity *e, struct arena *a)
{
    e->origin = SLICE("");
    if (!slice_is(e->name_space, "aws"))
        return;
    for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
        if (!slice_is_nocase(e->name, services[i].service))
            continue;
        struct slice resource = SLICE("");
        if (services[i].member)
            resource = document_member(e->raw_aws, services[i].member, a);
        if (resource.n == 0 && i == 0)
            resource = document_first_text(
                document_member(e->raw_aws, "resource_names", a), a);
        bool named = resource.n > 0;
        e->name = named ? resource : services[i].plain_name;
        e->origin = named ? services[i].type : services[i].plain_type;
        return;
    }
    name_other(e, a);
}

bool infer_is_message(const struct trace_entity *e)
{
    static const char *const names[] = {"SQS",    "SNS",      "Kinesis",
                                        "Events", "Firehose", "EventBridge"};
    if (e->kind != TRACE_SUBSEGMENT || !slice_is(e->name_space, "aws"))
        return false;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (slice_is_nocase(e->name, names[i]))
            return true;
    return false;
}

static void name_other(struct trace_entity *e, struct arena *a)
{
    size_t n = sizeof(TYPE_PREFIX) - 1 + e->name.n;
    char *text = arena_alloc(a, n + 1);
    if (!text)
        return; /* then it has no type; the arena is at its end anyway */
    memcpy(text, TYPE_PREFIX, sizeof(TYPE_PREFIX) - 1);
    if (e->name.n)
        memcpy(text + sizeof(TYPE_PREFIX) - 1, e->name.p, e->name.n);
    e->origin = slice_of(text, n);
}

struct slice infer_type(const struct trace_entity *segment)
{
    if (segment->kind != TRACE_INFERRED || segment->origin.n > 0)
        return segment->origin;
    return segment->raw_sql.n > 0 ? SLICE("Database::SQL") : SLICE("remote");
}

/* FNV-1a, stirred, as the lower bits are what tables use. */
uint64_t infer_hash(struct slice text)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        h = (h ^ (c >= 'A' && c <= 'Z' ? c + 32u : c)) * 0x100000001b3u;
    }
    h ^= h >> 32;
    return h * 0x9e3779b97f4a7c15u ^ h >> 29;
}
