/* SPDX-License-Identifier: Apache-2.0 */
/* base/buf.c */
#include "base/buf.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first */
#include <cmocka.h>

static void appends(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 10000);
    assert_string_equal(buf_cstr(&b), "");
    buf_str(&b, "one");
    buf_byte(&b, ' ');
    buf_append(&b, SLICE("two"));
    buf_append(&b, slice_of(NULL, 0));
    buf_printf(&b, " %d", 3);
    assert_string_equal(buf_cstr(&b), "one two 3");
    assert_int_equal(b.n, 9);
    buf_printf(&b, "%0500d", 7); /* longer than buf_printf's own space */
    assert_int_equal(b.n, 509);
    assert_int_equal(b.p[508], '7');
    assert_false(b.failed);
    buf_fini(&b);
    assert_null(b.p);
    assert_int_equal(b.max, 10000);
}

static void stops_at_its_ceiling(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 300);
    for (int i = 0; i < 300; i++)
        buf_byte(&b, 'x');
    assert_false(b.failed);
    assert_int_equal(b.cap, 300);
    assert_string_equal(buf_cstr(&b), ""); /* no room for the NUL */
    assert_true(b.failed);
    buf_clear(&b);
    assert_false(b.failed);

    /* What fails once takes nothing more, so what is there is a prefix. */
    buf_printf(&b, "%0299d", 1);
    buf_str(&b, "ab");
    buf_str(&b, "c");
    assert_true(b.failed);
    assert_int_equal(b.n, 299);
    assert_null(buf_reserve(&b, 0));
    buf_clear(&b);
    assert_null(buf_reserve(&b, SIZE_MAX));
    buf_fini(&b);
}

static void reserves(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 4096);
    char *p = buf_reserve(&b, 1000);
    assert_non_null(p);
    memset(p, 'y', 1000);
    b.n += 1000;
    assert_int_equal(buf_slice(&b).n, 1000);
    size_t cap = b.cap;
    buf_clear(&b);
    assert_int_equal(b.cap, cap);
    buf_fini(&b);

    buf_init(&b, 0);
    buf_append(&b, slice_of("", 0));
    buf_byte(&b, 'x');
    assert_true(b.failed);
    assert_int_equal(b.n, 0);
    buf_fini(&b);
}

static void wipes(void **state)
{
    char memory[8] = "secret";
    struct buf b = {.p = memory, .n = 6, .cap = sizeof(memory), .max = 100};
    (void)state;
    overwrite(&b);
    for (size_t i = 0; i < sizeof(memory); i++)
        assert_int_equal(memory[i], 0);
    b = (struct buf){.max = 100};
    buf_str(&b, "again");
    buf_wipe(&b);
    assert_null(b.p);
    buf_wipe(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appends),
        cmocka_unit_test(stops_at_its_ceiling),
        cmocka_unit_test(reserves),
        cmocka_unit_test(wipes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
