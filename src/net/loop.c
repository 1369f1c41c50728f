/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event loop over libevent 2.1. Time is read once a turn, at the first
 * question. Timers are exact to the microsecond (timerfd), since by default
 * libevent rounds up to the tick of a coarse clock. A loop that lacks memory
 * for a timer cannot do its work: it says so and ends the program.
 */
#include "xr/loop.h"

#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>

#include "xr/clock.h"
#include "xr/log.h"

#define LOOP_SIGNALS_MAX 8

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

struct loop {
    struct event_base *base;
    bool stopped;
    int64_t now_ms; /* 0: not read in this turn */
    struct event *later_event;
    struct later_list later, running; /* swapped when their turn comes */
    struct on_signal signals[LOOP_SIGNALS_MAX];
    size_t n_signals;
};

struct timer {
    struct event *event;
    loop_fn fn;
    void *arg;
};

struct watch {
    struct loop *loop;
    struct event *event;
    int fd;
    loop_fd_fn fn;
    void *arg;
};

static void run_later(evutil_socket_t fd, short what, void *arg);
static void fire_timer(evutil_socket_t fd, short what, void *arg);
static void fire_watch(evutil_socket_t fd, short what, void *arg);
static void fire_signal(evutil_socket_t fd, short what, void *arg);
static void *must(void *p);

struct loop *loop_new(struct err *err)
{
    struct loop *l = must(calloc(1, sizeof(*l)));
    struct event_config *cfg = must(event_config_new());
    event_config_set_flag(cfg, EVENT_BASE_FLAG_PRECISE_TIMER);
    event_config_set_flag(cfg, EVENT_BASE_FLAG_NOLOCK);
    l->base = event_base_new_with_config(cfg);
    event_config_free(cfg);
    if (!l->base) {
        err_set(err, "cannot make an event loop: is /proc/sys/fs/epoll or "
                     "the limit of open files (ulimit -n) exhausted?");
        free(l);
        return NULL;
    }
    l->later_event = must(evtimer_new(l->base, run_later, l));
    return l;
}

void loop_free(struct loop *l)
{
    if (!l)
        return;
    for (size_t i = 0; i < l->n_signals; i++)
        event_free(l->signals[i].event);
    event_free(l->later_event);
    event_base_free(l->base);
    free(l->later.items);
    free(l->running.items);
    free(l);
}

void loop_run(struct loop *l)
{
    while (!l->stopped) {
        l->now_ms = 0;
        event_base_loop(l->base, EVLOOP_ONCE | EVLOOP_NO_EXIT_ON_EMPTY);
    }
    l->stopped = false;
    l->now_ms = 0;
}

void loop_stop(struct loop *l)
{
    l->stopped = true;
}

int64_t loop_now_ms(struct loop *l)
{
    if (!l->now_ms)
        l->now_ms = clock_mono_ms();
    return l->now_ms;
}

struct timer *timer_new(struct loop *l, loop_fn fn, void *arg)
{
    struct timer *t = must(calloc(1, sizeof(*t)));
    t->event = must(evtimer_new(l->base, fire_timer, t));
    t->fn = fn;
    t->arg = arg;
    return t;
}

void timer_start(struct timer *t, int64_t ms)
{
    timer_start_us(t, ms * 1000);
}

void timer_start_us(struct timer *t, int64_t us)
{
    if (us < 0)
        us = 0;
    struct timeval tv = {.tv_sec = us / 1000000, .tv_usec = us % 1000000};
    if (event_add(t->event, &tv) < 0)
        must(NULL);
}

void timer_stop(struct timer *t)
{
    event_del(t->event);
}

bool timer_running(const struct timer *t)
{
    return evtimer_pending(t->event, NULL);
}

void timer_free(struct timer *t)
{
    if (!t)
        return;
    event_free(t->event);
    free(t);
}

static void fire_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct timer *t = arg;
    t->fn(t->arg);
}

struct watch *watch_new(struct loop *l, int fd, bool read, bool write,
                        loop_fd_fn fn, void *arg)
{
    struct watch *w = must(calloc(1, sizeof(*w)));
    *w = (struct watch){.loop = l, .fd = fd, .fn = fn, .arg = arg};
    w->event =
        must(event_new(l->base, fd, EV_READ | EV_PERSIST, fire_watch, w));
    watch_set(w, read, write);
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
        log_error("cannot watch descriptor %d (limit of epoll watches?)",
                  w->fd);
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
    if (!evtimer_pending(l->later_event, NULL))
        event_add(l->later_event, &(struct timeval){0, 0});
}

/* What is asked for while these run waits for the turn after. */
static void run_later(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct loop *l = arg;
    struct later_list mine = l->later;
    l->later = l->running;
    l->running = (struct later_list){0};
    for (size_t i = 0; i < mine.n; i++)
        mine.items[i].fn(mine.items[i].arg);
    mine.n = 0;
    l->running = mine;
}

void *loop_base(struct loop *l)
{
    return l->base;
}

static void *must(void *p)
{
    if (!p)
        log_fatal("out of memory in the event loop");
    return p;
}
