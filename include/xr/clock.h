/* SPDX-License-Identifier: Apache-2.0 */
/* The clocks. Only the loop, the log and the wiring read them; pure
 * modules are handed the time. */
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
