/* SPDX-License-Identifier: Apache-2.0 */
/* proxy/proxy.c, end to end: a raw client, the server, a fake service. The
 * credential chain is played here. */
#include "proxy/proxy.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka wants the three above first */
#include <cmocka.h>

#include "../fake_cred.h"
#include "../fake_http.h"
#include "../wire.h"
#include "xr/sigv4.h"

static struct cred keys;
static bool have_keys;
static unsigned invalidated;

void cred_get(struct cred_chain *c, cred_fn fn, void *arg)
{
    struct err err;
    (void)c;
    err_set(&err, "no keys here");
    fn(arg, have_keys ? &keys : NULL, &err);
}

void cred_cancel(struct cred_chain *c, void *arg)
{
    (void)c, (void)arg;
}

void cred_invalidate(struct cred_chain *c, const struct cred *bad)
{
    (void)c, (void)bad;
    invalidated++;
}

static struct http1 *server;
static struct client *client;
static struct stats *stats;
static struct proxy *proxy;
static struct fake_http service;
static char head[8192], body[4096];
static int say_status;
static const char *say_headers, *say_body;
static unsigned asked;

static void on_request(void *arg, struct fake_conn *c, struct slice h,
                       struct slice b)
{
    (void)arg;
    asked++;
    snprintf(head, sizeof(head), "%.*s", SLICE_ARG(h));
    snprintf(body, sizeof(body), "%.*s", SLICE_ARG(b));
    if (say_status < 0)
        return; /* never answers */
    if (say_status)
        fake_reply(c, say_status, say_headers, say_body);
    else
        fake_close(c);
}

static void begin(struct proxy_options o)
{
    static const struct http1_limits limits = {.body_max = 1 << 20,
                                               .headers_max = 65536,
                                               .connections = 10,
                                               .timeout_s = 30};
    static const struct client_options plain = {.connections = 4};
    struct err err;
    char base[64];
    wire_loop = loop_new(&err);
    stats = stats_new();
    client = client_new(wire_loop, &plain, &err);
    fake_start(&service, wire_loop, on_request, NULL);
    server = http1_new(wire_loop, "127.0.0.1:0", &limits, NULL, &err);
    assert_non_null(server);
    o.timeout_ms = 2000;
    proxy = proxy_new(wire_loop, client, NULL, stats, &o);
    proxy_routes(proxy, server);
    snprintf(base, sizeof(base), "http://127.0.0.1:%u", service.port);
    proxy_set_endpoint(proxy, "eu-west-1", base);
    keys = (struct cred){.refs = 1,
                         .access_key_id = SLICE("AKID"),
                         .secret_access_key = SLICE("SECRET")};
    have_keys = true;
    asked = invalidated = 0;
    say_status = 200;
    say_headers = "";
    say_body = "{\"SamplingRuleRecords\":[{\"a\":1}]}";
}

static int setup(void **state)
{
    (void)state;
    begin((struct proxy_options){0});
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    assert_null(proxy->first);
    assert_int_equal(keys.refs, 1);
    proxy_free(proxy);
    http1_free(server);
    client_free(client);
    fake_stop(&service);
    stats_free(stats);
    loop_free(wire_loop);
    return 0;
}

static char answer[65536];

/* Sends a request, waits for the whole answer. */
static const char *exchange(const char *request)
{
    wire_ask(http1_bound(server), slice_str(request), SLICE(""), answer,
             sizeof(answer));
    return answer;
}

#define assert_lacks(text, part) assert_null(strcasestr(text, part))

#define POST(path, more, content)                                              \
    "POST " path " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n" more          \
    "\r\n" content

