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

/* pay's fault: shop (shop, bank.example) and bank.example, which sends
 * nothing and is inferred. Its time: the same path. */
static void causes_are_asked_by_their_parts(void **state)
{
    static const struct question q[] = {
        {"rootcause.fault.service { name = \"shop\" }", true},
        {"rootcause.fault.service { name = \"orders\" }", false},
        {"ROOTCAUSE.Fault.Service { last and name = \"bank.example\" }", true},
        {"rootcause.fault.service { first name = \"bank.example\" }", false},
        {"rootcause.fault.service { first !last name = \"shop\" }", true},
        {"rootcause.fault.service { inferred and type = \"remote\" }", true},
        {"rootcause.fault.service { inferred and name = \"shop\" }", false},
        {"rootcause.fault.service { type = \"AWS::ECS::Container\" }", true},
        {"rootcause.fault.service { index = 1 }", true},
        {"rootcause.fault.service { index > 1 }", false},
        {"rootcause.fault.service { root http.status = 502 }", true},
        {"rootcause.fault.service { last http.status = 502 }", false},
        {"rootcause.fault.service { user = \"alice\" first }", true},
        {"rootcause.fault.entity { index = 2 last }", true},
        {"rootcause.fault.entity { index = 1 first = false }", true},
        {"rootcause.fault.entity { remote and name = \"bank.example\" }", true},
        {"rootcause.fault.entity { remote and name = \"shop\" }", false},
        {"rootcause.fault.entity { name = \"TimeoutError\" }", true},
        {"rootcause.fault.entity { message = \"no answer\" remote }", true},
        {"rootcause.fault.entity { service(\"shop\") AND remote }", true},
        {"rootcause.fault.entity { service(\"shop\") AND last }", false},
        {"rootcause.fault.entity { service(id(type: \"remote\")) last }", true},
        {"rootcause.fault.entity { service(\"shop\"){root} remote }", true},
        {"rootcause.fault.entity { service(\"orders\") }", false},
        {"rootcause.fault.exception { last message ENDSWITH \"wer\" }", true},
        {"rootcause.fault.exception { name = \"TimeoutError\" }", true},
        {"rootcause.fault.exception { first type = \"TimeoutError\" }", true},
        {"rootcause.fault.exception { name = \"shop\" }", false},
        {"rootcause.fault.exception { index > 1 }", false},
        {"rootcause.fault { first last index = 0 }", true},
        {"rootcause.fault { name = \"shop\" name = \"TimeoutError\" }", true},
        {"rootcause.fault { service(\"shop\") service(\"bank.example\") }",
         true},
        {"rootcause.fault { service(\"orders\") }", false},
        {"rootcause.error { first last }", true}, /* the table's throttle */
        {"rootcause.error.service { last name = \"orders-table\" }", true},
        {"!rootcause.error.exception { index >= 0 }", true},
        {"rootcause.responsetime.entity { remote and coverage >= 0.5 and "
         "name = \"bank.example\" }",
         true},
        {"rootcause.responsetime.entity { last and coverage > 0.5 }", false},
        {"rootcause.responsetime.entity { coverage = 1 first }", true},
        {"rootcause.responsetime.service { last coverage = 0.5 }", true},
        {"rootcause.responsetime { coverage = 0.5 }", true},
        {"rootcause.responsetime.entity { responsetime = 2.5 }", true},
        {"rootcause.fault.entity { fault last } AND fault", true},
        {"service(\"orders\"){rootcause.fault.service{name=\"shop\"}}", true},
    };
    static const struct question none[] = {
        {"rootcause.fault.service { index >= 0 }", false},
        {"rootcause.responsetime.entity { index >= 0 }", true},
        {"rootcause.responsetime.entity { index >= 1 }", false},
    };
    (void)state;
    ASK(pay, q);
    ASK(report, none);
}

static void causes_are_found_by_their_json(void **state)
{
#define BANK "{\"Name\":\"bank.example\"}"
    static const struct question q[] = {
        {"rootcause.json = #[{ \"Services\": [ {\"Name\": \"shop\", "
         "\"EntityPath\": [{\"Name\": \"shop\"}," BANK "]}," BANK "]}]",
         true},
        {"json = #[{\"Services\":[{\"Name\":\"sh\\u006fp\"}," BANK "]}]", true},
        {"rootcause.json = #[{}]", true},
        {"rootcause.json = #[]", false},
        {"rootcause.json = #[1, {\"Services\":[{},{}]}] AND fault", true},
        {"rootcause.json = #[{\"Services\":[{}]}]", false},
        {"rootcause.json = #[{\"Services\":[{},{},{}]}]", false},
        {"rootcause.json = #[{\"Services\":[" BANK ",{}]}]", false},
        {"rootcause.json = #[{\"Services\":[{\"AccountId\":null},{}]}]", true},
        {"rootcause.json = #[{\"Services\":[{\"Type\":null},{}]}]", false},
        {"rootcause.json = #[{\"Services\":[{\"Colour\":1},{}]}]", false},
        {"rootcause.json = #[{\"Services\":[{\"Names\":[\"shop\"]},{"
         "\"EntityPath\":[{\"Coverage\":5e-1,\"Remote\":true}]}]}]",
         true},
        {"rootcause.json = #[{\"Services\":[{},{\"Inferred\":false}]}]", false},
        {"rootcause.json = #[{\"Services\":[{},{\"Inferred\":1}]}]", false},
        {"rootcause.json = #[{\"ClientImpacting\":true}] OR ok", true},
        {"rootcause.json = #[{\"ClientImpacting\":false}]", true}, /* error */
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
        cmocka_unit_test(causes_are_asked_by_their_parts),
        cmocka_unit_test(causes_are_found_by_their_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
