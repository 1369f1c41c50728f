/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event loop: timers, descriptors, signals and work for the next turn. A
 * thin face over libevent, so that its names appear in net/ only. One loop a
 * process, one thread.
 */
#ifndef XR_LOOP_H
#define XR_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "xr/err.h"

struct loop;
struct timer;
struct watch;

typedef void (*loop_fn)(void *arg);
typedef void (*loop_fd_fn)(void *arg, int fd, bool readable, bool writable);

/* NULL with the reason. */
struct loop *loop_new(struct err *err);
/* Its timers and watches must be freed before. */
void loop_free(struct loop *l);
/* Runs until loop_stop. */
void loop_run(struct loop *l);
void loop_stop(struct loop *l);
/* Monotonic milliseconds, read once a turn. */
int64_t loop_now_ms(struct loop *l);
/* The present turn has lasted for some milliseconds: what can be put off to the
 * next one should be, so that others have their turn. */
bool loop_turn_is_long(struct loop *l);
/* CPU microseconds of the longest turn since this was last asked, at most
 * 1000 too many: how long one piece of work keeps all others waiting, whoever
 * else uses the CPU. */
int64_t loop_longest_turn_us(struct loop *l);

/* A one-shot timer, not yet running. */
struct timer *timer_new(struct loop *l, loop_fn fn, void *arg);
/* (Re)starts it; ms >= 0. */
void timer_start(struct timer *t, int64_t ms);
void timer_start_us(struct timer *t, int64_t us);
void timer_stop(struct timer *t);
bool timer_running(const struct timer *t);
/* Inside of its function: it came seconds too late, for this process stood
 * still, as a frozen sandbox does. That time is not its peers': they may well
 * be about to use their connections again. */
bool timer_stood_still(const struct timer *t);
void timer_free(struct timer *t); /* NULL is fine */

/* Watches a descriptor, which stays the caller's, for reading; watch_set
 * changes that. Level-triggered. */
struct watch *watch_new(struct loop *l, int fd, loop_fd_fn fn, void *arg);
void watch_set(struct watch *w, bool read, bool write);
void watch_free(struct watch *w); /* NULL is fine */

/* Runs fn on each arrival of the signal, on the loop. NULL: ignores it. */
int loop_on_signal(struct loop *l, int signo, loop_fn fn, void *arg);
/* Runs fn once, in the next turn, after descriptors had their turn. */
void loop_later(struct loop *l, loop_fn fn, void *arg);

#endif