/* Signs what arrived anew and compares. */
static void check_signature(void)
{
    struct sigv4_request q = {.query = SLICE("")};
    struct sigv4_header list[64];
    char copy[sizeof(head)], date[SIGV4_DATE_LEN + 1] = "", *save;
    char *auth = strstr(head, "Authorization: ") + 15;
    char *names = strstr(auth, "SignedHeaders=") + 14;
    size_t names_n = strcspn(names, ",");
    snprintf(copy, sizeof(copy), "%s", head);
    char *line = strtok_r(copy, "\r\n", &save);
    char *sp = strchr(line, ' '), *sp2 = strchr(sp + 1, ' ');
    q.method = slice_of(line, (size_t)(sp - line));
    q.path = slice_of(sp + 1, (size_t)(sp2 - sp - 1));
    char *mark = memchr(q.path.p, '?', q.path.n);
    if (mark) {
        q.query = slice_of(mark + 1, (size_t)(sp2 - mark - 1));
        q.path.n = (size_t)(mark - q.path.p);
    }
    while ((line = strtok_r(NULL, "\r\n", &save))) {
        char *colon = strchr(line, ':');
        size_t n = (size_t)(colon - line);
        bool is_signed = false;
        for (size_t i = 0; i + n <= names_n; i++)
            if (strncasecmp(names + i, line, n) == 0 &&
                (i == 0 || names[i - 1] == ';') &&
                (i + n == names_n || names[i + n] == ';'))
                is_signed = true;
        if (strncasecmp(line, "x-amz-date", n) == 0)
            memcpy(date, colon + 2, SIGV4_DATE_LEN);
        if (is_signed)
            list[q.n_headers++] =
                (struct sigv4_header){slice_of(line, n), slice_str(colon + 1)};
    }
    q.headers = list;
    sha256_once(slice_str(body), q.body_sha256);
    struct sigv4_key key = {SLICE("AKID"), SLICE("SECRET"), SLICE("eu-west-1"),
                            SLICE("xray")};
    struct buf out;
    buf_init(&out, 4096);
    sigv4_sign(&q, &key, date, &out);
    if (memcmp(auth, out.p, out.n) != 0)
        fail_msg("signature differs:\n%s\n%.*s", head, (int)out.n, out.p);
    buf_fini(&out);
}

static void test_signed_and_passed(void **state)
{
    (void)state;
    say_headers = "X-Keep: 1\r\nKeep-Alive: timeout=5\r\n"
                  "Content-Type: application/json\r\n";
    const char *a = exchange(
        POST("//GetSamplingRules?b=2&a=x%20y&a=1",
             "Content-Length: 9\r\nX-Foo: a\r\nX-Foo:  b  c \r\nX-Empty:\r\n"
             "User-Agent: sdk/1\r\nX-Amzn-Trace-Id: Root=1\r\n"
             "Keep-Alive: timeout=5\r\nX-Hop: 1\r\nConnection: X-Hop\r\n"
             "Proxy-Connection: keep-alive\r\nAccept-Encoding: identity\r\n"
             "Authorization: AWS4 theirs\r\nX-Amz-Date: 20200101T000000Z\r\n"
             "X-Amz-Security-Token: THEIRS\r\nX-Forwarded-For: 10.0.0.9\r\n",
             "{\"New\":1}"));
    assert_has(a, "200 OK");
    assert_has(a, "X-Keep: 1\r\n");
    assert_has(a, "\r\n\r\n{\"SamplingRuleRecords\":[{\"a\":1}]}");
    assert_lacks(a, "keep-alive");
    assert_has(head, "POST /GetSamplingRules?a=1&a=x%20y&b=2 HTTP/1.1\r\n");
    assert_has(head, "User-Agent: sdk/1\r\n");
    assert_has(head, "X-Forwarded-For: 10.0.0.9, 127.0.0.1\r\n");
    assert_has(head, "SignedHeaders=accept-encoding;host;x-amz-date;x-empty;"
                     "x-foo, ");
    assert_lacks(head, "theirs");
    assert_lacks(head, "x-hop");
    assert_lacks(head, "keep-alive");
    assert_lacks(head, "proxy-connection");
    assert_string_equal(body, "{\"New\":1}");
    check_signature();
}

static void test_chunked_and_token(void **state)
{
    (void)state;
    keys.session_token = SLICE("SESSION");
    exchange(POST("/SamplingTargets", "Transfer-Encoding: chunked\r\n",
                  "2\r\n{}\r\n0\r\n\r\n"));
    assert_has(head, "X-Amz-Security-Token: SESSION\r\n");
    assert_has(head, "SignedHeaders=host;x-amz-date;x-amz-security-token, ");
    assert_has(head, "Content-Length: 2\r\n");
    assert_lacks(head, "transfer-encoding");
    assert_string_equal(body, "{}");
    check_signature();
}

static void test_passed_back(void **state)
{
    (void)state;
    say_status = 403;
    say_body = "{\"message\":\"no\"}";
    assert_has(exchange(POST("/GetSamplingRules", "", "")), "HTTP/1.1 403 ");
    assert_int_equal(asked, 1);
    say_status = 302;
    say_headers = "Location: /x\r\n";
    const char *a = exchange(POST("/SamplingTargets", "", ""));
    assert_has(a, "HTTP/1.1 302 ");
    assert_has(a, "Location: /x\r\n");
}

