/* SPDX-License-Identifier: Apache-2.0 */
/* A translator as the configuration wants it, for the relay and for
 * `xray-relay translate`. */
#include <stdlib.h>

#include "relay.h"

static struct slice *slices_of(const struct text_list *list);

struct translator *translator_from_options(const struct options *o,
                                           size_t limit)
{
    struct slice *indexed = slices_of(&o->indexed);
    struct slice *log_groups = slices_of(&o->log_groups);
    struct translate_options t = {
        .index_all = o->index_all,
        .indexed = indexed,
        .n_indexed = o->indexed.n,
        .log_groups = log_groups,
        .n_log_groups = o->log_groups.n,
        .limit = limit,
    };
    struct translator *made = indexed && log_groups ? translator_new(&t) : NULL;
    free(indexed);
    free(log_groups);
    return made;
}

/* The texts of a list as slices. */
static struct slice *slices_of(const struct text_list *list)
{
    struct slice *slices = calloc(list->n + 1, sizeof(*slices));
    for (size_t i = 0; slices && i < list->n; i++)
        slices[i] = slice_str(list->items[i]);
    return slices;
}
