/* SPDX-License-Identifier: Apache-2.0 */
/* Files of stack frames below --source-root. */
#ifndef XR_LOCAL_SOURCE_H
#define XR_LOCAL_SOURCE_H

#include <limits.h>
#include <stdbool.h>

#include "xr/slice.h"

/* root: absolute, without links. The file of a frame's path, if there is one
 * below root. */
bool source_find(const char *root, struct slice path, char out[PATH_MAX]);

#endif
