/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What SDKs are told when there is no backend, or none that answers: the last
 * good rules, empty documents of the right shape (an SDK crashed on a missing
 * list), or, in local mode, rules that sample everything. Knows the shape of
 * the sampling documents; no sockets.
 */
#include "answers.h"

#include <jansson.h>
#include <stdlib.h>

#include "xr/json_out.h"

#define TARGET_INTERVAL_S 10
#define TARGET_QUOTA 1000
#define TARGET_QUOTA_LIFE_S 300
#define TARGETS_MAX 1000 /* documents of one request that are answered */

static void local_rules(struct buf *out);
static int local_targets(struct slice body, int64_t now_s, struct buf *out,
                         struct err *err);
static void one_target(struct jw *j, const char *rule, int64_t now_s);
static void jw_text(struct jw *j, const char *key, const char *value);
static bool copy_bytes(char **to, size_t *n, struct slice from);
static void copy_text(char *to, size_t size, struct slice from);

static const struct {
    const char *path, *empty;
} operations[OPERATIONS] = {
    [OP_SAMPLING_RULES] = {"/GetSamplingRules", "{\"SamplingRuleRecords\":[]}"},
    [OP_SAMPLING_TARGETS] = {"/SamplingTargets",
                             "{\"SamplingTargetDocuments\":[],"
                             "\"UnprocessedStatistics\":[],"
                             "\"LastRuleModification\":0}"},
    [OP_SAMPLING_STATISTICS] = {"/SamplingStatisticSummaries",
                                "{\"SamplingStatisticSummaries\":[]}"},
    [OP_TELEMETRY] = {"/TelemetryRecords", "{}"},
};

const char *operation_path(enum operation op)
{
    return op < OPERATIONS ? operations[op].path : "";
}

const char *operation_empty(enum operation op)
{
    return op < OPERATIONS ? operations[op].empty : NULL;
}

int operation_local(enum operation op, struct slice body, int64_t now_s,
                    struct buf *out, struct err *err)
{
    if (op == OP_SAMPLING_RULES)
        local_rules(out);
    else if (op == OP_SAMPLING_TARGETS)
        return local_targets(body, now_s, out, err);
    else
        buf_str(out, operation_empty(op));
    return 0;
}

void kept_answers_put(struct kept_answers *k, struct slice key,
                      struct slice body, struct slice type,
                      struct slice encoding)
{
    if (body.n > KEPT_ANSWER_MAX || key.n > KEPT_ANSWER_MAX)
        return;
    struct kept_answer *row = NULL;
    for (unsigned i = 0; i < KEPT_ANSWERS && !row; i++) {
        struct kept_answer *at = &k->rows[i];
        if (!at->key || slice_eq(slice_of(at->key, at->key_n), key))
            row = at;
    }
    if (!row) {
        row = &k->rows[k->next];
        k->next = (k->next + 1) % KEPT_ANSWERS;
    }
    if (!copy_bytes(&row->key, &row->key_n, key) ||
        !copy_bytes(&row->body, &row->body_n, body)) {
        free(row->key);
        free(row->body);
        *row = (struct kept_answer){0};
        return;
    }
    copy_text(row->type, sizeof(row->type), type);
    copy_text(row->encoding, sizeof(row->encoding), encoding);
}

const struct kept_answer *kept_answers_get(const struct kept_answers *k,
                                           struct slice key)
{
    for (unsigned i = 0; i < KEPT_ANSWERS; i++) {
        const struct kept_answer *row = &k->rows[i];
        if (row->key && slice_eq(slice_of(row->key, row->key_n), key))
            return row;
    }
    return NULL;
}

void kept_answers_fini(struct kept_answers *k)
{
    for (unsigned i = 0; i < KEPT_ANSWERS; i++) {
        free(k->rows[i].key);
        free(k->rows[i].body);
    }
    *k = (struct kept_answers){0};
}

