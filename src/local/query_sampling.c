/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sampling rules, targets and statistics. The rule Default samples all, as a
 * developer wants every trace; it can be changed, not deleted.
 */
#include "query_parts.h"
#include "query_tags.h"
#include "sampling.h"

#include <stdio.h>

#define BODY_MAX (64u << 10)
#define RULES_MAX 25
#define DOCUMENTS_MAX 25
#define INTERVAL_S 10
#define QUOTA_LIFE_S 300
#define CLIENT_LIFE_S 60
#define STATISTICS_LIFE_S 600
#define INVALID "InvalidRequestException"

static void get_rules(struct call *c);
static void tell_poll(struct call *c, bool targets, struct slice client_id);
static void create_rule(struct call *c);
static void update_rule(struct call *c);
static void delete_rule(struct call *c);
static struct resource *find(struct call *c, const struct params *p);
static void save_rule(struct call *c, struct slice name, struct slice tags,
                      const struct rule *rule);
static void write_default(struct query *q, struct jw *j);
static void write_record(struct jw *j, const struct resource *x);
static void get_targets(struct call *c);
static int take_report(struct call *c, struct slice object, struct report *out);
static bool is_known(struct resources *r, const char *rule);
static void remember(struct query *q, const struct report *r);
static void write_unknown(struct jw *j, const char *rule);
static void write_target(struct call *c, const struct report *r);
static unsigned count_clients(const struct query *q, const char *rule);
static void get_statistics(struct call *c);
static bool told_before(const struct query *q, size_t i);

const struct operation operations_of_sampling[] = {
    {"GetSamplingRules", get_rules, true},
    {"CreateSamplingRule", create_rule, false},
    {"UpdateSamplingRule", update_rule, false},
    {"DeleteSamplingRule", delete_rule, false},
    {"SamplingTargets", get_targets, true},
    {"SamplingStatisticSummaries", get_statistics, false},
    {0},
};

static void get_rules(struct call *c)
{
    struct resources *r = c->query->o.resources;
    tell_poll(c, false, SLICE(""));
    jw_object(&c->j);
    jw_key(&c->j, SLICE("SamplingRuleRecords"));
    jw_array(&c->j);
    if (!resource_find(r, STORE_RULES, SLICE(DEFAULT_NAME)))
        write_default(c->query, &c->j);
    for (struct resource *x = resources_first(r, STORE_RULES); x;
         x = resources_next(x))
        write_record(&c->j, x);
    jw_array_end(&c->j);
    jw_object_end(&c->j);
    call_reply(c);
}

static void tell_poll(struct call *c, bool targets, struct slice client_id)
{
    const struct query_options *o = &c->query->o;
    if (o->polled)
        o->polled(o->arg, c->request, targets, client_id);
}

static void create_rule(struct call *c)
{
    struct resources *r = c->query->o.resources;
    struct slice object = SLICE("");
    struct rule rule = {0};
    struct buf tags;
    buf_init(&tags, BODY_MAX);
    if (params_object(&c->params, "SamplingRule", &object, &c->err) < 0 ||
        tags_read(c, &tags) < 0 ||
        rule_read(&rule, object, true, &c->arena, &c->err) < 0) {
        call_invalid(c);
    } else if (slice_is(rule.name, DEFAULT_NAME) ||
               resource_find(r, STORE_RULES, rule.name)) {
        err_set(&c->err, "there is a sampling rule of this name already");
        call_invalid(c);
    } else if (resources_count(r, STORE_RULES) >= RULES_MAX) {
        call_error(c, 400, "RuleLimitExceededException",
                   "25 sampling rules are allowed");
    } else {
        save_rule(c, rule.name, buf_slice(&tags), &rule);
    }
    buf_fini(&tags);
}

static void update_rule(struct call *c)
{
    struct slice object = SLICE("");
    struct params p;
    struct rule rule = {0};
    if (params_object(&c->params, "SamplingRuleUpdate", &object, &c->err) < 0 ||
        params_read(&p, object, &c->arena, &c->err) < 0) {
        call_invalid(c);
        return;
    }
    struct resource *x = find(c, &p);
    if (!x && c->err.text[0]) {
        call_invalid(c);
        return;
    }
    rule_default(&rule, c->query->o.default_rate);
    if ((x &&
         rule_read(&rule, slice_str(x->body), false, &c->arena, &c->err) < 0) ||
        rule_read(&rule, object, false, &c->arena, &c->err) < 0) {
        call_invalid(c);
        return;
    }
    save_rule(c, x ? slice_str(x->name) : SLICE(DEFAULT_NAME), SLICE(""),
              &rule);
}

