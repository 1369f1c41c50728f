/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event loop over libevent 2.1, which waits for descriptors and signals.
 * Timers are the loop's own: a sorted list, since there are few, and one alarm
 * that is set anew only when it would come too late; libevent would make a
 * system call for it in every turn. A turn is: wait, descriptors, timers that
 * are due, and what was put off to this turn. The clock is read once a turn.
 * A loop that lacks memory cannot do its work: it says so and ends.
 */
#include "xr/loop.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(__linux__) && !defined(XR_PORTABLE)
#include <sys/timerfd.h>
#define ALARM_BY_TIMERFD 1
#endif

#include "xr/clock.h"
#include "xr/log.h"

#define STOOD_STILL_US 5000000 /* a timer that is as late */
#define LOOP_SIGNALS_MAX 8
#define NOTE_EVERY_US 1000
/* So long may a turn last before what can wait is put off. Slices of work that
 * have begun by then bring it to no more than 10 ms. */
#define LONG_US 4000

struct later {
    loop_fn fn;
    void *arg;
};

struct later_list {
    struct later *items;
    size_t n, cap;
};

struct on_signal {
    struct event *event;
    loop_fn fn;
    void *arg;
};

struct timer {
    struct timer *next, *prev;
    struct loop *loop;
    bool running;
    int64_t due_us;
    loop_fn fn;
    void *arg;
};

struct loop {
    struct event_base *base;
    bool stopped, in_turn;
    int64_t now_us; /* of this turn; 0: not read yet */
    int64_t noted_us, noted_cpu_us, longest_us; /* see note_turn */
    struct timer *timers;                       /* the next one first */
    struct event *alarm;
    int alarm_fd;     /* -1: the alarm is an event of libevent's */
    int64_t alarm_us; /* when it rings; INT64_MAX: not set */
    struct later_list later, running; /* swapped when their turn comes */
    struct on_signal signals[LOOP_SIGNALS_MAX];
    size_t n_signals;
};

struct watch {
    struct loop *loop;
    struct event *event;
    int fd;
    loop_fd_fn fn;
    void *arg;
};

static void turn(struct loop *l);
static void note_turn(struct loop *l);
static int64_t now_us(struct loop *l);
static bool make_alarm(struct loop *l);
static void set_alarm(struct loop *l);
static void on_alarm(evutil_socket_t fd, short what, void *arg);
static void fire_timers(struct loop *l);
static void run_later(struct loop *l, size_t n);
static void fire_watch(evutil_socket_t fd, short what, void *arg);
static void fire_signal(evutil_socket_t fd, short what, void *arg);
static void *must(void *p);

struct loop *loop_new(struct err *err)
{
    struct loop *l = must(calloc(1, sizeof(*l)));
    struct event_config *cfg = must(event_config_new());
    event_config_set_flag(cfg, EVENT_BASE_FLAG_NOLOCK);
#ifndef ALARM_BY_TIMERFD
    /* Or else the alarm is rounded up to the tick of a coarse clock. */
    event_config_set_flag(cfg, EVENT_BASE_FLAG_PRECISE_TIMER);
#endif
    l->base = event_base_new_with_config(cfg);
    event_config_free(cfg);
    if (!l->base || !make_alarm(l)) {
        err_set(err, "cannot make an event loop: is the limit of open files "
                     "(ulimit -n) exhausted?");
        if (l->base)
            event_base_free(l->base);
        free(l);
        return NULL;
    }
    return l;
}

void loop_free(struct loop *l)
{
    if (!l)
        return;
    for (size_t i = 0; i < l->n_signals; i++)
        event_free(l->signals[i].event);
    event_free(l->alarm);
    if (l->alarm_fd >= 0)
        close(l->alarm_fd);
    event_base_free(l->base);
    free(l->later.items);
    free(l->running.items);
    free(l);
}

void loop_run(struct loop *l)
{
    l->in_turn = true;
    l->noted_us = clock_mono_us();
    l->noted_cpu_us = clock_cpu_us();
    while (!l->stopped) {
        turn(l);
        note_turn(l);
    }
    l->in_turn = false;
    l->stopped = false;
}