/* One rule, Default, that samples all. */
static void local_rules(struct buf *out)
{
    struct jw j;
    jw_init(&j, out);
    jw_object(&j);
    jw_key(&j, SLICE("SamplingRuleRecords"));
    jw_array(&j);
    jw_object(&j);
    jw_key(&j, SLICE("CreatedAt"));
    jw_int(&j, 0);
    jw_key(&j, SLICE("ModifiedAt"));
    jw_int(&j, 0);
    jw_key(&j, SLICE("SamplingRule"));
    jw_object(&j);
    jw_text(&j, "RuleName", "Default");
    jw_text(&j, "RuleARN",
            "arn:aws:xray:us-east-1:000000000000:sampling-rule/Default");
    jw_text(&j, "ResourceARN", "*");
    jw_key(&j, SLICE("Priority"));
    jw_int(&j, 10000);
    jw_key(&j, SLICE("FixedRate"));
    jw_raw(&j, SLICE("1.0"));
    jw_key(&j, SLICE("ReservoirSize"));
    jw_int(&j, TARGET_QUOTA);
    jw_text(&j, "ServiceName", "*");
    jw_text(&j, "ServiceType", "*");
    jw_text(&j, "Host", "*");
    jw_text(&j, "HTTPMethod", "*");
    jw_text(&j, "URLPath", "*");
    jw_key(&j, SLICE("Version"));
    jw_int(&j, 1);
    jw_key(&j, SLICE("Attributes"));
    jw_object(&j);
    jw_object_end(&j);
    jw_object_end(&j);
    jw_object_end(&j);
    jw_array_end(&j);
    jw_object_end(&j);
}

/* Each rule that was reported on comes back with the same word: sample all. */
static int local_targets(struct slice body, int64_t now_s, struct buf *out,
                         struct err *err)
{
    json_error_t why;
    json_t *root = json_loadb(body.p ? body.p : "", body.n, 0, &why);
    if (!root)
        return err_set(err, "SamplingTargets: %s at byte %d", why.text,
                       why.position);
    struct jw j;
    jw_init(&j, out);
    jw_object(&j);
    jw_key(&j, SLICE("SamplingTargetDocuments"));
    jw_array(&j);
    json_t *list = json_object_get(root, "SamplingStatisticsDocuments"), *item;
    size_t i;
    json_array_foreach(list, i, item)
    {
        const char *rule = json_string_value(json_object_get(item, "RuleName"));
        if (rule && i < TARGETS_MAX)
            one_target(&j, rule, now_s);
    }
    jw_array_end(&j);
    jw_key(&j, SLICE("UnprocessedStatistics"));
    jw_array(&j);
    jw_array_end(&j);
    jw_key(&j, SLICE("LastRuleModification"));
    jw_int(&j, 0);
    jw_object_end(&j);
    json_decref(root);
    return 0;
}

static void one_target(struct jw *j, const char *rule, int64_t now_s)
{
    jw_object(j);
    jw_text(j, "RuleName", rule);
    jw_key(j, SLICE("FixedRate"));
    jw_raw(j, SLICE("1.0"));
    jw_key(j, SLICE("ReservoirQuota"));
    jw_int(j, TARGET_QUOTA);
    jw_key(j, SLICE("ReservoirQuotaTTL"));
    jw_int(j, now_s + TARGET_QUOTA_LIFE_S);
    jw_key(j, SLICE("Interval"));
    jw_int(j, TARGET_INTERVAL_S);
    jw_object_end(j);
}

static void jw_text(struct jw *j, const char *key, const char *value)
{
    jw_key(j, slice_str(key));
    jw_string(j, slice_str(value));
}

static bool copy_bytes(char **to, size_t *n, struct slice from)
{
    char *fresh = malloc(from.n + 1);
    if (!fresh)
        return false;
    if (from.n)
        memcpy(fresh, from.p, from.n);
    free(*to);
    *to = fresh;
    *n = from.n;
    return true;
}

static void copy_text(char *to, size_t size, struct slice from)
{
    size_t n = from.n < size ? from.n : size - 1;
    if (n)
        memcpy(to, from.p, n);
    to[n] = '\0';
}