static void delete_rule(struct call *c)
{
    struct resource *x = find(c, &c->params);
    if (!x || slice_is(slice_str(x->name), DEFAULT_NAME)) {
        if (!c->err.text[0])
            err_set(&c->err, "the rule Default cannot be deleted");
        call_invalid(c);
        return;
    }
    char *name = arena_dup(&c->arena, slice_str(x->name));
    jw_object(&c->j);
    jw_key(&c->j, SLICE("SamplingRuleRecord"));
    write_record(&c->j, x);
    jw_object_end(&c->j);
    resource_remove(c->query->o.resources, x, call_now());
    if (!name || !store_forget(c->query->o.store, STORE_RULES, slice_str(name),
                               call_kept, c))
        call_busy(c);
}

/* The rule named by RuleName or RuleARN, not both. NULL without c->err: it is
 * Default, and nobody has changed it yet. */
static struct resource *find(struct call *c, const struct params *p)
{
    struct slice name = SLICE(""), arn = SLICE("");
    if (params_text(p, "RuleName", &name, &c->err) < 0 ||
        params_text(p, "RuleARN", &arn, &c->err) < 0)
        return NULL;
    if ((name.n > 0) == (arn.n > 0)) {
        err_set(&c->err, "RuleName or RuleARN is required, and not both");
        return NULL;
    }
    struct slice wanted = name.n ? name : arn;
    struct resource *x =
        resource_find(c->query->o.resources, STORE_RULES, wanted);
    if (!x && !resource_is_default(STORE_RULES, wanted))
        err_set(&c->err, "there is no sampling rule %.*s",
                (int)(wanted.n < 128 ? wanted.n : 128), wanted.p);
    return x;
}

static void save_rule(struct call *c, struct slice name, struct slice tags,
                      const struct rule *rule)
{
    struct buf body;
    struct jw j;
    buf_init(&body, BODY_MAX);
    jw_init(&j, &body);
    rule_write(&j, name, rule);
    struct resource_facts f = {STORE_RULES, name, buf_slice(&body), tags};
    struct resource *x =
        body.failed ? NULL
                    : resource_put(c->query->o.resources, &f, call_now());
    buf_fini(&body);
    if (!x) {
        call_busy(c);
        return;
    }
    jw_object(&c->j);
    jw_key(&c->j, SLICE("SamplingRuleRecord"));
    write_record(&c->j, x);
    jw_object_end(&c->j);
    resource_save(c, x);
}

static void write_default(struct query *q, struct jw *j)
{
    struct rule rule = {0};
    rule_default(&rule, q->o.default_rate);
    jw_object(j);
    jw_key(j, SLICE("SamplingRule"));
    rule_write(j, SLICE(DEFAULT_NAME), &rule);
    member_number(j, "CreatedAt", 0);
    member_number(j, "ModifiedAt", 0);
    jw_object_end(j);
}

static void write_record(struct jw *j, const struct resource *x)
{
    jw_object(j);
    jw_key(j, SLICE("SamplingRule"));
    jw_raw(j, slice_str(x->body));
    member_number(j, "CreatedAt", x->created);
    member_number(j, "ModifiedAt", x->modified);
    jw_object_end(j);
}

static void get_targets(struct call *c)
{
    struct slice objects[DOCUMENTS_MAX];
    struct report reports[DOCUMENTS_MAX];
    struct resources *r = c->query->o.resources;
    struct param_list list = {objects, DOCUMENTS_MAX, 0};
    if (params_objects(&c->params, "SamplingStatisticsDocuments", &list,
                       &c->err) < 0) {
        call_invalid(c);
        return;
    }
    size_t n = list.n;
    for (size_t i = 0; i < n; i++)
        if (take_report(c, objects[i], &reports[i]) < 0) {
            call_invalid(c);
            return;
        }
    for (size_t i = 0; i < n; i++)
        if (is_known(r, reports[i].rule))
            remember(c->query, &reports[i]);
    tell_poll(c, true, slice_str(n > 0 ? reports[0].client : ""));
    jw_object(&c->j);
    jw_key(&c->j, SLICE("SamplingTargetDocuments"));
    jw_array(&c->j);
    for (size_t i = 0; i < n; i++)
        write_target(c, &reports[i]);
    jw_array_end(&c->j);
    member_number(&c->j, "LastRuleModification", resources_rules_modified(r));
    jw_key(&c->j, SLICE("UnprocessedStatistics"));
    jw_array(&c->j);
    for (size_t i = 0; i < n; i++)
        if (!is_known(r, reports[i].rule))
            write_unknown(&c->j, reports[i].rule);
    jw_array_end(&c->j);
    member_empty_list(&c->j, "UnprocessedBoostStatistics");
    jw_object_end(&c->j);
    call_reply(c);
}

