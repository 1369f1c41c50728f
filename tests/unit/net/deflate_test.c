/* SPDX-License-Identifier: Apache-2.0 */
/* What is packed in steps is unpacked again by our own inflater. */
#include "net/deflate.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#define BODY 300000
#define STEP 1000

static char body[BODY];

static void pack(struct deflater *d, enum coding coding, size_t n,
                 struct buf *out)
{
    int rc = 1;
    assert_true(deflater_begin(d, coding, slice_of(body, n)));
    for (size_t steps = 0; rc > 0; steps++) {
        assert_true(steps <= n / STEP + 1);
        rc = deflater_step(d, STEP, out);
    }
    assert_int_equal(rc, 0);
}

static void check(enum coding coding, size_t n, const struct buf *packed)
{
    struct inflater *i = inflater_new();
    struct buf out;
    struct err err;
    int rc = 1;
    buf_init(&out, BODY + 1);
    assert_true(inflater_begin(i, coding, buf_slice(packed)));
    while (rc > 0)
        rc = inflater_step(i, BODY, &out, &err);
    assert_int_equal(rc, 0);
    assert_int_equal(out.n, n);
    assert_true(n == 0 || memcmp(out.p, body, n) == 0);
    buf_fini(&out);
    inflater_free(i);
}

static void packs_what_can_be_unpacked(void **state)
{
    static const size_t sizes[] = {0, 1, STEP - 1, STEP, STEP + 1, BODY};
    struct deflater *d = deflater_new();
    struct buf out;
    (void)state;
    for (size_t i = 0; i < BODY; i++) /* neither even nor repeating */
        body[i] = (char)(i * i >> 7 ^ i);
    buf_init(&out, 2 * BODY);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        for (int k = 0; k < 2; k++) { /* the coding changes each time */
            enum coding coding = k ? CODING_DEFLATE : CODING_GZIP;
            buf_clear(&out);
            pack(d, coding, sizes[i], &out);
            check(coding, sizes[i], &out);
        }
    }
    buf_fini(&out);
    deflater_free(d);
}

static void stops_at_the_ceiling(void **state)
{
    struct deflater *d = deflater_new();
    struct buf out;
    int rc = 1;
    (void)state;
    for (size_t i = 0; i < BODY; i++)
        body[i] = (char)(i * 2654435761u >> 13);
    buf_init(&out, 20000);
    assert_true(deflater_begin(d, CODING_GZIP, slice_of(body, BODY)));
    while (rc > 0)
        rc = deflater_step(d, BODY, &out);
    assert_int_equal(rc, -1);
    buf_fini(&out);
    deflater_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packs_what_can_be_unpacked),
        cmocka_unit_test(stops_at_the_ceiling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
