/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pull reader for the AWS shared configuration format. Pure; items are slices
 * of the text.
 */
#ifndef XR_AWS_INI_H
#define XR_AWS_INI_H

#include "xr/slice.h"

enum ini_kind {
    INI_SECTION, /* name: what stands in the brackets */
    INI_PAIR,    /* name = value */
    INI_BAD,     /* a line that is neither; readers go on */
};

struct ini {
    struct slice rest;
    unsigned line; /* of the item given last */
};

struct ini_item {
    enum ini_kind kind;
    struct slice name, value;
};

void ini_init(struct ini *i, struct slice text);
/* The next item; false at the end. Nested (indented) lines are passed over. */
bool ini_next(struct ini *i, struct ini_item *out);
/* The value of key in the section (both as written, key without case) whose
 * title is `kind name`, or plain `name` when kind is NULL. Quotes around the
 * name are allowed. The last one counts, as it does in the SDKs. */
bool ini_find(struct slice text, const char *kind, struct slice name,
              const char *key, struct slice *value);
/* Whether there is such a section. */
bool ini_has(struct slice text, const char *kind, struct slice name);
/* Whether an item is the title of that section. */
bool ini_is_section(const struct ini_item *item, const char *kind,
                    struct slice name);

#endif
