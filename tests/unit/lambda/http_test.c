/* SPDX-License-Identifier: Apache-2.0 */
/* lambda/http.c */
#include "lambda/http.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static char buffer[LAMBDA_ANSWER_MAX];
static struct lambda_answer answer;

static int read_text(const char *text, bool ended)
{
    size_t n = strlen(text);
    memcpy(buffer, text, n);
    return lambda_answer_read(buffer, n, ended, &answer);
}

static void assert_body(const char *text)
{
    assert_true(slice_is(answer.body, text));
}

static void reads_an_answer(void **state)
{
    (void)state;
    assert_int_equal(read_text("HTTP/1.1 200 OK\r\nLambda-Extension-"
                               "Identifier:  u-1 \r\ncontent-length: 4\r\n\r\n"
                               "bodymore",
                               false),
                     1);
    assert_int_equal(answer.status, 200);
    assert_body("body");
    struct slice id =
        lambda_answer_header(&answer, "lambda-extension-identifier");
    assert_true(slice_is(id, "u-1 "));
    assert_int_equal(lambda_answer_header(&answer, "Absent").n, 0);
    /* A name in another's value is none, nor is a longer one's begin. */
    assert_int_equal(lambda_answer_header(&answer, "u-1").n, 0);
    assert_int_equal(lambda_answer_header(&answer, "Content").n, 0);
    assert_int_equal(lambda_answer_header(&answer, "Content-Lengt").n, 0);
}

static void reads_chunks(void **state)
{
    (void)state;
    static const char text[] = "HTTP/1.1 202 Accepted\r\nTransfer-Encoding: "
                               "chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789"
                               "\r\n0\r\n\r\n";
    assert_int_equal(read_text(text, false), 1);
    assert_int_equal(answer.status, 202);
    assert_body("abc0123456789");
}

/* At each place where an answer may be cut, more is wanted; with the end of
 * the connection it is none. */
static void wants_the_whole(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        "3\r\nabc\r\n0\r\n\r\n",
    };
    for (size_t i = 0; i < 2; i++) {
        size_t whole = strlen(texts[i]);
        for (size_t n = 0; n < whole; n++) {
            memcpy(buffer, texts[i], n);
            assert_int_equal(lambda_answer_read(buffer, n, false, &answer), 0);
            assert_int_equal(lambda_answer_read(buffer, n, true, &answer), -1);
        }
        assert_int_equal(read_text(texts[i], false), 1);
        assert_body("abc");
    }
}

static void body_up_to_the_end(void **state)
{
    (void)state;
    assert_int_equal(read_text("HTTP/1.0 500 No\r\n\r\nwhy", false), 0);
    assert_int_equal(read_text("HTTP/1.0 500 No\r\n\r\nwhy", true), 1);
    assert_int_equal(answer.status, 500);
    assert_body("why");
}

static void refuses_what_is_no_http(void **state)
{
    (void)state;
    assert_int_equal(read_text("SSH-2.0-OpenSSH\r\n\r\n", false), -1);
    assert_int_equal(read_text("HTTP/1.1 2x0 OK\r\n\r\n", false), -1);
    assert_int_equal(read_text("HTTP/1.1\r\n\r\n", false), -1);
    assert_int_equal(read_text("HTTP/1.1 200 OK\r\nContent-Length: 99999999"
                               "\r\n\r\n",
                               false),
                     -1);
    assert_int_equal(read_text("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked"
                               "\r\n\r\nFFFFFFFFFF\r\n",
                               false),
                     -1);
}

static void headers_have_a_ceiling(void **state)
{
    static const char start[] = "HTTP/1.1 200 OK\r\nX: ";
    (void)state;
    memset(buffer, 'a', sizeof(buffer));
    memcpy(buffer, start, sizeof(start) - 1);
    assert_int_equal(
        lambda_answer_read(buffer, sizeof(buffer) - 1, false, &answer), 0);
    assert_int_equal(lambda_answer_read(buffer, sizeof(buffer), false, &answer),
                     -1);
}

static void writes_requests(void **state)
{
    char out[LAMBDA_REQUEST_MAX];
    struct lambda_request r = {.method = "POST",
                               .path = LAMBDA_PATH_REGISTER,
                               .api = "h:1",
                               .name = "n",
                               .body = "{}"};
    (void)state;
    out[lambda_request_write(&r, out, sizeof(out))] = '\0';
    assert_string_equal(
        out, "POST /2020-01-01/extension/register HTTP/1.1\r\nHost: h:1\r\n"
             "Lambda-Extension-Name: n\r\nLambda-Extension-Accept-Feature: "
             "accountId\r\nContent-Type: application/json\r\n"
             "Content-Length: 2\r\n\r\n{}");
    assert_int_equal(lambda_request_write(&r, out, 60), 0);
}

static void takes_the_base_name(void **state)
{
    (void)state;
    assert_string_equal(lambda_base_name("/opt/extensions/collector"),
                        "collector");
    assert_string_equal(lambda_base_name("collector"), "collector");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_an_answer),
        cmocka_unit_test(reads_chunks),
        cmocka_unit_test(wants_the_whole),
        cmocka_unit_test(body_up_to_the_end),
        cmocka_unit_test(refuses_what_is_no_http),
        cmocka_unit_test(headers_have_a_ceiling),
        cmocka_unit_test(writes_requests),
        cmocka_unit_test(takes_the_base_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
