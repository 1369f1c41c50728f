/* SPDX-License-Identifier: Apache-2.0 */
/* A sampling rule: its members, their limits, its JSON. */
#ifndef XR_LOCAL_SAMPLING_H
#define XR_LOCAL_SAMPLING_H

#include "param.h"
#include "xr/json_out.h"

enum rule_text {
    RULE_RESOURCE_ARN,
    RULE_SERVICE_NAME,
    RULE_SERVICE_TYPE,
    RULE_HOST,
    RULE_HTTP_METHOD,
    RULE_URL_PATH,
    RULE_TEXTS,
};

struct rule {
    struct slice name;
    struct slice texts[RULE_TEXTS];
    double priority, fixed_rate, reservoir_size;
    struct slice attributes, boost; /* raw objects; boost may be empty */
};

/* All wildcards, priority 10000, a reservoir of one. */
void rule_default(struct rule *r, double rate);
/* Puts what the object holds over what is there and checks it. whole: all
 * that the service asks for must be in it. */
int rule_read(struct rule *r, struct slice object, bool whole, struct arena *a,
              struct err *err);
void rule_write(struct jw *j, struct slice name, const struct rule *r);
/* A count out of a request; what is none is 0. */
uint64_t rule_count(double v);

#endif
