/* SPDX-License-Identifier: Apache-2.0 */
/* aws/cred_find.c and all the sources that it looks at. */
#include "aws/cred_find.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include "asker.h"

static void environment_answers_at_once_and_before_all_else(void **state)
{
    struct cred_chain *c;

    (void)state;
    setenv("AWS_ACCESS_KEY_ID", "AKID", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
    setenv("AWS_SESSION_TOKEN", "token", 1);
    setenv("AWS_WEB_IDENTITY_TOKEN_FILE", "/nowhere", 1);
    scene_file(".aws/credentials", "[default]\naws_access_key_id=FILE\n"
                                   "aws_secret_access_key=x\n");
    c = chain(NULL);
    got.calls = 0;
    cred_get(c, on_cred, &got);
    assert_int_equal(got.calls, 1);
    assert_string_equal(got.id, "AKID");
    assert_string_equal(got.token, "token");
    assert_string_equal(got.source, "environment");
    assert_int_equal(fake.n_calls, 0);
    cred_chain_free(c);
}

static void snapstart_asks_the_container_endpoint_first(void **state)
{
    struct cred_chain *c;

    (void)state;
    setenv("AWS_ACCESS_KEY_ID", "OLD", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
    setenv("AWS_LAMBDA_INITIALIZATION_TYPE", "snap-start", 1);
    setenv("AWS_LAMBDA_RUNTIME_API", "169.254.100.1:9001", 1);
    setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI",
           "http://169.254.100.1:9001/2021-04-23/credentials", 1);
    setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "bare", 1);
    fake_answer("GET", "http://169.254.100.1:9001/", 200,
                KEYS("SNAP", "0001-01-01T00:00:00Z"));
    c = chain(NULL);
    assert_int_equal(fake.n_calls, 0);
    assert_string_equal(ask(c)->id, "SNAP");
    assert_non_null(strstr(fake_last()->headers, "Authorization: bare\n"));
    assert_true(fake_last()->direct);
    /* A time in the past: unknown, asked again in five minutes. */
    assert_int_equal(got.expires_ms, 0);
    fake_run(4 * 60000);
    ask(c);
    assert_int_equal(fake.n_calls, 1);
    fake_run(60000);
    assert_string_equal(ask(c)->id, "SNAP");
    assert_int_equal(fake.n_calls, 2);
    cred_chain_free(c);
}

static void container_reads_its_token_file_each_time(void **state)
{
    struct cred_chain *c;
    char path[160];

    (void)state;
    scene_file("token", "one\n");
    scene_path("token", path);
    setenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/credentials/x", 1);
    setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", path, 1);
    fake_answer("GET", "http://169.254.170.2/v2/credentials/x", 200,
                KEYS("ECS", IN_AN_HOUR));
    c = chain(NULL);
    assert_string_equal(ask(c)->id, "ECS");
    assert_string_equal(got.source, "container");
    assert_non_null(strstr(fake_last()->headers, "Authorization: one\n"));
    scene_file("token", "two");
    fake_run(59 * 60000);
    ask(c);
    assert_non_null(strstr(fake_last()->headers, "Authorization: two\n"));
    cred_chain_free(c);
}

static void container_refuses_strange_hosts_and_tokens(void **state)
{
    static const char *const bad[] = {
        "http://example.com/",        "http://127.evil.example/",
        "http://169.254.170.2@e.net", "ftp://localhost/",
        "http://localhost:1@e.net/",  "http://localhost.e.net/",
        "http://127.0.0.1.e.net/",
    };
    static const char *const good[] = {
        "http://localhost:1/a",       "http://127.0.0.1:9/",
        "http://127.9.9.9/",          "http://[::1]:8/",
        "http://169.254.170.23/v1/c", "http://[fd00:ec2::23]/v1",
        "https://example.com/",
    };
    struct cred_chain *c;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", bad[i], 1);
        c = chain(NULL);
        ask(c);
        assert_non_null(strstr(got.why, "container: AWS_CONTAINER"));
        assert_int_equal(fake.n_calls, 0);
        cred_chain_free(c);
    }
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", good[i], 1);
        c = chain(NULL);
        ask(c);
        assert_true(fake.n_calls > 0);
        assert_string_equal(fake_last()->url, good[i]);
        cred_chain_free(c);
        fake_reset();
    }
    setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "a\nX-Evil: b", 1);
    c = chain(NULL);
    ask(c);
    assert_non_null(strstr(got.why, "no usable authorization token"));
    cred_chain_free(c);
}

