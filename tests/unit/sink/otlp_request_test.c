/* SPDX-License-Identifier: Apache-2.0 */
/* sink/otlp_request.c: the host that is signed, and which headers are sent. */
#include "sink/otlp_request.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void finds_host_path_and_query(void **state)
{
    static const struct {
        const char *url, *host, *path, *query;
    } all[] = {
        {"https://a.example/v1/traces", "a.example", "/v1/traces", ""},
        {"https://a.example:443/v1", "a.example", "/v1", ""},
        {"https://a.example:80/v1", "a.example:80", "/v1", ""},
        {"http://a.example:80/v1", "a.example", "/v1", ""},
        {"http://a.example:443/v1", "a.example:443", "/v1", ""},
        {"HTTPS://a.example:443", "a.example", "", ""},
        {"http://u:p@a.example:4318/x", "a.example:4318", "/x", ""},
        {"http://a.example/p@q?r@s", "a.example", "/p@q", "r@s"},
        {"http://a.example/x?a=b&c#d", "a.example", "/x", "a=b&c"},
        {"http://a.example?a=b", "a.example", "", "a=b"},
        {"http://[::1]:4318/x#y?z", "[::1]:4318", "/x", ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        struct exporter x = {.o.url = all[i].url};
        otlp_find_host(&x);
        assert_string_equal(x.host, all[i].host);
        assert_true(slice_is(x.path, all[i].path));
        assert_true(slice_is(x.query, all[i].query));
    }
}

/* The values of a header, one behind the other. */
static const char *values(const struct otlp_out *r, const char *name)
{
    static char out[200];
    size_t n = 0;
    out[0] = '\0';
    for (size_t i = 0; i < r->n_headers; i++)
        if (slice_is_nocase(r->headers[i].name, name))
            n += (size_t)snprintf(out + n, sizeof(out) - n, "%.*s;",
                                  SLICE_ARG(r->headers[i].value));
    return out;
}

static void own_headers_are_not_replaced(void **state)
{
    struct client_header given[] = {{SLICE("content-length"), SLICE("1")},
                                    {SLICE("content-type"), SLICE("x")},
                                    {SLICE("X-Key"), SLICE("a")},
                                    {SLICE("X-Key"), SLICE("b")},
                                    {SLICE("user-agent"), SLICE("me")}};
    struct exporter x = {.o.headers = given, .o.n_headers = 5};
    struct package p = {.body = {.p = (char[]){"body"}, .n = 4}, .json = true};
    struct otlp_out r;
    (void)state;
    assert_true(otlp_out_init(&r, &x, &p));
    assert_string_equal(values(&r, "Content-Length"), "4;");
    assert_string_equal(values(&r, "Content-Type"), "application/json;");
    assert_string_equal(values(&r, "Content-Encoding"), "");
    assert_string_equal(values(&r, "X-Key"), "a;b;");
    assert_string_equal(values(&r, "User-Agent"), "me;");
    assert_string_equal(values(&r, "Authorization"), "");
    otlp_out_fini(&r);
}

static void says_how_it_is_packed(void **state)
{
    struct exporter x = {.o.compression = CODING_DEFLATE};
    struct package p = {.body = {.p = (char[]){"body"}, .n = 4},
                        .packed = {.p = (char[]){"xy"}, .n = 2}};
    struct otlp_out r;
    (void)state;
    assert_true(otlp_out_init(&r, &x, &p));
    assert_string_equal(values(&r, "Content-Length"), "2;");
    assert_string_equal(values(&r, "Content-Encoding"), "deflate;");
    assert_string_equal(values(&r, "User-Agent"), USER_AGENT ";");
    otlp_out_fini(&r);
    x.o.compression = CODING_GZIP;
    assert_true(otlp_out_init(&r, &x, &p));
    assert_string_equal(values(&r, "Content-Encoding"), "gzip;");
    otlp_out_fini(&r);
}

static void signs(void **state)
{
    struct client_header given[] = {{SLICE("Authorization"), SLICE("mine")}};
    struct exporter x = {.o.url = "https://a.example/v1?q=1",
                         .o.headers = given,
                         .o.n_headers = 1,
                         .o.service = "xray",
                         .region = "eu-west-1"};
    struct cred cred = {.refs = 1,
                        .access_key_id = SLICE("AKID"),
                        .secret_access_key = SLICE("secret"),
                        .session_token = SLICE("token")};
    struct package p = {.body = {.p = (char[]){"body"}, .n = 4}, .cred = &cred};
    struct otlp_out r;
    (void)state;
    otlp_find_host(&x);
    assert_true(otlp_out_init(&r, &x, &p));
    const char *text = values(&r, "Authorization");
    assert_non_null(strstr(text, "/eu-west-1/xray/aws4_request"));
    assert_non_null(strstr(text, "SignedHeaders=content-length;content-type;"
                                 "host;x-amz-date;x-amz-security-token,"));
    assert_null(strstr(text, "mine"));
    assert_string_equal(values(&r, "X-Amz-Security-Token"), "token;");
    assert_string_equal(values(&r, "Host"), "a.example;");
    otlp_out_fini(&r);
    /* By the service's clock, a day ahead of ours. */
    char today[SIGV4_DATE_LEN + 1];
    sigv4_date(clock_wall_ms() / 1000, today);
    x.skew_ms = 86400000;
    assert_true(otlp_out_init(&r, &x, &p));
    assert_memory_not_equal(r.date, today, 8);
    otlp_out_fini(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_host_path_and_query),
        cmocka_unit_test(own_headers_are_not_replaced),
        cmocka_unit_test(says_how_it_is_packed),
        cmocka_unit_test(signs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
