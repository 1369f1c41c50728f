/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The family of the shared files: what a profile says becomes a plan. Keys,
 * SSO, a process, a web identity, or a role upon another profile or upon the
 * environment, a container or the instance. Read anew for each plan, and the
 * plan is stale as soon as a file changes.
 */
#include <stdlib.h>
#include <string.h>

#include "cred_job.h"
#include "env.h"

#define VISITS_MAX CRED_STEPS_MAX

/* A walk from profile to source profile. */
struct walk {
    struct cred_plan *plan;
    struct profiles *files;
    struct slice visited[VISITS_MAX];
    size_t n;
    struct err *err;
};

/* Ways in which a profile can hold credentials: 1 planned, 0 not this way. */
typedef int (*way_fn)(struct walk *w, struct slice profile);

static int plan(struct cred_plan *p, struct err *err);
static int plan_profile(struct walk *w, struct slice profile);
static int by_role(struct walk *w, struct slice profile);
static int role_base(struct walk *w, struct slice profile);
static int plan_source(struct walk *w, struct slice source);
static int by_web_identity(struct walk *w, struct slice profile);
static int by_keys(struct walk *w, struct slice profile);
static int by_sso(struct walk *w, struct slice profile);
static bool sso_setting(struct walk *w, struct slice profile, const char *key,
                        const char **out);
static int by_process(struct walk *w, struct slice profile);
static struct cred_step *add(struct walk *w, const struct cred_kind *kind,
                             struct slice profile);
static const char *text_of(struct walk *w, struct slice profile,
                           const char *key);
static bool has(struct walk *w, struct slice profile, const char *key);
static int fail(struct walk *w, struct slice profile, const char *what);

const struct cred_family cred_family_files = {"shared files", plan};

static int plan(struct cred_plan *p, struct err *err)
{
    const char *name = profile_chosen();
    struct profiles files;
    struct walk w = {.plan = p, .files = &files, .err = err};
    int rc = profiles_read(&files, err);

    memcpy(p->stamp, files.stamp, sizeof p->stamp);
    p->stamped = true;
    if (rc == 0 && profile_exists(&files, slice_str(name))) {
        rc = plan_profile(&w, slice_str(name));
    } else if (rc == 0) {
        bool asked = env_text("AWS_PROFILE") || env_text("AWS_DEFAULT_PROFILE");

        err_set(err, "there is no profile %.64s", name);
        rc = asked ? -1 : 0;
    }
    profiles_free(&files);
    return rc;
}

static int plan_profile(struct walk *w, struct slice profile)
{
    static const way_fn ways[] = {by_role, by_web_identity, by_keys, by_sso,
                                  by_process};
    int rc = 0;

    if (w->n == VISITS_MAX)
        return fail(w, profile, "too many source profiles");
    w->visited[w->n++] = profile;
    for (size_t i = 0; i < sizeof ways / sizeof *ways && rc == 0; i++)
        rc = ways[i](w, profile);
    if (rc == 0)
        fail(w, profile, "holds no credentials");
    return rc;
}

/* role_arn upon source_profile or credential_source. */
static int by_role(struct walk *w, struct slice profile)
{
    struct cred_step *s;
    const char *seconds;
    int rc;

    if (!has(w, profile, "role_arn") ||
        has(w, profile, "web_identity_token_file"))
        return 0;
    if (has(w, profile, "mfa_serial"))
        return fail(w, profile,
                    "asks for an MFA code, which nobody can type "
                    "here");
    rc = role_base(w, profile);
    if (rc != 1)
        return rc == 0 ? -1 : rc;
    s = add(w, &cred_kind_assume_role, profile);
    if (!s)
        return -1;
    s->role.arn = text_of(w, profile, "role_arn");
    s->role.session_name = text_of(w, profile, "role_session_name");
    s->role.external_id = text_of(w, profile, "external_id");
    s->role.region = text_of(w, profile, "region");
    seconds = text_of(w, profile, "duration_seconds");
    s->role.duration_s = seconds ? (unsigned)strtoul(seconds, NULL, 10) : 0;
    return 1;
}

static int role_base(struct walk *w, struct slice profile)
{
    static const struct {
        const char *name;
        const struct cred_family *family;
    } known[] = {
        {"Environment", &cred_family_environment},
        {"EcsContainer", &cred_family_container},
        {"Ec2InstanceMetadata", &cred_family_imds},
    };
    struct slice v;

    if (profile_get(w->files, profile, "source_profile", &v))
        return plan_source(w, v);
    if (!profile_get(w->files, profile, "credential_source", &v))
        return fail(w, profile,
                    "has role_arn, but neither source_profile nor "
                    "credential_source");
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (slice_is_nocase(v, known[i].name))
            return known[i].family->plan(w->plan, w->err);
    return fail(w, profile, "has a credential_source that is not known");
}

