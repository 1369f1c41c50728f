/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked, when again, and what comes of it, in a scripted cloud. */
#include "aws/detect.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include "fake_cloud.h"
#include "scene.h"

#define ECS "http://169.254.170.2/v4/abc"
#define TASK                                                                   \
    "{\"TaskARN\":\"arn:aws:ecs:eu-west-1:123456789012:task/shop/0\","         \
    "\"LaunchType\":\"EC2\"}"
#define MINUTE_MS 60000

static const struct place instance = {
    .region = "eu-west-1", .instance_id = "i-1", .account_id = "123456789012"};
static struct detect *d;
static unsigned told;
static char text[4096];

static void on_found(void *arg)
{
    (void)arg;
    told++;
}

static int begin(void **state)
{
    (void)state;
    scene_begin();
    unsetenv("OTEL_RESOURCE_ATTRIBUTES");
    unsetenv("OTEL_SERVICE_NAME");
    unsetenv("KUBERNETES_SERVICE_HOST");
    fake_reset();
    told = 0;
    log_set_level(LOG_LEVEL_ERROR + 1);
    return 0;
}

static int end(void **state)
{
    (void)state;
    detect_free(d);
    d = NULL;
    assert_int_equal(fake_open_calls(), 0);
    assert_int_equal(fake.open_timers, 0);
    scene_end();
    return 0;
}

static void start(bool ask)
{
    detect_free(d);
    d = detect_new(NULL, NULL, ask, on_found, NULL);
}

static const char *of(const struct facts *f, const char *name)
{
    snprintf(text, sizeof text, "(none)");
    for (size_t i = 0; i < f->n; i++)
        if (slice_is(f->items[i].name, name))
            snprintf(text, sizeof text, "%.*s", SLICE_ARG(f->items[i].value));
    return text;
}

#define assert_found(name, value)                                              \
    assert_string_equal(of(detect_found(d), name), value)

static void what_is_stated_is_read(void **state)
{
    (void)state;
    setenv("OTEL_RESOURCE_ATTRIBUTES", "team=a,service.name=b", 1);
    setenv("OTEL_SERVICE_NAME", "c", 1);
    start(true);
    assert_string_equal(of(detect_stated(d), "team"), "a");
    assert_string_equal(of(detect_stated(d), "service.name"), "c");
    setenv("OTEL_RESOURCE_ATTRIBUTES", "team=%", 1);
    start(true);
    assert_string_equal(of(detect_stated(d), "team"), "(none)");
    assert_string_equal(of(detect_stated(d), "service.name"), "c");
    fake_run(MINUTE_MS);
    assert_int_equal(fake.n_calls, 0);
    assert_int_equal(detect_found(d)->n, 0);
}

static void a_task_is_asked_once(void **state)
{
    (void)state;
    setenv("ECS_CONTAINER_METADATA_URI_V4", ECS, 1);
    fake_answer("GET", ECS "/task", 200, TASK);
    start(true);
    assert_int_equal(fake.n_calls, 0);
    fake_run(10 * MINUTE_MS);
    assert_int_equal(fake.n_calls, 1);
    assert_true(fake_last()->direct);
    assert_int_equal(told, 1);
    assert_found("cloud.platform", "aws_ecs");
    assert_found("aws.ecs.launchtype", "ec2");
}

/* A task on an instance: it is a task, and on that instance. */
static void the_instance_waits_for_the_task(void **state)
{
    (void)state;
    setenv("ECS_CONTAINER_METADATA_URI_V4", ECS, 1);
    fake_answer("GET", ECS "/task", 200, TASK);
    start(true);
    detect_add_place(d, &instance);
    assert_int_equal(told, 0);
    assert_int_equal(detect_found(d)->n, 0);
    fake_run(10);
    assert_int_equal(told, 1);
    assert_found("cloud.platform", "aws_ecs");
    assert_found("host.id", "i-1");
}

