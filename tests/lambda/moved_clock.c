/* SPDX-License-Identifier: Apache-2.0 */
/*
 * To be preloaded: clocks that a test moves on while the program is frozen, as
 * hours do in a real sandbox. The file MOVED_CLOCK holds two numbers of 64
 * bits: seconds for the wall clock and that of the time since boot, and for
 * the monotonic one.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

static int (*real)(clockid_t, struct timespec *);
static int (*real_settime)(int, int, const struct itimerspec *,
                           struct itimerspec *);
static const volatile int64_t *ahead;

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("MOVED_CLOCK");
    int fd = open(path ? path : "", O_RDONLY | O_CLOEXEC);
    void *p = mmap(NULL, 16, PROT_READ, MAP_SHARED, fd, 0);
    real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT,
                                                        "clock_gettime");
    real_settime =
        (int (*)(int, int, const struct itimerspec *,
                 struct itimerspec *))dlsym(RTLD_NEXT, "timerfd_settime");
    ahead = p == MAP_FAILED ? NULL : p;
    close(fd);
}

int clock_gettime(clockid_t clock, struct timespec *out)
{
    int rc = real(clock, out);
    if (ahead == NULL || rc != 0)
        return rc;
    if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE ||
        clock == CLOCK_BOOTTIME)
        out->tv_sec += ahead[0];
    else if (clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_COARSE)
        out->tv_sec += ahead[1];
    return 0;
}

int gettimeofday(struct timeval *out, void *zone)
{
    struct timespec t;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &t);
    *out = (struct timeval){.tv_sec = t.tv_sec, .tv_usec = t.tv_nsec / 1000};
    return 0;
}

time_t time(time_t *out)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    if (out != NULL)
        *out = t.tv_sec;
    return t.tv_sec;
}

/* The kernel's clock did not move. */
int timerfd_settime(int fd, int flags, const struct itimerspec *at,
                    struct itimerspec *old)
{
    struct itimerspec moved = *at;
    if (flags & TFD_TIMER_ABSTIME && ahead != NULL && at->it_value.tv_sec != 0)
        moved.it_value.tv_sec -= ahead[1];
    return real_settime(fd, flags, &moved, old);
}
