/* SPDX-License-Identifier: Apache-2.0 */
/* Options that are changed while spans come, and what they lend a resource. */
#include "spans.h"
#include "translate/options.c"

static struct fixture f;

#define PAIR(k, t)                                                             \
    {                                                                          \
        {k, sizeof(k) - 1},                                                    \
        {                                                                      \
            .kind = VALUE_STRING, .text = { t, sizeof(t) - 1 }                 \
        }                                                                      \
    }

static struct attribute place[] = {
    PAIR("cloud.provider", "aws"),
    PAIR("cloud.platform", "aws_ec2"),
    PAIR("cloud.account.id", "123456789012"),
    PAIR("host.id", "i-1"),
};

static void use(const struct translate_options *o)
{
    assert_true(translator_set_options(f.translator, o));
}

static void test_others_count_from_the_next_span(void **state)
{
    struct slice names[] = {SLICE("x"), SLICE("y*")};
    struct translate_options one = {.indexed = names, .n_indexed = 1};
    struct translate_options glob = {.indexed = names + 1, .n_indexed = 1};

    (void)state;
    fixture_begin(&f, SPAN_SERVER, false);
    add_text(&f, "x", "1");
    add_text(&f, "yes", "2");
    fixture_run(&f);
    assert_has_not(&f, "\"annotations\"");
    use(&one);
    fixture_run(&f);
    assert_has(&f, "\"annotations\":{\"x\":\"1\"}");
    use(&glob);
    fixture_run(&f);
    assert_has(&f, "\"annotations\":{\"yes\":\"2\"}");
    use(&(struct translate_options){0});
    fixture_run(&f);
    assert_has_not(&f, "\"annotations\"");
    fixture_end(&f);
}

static void test_texts_are_copied(void **state)
{
    char key[] = "x", text[] = "cluster", group[] = "/group";
    struct attribute own = {slice_str(key),
                            {.kind = VALUE_STRING, .text = slice_str(text)}};
    struct slice groups[] = {slice_str(group)};
    struct translate_options o = {
        .log_groups = groups,
        .n_log_groups = 1,
        .defaults = {&own, 1},
        .place = {place, 2},
    };

    (void)state;
    fixture_begin(&f, SPAN_SERVER, false);
    fixture_run(&f);
    use(&o);
    memset(key, '!', sizeof(key) - 1);
    memset(text, '!', sizeof(text) - 1);
    memset(group, '!', sizeof(group) - 1);
    memset(groups, 0, sizeof(groups));
    memset(&own, 0, sizeof(own));
    fixture_run(&f);
    assert_has(&f, "\"otel.resource.x\":\"cluster\"");
    assert_has(&f, "{\"log_group\":\"/group\"}");
    assert_has(&f, "\"origin\":\"AWS::EC2::Instance\"");
    fixture_end(&f);
}

/* What was derived from a resource before is not used on. */
static void test_same_resource_is_read_anew(void **state)
{
    struct translate_options o = {.place = {place, 4}};
    struct err err;

    (void)state;
    fixture_begin(&f, SPAN_SERVER, false);
    fixture_run(&f);
    assert_has_not(&f, "\"origin\"");
    use(&o);
    assert_int_equal(translate_span(f.translator, &f.span, f.out, &err), 1);
    snprintf(f.text[0], sizeof(f.text[0]), "%.*s",
             SLICE_ARG(f.out[0].document));
    assert_has(&f, "\"origin\":\"AWS::EC2::Instance\"");
    assert_has(&f, "\"account_id\":\"123456789012\"");
    assert_has(&f, "\"instance_id\":\"i-1\"");
    fixture_end(&f);
}

static void test_two_places_never_mix(void **state)
{
    struct attribute named[] = {PAIR("team", "a")};

    (void)state;
    fixture_begin(&f, SPAN_SERVER, false);
    f.options.place = (struct attributes){place, 4};
    f.options.defaults = (struct attributes){named, 1};
    add_resource(&f, "cloud.region", "eu-west-1");
    fixture_run(&f);
    assert_has(&f, "\"otel.resource.team\":\"a\"");
    assert_has_not(&f, "\"origin\"");
    assert_has_not(&f, "123456789012");
    assert_has_not(&f, "i-1");
    fixture_end(&f);
}

/* A default for the place goes before what was found there. */
static void test_defaults_before_place(void **state)
{
    struct attribute named[] = {
        PAIR("cloud.platform", "aws_eks"),
        PAIR("k8s.cluster.name", "c"),
    };

    (void)state;
    fixture_begin(&f, SPAN_SERVER, false);
    f.options.place = (struct attributes){place, 4};
    f.options.defaults = (struct attributes){named, 2};
    fixture_run(&f);
    assert_has(&f, "\"origin\":\"AWS::EKS::Container\"");
    assert_has(&f, "\"account_id\":\"123456789012\"");
    assert_has(&f, "\"cluster_name\":\"c\"");
    fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_others_count_from_the_next_span),
        cmocka_unit_test(test_texts_are_copied),
        cmocka_unit_test(test_same_resource_is_read_anew),
        cmocka_unit_test(test_two_places_never_mix),
        cmocka_unit_test(test_defaults_before_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