static void turn(struct loop *l)
{
    int flags = EVLOOP_ONCE | EVLOOP_NO_EXIT_ON_EMPTY;
    size_t n = l->later.n;
    if (n > 0 || (l->timers && l->timers->due_us <= clock_mono_us()))
        flags |= EVLOOP_NONBLOCK;
    else if (l->timers && l->timers->due_us < l->alarm_us)
        set_alarm(l);
    l->now_us = 0;
    event_base_loop(l->base, flags);
    fire_timers(l);
    run_later(l, n);
}

/* Reading the CPU clock is a system call, so turns that are over within a
 * millisecond are taken together with those that follow. */
static void note_turn(struct loop *l)
{
    int64_t now = clock_mono_us();
    if (now - l->noted_us < NOTE_EVERY_US)
        return;
    int64_t cpu = clock_cpu_us(), took = cpu - l->noted_cpu_us;
    l->noted_us = now;
    l->noted_cpu_us = cpu;
    if (took > l->longest_us)
        l->longest_us = took;
}

int64_t loop_longest_turn_us(struct loop *l)
{
    int64_t us = l->longest_us;
    l->longest_us = 0;
    return us;
}

bool loop_turn_is_long(struct loop *l)
{
    return l->in_turn && clock_mono_us() - now_us(l) > LONG_US;
}

void loop_stop(struct loop *l)
{
    l->stopped = true;
}

int64_t loop_now_ms(struct loop *l)
{
    return now_us(l) / 1000;
}

static int64_t now_us(struct loop *l)
{
    if (!l->in_turn)
        return clock_mono_us();
    if (!l->now_us)
        l->now_us = clock_mono_us();
    return l->now_us;
}

struct timer *timer_new(struct loop *l, loop_fn fn, void *arg)
{
    struct timer *t = must(calloc(1, sizeof(*t)));
    t->loop = l;
    t->fn = fn;
    t->arg = arg;
    return t;
}

void timer_start(struct timer *t, int64_t ms)
{
    timer_start_us(t, ms * 1000);
}

/* Even at 0 it is due in the next turn, so that descriptors come between. */
void timer_start_us(struct timer *t, int64_t us)
{
    struct timer *before = NULL, *after = t->loop->timers;
    timer_stop(t);
    t->due_us = now_us(t->loop) + (us > 0 ? us : 1);
    for (after = t->loop->timers; after && after->due_us <= t->due_us;
         after = after->next)
        before = after;
    t->prev = before;
    t->next = after;
    *(before ? &before->next : &t->loop->timers) = t;
    if (after)
        after->prev = t;
    t->running = true;
}

void timer_stop(struct timer *t)
{
    if (!t->running)
        return;
    *(t->prev ? &t->prev->next : &t->loop->timers) = t->next;
    if (t->next)
        t->next->prev = t->prev;
    t->running = false;
}

bool timer_running(const struct timer *t)
{
    return t->running;
}

bool timer_stood_still(const struct timer *t)
{
    return now_us(t->loop) - t->due_us >= STOOD_STILL_US;
}

void timer_free(struct timer *t)
{
    if (!t)
        return;
    timer_stop(t);
    free(t);
}

static void fire_timers(struct loop *l)
{
    struct timer *t;
    if (!l->timers)
        return;
    int64_t now = now_us(l);
    while ((t = l->timers) && t->due_us <= now) {
        timer_stop(t);
        t->fn(t->arg);
    }
}

#ifdef ALARM_BY_TIMERFD
static bool make_alarm(struct loop *l)
{
    l->alarm_us = INT64_MAX;
    l->alarm_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (l->alarm_fd < 0)
        return false;
    l->alarm = must(
        event_new(l->base, l->alarm_fd, EV_READ | EV_PERSIST, on_alarm, l));
    return event_add(l->alarm, NULL) == 0;
}