static int take_report(struct call *c, struct slice object, struct report *out)
{
    struct params p;
    struct slice rule = SLICE(""), client = SLICE("");
    double requests = 0, sampled = 0, borrowed = 0;
    if (params_read(&p, object, &c->arena, &c->err) < 0 ||
        params_text(&p, "RuleName", &rule, &c->err) < 0 ||
        params_text(&p, "ClientID", &client, &c->err) < 0 ||
        params_number(&p, "RequestCount", &requests, &c->err) < 0 ||
        params_number(&p, "SampledCount", &sampled, &c->err) < 0 ||
        params_number(&p, "BorrowCount", &borrowed, &c->err) < 0)
        return -1;
    if (rule.n < 1 || rule.n > RESOURCE_NAME_MAX)
        return err_set(&c->err, "RuleName: 1 to %d characters are needed",
                       RESOURCE_NAME_MAX);
    *out = (struct report){.time = call_now(),
                           .requests = rule_count(requests),
                           .sampled = rule_count(sampled),
                           .borrowed = rule_count(borrowed)};
    snprintf(out->rule, sizeof(out->rule), "%.*s", SLICE_ARG(rule));
    snprintf(out->client, sizeof(out->client), "%.*s",
             (int)(client.n < 25 ? client.n : 24), client.p ? client.p : "");
    return 0;
}

static bool is_known(struct resources *r, const char *rule)
{
    return strcmp(rule, DEFAULT_NAME) == 0 ||
           resource_find(r, STORE_RULES, slice_str(rule));
}

static void remember(struct query *q, const struct report *r)
{
    q->reports[q->n_reports++ % REPORTS_MAX] = *r;
}

static void write_unknown(struct jw *j, const char *rule)
{
    jw_object(j);
    member_text(j, "RuleName", slice_str(rule));
    member_text(j, "ErrorCode", SLICE(INVALID));
    member_text(j, "Message", SLICE("there is no such sampling rule"));
    jw_object_end(j);
}

/* The reservoir is shared by the clients that have been heard lately; one that
 * is not empty gives each at least one. */
static void write_target(struct call *c, const struct report *r)
{
    struct resource *x =
        resource_find(c->query->o.resources, STORE_RULES, slice_str(r->rule));
    struct rule rule = {0};
    rule_default(&rule, c->query->o.default_rate);
    if (!x && !slice_is(slice_str(r->rule), DEFAULT_NAME))
        return;
    if (x && rule_read(&rule, slice_str(x->body), false, &c->arena, NULL) < 0)
        return;
    double quota = (double)(uint64_t)rule.reservoir_size /
                   count_clients(c->query, r->rule);
    jw_object(&c->j);
    member_text(&c->j, "RuleName", slice_str(r->rule));
    member_number(&c->j, "FixedRate", rule.fixed_rate);
    member_int(&c->j, "ReservoirQuota",
               quota > 0 && quota < 1 ? 1 : (int64_t)quota);
    member_int(&c->j, "ReservoirQuotaTTL", (int64_t)call_now() + QUOTA_LIFE_S);
    member_int(&c->j, "Interval", INTERVAL_S);
    jw_object_end(&c->j);
}

static unsigned count_clients(const struct query *q, const char *rule)
{
    size_t n = q->n_reports < REPORTS_MAX ? q->n_reports : REPORTS_MAX;
    double since = call_now() - CLIENT_LIFE_S;
    unsigned clients = 0;
    for (size_t i = 0; i < n; i++) {
        const struct report *r = &q->reports[i];
        bool known = r->time < since || strcmp(r->rule, rule) != 0;
        for (size_t k = 0; k < i && !known; k++)
            known = q->reports[k].time >= since &&
                    strcmp(q->reports[k].rule, rule) == 0 &&
                    strcmp(q->reports[k].client, r->client) == 0;
        clients += !known;
    }
    return clients ? clients : 1;
}

/* The last ten minutes of each rule, summed up. */
static void get_statistics(struct call *c)
{
    const struct query *q = c->query;
    size_t n = q->n_reports < REPORTS_MAX ? q->n_reports : REPORTS_MAX;
    double since = call_now() - STATISTICS_LIFE_S;
    jw_object(&c->j);
    jw_key(&c->j, SLICE("SamplingStatisticSummaries"));
    jw_array(&c->j);
    for (size_t i = 0; i < n; i++) {
        struct report sum = q->reports[i];
        if (told_before(q, i))
            continue;
        sum.requests = sum.sampled = sum.borrowed = 0;
        for (size_t k = i; k < n; k++) {
            const struct report *r = &q->reports[k];
            if (r->time < since || strcmp(r->rule, sum.rule) != 0)
                continue;
            sum.requests += r->requests;
            sum.sampled += r->sampled;
            sum.borrowed += r->borrowed;
            sum.time = r->time > sum.time ? r->time : sum.time;
        }
        if (sum.time < since)
            continue;
        jw_object(&c->j);
        member_text(&c->j, "RuleName", slice_str(sum.rule));
        member_number(&c->j, "Timestamp", sum.time);
        member_int(&c->j, "RequestCount", (int64_t)sum.requests);
        member_int(&c->j, "BorrowCount", (int64_t)sum.borrowed);
        member_int(&c->j, "SampledCount", (int64_t)sum.sampled);
        jw_object_end(&c->j);
    }
    jw_array_end(&c->j);
    jw_object_end(&c->j);
    call_reply(c);
}

static bool told_before(const struct query *q, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (strcmp(q->reports[k].rule, q->reports[i].rule) == 0)
            return true;
    return false;
}
