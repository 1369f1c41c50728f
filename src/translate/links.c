/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The links block: other spans that a span names, in X-Ray's form of ids. A
 * link without valid ids would make X-Ray refuse the document; such links go
 * to the metadata. Knows no other block.
 */
#include "parts.h"

static void put_link(struct translator *t, const struct span_link *l);

void links_write(struct translator *t)
{
    bool consumer = t->span->kind == SPAN_CONSUMER;
    uint32_t written = 0;

    if ((t->role == ROLE_DEPENDENCY && consumer) ||
        (t->role == ROLE_SERVICE && !consumer) || t->span->n_links == 0)
        return;
    struct place before = place_now(t);
    put_name(t, SLICE("links"));
    jw_array(&t->jw);
    for (uint32_t i = 0; i < t->span->n_links && !t->documents.failed; i++) {
        if (!link_is_valid(&t->span->links[i]))
            continue;
        if (written++ < t->cuts.list_max)
            put_link(t, &t->span->links[i]);
        else
            t->cuts.made.cut_others++;
    }
    jw_array_end(&t->jw);
    if (written == 0)
        place_return(t, before);
}

bool link_is_valid(const struct span_link *l)
{
    static const uint8_t none[16];

    return memcmp(l->trace_id, none, 16) != 0 &&
           memcmp(l->span_id, none, 8) != 0;
}

static void put_link(struct translator *t, const struct span_link *l)
{
    char trace[36], id[17];

    trace_id_text(l->trace_id, trace);
    hex_encode(l->span_id, 8, id);
    jw_object(&t->jw);
    put_text(t, SLICE("trace_id"), slice_of(trace, 35));
    put_text(t, SLICE("id"), slice_of(id, 16));
    if (l->attributes.n > 0) {
        put_name(t, SLICE("attributes"));
        jw_object(&t->jw);
        for (uint32_t i = 0; i < l->attributes.n; i++)
            member_write(t, l->attributes.items[i].key,
                         &l->attributes.items[i].value);
        jw_object_end(&t->jw);
    }
    jw_object_end(&t->jw);
}
