/* SPDX-License-Identifier: Apache-2.0 */
/* aws/cred_parse.c, with cred_time.c, cred_xml.c and http_date.c. */
#include "aws/cred_parse.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first */
#include <cmocka.h>
#include <stdlib.h>

#include "xr/http_date.h"

#define NOW 1714564800000 /* 2024-05-01T12:00:00Z */

typedef struct cred *(*parse_fn)(struct slice body, int64_t now_ms,
                                 const char *source, struct err *err);

static void gives(parse_fn parse, const char *body, const char *want)
{
    struct err err = {.text = ""};
    struct cred *c = parse(slice_str(body), NOW, "test", &err);
    char text[256] = "";

    if (c)
        snprintf(text, sizeof text, "%.*s %.*s %.*s %lld %lld",
                 (int)c->access_key_id.n, c->access_key_id.p,
                 (int)c->secret_access_key.n, c->secret_access_key.p,
                 (int)c->session_token.n, c->session_token.p,
                 (long long)c->expires_ms, (long long)c->refresh_ms);
    assert_string_equal(c ? text : err.text, want);
    cred_unref(c);
}

static void container_answers(void **state)
{
    (void)state;
    gives(cred_parse_container,
          "{\"Code\":\"Success\",\"AccessKeyId\":\"A\",\"SecretAccessKey\":"
          "\"S\",\"Token\":\"T\",\"Expiration\":\"2024-05-01T12:00:01Z\"}\n",
          "A S T 1714564801000 0");
    gives(cred_parse_container,
          "{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"S\",\"Token\":null}",
          "A S  0 0");
    gives(cred_parse_container,
          "{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"S\",\"Expiration\":"
          "\"0001-01-01T00:00:00Z\"}",
          "A S  0 1714565100000");
    gives(cred_parse_container,
          "{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"S\",\"Expiration\":"
          "\"soon\"}",
          "its Expiration is no time");
    gives(cred_parse_container,
          "{\"Code\":\"AssumeRoleUnauthorizedAccess\",\"Message\":\"EC2 "
          "cannot\\nassume\"}",
          "AssumeRoleUnauthorizedAccess: EC2 cannot assume");
    gives(cred_parse_container, "{\"AccessKeyId\":\"A\"}",
          "there is no secret access key in it");
    gives(cred_parse_container, "{\"SecretAccessKey\":\"A\"}",
          "there is no access key id in it");
    gives(cred_parse_container,
          "{\"AccessKeyId\":\"A\\r\\nX: y\",\"SecretAccessKey\":\"S\"}",
          "the access key id holds a blank or control character");
    gives(cred_parse_container, "[]", "it is JSON, but not an object");
    gives(cred_parse_container, "", "it is not JSON (line 1, column 0)");
}

static void process_output(void **state)
{
    (void)state;
    gives(cred_parse_process,
          "{\"Version\":1,\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"S\","
          "\"SessionToken\":\"T\",\"Expiration\":\"2024-05-01T14:00:00+02:00"
          "\"}",
          "the credentials it gave have expired");
    gives(cred_parse_process,
          "{\"Version\":1,\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"S\"}",
          "A S  0 0");
    gives(cred_parse_process,
          "{\"Version\":2,\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"S\"}",
          "its output has no \"Version\": 1");
}

static void sso_answers(void **state)
{
    (void)state;
    gives(cred_parse_sso, "{}", "there are no roleCredentials in it");
    gives(cred_parse_sso,
          "{\"roleCredentials\":{\"accessKeyId\":\"A\",\"secretAccessKey\":"
          "\"S\",\"sessionToken\":\"T\",\"expiration\":1714564801000}}",
          "A S T 1714564801000 0");
}

static void sts_answers(void **state)
{
    (void)state;
    gives(cred_parse_sts,
          "<?xml version=\"1.0\"?><a:R xmlns:a=\"u\"><Credentials x='y'>\n"
          "<a:AccessKeyId> A </a:AccessKeyId><SecretAccessKey>S&#x2f;&#43;"
          "</SecretAccessKey><SessionToken/>\n<Expiration>"
          "2024-05-01T12:00:00.5Z</Expiration></Credentials></a:R>",
          "A S/+  1714564800500 0");
    gives(cred_parse_sts, "<R/>", "there are no Credentials in it");
    gives(cred_parse_sts, "<Credentials></Credentials>",
          "there is no access key id in it");
    gives(cred_parse_sts, "<Credentials><AccessKeyId>A", /* cut */
          "there are no Credentials in it");
    /* Elements inside of each other need more room than their text. */
    gives(cred_parse_sts,
          "<Credentials><AccessKeyId>A<SecretAccessKey>S</SecretAccessKey>"
          "</AccessKeyId></Credentials>",
          "A<SecretAccessKey>S</SecretAccessKey> S  0 0");
}

