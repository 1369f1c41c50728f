/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operations that have little to say on a laptop: encryption, insights,
 * indexing, destination, telemetry. Those that would only pretend are refused.
 */
#include <stdlib.h>

#include "query_parts.h"
#include "query_tags.h"

static void get_encryption(struct call *c);
static void put_encryption(struct call *c);
static void get_insights(struct call *c);
static void get_indexing(struct call *c);
static void get_destination(struct call *c);
static void put_telemetry(struct call *c);
static void refuse(struct call *c);

const struct operation operations_of_rest[] = {
    {"EncryptionConfig", get_encryption, false},
    {"PutEncryptionConfig", put_encryption, false},
    {"TelemetryRecords", put_telemetry, true},
    {"ListTagsForResource", list_tags, false},
    {"TagResource", tag_resource, false},
    {"UntagResource", untag_resource, false},
    {"InsightSummaries", get_insights, false},
    {"GetIndexingRules", get_indexing, false},
    {"GetTraceSegmentDestination", get_destination, false},
    {"Insight", refuse, false},
    {"InsightEvents", refuse, false},
    {"InsightImpactGraph", refuse, false},
    {"ListResourcePolicies", refuse, false},
    {"PutResourcePolicy", refuse, false},
    {"DeleteResourcePolicy", refuse, false},
    {"UpdateIndexingRule", refuse, false},
    {"UpdateTraceSegmentDestination", refuse, false},
    {0},
};

static void write_encryption(struct call *c)
{
    struct slice kept = c->query->encryption;
    jw_object(&c->j);
    jw_key(&c->j, SLICE("EncryptionConfig"));
    if (kept.n) {
        jw_raw(&c->j, kept);
    } else {
        jw_object(&c->j);
        member_text(&c->j, "Status", SLICE("ACTIVE"));
        member_text(&c->j, "Type", SLICE("NONE"));
        jw_object_end(&c->j);
    }
    jw_object_end(&c->j);
    call_reply(c);
}

static void get_encryption(struct call *c)
{
    write_encryption(c);
}

/* Kept while the process lives, without effect. */
static void put_encryption(struct call *c)
{
    struct slice type = SLICE(""), key = SLICE("");
    struct buf text;
    struct jw j;
    if (params_text(&c->params, "Type", &type, &c->err) < 0 ||
        params_text(&c->params, "KeyId", &key, &c->err) < 0 ||
        (!slice_is(type, "NONE") && !slice_is(type, "KMS") &&
         err_set(&c->err, "Type: NONE or KMS is expected")) ||
        (slice_is(type, "KMS") == (key.n == 0) &&
         err_set(&c->err, "KeyId goes with the type KMS, and only with it"))) {
        call_invalid(c);
        return;
    }
    buf_init(&text, 4096);
    jw_init(&j, &text);
    jw_object(&j);
    if (key.n)
        member_text(&j, "KeyId", key);
    member_text(&j, "Status", SLICE("ACTIVE"));
    member_text(&j, "Type", type);
    jw_object_end(&j);
    free((char *)c->query->encryption.p);
    c->query->encryption =
        slice_str(text.failed ? NULL : strndup(text.p, text.n));
    buf_fini(&text);
    write_encryption(c);
}

/* Nothing here looks for anomalies. */
static void get_insights(struct call *c)
{
    jw_object(&c->j);
    member_empty_list(&c->j, "InsightSummaries");
    jw_object_end(&c->j);
    call_reply(c);
}

static void get_indexing(struct call *c)
{
    buf_str(&c->out,
            "{\"IndexingRules\":[{\"Name\":\"Default\",\"ModifiedAt\":0,"
            "\"Rule\":{\"Probabilistic\":{\"DesiredSamplingPercentage\":100,"
            "\"ActualSamplingPercentage\":100}}}]}");
    call_reply(c);
}

static void get_destination(struct call *c)
{
    buf_str(&c->out, "{\"Destination\":\"XRay\",\"Status\":\"ACTIVE\"}");
    call_reply(c);
}

static void put_telemetry(struct call *c)
{
    call_reply_empty(c);
}

static void refuse(struct call *c)
{
    err_set(&c->err, "%s is not offered in local mode", c->path);
    call_invalid(c);
}
