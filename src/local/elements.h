/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Picks values out of JSON text one by one, without a tree: the values of a
 * sequence or an array, the members of an object.
 */
#ifndef XR_LOCAL_ELEMENTS_H
#define XR_LOCAL_ELEMENTS_H

#include "xr/arena.h"

/* The next of several values, and moves behind it: they may stand one after
 * the other, or between the brackets of an array (*rest begins behind the
 * opening one, or at it). False at the end, or at `]`. A value is as long as
 * its brackets go; whether it is well formed is for its reader. */
bool elements_next(struct slice *rest, struct slice *value);
/* The value of a member: a text decoded, else as it stands; empty if there is
 * none, or if the object can't be read. */
struct slice elements_member(struct slice object, const char *key,
                             struct arena *a);
/* The same as a number, or `missing`. */
double elements_number(struct slice object, const char *key, double missing,
                       struct arena *a);

#endif
