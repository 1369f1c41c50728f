/* SPDX-License-Identifier: Apache-2.0 */
/* sink/otlp_answer.c: what backends say, and what they might. */
#include "sink/otlp_answer.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define PROTOBUF "Content-Type: application/x-protobuf\r\n\r\n"
#define JSON "Content-Type: application/json; charset=utf-8\r\n\r\n"
#define TEXT "Content-Type: text/plain\r\n\r\n"

static void check(const char *headers, const char *body, bool ok,
                  int64_t rejected, const char *message)
{
    struct otlp_said said;
    struct client_answer a = {.raw_headers = slice_str(headers),
                              .body = slice_str(body)};
    otlp_read_answer(&a, ok, &said);
    assert_int_equal(said.rejected, rejected);
    assert_string_equal(said.message, message);
}

static void of_success(void **state)
{
    (void)state;
    check(PROTOBUF, "\x0a\x06\x08\x02\x12\x02no", true, 2, "no");
    check("", "\x0a\x06\x08\x02\x12\x02no", true, 2, "no"); /* untold type */
    check(JSON, "{\"partialSuccess\":{\"rejectedSpans\":3}}", true, 3, "");
    check(JSON,
          "{\"partialSuccess\":{\"rejectedSpans\":\"4\","
          "\"errorMessage\":\"x\"}}",
          true, 4, "x");
}

/* Field 1 is only where it belongs, as is the message of an error. */
static void of_a_whole_success(void **state)
{
    (void)state;
    check(PROTOBUF, "", true, 0, "");
    check(PROTOBUF, "\x08\x05", true, 0, "");
    check(PROTOBUF, "\x12\x02no", true, 0, "");
    check(JSON, "{}", true, 0, "");
    check(JSON, "{\"message\":\"no\",\"rejectedSpans\":4}", true, 0, "");
    check(TEXT, "thank you", true, 0, "");
}

static void of_an_error(void **state)
{
    (void)state;
    check(PROTOBUF, "\x08\x03\x12\x03why", false, 0, "why");
    check(JSON, "{\"message\":\"why\"}", false, 0, "why");
    check(JSON, "why", false, 0, "why"); /* which is no JSON */
    check(JSON, "{\"error\":1}", false, 0, "{\"error\":1}");
    check(TEXT, "why", false, 0, "why");
    check("", "why", false, 0, "why");
}

/* It goes to the log: in one line, and not too long. */
static void nothing_is_trusted(void **state)
{
    char body[1000], most[320];
    (void)state;
    check(TEXT, "a\r\nb\x1b[0m\x7f\n", false, 0, "a  b [0m");
    memset(body, 'a', sizeof(body) - 1);
    body[sizeof(body) - 1] = '\0';
    memcpy(most, body, sizeof(most) - 1);
    most[sizeof(most) - 1] = '\0';
    check(TEXT, body, false, 0, most);
    check(PROTOBUF, "\x0a\x7f\x08", true, 0, "");
    check(JSON, "{\"partialSuccess\":[", true, 0, "");
    check(JSON, "{\"partialSuccess\":{\"rejectedSpans\":{}}}", true, 0, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_success),
        cmocka_unit_test(of_a_whole_success),
        cmocka_unit_test(of_an_error),
        cmocka_unit_test(nothing_is_trusted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