static void errors_are_told(void **state)
{
    char text[256];

    (void)state;
    assert_true(cred_parse_error(
        slice_str("<E><Error><Type>Sender</Type><Code>AccessDenied</Code>"
                  "<Message>no\x1b[1m</Message></Error></E>"),
        text));
    assert_string_equal(text, "AccessDenied: no [1m");
    assert_true(cred_parse_error(
        slice_str("{\"__type\":\"Bad\",\"message\":\"why\"}"), text));
    assert_string_equal(text, "Bad: why");
    assert_false(cred_parse_error(slice_str("<html>"), text));
    assert_false(cred_parse_error(slice_str("{}"), text));
}

static void times(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
    } good[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"2000-02-29T23:59:59Z", 951868799000},
        {"2024-05-01T12:00:00Z", NOW},
        {"2024-05-01T12:00:00.123456Z", NOW + 123},
        {"2024-05-01T14:00:00+02:00", NOW},
        {"2024-05-01T06:30:00-0530", NOW},
        {"9999-12-31T23:59:59Z", 253402300799000},
        {"0001-01-01T00:00:00Z", -62135596800000},
    };
    static const char *const bad[] = {
        "",
        "2024",
        "2024-05-01",
        "2024-05-01T12:00:00",
        "2024-13-01T12:00:00Z",
        "2024-05-01 12:00:00Z",
        "2024-05-01T25:00:00Z",
        "2024-05-01T12:00:00Zx",
        "2024-05-00T12:00:00Z",
        "xxxx-05-01T12:00:00Z",
    };
    int64_t ms;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(cred_parse_time(slice_str(good[i].text), &ms));
        assert_int_equal(ms, good[i].ms);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(cred_parse_time(slice_str(bad[i]), &ms));
}

static void http_dates(void **state)
{
    int64_t ms;

    (void)state;
    assert_true(
        http_date_parse(slice_str("Wed, 01 May 2024 12:00:00 GMT"), &ms));
    assert_int_equal(ms, NOW);
    static const char *const bad[] = {
        "",
        "Wed, 01 Mai 2024 12:00:00 GMT",
        "Wed, 01 May 2024 12:00:00 CET",
        "Sun, 06 anN 1994 08:49:37 GMT",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 28:49:37 GMT",
        "Sun, x6 Nov 1994 08:49:37 GMT",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(http_date_parse(slice_str(bad[i]), &ms));
    assert_false(http_date_parse(slice_of(NULL, 0), &ms));
}

static void sso_tokens(void **state)
{
    static const char *const good =
        "{\"startUrl\":\"u\",\"accessToken\":\"t\",\"expiresAt\":"
        "\"2024-05-01T12:00:00Z\"}";
    struct sso_token t;

    (void)state;
    assert_true(cred_parse_sso_token(slice_str(good), "u", &t));
    assert_string_equal(t.access_token, "t");
    assert_int_equal(t.expires_ms, NOW);
    assert_false(cred_parse_sso_token(slice_str(good), "v", &t));
    assert_false(
        cred_parse_sso_token(slice_str("{\"startUrl\":\"u\"}"), "u", &t));
}

/* Each parser sees every prefix of each text, in memory that ends there. */
static void cut_texts_do_no_harm(void **state)
{
    static const char *const texts[] = {
        "<R><Credentials><AccessKeyId>&amp;&#65;&lt</AccessKeyId></Credentials>"
        "<Error><Code>&#x41;</Code></Error></R>",
        "{\"Version\":1,\"Code\":\"x\",\"roleCredentials\":{},\"Expiration\":"
        "\"2024-05-01T12:00:00Z\"}",
        "<<<<Credentials<a:Credentials/></Credentials",
    };
    static const parse_fn parsers[] = {cred_parse_container, cred_parse_process,
                                       cred_parse_sso, cred_parse_sts};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        for (size_t n = 0; n <= strlen(texts[i]); n++) {
            char *copy = malloc(n ? n : 1), text[256];
            struct slice s = slice_of(copy, n);
            struct err err;

            memcpy(copy, texts[i], n);
            for (size_t k = 0; k < 4; k++)
                cred_unref(parsers[k](s, NOW, "x", &err));
            cred_parse_error(s, text);
            free(copy);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(container_answers),
        cmocka_unit_test(process_output),
        cmocka_unit_test(sso_answers),
        cmocka_unit_test(sts_answers),
        cmocka_unit_test(errors_are_told),
        cmocka_unit_test(times),
        cmocka_unit_test(http_dates),
        cmocka_unit_test(sso_tokens),
        cmocka_unit_test(cut_texts_do_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
