/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Credentials of the EC2 instance's role: its name, then its keys. The last of
 * the chain, since off EC2 it is answered by silence.
 */
#include <stdlib.h>
#include <string.h>

#include "cred_job.h"
#include "cred_parse.h"
#include "imds.h"
#include "xr/clock.h"
#include "xr/log.h"

#define ROLES "/latest/meta-data/iam/security-credentials/"

struct state {
    struct imds imds;
    char path[IMDS_PATH_MAX];
};

static int plan(struct cred_plan *p, struct err *err);
static void start(struct cred_job *j);
static void on_role(void *arg, struct slice body, int status, const char *why);
static bool role_path(struct state *s, struct slice body);
static void on_keys(void *arg, struct slice body, int status, const char *why);
static void stop(struct cred_job *j);

const struct cred_family cred_family_imds = {"imds", plan};
static const struct cred_kind kind_imds = {"imds", start, stop};

static int plan(struct cred_plan *p, struct err *err)
{
    const char *why = imds_disabled();

    if (why) {
        err_set(err, "%s", why);
        return 0;
    }
    if (!cred_plan_add(p, &kind_imds, "imds"))
        return err_set(err,
                       "more than %d roles and sources one upon "
                       "another",
                       CRED_STEPS_MAX);
    return 1;
}

static void start(struct cred_job *j)
{
    struct state *s = j->state = calloc(1, sizeof *s);

    if (!s)
        log_fatal("Out of memory for a metadata request");
    imds_init(&s->imds, j->loop, j->client, j);
    imds_get(&s->imds, ROLES, on_role);
}

static void on_role(void *arg, struct slice body, int status, const char *why)
{
    struct cred_job *j = arg;
    struct state *s = j->state;

    if (status == 404)
        cred_job_fail(j, "the instance has no role (no instance profile is "
                         "attached)");
    else if (why)
        cred_job_fail(j, "%s", why);
    else if (!role_path(s, body))
        cred_job_fail(j, "the role list has no usable name");
    else
        imds_get(&s->imds, s->path, on_keys);
}

/* The first line is the role. */
static bool role_path(struct state *s, struct slice body)
{
    const char *end = body.n ? memchr(body.p, '\n', body.n) : NULL;
    size_t base = strlen(ROLES);

    if (end)
        body.n = (size_t)(end - body.p);
    while (body.n && (body.p[body.n - 1] == '\r' || body.p[body.n - 1] == ' '))
        body.n--;
    if (body.n == 0 || base + body.n >= sizeof s->path)
        return false;
    for (size_t i = 0; i < body.n; i++)
        if (body.p[i] <= ' ' || body.p[i] >= 0x7f || strchr("/?#%", body.p[i]))
            return false;
    memcpy(s->path, ROLES, base);
    memcpy(s->path + base, body.p, body.n);
    s->path[base + body.n] = '\0';
    return true;
}

static void on_keys(void *arg, struct slice body, int status, const char *why)
{
    struct cred_job *j = arg;
    struct cred *c;
    struct err err;

    (void)status;
    if (why) {
        cred_job_fail(j, "%s", why);
        return;
    }
    c = cred_parse_container(body, clock_wall_ms(), j->step->source, &err);
    if (c)
        cred_job_end(j, c, &err);
    else
        cred_job_fail(j, "the role's keys: %s", err.text);
}

static void stop(struct cred_job *j)
{
    struct state *s = j->state;

    j->state = NULL;
    if (!s)
        return;
    imds_fini(&s->imds);
    free(s);
}
