/* SPDX-License-Identifier: Apache-2.0 */
/* local/filter*.c over traces put together from documents */
#include "local/filter_parse.c"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include "xr/buf.h"

#define TRACE "1-5759e988-bd862e3fe1be46a994272793"
#define TRACE_ID "\"trace_id\":\"" TRACE "\","

/* A shop whose payment faults: shop calls a table (throttled once), orders (a
 * segment of its own) and a bank that sends nothing. */
static const char *const pay[] = {
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
static const char *const report[] = {
    "{" TRACE_ID "\"id\":\"0000000000000001\",\"name\":\"report\","
    "\"start_time\":2000,\"end_time\":2000.25}",
    "{" TRACE_ID "\"id\":\"0000000000000002\",\"parent_id\":"
    "\"0000000000000001\",\"name\":\"late\",\"start_time\":2001,"
    "\"in_progress\":true}",
    NULL};

static const char *const running[] = {
    "{" TRACE_ID "\"id\":\"0000000000000001\",\"name\":\"slow\","
    "\"start_time\":3000,\"in_progress\":true}",
    NULL};

struct question {
    const char *filter;
    bool yes;
};

static struct trace *assemble(struct arena *a, const char *const *texts)
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

static bool holds(const struct trace *t, const char *text)
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

static void ask_all(const char *const *documents, const struct question *q,
                    size_t n)
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

static void flags_at_the_top_are_those_of_the_entry(void **state)
{
    static const struct question q[] = {
        {"", true},
        {" \t\n", true},
        {"fault", true},
        {"!fault", false},
        {"fault = true", true},
        {"fault = false", false},
        {"fault != true", false},
        {"FAULT != False", true},
        {"ok", false},
        {"!ok", true},
        {"error", false},
        {"throttle", true}, /* of any segment */
        {"partial", false},
        {"inferred", true},
        {"root", true},
        {"!!fault", true},
    };
    static const struct question r[] = {
        {"ok", true},          {"fault", false},    {"throttle", false},
        {"partial", true},     {"inferred", false}, {"ok = true", true},
        {"ok = false", false},
    };
    (void)state;
    ASK(pay, q);
    ASK(report, r);
}

static void numbers_take_every_comparison(void **state)
{
    static const struct question q[] = {
        {"responsetime = 5", true},
        {"responsetime != 5", false},
        {"responsetime < 5", false},
        {"responsetime <= 5", true},
        {"responsetime > 5", false},
        {"responsetime >= 5", true},
        {"responsetime > 4.99", true},
        {"responseTime<5.01", true},
        {"duration = 5", true},
        {"duration >= 5.000001", false},
        {"http.status = 502", true},
        {"http.status != 502", false},
        {"http.status != 200", true},
        {"http.status >= 500", true},
        {"http.status < 500", false},
        {"http.status <= 5.02e2", true},
        {"http.status > -1", true},
        {"http.status = .5", false},
        {"service(\"orders\"){responsetime = 0.5}", true},
        {"service(\"orders\"){duration = 0.5}", true},
        {"service(\"orders\"){duration > 0.5}", false},
    };
    static const struct question late[] = {
        {"responsetime = 0.25", true},
        {"duration >= 1", true},
        {"http.status != 200", false}, /* none, so no comparison holds */
        {"http.status = 0", false},
        {"!http.status = 200", true},
        {"service(\"late\"){duration >= 0}", false},
    };
    static const struct question open[] = {
        {"responsetime >= 0", false},
        {"responsetime < 100", false},
        {"partial", true},
    };
    (void)state;
    ASK(pay, q);
    ASK(report, late);
    ASK(running, open);
}

static void texts_take_every_comparison(void **state)
{
    static const struct question q[] = {
        {"http.url", true},
        {"http.url = \"http://shop.example/pay?n=1\"", true},
        {"http.url != \"http://shop.example/pay?n=1\"", false},
        {"http.url != \"x\"", true},
        {"http.url CONTAINS \"/pay\"", true},
        {"http.url contains \"/PAY\"", false},
        {"http.url CONTAINS \"\"", true},
        {"http.url BEGINSWITH \"http://shop\"", true},
        {"http.url BEGINSWITH \"shop\"", false},
        {"http.url ENDSWITH \"n=1\"", true},
        {"http.url EndsWith \"n=\"", false},
        {"http.url BEGINSWITH \"http://shop.example/pay?n=1 \"", false},
        {"http.url ENDSWITH \"http://shop.example/pay?n=1 \"", false},
        {"http.method = \"POST\"", true},
        {"http.method = \"GET\"", false}, /* that is orders' */
        {"http.useragent BEGINSWITH \"curl\"", true},
        {"http.clientip = \"10.0.0.7\"", true},
        {"user = \"alice\"", true},
        {"user = \"bob\"", true},
        {"user = \"eve\"", false},
        {"user != \"alice\"", true}, /* bob differs */
        {"user CONTAINS \"\"", true},
        {"name = \"shop\"", true},
        {"name = \"orders-table\"", true},
        {"name = \"check\"", false},
        {"name = \"TimeoutError\"", true},
        {"type = \"AWS::Lambda::Function\"", true},
        {"type = \"TimeoutError\"", true},
        {"message CONTAINS \"answer\"", true},
        {"message = \"shop\"", false},
        {"availabilityzone = \"eu-west-1c\"", true},
        {"instance.id = \"i-0b5\"", true},
        {"resource.arn ENDSWITH \"task/a\"", true},
        {"resource.arn = \"arn\"", false},
        {"service(\"shop\"){message = \"no answer\"}", true},
        {"service(\"orders\"){message CONTAINS \"\"}", false},
        {"service(\"orders\"){user = \"alice\"}", false},
        {"service(\"orders\"){http.method = \"GET\"}", true},
        {"service(\"orders\"){instance.id}", false},
        {"service(\"shop\"){instance.id}", true},
        {"service(\"orders\"){name = \"orders\"}", true},
        {"service(\"orders\"){type = \"AWS::Lambda::Function\"}", true},
    };
    static const struct question missing[] = {
        {"http.url", false},
        {"http.url = \"\"", false},
        {"http.url != \"x\"", false},
        {"http.url CONTAINS \"\"", false},
        {"!http.url", true},
        {"user", false},
        {"user != \"alice\"", false},
        {"instance.id", false},
        {"message", false},
        {"type", false},
        {"availabilityzone != \"a\"", false},
        {"http.clientip ENDSWITH \"\"", false},
    };
    (void)state;
    ASK(pay, q);
    ASK(report, missing);
}

static void annotations_compare_by_their_kind(void **state)
{
    static const struct question q[] = {
        {"annotation.order_id = \"42\"", true},
        {"annotation[order_id] = \"43\"", true},
        {"annotation[ order_id ] = \"43\"", true},
        {"annotation[\"order_id\"] = \"43\"", true},
        {"ANNOTATION.order_id = \"43\"", true},
        {"annotation.Order_id", false},
        {"annotation.order_id != \"42\"", true}, /* 43 differs */
        {"annotation.order_id = 42", false},
        {"annotation.order_id != 42", false},
        {"annotation.order_id BEGINSWITH \"4\"", true},
        {"annotation.order_id ENDSWITH \"3\"", true},
        {"annotation.order_id CONTAINS \"\"", true},
        {"annotation.total = 12.5", true},
        {"annotation.total > 12", true},
        {"annotation.total >= 12.5", true},
        {"annotation.total < 12.5", false},
        {"annotation.total <= 12.5", true},
        {"annotation.total != 12.5", false},
        {"annotation.total = \"12.5\"", false},
        {"annotation.total CONTAINS \"\"", false},
        {"annotation.gift = false", true},
        {"annotation.gift = true", false},
        {"annotation.gift != true", true},
        {"annotation.gift", false},
        {"!annotation.gift", true},
        {"annotation.vip", true},
        {"annotation.vip = \"true\"", false},
        {"annotation.total", true},
        {"annotation.nothing", false},
        {"!annotation.nothing", true},
        {"annotation.nothing != 1", false},
        {"annotation.empty", true},
        {"annotation.empty = \"\"", true},
        {"annotation.empty != \"\"", false},
        {"annotation.empty = \"x\"", false},
        {"annotation.empty != \"x\"", true},
        {"annotation.empty CONTAINS \"\"", true},
        {"annotation.note = \"say \\\"hi\\\" \\\\o\"", true},
        {"annotation.checked", true}, /* of a subsegment */
        {"annotation.hop = 1", true},
        {"service(\"orders\"){annotation.order_id = \"42\"}", false},
        {"service(\"orders\"){annotation.order_id = \"43\"}", true},
        {"service(\"orders\"){annotation.checked}", true},
        {"service(\"orders\"){annotation.hop = 1}", false},
        {"service(\"shop\"){annotation.hop = 1}", true},
        {"service(\"shop\"){annotation.shard = 3}", false},
        {"edge(\"shop\",\"orders\"){annotation.hop = 1}", true},
        {"edge(\"shop\",\"orders\"){annotation.order_id}", false},
    };
    (void)state;
    ASK(pay, q);
}

static void services_are_nodes_and_edges_are_calls(void **state)
{
    static const struct question q[] = {
        {"service(\"shop\")", true},
        {"service(\"Shop\")", false},
        {"service()", true},
        {"service(\"orders\"){fault}", false},
        {"service(\"orders\"){ok}", true},
        {"service(){fault}", true},
        {"service(){throttle}", true},
        {"service(\"shop\"){throttle}", false},
        {"service(\"orders-table\"){throttle}", true},
        {"service(\"orders-table\"){error}", true},
        {"service(\"orders-table\"){inferred}", true},
        {"service(\"orders-table\"){http.status = 429}", true},
        {"service(\"DynamoDB\"){throttle}", true}, /* courtesy */
        {"service(\"orders\"){inferred}", false},
        {"service(\"shop\"){root}", true},
        {"service(\"orders\"){root}", false},
        {"service(\"bank.example\"){fault inferred}", true},
        {"service(id(name: \"orders\"))", true},
        {"service(id(name:\"orders\",type:\"AWS::Lambda::Function\"))", true},
        {"service(ID(Type:\"AWS::Lambda::Function\"))", true},
        {"service(id(name:\"shop\",type:\"AWS::Lambda::Function\"))", false},
        {"service(id(name:\"shop\",account.id:\"111122223333\"))", true},
        {"service(id(name:\"shop\",account.id:\"9\"))", false},
        {"service(id(name:\"shop\",type:\"client\"))", true},
        {"service(id(name:\"orders\",type:\"client\"))", false},
        {"edge(\"shop\",\"orders\")", true},
        {"edge(\"orders\",\"shop\")", false},
        {"edge(\"shop\",\"orders\"){http.status = 201}", true},
        {"edge(\"shop\",\"orders\"){responsetime = 1}", true},
        {"edge(\"shop\",\"orders\"){responsetime = 0.5}", false},
        {"edge(\"shop\",\"orders-table\"){throttle}", true},
        {"edge(\"shop\",\"bank.example\"){fault AND message}", true},
        {"edge(\"orders\",\"bank.example\")", false},
        {"edge(id(name:\"shop\"),id(type:\"AWS::DynamoDB::Table\"))", true},
        {"edge(id(name:\"shop\",type:\"client\"),\"shop\"){fault}", true},
        {"edge(id(name:\"shop\",type:\"client\"),\"orders\")", false},
        {"service(\"orders\"){service(\"shop\"){fault}}", true},
        {"service(\"orders\"){!service(\"shop\"){fault}}", false},
        {"!service(\"nobody\")", true},
    };
    static const struct question direct[] = {
        {"edge(\"report\",\"late\"){partial}", true}, /* no subsegment */
        {"edge(\"report\",\"late\"){ok}", true},
    };
    (void)state;
    ASK(pay, q);
    ASK(report, direct);
}

static void words_bind_as_in_the_grammar(void **state)
{
    static const struct question q[] = {
        {"fault ok", false}, /* side by side is AND */
        {"fault throttle", true},
        {"ok OR fault", true},
        {"ok or ok", false},
        {"ok fault OR fault", true}, /* (ok AND fault) OR fault */
        {"fault OR ok fault", true},
        {"ok (fault OR fault)", false},
        {"(ok OR fault) (ok OR throttle)", true},
        {"(ok OR fault) (ok OR error)", false},
        {"!ok and !error", true},
        {"!(ok OR fault)", false},
        {"!ok fault", true}, /* ! binds one term */
        {"!(fault)(throttle)", false},
        {"ok = false AND fault = true", true},
    };
    (void)state;
    ASK(pay, q);
}

struct refusal {
    const char *filter, *message;
};

static void mistakes_name_the_column(void **state)
{
    static const struct refusal rows[] = {
        {"responsetime >=", "column 16: value expected after \">=\""},
        {"fault duration >=", "column 18: value expected after \">=\""},
        {"responsetime >= AND ok", "column 17: value expected after \">=\""},
        {"responsetime", "column 13: operator expected after \"resp"},
        {"responsetime = \"5\"", "column 16: number expected"},
        {"responsetime = true", "column 16: number expected"},
        {"responsetime CONTAINS 5", "column 14: a number can't be asked"},
        {"http.url = 5", "column 12: text in quotes expected"},
        {"http.url < \"a\"", "column 10: a text can't be asked"},
        {"http.method = GET", "column 15: value expected after \"=\""},
        {"fault = 1", "column 9: true or false expected"},
        {"fault > true", "column 7: \"=\" or \"!=\" expected"},
        {"fualt", "column 1: unknown keyword \"fualt\""},
        {"ok AND", "column 7: keyword expected"},
        {"AND ok", "column 1: keyword expected"},
        {"ok OR", "column 6: keyword expected"},
        {"ok OR OR ok", "column 7: keyword expected"},
        {"!", "column 2: keyword expected"},
        {"()", "column 2: keyword expected"},
        {"(ok", "column 4: \")\" expected"},
        {"ok)", "column 3: nothing is open before \")\""},
        {"ok }", "column 4: nothing is open before \"}\""},
        {"ok \"a\"", "column 4: nothing is open before \"\"a\"\""},
        {"user = \"a", "column 8: the closing quote"},
        {"user = \"a\\\"", "column 8: the closing quote"},
        {"ok ; fault", "column 4: a keyword, an operator or"},
        {"\xc3\xa4", "column 1: a keyword, an operator or"},
        {"user = \"\xc3\xa4\" x", "column 12: unknown keyword \"x\""},
        {"service", "column 8: \"(\" expected after \"service\""},
        {"service(", "column 9: name in quotes or id(...) expected"},
        {"service(\"a\"", "column 12: \")\" expected"},
        {"service(a)", "column 9: name in quotes or id(...)"},
        {"service(\"a\"){}", "column 14: keyword expected"},
        {"service(\"a\"){ok", "column 16: \"}\" expected"},
        {"service(id())", "column 12: name, type or account.id"},
        {"service(id(name \"a\"))", "column 17: \":\" expected"},
        {"service(id(name:5))", "column 17: text in quotes expected"},
        {"service(id(name:\"a\" type:\"b\"))", "column 21: \",\" or \")\""},
        {"edge(\"a\")", "column 9: \",\" expected"},
        {"edge", "column 5: \"(\" expected after \"edge\""},
        {"annotation", "column 11: \".key\" or \"[key]\""},
        {"annotation = 1", "column 11: \".key\" or \"[key]\""},
        {"annotation.", "column 12: key expected after"},
        {"annotation[", "column 12: \"]\" expected after the key"},
        {"annotation[] = 1", "column 12: key expected after \"[\""},
        {"annotation.k >", "column 15: value expected after \">\""},
        {"annotation.k < \"a\"", "column 14: a text can't be asked"},
        {"annotation.k > true", "column 14: \"=\" or \"!=\" expected"},
        {"annotation.k CONTAINS 1", "column 14: a number can't be asked"},
        {"group.name", "column 11: \"=\" expected after \"group.name\""},
        {"group.name != \"a\"", "column 11: \"=\" expected"},
        {"group.name = 5", "column 13: text in quotes expected"},
        {"group.name = \"a\"", "column 14: there is no group \"a\""},
        {"rootcause.fault.service { ok }", "column 1: \"rootcause.fault."},
        {"first", "column 1: \"first\" is not offered in local mode"},
        {"coverage > 1", "column 1: \"coverage\" is not offered"},
        {"annotation.k =\n\n", "column 15: value expected after \"=\""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct err err = {""};
        char expected[128];
        assert_null(filter_parse(slice_str(rows[i].filter), NULL, &err));
        snprintf(expected, sizeof(expected), "filter, %s", rows[i].message);
        if (strncmp(err.text, expected, strlen(expected)) != 0)
            fail_msg("%s\n  gives   %s\n  not     %s", rows[i].filter, err.text,
                     expected);
    }
}

static bool deep(const char *open, const char *term, const char *close,
                 int times)
{
    struct buf b;
    struct err err = {""};
    buf_init(&b, FILTER_MAX_BYTES + 1);
    for (int i = 0; i < times; i++)
        buf_str(&b, open);
    buf_str(&b, term);
    for (int i = 0; i < times; i++)
        buf_str(&b, close);
    assert_false(b.failed);
    struct filter *f = filter_parse(buf_slice(&b), NULL, &err);
    bool read = f != NULL;
    assert_true(read || strstr(err.text, "nested too deeply") != NULL);
    filter_free(f);
    buf_fini(&b);
    return read;
}

static void depth_and_length_are_bounded(void **state)
{
    static char text[FILTER_MAX_BYTES + 2];
    struct err err = {""};
    (void)state;
    assert_true(deep("(", "ok", ")", FILTER_DEPTH_MAX - 1));
    assert_false(deep("(", "ok", ")", FILTER_DEPTH_MAX));
    assert_true(deep("!", "ok", "", FILTER_DEPTH_MAX - 1));
    assert_false(deep("!", "ok", "", FILTER_DEPTH_MAX));
    assert_false(deep("!", "ok", "", 4000));
    assert_true(deep("service(){", "ok", "}", FILTER_DEPTH_MAX - 1));
    assert_false(deep("service(){", "ok", "}", FILTER_DEPTH_MAX));
    memset(text, ' ', sizeof(text));
    struct filter *f =
        filter_parse(slice_of(text, FILTER_MAX_BYTES), NULL, &err);
    assert_non_null(f);
    filter_free(f);
    assert_null(filter_parse(slice_of(text, FILTER_MAX_BYTES + 1), NULL, &err));
    assert_non_null(strstr(err.text, "longer than 4096 bytes"));
}

static bool find_group(void *arg, struct slice name, struct slice *expression)
{
    (void)arg;
    if (slice_is(name, "Default"))
        *expression = SLICE("");
    else if (slice_is(name, "faults"))
        *expression = SLICE("fault OR ok");
    else if (slice_is(name, "outer"))
        *expression = SLICE("group.name = \"faults\" AND throttle");
    else if (slice_is(name, "round"))
        *expression = SLICE("group.name = \"round\"");
    else if (slice_is(name, "twice"))
        *expression = SLICE("group.name=\"twice\" group.name=\"twice\"");
    else if (slice_is(name, "broken"))
        *expression = SLICE("ok AND");
    else
        return false;
    return true;
}

static void a_group_stands_for_its_expression(void **state)
{
    static const struct filter_groups groups = {.find = find_group};
    static const struct question rows[] = {
        {"group.name = \"faults\"", true},
        {"group.arn = \"faults\"", true},
        {"group.name = \"outer\"", true},
        {"group.name = \"Default\" ok", false},
        {"!group.name = \"faults\"", false},
        {"ok group.name = \"faults\"", false}, /* binds as if in brackets */
        {"service(\"orders\"){group.name = \"outer\"}", true},
    };
    struct err err = {""};
    struct arena a;
    (void)state;
    arena_init(&a, 1 << 20);
    struct trace *t = assemble(&a, pay);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint64_t budget = FILTER_BUDGET;
        struct filter *f =
            filter_parse(slice_str(rows[i].filter), &groups, &err);
        assert_non_null(f);
        assert_int_equal(filter_match(f, t, &budget), rows[i].yes);
        filter_free(f);
    }
    arena_fini(&a);
    assert_null(filter_parse(SLICE("group.name=\"x\""), &groups, &err));
    assert_null(filter_parse(SLICE("group.name=\"round\""), &groups, &err));
    assert_non_null(strstr(err.text, "in group \"round\""));
    assert_null(filter_parse(SLICE("group.name=\"twice\""), &groups, &err));
    assert_null(filter_parse(SLICE("ok group.name=\"broken\""), &groups, &err));
    assert_string_equal(err.text, "filter, column 15: in group \"broken\": "
                                  "filter, column 7: keyword expected");
}

static void a_spent_budget_ends_the_evaluation(void **state)
{
    struct err err = {""};
    struct arena a;
    (void)state;
    arena_init(&a, 1 << 20);
    struct trace *t = assemble(&a, pay);
    struct filter *f =
        filter_parse(SLICE("!service(\"nobody\"){ok}"), NULL, &err);
    uint64_t whole = 1000, budget;
    assert_true(filter_match(f, t, &whole));
    uint64_t steps = 1000 - whole;
    assert_true(steps > t->n_entities);
    for (budget = 0; budget <= steps; budget++) {
        uint64_t left = budget;
        assert_false(filter_match(f, t, &left));
        assert_int_equal(left, 0);
    }
    filter_free(f);
    arena_fini(&a);
}

static const struct filter_condition *conditions_of(struct filter **f,
                                                    const char *text, size_t n)
{
    struct err err = {""};
    size_t have;
    *f = filter_parse(slice_str(text), NULL, &err);
    assert_non_null(*f);
    const struct filter_condition *c = filter_conditions(*f, &have);
    assert_int_equal(have, n);
    return c;
}

static void conjuncts_at_the_top_become_conditions(void **state)
{
    struct filter *f;
    (void)state;
    const struct filter_condition *c = conditions_of(
        &f, "fault !throttle http.status >= 500 annotation.k = \"v\"", 4);
    assert_int_equal(c[0].kind, CONDITION_FAULT);
    assert_true(c[0].want);
    assert_int_equal(c[1].kind, CONDITION_THROTTLE);
    assert_false(c[1].want);
    assert_int_equal(c[2].kind, CONDITION_STATUS);
    assert_true(c[2].low == 500 && isinf(c[2].high));
    assert_int_equal(c[3].kind, CONDITION_ANNOTATION);
    assert_true(slice_is(c[3].key, "k") && slice_is(c[3].text, "v"));
    filter_free(f);

    c = conditions_of(&f, "(duration < 5) service(\"a\"){ok} edge(\"b\",\"c\")",
                      4);
    assert_int_equal(c[0].kind, CONDITION_DURATION);
    assert_true(c[0].high >= 5 && c[0].high < 5.001 && isinf(c[0].low));
    assert_int_equal(c[1].kind, CONDITION_SERVICE);
    assert_true(slice_is(c[1].key, "a"));
    filter_free(f);

    c = conditions_of(&f, "ok = true partial != true", 4);
    assert_int_equal(c[3].kind, CONDITION_PARTIAL);
    assert_false(c[0].want || c[1].want || c[2].want || c[3].want);
    filter_free(f);
}

static void what_is_no_conjunct_becomes_no_condition(void **state)
{
    static const char *const texts[] = {
        "",
        "fault OR ok",
        "!(fault error)",
        "!ok",
        "!service(\"a\")",
        "!http.status = 200",
        "!annotation.k = 1",
        "annotation.k",
        "annotation.k != 1",
        "http.status != 200",
        "inferred root",
        "service() service(id(type:\"x\"))",
        "user = \"a\"",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct filter *f;
        conditions_of(&f, texts[i], 0);
        filter_free(f);
    }
}

static void selectors_name_one_node_or_edge(void **state)
{
    struct err err = {""};
    struct arena a;
    (void)state;
    arena_init(&a, 1 << 20);
    struct trace *t = assemble(&a, pay);
    struct selector *s = selector_parse(SLICE(" service( \"shop\" ) "), &err);
    assert_non_null(s);
    assert_int_equal(selector_kind(s), SELECT_SERVICE);
    assert_true(selector_service(s, t->entry));
    assert_false(selector_edge(s, NULL, t->entry->node));
    selector_free(s);
    s = selector_parse(SLICE("id(name:\"orders\")"), &err);
    assert_false(selector_service(s, t->entry));
    selector_free(s);
    s = selector_parse(SLICE("service()"), &err);
    assert_true(selector_service(s, t->entry));
    selector_free(s);
    s = selector_parse(
        SLICE("edge(id(name:\"shop\",type:\"client\"), \"shop\")"), &err);
    assert_int_equal(selector_kind(s), SELECT_EDGE);
    assert_true(selector_edge(s, NULL, t->entry->node));
    assert_false(selector_edge(s, t->entry->node, t->entry->node));
    selector_free(s);
    assert_null(selector_parse(SLICE("edge(\"a\")"), &err));
    assert_null(selector_parse(SLICE("service(\"a\"){ok}"), &err));
    assert_null(selector_parse(SLICE(""), &err));
    assert_null(selector_parse(SLICE("fault"), &err));
    arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flags_at_the_top_are_those_of_the_entry),
        cmocka_unit_test(numbers_take_every_comparison),
        cmocka_unit_test(texts_take_every_comparison),
        cmocka_unit_test(annotations_compare_by_their_kind),
        cmocka_unit_test(services_are_nodes_and_edges_are_calls),
        cmocka_unit_test(words_bind_as_in_the_grammar),
        cmocka_unit_test(mistakes_name_the_column),
        cmocka_unit_test(depth_and_length_are_bounded),
        cmocka_unit_test(a_group_stands_for_its_expression),
        cmocka_unit_test(a_spent_budget_ends_the_evaluation),
        cmocka_unit_test(conjuncts_at_the_top_become_conditions),
        cmocka_unit_test(what_is_no_conjunct_becomes_no_condition),
        cmocka_unit_test(selectors_name_one_node_or_edge),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
