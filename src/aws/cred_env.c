/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Credentials in the environment, and the kind for all keys that are written
 * out somewhere: nothing to ask, no expiry.
 */
#include "cred_job.h"
#include "cred_make.h"
#include "env.h"

static int plan(struct cred_plan *p, struct err *err);
static void start(struct cred_job *j);
static void stop(struct cred_job *j);

const struct cred_family cred_family_environment = {"environment", plan};
const struct cred_kind cred_kind_fixed = {"keys", start, stop};

static int plan(struct cred_plan *p, struct err *err)
{
    const char *id = env_text("AWS_ACCESS_KEY_ID");
    const char *secret = env_text("AWS_SECRET_ACCESS_KEY");
    struct cred_step *s;

    /* The older names still work in the SDK of the original. */
    if (!id)
        id = env_text("AWS_ACCESS_KEY");
    if (!secret)
        secret = env_text("AWS_SECRET_KEY");
    if (!id || !secret) {
        err_set(err, id ? "AWS_SECRET_ACCESS_KEY is not set"
                        : "AWS_ACCESS_KEY_ID is not set");
        return 0;
    }
    s = cred_plan_add(p, &cred_kind_fixed, "environment");
    s->fixed.id = cred_plan_text(p, id);
    s->fixed.secret = cred_plan_text(p, secret);
    s->fixed.token = cred_plan_text(p, env_text("AWS_SESSION_TOKEN"));
    return 1;
}

static void start(struct cred_job *j)
{
    const struct cred_step *s = j->step;
    struct cred_parts p = {
        .id = slice_str(s->fixed.id),
        .secret = slice_str(s->fixed.secret),
        .token = slice_str(s->fixed.token),
    };
    struct err err;
    struct cred *c = cred_make(&p, s->source, &err);

    cred_job_end(j, c, &err);
}

static void stop(struct cred_job *j)
{
    (void)j;
}