static void web_identity_sends_the_token_unsigned(void **state)
{
    struct cred_chain *c;
    char path[160];

    (void)state;
    scene_file("jwt", "ey.J+x/=\n");
    scene_path("jwt", path);
    setenv("AWS_WEB_IDENTITY_TOKEN_FILE", path, 1);
    setenv("AWS_ROLE_ARN", ROLE, 1);
    fake_answer("POST", "https://sts.eu-west-1.amazonaws.com/", 200,
                STS("WEB", IN_AN_HOUR));
    c = chain(NULL);
    assert_string_equal(ask(c)->id, "WEB");
    assert_string_equal(got.token, "t&t");
    assert_string_equal(got.source, "web identity");
    assert_string_equal(fake_last()->body,
                        "Action=AssumeRoleWithWebIdentity&Version=2011-06-15"
                        "&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fx"
                        "&RoleSessionName=xray-daemon&DurationSeconds=900"
                        "&WebIdentityToken=ey.J%2Bx%2F%3D");
    assert_null(strstr(fake_last()->headers, "Authorization"));
    cred_chain_free(c);
}

static void imds_answers_with_a_session_token(void **state)
{
    struct cred_chain *c;

    (void)state;
    fake_answer("PUT", IMDS "/latest/api/token", 200, "TOK");
    fake_answer("GET", IMDS_KEYS, 200, "my-role\n");
    fake_answer("GET", IMDS_KEYS "my-role", 200, KEYS("IMDS", IN_AN_HOUR));
    c = chain(NULL);
    assert_string_equal(ask(c)->id, "IMDS");
    assert_string_equal(got.source, "imds");
    assert_int_equal(fake.n_calls, 3);
    assert_non_null(strstr(fake.calls[0].headers,
                           "X-aws-ec2-metadata-token-ttl-seconds: 21600"));
    assert_non_null(
        strstr(fake_last()->headers, "X-aws-ec2-metadata-token: TOK"));
    for (size_t i = 0; i < fake.n_calls; i++)
        assert_true(fake.calls[i].direct);
    cred_chain_free(c);
}

static void imds_falls_back_to_v1_when_the_token_is_refused(void **state)
{
    struct cred_chain *c;

    (void)state;
    fake_answer("PUT", IMDS "/latest/api/token", 404, "");
    fake_answer("GET", IMDS_KEYS, 200, "r");
    fake_answer("GET", IMDS_KEYS "r", 200, KEYS("V1", IN_AN_HOUR));
    c = chain(NULL);
    assert_string_equal(ask(c)->id, "V1");
    assert_string_equal(fake_last()->headers, "");
    cred_chain_free(c);
    setenv("AWS_EC2_METADATA_V1_DISABLED", "true", 1);
    c = chain(NULL);
    ask(c);
    assert_string_equal(got.id, "");
    cred_chain_free(c);
}

static void imds_hints_at_the_hop_limit(void **state)
{
    struct cred_chain *c;

    (void)state;
    fake_fault("PUT", IMDS, CLIENT_TIMEOUT)->took_ms = 2000;
    fake_answer("GET", IMDS, 401, "");
    c = chain(NULL);
    assert_non_null(strstr(ask(c)->why, "hop limit"));
    cred_chain_free(c);
}

static void imds_off_ec2_is_one_request(void **state)
{
    struct cred_chain *c;

    (void)state;
    fake_fault("PUT", IMDS, CLIENT_TIMEOUT)->took_ms = 1000;
    c = chain(NULL);
    got.calls = 0;
    cred_get(c, on_cred, &got);
    fake_run(0);
    assert_int_equal(got.calls, 1);
    assert_int_equal(fake.n_calls, 1);
    assert_non_null(strstr(got.why, "environment: AWS_ACCESS_KEY_ID is not"));
    assert_non_null(strstr(got.why, "web identity: AWS_WEB_IDENTITY_TOKEN"));
    assert_non_null(strstr(got.why, "shared files: there is no profile def"));
    assert_non_null(strstr(got.why, "container: no AWS_CONTAINER"));
    assert_non_null(strstr(got.why, "imds: timed out"));
    cred_chain_free(c);
}

static void imds_is_not_asked_when_switched_off(void **state)
{
    struct cred_options o = {.no_imds = true};
    struct cred_chain *c = chain(&o);

    (void)state;
    assert_non_null(strstr(ask(c)->why, "imds: not asked"));
    cred_chain_free(c);
    setenv("AWS_EC2_METADATA_DISABLED", "TRUE", 1);
    c = chain(NULL);
    assert_non_null(strstr(ask(c)->why, "AWS_EC2_METADATA_DISABLED"));
    assert_int_equal(fake.n_calls, 0);
    cred_chain_free(c);
}

static void imds_tells_when_the_instance_has_no_role(void **state)
{
    struct cred_chain *c;

    (void)state;
    fake_answer("PUT", IMDS, 200, "T");
    fake_answer("GET", IMDS_KEYS, 404, "");
    c = chain(NULL);
    assert_non_null(strstr(ask(c)->why, "the instance has no role"));
    cred_chain_free(c);
}

