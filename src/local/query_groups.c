/* SPDX-License-Identifier: Apache-2.0 */
/* Groups: named filters. `Default` is always there, has no filter and can't be
 * changed. */
#include "query_parts.h"
#include "query_tags.h"

#define BODY_MAX (64u << 10)

static void get_groups(struct call *c);
static void get_group(struct call *c);
static void create_group(struct call *c);
static void update_group(struct call *c);
static void delete_group(struct call *c);
static int check_new(struct call *c, struct slice *name);
static int read_name(struct call *c, struct slice *name);
static struct resource *find(struct call *c);
static int read_body(struct call *c, const struct resource *old,
                     struct buf *body);
static void write_answer(struct jw *j, const struct resource *x);
static void write_group(struct jw *j, const struct resource *x);
static void write_default(struct jw *j);
static void reply_group(struct call *c, const struct resource *x);

const struct operation operations_of_groups[] = {
    {"Groups", get_groups, false},        {"GetGroup", get_group, false},
    {"CreateGroup", create_group, false}, {"UpdateGroup", update_group, false},
    {"DeleteGroup", delete_group, false}, {0},
};

static void get_groups(struct call *c)
{
    jw_object(&c->j);
    jw_key(&c->j, SLICE("Groups"));
    jw_array(&c->j);
    write_default(&c->j);
    for (struct resource *x =
             resources_first(c->query->o.resources, STORE_GROUPS);
         x; x = resources_next(x))
        write_group(&c->j, x);
    jw_array_end(&c->j);
    jw_object_end(&c->j);
    call_reply(c);
}

static void get_group(struct call *c)
{
    struct slice name = SLICE("");
    if (read_name(c, &name) < 0) {
        call_invalid(c);
        return;
    }
    bool is_default = resource_is_default(STORE_GROUPS, name);
    struct resource *x = is_default ? NULL : find(c);
    if (!is_default && !x) {
        call_invalid(c);
        return;
    }
    write_answer(&c->j, x);
    call_reply(c);
}

static void create_group(struct call *c)
{
    struct slice name = SLICE("");
    struct buf body, tags;
    struct resource *x = NULL;
    buf_init(&body, BODY_MAX);
    buf_init(&tags, BODY_MAX);
    if (check_new(c, &name) == 0 && read_body(c, NULL, &body) == 0 &&
        tags_read(c, &tags) == 0) {
        struct resource_facts f = {STORE_GROUPS, name, buf_slice(&body),
                                   buf_slice(&tags)};
        x = resource_put(c->query->o.resources, &f, call_now());
    }
    buf_fini(&body);
    buf_fini(&tags);
    reply_group(c, x);
}

static int check_new(struct call *c, struct slice *name)
{
    struct resources *r = c->query->o.resources;
    if (params_text(&c->params, "GroupName", name, &c->err) < 0)
        return -1;
    if (name->n < 1 || name->n > RESOURCE_NAME_MAX)
        return err_set(&c->err, "GroupName: 1 to %d characters are needed",
                       RESOURCE_NAME_MAX);
    if (slice_is(*name, DEFAULT_NAME) || resource_find(r, STORE_GROUPS, *name))
        return err_set(&c->err, "there is a group of this name already");
    if (resources_count(r, STORE_GROUPS) >= RESOURCES_MAX)
        return err_set(&c->err, "there are too many groups");
    return 0;
}

static void update_group(struct call *c)
{
    struct resource *x = find(c), *changed = NULL;
    struct buf body;
    buf_init(&body, BODY_MAX);
    if (x && read_body(c, x, &body) == 0) {
        struct resource_facts f = {STORE_GROUPS, slice_str(x->name),
                                   buf_slice(&body), SLICE("")};
        changed = resource_put(c->query->o.resources, &f, call_now());
    }
    buf_fini(&body);
    reply_group(c, changed);
}

static void delete_group(struct call *c)
{
    struct resource *x = find(c);
    if (!x) {
        call_invalid(c);
        return;
    }
    char *name = arena_dup(&c->arena, slice_str(x->name));
    resource_remove(c->query->o.resources, x, call_now());
    buf_str(&c->out, "{}");
    if (!name || !store_forget(c->query->o.store, STORE_GROUPS, slice_str(name),
                               call_kept, c))
        call_busy(c);
}

