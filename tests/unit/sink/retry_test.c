/* SPDX-License-Identifier: Apache-2.0 */
/* What answers mean, and the bounds of waiting times. */
#include "sink/retry.c"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void classifies_answers(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *code;
        enum retry_class want;
    } rows[] = {
        {200, "", RETRY_OK},
        {301, "", RETRY_AGAIN},
        {302, "", RETRY_AGAIN},
        {400, "", RETRY_REFUSED},
        {400, "InvalidRequestException", RETRY_REFUSED},
        {400, "ThrottledException", RETRY_THROTTLED},
        {400, "ThrottlingException", RETRY_THROTTLED},
        {400, "ExpiredTokenException", RETRY_CREDENTIALS},
        {400, "UnrecognizedClientException", RETRY_CREDENTIALS},
        {400, "AccessDeniedException", RETRY_DENIED},
        {403, "", RETRY_DENIED},
        {403, "ExpiredToken", RETRY_CREDENTIALS},
        {403, "SignatureDoesNotMatch", RETRY_SKEW},
        {403, "InvalidSignatureException", RETRY_SKEW},
        {403, "RequestTimeTooSkewed", RETRY_SKEW},
        {404, "", RETRY_DENIED},
        {407, "", RETRY_DENIED},
        {408, "", RETRY_AGAIN},
        {413, "", RETRY_REFUSED},
        {429, "", RETRY_THROTTLED},
        {500, "", RETRY_AGAIN},
        {500, "TooManyRequestsException", RETRY_THROTTLED},
        {503, "SomethingNew", RETRY_AGAIN},
        {599, "", RETRY_AGAIN},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        enum retry_class c = retry_classify(CLIENT_ANSWERED, rows[i].status,
                                            slice_str(rows[i].code));
        if (c != rows[i].want)
            fail_msg("%d %s: %d", rows[i].status, rows[i].code, c);
    }
}

static void tries_again_without_an_answer(void **state)
{
    (void)state;
    for (int o = CLIENT_REFUSED; o <= CLIENT_OTHER; o++)
        assert_int_equal(retry_classify((enum client_outcome)o, 0, SLICE("")),
                         RETRY_AGAIN);
}

static void finds_the_bare_code(void **state)
{
    (void)state;
    assert_true(slice_is(retry_code(SLICE("Foo")), "Foo"));
    assert_true(slice_is(retry_code(SLICE("Foo:http://x/#y")), "Foo"));
    assert_true(slice_is(retry_code(SLICE("com.amazon#Foo")), "Foo"));
    assert_true(slice_is(retry_code(SLICE("a.b#Foo:c")), "Foo"));
    assert_true(slice_is(retry_code(SLICE("")), ""));
    assert_true(slice_is(retry_code(SLICE("#")), ""));
}

static void classifies_documents(void **state)
{
    (void)state;
    assert_int_equal(retry_classify_document(SLICE("InvalidName")),
                     RETRY_REFUSED);
    assert_int_equal(retry_classify_document(SLICE("")), RETRY_REFUSED);
    assert_int_equal(retry_classify_document(SLICE("AccessDenied")),
                     RETRY_REFUSED);
    assert_int_equal(retry_classify_document(SLICE("ThrottlingException")),
                     RETRY_THROTTLED);
    assert_int_equal(retry_classify_document(SLICE("InternalFailure")),
                     RETRY_AGAIN);
    assert_int_equal(retry_classify_document(SLICE("500")), RETRY_AGAIN);
    assert_int_equal(retry_classify_document(SLICE("429")), RETRY_THROTTLED);
    assert_int_equal(retry_classify_document(SLICE("400")), RETRY_REFUSED);
    assert_int_equal(retry_classify_document(SLICE("403")), RETRY_REFUSED);
}

static void backs_off_within_bounds(void **state)
{
    (void)state;
    assert_int_equal(retry_backoff_ms(1, 5000, 0), 0);
    assert_int_equal(retry_backoff_ms(1, 5000, UINT32_MAX), 100);
    assert_int_equal(retry_backoff_ms(2, 5000, UINT32_MAX), 200);
    assert_int_equal(retry_backoff_ms(4, 5000, UINT32_MAX / 2), 400);
    for (unsigned a = 0; a < 2000; a++)
        assert_in_range(retry_backoff_ms(a, 5000, UINT32_MAX), 0, 5000);
    assert_int_equal(retry_backoff_ms(UINT32_MAX, 5000, UINT32_MAX), 5000);
    assert_int_equal(retry_backoff_ms(9, 0, UINT32_MAX), 0);
    assert_int_equal(retry_denied_ms(1, 0), 1000);
    assert_int_equal(retry_denied_ms(99, 0), 15000);
    assert_int_equal(retry_denied_ms(99, UINT32_MAX), 30000);
}

static void honours_retry_after(void **state)
{
    (void)state;
    int64_t now = 784111777000;
    assert_int_equal(retry_after_ms(SLICE(""), now), 0);
    assert_int_equal(retry_after_ms(SLICE("2"), now), 2000);
    assert_int_equal(retry_after_ms(SLICE("soon"), now), 0);
    assert_int_equal(retry_after_ms(SLICE("-5"), now), 0);
    assert_int_equal(
        retry_after_ms(SLICE("Sun, 06 Nov 1994 08:49:40 GMT"), now), 3000);
    assert_int_equal(
        retry_after_ms(SLICE("Sun, 06 Nov 1994 08:49:30 GMT"), now), 0);
    assert_int_equal(retry_after_ms(SLICE("99999999999999999999999999"), now),
                     60000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classifies_answers),
        cmocka_unit_test(tries_again_without_an_answer),
        cmocka_unit_test(finds_the_bare_code),
        cmocka_unit_test(classifies_documents),
        cmocka_unit_test(backs_off_within_bounds),
        cmocka_unit_test(honours_retry_after),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