static void silence_is_asked_again_each_minute(void **state)
{
    (void)state;
    setenv("ECS_CONTAINER_METADATA_URI_V4", ECS, 1);
    fake_fault("GET", ECS, CLIENT_TIMEOUT);
    start(true);
    fake_run(MINUTE_MS - 1);
    assert_int_equal(fake.n_calls, TRIES);
    detect_add_place(d, &instance);
    assert_found("cloud.platform", "aws_ec2");
    fake_run(MINUTE_MS);
    assert_int_equal(fake.n_calls, 2 * TRIES);
    fake_answer("GET", ECS "/task", 200, TASK);
    fake_run(MINUTE_MS);
    assert_found("cloud.platform", "aws_ecs");
    fake_run(10 * MINUTE_MS);
    assert_int_equal(fake.n_calls, 2 * TRIES + 1);
}

static void a_refusal_is_the_end(void **state)
{
    (void)state;
    setenv("ECS_CONTAINER_METADATA_URI_V4", ECS, 1);
    fake_answer("GET", ECS, 404, "");
    start(true);
    fake_run(10 * MINUTE_MS);
    assert_int_equal(fake.n_calls, 1);
    fake_answer("GET", ECS, 200, "{}");
    start(true);
    fake_run(10 * MINUTE_MS);
    assert_int_equal(fake.n_calls, 2);
    assert_int_equal(detect_found(d)->n, 0);
}

static void nothing_is_asked_in_vain(void **state)
{
    (void)state;
    setenv("ECS_CONTAINER_METADATA_URI_V4", ECS, 1);
    start(false);
    fake_run(MINUTE_MS);
    setenv("ECS_CONTAINER_METADATA_URI_V4", "file:///etc/passwd", 1);
    start(true);
    fake_run(MINUTE_MS);
    setenv("ECS_CONTAINER_METADATA_URI_V4", ECS, 1);
    setenv("AWS_LAMBDA_FUNCTION_NAME", "f", 1);
    start(true);
    fake_run(MINUTE_MS);
    assert_int_equal(fake.n_calls, 0);
}

static void a_function_is_known_by_its_environment(void **state)
{
    static const struct place account = {.account_id = "123456789012"};

    (void)state;
    setenv("AWS_LAMBDA_FUNCTION_NAME", "thumbs", 1);
    setenv("AWS_LAMBDA_FUNCTION_VERSION", "7", 1);
    setenv("AWS_REGION", "eu-west-1", 1);
    start(true);
    assert_found("cloud.provider", "aws");
    assert_found("cloud.platform", "aws_lambda");
    assert_found("cloud.region", "eu-west-1");
    assert_found("faas.name", "thumbs");
    assert_found("faas.version", "7");
    detect_add_place(d, &account);
    assert_found("cloud.account.id", "123456789012");
    assert_found("cloud.platform", "aws_lambda");
}

static void eks_is_known_by_its_credentials(void **state)
{
    (void)state;
    setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1", 1);
    start(true);
    assert_int_equal(detect_found(d)->n, 0);
    setenv("AWS_WEB_IDENTITY_TOKEN_FILE",
           "/var/run/secrets/eks.amazonaws.com/serviceaccount/token", 1);
    start(true);
    detect_add_place(d, &instance);
    assert_int_equal(told, 1);
    assert_found("cloud.platform", "aws_eks");
    assert_found("cloud.account.id", "123456789012");
    unsetenv("AWS_WEB_IDENTITY_TOKEN_FILE");
    setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI",
           "http://169.254.170.23/v1/credentials", 1);
    start(true);
    assert_found("cloud.platform", "aws_eks");
    unsetenv("KUBERNETES_SERVICE_HOST");
    start(true);
    assert_int_equal(detect_found(d)->n, 0);
}

static void no_instance_gives_nothing(void **state)
{
    static const struct place none = {.host_name = "laptop"};

    (void)state;
    start(true);
    detect_add_place(d, &none);
    assert_int_equal(told, 0);
    assert_int_equal(detect_found(d)->n, 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(what_is_stated_is_read),
        T(a_task_is_asked_once),
        T(the_instance_waits_for_the_task),
        T(silence_is_asked_again_each_minute),
        T(a_refusal_is_the_end),
        T(nothing_is_asked_in_vain),
        T(a_function_is_known_by_its_environment),
        T(eks_is_known_by_its_credentials),
        T(no_instance_gives_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
