/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of the place in which this process runs, as names and values
 * of OpenTelemetry resource attributes: what the operator states in
 * OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME, and what is found out from
 * Lambda's and EKS's environment, ECS task metadata and the EC2 identity
 * document. All values are texts.
 */
#ifndef XR_DETECT_H
#define XR_DETECT_H

#include "xr/arena.h"
#include "xr/client.h"
#include "xr/loop.h"
#include "xr/region.h"

#define FACTS_MAX 64

struct fact {
    struct slice name, value; /* value: in memory */
};

struct facts {
    struct fact items[FACTS_MAX];
    size_t n;
    struct arena memory;
};

struct detect;

/* Reads the environment. fn is called each time something more is found, never
 * before this returns. With ask, ECS is asked where its address is set: once a
 * minute until it answers or refuses. */
struct detect *detect_new(struct loop *l, struct client *c, bool ask,
                          loop_fn fn, void *arg);
void detect_free(struct detect *d); /* NULL is fine */
/* Adds what instance metadata told, which place_find alone asks, or the account
 * that Lambda told. */
void detect_add_place(struct detect *d, const struct place *p);
/* Good until the next call of fn. */
const struct facts *detect_stated(const struct detect *d);
const struct facts *detect_found(const struct detect *d);

#endif
