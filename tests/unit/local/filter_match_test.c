/* SPDX-License-Identifier: Apache-2.0 */
/* local/filter_match.c: every keyword with every operator */
#include "local/filter_match.c"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include "filter_traces.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flags_at_the_top_are_those_of_the_entry),
        cmocka_unit_test(numbers_take_every_comparison),
        cmocka_unit_test(texts_take_every_comparison),
        cmocka_unit_test(annotations_compare_by_their_kind),
        cmocka_unit_test(services_are_nodes_and_edges_are_calls),
        cmocka_unit_test(words_bind_as_in_the_grammar),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