static int read_name(struct call *c, struct slice *name)
{
    if (params_text(&c->params, "GroupARN", name, &c->err) < 0 ||
        params_text(&c->params, "GroupName", name, &c->err) < 0)
        return -1;
    if (name->n == 0)
        return err_set(&c->err, "GroupName or GroupARN is required");
    return 0;
}

/* The group that the call names; NULL with c->err. */
static struct resource *find(struct call *c)
{
    struct slice name = SLICE("");
    if (read_name(c, &name) < 0)
        return NULL;
    struct resource *x =
        resource_find(c->query->o.resources, STORE_GROUPS, name);
    if (!x)
        err_set(&c->err, "there is no group %.*s%s",
                (int)(name.n < 128 ? name.n : 128), name.p,
                slice_is(name, DEFAULT_NAME) ? " that can be changed" : "");
    return x;
}

/* Filter and insights, what is absent as it was. */
static int read_body(struct call *c, const struct resource *old,
                     struct buf *body)
{
    struct slice expression = old ? slice_str(old->expression) : SLICE("");
    struct slice insights = SLICE("");
    struct params before, inner;
    bool enabled = false, notify = false;
    struct jw j;
    if (old &&
        (params_read(&before, slice_str(old->body), &c->arena, &c->err) < 0 ||
         params_object(&before, "InsightsConfiguration", &insights, &c->err) <
             0))
        return -1;
    if (params_text(&c->params, "FilterExpression", &expression, &c->err) < 0 ||
        params_object(&c->params, "InsightsConfiguration", &insights, &c->err) <
            0 ||
        params_read(&inner, insights, &c->arena, &c->err) < 0 ||
        params_bool(&inner, "InsightsEnabled", &enabled, &c->err) < 0 ||
        params_bool(&inner, "NotificationsEnabled", &notify, &c->err) < 0 ||
        call_filter(c, expression) < 0)
        return -1;
    jw_init(&j, body);
    jw_object(&j);
    member_text(&j, "FilterExpression", expression);
    jw_key(&j, SLICE("InsightsConfiguration"));
    jw_object(&j);
    member_bool(&j, "InsightsEnabled", enabled);
    member_bool(&j, "NotificationsEnabled", notify);
    jw_object_end(&j);
    jw_object_end(&j);
    return body->failed ? err_set(&c->err, "the group is too large") : 0;
}

/* x NULL: the default group. */
static void write_answer(struct jw *j, const struct resource *x)
{
    jw_object(j);
    jw_key(j, SLICE("Group"));
    if (x)
        write_group(j, x);
    else
        write_default(j);
    jw_object_end(j);
}

/* A group's body holds the members but name and ARN: its text without the
 * first brace goes behind those. */
static void write_group(struct jw *j, const struct resource *x)
{
    jw_object(j);
    member_text(j, "GroupName", slice_str(x->name));
    member_text(j, "GroupARN", slice_str(x->arn));
    struct slice body = slice_str(x->body);
    jw_raw(j, slice_of(body.p + 1, body.n - 2));
    jw_object_end(j);
}

static void write_default(struct jw *j)
{
    struct buf arn;
    buf_init(&arn, 512);
    resource_arn(STORE_GROUPS, SLICE(DEFAULT_NAME), &arn);
    jw_object(j);
    member_text(j, "GroupName", SLICE(DEFAULT_NAME));
    member_text(j, "GroupARN", buf_slice(&arn));
    jw_key(j, SLICE("InsightsConfiguration"));
    jw_object(j);
    member_bool(j, "InsightsEnabled", false);
    member_bool(j, "NotificationsEnabled", false);
    jw_object_end(j);
    jw_object_end(j);
    buf_fini(&arn);
}

/* Writes it to the store, then answers; NULL: answers with c->err. */
static void reply_group(struct call *c, const struct resource *x)
{
    if (!x) {
        if (!c->err.text[0])
            err_set(&c->err, "out of memory");
        call_invalid(c);
        return;
    }
    write_answer(&c->j, x);
    resource_save(c, x);
}
