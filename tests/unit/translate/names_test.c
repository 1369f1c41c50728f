/* SPDX-License-Identifier: Apache-2.0 */
/* Names: the characters and length that X-Ray takes, and the sources. */
#include "spans.h"
#include "translate/names.c"

static struct fixture f;

static void assert_clean(struct slice in, const char *want)
{
    char out[801];

    out[name_clean(in, out)] = '\0';
    assert_string_equal(out, want);
}

static void test_clean(void **state)
{
    (void)state;
    assert_clean(SLICE("a_b.c:d/e%f&g#h=i+j-k@l 0"),
                 "a_b.c:d/e%f&g#h=i+j-k@l 0");
    assert_clean(SLICE("GET /a?{b}\t\0<\x7f>"), "GET /ab");
    assert_clean(SLICE("Größe 処理 €"), "Größe 処理 ");
    assert_clean(SLICE("a\xC3-\xFF\xE2\x82"), "a-");
}

static void test_clean_cuts_at_characters(void **state)
{
    char in[3 * 250], out[801];

    (void)state;
    for (size_t i = 0; i < sizeof(in); i += 3)
        memcpy(in + i, "漢", 3);
    assert_int_equal(name_clean(slice_of(in, sizeof(in)), out), 600);
}

static void assert_host(const char *url, const char *host)
{
    struct slice h = url_host(slice_str(url));

    assert_int_equal(h.n, strlen(host));
    assert_memory_equal(h.p, host, h.n);
}

static void test_url_host(void **state)
{
    (void)state;
    assert_host("mysql://db.example:3306/x", "db.example");
    assert_host("jdbc:postgresql://u:p@pg:5432", "pg");
    assert_host("redis://[2001:db8::1]:6379", "2001:db8::1");
    assert_host("Server=tcp:x;Database=y", "");
    assert_host("mysql://h:port/x", "");
    assert_host("://h", "");
    assert_host("", "");
}

static void test_sources_in_order(void **state)
{
    static const struct {
        const char *key, *text, *name;
    } rows[] = {
        {"net.peer.name", "peer", "peer"}, {"http.host", "host", "host"},
        {"rpc.service", "rpc", "rpc"},     {"db.name", "db", "db"},
        {"aws.service", "s3", "s3"},       {"peer.service", "ps", "ps"},
        {"aws.remote.service", "r", "r"},
    };
    char want[64];

    (void)state;
    fixture_begin(&f, SPAN_CLIENT, true);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        add_text(&f, rows[i].key, rows[i].text);
        fixture_run(&f);
        snprintf(want, sizeof(want), "{\"name\":\"%s\"", rows[i].name);
        assert_has(&f, want);
    }
    fixture_end(&f);
}

static void test_unusable_name_falls_through(void **state)
{
    (void)state;
    fixture_begin(&f, SPAN_CLIENT, true);
    add_text(&f, "peer.service", "???");
    fixture_run(&f);
    assert_has(&f, "{\"name\":\"op\"");
    f.span.name = SLICE("???");
    fixture_run(&f);
    assert_has(&f, "{\"name\":\"span\"");
    fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clean),
        cmocka_unit_test(test_clean_cuts_at_characters),
        cmocka_unit_test(test_url_host),
        cmocka_unit_test(test_sources_in_order),
        cmocka_unit_test(test_unusable_name_falls_through),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
