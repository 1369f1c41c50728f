/* SPDX-License-Identifier: Apache-2.0 */
/* Traces to ask filters of, and the asking. */
#ifndef TESTS_LOCAL_FILTER_TRACES_H
#define TESTS_LOCAL_FILTER_TRACES_H

#include <stdio.h>

#include "local/filter.h"

#define TRACE "1-5759e988-bd862e3fe1be46a994272793"
#define TRACE_ID "\"trace_id\":\"" TRACE "\","

/* A shop whose payment faults: shop calls a table (throttled once), orders (a
 * segment of its own) and a bank that sends nothing. */
__attribute__((unused)) static const char *const pay[] = {
    "{" TRACE_ID "\"id\":\"0000000000000001\",\"name\":\"shop\","
    "\"origin\":\"AWS::ECS::Container\",\"start_time\":1000,"
    "\"end_time\":1005,\"fault\":true,\"user\":\"alice\","
    "\"resource_arn\":\"arn:aws:ecs:eu-west-1:1:task/a\","
    "\"aws\":{\"account_id\":\"111122223333\",\"ec2\":{\"instance_id\":"
    "\"i-0b5\",\"availability_zone\":\"eu-west-1c\"}},"
    "\"http\":{\"request\":{\"method\":\"POST\",\"url\":"
    "\"http://shop.example/pay?n=1\",\"user_agent\":\"curl/8\","
    "\"client_ip\":\"10.0.0.7\"},\"response\":{\"status\":502}},"
    "\"annotations\":{\"order_id\":\"42\",\"total\":12.5,\"gift\":false,"
    "\"vip\":true,\"note\":\"say \\\"hi\\\" \\\\o\",\"empty\":\"\"},"
    "\"subsegments\":["
    "{\"id\":\"0000000000000011\",\"name\":\"DynamoDB\",\"namespace\":\"aws\","
    "\"start_time\":1000.5,\"end_time\":1000.75,\"throttle\":true,"
    "\"error\":true,\"aws\":{\"operation\":\"PutItem\",\"table_name\":"
    "\"orders-table\"},\"http\":{\"response\":{\"status\":429}}},"
    "{\"id\":\"0000000000000012\",\"name\":\"orders\",\"namespace\":"
    "\"remote\",\"start_time\":1001,\"end_time\":1002,\"annotations\":"
    "{\"hop\":1},\"http\":{\"response\":{\"status\":201}}},"
    "{\"id\":\"0000000000000013\",\"name\":\"bank.example\",\"namespace\":"
    "\"remote\",\"start_time\":1002,\"end_time\":1004.5,\"fault\":true,"
    "\"cause\":{\"exceptions\":[{\"id\":\"00000000000000e1\",\"type\":"
    "\"TimeoutError\",\"message\":\"no answer\"}]}}]}",
    "{" TRACE_ID "\"id\":\"0000000000000002\",\"parent_id\":"
    "\"0000000000000012\",\"name\":\"orders\",\"origin\":"
    "\"AWS::Lambda::Function\",\"start_time\":1001.25,\"end_time\":1001.75,"
    "\"user\":\"bob\",\"annotations\":{\"order_id\":\"43\",\"shard\":3},"
    "\"http\":{\"request\":{\"method\":\"GET\"},\"response\":{\"status\":"
    "201}},\"subsegments\":[{\"id\":\"0000000000000021\",\"name\":\"check\","
    "\"start_time\":1001.3,\"end_time\":1001.4,\"annotations\":"
    "{\"checked\":true}}]}",
    NULL};

/* Well, but for work that is still going on behind it. */
__attribute__((unused)) static const char *const report[] = {
    "{" TRACE_ID "\"id\":\"0000000000000001\",\"name\":\"report\","
    "\"start_time\":2000,\"end_time\":2000.25}",
    "{" TRACE_ID "\"id\":\"0000000000000002\",\"parent_id\":"
    "\"0000000000000001\",\"name\":\"late\",\"start_time\":2001,"
    "\"in_progress\":true}",
    NULL};

__attribute__((unused)) static const char *const running[] = {
    "{" TRACE_ID "\"id\":\"0000000000000001\",\"name\":\"slow\","
    "\"start_time\":3000,\"in_progress\":true}",
    NULL};

struct question {
    const char *filter;
    bool yes;
};

static inline struct trace *assemble(struct arena *a, const char *const *texts)
{
    struct trace_document d[8];
    size_t n = 0;
    for (; texts[n] != NULL; n++)
        d[n].body = slice_str(texts[n]);
    struct trace *t = trace_assemble(SLICE(TRACE), d, n, a);
    assert_non_null(t);
    assert_int_equal(t->unreadable, 0);
    return t;
}

static inline bool holds(const struct trace *t, const char *text)
{
    struct err err = {""};
    uint64_t budget = FILTER_BUDGET;
    struct filter *f = filter_parse(slice_str(text), NULL, &err);
    if (f == NULL)
        fail_msg("%s: %s", text, err.text);
    bool yes = filter_match(f, t, &budget);
    assert_true(budget > 0);
    filter_free(f);
    return yes;
}

static inline void ask_all(const char *const *documents,
                           const struct question *q, size_t n)
{
    struct arena a;
    arena_init(&a, 1 << 20);
    struct trace *t = assemble(&a, documents);
    for (size_t i = 0; i < n; i++)
        if (holds(t, q[i].filter) != q[i].yes)
            fail_msg("%s: should %smatch", q[i].filter, q[i].yes ? "" : "not ");
    arena_fini(&a);
}

#define ASK(documents, questions)                                              \
    ask_all(documents, questions, sizeof(questions) / sizeof((questions)[0]))

#endif
