/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON of `rootcause.json = #[ ... ]` against a root cause's. */
#ifndef XR_LOCAL_FILTER_JSON_H
#define XR_LOCAL_FILTER_JSON_H

#include "filter_run.h"

/* Whether one of the wanted values (an array of them) fits: each member that
 * it names is there and fits, lists are as long and fit one by one, texts and
 * numbers are equal; null stands for nothing, or an empty text. Both must be
 * well formed. */
bool filter_json_any(struct filter_run *r, struct slice wanted,
                     struct slice have);

#endif
