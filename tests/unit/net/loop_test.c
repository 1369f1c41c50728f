/* SPDX-License-Identifier: Apache-2.0 */
/* The loop: order within a turn, timers, descriptors, signals. */
#include "net/loop.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct seen {
    struct loop *loop;
    struct watch *watch;
    char order[16];
    size_t n;
    size_t stop_at;
};

static void note(struct seen *s, char c)
{
    s->order[s->n++] = c;
    if (s->n == s->stop_at)
        loop_stop(s->loop);
}

static void on_timer(void *arg)
{
    note(arg, 't');
}

static void on_later(void *arg)
{
    note(arg, 'l');
}

static void on_later_again(void *arg)
{
    struct seen *s = arg;
    note(s, 'a');
    loop_later(s->loop, on_later, s);
}

static void on_fd(void *arg, int fd, bool readable, bool writable)
{
    struct seen *s = arg;
    char c;
    if (writable) {
        watch_set(s->watch, true, false);
        note(s, 'w');
        return;
    }
    assert_true(readable);
    assert_int_equal(read(fd, &c, 1), 1);
    note(s, 'r');
}

static int set_up(void **state)
{
    static struct seen s;
    s = (struct seen){.loop = loop_new(NULL)};
    *state = &s;
    return s.loop ? 0 : -1;
}

static int tear_down(void **state)
{
    struct seen *s = *state;
    loop_free(s->loop);
    return 0;
}

static void later_runs_after_descriptors(void **state)
{
    struct seen *s = *state;
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(write(fds[1], "x", 1), 1);
    struct watch *w = watch_new(s->loop, fds[0], on_fd, s);
    loop_later(s->loop, on_later_again, s);
    s->stop_at = 3;
    loop_run(s->loop);
    assert_string_equal(s->order, "ral");
    watch_free(w);
    close(fds[0]);
    close(fds[1]);
}

static void watches_change_direction(void **state)
{
    struct seen *s = *state;
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    s->watch = watch_new(s->loop, fds[1], on_fd, s);
    watch_set(s->watch, false, true);
    struct timer *t = timer_new(s->loop, on_timer, s);
    timer_start(t, 5);
    s->stop_at = 2;
    loop_run(s->loop);
    assert_string_equal(s->order, "wt"); /* not writable again and again */
    watch_free(s->watch);
    timer_free(t);
    close(fds[0]);
    close(fds[1]);
}

static void timers_are_exact_and_restartable(void **state)
{
    struct seen *s = *state;
    struct timer *t = timer_new(s->loop, on_timer, s);
    assert_false(timer_running(t));
    timer_start(t, 60000);
    timer_start_us(t, 2500);
    assert_true(timer_running(t));
    s->stop_at = 1;
    int64_t start = clock_mono_us();
    loop_run(s->loop);
    assert_true(clock_mono_us() - start >= 2500);
    assert_false(timer_running(t));
    timer_start(t, 60000);
    timer_stop(t);
    assert_false(timer_running(t));
    timer_free(t);
    timer_free(NULL);
}

static void look_twice(void *arg)
{
    struct seen *s = arg;
    int64_t first = loop_now_ms(s->loop);
    while (clock_mono_ms() < first + 2)
        continue;
    assert_int_equal(loop_now_ms(s->loop), first);
    loop_stop(s->loop);
}

static void time_stands_still_within_a_turn(void **state)
{
    struct seen *s = *state;
    loop_later(s->loop, look_twice, s);
    loop_run(s->loop);
}

static void timers_fire_in_order(void **state)
{
    struct seen *s = *state;
    struct timer *late = timer_new(s->loop, on_timer, s);
    struct timer *soon = timer_new(s->loop, on_later, s);
    struct timer *never = timer_new(s->loop, on_later_again, s);
    timer_start(late, 4);
    timer_start(never, 2);
    timer_start(soon, 1);
    timer_stop(never);
    timer_stop(never);
    s->stop_at = 2;
    loop_run(s->loop);
    assert_string_equal(s->order, "lt");
    timer_free(late);
    timer_free(soon);
    timer_free(never);
}

static struct timer *again;

static void start_again(void *arg)
{
    note(arg, 'z');
    timer_start(again, 0);
}

/* A timer of 0 ms that starts itself again must not starve descriptors. */
static void a_turn_ends_before_a_new_timer_fires(void **state)
{
    struct seen *s = *state;
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(write(fds[1], "x", 1), 1);
    struct watch *w = watch_new(s->loop, fds[0], on_fd, s);
    again = timer_new(s->loop, start_again, s);
    timer_start(again, 0);
    s->stop_at = 4;
    loop_run(s->loop);
    assert_non_null(strchr(s->order, 'r'));
    watch_free(w);
    timer_free(again);
    close(fds[0]);
    close(fds[1]);
}

static void signals_come_on_the_loop(void **state)
{
    struct seen *s = *state;
    assert_int_equal(loop_on_signal(s->loop, SIGUSR2, NULL, NULL), 0);
    raise(SIGUSR2); /* ignored */
    assert_int_equal(loop_on_signal(s->loop, SIGUSR1, on_timer, s), 0);
    raise(SIGUSR1);
    s->stop_at = 1;
    loop_run(s->loop);
    assert_string_equal(s->order, "t");
}

static void a_stop_before_the_run_counts(void **state)
{
    struct seen *s = *state;
    loop_stop(s->loop);
    loop_run(s->loop); /* would hang otherwise */
    assert_int_equal(s->n, 0);
}

static void burn(void *arg)
{
    struct seen *s = arg;
    for (int64_t end = clock_cpu_us() + 5000; clock_cpu_us() < end;)
        ;
    loop_stop(s->loop);
}

static void the_longest_turn_is_told_once(void **state)
{
    struct seen *s = *state;
    loop_later(s->loop, burn, s);
    loop_run(s->loop);
    assert_true(loop_longest_turn_us(s->loop) >= 5000);
    assert_int_equal(loop_longest_turn_us(s->loop), 0);
}

int main(void)
{
    alarm(30);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(later_runs_after_descriptors, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(watches_change_direction, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(timers_are_exact_and_restartable,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(time_stands_still_within_a_turn, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(timers_fire_in_order, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_turn_ends_before_a_new_timer_fires,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(signals_come_on_the_loop, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_stop_before_the_run_counts, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_longest_turn_is_told_once, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
