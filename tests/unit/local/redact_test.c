/* SPDX-License-Identifier: Apache-2.0 */
/* What is taken out of documents, and that all else stays byte for byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "local/redact.c"

static void assert_redacted(const char *document, const char *wanted)
{
    struct redact r;
    struct buf out;
    assert_true(redact_init(&r, "authorization, password,Cookie"));
    buf_init(&out, 65536);
    bool changed = redact_document(&r, slice_str(document), &out);
    if (wanted == NULL)
        assert_false(changed);
    else
        assert_string_equal(changed ? buf_cstr(&out) : document, wanted);
    buf_fini(&out);
}

static void members_of_metadata_and_http(void **state)
{
    (void)state;
    assert_redacted(
        "{\"metadata\":{\"a\":{\"Password\" : \"x\\\"y\", \"b\":1}}}",
        "{\"metadata\":{\"a\":{\"Password\" : \"[redacted]\", "
        "\"b\":1}}}");
    assert_redacted("{\"metadata\":{\"password\":{\"a\":[1]},\"cookie\":12.5,"
                    "\"x.authorization\":[\"Bearer\"],\"Cookie\":null}}",
                    "{\"metadata\":{\"password\":\"[redacted]\",\"cookie\":"
                    "\"[redacted]\",\"x.authorization\":\"[redacted]\","
                    "\"Cookie\":\"[redacted]\"}}");
    assert_redacted("{\"subsegments\":[{\"http\":{\"request\":{\"cookie\":true,"
                    "\"method\":\"GET\"}}}]}",
                    "{\"subsegments\":[{\"http\":{\"request\":{\"cookie\":"
                    "\"[redacted]\",\"method\":\"GET\"}}}]}");
    assert_redacted("{\"metadata\":{\"pass\\u0077ord\":false}}",
                    "{\"metadata\":{\"pass\\u0077ord\":\"[redacted]\"}}");
}

static void parameters_of_urls(void **state)
{
    (void)state;
    assert_redacted(
        "{\"http\":{\"request\":{\"url\":\"http://x/?a=1&password=b&c=2#d\"}}}",
        "{\"http\":{\"request\":{\"url\":\"http://x/?a=1&password=[redacted]"
        "&c=2#d\"}}}");
    assert_redacted(
        "{\"http\":{\"request\":{\"url\":\"/?a=1\\u0026password=b\"}}}",
        "{\"http\":{\"request\":{\"url\":\"/?a=1\\u0026password=[redacted]\"}}"
        "}");
}

static void all_else_stays(void **state)
{
    (void)state;
    assert_redacted("{\"annotations\":{\"password\":\"x\"}}", NULL);
    assert_redacted("{\"metadata\":{\"a\":1},\"password\":\"x\"}", NULL);
    assert_redacted("{\"metadata\":{\"passwords\":1,\"b\":\"password\"}}",
                    NULL);
    assert_redacted("{\"http\":{\"request\":{\"url\":\"http://x/?\"}}}", NULL);
    assert_redacted("{\"http\":{},\"x\":{\"cookie\":1}}", NULL);
    assert_redacted("{", NULL);
}

static void too_many_words(void **state)
{
    struct redact r;
    (void)state;
    assert_true(redact_init(&r, NULL));
    assert_int_equal(r.n, 0);
    assert_false(redact_init(&r, "a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,"
                                 "a,a,a,a,a,a,a,a,a,a,a"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_of_metadata_and_http),
        cmocka_unit_test(parameters_of_urls),
        cmocka_unit_test(all_else_stays),
        cmocka_unit_test(too_many_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
