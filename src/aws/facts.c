/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resource attributes of our own place, read from texts that others wrote:
 * the environment, ECS metadata, the EC2 identity document. Pure; sizes were
 * bounded by who read the answer.
 */
#include "facts.h"

#include <jansson.h>
#include <stdio.h>

#define MEMORY_MAX ((size_t)64 << 10)
#define VALUE_MAX 1024

/* Colon fields of arn:aws:ecs:REGION:ACCOUNT:task/... */
enum { ARN_SERVICE = 2, ARN_REGION, ARN_ACCOUNT };

static bool usable(struct slice value);
static bool put(struct facts *f, struct slice name, struct slice value);
static struct fact *find(struct facts *f, struct slice name);
static bool read_pair(struct facts *f, struct slice pair, struct err *err);
static bool decode(struct facts *f, struct slice text, struct slice *out);
static int hex_digit(char c);
static struct slice trim(struct slice s);
static struct slice take_until(struct slice *rest, char end);
static struct slice arn_field(struct slice arn, unsigned at);
static void add_cluster(struct facts *f, struct slice name, struct slice task);
static void add_launch_type(struct facts *f, struct slice type);
static void add_container(struct facts *f, const json_t *containers);
static struct slice member(const json_t *o, const char *name);

void facts_init(struct facts *f)
{
    f->n = 0;
    arena_init(&f->memory, MEMORY_MAX);
}

void facts_clear(struct facts *f)
{
    f->n = 0;
    arena_reset(&f->memory);
}

void facts_fini(struct facts *f)
{
    f->n = 0;
    arena_fini(&f->memory);
}

void facts_add(struct facts *f, const char *name, struct slice value)
{
    if (usable(value) && !find(f, slice_str(name)))
        (void)put(f, slice_str(name), value);
}

void facts_add_all(struct facts *f, const struct facts *from)
{
    for (size_t i = 0; i < from->n; i++)
        if (!find(f, from->items[i].name))
            (void)put(f, from->items[i].name, from->items[i].value);
}

bool facts_read_pairs(struct facts *f, struct slice text, struct err *err)
{
    facts_clear(f);
    while (text.n) {
        struct slice pair = trim(take_until(&text, ','));

        if (pair.n && !read_pair(f, pair, err)) {
            facts_clear(f);
            return false;
        }
    }
    return true;
}

void facts_set_service(struct facts *f, struct slice name)
{
    if (usable(name))
        (void)put(f, SLICE("service.name"), name);
}

/* The task's containers share all but their own names. Whose spans these are
 * is certain only where we are in the one container there is. */
bool facts_read_task(struct facts *f, struct slice body, struct err *err)
{
    json_error_t why;
    json_t *o = json_loadb(body.p ? body.p : "", body.n, 0, &why);
    struct slice task = member(o, "TaskARN");
    struct slice account = arn_field(task, ARN_ACCOUNT);
    bool good = account.n && usable(task) &&
                slice_is(arn_field(task, ARN_SERVICE), "ecs");

    facts_clear(f);
    if (good) {
        facts_add(f, "cloud.provider", SLICE("aws"));
        facts_add(f, "cloud.platform", SLICE("aws_ecs"));
        facts_add(f, "cloud.account.id", account);
        facts_add(f, "cloud.region", arn_field(task, ARN_REGION));
        facts_add(f, "cloud.availability_zone", member(o, "AvailabilityZone"));
        facts_add(f, "aws.ecs.task.arn", task);
        facts_add(f, "aws.ecs.task.family", member(o, "Family"));
        add_cluster(f, member(o, "Cluster"), task);
        add_launch_type(f, member(o, "LaunchType"));
        add_container(f, json_object_get(o, "Containers"));
    } else if (o) {
        err_set(err, "no usable TaskARN in it");
    } else {
        err_set(err, "not JSON (line %d, column %d)", why.line, why.column);
    }
    json_decref(o);
    return good;
}

void facts_read_place(struct facts *f, const struct place *p)
{
    facts_clear(f);
    facts_add(f, "cloud.provider", SLICE("aws"));
    facts_add(f, "cloud.platform", SLICE("aws_ec2"));
    facts_add(f, "cloud.account.id", slice_str(p->account_id));
    facts_add(f, "cloud.region", slice_str(p->region));
    facts_add(f, "cloud.availability_zone", slice_str(p->zone));
    facts_add(f, "host.id", slice_str(p->instance_id));
    facts_add(f, "host.type", slice_str(p->instance_type));
    facts_add(f, "host.image.id", slice_str(p->image_id));
}

static bool usable(struct slice value)
{
    for (size_t i = 0; i < value.n; i++)
        if ((unsigned char)value.p[i] < ' ' || value.p[i] == 0x7f)
            return false;
    return value.n > 0 && value.n <= VALUE_MAX;
}

