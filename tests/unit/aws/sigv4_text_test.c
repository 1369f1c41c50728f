/* SPDX-License-Identifier: Apache-2.0 */
/* aws/sigv4_text.c */
#include "aws/sigv4_text.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first */
#include <cmocka.h>

typedef void (*write_fn)(struct slice s, struct buf *out);

static void gives(write_fn fn, const char *in, const char *want)
{
    struct buf b;

    buf_init(&b, 4096);
    fn(slice_str(in), &b);
    assert_false(b.failed);
    assert_string_equal(buf_cstr(&b), want);
    buf_fini(&b);
}

static void paths(void **state)
{
    static const char *const rows[][2] = {
        {"", "/"},
        {"/", "/"},
        {"//", "/"},
        {"/a//b/", "/a/b/"},
        {"/a/./b", "/a/b"},
        {"/a/..", "/"},
        {"/../../a", "/a"},
        {"/a/b/../c/", "/a/c/"},
        {"/a/.", "/a"},
        {"/a%20b", "/a%2520b"},
        {"/a b+~-._", "/a%20b%2B~-._"},
        {"/\xc3\xa4", "/%C3%A4"},
        {"/%2e%2e/a", "/%252e%252e/a"},
        {"//GetSamplingRules", "/GetSamplingRules"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        gives(sigv4_append_path, rows[i][0], rows[i][1]);
}

static void queries(void **state)
{
    static const char *const rows[][2] = {
        {"", ""},
        {"b=2&a=1", "a=1&b=2"},
        {"a=1&b=x%20y&b=2", "a=1&b=2&b=x%20y"},
        {"a=1;b=2&c=3", "a=1%3Bb%3D2&c=3"},
        {"a", "a="},
        {"a&&b", "a=&b="},
        {"=v", "=v"},
        {"a==", "a=%3D"},
        {"a=%2f%7e", "a=%2F~"},
        {"a=x+y", "a=x%20y"},
        {"a=%", "a=%25"},
        {"a=%4", "a=%254"},
        {"a=%zz", "a=%25zz"},
        {"a-b=1&a=2", "a=2&a-b=1"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        gives(sigv4_canonical_query, rows[i][0], rows[i][1]);
        gives(sigv4_canonical_query, rows[i][1], rows[i][1]);
    }
}

static void header_values(void **state)
{
    (void)state;
    gives(sigv4_append_folded, "  a   b \t c  ", "a b c");
    gives(sigv4_append_folded, "\"a   b\"", "\"a b\"");
    gives(sigv4_append_folded, " \t ", "");
}

static void overlong_query_fails_the_buffer(void **state)
{
    size_t n = QUERY_MAX + 1;
    char *p = malloc(n);
    struct buf out;

    (void)state;
    memset(p, '&', n);
    buf_init(&out, 64);
    sigv4_canonical_query(slice_of(p, n), &out);
    assert_true(out.failed);
    buf_fini(&out);
    free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths),
        cmocka_unit_test(queries),
        cmocka_unit_test(header_values),
        cmocka_unit_test(overlong_query_fails_the_buffer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
