/* SPDX-License-Identifier: Apache-2.0 */
/* local/guard.c in front of the own API */
#include "local/guard.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include "api_world.h"

static int with_headers(struct world *w, const char *method, const char *name,
                        const char *value)
{
    w->headers[0] = (struct client_header){slice_str(name), slice_str(value)};
    w->n_headers = name == NULL ? 0 : 1;
    ask(w, method, "/api/mark", "{}");
    return w->status;
}

static void only_this_machine_and_this_page_may_ask(void **state)
{
    struct world *w = *state;
    char own[64];
    unsigned port = w->api->o.guard.port;
    log_set_level(LOG_LEVEL_ERROR);
    static const struct {
        const char *host;
        bool fits;
    } names[] = {
        {"localhost:%u", true},       {"LOCALHOST:%u", true},
        {"app.localhost:%u", true},   {"127.0.0.1:%u", true},
        {"127.8.9.10:%u", true},      {"[::1]:%u", true},
        {"laptop:%u", true},          {"127.0.0.1.evil.test:%u", false},
        {"127.evil.test:%u", false},  {"evil.test:%u", false},
        {"127.0.0.1", false},         {"127.0.0.1:1", false},
        {"localhost.evil:%u", false}, {"127.0.0:%u", false},
        {"127.0.0.1:%ux", false},     {"10.0.0.1:%u", false},
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char host[64];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-extra-args"
        snprintf(host, sizeof(host), names[i].host, port);
#pragma GCC diagnostic pop
        int status = with_headers(w, "GET", "Host", host);
        if (status != (names[i].fits ? 405 : 421))
            fail_msg("%s: %d", host, status);
    }
    assert_int_equal(with_headers(w, "POST", NULL, NULL), 415);
    assert_int_equal(with_headers(w, "POST", "Content-Type", "text/plain"),
                     415);
    assert_int_equal(with_headers(w, "POST", "X-Xray-Relay", "1"), 200);
    assert_int_equal(with_headers(w, "POST", "Content-Type",
                                  "application/json; charset=utf-8"),
                     200);
    assert_int_equal(with_headers(w, "GET", "Origin", "http://evil.test"), 403);
    assert_int_equal(with_headers(w, "GET", "Origin", "null"), 403);
    assert_int_equal(with_headers(w, "GET", "Sec-Fetch-Site", "cross-site"),
                     403);
    assert_int_equal(with_headers(w, "GET", "Sec-Fetch-Site", "same-site"),
                     403);
    assert_int_equal(with_headers(w, "GET", "Sec-Fetch-Site", "same-origin"),
                     405);
    snprintf(own, sizeof(own), "http://127.0.0.1:%u", port);
    assert_int_equal(with_headers(w, "GET", "Origin", own), 405);
    log_set_level(LOG_LEVEL_INFO);
}

static void a_token_takes_the_place_of_the_host(void **state)
{
    struct world *w = *state;
    w->api->o.guard.token = "s3cret";
    assert_int_equal(with_headers(w, "GET", "Host", "evil.test"), 401);
    assert_int_equal(with_headers(w, "GET", "Authorization", "Bearer s3cret"),
                     405);
    assert_int_equal(with_headers(w, "GET", "Authorization", "Bearer s3cres"),
                     401);
    assert_int_equal(with_headers(w, "GET", "Authorization", "Bearer s3cre"),
                     401);
    assert_int_equal(
        with_headers(w, "GET", "Cookie", "a=b; xray_relay_token=s3cret; c=d"),
        405);
    assert_int_equal(with_headers(w, "GET", "Cookie", "xray_relay_token="),
                     401);
    assert_int_equal(with_headers(w, "GET", "Cookie", "xray_relay_tokens3cret"),
                     401);
    assert_true(guard_knows(&w->api->o.guard, SLICE("s3cret")));
    assert_false(guard_knows(&w->api->o.guard, SLICE("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(only_this_machine_and_this_page_may_ask),
        WITH_WORLD(a_token_takes_the_place_of_the_host),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
