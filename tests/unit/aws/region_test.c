/* SPDX-License-Identifier: Apache-2.0 */
/* aws/region.c and aws/place.c */
#include "aws/region.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include "fake_cloud.h"
#include "scene.h"

#define IMDS "http://10.0.0.1:1338"

static struct place found;
static char why[512];
static unsigned answers;

static int begin(void **state)
{
    (void)state;
    scene_begin();
    fake_reset();
    log_set_level(LOG_LEVEL_ERROR + 1);
    answers = 0;
    return 0;
}

static int end(void **state)
{
    (void)state;
    assert_int_equal(fake.open_timers, 0);
    assert_int_equal(fake_open_calls(), 0);
    scene_end();
    return 0;
}

static void is(const char *configured, bool local, const char *want,
               const char *from)
{
    char region[REGION_SIZE];
    const char *source;

    assert_int_equal(region_find_local(configured, local, region, &source),
                     want != NULL);
    assert_string_equal(region, want ? want : "");
    assert_string_equal(source, from);
}

static void ecs_file(const char *text)
{
    char path[160];

    scene_file("ecs.json", text);
    scene_path("ecs.json", path);
    setenv("ECS_ENABLE_CONTAINER_METADATA", "True", 1);
    setenv("ECS_CONTAINER_METADATA_FILE", path, 1);
}

static void order_of_sources(void **state)
{
    (void)state;
    is(NULL, false, NULL, "");
    is("", true, NULL, "");
    setenv("AWS_DEFAULT_REGION", "default-1", 1);
    is(NULL, false, NULL, "");
    is(NULL, true, "default-1", "AWS_DEFAULT_REGION");
    ecs_file("{\"TaskARN\":\"arn:aws:ecs:eu-north-1:1:task/abc\"}");
    is(NULL, false, "eu-north-1", "ECS metadata file");
    is(NULL, true, "default-1", "AWS_DEFAULT_REGION");
    setenv("AWS_REGION", "env-1", 1);
    is(NULL, false, "env-1", "AWS_REGION");
    is("given", false, "given", "configuration");
    is("not a region", true, "not a region", "configuration");
}

static void shared_config_in_local_mode(void **state)
{
    (void)state;
    scene_file(".aws/config", "[default]\nregion = a\n[profile p]\nregion=b\n");
    is(NULL, false, NULL, "");
    is(NULL, true, "a", "shared config file");
    setenv("AWS_PROFILE", "p", 1);
    is(NULL, true, "b", "shared config file");
    setenv("AWS_PROFILE", "nope", 1);
    is(NULL, true, NULL, "");
}

static void odd_ecs_files_are_passed_over(void **state)
{
    static const char *const odd[] = {
        "",
        "{",
        "{}",
        "[]",
        "{\"TaskARN\":1}",
        "{\"TaskARN\":\"x:y\"}",
        "{\"TaskARN\":\"a:b:c::d\"}",
        "{\"TaskARN\":\"a:b:c:"
        "0123456789012345678901234567890123456789012345678901234567890123\"}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        ecs_file(odd[i]);
        is(NULL, false, NULL, "");
    }
    setenv("ECS_CONTAINER_METADATA_FILE", "/nowhere/at/all", 1);
    is(NULL, false, NULL, "");
    setenv("ECS_CONTAINER_METADATA_FILE", "/dev/zero", 1);
    is(NULL, false, NULL, "");
    ecs_file("{\"TaskARN\":\"a:b:c:d\"}");
    is(NULL, false, "d", "ECS metadata file");
    setenv("ECS_ENABLE_CONTAINER_METADATA", "1", 1);
    is(NULL, false, NULL, "");
}

static void overlong_region_is_passed_over(void **state)
{
    char text[65];

    (void)state;
    memset(text, 'a', 64);
    text[64] = '\0';
    is(text, false, NULL, "");
    text[63] = '\0';
    is(text, false, text, "configuration");
}

static void on_place(void *arg, const struct place *p, const struct err *err)
{
    (void)arg;
    answers++;
    found = *p;
    snprintf(why, sizeof why, "%s", err ? err->text : "");
}

