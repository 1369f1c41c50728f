/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trace summaries. Every list is written, empty if need be: clients read
 * members without a check. Pure.
 */
#include "summary.h"

#include "root_cause.h"

/* Values of one list that are told; 1 kB for each and its nodes. */
#define ENTRIES_MAX 500

/* Lists of what segments say of where they ran. */
static const struct distinct {
    const char *list, *member;
    size_t offset;
} distinct[] = {
    {"ResourceARNs", "ARN", offsetof(struct trace_entity, resource_arn)},
    {"InstanceIds", "Id", offsetof(struct trace_entity, instance_id)},
    {"AvailabilityZones", "Name",
     offsetof(struct trace_entity, availability_zone)},
};

static void write_times(struct jw *j, const struct trace *t);
static void write_http(struct jw *j, const struct trace *t);
static void write_annotations(struct jw *j, const struct trace *t,
                              struct arena *a);
static void write_users(struct jw *j, const struct trace *t, struct arena *a);
static void write_service_ids(struct jw *j, const struct trace *t);
static void write_service_id(struct jw *j, const struct trace_node *n);
static void write_distinct(struct jw *j, const struct trace *t,
                           const struct distinct *d, struct arena *a);

/* A value with the nodes that it stands at. */
struct entry {
    struct entry *next; /* value of the same key */
    struct slice key;
    const struct trace_annotation *value; /* of annotations */
    struct slice text;                    /* of users, resources */
    bool *at;                             /* by node index */
};

struct entries {
    const struct trace *trace;
    struct arena *arena;
    struct entry **keys; /* a list for each key */
    size_t n, cap, values;
};

static bool entries_init(struct entries *x, const struct trace *t,
                         struct arena *a, size_t cap);
static void entries_add(struct entries *x, struct slice key,
                        const struct trace_annotation *value, struct slice text,
                        const struct trace_entity *e);
static bool same_value(const struct entry *x, const struct trace_annotation *v,
                       struct slice text);
static void write_nodes(struct jw *j, const struct entries *x,
                        const struct entry *at);
static void write_value(struct jw *j, const struct trace_annotation *v);

void summary_write(struct jw *j, const struct trace *t, double event_time,
                   struct arena *a)
{
    jw_object(j);
    member_text(j, "Id", t->id);
    write_times(j, t);
    member_bool(j, "HasFault", t->has_fault);
    member_bool(j, "HasError", t->has_error);
    member_bool(j, "HasThrottle", t->has_throttle);
    member_bool(j, "IsPartial", t->partial);
    write_http(j, t);
    write_annotations(j, t, a);
    write_users(j, t, a);
    write_service_ids(j, t);
    if (t->entry && t->entry->node) {
        jw_key(j, SLICE("EntryPoint"));
        write_service_id(j, t->entry->node);
    }
    for (size_t i = 0; i < sizeof(distinct) / sizeof(distinct[0]); i++)
        write_distinct(j, t, &distinct[i], a);
    root_causes_write(j, t, a);
    member_int(j, "Revision", (int64_t)t->revision);
    if (event_time > 0)
        member_number(j, "MatchedEventTime", event_time);
    jw_object_end(j);
}

static void write_times(struct jw *j, const struct trace *t)
{
    member_number(j, "StartTime", t->start);
    member_number(j, "Duration", t->duration);
    if (t->response_time >= 0)
        member_number(j, "ResponseTime", t->response_time);
}

static void write_http(struct jw *j, const struct trace *t)
{
    const struct trace_http *h = t->entry ? &t->entry->http : NULL;
    jw_key(j, SLICE("Http"));
    jw_object(j);
    if (h && h->url.n)
        member_text(j, "HttpURL", h->url);
    if (h && h->status)
        member_int(j, "HttpStatus", h->status);
    if (h && h->method.n)
        member_text(j, "HttpMethod", h->method);
    if (h && h->user_agent.n)
        member_text(j, "UserAgent", h->user_agent);
    if (h && h->client_ip.n)
        member_text(j, "ClientIp", h->client_ip);
    jw_object_end(j);
}

static void write_annotations(struct jw *j, const struct trace *t,
                              struct arena *a)
{
    struct entries x;
    jw_key(j, SLICE("Annotations"));
    jw_object(j);
    if (entries_init(&x, t, a, TRACE_ANNOTATION_KEYS_MAX)) {
        for (size_t i = 0; i < t->n_entities; i++)
            for (const struct trace_annotation *n = t->entities[i]->annotations;
                 n; n = n->next)
                entries_add(&x, n->key, n, SLICE(""), t->entities[i]);
        for (size_t i = 0; i < x.n; i++) {
            jw_key(j, x.keys[i]->key);
            jw_array(j);
            for (const struct entry *e = x.keys[i]; e; e = e->next) {
                jw_object(j);
                jw_key(j, SLICE("AnnotationValue"));
                write_value(j, e->value);
                write_nodes(j, &x, e);
                jw_object_end(j);
            }
            jw_array_end(j);
        }
    }
    jw_object_end(j);
}

static void write_value(struct jw *j, const struct trace_annotation *v)
{
    jw_object(j);
    if (v->kind == VALUE_STRING)
        member_text(j, "StringValue", v->text);
    else if (v->kind == VALUE_NUMBER)
        member_number(j, "NumberValue", v->number);
    else
        member_bool(j, "BooleanValue", v->boolean);
    jw_object_end(j);
}