static void role_arn_is_assumed_upon_what_was_found(void **state)
{
    struct cred_options o = {.region = "us-gov-west-1",
                             .role_arn = ROLE,
                             .role_session_name = "me",
                             .role_external_id = "a b"};
    struct cred_chain *c;

    (void)state;
    setenv("AWS_ACCESS_KEY_ID", "AKID", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
    setenv("AWS_SESSION_TOKEN", "token", 1);
    fake_answer("POST", "https://sts.us-gov-west-1.amazonaws.com/", 200,
                STS("ROLE", "2024-05-01T12:15:00Z"));
    c = chain(&o);
    assert_string_equal(ask(c)->id, "ROLE");
    assert_string_equal(got.source, "environment > " ROLE);
    assert_non_null(strstr(fake_last()->body, "Action=AssumeRole&"));
    assert_non_null(strstr(fake_last()->body, "&RoleSessionName=me&"));
    assert_non_null(strstr(fake_last()->body, "&ExternalId=a%20b"));
    assert_non_null(strstr(fake_last()->headers,
                           "Credential=AKID/20240501/us-gov-west-1/sts/"
                           "aws4_request, SignedHeaders=content-type;host;"
                           "x-amz-date;x-amz-security-token, "));
    /* Not asked again while fresh, then ahead of the end, with the old one
     * given meanwhile. */
    fake_run(600 * 1000);
    ask(c);
    assert_int_equal(fake.n_calls, 1);
    fake_answer("POST", "https://sts.us-gov-west-1.amazonaws.com/", 200,
                STS("NEXT", "2024-05-01T12:30:00Z"));
    fake_run(100 * 1000);
    assert_string_equal(ask(c)->id, "ROLE");
    assert_int_equal(fake.n_calls, 2);
    assert_string_equal(ask(c)->id, "NEXT");
    cred_chain_free(c);
}

static void sts_error_is_told_in_words(void **state)
{
    struct cred_options o = {.region = "eu-west-1", .role_arn = ROLE};
    struct cred_chain *c;

    (void)state;
    setenv("AWS_ACCESS_KEY_ID", "AKID", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
    fake_answer("POST", "https://sts.", 403,
                "<ErrorResponse><Error><Code>AccessDenied</Code><Message>not "
                "you</Message></Error></ErrorResponse>");
    c = chain(&o);
    assert_non_null(strstr(ask(c)->why, "AssumeRole at https://sts.eu-west-1"));
    assert_non_null(strstr(got.why, "answered 403 (AccessDenied: not you)"));
    cred_chain_free(c);
}

static void sts_is_asked_again_with_its_own_clock(void **state)
{
    struct cred_options o = {.region = "eu-west-1", .role_arn = ROLE};
    struct cred_chain *c;
    struct fake_rule *r;

    (void)state;
    setenv("AWS_ACCESS_KEY_ID", "AKID", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
    fake_answer("POST", "https://sts.", 200, STS("ROLE", IN_AN_HOUR));
    r = fake_answer("POST", "https://sts.", 403, "");
    r->times = 1;
    r->date = "Wed, 01 May 2024 14:00:01 GMT";
    c = chain(&o);
    assert_string_equal(ask(c)->id, "ROLE");
    assert_int_equal(fake.n_calls, 2);
    assert_non_null(
        strstr(fake_last()->headers, "X-Amz-Date: 20240501T140001Z"));
    cred_chain_free(c);
}

static void missing_profile_ends_the_search(void **state)
{
    struct cred_chain *c;

    (void)state;
    setenv("AWS_PROFILE", "nope", 1);
    c = chain(NULL);
    assert_non_null(strstr(ask(c)->why, "there is no profile nope"));
    assert_int_equal(fake.n_calls, 0);
    cred_chain_free(c);
}

static void roles_of_profiles_are_assumed_one_upon_the_other(void **state)
{
    struct cred_chain *c;

    (void)state;
    scene_file(".aws/config",
               "[profile a]\nrole_arn = arn:a\nsource_profile = b\n"
               "external_id = x\n"
               "[profile b]\nrole_arn = arn:b\nsource_profile = b\n"
               "role_session_name = bob\nduration_seconds = 1800\n"
               "[profile c]\nrole_arn = arn:c\nsource_profile = d\n"
               "[profile d]\nrole_arn = arn:d\nsource_profile = c\n"
               "[profile e]\nrole_arn = arn:e\ncredential_source = "
               "EcsContainer\n");
    scene_file(".aws/credentials", "[b]\naws_access_key_id = BASE\n"
                                   "aws_secret_access_key = x\n");
    fake_answer("POST", "https://sts.", 200, STS("B", IN_AN_HOUR));
    setenv("AWS_PROFILE", "a", 1);
    c = chain(NULL);
    ask(c);
    assert_string_equal(got.source, "profile b > profile b > profile a");
    assert_int_equal(fake.n_calls, 2);
    assert_non_null(strstr(fake.calls[0].body, "&RoleArn=arn%3Ab&"));
    assert_non_null(strstr(fake.calls[0].body, "&RoleSessionName=bob&"));
    assert_non_null(strstr(fake.calls[0].body, "&DurationSeconds=1800"));
    assert_non_null(strstr(fake.calls[0].headers, "Credential=BASE/"));
    assert_non_null(strstr(fake.calls[1].body, "&ExternalId=x"));
    assert_non_null(strstr(fake.calls[1].headers, "Credential=B/"));
    cred_chain_free(c);

    setenv("AWS_PROFILE", "c", 1);
    c = chain(NULL);
    assert_non_null(strstr(ask(c)->why, "profile c is reached twice"));
    cred_chain_free(c);

    setenv("AWS_PROFILE", "e", 1);
    setenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/c", 1);
    fake_answer("GET", "http://169.254.170.2/c", 200, KEYS("E", IN_AN_HOUR));
    c = chain(NULL);
    assert_string_equal(ask(c)->source, "container > profile e");
    cred_chain_free(c);
}

static void sso_uses_the_cached_token_or_says_how_to_log_in(void **state)
{
    static const char *const config =
        "[profile s]\nsso_session = corp\nsso_account_id = 123\n"
        "sso_role_name = Read Only\n"
        "[sso-session corp]\nsso_region = eu-north-1\n"
        "sso_start_url = https://corp.example/start\n";
    struct cred_chain *c;

    (void)state;
    scene_file(".aws/config", config);
    setenv("AWS_PROFILE", "s", 1);
    c = chain(NULL);
    assert_non_null(strstr(ask(c)->why, "aws sso login --profile s"));
    cred_chain_free(c);
    scene_file(".aws/sso/cache/x.json",
               "{\"startUrl\":\"https://corp.example/start\",\"accessToken\":"
               "\"tok\",\"expiresAt\":\"" IN_AN_HOUR "\"}");
    scene_file(".aws/sso/cache/y.json", "{]");
    fake_answer("GET", "https://portal.sso.eu-north-1.amazonaws.com/", 200,
                "{\"roleCredentials\":{\"accessKeyId\":\"SSO\","
                "\"secretAccessKey\":\"s\",\"sessionToken\":\"t\","
                "\"expiration\":1714568400000}}");
    c = chain(NULL);
    assert_string_equal(ask(c)->id, "SSO");
    assert_int_equal(got.expires_ms, 1714568400000);
    assert_string_equal(fake_last()->url,
                        "https://portal.sso.eu-north-1.amazonaws.com/"
                        "federation/credentials?role_name=Read%20Only"
                        "&account_id=123");
    assert_non_null(
        strstr(fake_last()->headers, "x-amz-sso_bearer_token: tok\n"));
    cred_chain_free(c);
}

static void no_secret_reaches_an_error_text(void **state)
{
    struct cred_chain *c;

    (void)state;
    setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://localhost/", 1);
    fake_answer("GET", "http://localhost/", 200,
                "{\"AccessKeyId\":\"AKHIDDEN\",\"SecretAccessKey\":"
                "\"HID DEN\",\"Token\":\"HIDDEN\"}");
    c = chain(NULL);
    assert_non_null(strstr(ask(c)->why, "blank or control character"));
    assert_null(strstr(got.why, "HID"));
    cred_chain_free(c);
    fake_answer("GET", "http://localhost/", 200, "{\"HIDDEN\": \"HIDDEN");
    c = chain(NULL);
    assert_non_null(strstr(ask(c)->why, "not JSON"));
    assert_null(strstr(got.why, "HID"));
    cred_chain_free(c);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
    const struct CMUnitTest tests[] = {
        T(environment_answers_at_once_and_before_all_else),
        T(snapstart_asks_the_container_endpoint_first),
        T(container_reads_its_token_file_each_time),
        T(container_refuses_strange_hosts_and_tokens),
        T(web_identity_sends_the_token_unsigned),
        T(imds_answers_with_a_session_token),
        T(imds_falls_back_to_v1_when_the_token_is_refused),
        T(imds_hints_at_the_hop_limit),
        T(imds_off_ec2_is_one_request),
        T(imds_is_not_asked_when_switched_off),
        T(imds_tells_when_the_instance_has_no_role),
        T(role_arn_is_assumed_upon_what_was_found),
        T(sts_error_is_told_in_words),
        T(sts_is_asked_again_with_its_own_clock),
        T(missing_profile_ends_the_search),
        T(roles_of_profiles_are_assumed_one_upon_the_other),
        T(sso_uses_the_cached_token_or_says_how_to_log_in),
        T(no_secret_reaches_an_error_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
