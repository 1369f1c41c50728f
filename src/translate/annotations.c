/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The annotations: attributes that X-Ray is to index, chosen by the options or
 * by the span itself, under keys of the characters X-Ray allows. What cannot
 * be an annotation (no scalar, or a second key that reads the same) is left to
 * the metadata. Knows no other block.
 */
#include "parts.h"

enum {
    INDEXED_BY_XRAY = 50, /* annotations of a trace */
    KEY_ROOM = 512,
};

static const char resource_prefix[] = "otel.resource.";

static bool is_wanted(struct translator *t, struct slice key, uint64_t hash,
                      enum fate fate);
static bool is_indexed(const struct translator *t, struct slice key,
                       uint64_t hash);
static bool glob_match(struct slice pattern, struct slice text);
static size_t clean_key(struct slice key, char out[KEY_ROOM]);
static bool put_annotation(struct translator *t, struct slice key,
                           const struct value *v);
static void put_kept(struct translator *t);
static struct slice prefixed(struct translator *t, struct slice key);

void annotations_read_list(struct translator *t)
{
    const struct value *v = span_value(t, KEY_XRAY_ANNOTATIONS);

    t->has_list = false;
    if (t->options.index_all || !v || v->kind != VALUE_ARRAY)
        return;
    if (!seen_begin(&t->listed, v->array.n))
        return;
    t->has_list = true;
    for (uint32_t i = 0; i < v->array.n; i++) {
        struct seen_entry *was;
        if (v->array.items[i].kind == VALUE_STRING)
            seen_add(&t->listed, key_hash(v->array.items[i].text), i, &was);
    }
}

void annotations_write(struct translator *t)
{
    const struct attributes *a = t->scan.attributes;
    const struct resource_view *r = &t->resource;
    bool any = t->options.index_all || t->options.n_indexed || t->has_list;

    t->n_annotations = 0;
    resource_annotate_none(&t->resource);
    if (!any || !seen_begin(&t->annotated, (size_t)a->n + r->n_all))
        return;
    struct place before = place_now(t);
    put_name(t, SLICE("annotations"));
    jw_object(&t->jw);
    if (t->stores_resource && r->is_kept && !t->has_list && !t->cuts.on)
        put_kept(t);
    else if (t->stores_resource)
        resource_members_write(t, true);
    for (uint32_t i = 0; i < a->n && !t->documents.failed; i++) {
        enum fate fate = (enum fate)t->scan.fate[i];
        if (fate != FATE_GONE &&
            is_wanted(t, a->items[i].key, t->scan.hash[i], fate) &&
            put_annotation(t, a->items[i].key, &a->items[i].value))
            t->scan.fate[i] = FATE_TAKEN;
    }
    jw_object_end(&t->jw);
    if (t->n_annotations == 0)
        place_return(t, before);
    if (t->n_annotations > INDEXED_BY_XRAY)
        t->cuts.made.over_annotated++;
}

void resource_members_write(struct translator *t, bool annotations)
{
    const struct resource_view *r = &t->resource;
    uint32_t written = 0;

    for (uint32_t i = 0; i < r->n_all && !t->documents.failed; i++) {
        const struct attribute *a = r->all[i];
        struct slice key = prefixed(t, a->key);
        if (annotations)
            r->annotated[i] = is_wanted(t, key, key_hash(key), FATE_LEFT) &&
                              put_annotation(t, key, &a->value);
        else if (r->annotated[i] || a->value.kind == VALUE_EMPTY)
            continue;
        else if (written++ < t->cuts.list_max)
            member_write(t, key, &a->value);
        else
            t->cuts.made.cut_others++;
    }
}

/* What a block took is an annotation only if the options name it. */
static bool is_wanted(struct translator *t, struct slice key, uint64_t hash,
                      enum fate fate)
{
    bool left = fate == FATE_LEFT || fate == FATE_SPACE;

    if (t->options.index_all && left)
        return true;
    if (t->options.n_indexed > 0 && is_indexed(t, key, hash))
        return true;
    return t->has_list && left && seen_find(&t->listed, hash);
}

static bool is_indexed(const struct translator *t, struct slice key,
                       uint64_t hash)
{
    const struct seen_entry *e = seen_find(&t->indexed_names, hash);

    if (e && slice_eq(t->options.indexed[e->index], key))
        return true;
    for (size_t i = 0; t->has_globs && i < t->options.n_indexed; i++) {
        if (glob_match(t->options.indexed[i], key))
            return true;
    }
    return false;
}

/* `*` stands for any text, `?` for one byte. */
static bool glob_match(struct slice pattern, struct slice text)
{
    size_t p = 0, i = 0, star = SIZE_MAX, from = 0;

    while (i < text.n) {
        if (p < pattern.n && pattern.p[p] == '*') {
            star = p++;
            from = i;
        } else if (p < pattern.n &&
                   (pattern.p[p] == '?' || pattern.p[p] == text.p[i])) {
            p++;
            i++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            i = ++from;
        } else {
            return false;
        }
    }
    while (p < pattern.n && pattern.p[p] == '*')
        p++;
    return p == pattern.n;
}

/* Each character that X-Ray does not allow in a key becomes one `_`. */
static size_t clean_key(struct slice key, char out[KEY_ROOM])
{
    size_t n = 0;

    for (size_t i = 0; i < key.n && n < KEY_ROOM;) {
        char c = key.p[i];
        bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                    (c >= '0' && c <= '9') || c == '.';
        uint32_t point;
        size_t bytes = good ? 1 : utf8_decode(key.p + i, key.n - i, &point);
        out[n++] = good ? c : '_';
        i += bytes ? bytes : 1;
    }
    return n;
}

/* False if the value or the key cannot be one. */
static bool put_annotation(struct translator *t, struct slice key,
                           const struct value *v)
{
    char clean[KEY_ROOM];
    struct seen_entry *was;

    if (!value_is_scalar(v) || t->n_annotations >= t->cuts.list_max)
        return false;
    struct slice name = slice_of(clean, clean_key(key, clean));
    uint64_t hash = key_hash(name);
    if (!seen_add(&t->annotated, hash, 0, &was))
        return false;
    if (!t->resource.of) /* being derived */
        t->resource.annotation_keys[t->n_annotations] = hash;
    t->n_annotations++;
    put_key(t, name);
    if (v->kind != VALUE_STRING)
        value_write(t, v);
    else if (put_cut(t, v->text, t->cuts.text_max))
        t->cuts.made.cut_others++;
    return true;
}

static void put_kept(struct translator *t)
{
    const struct resource_view *r = &t->resource;
    struct seen_entry *was;

    if (r->n_annotations == 0)
        return;
    for (uint32_t i = 0; i < r->n_annotations; i++)
        seen_add(&t->annotated, r->annotation_keys[i], 0, &was);
    t->n_annotations = r->n_annotations;
    jw_raw(&t->jw, resource_piece(r, r->annotations));
}

static struct slice prefixed(struct translator *t, struct slice key)
{
    buf_clear(&t->connection);
    buf_str(&t->connection, resource_prefix);
    buf_append(&t->connection, key);
    return buf_slice(&t->connection);
}
