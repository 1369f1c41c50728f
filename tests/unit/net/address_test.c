/* SPDX-License-Identifier: Apache-2.0 */
/* Listening addresses: what Go's net.Listen takes, and its refusals. */
#include "net/address.c"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void expect(const char *text, const char *shown, bool dual)
{
    struct address a;
    struct err err = {0};
    char out[ADDRESS_TEXT_MAX];
    if (address_parse(text, SOCK_DGRAM, &a, &err) < 0)
        fail_msg("%s: %s", text, err.text);
    address_format((struct sockaddr *)&a.sa, out);
    assert_string_equal(out, shown);
    assert_int_equal(a.dual_stack, dual);
}

static void expect_error(const char *text, const char *part)
{
    struct address a;
    struct err err = {0};
    assert_int_equal(address_parse(text, SOCK_DGRAM, &a, &err), -1);
    if (!strstr(err.text, part))
        fail_msg("%s: got \"%s\", want \"%s\"", text, err.text, part);
}

static void takes_numbers_and_names(void **state)
{
    (void)state;
    expect("127.0.0.1:2000", "127.0.0.1:2000", false);
    expect("[::1]:2000", "[::1]:2000", false);
    expect("localhost:2000", "127.0.0.1:2000", false);
    expect("127.0.0.1:domain", "127.0.0.1:53", false);
    expect("127.0.0.1:", "127.0.0.1:0", false);
    expect("127.0.0.1:+80", "127.0.0.1:80", false);
}

static void widens_every_wildcard(void **state)
{
    (void)state;
    if (!have_dual_stack())
        skip();
    expect(":2000", "[::]:2000", true);
    expect("0.0.0.0:2000", "[::]:2000", true);
    expect("[::]:2000", "[::]:2000", true);
}

static void refuses_with_the_reason(void **state)
{
    (void)state;
    expect_error("127.0.0.1", "address 127.0.0.1: missing port in address");
    expect_error("[::1]", "missing port in address");
    expect_error("", "missing port in address");
    expect_error("127.0.0.1:99999", "address 99999: invalid port");
    expect_error("127.0.0.1:-1", "address -1: invalid port");
    expect_error("127.0.0.1:no-such-service", "invalid port");
    expect_error("::1:2000", "too many colons");
    expect_error("[::1:2000", "missing");
    expect_error("no.such.host.invalid:2000", "lookup no.such.host.invalid");
}

static void survives_long_text(void **state)
{
    (void)state;
    char text[2000];
    memset(text, 'a', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    expect_error(text, "missing port");
    text[1000] = ':';
    expect_error(text, "too long");
    text[1000] = 'a';
    text[10] = ':';
    expect_error(text, "invalid port");
}

static int bind_text(const char *text, int type, struct err *err)
{
    struct address a;
    assert_int_equal(address_parse(text, type, &a, err), 0);
    return address_bind(&a, type, err);
}

static void binds_both_families_on_a_wildcard(void **state)
{
    (void)state;
    if (!have_dual_stack())
        skip();
    struct err err = {0};
    int fd = bind_text(":0", SOCK_STREAM, &err);
    assert_true(fd >= 0);
    struct sockaddr_in6 here;
    socklen_t n = sizeof(here);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&here, &n), 0);
    struct sockaddr_in v4 = {.sin_family = AF_INET,
                             .sin_port = here.sin6_port,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int peer = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(peer, (struct sockaddr *)&v4, sizeof(v4)), 0);
    close(peer);
    close(fd);
}

static void names_what_stands_in_the_way(void **state)
{
    (void)state;
    struct err err = {0};
    int fd = bind_text("127.0.0.1:0", SOCK_DGRAM, &err);
    assert_true(fd >= 0);
    struct address a = {.len = sizeof(struct sockaddr_in)};
    socklen_t n = sizeof(a.sa);
    getsockname(fd, (struct sockaddr *)&a.sa, &n);
    assert_int_equal(address_bind(&a, SOCK_DGRAM, &err), -1);
    assert_non_null(strstr(err.text, "bind: address already in use; another"));
    close(fd);
    assert_int_equal(bind_text("203.0.113.9:2000", SOCK_DGRAM, &err), -1);
    assert_non_null(
        strstr(err.text, "listen udp 203.0.113.9:2000: bind: cannot assign"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_numbers_and_names),
        cmocka_unit_test(widens_every_wildcard),
        cmocka_unit_test(refuses_with_the_reason),
        cmocka_unit_test(survives_long_text),
        cmocka_unit_test(binds_both_families_on_a_wildcard),
        cmocka_unit_test(names_what_stands_in_the_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