static void set_alarm(struct loop *l)
{
    int64_t us = l->timers->due_us;
    struct itimerspec at = {
        .it_value = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000}};
    l->alarm_us = us;
    if (timerfd_settime(l->alarm_fd, TFD_TIMER_ABSTIME, &at, NULL) < 0)
        log_error("the event loop's timer cannot be set: %s", strerror(errno));
}
#else
static bool make_alarm(struct loop *l)
{
    l->alarm_us = INT64_MAX;
    l->alarm_fd = -1;
    l->alarm = must(evtimer_new(l->base, on_alarm, l));
    return true;
}

static void set_alarm(struct loop *l)
{
    int64_t us = l->timers->due_us, left = us - clock_mono_us();
    if (left < 0)
        left = 0;
    l->alarm_us = us;
    event_add(l->alarm, &(struct timeval){left / 1000000, left % 1000000});
}
#endif

/* Only ends the wait; what is due is seen after it. */
static void on_alarm(evutil_socket_t fd, short what, void *arg)
{
    struct loop *l = arg;
    (void)fd, (void)what;
    l->alarm_us = INT64_MAX;
}

struct watch *watch_new(struct loop *l, int fd, loop_fd_fn fn, void *arg)
{
    struct watch *w = must(calloc(1, sizeof(*w)));
    *w = (struct watch){.loop = l, .fd = fd, .fn = fn, .arg = arg};
    w->event =
        must(event_new(l->base, fd, EV_READ | EV_PERSIST, fire_watch, w));
    watch_set(w, true, false);
    return w;
}

void watch_set(struct watch *w, bool read, bool write)
{
    short what = (short)((read ? EV_READ : 0) | (write ? EV_WRITE : 0));
    short pending = (short)event_pending(w->event, EV_READ | EV_WRITE, NULL);
    if (pending == what)
        return;
    event_del(w->event);
    if (!what)
        return;
    event_assign(w->event, w->loop->base, w->fd, (short)(what | EV_PERSIST),
                 fire_watch, w);
    if (event_add(w->event, NULL) < 0)
        log_error("cannot watch descriptor %d: %s; raise the sysctl "
                  "fs.epoll.max_user_watches if it is used up",
                  w->fd, strerror(errno));
}

void watch_free(struct watch *w)
{
    if (!w)
        return;
    event_free(w->event);
    free(w);
}

static void fire_watch(evutil_socket_t fd, short what, void *arg)
{
    struct watch *w = arg;
    w->fn(w->arg, fd, what & EV_READ, what & EV_WRITE);
}

int loop_on_signal(struct loop *l, int signo, loop_fn fn, void *arg)
{
    if (!fn) {
        struct sigaction ignore = {.sa_handler = SIG_IGN};
        return sigaction(signo, &ignore, NULL);
    }
    if (l->n_signals == LOOP_SIGNALS_MAX)
        return -1;
    struct on_signal *s = &l->signals[l->n_signals];
    struct event *e = must(evsignal_new(l->base, signo, fire_signal, s));
    if (event_add(e, NULL) < 0) {
        event_free(e);
        return -1;
    }
    *s = (struct on_signal){.event = e, .fn = fn, .arg = arg};
    l->n_signals++;
    return 0;
}

static void fire_signal(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct on_signal *s = arg;
    s->fn(s->arg);
}

void loop_later(struct loop *l, loop_fn fn, void *arg)
{
    struct later_list *q = &l->later;
    if (q->n == q->cap) {
        q->cap = q->cap ? 2 * q->cap : 16;
        q->items = must(realloc(q->items, q->cap * sizeof(*q->items)));
    }
    q->items[q->n++] = (struct later){fn, arg};
}

/* The n first, put off in turns before; what these put off waits in turn. */
static void run_later(struct loop *l, size_t n)
{
    if (n == 0)
        return;
    struct later_list mine = l->later;
    l->later = l->running;
    l->running = (struct later_list){0};
    for (size_t i = n; i < mine.n; i++)
        loop_later(l, mine.items[i].fn, mine.items[i].arg);
    for (size_t i = 0; i < n; i++)
        mine.items[i].fn(mine.items[i].arg);
    mine.n = 0;
    l->running = mine;
}

static void *must(void *p)
{
    if (!p)
        log_fatal("out of memory in the event loop");
    return p;
}
