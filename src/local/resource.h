/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Groups and sampling rules: what users make by the API, kept in memory on
 * the loop, and as texts in the store.
 */
#ifndef XR_LOCAL_RESOURCE_H
#define XR_LOCAL_RESOURCE_H

#include "filter.h"
#include "xr/buf.h"
#include "xr/store.h"

#define DEFAULT_NAME "Default"
#define RESOURCE_NAME_MAX 32
#define RESOURCES_MAX 1000 /* groups; of rules there may be 25 */
#define RESOURCE_TEXT_MAX (256u << 10)

struct resource {
    struct resource *next;
    enum store_kind kind;
    char *name, *arn;
    char *body;       /* JSON object of its members */
    char *tags;       /* JSON list of {Key, Value} */
    char *expression; /* of a group */
    double created, modified;
};

struct resources;

struct resource_facts {
    enum store_kind kind;
    struct slice name, body, tags;
};

struct resources *resources_new(void);
void resources_free(struct resources *r);
/* What the store kept; a text that can't be read is passed over. */
void resources_load(struct resources *r, enum store_kind kind,
                    struct slice name, struct slice text);
/* By name or ARN; NULL if there is none. */
struct resource *resource_find(struct resources *r, enum store_kind kind,
                               struct slice name_or_arn);
/* In order of making. */
struct resource *resources_first(struct resources *r, enum store_kind kind);
struct resource *resources_next(const struct resource *x);
size_t resources_count(struct resources *r, enum store_kind kind);
/* Makes it, or gives it another body and tags (empty: as they are). NULL
 * without memory. */
struct resource *resource_put(struct resources *r,
                              const struct resource_facts *f, double now);
void resource_remove(struct resources *r, struct resource *x, double now);
/* The text for the store. */
void resource_print(const struct resource *x, struct buf *out);
/* The ARN that a name has. */
void resource_arn(enum store_kind kind, struct slice name, struct buf *out);
/* Whether it is the name or the ARN of Default. */
bool resource_is_default(enum store_kind kind, struct slice name_or_arn);
/* When a rule was last made, changed or removed; 0: never. */
double resources_rules_modified(const struct resources *r);
/* Expressions of groups, for filter_parse. */
struct filter_groups resources_groups(struct resources *r);

#endif
