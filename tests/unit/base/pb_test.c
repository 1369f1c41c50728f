/* SPDX-License-Identifier: Apache-2.0 */
/* base/pb.c */
#include "base/pb.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first */
#include <cmocka.h>

static void reads_each_type(void **state)
{
    static const struct slice message =
        SLICE("\x08\x96\x01" /* 1: 150 */
              "\x12\x03"
              "abc"                                          /* 2: bytes */
              "\x19\0\0\0\0\0\0\xF8\x3F"                     /* 3: 1.5 */
              "\x25\x01\x02\x03\x04"                         /* 4: fixed32 */
              "\x28\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01" /* 5: -1 */
              "\xFA\xFF\xFF\xFF\x0F\x00");                   /* 2^29-1: "" */
    struct pb r;
    struct pb_field f;

    (void)state;
    pb_init(&r, message);
    assert_int_equal(pb_next(&r, &f), 1);
    assert_true(f.number == 1 && f.type == PB_VARINT && f.u == 150);
    assert_int_equal(pb_next(&r, &f), 1);
    assert_true(f.number == 2 && f.type == PB_BYTES);
    assert_true(slice_is(f.bytes, "abc"));
    assert_int_equal(pb_next(&r, &f), 1);
    assert_true(f.number == 3 && f.type == PB_FIXED64);
    assert_true(pb_double(f.u) == 1.5);
    assert_int_equal(pb_next(&r, &f), 1);
    assert_true(f.number == 4 && f.type == PB_FIXED32 && f.u == 0x04030201);
    assert_int_equal(pb_next(&r, &f), 1);
    assert_true(f.number == 5 && f.u == UINT64_MAX);
    assert_int_equal(pb_next(&r, &f), 1);
    assert_true(f.number == (1 << 29) - 1 && f.bytes.n == 0);
    assert_int_equal(pb_next(&r, &f), 0);
    assert_int_equal(pb_offset(&r), message.n);
    pb_init(&r, slice_of(NULL, 0));
    assert_int_equal(pb_next(&r, &f), 0);
}

static void gives_groups_whole(void **state)
{
    struct pb r;
    struct pb_field f;

    (void)state;
    /* group 1 { 2: 5, group 3 { 4: "x" } } then 5: 7 */
    pb_init(&r, SLICE("\x0B\x10\x05\x1B\x22\x01x\x1C\x0C\x28\x07"));
    assert_int_equal(pb_next(&r, &f), 1);
    assert_true(f.number == 1 && f.type == PB_GROUP && f.bytes.n == 8);
    assert_int_equal(pb_next(&r, &f), 1);
    assert_true(f.number == 5 && f.u == 7);
    assert_int_equal(pb_next(&r, &f), 0);

    char deep[202];
    for (int depth = 100; depth <= 101; depth++) {
        memset(deep, 0x0B, (size_t)depth);
        memset(deep + depth, 0x0C, (size_t)depth);
        pb_init(&r, slice_of(deep, 2 * (size_t)depth));
        assert_int_equal(pb_next(&r, &f), depth == 100 ? 1 : -1);
    }
}

/* One field is one go, so a group has a ceiling; chains of them have none. */
static void refuses_long_groups(void **state)
{
    static char text[PB_GROUP_BYTES_MAX + 3];
    struct pb r;
    struct pb_field f;

    (void)state;
    for (size_t more = 0; more <= 2; more += 2) {
        size_t n = PB_GROUP_BYTES_MAX - 1 + more;
        text[0] = 0x0B;
        for (size_t i = 1; i + 1 < n; i += 2)
            memcpy(text + i, "\x10\x05", 2);
        text[n] = 0x0C;
        pb_init(&r, slice_of(text, n + 1));
        assert_int_equal(pb_next(&r, &f), more ? -1 : 1);
    }
    unsigned groups = 0;
    for (size_t i = 0; i + 1 < sizeof(text); i += 2)
        memcpy(text + i, "\x0B\x0C", 2);
    pb_init(&r, slice_of(text, sizeof(text) - 1));
    while (pb_next(&r, &f) == 1)
        groups++;
    assert_int_equal(groups, (sizeof(text) - 1) / 2);
}

static void drops_bits_above_the_64th(void **state)
{
    struct pb r;
    struct pb_field f;

    (void)state;
    pb_init(&r, SLICE("\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x21"));
    assert_int_equal(pb_next(&r, &f), 1);
    assert_true(f.u == UINT64_MAX);
    assert_int_equal(pb_next(&r, &f), 0);
}

static void refuses(void **state)
{
    static const struct slice bad[] = {
        SLICE("\x08"),     /* no value */
        SLICE("\x08\x80"), /* a varint cut off */
        SLICE("\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"),
        SLICE("\x12\x05"
              "abcd"), /* more than is left */
        SLICE("\x12\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01"),
        SLICE("\x19\0\0\0\0\0\0\0"),
        SLICE("\x25\0\0\0"),
        SLICE("\x00\x01"),                 /* number 0 */
        SLICE("\x80\x80\x80\x80\x10\x01"), /* number 2^29 */
        SLICE("\x0C"),                     /* ends a group that is not open */
        SLICE("\x0B\x08\x01"),             /* a group without its end */
        SLICE("\x0B\x14"),                 /* the end of another group */
        SLICE("\x0E\x01"),
        SLICE("\x0F\x01"), /* no such types */
        SLICE("\x80"),
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char text[32];
        struct pb r;
        struct pb_field f;
        /* Behind a good field, to see the offset. */
        memcpy(text, "\x08\x01", 2);
        memcpy(text + 2, bad[i].p, bad[i].n);
        pb_init(&r, slice_of(text, 2 + bad[i].n));
        assert_int_equal(pb_next(&r, &f), 1);
        if (pb_next(&r, &f) != -1)
            fail_msg("row %zu is taken", i);
        assert_int_equal(pb_offset(&r), 2);
        assert_int_equal(pb_next(&r, &f), -1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_each_type),
        cmocka_unit_test(gives_groups_whole),
        cmocka_unit_test(refuses_long_groups),
        cmocka_unit_test(drops_bits_above_the_64th),
        cmocka_unit_test(refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