static void place_comes_from_imds(void **state)
{
    (void)state;
    setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", IMDS "/", 1);
    fake_answer("PUT", IMDS "/latest/api/token", 200, "T");
    fake_answer("GET", IMDS "/latest/dynamic/instance-identity/document", 200,
                "{\"region\":\"eu-west-3\"}");
    fake_answer("GET", IMDS "/latest/meta-data/instance-id", 200, "i-1\n");
    fake_answer("GET", IMDS "/latest/meta-data/hostname", 200, "ip-10-0-0-1");
    place_find(NULL, NULL, on_place, NULL);
    assert_int_equal(answers, 0);
    fake_run(100);
    assert_int_equal(answers, 1);
    assert_string_equal(found.region, "eu-west-3");
    assert_string_equal(found.instance_id, "i-1");
    assert_string_equal(found.host_name, "ip-10-0-0-1");
    assert_string_equal(why, "");
    assert_int_equal(fake.n_calls, 4);
}

static void the_identity_document_tells_most(void **state)
{
    (void)state;
    fake_answer("PUT", "http://169.254.169.254/latest/api/token", 200, "T");
    fake_answer("GET", "http://169.254.169.254/latest/dynamic/", 200,
                "{\"region\":\"eu-west-3\",\"accountId\":\"123456789012\","
                "\"availabilityZone\":\"eu-west-3b\",\"imageId\":\"ami-1\","
                "\"instanceType\":\"a b\",\"instanceId\":\"i-2\"}");
    place_find(NULL, NULL, on_place, NULL);
    fake_run(1000);
    assert_string_equal(found.region, "eu-west-3");
    assert_string_equal(found.account_id, "123456789012");
    assert_string_equal(found.zone, "eu-west-3b");
    assert_string_equal(found.image_id, "ami-1");
    assert_string_equal(found.instance_type, "");
    assert_string_equal(found.instance_id, "i-2");
}

static void environment_spares_look_ups(void **state)
{
    (void)state;
    setenv("AWS_HOSTNAME", "h", 1);
    setenv("AWS_INSTANCE_ID", "i", 1);
    fake_answer("PUT", "http://169.254.169.254/latest/api/token", 403, "");
    fake_answer("GET", "http://169.254.169.254/latest/dynamic/", 200, "odd");
    place_find(NULL, NULL, on_place, NULL);
    fake_run(100);
    assert_int_equal(fake.n_calls, 2);
    assert_string_equal(found.host_name, "h");
    assert_string_equal(found.instance_id, "i");
    assert_non_null(strstr(why, "identity document has no region"));
}

static void place_off_ec2(void **state)
{
    (void)state;
    place_find(NULL, NULL, on_place, NULL);
    fake_run(5000);
    assert_int_equal(answers, 1);
    assert_int_equal(fake.n_calls, 1);
    assert_string_equal(why, "EC2 metadata: refused");
    setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
    place_find(NULL, NULL, on_place, NULL);
    fake_run(1);
    assert_non_null(strstr(why, "switched off"));
    assert_int_equal(fake.n_calls, 1);
}

static void place_can_be_cancelled(void **state)
{
    struct place_search *s = place_find(NULL, NULL, on_place, NULL);

    (void)state;
    place_cancel(s);
    fake_answer("PUT", "http://169.254.169.254/", 200, "T");
    s = place_find(NULL, NULL, on_place, NULL);
    fake.timers[0].fn(fake.timers[0].arg);
    assert_int_equal(fake_open_calls(), 1);
    place_cancel(s);
    fake_run(1000);
    assert_int_equal(answers, 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
    const struct CMUnitTest tests[] = {
        T(order_of_sources),
        T(shared_config_in_local_mode),
        T(odd_ecs_files_are_passed_over),
        T(overlong_region_is_passed_over),
        T(place_comes_from_imds),
        T(the_identity_document_tells_most),
        T(environment_spares_look_ups),
        T(place_off_ec2),
        T(place_can_be_cancelled),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
