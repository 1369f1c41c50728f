/* SPDX-License-Identifier: Apache-2.0 */
/* Tags: ListTagsForResource, TagResource, UntagResource. */
#include "query_tags.h"

#define TAGS_TEXT_MAX (64u << 10)
#define KEY_MAX 128
#define VALUE_MAX 256

struct tag {
    struct slice key, value;
};

/* Of one request: more is no request of tags at all. */
#define TAGS_READ_MAX (3 * TAGS_MAX)

struct tags {
    struct tag list[TAGS_MAX + TAGS_READ_MAX];
    size_t n;
};

static int read_tags(struct call *c, const struct params *p, struct tags *out);
static int read_tag(struct call *c, struct slice object, struct tags *out);
static void tags_set(struct tags *t, struct tag tag);
static void write_tags(const struct tags *t, struct buf *out);
static bool is_default(struct slice arn);
static struct resource *find(struct call *c);
static int read_old(struct call *c, const struct resource *x, struct tags *out);
static void change(struct call *c, struct resource *x, const struct tags *t);

int tags_read(struct call *c, struct buf *out)
{
    struct tags t = {.n = 0};
    if (read_tags(c, &c->params, &t) < 0)
        return -1;
    write_tags(&t, out);
    return 0;
}

void resource_save(struct call *c, const struct resource *x)
{
    struct buf text;
    buf_init(&text, RESOURCE_TEXT_MAX);
    resource_print(x, &text);
    struct store_item item = {x->kind, slice_str(x->name), buf_slice(&text)};
    bool sent =
        !text.failed && store_keep(c->query->o.store, &item, call_kept, c);
    buf_fini(&text);
    if (!sent)
        call_busy(c);
}

/* Default's, group or rule, are none as long as nobody has changed it. */
void list_tags(struct call *c)
{
    struct slice arn = SLICE("");
    struct resource *x = NULL;
    if (params_text(&c->params, "ResourceARN", &arn, &c->err) < 0) {
        call_invalid(c);
        return;
    }
    if (!is_default(arn) && !(x = find(c)))
        return;
    if (!x)
        x = resource_find(c->query->o.resources, STORE_RULES, arn);
    jw_object(&c->j);
    jw_key(&c->j, SLICE("Tags"));
    jw_raw(&c->j, x ? slice_str(x->tags) : SLICE("[]"));
    jw_object_end(&c->j);
    call_reply(c);
}

static bool is_default(struct slice arn)
{
    return !slice_is(arn, DEFAULT_NAME) &&
           (resource_is_default(STORE_GROUPS, arn) ||
            resource_is_default(STORE_RULES, arn));
}

void tag_resource(struct call *c)
{
    struct tags t = {.n = 0};
    struct resource *x = find(c);
    if (!x)
        return;
    if (read_old(c, x, &t) < 0 || read_tags(c, &c->params, &t) < 0)
        call_invalid(c);
    else
        change(c, x, &t);
}

void untag_resource(struct call *c)
{
    struct tags t = {.n = 0};
    struct slice keys[TAGS_MAX];
    struct param_list list = {keys, TAGS_MAX, 0};
    struct resource *x = find(c);
    if (!x)
        return;
    if (read_old(c, x, &t) < 0 ||
        params_texts(&c->params, "TagKeys", &list, &c->err) < 0) {
        call_invalid(c);
        return;
    }
    for (size_t i = 0; i < list.n; i++)
        for (size_t k = 0; k < t.n; k++)
            if (slice_eq(t.list[k].key, keys[i])) {
                memmove(&t.list[k], &t.list[k + 1],
                        (t.n - k - 1) * sizeof(t.list[0]));
                t.n--;
                break;
            }
    change(c, x, &t);
}

static void change(struct call *c, struct resource *x, const struct tags *t)
{
    struct buf text;
    buf_init(&text, TAGS_TEXT_MAX);
    write_tags(t, &text);
    struct resource_facts f = {x->kind, slice_str(x->name), SLICE(""),
                               buf_slice(&text)};
    struct resource *changed =
        resource_put(c->query->o.resources, &f, x->modified);
    buf_fini(&text);
    buf_str(&c->out, "{}");
    if (changed)
        resource_save(c, changed);
    else
        call_busy(c);
}

/* The group or rule of ResourceARN; NULL: it has been answered. */
static struct resource *find(struct call *c)
{
    struct resources *r = c->query->o.resources;
    struct slice arn = SLICE("");
    if (params_text(&c->params, "ResourceARN", &arn, &c->err) < 0) {
        call_invalid(c);
        return NULL;
    }
    struct resource *x = resource_find(r, STORE_GROUPS, arn);
    if (!x)
        x = resource_find(r, STORE_RULES, arn);
    if (x && slice_is(arn, x->arn))
        return x;
    call_error(c, 404, "ResourceNotFoundException",
               "no group or sampling rule has this ARN");
    return NULL;
}

static int read_old(struct call *c, const struct resource *x, struct tags *out)
{
    struct params p = {.arena = &c->arena, .n = 1};
    p.members[0] = (struct param){SLICE("Tags"), slice_str(x->tags), JS_ARRAY};
    return read_tags(c, &p, out);
}

static int read_tags(struct call *c, const struct params *p, struct tags *out)
{
    struct slice objects[TAGS_READ_MAX];
    struct param_list list = {objects, TAGS_READ_MAX, 0};
    if (params_objects(p, "Tags", &list, &c->err) < 0)
        return -1;
    for (size_t i = 0; i < list.n; i++)
        if (read_tag(c, objects[i], out) < 0)
            return -1;
    if (out->n <= TAGS_MAX)
        return 0;
    c->error_type = "TooManyTagsException";
    return err_set(&c->err, "a resource has at most %d tags", TAGS_MAX);
}

static int read_tag(struct call *c, struct slice object, struct tags *out)
{
    struct params p;
    struct tag tag = {SLICE(""), SLICE("")};
    if (params_read(&p, object, &c->arena, &c->err) < 0 ||
        params_text(&p, "Key", &tag.key, &c->err) < 0 ||
        params_text(&p, "Value", &tag.value, &c->err) < 0)
        return -1;
    if (tag.key.n < 1 || tag.key.n > KEY_MAX || tag.value.n > VALUE_MAX)
        return err_set(&c->err,
                       "Tags: keys have 1 to %d characters, values "
                       "up to %d",
                       KEY_MAX, VALUE_MAX);
    tags_set(out, tag);
    return 0;
}

static void tags_set(struct tags *t, struct tag tag)
{
    size_t i = 0;
    while (i < t->n && !slice_eq(t->list[i].key, tag.key))
        i++;
    t->list[i] = tag;
    t->n += i == t->n;
}

static void write_tags(const struct tags *t, struct buf *out)
{
    struct jw j;
    jw_init(&j, out);
    jw_array(&j);
    for (size_t i = 0; i < t->n; i++) {
        jw_object(&j);
        member_text(&j, "Key", t->list[i].key);
        member_text(&j, "Value", t->list[i].value);
        jw_object_end(&j);
    }
    jw_array_end(&j);
}
