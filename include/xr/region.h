/* SPDX-License-Identifier: Apache-2.0 */
/* Region look-up and service endpoints per partition. */
#ifndef XR_REGION_H
#define XR_REGION_H

#include "xr/client.h"
#include "xr/err.h"
#include "xr/loop.h"

#define ENDPOINT_MAX 512

/* What is known about the place, without any network: flag, file,
 * environment, ECS metadata file, shared config file (local mode). Writes the
 * region and a static text that names the source; false if none. */
bool region_find_local(const char *configured, bool local_mode, char out[64],
                       const char **source);

struct place {
    char region[64];
    char instance_id[64], host_name[256];
    char account_id[16], zone[64], instance_type[64], image_id[64];
};
/* Asks IMDSv2 (not in local mode). What could not be had is empty; err (else
 * NULL) says why there is no region. */
typedef void (*place_fn)(void *arg, const struct place *place,
                         const struct err *err);
struct place_search;
/* The search is gone once fn was called, which is never before this returns. */
struct place_search *place_find(struct loop *l, struct client *c, place_fn fn,
                                void *arg);
void place_cancel(struct place_search *s); /* NULL is fine */

/* Base URL without a final slash for "xray", "sts" ...: override if given,
 * else AWS_ENDPOINT_URL_<SERVICE>, AWS_ENDPOINT_URL, else host by partition
 * with FIPS and dual-stack variables. -1: not a usable URL or region. */
int endpoint_resolve(const char *service, const char *region,
                     const char *override_url, char out[ENDPOINT_MAX],
                     struct err *err);

#endif
