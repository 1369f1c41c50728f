/* SPDX-License-Identifier: Apache-2.0 */
/* Reading, checking and writing of sampling rules. Pure. */
#include "sampling.h"

#include <math.h>

#include "resource.h"
#include "summary.h"

#define PRIORITY_MAX 9999
#define PRIORITY_DEFAULT 10000
#define COUNT_MAX 1e15

static const struct {
    const char *name;
    size_t max;
} texts[RULE_TEXTS] = {
    [RULE_RESOURCE_ARN] = {"ResourceARN", 500},
    [RULE_SERVICE_NAME] = {"ServiceName", 64},
    [RULE_SERVICE_TYPE] = {"ServiceType", 64},
    [RULE_HOST] = {"Host", 64},
    [RULE_HTTP_METHOD] = {"HTTPMethod", 10},
    [RULE_URL_PATH] = {"URLPath", 128},
};

static int check_whole(const struct params *p, struct err *err);
static int check(const struct rule *r, struct err *err);

void rule_default(struct rule *r, double rate)
{
    *r = (struct rule){.priority = PRIORITY_DEFAULT,
                       .fixed_rate = rate,
                       .reservoir_size = 1,
                       .attributes = SLICE("{}")};
    for (int i = 0; i < RULE_TEXTS; i++)
        r->texts[i] = SLICE("*");
}

int rule_read(struct rule *r, struct slice object, bool whole, struct arena *a,
              struct err *err)
{
    struct params p;
    double version = 1;
    if (object.n == 0)
        return err_set(err, "the sampling rule is missing");
    if (params_read(&p, object, a, err) < 0 ||
        params_text(&p, "RuleName", &r->name, err) < 0 ||
        params_number(&p, "Priority", &r->priority, err) < 0 ||
        params_number(&p, "FixedRate", &r->fixed_rate, err) < 0 ||
        params_number(&p, "ReservoirSize", &r->reservoir_size, err) < 0 ||
        params_number(&p, "Version", &version, err) < 0 ||
        params_object(&p, "Attributes", &r->attributes, err) < 0 ||
        params_object(&p, "SamplingRateBoost", &r->boost, err) < 0)
        return -1;
    for (int i = 0; i < RULE_TEXTS; i++)
        if (params_text(&p, texts[i].name, &r->texts[i], err) < 0)
            return -1;
    if (version != 1)
        return err_set(err, "Version: 1 is the only one");
    if (whole && check_whole(&p, err) < 0)
        return -1;
    return check(r, err);
}

static int check_whole(const struct params *p, struct err *err)
{
    static const char *const numbers[] = {"RuleName", "Priority", "FixedRate",
                                          "ReservoirSize", "Version"};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        if (!params_find(p, numbers[i]))
            return err_set(err, "%s is required", numbers[i]);
    for (int i = 0; i < RULE_TEXTS; i++)
        if (!params_find(p, texts[i].name))
            return err_set(err, "%s is required", texts[i].name);
    return 0;
}

static int check(const struct rule *r, struct err *err)
{
    bool is_default = r->priority == PRIORITY_DEFAULT;
    if (r->name.n > RESOURCE_NAME_MAX || (r->name.p && r->name.n == 0))
        return err_set(err, "RuleName: 1 to %d characters are needed",
                       RESOURCE_NAME_MAX);
    if (!is_default && (r->priority < 1 || r->priority > PRIORITY_MAX ||
                        floor(r->priority) != r->priority))
        return err_set(err, "Priority: a whole number of 1 to %d is needed",
                       PRIORITY_MAX);
    if (is_default && r->name.n > 0 && !slice_is(r->name, DEFAULT_NAME))
        return err_set(err, "Priority: 1 to %d are allowed", PRIORITY_MAX);
    if (r->fixed_rate < 0 || r->fixed_rate > 1)
        return err_set(err, "FixedRate: 0 to 1 are allowed");
    if (r->reservoir_size < 0 || r->reservoir_size > COUNT_MAX)
        return err_set(err, "ReservoirSize: 0 or more is needed");
    for (int i = 0; i < RULE_TEXTS; i++)
        if (r->texts[i].n > texts[i].max)
            return err_set(err, "%s: at most %zu characters are allowed",
                           texts[i].name, texts[i].max);
    return 0;
}

void rule_write(struct jw *j, struct slice name, const struct rule *r)
{
    struct buf arn;
    buf_init(&arn, 512);
    resource_arn(STORE_RULES, name, &arn);
    jw_object(j);
    member_text(j, "RuleName", name);
    member_text(j, "RuleARN", buf_slice(&arn));
    for (int i = 0; i < RULE_TEXTS; i++)
        member_text(j, texts[i].name, r->texts[i]);
    member_int(j, "Priority", (int64_t)r->priority);
    member_number(j, "FixedRate", r->fixed_rate);
    member_int(j, "ReservoirSize", (int64_t)r->reservoir_size);
    member_int(j, "Version", 1);
    jw_key(j, SLICE("Attributes"));
    jw_raw(j, r->attributes.n ? r->attributes : SLICE("{}"));
    if (r->boost.n) {
        jw_key(j, SLICE("SamplingRateBoost"));
        jw_raw(j, r->boost);
    }
    jw_object_end(j);
    buf_fini(&arn);
}

uint64_t rule_count(double v)
{
    return v > 0 && v < COUNT_MAX ? (uint64_t)v : 0;
}
