/* SPDX-License-Identifier: Apache-2.0 */
/* Resource attributes out of the environment and foreign JSON. */
#include "aws/facts.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#define ARN "arn:aws:ecs:eu-west-1:123456789012:"
#define TASK ARN "task/shop/0123456789abcdef"

static struct facts facts;
static char text[4096];

static int begin(void **state)
{
    (void)state;
    facts_init(&facts);
    return 0;
}

static int end(void **state)
{
    (void)state;
    facts_fini(&facts);
    return 0;
}

/* All of them, as name=value;name=value; */
static const char *shown(void)
{
    int n = 0;

    text[0] = '\0';
    for (size_t i = 0; i < facts.n; i++)
        n += snprintf(text + n, sizeof text - (size_t)n, "%.*s=%.*s;",
                      SLICE_ARG(facts.items[i].name),
                      SLICE_ARG(facts.items[i].value));
    return text;
}

static const char *pairs(const char *s)
{
    struct err err = {""};

    if (facts_read_pairs(&facts, slice_str(s), &err))
        return shown();
    assert_int_equal(facts.n, 0);
    snprintf(text, sizeof text, "%s", err.text);
    return text;
}

static const char *task(const char *json)
{
    struct err err = {""};

    if (facts_read_task(&facts, slice_str(json), &err))
        return shown();
    assert_int_equal(facts.n, 0);
    snprintf(text, sizeof text, "%s", err.text);
    return text;
}

static const char *of(const char *name)
{
    struct fact *f = find(&facts, slice_str(name));

    snprintf(text, sizeof text, "%.*s", f ? (int)f->value.n : 6,
             f ? f->value.p : "(none)");
    return text;
}

static void pairs_are_read(void **state)
{
    (void)state;
    assert_string_equal(pairs(""), "");
    assert_string_equal(pairs("a=1"), "a=1;");
    assert_string_equal(pairs(" a = 1 ,\tb=x y,,c=,"), "a=1;b=x y;c=;");
    assert_string_equal(pairs("a=1,b=2,a=3"), "a=3;b=2;");
    assert_string_equal(pairs("a=b=c"), "a=b=c;");
}

static void pairs_are_percent_encoded(void **state)
{
    (void)state;
    assert_string_equal(pairs("a=x%2Cy%3dz,b%2c=%C3%A4+%20"),
                        "a=x,y=z;b,=\xc3\xa4+ ;");
}

static void one_fault_spoils_all_pairs(void **state)
{
    (void)state;
    assert_string_equal(pairs("a=1,b"), "not all of it is key=value");
    assert_string_equal(pairs("a=1,=2"), "not all of it is key=value");
    assert_string_equal(pairs("a=1,b=50%"),
                        "at \"b\": % without two hexadecimal digits");
    assert_string_equal(pairs("a=%4"),
                        "at \"a\": % without two hexadecimal digits");
    assert_string_equal(pairs("a=%g1"),
                        "at \"a\": % without two hexadecimal digits");
}

static void pairs_have_a_ceiling(void **state)
{
    char many[FACTS_MAX * 8 + 16];
    int n = 0;

    (void)state;
    for (int i = 0; i < FACTS_MAX; i++)
        n += snprintf(many + n, sizeof many - (size_t)n, "k%d=v,", i);
    pairs(many);
    assert_int_equal(facts.n, FACTS_MAX);
    snprintf(many + n, sizeof many - (size_t)n, "k0=w");
    pairs(many);
    assert_string_equal(of("k0"), "w");
    snprintf(many + n, sizeof many - (size_t)n, "more=v");
    assert_non_null(strstr(pairs(many), "at \"more\": more than 64"));
}

static void the_service_name_goes_first(void **state)
{
    (void)state;
    pairs("service.name=a,b=1");
    facts_set_service(&facts, slice_str(NULL));
    assert_string_equal(shown(), "service.name=a;b=1;");
    facts_set_service(&facts, SLICE("own"));
    assert_string_equal(shown(), "service.name=own;b=1;");
}

