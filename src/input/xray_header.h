/* SPDX-License-Identifier: Apache-2.0 */
/* The header line of an X-Ray datagram. */
#ifndef XR_INPUT_XRAY_HEADER_H
#define XR_INPUT_XRAY_HEADER_H

#include "xr/slice.h"

/* Whether the daemon takes it: one JSON object whose format is "json" in any
 * case and whose version is the integer 1, read as Go's encoding/json reads
 * into a struct. */
bool xray_header_ok(struct slice header);

#endif
