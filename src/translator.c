/* SPDX-License-Identifier: Apache-2.0 */
/* What the configuration's options are to a translator, for the relay and for
 * `xray-relay translate`. */
#include <stdlib.h>

#include "relay.h"

static bool fill(struct translate_options *t, const struct options *o);
static void drop(struct translate_options *t);
static struct slice *slices_of(const struct text_list *list);
static struct process_step *steps_of(const struct options *o);
static struct value value_of(const struct processor_step *s);

struct translator *translator_from_options(const struct options *o,
                                           size_t limit)
{
    struct translate_options t = {.limit = limit};
    struct translator *made = fill(&t, o) ? translator_new(&t) : NULL;
    drop(&t);
    return made;
}

bool translator_use_options(struct translator *t, const struct options *o,
                            const struct translate_options *rest)
{
    struct translate_options all = *rest;
    bool good = fill(&all, o) && translator_set_options(t, &all);
    drop(&all);
    return good;
}

static bool fill(struct translate_options *t, const struct options *o)
{
    t->steps = steps_of(o);
    t->n_steps = o->n_processors;
    t->index_all = o->index_all;
    t->indexed = slices_of(&o->indexed);
    t->n_indexed = o->indexed.n;
    t->log_groups = slices_of(&o->log_groups);
    t->n_log_groups = o->log_groups.n;
    return t->steps != NULL && t->indexed != NULL && t->log_groups != NULL;
}

static void drop(struct translate_options *t)
{
    free((void *)t->steps);
    free((void *)t->indexed);
    free((void *)t->log_groups);
}

static struct process_step *steps_of(const struct options *o)
{
    struct process_step *steps = calloc(o->n_processors + 1, sizeof(*steps));
    for (size_t i = 0; steps && i < o->n_processors; i++) {
        const struct processor_step *s = &o->processors[i];
        steps[i] = (struct process_step){
            .action = (enum process_action)s->action,
            .resource = s->resource,
            .key = slice_str(s->key),
            .value = value_of(s),
            .keep = (uint64_t)(s->real / 100 * (double)(1ull << 56)),
        };
    }
    return steps;
}

static struct value value_of(const struct processor_step *s)
{
    switch (s->kind) {
    case PROCESSOR_TEXT:
        return (struct value){.kind = VALUE_STRING, .text = slice_str(s->text)};
    case PROCESSOR_INT:
        return (struct value){.kind = VALUE_INT, .i = s->number};
    case PROCESSOR_REAL:
        return (struct value){.kind = VALUE_DOUBLE, .d = s->real};
    case PROCESSOR_BOOL:
        return (struct value){.kind = VALUE_BOOL, .b = s->yes};
    default:
        return (struct value){.kind = VALUE_EMPTY};
    }
}

/* The texts of a list as slices. */
static struct slice *slices_of(const struct text_list *list)
{
    struct slice *slices = calloc(list->n + 1, sizeof(*slices));
    for (size_t i = 0; slices && i < list->n; i++)
        slices[i] = slice_str(list->items[i]);
    return slices;
}
