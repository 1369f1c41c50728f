/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The aws block: the AWS call that a span made, from its attributes, and the
 * place where the program runs and its SDK, from the resource. Knows no other
 * block.
 */
#include "parts.h"

static bool has_call(struct translator *t);
static void put_operation(struct translator *t);
static void put_account(struct translator *t);
static void put_queue(struct translator *t);
static void put_tables(struct translator *t);
static void put_sdk(struct translator *t);
static void put_ec2(struct translator *t);
static void put_ecs(struct translator *t);
static void put_eks(struct translator *t);
static void put_beanstalk(struct translator *t);
static void put_logs(struct translator *t);
static void put_log_list(struct translator *t, const struct value *v,
                         bool are_arns);
static void put_log(struct translator *t, struct slice group, bool is_arn);
static void put_resource(struct translator *t, struct slice name, enum key k);

/* Keys of the call, with the other spelling where there is one. */
static const enum key call_keys[] = {
    KEY_AWS_OPERATION,      KEY_RPC_METHOD,        KEY_AWS_ACCOUNT_ID,
    KEY_AWS_REGION,         KEY_AWS_REQUEST_ID,    KEY_AWS_REQUEST_ID_CAMEL,
    KEY_AWS_QUEUE_URL,      KEY_AWS_QUEUE_URL_DOT, KEY_AWS_TABLE_NAME,
    KEY_AWS_TABLE_NAME_DOT,
};

void aws_write(struct translator *t)
{
    const struct resource_view *r = &t->resource;
    bool with_call = t->role != ROLE_SERVICE && has_call(t);

    if (r->other_cloud && !(t->aws_api && with_call)) {
        for (size_t i = 0; i < sizeof(call_keys) / sizeof(call_keys[0]); i++)
            span_fate(t, call_keys[i], FATE_BACK);
        return;
    }
    struct place before = place_now(t);
    put_name(t, SLICE("aws"));
    jw_object(&t->jw);
    if (with_call) {
        put_operation(t);
        put_account(t);
        put_text(t, SLICE("region"), span_take(t, KEY_AWS_REGION));
        put_text(t, SLICE("request_id"),
                 span_pick(t, KEY_AWS_REQUEST_ID, KEY_AWS_REQUEST_ID_CAMEL));
        put_queue(t);
        put_tables(t);
    } else if (t->role != ROLE_SERVICE) {
        put_account(t);
    } else {
        for (size_t i = 0; i < sizeof(call_keys) / sizeof(call_keys[0]); i++)
            span_fate(t, call_keys[i], FATE_TAKEN);
    }
    if (r->other_cloud)
        ;
    else if (r->is_kept && !t->cuts.on && r->aws.n > 0)
        jw_raw(&t->jw, resource_piece(r, r->aws));
    else
        aws_resource_write(t);
    bool is_empty = !t->jw.comma[t->jw.depth];
    jw_object_end(&t->jw);
    if (is_empty)
        place_return(t, before);
}

void aws_resource_write(struct translator *t)
{
    put_sdk(t);
    put_ec2(t);
    put_ecs(t);
    put_eks(t);
    put_beanstalk(t);
    put_logs(t);
}

static bool has_call(struct translator *t)
{
    for (size_t i = 0; i < sizeof(call_keys) / sizeof(call_keys[0]); i++) {
        if (t->scan.at[call_keys[i]])
            return true;
    }
    return t->scan.at[KEY_MESSAGING_URL] || t->scan.at[KEY_AWS_TABLE_NAMES];
}

/* An empty aws.operation hides rpc.method, as in the exporter. */
static void put_operation(struct translator *t)
{
    struct slice operation = span_take(t, KEY_AWS_OPERATION);
    struct slice method = span_take(t, KEY_RPC_METHOD);

    if (!value_is_scalar(span_value(t, KEY_AWS_OPERATION)))
        operation = method;
    else if (!slice_eq(operation, method))
        span_fate(t, KEY_RPC_METHOD, FATE_BACK);
    put_text(t, SLICE("operation"), operation);
}

static void put_account(struct translator *t)
{
    struct slice own = span_take(t, KEY_AWS_ACCOUNT_ID);

    if (value_is_scalar(span_value(t, KEY_AWS_ACCOUNT_ID)))
        put_text(t, SLICE("account_id"), own);
    else if (!t->resource.other_cloud)
        put_text(t, SLICE("account_id"), t->resource.account_id);
}

