/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store's file, read where no local mode serves it: the same queries, from
 * a server in this process that asks for a token and ends with the command.
 */
#ifndef XR_CMD_OFFLINE_H
#define XR_CMD_OFFLINE_H

#include "xr/err.h"
#include "xr/loop.h"

struct offline;

/* Whether there is a file where it is kept if nothing is said. */
bool offline_is_there(void);
/* store: a file, "run" (the newest run's), or NULL, where it is kept if
 * nothing is said. NULL with the reason. */
struct offline *offline_open(struct loop *l, const char *store,
                             struct err *err);
const char *offline_address(const struct offline *o); /* "127.0.0.1:41234" */
const char *offline_token(const struct offline *o);
void offline_close(struct offline *o); /* NULL is fine */

#endif
