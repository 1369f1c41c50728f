/* SPDX-License-Identifier: Apache-2.0 */
/* The clocks. What is pure is handed the time; what has a loop takes the
 * loop's, unless it needs the date or how long something takes. */
#ifndef XR_CLOCK_H
#define XR_CLOCK_H

#include <stdint.h>

/* Milliseconds since 1970 (may jump). */
int64_t clock_wall_ms(void);
/* Microseconds since an arbitrary start (never goes back). */
int64_t clock_mono_us(void);
/* Microseconds of CPU time that this thread has used. */
int64_t clock_cpu_us(void);
static inline int64_t clock_mono_ms(void)
{
    return clock_mono_us() / 1000;
}

#endif