static void test_fresh_keys(void **state)
{
    (void)state;
    say_status = 403;
    say_body = "{\"__type\":\"ExpiredTokenException\"}";
    assert_has(exchange(POST("/GetSamplingRules", "", "")), "HTTP/1.1 403 ");
    assert_int_equal(asked, 2);
    assert_int_equal(invalidated, 1);
}

static void test_without_backend(void **state)
{
    (void)state;
    const char *rules = POST("/GetSamplingRules", "", "");
    const char *page2 = POST("/GetSamplingRules", "Content-Length: 17\r\n",
                             "{\"NextToken\":\"x\"}");
    const char *targets = POST("/SamplingTargets", "", "");
    say_status = 500;
    assert_has(exchange(rules), "\r\n\r\n{\"SamplingRuleRecords\":[]}");
    say_status = 200;
    exchange(rules);
    exchange(targets);
    say_status = 0; /* closes */
    assert_has(exchange(rules), "{\"SamplingRuleRecords\":[{\"a\":1}]}");
    assert_has(answer, "HTTP/1.1 200 OK");
    assert_has(exchange(page2), "\r\n\r\n{\"SamplingRuleRecords\":[]}");
    assert_has(exchange(targets), "\r\n\r\n{\"SamplingTargetDocuments\":[],");
    have_keys = false;
    asked = 0;
    assert_has(exchange(rules), "{\"SamplingRuleRecords\":[{\"a\":1}]}");
    proxy->base[0] = '\0';
    assert_has(exchange(rules), "{\"SamplingRuleRecords\":[{\"a\":1}]}");
    assert_int_equal(asked, 0);
    assert_int_equal(*proxy->outcomes[OUT_KEPT], 3);
    assert_int_equal(*proxy->outcomes[OUT_EMPTY], 3);
    assert_int_equal(*proxy->outcomes[OUT_PASSED], 2);
}

static void test_refused(void **state)
{
    (void)state;
    assert_has(exchange(POST("/DeleteGroup", "", "")), "HTTP/1.1 403 ");
    assert_has(answer, "SignAnything");
    assert_has(exchange("GET /GetSamplingRules HTTP/1.0\r\n\r\n"), " 403 ");
    assert_int_equal(asked, 0);
    assert_int_equal(*proxy->outcomes[OUT_REFUSED], 2);
}

static void test_sign_anything(void **state)
{
    teardown(state);
    begin((struct proxy_options){.sign_anything = true});
    say_status = 500;
    assert_has(exchange("GET /any/thing?q HTTP/1.0\r\n\r\n"), " 500 ");
    assert_has(head, "GET /any/thing?q= HTTP/1.1\r\n");
    check_signature();
    have_keys = false;
    assert_has(exchange("GET /any HTTP/1.0\r\n\r\n"), " 502 ");
    assert_int_equal(asked, 1);
}

static void test_client_gone(void **state)
{
    (void)state;
    struct wire w;
    say_status = -1;
    wire_open(&w, http1_bound(server));
    wire_send(&w, slice_str("POST /SamplingTargets HTTP/1.1\r\nHost: h\r\n"
                            "\r\n"));
    assert_true(wire_until(proxy->first != NULL));
    wire_close(&w);
    assert_true(wire_until(proxy->first == NULL));
}

static void test_local(void **state)
{
    teardown(state);
    begin((struct proxy_options){.local = true});
    assert_has(exchange(POST("/GetSamplingRules", "", "")),
               "\"FixedRate\":1.0");
    assert_has(exchange(POST("/SamplingTargets", "Content-Length: 86\r\n",
                             "{\"SamplingStatisticsDocuments\":[{\"RuleName\":"
                             "\"a\"},{\"RuleName\":\"b\\\"\"},{\"x\":1}, 5, 6, "
                             "7]}")),
               "{\"RuleName\":\"b\\\"\",\"FixedRate\":1.0,");
    assert_has(answer, "{\"RuleName\":\"a\",");
    assert_has(exchange(POST("/SamplingTargets", "Content-Length: 1\r\n", "{")),
               " 400 ");
    assert_int_equal(asked, 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_signed_and_passed),
        T(test_chunked_and_token),
        T(test_passed_back),
        T(test_fresh_keys),
        T(test_without_backend),
        T(test_refused),
        T(test_sign_anything),
        T(test_client_gone),
        T(test_local),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
