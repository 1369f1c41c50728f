/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds out in which place of AWS we run, as far as nobody else asks: from
 * the environment and from ECS task metadata. What is found goes to spans that
 * do not tell; so no answer is no fault, and nothing waits for one.
 */
#include "xr/detect.h"

#include <stdio.h>
#include <stdlib.h>

#include "env.h"
#include "facts.h"
#include "fetch.h"
#include "xr/log.h"

#define TASK_PATH "/task"
#define RETRY_MS 60000
#define TRIES 3
#define CONNECT_TIMEOUT_MS 1000
#define TIMEOUT_MS 2000
#define ANSWER_MAX ((size_t)256 << 10)

struct detect {
    loop_fn fn;
    void *arg;
    struct facts stated, found, task, place;
    struct fetch fetch;
    struct timer *again;
    char url[512];
    bool waiting; /* for the first word of ECS */
};

static void read_stated(struct detect *d);
static bool make_url(struct detect *d);
static void ask_task(void *arg);
static void on_task(void *arg, const struct client_answer *a);
static void no_task(struct detect *d, const char *why, bool again);
static void gather(struct detect *d);
static void add_lambda(struct facts *f);
static bool is_eks(void);

struct detect *detect_new(struct loop *l, struct client *c, bool ask,
                          loop_fn fn, void *arg)
{
    struct detect *d = calloc(1, sizeof *d);

    if (!d)
        log_fatal("Out of memory for resource attributes");
    d->fn = fn;
    d->arg = arg;
    facts_init(&d->stated);
    facts_init(&d->found);
    facts_init(&d->task);
    facts_init(&d->place);
    fetch_init(&d->fetch, l, c, d);
    d->fetch.patient = true;
    d->again = timer_new(l, ask_task, d);
    read_stated(d);
    d->waiting = ask && make_url(d);
    if (d->waiting)
        timer_start(d->again, 0);
    gather(d);
    return d;
}

void detect_free(struct detect *d)
{
    if (!d)
        return;
    fetch_fini(&d->fetch);
    timer_free(d->again);
    facts_fini(&d->stated);
    facts_fini(&d->found);
    facts_fini(&d->task);
    facts_fini(&d->place);
    free(d);
}

void detect_add_place(struct detect *d, const struct place *p)
{
    if (!p->region[0] && !p->account_id[0])
        return;
    facts_read_place(&d->place, p);
    gather(d);
    if (!d->waiting)
        d->fn(d->arg);
}

const struct facts *detect_stated(const struct detect *d)
{
    return &d->stated;
}

const struct facts *detect_found(const struct detect *d)
{
    return &d->found;
}

static void read_stated(struct detect *d)
{
    struct slice pairs = slice_str(env_text("OTEL_RESOURCE_ATTRIBUTES"));
    struct err err;

    if (!facts_read_pairs(&d->stated, pairs, &err))
        log_warn("OTEL_RESOURCE_ATTRIBUTES is not used: %s", err.text);
    facts_set_service(&d->stated, slice_str(env_text("OTEL_SERVICE_NAME")));
}

/* False when there is none to ask. */
static bool make_url(struct detect *d)
{
    const char *base = env_text("ECS_CONTAINER_METADATA_URI_V4");
    int n;

    if (!base || env_text("AWS_LAMBDA_FUNCTION_NAME"))
        return false;
    n = snprintf(d->url, sizeof d->url, "%s" TASK_PATH, base);
    if (strncmp(base, "http://", 7) == 0 && n > 0 && (size_t)n < sizeof d->url)
        return true;
    log_warn("ECS_CONTAINER_METADATA_URI_V4 is no usable http address; the "
             "task is not detected");
    return false;
}

static void ask_task(void *arg)
{
    struct detect *d = arg;
    struct client_request r = {
        .method = "GET",
        .url = d->url,
        .timeout_ms = TIMEOUT_MS,
        .connect_timeout_ms = CONNECT_TIMEOUT_MS,
        .direct = true,
        .answer_max = ANSWER_MAX,
    };

    fetch_start(&d->fetch, &r, TRIES, on_task);
}

static void on_task(void *arg, const struct client_answer *a)
{
    struct detect *d = arg;
    bool answered = a->outcome == CLIENT_ANSWERED;
    struct err err;
    char why[384];

    if (!answered || a->status != 200) {
        fetch_say(a, why);
        no_task(d, why, !answered || a->status >= 500 || a->status == 429);
    } else if (!facts_read_task(&d->task, a->body, &err)) {
        no_task(d, err.text, false);
    }
    d->waiting = false;
    gather(d);
    d->fn(d->arg);
}

static void no_task(struct detect *d, const char *why, bool again)
{
    if (d->waiting || !again)
        log_warn("ECS task metadata (%.100s): %s; %s", d->url, why,
                 again ? "asked again each minute" : "not asked again");
    if (again)
        timer_start(d->again, RETRY_MS);
}

/* What knows the narrower place comes first: a task runs on an instance. Until
 * ECS has spoken it is not known whether the instance is all there is. */
static void gather(struct detect *d)
{
    facts_clear(&d->found);
    if (env_text("AWS_LAMBDA_FUNCTION_NAME"))
        add_lambda(&d->found);
    facts_add_all(&d->found, &d->task);
    if (is_eks()) {
        facts_add(&d->found, "cloud.provider", SLICE("aws"));
        facts_add(&d->found, "cloud.platform", SLICE("aws_eks"));
    }
    if (!d->waiting)
        facts_add_all(&d->found, &d->place);
}

static void add_lambda(struct facts *f)
{
    facts_add(f, "cloud.provider", SLICE("aws"));
    facts_add(f, "cloud.platform", SLICE("aws_lambda"));
    facts_add(f, "cloud.region", slice_str(env_text("AWS_REGION")));
    facts_add(f, "faas.name", slice_str(env_text("AWS_LAMBDA_FUNCTION_NAME")));
    facts_add(f, "faas.version",
              slice_str(env_text("AWS_LAMBDA_FUNCTION_VERSION")));
}

/* Kubernetes alone may run anywhere; the credentials that EKS hands to pods
 * tell. Where they do not, OTEL_RESOURCE_ATTRIBUTES can. */
static bool is_eks(void)
{
    const char *file = env_text("AWS_WEB_IDENTITY_TOKEN_FILE");
    const char *uri = env_text("AWS_CONTAINER_CREDENTIALS_FULL_URI");

    if (!env_text("KUBERNETES_SERVICE_HOST"))
        return false;
    return (file && strstr(file, "/eks.amazonaws.com/")) ||
           (uri && (strstr(uri, "//169.254.170.23/") ||
                    strstr(uri, "//[fd00:ec2::23]/")));
}
