/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Container credentials: one GET to the address that the platform names. ECS
 * (relative URI), EKS Pod Identity (token file), Lambda SnapStart (full URI on
 * the runtime API). Token and token file are read anew each time, since they
 * are replaced while we run.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cred_job.h"
#include "cred_parse.h"
#include "env.h"
#include "fetch.h"
#include "xr/clock.h"
#include "xr/log.h"

#define ECS_BASE "http://169.254.170.2"
#define TRIES 3
#define TIMEOUT_MS 5000
#define CONNECT_TIMEOUT_MS 1000

struct state {
    struct fetch fetch;
    struct client_header headers[2];
    struct buf token;
};

static int plan(struct cred_plan *p, struct err *err);
static bool host_allowed(const char *url);
static void start(struct cred_job *j);
static int read_token(struct cred_job *j, struct state *s, struct err *err);
static void on_answer(void *arg, const struct client_answer *a);
static void stop(struct cred_job *j);

const struct cred_family cred_family_container = {"container", plan};
const struct cred_kind cred_kind_container = {"container", start, stop};

static int plan(struct cred_plan *p, struct err *err)
{
    const char *relative = env_text("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    const char *full = env_text("AWS_CONTAINER_CREDENTIALS_FULL_URI");
    struct cred_step *s;

    if (!relative && !full) {
        err_set(err, "no AWS_CONTAINER_CREDENTIALS_..._URI is set");
        return 0;
    }
    if (relative && relative[0] != '/')
        return err_set(err, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI does not "
                            "begin with a slash");
    if (!relative && !host_allowed(full))
        return err_set(err, "AWS_CONTAINER_CREDENTIALS_FULL_URI: plain http "
                            "is for loopback, ECS and EKS addresses only");
    s = cred_plan_add(p, &cred_kind_container, "container");
    if (!s)
        return err_set(err,
                       "more than %d roles and sources one upon "
                       "another",
                       CRED_STEPS_MAX);
    s->container.url = relative ? cred_plan_printf(p, ECS_BASE "%s", relative)
                                : cred_plan_text(p, full);
    s->container.token =
        cred_plan_text(p, env_text("AWS_CONTAINER_AUTHORIZATION_TOKEN"));
    s->container.token_file =
        cred_plan_text(p, env_text("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"));
    return 1;
}

/* The usual rule of the SDKs, and Lambda's own runtime API. */
static bool host_allowed(const char *url)
{
    static const char *const hosts[] = {
        "localhost",      "[::1]",          "169.254.170.2",
        "169.254.170.23", "[fd00:ec2::23]",
    };
    const char *api = env_text("AWS_LAMBDA_RUNTIME_API");
    const char *host, *digits = "0123456789.";
    size_t n, name;

    if (strncasecmp(url, "https://", 8) == 0)
        return true;
    if (strncasecmp(url, "http://", 7) != 0)
        return false;
    host = url + 7;
    n = strcspn(host, "/?#");
    if (memchr(host, '@', n))
        return false;
    if (api && strlen(api) == n && strncasecmp(api, host, n) == 0)
        return true;
    name = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":/?#");
    if (strncmp(host, "127.", 4) == 0 && strspn(host, digits) == name)
        return true;
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++)
        if (strlen(hosts[i]) == name && strncasecmp(host, hosts[i], name) == 0)
            return true;
    return false;
}

static void start(struct cred_job *j)
{
    struct state *s = j->state = calloc(1, sizeof *s);
    struct client_request r = {
        .method = "GET",
        .url = j->step->container.url,
        .timeout_ms = TIMEOUT_MS,
        .connect_timeout_ms = CONNECT_TIMEOUT_MS,
        .answer_max = CRED_ANSWER_MAX,
    };
    struct err err;

    if (!s)
        log_fatal("Out of memory for a credentials request");
    fetch_init(&s->fetch, j->loop, j->client, j);
    s->fetch.patient = true;
    buf_init(&s->token, CRED_TOKEN_FILE_MAX);
    s->headers[0].name = slice_str("Accept");
    s->headers[0].value = slice_str("application/json");
    r.headers = s->headers;
    r.n_headers = 1;
    /* Plain http was allowed for addresses of this host only. */
    r.direct = strncasecmp(r.url, "http://", 7) == 0;
    if (read_token(j, s, &err) != 0) {
        cred_job_end(j, NULL, &err);
        return;
    }
    r.n_headers += s->headers[1].value.n > 0;
    fetch_start(&s->fetch, &r, TRIES, on_answer);
}

static int read_token(struct cred_job *j, struct state *s, struct err *err)
{
    const char *file = j->step->container.token_file;
    const char *token = j->step->container.token;
    struct slice value;

    if (!file && !token)
        return 0;
    if (file && file_read(file, &s->token, err) != 0)
        return -1;
    if (!file)
        buf_str(&s->token, token);
    value = buf_slice(&s->token);
    if (!fetch_token_ok(&value))
        return err_set(err, "%s is no usable authorization token",
                       file ? file : "AWS_CONTAINER_AUTHORIZATION_TOKEN");
    s->headers[1].name = slice_str("Authorization");
    s->headers[1].value = value;
    return 0;
}

static void on_answer(void *arg, const struct client_answer *a)
{
    struct cred_job *j = arg;
    struct cred *c;
    struct err err;
    char why[384];

    if (a->outcome != CLIENT_ANSWERED || a->status != 200) {
        fetch_say(a, why);
        cred_job_fail(j, "%.100s: %s", j->step->container.url, why);
        return;
    }
    c = cred_parse_container(a->body, clock_wall_ms(), j->step->source, &err);
    if (c)
        cred_job_end(j, c, &err);
    else
        cred_job_fail(j, "answer of %.100s: %s", j->step->container.url,
                      err.text);
}

static void stop(struct cred_job *j)
{
    struct state *s = j->state;

    j->state = NULL;
    if (!s)
        return;
    fetch_fini(&s->fetch);
    buf_wipe(&s->token);
    free(s);
}
