/* SPDX-License-Identifier: Apache-2.0 */
/* The query API of X-Ray on TCP 2000. */
#ifndef XR_LOCAL_QUERY_H
#define XR_LOCAL_QUERY_H

#include "resource.h"
#include "xr/http1.h"
#include "xr/store.h"

struct query;

struct query_options {
    struct loop *loop;
    struct store *store;
    struct resources *resources; /* groups and rules */
    double default_rate;         /* of the sampling rule Default */
    /* Whether a request may be served; else it has been answered. sampler: one
     * of the calls that stay open. */
    bool (*guard)(void *arg, struct http1_request *r, bool sampler);
    /* A sampler has asked for rules, or for targets. May be NULL. */
    void (*polled)(void *arg, struct http1_request *r, bool targets,
                   struct slice client_id);
    void *arg;
};

struct query *query_new(const struct query_options *o);
/* A route for each operation, by the last part of the path. */
void query_routes(struct query *q, struct http1 *server);
void query_free(struct query *q); /* NULL is fine; the store is closed */

#endif
