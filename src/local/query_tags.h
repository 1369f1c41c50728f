/* SPDX-License-Identifier: Apache-2.0 */
/* Tags of groups and rules, and how those are saved. */
#ifndef XR_LOCAL_QUERY_TAGS_H
#define XR_LOCAL_QUERY_TAGS_H

#include "query_parts.h"

#define TAGS_MAX 50

/* The parameter Tags as a JSON list, "[]" if it is absent; -1 with c->err. */
int tags_read(struct call *c, struct buf *out);
void list_tags(struct call *c);
void tag_resource(struct call *c);
void untag_resource(struct call *c);
/* Hands the text to the store; the call is answered when it is kept. */
void resource_save(struct call *c, const struct resource *x);

#endif