static void a_task_is_read(void **state)
{
    (void)state;
    assert_string_equal(
        task("{\"Cluster\":\"shop\",\"TaskARN\":\"" TASK "\","
             "\"Family\":\"web\",\"LaunchType\":\"FARGATE\","
             "\"AvailabilityZone\":\"eu-west-1a\"}"),
        "cloud.provider=aws;cloud.platform=aws_ecs;"
        "cloud.account.id=123456789012;cloud.region=eu-west-1;"
        "cloud.availability_zone=eu-west-1a;aws.ecs.task.arn=" TASK ";"
        "aws.ecs.task.family=web;aws.ecs.cluster.arn=" ARN "cluster/shop;"
        "aws.ecs.launchtype=fargate;");
    task("{\"TaskARN\":\"" TASK "\",\"Cluster\":\"arn:c\","
         "\"LaunchType\":\"ODD\",\"Family\":\"a\\nb\"}");
    assert_string_equal(of("aws.ecs.cluster.arn"), "arn:c");
    assert_string_equal(of("aws.ecs.launchtype"), "(none)");
    assert_string_equal(of("aws.ecs.task.family"), "(none)");
}

#define WITH(containers)                                                       \
    "{\"TaskARN\":\"" TASK "\",\"Containers\":[" containers "]}"
#define OURS                                                                   \
    "{\"Type\":\"NORMAL\",\"DockerId\":\"id\",\"Name\":\"web\","               \
    "\"ContainerARN\":\"" ARN "container/x\"}"

/* Beside other containers it is not known which of them sends the spans. */
static void only_a_lone_container_is_named(void **state)
{
    (void)state;
    task(WITH(OURS ",{\"Type\":\"CNI_PAUSE\",\"Name\":\"pause\"}"));
    assert_string_equal(of("container.name"), "web");
    assert_string_equal(of("container.id"), "id");
    assert_string_equal(of("aws.ecs.container.arn"), ARN "container/x");
    task(WITH(OURS ",{\"Name\":\"xray-relay\"}"));
    assert_string_equal(of("container.name"), "(none)");
    assert_string_equal(of("cloud.platform"), "aws_ecs");
    task(WITH(""));
    assert_string_equal(of("container.id"), "(none)");
}

static void an_odd_task_is_refused(void **state)
{
    (void)state;
    assert_string_equal(task(""), "not JSON (line 1, column 0)");
    assert_string_equal(task("[]"), "no usable TaskARN in it");
    assert_string_equal(task("{\"TaskARN\":5}"), "no usable TaskARN in it");
    assert_string_equal(task("{\"TaskARN\":\"arn:aws:iam::1:role/x\"}"),
                        "no usable TaskARN in it");
    assert_string_equal(task("{\"TaskARN\":\"a:b:ecs:r\"}"),
                        "no usable TaskARN in it");
    assert_string_equal(task("{\"TaskARN\":\"::ecs::1\",\"Cluster\":\"c\","
                             "\"Containers\":[1,null]}"),
                        "cloud.provider=aws;cloud.platform=aws_ecs;"
                        "cloud.account.id=1;aws.ecs.task.arn=::ecs::1;"
                        "aws.ecs.cluster.arn=::ecs::1:cluster/c;");
}

static void the_narrower_place_stays(void **state)
{
    struct place p = {.region = "eu-west-1", .instance_id = "i-1"};
    struct facts instance;

    (void)state;
    task("{\"TaskARN\":\"" TASK "\"}");
    facts_init(&instance);
    facts_read_place(&instance, &p);
    facts_add_all(&facts, &instance);
    facts_fini(&instance);
    assert_string_equal(of("cloud.platform"), "aws_ecs");
    assert_string_equal(of("host.id"), "i-1");
    assert_string_equal(of("host.type"), "(none)");
}

#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(pairs_are_read),
        T(pairs_are_percent_encoded),
        T(one_fault_spoils_all_pairs),
        T(pairs_have_a_ceiling),
        T(the_service_name_goes_first),
        T(a_task_is_read),
        T(only_a_lone_container_is_named),
        T(an_odd_task_is_refused),
        T(the_narrower_place_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