/* In the place of one of that name. False without room. */
static bool put(struct facts *f, struct slice name, struct slice value)
{
    struct fact *at = find(f, name);
    char *own = arena_dup(&f->memory, value);

    if (!own || (!at && f->n == FACTS_MAX))
        return false;
    if (!at)
        at = &f->items[f->n++];
    *at = (struct fact){name, slice_of(own, value.n)};
    return true;
}

static struct fact *find(struct facts *f, struct slice name)
{
    for (size_t i = 0; i < f->n; i++)
        if (slice_eq(f->items[i].name, name))
            return &f->items[i];
    return NULL;
}

/* The value may be a secret by mistake, so it is not told. */
static bool read_pair(struct facts *f, struct slice pair, struct err *err)
{
    const char *sign = memchr(pair.p, '=', pair.n);
    struct slice value, key = trim(take_until(&pair, '=')), name;
    int shown = key.n < 100 ? (int)key.n : 100;

    value = trim(pair);
    if (!sign || key.n == 0)
        err_set(err, "not all of it is key=value");
    else if (!decode(f, key, &name) || !decode(f, value, &value))
        err_set(err, "at \"%.*s\": %% without two hexadecimal digits", shown,
                key.p);
    else if (!put(f, name, value))
        err_set(err, "at \"%.*s\": more than %d attributes or %zu bytes", shown,
                key.p, FACTS_MAX, MEMORY_MAX);
    else
        return true;
    return false;
}

/* Into memory of the facts; false on a fault. */
static bool decode(struct facts *f, struct slice text, struct slice *out)
{
    char *own = arena_alloc(&f->memory, text.n + 1);
    size_t n = 0;

    for (size_t i = 0; own && i < text.n; i++) {
        char c = text.p[i];
        int high = -1, low = -1;

        if (c == '%' && i + 2 < text.n) {
            high = hex_digit(text.p[i + 1]);
            low = hex_digit(text.p[i + 2]);
            i += 2;
        }
        if (c == '%' && (high < 0 || low < 0))
            return false;
        own[n++] = low < 0 ? c : (char)(high * 16 + low);
    }
    *out = own ? slice_of(own, n) : *out;
    return own != NULL;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static struct slice trim(struct slice s)
{
    while (s.n && (s.p[0] == ' ' || s.p[0] == '\t')) {
        s.p++;
        s.n--;
    }
    while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    return s;
}

/* What stands before the mark; all of it, if there is none. */
static struct slice take_until(struct slice *rest, char mark)
{
    const char *at = rest->n ? memchr(rest->p, mark, rest->n) : NULL;
    struct slice taken = *rest;
    size_t past;

    if (at)
        taken.n = (size_t)(at - rest->p);
    past = taken.n + (at != NULL);
    *rest = slice_of(past ? rest->p + past : rest->p, rest->n - past);
    return taken;
}

static struct slice arn_field(struct slice arn, unsigned at)
{
    struct slice field = take_until(&arn, ':');

    while (at--)
        field = take_until(&arn, ':');
    return field;
}

/* The platform gives an ARN or just a name. */
static void add_cluster(struct facts *f, struct slice cluster,
                        struct slice task)
{
    char arn[VALUE_MAX + 1];
    struct slice account = arn_field(task, ARN_ACCOUNT);
    int n;

    if (slice_starts(cluster, "arn:") || cluster.n == 0) {
        facts_add(f, "aws.ecs.cluster.arn", cluster);
        return;
    }
    n = snprintf(arn, sizeof arn, "%.*s:cluster/%.*s",
                 (int)(account.p + account.n - task.p), task.p,
                 (int)(cluster.n < VALUE_MAX ? cluster.n : VALUE_MAX),
                 cluster.p);
    if (n > 0 && (size_t)n < sizeof arn)
        facts_add(f, "aws.ecs.cluster.arn", slice_of(arn, (size_t)n));
}

/* The conventions want it in lower case. */
static void add_launch_type(struct facts *f, struct slice type)
{
    static const char *const types[] = {"ec2", "fargate", "external"};

    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (slice_is_nocase(type, types[i]))
            facts_add(f, "aws.ecs.launchtype", slice_str(types[i]));
}

static void add_container(struct facts *f, const json_t *containers)
{
    const json_t *only = NULL;
    size_t n = 0;

    for (size_t i = 0; i < json_array_size(containers); i++) {
        const json_t *c = json_array_get(containers, i);
        struct slice type = member(c, "Type");

        /* The others (CNI_PAUSE ...) are the platform's own. */
        if (type.n && !slice_is(type, "NORMAL"))
            continue;
        only = c;
        n++;
    }
    if (n != 1)
        return;
    facts_add(f, "aws.ecs.container.arn", member(only, "ContainerARN"));
    facts_add(f, "container.id", member(only, "DockerId"));
    facts_add(f, "container.name", member(only, "Name"));
}

static struct slice member(const json_t *o, const char *name)
{
    const json_t *v = json_object_get(o, name);

    return slice_of(json_string_value(v), json_string_length(v));
}
