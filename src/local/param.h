/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Members of a JSON object as they were sent: the parameters of an operation,
 * or a rule inside of them. Null members count as absent, unknown ones are
 * never asked for.
 */
#ifndef XR_LOCAL_PARAM_H
#define XR_LOCAL_PARAM_H

#include "xr/err.h"
#include "xr/json_scan.h"

#define PARAM_DEPTH_MAX 64
#define PARAM_MEMBERS_MAX 32

struct param {
    struct slice name, value; /* value: text decoded, else raw JSON */
    enum js_kind kind;
};

struct params {
    struct arena *arena;
    struct param members[PARAM_MEMBERS_MAX];
    size_t n;
};

/* Items of a list; room for `max` of them is the caller's. */
struct param_list {
    struct slice *items;
    size_t max, n;
};

/* Empty text is an empty object. -1: not a JSON object, or too large. */
int params_read(struct params *p, struct slice json, struct arena *a,
                struct err *err);
/* NULL if it is absent. */
const struct param *params_find(const struct params *p, const char *name);

/* The following: 0, also if it is absent (*out is left as it is); -1 when it
 * is of another kind. */
int params_text(const struct params *p, const char *name, struct slice *out,
                struct err *err);
int params_number(const struct params *p, const char *name, double *out,
                  struct err *err);
int params_bool(const struct params *p, const char *name, bool *out,
                struct err *err);
/* Epoch seconds, or ISO-8601 text. */
int params_time(const struct params *p, const char *name, double *out,
                struct err *err);
/* Texts of a list, at most out->max. */
int params_texts(const struct params *p, const char *name,
                 struct param_list *out, struct err *err);
/* Objects of a list, raw. */
int params_objects(const struct params *p, const char *name,
                   struct param_list *out, struct err *err);
int params_object(const struct params *p, const char *name, struct slice *out,
                  struct err *err);

#endif