/* messaging.url is no key of ours alone, so it stays in the metadata too. */
static void put_queue(struct translator *t)
{
    struct slice own = span_pick(t, KEY_AWS_QUEUE_URL, KEY_AWS_QUEUE_URL_DOT);
    struct slice url = value_text(t, span_value(t, KEY_MESSAGING_URL));

    if (url.n > 0 && own.n > 0 && !slice_eq(url, own)) {
        span_fate(t, KEY_AWS_QUEUE_URL, FATE_BACK);
        span_fate(t, KEY_AWS_QUEUE_URL_DOT, FATE_BACK);
    }
    put_text(t, SLICE("queue_url"), url.n > 0 ? url : own);
}

static void put_tables(struct translator *t)
{
    struct slice own = span_pick(t, KEY_AWS_TABLE_NAME, KEY_AWS_TABLE_NAME_DOT);
    const struct value *names = span_value(t, KEY_AWS_TABLE_NAMES);
    struct slice name = value_text(t, names);

    if (names && names->kind == VALUE_ARRAY && names->array.n > 1) {
        put_name(t, SLICE("table_names"));
        jw_array(&t->jw);
        for (uint32_t i = 0; i < names->array.n && i < t->cuts.list_max; i++)
            put_cut(t, value_text(t, &names->array.items[i]), t->cuts.text_max);
        jw_array_end(&t->jw);
    } else {
        if (names && names->kind == VALUE_ARRAY && names->array.n == 1)
            name = value_text(t, &names->array.items[0]);
        put_text(t, SLICE("table_name"), name.n > 0 ? name : own);
        if (name.n == 0 || slice_eq(name, own))
            return;
    }
    span_fate(t, KEY_AWS_TABLE_NAME, FATE_BACK);
    span_fate(t, KEY_AWS_TABLE_NAME_DOT, FATE_BACK);
}

/* "NAME for LANGUAGE", unless the name ends so already. */
static void put_sdk(struct translator *t)
{
    const struct resource_view *r = &t->resource;
    struct slice name = resource_text(r, KEY_SDK_NAME);
    struct slice language = resource_text(r, KEY_SDK_LANGUAGE);

    put_name(t, SLICE("xray"));
    jw_object(&t->jw);
    buf_clear(&t->connection);
    buf_append(&t->connection, name);
    bool named =
        language.n > 0 && name.n >= language.n &&
        strncasecmp(name.p + name.n - language.n, language.p, language.n) == 0;
    if (name.n > 0 && language.n > 0 && !named) {
        buf_str(&t->connection, " for ");
        buf_append(&t->connection, language);
    }
    put_text(t, SLICE("sdk"), buf_slice(&t->connection));
    put_resource(t, SLICE("sdk_version"), KEY_SDK_VERSION);
    put_name(t, SLICE("auto_instrumentation"));
    jw_bool(&t->jw, resource_text(r, KEY_AUTO_VERSION).n > 0 ||
                        resource_text(r, KEY_DISTRO_VERSION).n > 0);
    jw_object_end(&t->jw);
}

static void put_ec2(struct translator *t)
{
    const struct resource_view *r = &t->resource;

    if (!slice_is(resource_text(r, KEY_CLOUD_PLATFORM), "aws_ec2") &&
        resource_text(r, KEY_HOST_ID).n == 0)
        return;
    put_name(t, SLICE("ec2"));
    jw_object(&t->jw);
    put_resource(t, SLICE("instance_id"), KEY_HOST_ID);
    put_resource(t, SLICE("availability_zone"), KEY_CLOUD_ZONE);
    put_resource(t, SLICE("instance_size"), KEY_HOST_TYPE);
    put_resource(t, SLICE("ami_id"), KEY_HOST_IMAGE);
    jw_object_end(&t->jw);
}

static void put_ecs(struct translator *t)
{
    if (!slice_is(resource_text(&t->resource, KEY_CLOUD_PLATFORM), "aws_ecs"))
        return;
    put_name(t, SLICE("ecs"));
    jw_object(&t->jw);
    put_resource(t, SLICE("container"), KEY_CONTAINER_NAME);
    put_resource(t, SLICE("container_id"), KEY_CONTAINER_ID);
    put_resource(t, SLICE("availability_zone"), KEY_CLOUD_ZONE);
    put_resource(t, SLICE("container_arn"), KEY_ECS_CONTAINER);
    put_resource(t, SLICE("cluster_arn"), KEY_ECS_CLUSTER);
    put_resource(t, SLICE("task_arn"), KEY_ECS_TASK);
    put_resource(t, SLICE("task_family"), KEY_ECS_FAMILY);
    put_resource(t, SLICE("launch_type"), KEY_ECS_LAUNCH_TYPE);
    jw_object_end(&t->jw);
}

