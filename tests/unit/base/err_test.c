/* SPDX-License-Identifier: Apache-2.0 */
/* base/err.c and base/clock.c: too small for a file each. */
#include "base/clock.c"
#include "base/err.c"

#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first */
#include <cmocka.h>

static void sets_and_cuts(void **state)
{
    struct err err;

    (void)state;
    assert_int_equal(err_set(&err, "%s:%d: %s", "a.yaml", 3, "no"), -1);
    assert_string_equal(err.text, "a.yaml:3: no");
    assert_int_equal(err_set(NULL, "nobody asks"), -1);
    assert_int_equal(err_set(&err, "%0600d", 1), -1);
    assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
}

static void clocks_are_in_their_units(void **state)
{
    int64_t wall = clock_wall_ms(), mono = clock_mono_us();

    (void)state;
    assert_true(llabs(wall / 1000 - (int64_t)time(NULL)) <= 1);
    assert_true(clock_mono_us() >= mono);
    assert_true(llabs(clock_mono_ms() - mono / 1000) < 60 * 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sets_and_cuts),
        cmocka_unit_test(clocks_are_in_their_units),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
