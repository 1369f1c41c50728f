/* SPDX-License-Identifier: Apache-2.0 */
/* local/filter_parse.c, its conditions, groups and selectors */
#include "local/filter_parse.c"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include "filter_traces.h"
#include "xr/buf.h"

struct refusal {
    const char *filter, *message;
};

static void refuse_all(const struct refusal *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct err err = {""};
        char expected[128];
        assert_null(filter_parse(slice_str(rows[i].filter), NULL, &err));
        snprintf(expected, sizeof(expected), "filter, %s", rows[i].message);
        if (strncmp(err.text, expected, strlen(expected)) != 0)
            fail_msg("%s\n  gives   %s\n  not     %s", rows[i].filter, err.text,
                     expected);
    }
}

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
        {"annotation.k =\n\n", "column 15: value expected after \"=\""},
    };
    (void)state;
    refuse_all(rows, sizeof(rows) / sizeof(rows[0]));
}

static void mistakes_about_causes_name_the_column(void **state)
{
    static const struct refusal rows[] = {
        {"first", "column 1: \"first\" stands only in braces as in "},
        {"coverage > 1", "column 1: \"coverage\" stands only in braces"},
        {"rootcause.fault.entity { service(\"a\"){last} }",
         "column 39: \"last\" stands only in braces"},
        {"rootcause.error.entity { coverage > 1 }",
         "column 26: \"coverage\" stands only in rootcause.responsetime"},
        {"ok rootcause.fault.service", "column 27: \"{\" expected after"},
        {"rootcause.fault.service { }", "column 27: keyword expected"},
        {"rootcause.fault.service { ok", "column 29: \"}\" expected"},
        {"rootcause.fault.entity { index }", "column 31: operator expected"},
        {"rootcause.fault.edge { ok }", "column 1: unknown keyword \"rootca"},
        {"rootcause.responsetime.exception { ok }", "column 1: unknown keyw"},
        {"rootcause.slow { ok }", "column 1: unknown keyword \"rootcause.slow"},
        {"rootcause", "column 1: unknown keyword \"rootcause\""},
        {"rootcause.json", "column 15: \"=\" expected after \"rootcause.json"},
        {"rootcause.json != #[]", "column 15: \"=\" expected"},
        {"rootcause.json = {}", "column 18: #[{ ... }] expected after \"=\""},
        {"rootcause.json = # []", "column 18: #[{ ... }] expected"},
        {"rootcause.json = #[{\"a\":}]", "column 25: bad JSON: "},
        {"rootcause.json = #[{\"a\":1}", "column 27: bad JSON: "},
        {"rootcause.json = #[{}] }", "column 24: "},
    };
    (void)state;
    refuse_all(rows, sizeof(rows) / sizeof(rows[0]));
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
        cmocka_unit_test(mistakes_name_the_column),
        cmocka_unit_test(mistakes_about_causes_name_the_column),
        cmocka_unit_test(depth_and_length_are_bounded),
        cmocka_unit_test(a_group_stands_for_its_expression),
        cmocka_unit_test(a_spent_budget_ends_the_evaluation),
        cmocka_unit_test(conjuncts_at_the_top_become_conditions),
        cmocka_unit_test(what_is_no_conjunct_becomes_no_condition),
        cmocka_unit_test(selectors_name_one_node_or_edge),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
