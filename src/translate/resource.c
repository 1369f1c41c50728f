/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What documents take from the resource, derived once and kept while spans of
 * the same resource follow each other: the values that rules read, and the
 * members of blocks as written text. Attributes that the resource has not
 * come from the options. Knows no span.
 */
#include <stdlib.h>

#include "parts.h"

static bool gather(struct translator *t, const struct resource *r);
static void add(struct translator *t, const struct attribute *a);
static void add_missing(struct translator *t, const struct attributes *from);
static bool tells_place(const struct attributes *a);
static enum language language_of(struct slice text);
static void write_pieces(struct translator *t);
static size_t members_begin(struct translator *t);
static struct piece keep_members(struct translator *t, size_t from);
static void aws_piece(struct translator *t);
static void service_piece(struct translator *t);
static void annotation_piece(struct translator *t);
static void metadata_piece(struct translator *t);

bool resource_use(struct translator *t, const struct resource *r)
{
    struct resource_view *v = &t->resource;

    if (v->of == r)
        return true;
    resource_forget(t);
    if (!gather(t, r))
        return false;
    struct slice provider = resource_text(v, KEY_CLOUD_PROVIDER);
    v->other_cloud = provider.n > 0 && !slice_is(provider, "aws");
    v->service_name = value_text(t, v->known[KEY_SERVICE_NAME]);
    v->account_id = resource_text(v, KEY_CLOUD_ACCOUNT);
    v->origin = origin_of(v);
    v->language = language_of(resource_text(v, KEY_SDK_LANGUAGE));
    write_pieces(t);
    v->of = r;
    return true;
}

void resource_forget(struct translator *t)
{
    t->resource.of = NULL;
    t->resource.n_all = 0;
    buf_clear(&t->resource.text);
}

void resource_annotate_none(struct resource_view *r)
{
    if (r->n_all > 0)
        memset(r->annotated, 0, r->n_all * sizeof(*r->annotated));
}

/* The version stands for the service even if it is empty. */
void service_write(struct translator *t)
{
    const struct resource_view *v = &t->resource;
    enum key k =
        v->known[KEY_SERVICE_VERSION] ? KEY_SERVICE_VERSION : KEY_IMAGE_TAG;

    if (!v->known[k])
        return;
    put_name(t, SLICE("service"));
    jw_object(&t->jw);
    put_text(t, SLICE("version"), resource_text(v, k));
    jw_object_end(&t->jw);
}

/* Only texts: a resource's fields are all of that type in the conventions. */
struct slice resource_text(const struct resource_view *r, enum key k)
{
    const struct value *v = r->known[k];

    return v && v->kind == VALUE_STRING ? v->text : SLICE("");
}

static bool gather(struct translator *t, const struct resource *r)
{
    struct resource_view *v = &t->resource;
    size_t most =
        (size_t)r->attributes.n + t->options.defaults.n + t->options.place.n;

    if (most > v->room) {
        const struct attribute **all = reallocarray(v->all, most, sizeof(*all));
        if (!all)
            return false;
        v->all = all;
        uint64_t *keys = reallocarray(v->annotation_keys, most, sizeof(*keys));
        if (!keys)
            return false;
        v->annotation_keys = keys;
        bool *annotated = reallocarray(v->annotated, most, sizeof(*annotated));
        if (!annotated)
            return false;
        v->annotated = annotated;
        v->room = (uint32_t)most;
    }
    if (!seen_begin(&t->doubles, most))
        return false;
    memset(v->known, 0, sizeof(v->known));
    for (uint32_t i = 0; i < r->attributes.n; i++)
        add(t, &r->attributes.items[i]);
    add_missing(t, &t->options.defaults);
    if (!tells_place(&r->attributes))
        add_missing(t, &t->options.place);
    return true;
}

static void add_missing(struct translator *t, const struct attributes *from)
{
    for (uint32_t i = 0; i < from->n; i++) {
        if (!seen_find(&t->doubles, key_hash(from->items[i].key)))
            add(t, &from->items[i]);
    }
}

static bool tells_place(const struct attributes *a)
{
    for (uint32_t i = 0; i < a->n; i++) {
        if (slice_starts(a->items[i].key, "cloud."))
            return true;
    }
    return false;
}

/* A later attribute of the same key takes the place of the earlier. */
static void add(struct translator *t, const struct attribute *a)
{
    struct resource_view *v = &t->resource;
    uint64_t hash = key_hash(a->key);
    struct seen_entry *was;
    enum key k = keys_find(&t->keys, a->key, hash);

    if (k != KEY_NONE)
        v->known[k] = &a->value;
    if (seen_add(&t->doubles, hash, v->n_all, &was))
        v->all[v->n_all++] = a;
    else if (slice_eq(v->all[was->index]->key, a->key))
        v->all[was->index] = a;
    else
        v->all[v->n_all++] = a;
}

static enum language language_of(struct slice text)
{
    static const struct {
        const char *name;
        enum language language;
    } names[] = {
        {"java", LANGUAGE_JAVA},         {"php", LANGUAGE_JAVA},
        {"python", LANGUAGE_PYTHON},     {"javascript", LANGUAGE_JAVASCRIPT},
        {"nodejs", LANGUAGE_JAVASCRIPT}, {"webjs", LANGUAGE_JAVASCRIPT},
        {"dotnet", LANGUAGE_DOTNET},     {"go", LANGUAGE_GO},
        {"ruby", LANGUAGE_RUBY},         {"rust", LANGUAGE_RUST},
        {"cpp", LANGUAGE_CPP},
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (slice_is(text, names[i].name))
            return names[i].language;
    }
    return LANGUAGE_OTHER;
}

/* The pieces are written where documents are, then copied from there. */
static void write_pieces(struct translator *t)
{
    struct resource_view *v = &t->resource;

    v->is_kept = false;
    v->n_annotations = 0;
    t->start = 0;
    t->has_list = false;
    cuts_none(&t->cuts);
    buf_clear(&t->documents);
    aws_piece(t);
    service_piece(t);
    annotation_piece(t);
    metadata_piece(t);
    v->is_kept = !t->documents.failed && !v->text.failed;
}

static size_t members_begin(struct translator *t)
{
    jw_init(&t->jw, &t->documents);
    jw_object(&t->jw);
    return t->documents.n;
}

static struct piece keep_members(struct translator *t, size_t from)
{
    struct buf *text = &t->resource.text;
    struct piece p = {text->n, t->documents.n - from};

    buf_append(text, slice_of(t->documents.p + from, p.n));
    jw_object_end(&t->jw);
    return p;
}

static void aws_piece(struct translator *t)
{
    size_t from = members_begin(t);

    aws_resource_write(t);
    t->resource.aws = keep_members(t, from);
}

static void service_piece(struct translator *t)
{
    size_t from = members_begin(t);

    service_write(t);
    t->resource.service = keep_members(t, from);
}

static void annotation_piece(struct translator *t)
{
    size_t from = members_begin(t);

    t->n_annotations = 0;
    resource_annotate_none(&t->resource);
    if (seen_begin(&t->annotated, t->resource.n_all))
        resource_members_write(t, true);
    t->resource.n_annotations = t->n_annotations;
    t->resource.annotations = keep_members(t, from);
}

static void metadata_piece(struct translator *t)
{
    size_t from = members_begin(t);

    resource_members_write(t, false);
    t->resource.metadata = keep_members(t, from);
}
