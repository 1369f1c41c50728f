/* SPDX-License-Identifier: Apache-2.0 */
/* base/stats.c */
#include "base/stats.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first */
#include <cmocka.h>
#include <stdio.h>

static void renders_families_together(void **state)
{
    struct stats *s = stats_new();
    struct buf b;

    (void)state;
    buf_init(&b, 10000);
    uint64_t *udp = stats_counter(s, "in_total", "input=\"udp\"", "Items in.");
    int64_t *queue = stats_gauge(s, "queue", "", "Items kept.");
    uint64_t *http =
        stats_counter(s, "in_total", "input=\"http\"", "Items in.");
    *udp += 3;
    *http += UINT64_MAX;
    *queue -= 5;
    stats_render(s, &b);
    assert_string_equal(buf_cstr(&b), "# HELP in_total Items in.\n"
                                      "# TYPE in_total counter\n"
                                      "in_total{input=\"udp\"} 3\n"
                                      "in_total{input=\"http\"} "
                                      "18446744073709551615\n"
                                      "# HELP queue Items kept.\n"
                                      "# TYPE queue gauge\n"
                                      "queue -5\n");
    buf_fini(&b);
    stats_free(s);
    stats_free(NULL);
}

static void the_same_name_is_the_same_place(void **state)
{
    struct stats *s = stats_new();
    char labels[] = "x=\"1\"";
    uint64_t *bare = stats_counter(s, "a_total", "", "A.");
    uint64_t *first = stats_counter(s, "a_total", labels, "A.");

    (void)state;
    assert_ptr_not_equal(first, bare);
    labels[3] = '2'; /* the text was copied */
    assert_ptr_not_equal(stats_counter(s, "a_total", labels, "A."), first);
    assert_ptr_equal(stats_counter(s, "a_total", "x=\"1\"", "A."), first);
    assert_ptr_equal(stats_counter(s, "a_total", "", "A."), bare);
    assert_ptr_not_equal(stats_counter(s, "b_total", "", "B."), bare);
    stats_free(s);
}

static void the_table_may_be_full(void **state)
{
    struct stats *s = stats_new();
    char labels[32];

    (void)state;
    log_set_level(LOG_LEVEL_ERROR + 1);
    for (int i = 0; i < STATS_MAX + 20; i++) {
        snprintf(labels, sizeof(labels), "n=\"%d\"", i);
        *stats_counter(s, "many_total", labels, "Many.") += 1;
    }
    assert_int_equal(s->used, STATS_MAX);
    assert_int_equal(s->rows[STATS_MAX - 1].value.counter, 1);
    stats_free(s);
}

static void count_call(void *arg)
{
    ++*(int64_t *)arg;
}

static void hooks_run_before_each_rendering(void **state)
{
    struct stats *s = stats_new();
    struct buf b;

    (void)state;
    buf_init(&b, 10000);
    stats_on_render(s, count_call, stats_gauge(s, "calls", "", "Calls."));
    stats_render(s, &b);
    buf_clear(&b);
    stats_render(s, &b);
    assert_non_null(strstr(buf_cstr(&b), "\ncalls 2\n"));
    buf_fini(&b);
    stats_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(renders_families_together),
        cmocka_unit_test(the_same_name_is_the_same_place),
        cmocka_unit_test(the_table_may_be_full),
        cmocka_unit_test(hooks_run_before_each_rendering),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