/* A profile that names itself means its own keys. */
static int plan_source(struct walk *w, struct slice source)
{
    if (!profile_exists(w->files, source))
        return fail(w, source, "is named by source_profile, but missing");
    if (w->n && slice_eq(source, w->visited[w->n - 1])) {
        int rc = by_keys(w, source);

        return rc ? rc
                  : fail(w, source,
                         "is its own source_profile without "
                         "keys");
    }
    for (size_t i = 0; i < w->n; i++)
        if (slice_eq(source, w->visited[i]))
            return fail(w, source, "is reached twice by source_profile");
    return plan_profile(w, source);
}

static int by_web_identity(struct walk *w, struct slice profile)
{
    struct cred_step *s;

    if (!has(w, profile, "web_identity_token_file"))
        return 0;
    if (!has(w, profile, "role_arn"))
        return fail(w, profile,
                    "has web_identity_token_file, but no "
                    "role_arn");
    s = add(w, &cred_kind_web_identity, profile);
    if (!s)
        return -1;
    s->role.arn = text_of(w, profile, "role_arn");
    s->role.session_name = text_of(w, profile, "role_session_name");
    s->role.token_file = text_of(w, profile, "web_identity_token_file");
    s->role.region = text_of(w, profile, "region");
    return 1;
}

static int by_keys(struct walk *w, struct slice profile)
{
    struct cred_step *s;

    if (!has(w, profile, "aws_access_key_id"))
        return 0;
    if (!has(w, profile, "aws_secret_access_key"))
        return fail(w, profile, "has no aws_secret_access_key");
    s = add(w, &cred_kind_fixed, profile);
    if (!s)
        return -1;
    s->fixed.id = text_of(w, profile, "aws_access_key_id");
    s->fixed.secret = text_of(w, profile, "aws_secret_access_key");
    s->fixed.token = text_of(w, profile, "aws_session_token");
    return 1;
}

static int by_sso(struct walk *w, struct slice profile)
{
    const char *url, *region;
    struct cred_step *s;

    if (!has(w, profile, "sso_account_id") && !has(w, profile, "sso_role_name"))
        return 0;
    if (!has(w, profile, "sso_account_id") ||
        !has(w, profile, "sso_role_name") ||
        !sso_setting(w, profile, "sso_start_url", &url) ||
        !sso_setting(w, profile, "sso_region", &region))
        return fail(w, profile,
                    "lacks one of sso_account_id, sso_role_name, "
                    "sso_start_url and sso_region");
    s = add(w, &cred_kind_sso, profile);
    if (!s)
        return -1;
    s->sso.start_url = url;
    s->sso.region = region;
    s->sso.account = text_of(w, profile, "sso_account_id");
    s->sso.role = text_of(w, profile, "sso_role_name");
    s->sso.profile = cred_plan_slice(w->plan, profile);
    return 1;
}

/* In the section that sso_session names, or in the profile itself. */
static bool sso_setting(struct walk *w, struct slice profile, const char *key,
                        const char **out)
{
    struct slice session, v;

    if (profile_get(w->files, profile, "sso_session", &session)
            ? !profile_sso_session(w->files, session, key, &v)
            : !profile_get(w->files, profile, key, &v))
        return false;
    *out = cred_plan_slice(w->plan, v);
    return true;
}

static int by_process(struct walk *w, struct slice profile)
{
    struct cred_step *s;

    if (!has(w, profile, "credential_process"))
        return 0;
    s = add(w, &cred_kind_process, profile);
    if (!s)
        return -1;
    s->process.command = text_of(w, profile, "credential_process");
    return 1;
}

static struct cred_step *add(struct walk *w, const struct cred_kind *kind,
                             struct slice profile)
{
    const char *source =
        cred_plan_printf(w->plan, "profile %.*s", (int)profile.n, profile.p);
    struct cred_step *s = cred_plan_add(w->plan, kind, source);

    if (!s)
        fail(w, profile, "stands upon too many roles");
    return s;
}

static const char *text_of(struct walk *w, struct slice profile,
                           const char *key)
{
    struct slice v;

    return profile_get(w->files, profile, key, &v) ? cred_plan_slice(w->plan, v)
                                                   : NULL;
}

static bool has(struct walk *w, struct slice profile, const char *key)
{
    struct slice v;

    return profile_get(w->files, profile, key, &v);
}

static int fail(struct walk *w, struct slice profile, const char *what)
{
    int n = profile.n > 64 ? 64 : (int)profile.n;

    return err_set(w->err, "profile %.*s %s", n, profile.p, what);
}
