/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the X-Ray service would refuse or leave out of a trace that is taken
 * here: a lint of ours, the service itself gives no such warning. Pure.
 */
#ifndef XR_LOCAL_WARNING_H
#define XR_LOCAL_WARNING_H

#include "trace.h"

/* More than so many of one trace are not told. */
#define WARNINGS_MAX 50

struct warning {
    size_t entity; /* index in trace.entities */
    char text[256];
};

/* Fills out[0..max) and gives how many there are (at most WARNINGS_MAX);
 * max 0: only counts. received: epoch seconds of the last document. */
size_t warning_find(const struct trace *t, double received, struct warning *out,
                    size_t max);

#endif
