/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aws/sigv4.c: AWS's published examples, and what the comparison with botocore
 * (tests/differential) does not reach.
 */
#include "aws/sigv4.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#define SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
#define H(n, v)                                                                \
    {                                                                          \
        {n, sizeof n - 1},                                                     \
        {                                                                      \
            v, sizeof v - 1                                                    \
        }                                                                      \
    }

static void sign(struct sigv4_request *r, const char *body, const char *secret,
                 const char *scope[2], char out[512])
{
    struct sigv4_key key = {
        .access_key_id = slice_str("AKIDEXAMPLE"),
        .secret_access_key = slice_str(secret),
        .region = slice_str(scope[0]),
        .service = slice_str(scope[1]),
    };
    char date[SIGV4_DATE_LEN + 1];
    struct buf b;

    sigv4_date(1440938160, date);
    sha256_once(slice_str(body), r->body_sha256);
    buf_init(&b, 511);
    sigv4_sign(r, &key, date, &b);
    assert_false(b.failed);
    memcpy(out, buf_cstr(&b), b.n + 1);
    buf_fini(&b);
}

static void published_examples(void **state)
{
    static const struct sigv4_header headers[] = {
        H("X-Amz-Date", "20150830T123600Z"),
        H("Host", "example.amazonaws.com"),
    };
    static const char *const head =
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/"
        "aws4_request, SignedHeaders=host;x-amz-date, Signature=";
    struct sigv4_request r = {
        .method = slice_str("GET"),
        .path = slice_str("/"),
        .headers = headers,
        .n_headers = 2,
    };
    const char *scope[] = {"us-east-1", "service"};
    char got[512];

    (void)state;
    sign(&r, "", SECRET, scope, got);
    assert_memory_equal(got, head, strlen(head));
    assert_string_equal(
        got + strlen(head),
        "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
    r.query = slice_str("Param2=value2&Param1=value1");
    sign(&r, "", SECRET, scope, got);
    assert_string_equal(
        got + strlen(head),
        "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500");
}

static void remembered_keys_are_told_apart(void **state)
{
    static const struct sigv4_header headers[] = {H("Host", "h")};
    struct sigv4_request r = {
        .method = slice_str("GET"), .headers = headers, .n_headers = 1};
    const char *scopes[][2] = {{"us-east-1", "xray"}, {"us-east-1", "sts"},
                               {"us-east-2", "xray"}, {"eu-west-1", "xray"},
                               {"eu-west-1", "sts"},  {"us-east-1", "xray"}};
    char cold[12][512], warm[512];

    (void)state;
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < 12; i++) {
            const char *secret = i % 2 ? "one" : "two";

            if (pass == 0)
                sigv4_forget();
            sign(&r, "", secret, scopes[i / 2], pass ? warm : cold[i]);
            if (pass)
                assert_string_equal(warm, cold[i]);
        }
    assert_string_not_equal(cold[0], cold[1]);
    assert_string_equal(cold[0], cold[10]);
}

static void forgets_secrets(void **state)
{
    static const struct sigv4_header headers[] = {H("Host", "h")};
    struct sigv4_request r = {
        .method = slice_str("GET"), .headers = headers, .n_headers = 1};
    const char *scope[] = {"us-east-1", "xray"};
    static const char zero[sizeof mem.keys];
    char got[512];

    (void)state;
    sign(&r, "", "secret", scope, got);
    assert_memory_not_equal(mem.keys, zero, sizeof zero);
    sigv4_forget();
    assert_memory_equal(mem.keys, zero, sizeof zero);
}

static void too_much_is_refused(void **state)
{
    static char region[300];
    static const struct sigv4_header headers[] = {H("Host", "h")};
    struct sigv4_request r = {
        .method = slice_str("GET"), .headers = headers, .n_headers = 1};
    struct sigv4_key key = {.region = slice_of(region, sizeof region)};
    struct buf out;

    (void)state;
    buf_init(&out, 1024);
    sigv4_sign(&r, &key, "20150830T123600Z", &out);
    assert_true(out.failed);
    buf_clear(&out);
    key.region.n = 9;
    r.n_headers = SIZE_MAX / 64; /* never looked at */
    sigv4_sign(&r, &key, "20150830T123600Z", &out);
    assert_true(out.failed);
    buf_fini(&out);
}

static void dates_outside_of_the_form_do_not_overflow(void **state)
{
    char date[SIGV4_DATE_LEN + 1];

    (void)state;
    sigv4_date(INT64_MAX, date);
    assert_int_equal(strlen(date), SIGV4_DATE_LEN);
    sigv4_date(INT64_MIN, date);
    assert_int_equal(strlen(date), SIGV4_DATE_LEN);
    sigv4_date(0, date);
    assert_string_equal(date, "19700101T000000Z");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_examples),
        cmocka_unit_test(remembered_keys_are_told_apart),
        cmocka_unit_test(forgets_secrets),
        cmocka_unit_test(too_much_is_refused),
        cmocka_unit_test(dates_outside_of_the_form_do_not_overflow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
