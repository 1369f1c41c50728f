/* SPDX-License-Identifier: Apache-2.0 */
/* The http block: URLs from parts, whose address, what goes back. */
#include "spans.h"
#include "translate/http.c"

static struct fixture f;

static void test_url_from_parts(void **state)
{
    (void)state;
    fixture_begin(&f, SPAN_SERVER, false);
    add_text(&f, "url.scheme", "https");
    add_text(&f, "server.address", "h.example");
    add_int(&f, "server.port", 8443);
    add_text(&f, "url.path", "/a");
    add_text(&f, "url.query", "b=c");
    fixture_run(&f);
    assert_has(&f, "\"url\":\"https://h.example:8443/a?b=c\"");
    assert_has_not(&f, "server.port");
    fixture_end(&f);
}

static void test_port_is_not_doubled(void **state)
{
    (void)state;
    fixture_begin(&f, SPAN_SERVER, false);
    add_text(&f, "http.request.method", "GET");
    add_text(&f, "server.address", "h.example:8080");
    add_int(&f, "server.port", 8080);
    fixture_run(&f);
    assert_has(&f, "\"url\":\"http://h.example:8080/\"");
    fixture_end(&f);
}

static void test_path_without_host_is_kept(void **state)
{
    (void)state;
    fixture_begin(&f, SPAN_SERVER, false);
    add_text(&f, "http.target", "/only");
    fixture_run(&f);
    assert_has_not(&f, "\"url\"");
    assert_has(&f, "\"http.target\":\"/only\"");
    fixture_end(&f);
}

static void test_peer_of_a_call_is_no_client(void **state)
{
    (void)state;
    fixture_begin(&f, SPAN_CLIENT, true);
    add_text(&f, "url.full", "http://h/");
    add_text(&f, "network.peer.address", "10.0.0.1");
    fixture_run(&f);
    assert_has_not(&f, "client_ip");
    assert_has(&f, "\"network.peer.address\":\"10.0.0.1\"");
    f.span.kind = SPAN_SERVER;
    fixture_run(&f);
    assert_has(&f, "\"client_ip\":\"10.0.0.1\"");
    assert_has_not(&f, "x_forwarded_for");
    fixture_end(&f);
}

static void test_forwarded_client(void **state)
{
    (void)state;
    fixture_begin(&f, SPAN_SERVER, false);
    add_text(&f, "http.request.method", "GET");
    add_text(&f, "client.address", "2001:db8::7");
    fixture_run(&f);
    assert_has(&f, "\"client_ip\":\"2001:db8::7\",\"x_forwarded_for\":true");
    fixture_end(&f);
}

static void assert_faults(int64_t code, int status, const char *want)
{
    fixture_begin(&f, SPAN_SERVER, false);
    if (code)
        add_int(&f, "http.response.status_code", code);
    f.span.status = status;
    fixture_run(&f);
    assert_has(&f, want);
    fixture_end(&f);
}

static void test_faults(void **state)
{
    (void)state;
    assert_faults(404, STATUS_ERROR, "\"error\":true,\"fault\":false");
    assert_faults(429, STATUS_UNSET,
                  "\"error\":true,\"fault\":false,\"throttle\":true");
    assert_faults(503, STATUS_OK, "\"error\":false,\"fault\":true");
    assert_faults(200, STATUS_ERROR, "\"error\":false,\"fault\":true");
    assert_faults(0, STATUS_UNSET, "\"error\":false,\"fault\":false");
}

static void test_new_convention_wins(void **state)
{
    (void)state;
    fixture_begin(&f, SPAN_CLIENT, true);
    add_text(&f, "http.request.method", "PUT");
    add_text(&f, "http.method", "GET");
    add_int(&f, "http.response.status_code", 500);
    add_text(&f, "http.status_code", "404");
    fixture_run(&f);
    assert_has(&f, "\"method\":\"PUT\"");
    assert_has(&f, "\"status\":500");
    assert_has(&f, "\"http.method\":\"GET\",\"http.status_code\":\"404\"");
    fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_url_from_parts),
        cmocka_unit_test(test_port_is_not_doubled),
        cmocka_unit_test(test_path_without_host_is_kept),
        cmocka_unit_test(test_peer_of_a_call_is_no_client),
        cmocka_unit_test(test_forwarded_client),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_new_convention_wins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
