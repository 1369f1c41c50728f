/* SPDX-License-Identifier: Apache-2.0 */
/* The Date header (RFC 9110, the form that servers send). Pure. */
#ifndef XR_HTTP_DATE_H
#define XR_HTTP_DATE_H

#include <stdint.h>

#include "xr/slice.h"

/* "Tue, 15 Nov 1994 08:12:31 GMT" as epoch milliseconds. */
bool http_date_parse(struct slice s, int64_t *ms);

#endif
