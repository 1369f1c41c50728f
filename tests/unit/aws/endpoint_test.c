/* SPDX-License-Identifier: Apache-2.0 */
/* aws/endpoint.c */
#include "aws/endpoint.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include "scene.h"

static int begin(void **state)
{
    (void)state;
    scene_env_clear();
    return 0;
}

static void is(const char *service, const char *region, const char *given,
               const char *want)
{
    char url[ENDPOINT_MAX];
    struct err err;

    assert_int_equal(endpoint_resolve(service, region, given, url, &err), 0);
    assert_string_equal(url, want);
}

static void fails(const char *region, const char *given, const char *why)
{
    char url[ENDPOINT_MAX];
    struct err err;

    assert_int_equal(endpoint_resolve("xray", region, given, url, &err), -1);
    assert_non_null(strstr(err.text, why));
}

static void partitions_by_region(void **state)
{
    static const char *const rows[][3] = {
        {"us-east-1", "amazonaws.com", "api.aws"},
        {"xx-new-9", "amazonaws.com", "api.aws"},
        {"us-gov-east-1", "amazonaws.com", "api.aws"},
        {"cn-north-1", "amazonaws.com.cn", "api.amazonwebservices.com.cn"},
        {"us-iso-east-1", "c2s.ic.gov", "api.aws.ic.gov"},
        {"us-isob-east-1", "sc2s.sgov.gov", "api.aws.scloud"},
        {"us-isof-south-1", "csp.hci.ic.gov", "api.aws.hci.ic.gov"},
        {"eu-isoe-west-1", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"},
        {"eusc-de-east-1", "amazonaws.eu", "api.amazonwebservices.eu"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int form = 0; form < 4; form++) {
            char want[128];

            setenv("AWS_USE_FIPS_ENDPOINT", form & 1 ? "true" : "false", 1);
            setenv("AWS_USE_DUALSTACK_ENDPOINT", form & 2 ? "TRUE" : "", 1);
            snprintf(want, sizeof want, "https://xray%s.%s.%s",
                     form & 1 ? "-fips" : "", rows[i][0],
                     form & 2 ? rows[i][2] : rows[i][1]);
            is("xray", rows[i][0], NULL, want);
        }
    setenv("AWS_USE_FIPS_ENDPOINT", "true", 1);
    unsetenv("AWS_USE_DUALSTACK_ENDPOINT");
    is("sts", "us-gov-west-1", NULL, "https://sts.us-gov-west-1.amazonaws.com");
    is("sts", "us-west-1", NULL, "https://sts-fips.us-west-1.amazonaws.com");
}

static void overrides_in_their_order(void **state)
{
    (void)state;
    setenv("AWS_ENDPOINT_URL", "http://all:1/", 1);
    is("xray", "us-east-1", "", "http://all:1");
    setenv("AWS_ENDPOINT_URL_XRAY", "HTTPS://xray.example/base//", 1);
    is("xray", NULL, NULL, "https://xray.example/base");
    is("sts", NULL, NULL, "http://all:1");
    is("xray", "x y", "http://[::1]:2000/p", "http://[::1]:2000/p");
    setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true", 1);
    is("xray", "us-east-1", NULL, "https://xray.us-east-1.amazonaws.com");
    setenv("AWS_ENDPOINT_URL_SSO", "http://sso", 1);
    unsetenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");
    is("portal.sso", NULL, NULL, "http://sso");
    is("xray", NULL, "localhost:1234", "https://localhost:1234");
}

static void what_is_no_host_is_refused(void **state)
{
    static const char *const urls[] = {
        "127.0.0.1:80",
        "ftp://h",
        "http://",
        "http://a b/",
        "http://h:x",
        "http://h:70000",
        "http://h:0",
        "http://u@h/",
        "http://[::1",
        "http://[x]",
        "http://[::1]x",
        "http://h/a b",
        "http://h/%zz",
        "http://h/?a=b",
        "http://h/#f",
        "http://h\n/",
        ":",
        "://h",
        "http://h:123456",
    };

    (void)state;
    fails("not a region", NULL, "invalid character in host name");
    fails("a/b", NULL, "invalid character");
    fails("a@b", NULL, "invalid character");
    fails("a:80", NULL, "invalid character");
    fails("", NULL, "no region is known");
    fails(NULL, NULL, "no region is known");
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++)
        fails("us-east-1", urls[i], "is not usable");
}

static void overlong_is_refused(void **state)
{
    char url[ENDPOINT_MAX + 50];

    (void)state;
    memset(url, 'a', sizeof url);
    memcpy(url, "http://h/", 9);
    url[sizeof url - 1] = '\0';
    fails("us-east-1", url, "longer than");
    memset(url, 'a', 70);
    url[70] = '\0';
    fails(url, NULL, "longer than 63");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(partitions_by_region, begin),
        cmocka_unit_test_setup(overrides_in_their_order, begin),
        cmocka_unit_test_setup(what_is_no_host_is_refused, begin),
        cmocka_unit_test_setup(overlong_is_refused, begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