static void put_eks(struct translator *t)
{
    const struct resource_view *r = &t->resource;

    if (!slice_is(resource_text(r, KEY_CLOUD_PLATFORM), "aws_eks") &&
        resource_text(r, KEY_CLUSTER_NAME).n == 0)
        return;
    put_name(t, SLICE("eks"));
    jw_object(&t->jw);
    put_resource(t, SLICE("cluster_name"), KEY_CLUSTER_NAME);
    put_resource(t, SLICE("pod"), KEY_POD_NAME);
    put_resource(t, SLICE("container_id"), KEY_CONTAINER_ID);
    jw_object_end(&t->jw);
}

static void put_beanstalk(struct translator *t)
{
    const struct resource_view *r = &t->resource;
    int64_t deployment = 0;

    if (!slice_is(resource_text(r, KEY_CLOUD_PLATFORM),
                  "aws_elastic_beanstalk") ||
        !r->known[KEY_SERVICE_INSTANCE])
        return;
    value_int(r->known[KEY_SERVICE_INSTANCE], &deployment);
    put_name(t, SLICE("elastic_beanstalk"));
    jw_object(&t->jw);
    put_resource(t, SLICE("environment_name"), KEY_SERVICE_NAMESPACE);
    put_name(t, SLICE("deployment_id"));
    jw_int(&t->jw, deployment);
    put_resource(t, SLICE("version_label"), KEY_SERVICE_VERSION);
    jw_object_end(&t->jw);
}

/* The first that names any: the resource's ARNs, its names, the options. */
static void put_logs(struct translator *t)
{
    const struct resource_view *r = &t->resource;
    struct place before = place_now(t);

    put_name(t, SLICE("cloudwatch_logs"));
    jw_array(&t->jw);
    put_log_list(t, r->known[KEY_LOG_ARNS], true);
    if (!t->jw.comma[t->jw.depth])
        put_log_list(t, r->known[KEY_LOG_NAMES], false);
    size_t n = t->jw.comma[t->jw.depth] ? 0 : t->options.n_log_groups;
    for (size_t i = 0; i < n; i++)
        put_log(t, t->options.log_groups[i],
                slice_starts(t->options.log_groups[i], "arn:"));
    bool is_empty = !t->jw.comma[t->jw.depth];
    jw_array_end(&t->jw);
    if (is_empty)
        place_return(t, before);
}

/* A list of texts, or one text with `&` between. */
static void put_log_list(struct translator *t, const struct value *v,
                         bool are_arns)
{
    if (v && v->kind == VALUE_ARRAY) {
        for (uint32_t i = 0; i < v->array.n && i < t->cuts.list_max; i++)
            put_log(t, value_text(t, &v->array.items[i]), are_arns);
    } else if (v && v->kind == VALUE_STRING) {
        struct slice rest = v->text;
        for (uint32_t i = 0; rest.n > 0 && i < t->cuts.list_max; i++) {
            size_t end = slice_find_byte(rest, '&');
            put_log(t, slice_of(rest.p, end), are_arns);
            rest = slice_from(rest, end + 1);
        }
    }
}

/* arn:aws:logs:REGION:ACCOUNT:log-group:NAME[:*] */
static void put_log(struct translator *t, struct slice group, bool is_arn)
{
    enum { PARTS_BEFORE_NAME = 6 };
    struct slice name = group;

    if (group.n == 0)
        return;
    for (int i = 0; is_arn && i < PARTS_BEFORE_NAME; i++) {
        size_t colon = slice_find_byte(name, ':');
        if (colon == name.n) {
            name = group;
            break;
        }
        name = slice_from(name, colon + 1);
        if (i == PARTS_BEFORE_NAME - 1)
            name.n = slice_find_byte(name, ':');
    }
    jw_object(&t->jw);
    put_text(t, SLICE("log_group"), name);
    if (is_arn)
        put_text(t, SLICE("arn"), group);
    jw_object_end(&t->jw);
}

static void put_resource(struct translator *t, struct slice name, enum key k)
{
    put_text(t, name, resource_text(&t->resource, k));
}