static void write_users(struct jw *j, const struct trace *t, struct arena *a)
{
    struct entries x;
    jw_key(j, SLICE("Users"));
    jw_array(j);
    if (entries_init(&x, t, a, 1)) {
        for (size_t i = 0; i < t->n_entities; i++) {
            const struct trace_entity *e = t->entities[i];
            if (e->kind == TRACE_SEGMENT && e->user.n)
                entries_add(&x, SLICE(""), NULL, e->user, e);
        }
        for (const struct entry *e = x.n ? x.keys[0] : NULL; e; e = e->next) {
            jw_object(j);
            member_text(j, "UserName", e->text);
            write_nodes(j, &x, e);
            jw_object_end(j);
        }
    }
    jw_array_end(j);
}

static void write_service_ids(struct jw *j, const struct trace *t)
{
    jw_key(j, SLICE("ServiceIds"));
    jw_array(j);
    for (size_t i = 0; i < t->n_nodes; i++)
        write_service_id(j, &t->nodes[i]);
    jw_array_end(j);
}

/* The values of one member over all segments, each once. */
static void write_distinct(struct jw *j, const struct trace *t,
                           const struct distinct *d, struct arena *a)
{
    struct entries x;
    jw_key(j, slice_str(d->list));
    jw_array(j);
    if (entries_init(&x, t, a, 1)) {
        for (size_t i = 0; i < t->n_entities; i++) {
            const char *e = (const char *)t->entities[i];
            struct slice text = *(const struct slice *)(e + d->offset);
            if (t->entities[i]->kind == TRACE_SEGMENT && text.n)
                entries_add(&x, SLICE(""), NULL, text, t->entities[i]);
        }
        for (const struct entry *e = x.n ? x.keys[0] : NULL; e; e = e->next) {
            jw_object(j);
            member_text(j, d->member, e->text);
            jw_object_end(j);
        }
    }
    jw_array_end(j);
}

/* {Name, Names, AccountId, Type} of a node. */
static void write_service_id(struct jw *j, const struct trace_node *n)
{
    jw_object(j);
    member_names(j, n->name);
    if (n->account_id.n)
        member_text(j, "AccountId", n->account_id);
    if (n->type.n)
        member_text(j, "Type", n->type);
    jw_object_end(j);
}

/* cap: keys. Values of a key are looked through one by one, so those of a
 * hostile trace are cut at ENTRIES_MAX. */
static bool entries_init(struct entries *x, const struct trace *t,
                         struct arena *a, size_t cap)
{
    *x = (struct entries){.trace = t, .arena = a, .cap = cap};
    x->keys = arena_alloc(a, cap * sizeof(*x->keys));
    return x->keys != NULL;
}

static void entries_add(struct entries *x, struct slice key,
                        const struct trace_annotation *value, struct slice text,
                        const struct trace_entity *e)
{
    size_t i = 0, nodes = x->trace->n_nodes;
    while (i < x->n && !slice_eq(x->keys[i]->key, key))
        i++;
    if (i == x->cap)
        return;
    struct entry **at = &x->keys[i];
    if (i == x->n)
        *at = NULL;
    while (*at && !same_value(*at, value, text))
        at = &(*at)->next;
    if (!*at) {
        if (x->values == ENTRIES_MAX)
            return;
        struct entry *fresh = arena_alloc(x->arena, sizeof(*fresh));
        bool *set = arena_alloc(x->arena, nodes * sizeof(*set));
        if (!fresh || !set)
            return;
        memset(set, 0, nodes * sizeof(*set));
        *fresh = (struct entry){NULL, key, value, text, set};
        *at = fresh;
        x->values++;
        x->n += i == x->n;
    }
    if (e->node)
        (*at)->at[e->node->index] = true;
}

static bool same_value(const struct entry *x, const struct trace_annotation *v,
                       struct slice text)
{
    if (!v)
        return slice_eq(x->text, text);
    return x->value->kind == v->kind && x->value->boolean == v->boolean &&
           x->value->number == v->number && slice_eq(x->value->text, v->text);
}

static void write_nodes(struct jw *j, const struct entries *x,
                        const struct entry *at)
{
    jw_key(j, SLICE("ServiceIds"));
    jw_array(j);
    for (size_t i = 0; i < x->trace->n_nodes; i++)
        if (at->at[i])
            write_service_id(j, &x->trace->nodes[i]);
    jw_array_end(j);
}

void member_text(struct jw *j, const char *key, struct slice text)
{
    jw_key(j, slice_str(key));
    jw_string(j, text);
}

void member_number(struct jw *j, const char *key, double v)
{
    jw_key(j, slice_str(key));
    jw_double(j, v);
}

void member_int(struct jw *j, const char *key, int64_t v)
{
    jw_key(j, slice_str(key));
    jw_int(j, v);
}

void member_bool(struct jw *j, const char *key, bool v)
{
    jw_key(j, slice_str(key));
    jw_bool(j, v);
}

void member_names(struct jw *j, struct slice name)
{
    member_text(j, "Name", name);
    jw_key(j, SLICE("Names"));
    jw_array(j);
    jw_string(j, name);
    jw_array_end(j);
}

void member_empty_list(struct jw *j, const char *key)
{
    jw_key(j, slice_str(key));
    jw_array(j);
    jw_array_end(j);
}
