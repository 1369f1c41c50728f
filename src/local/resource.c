/* SPDX-License-Identifier: Apache-2.0 */
/* Groups and sampling rules as a list; knows their names and texts, not what
 * they mean. */
#include "resource.h"

#include <stdio.h>
#include <stdlib.h>

#include "param.h"
#include "summary.h"

#define ARN_HEAD "arn:aws:xray:us-east-1:000000000000:"
#define TEXT_ARENA_MAX (1u << 20)

struct resources {
    struct resource *first;
    double rules_modified;
};

static struct resource *
resource_make(struct resources *r, const struct resource_facts *f, double now);
static void set_text(char **to, struct slice text);
static void set_expression(struct resource *x);
static void resource_free(struct resource *x);
static bool find_expression(void *arg, struct slice name_or_arn,
                            struct slice *expression);

struct resources *resources_new(void)
{
    return calloc(1, sizeof(struct resources));
}

void resources_free(struct resources *r)
{
    if (!r)
        return;
    while (r->first) {
        struct resource *next = r->first->next;
        resource_free(r->first);
        r->first = next;
    }
    free(r);
}

void resources_load(struct resources *r, enum store_kind kind,
                    struct slice name, struct slice text)
{
    struct arena a;
    struct params p;
    struct slice body = SLICE(""), tags = SLICE("[]");
    double created = 0, modified = 0;
    if (kind != STORE_GROUPS && kind != STORE_RULES)
        return;
    arena_init(&a, TEXT_ARENA_MAX);
    if (params_read(&p, text, &a, NULL) == 0 &&
        params_object(&p, "Body", &body, NULL) == 0 && body.n > 0 &&
        params_number(&p, "Created", &created, NULL) == 0 &&
        params_number(&p, "Modified", &modified, NULL) == 0) {
        const struct param *t = params_find(&p, "Tags");
        if (t && t->kind == JS_ARRAY)
            tags = t->value;
        struct resource_facts f = {kind, name, body, tags};
        struct resource *x = resource_put(r, &f, modified);
        if (x)
            x->created = created;
    }
    arena_fini(&a);
}

struct resource *resource_find(struct resources *r, enum store_kind kind,
                               struct slice name_or_arn)
{
    struct resource *x = resources_first(r, kind);
    while (x && !slice_is(name_or_arn, x->name) &&
           !slice_is(name_or_arn, x->arn))
        x = resources_next(x);
    return x;
}

struct resource *resources_first(struct resources *r, enum store_kind kind)
{
    struct resource *x = r->first;
    while (x && x->kind != kind)
        x = x->next;
    return x;
}

struct resource *resources_next(const struct resource *x)
{
    struct resource *n = x->next;
    while (n && n->kind != x->kind)
        n = n->next;
    return n;
}

size_t resources_count(struct resources *r, enum store_kind kind)
{
    size_t n = 0;
    for (struct resource *x = resources_first(r, kind); x;
         x = resources_next(x))
        n++;
    return n;
}

struct resource *resource_put(struct resources *r,
                              const struct resource_facts *f, double now)
{
    struct resource *x = resource_find(r, f->kind, f->name);
    if (!x && !(x = resource_make(r, f, now)))
        return NULL;
    x->modified = now;
    if (f->kind == STORE_RULES && now > r->rules_modified)
        r->rules_modified = now;
    if (f->body.n)
        set_text(&x->body, f->body);
    if (f->tags.n)
        set_text(&x->tags, f->tags);
    set_expression(x);
    return x;
}

static struct resource *
resource_make(struct resources *r, const struct resource_facts *f, double now)
{
    struct resource *x = calloc(1, sizeof(*x)), **at = &r->first;
    struct buf arn;
    if (!x)
        return NULL;
    buf_init(&arn, 512);
    resource_arn(f->kind, f->name, &arn);
    x->kind = f->kind;
    x->created = now;
    set_text(&x->name, f->name);
    set_text(&x->arn, buf_slice(&arn));
    set_text(&x->tags, SLICE("[]"));
    buf_fini(&arn);
    while (*at)
        at = &(*at)->next;
    *at = x;
    return x;
}

void resource_remove(struct resources *r, struct resource *x, double now)
{
    struct resource **at = &r->first;
    while (*at != x)
        at = &(*at)->next;
    *at = x->next;
    if (x->kind == STORE_RULES)
        r->rules_modified = now;
    resource_free(x);
}

void resource_print(const struct resource *x, struct buf *out)
{
    struct jw j;
    jw_init(&j, out);
    jw_object(&j);
    jw_key(&j, SLICE("Body"));
    jw_raw(&j, slice_str(x->body));
    jw_key(&j, SLICE("Tags"));
    jw_raw(&j, slice_str(x->tags));
    member_number(&j, "Created", x->created);
    member_number(&j, "Modified", x->modified);
    jw_object_end(&j);
}

void resource_arn(enum store_kind kind, struct slice name, struct buf *out)
{
    buf_str(out, ARN_HEAD);
    buf_str(out, kind == STORE_GROUPS ? "group/" : "sampling-rule/");
    buf_append(out, name);
    /* Groups of the service have an id behind the name. */
    if (kind == STORE_GROUPS)
        buf_str(out, slice_is(name, DEFAULT_NAME) ? "" : "/LOCAL");
}

bool resource_is_default(enum store_kind kind, struct slice name_or_arn)
{
    struct buf arn;
    buf_init(&arn, 512);
    resource_arn(kind, SLICE(DEFAULT_NAME), &arn);
    bool is = slice_is(name_or_arn, DEFAULT_NAME) ||
              slice_eq(name_or_arn, buf_slice(&arn));
    buf_fini(&arn);
    return is;
}

double resources_rules_modified(const struct resources *r)
{
    return r->rules_modified;
}

struct filter_groups resources_groups(struct resources *r)
{
    return (struct filter_groups){find_expression, r};
}

static bool find_expression(void *arg, struct slice name_or_arn,
                            struct slice *expression)
{
    struct resource *x = resource_find(arg, STORE_GROUPS, name_or_arn);
    bool all = resource_is_default(STORE_GROUPS, name_or_arn);
    *expression = slice_str(x && !all ? x->expression : "");
    return x || all;
}

/* Names and texts are small; without memory for them they are empty. */
static void set_text(char **to, struct slice text)
{
    char *fresh = strndup(text.p ? text.p : "", text.n);
    free(*to);
    *to = fresh ? fresh : calloc(1, 1);
}

static void set_expression(struct resource *x)
{
    struct arena a;
    struct params p;
    struct slice text = SLICE("");
    if (x->kind != STORE_GROUPS)
        return;
    arena_init(&a, TEXT_ARENA_MAX);
    if (params_read(&p, slice_str(x->body), &a, NULL) == 0)
        params_text(&p, "FilterExpression", &text, NULL);
    set_text(&x->expression, text);
    arena_fini(&a);
}

static void resource_free(struct resource *x)
{
    free(x->name);
    free(x->arn);
    free(x->body);
    free(x->tags);
    free(x->expression);
    free(x);
}
