/* SPDX-License-Identifier: Apache-2.0 */
/* Where a relay that runs on this machine is reached. */
#ifndef XR_CMD_REACH_H
#define XR_CMD_REACH_H

#include <stdbool.h>
#include <stddef.h>

struct err;

/* "http://HOST:PORTPATH" for the address that it listens on; one that means all
 * addresses becomes 127.0.0.1. False: err says why it is no address. */
bool reach_url(const char *address, const char *path, char *url, size_t size,
               struct err *err);

#endif
