/* SPDX-License-Identifier: Apache-2.0 */
/* base/arena.c */
#include "base/arena.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first */
#include <cmocka.h>

static void gives_aligned_places_that_do_not_overlap(void **state)
{
    struct arena a;
    unsigned char *p[200];

    (void)state;
    arena_init(&a, 1 << 20);
    for (size_t i = 0; i < 200; i++) {
        size_t n = i * 7;
        p[i] = arena_alloc(&a, n);
        assert_non_null(p[i]);
        assert_int_equal((uintptr_t)p[i] % 16, 0);
        memset(p[i], (int)i, n);
    }
    for (size_t i = 0; i < 200; i++) {
        for (size_t k = 0; k < i * 7; k++)
            assert_int_equal(p[i][k], i);
    }
    assert_true(a.first != a.current);
    arena_fini(&a);
    assert_int_equal(a.held, 0);
}

static void reset_keeps_the_first_block(void **state)
{
    struct arena a;

    (void)state;
    arena_init(&a, 1 << 20);
    void *first = arena_alloc(&a, 100);
    size_t held = a.held;
    assert_non_null(arena_alloc(&a, 500000));
    assert_true(a.held > held);
    arena_reset(&a);
    assert_int_equal(a.held, held);
    assert_ptr_equal(arena_alloc(&a, 100), first);
    arena_fini(&a);
    arena_reset(&a); /* of an empty one */
    arena_fini(&a);
}

static void stops_at_its_ceiling(void **state)
{
    struct arena a;
    size_t given = 0;

    (void)state;
    arena_init(&a, 100000);
    while (arena_alloc(&a, 1000)) {
        given += 1000;
        assert_true(a.held <= 100000);
    }
    assert_true(given > 80000);
    assert_null(arena_alloc(&a, 100000));
    assert_null(arena_alloc(&a, SIZE_MAX));
    assert_null(arena_alloc(&a, SIZE_MAX - 20));
    arena_reset(&a);
    assert_non_null(arena_alloc(&a, 80000));
    arena_fini(&a);
}

static void copies_text(void **state)
{
    struct arena a;

    (void)state;
    arena_init(&a, 100000);
    assert_string_equal(arena_dup(&a, slice_of("abcdef", 3)), "abc");
    assert_string_equal(arena_dup(&a, slice_of(NULL, 0)), "");
    arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_aligned_places_that_do_not_overlap),
        cmocka_unit_test(reset_keeps_the_first_block),
        cmocka_unit_test(stops_at_its_ceiling),
        cmocka_unit_test(copies_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
