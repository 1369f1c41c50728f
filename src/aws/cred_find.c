/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One look for credentials. The first family that is configured decides: when
 * it fails, the look fails and says so, since going on with the credentials of
 * somebody else (the node's, say) would be worse than waiting. IMDS, which
 * needs no configuration, is the last.
 */
#include "cred_find.h"

#include <stdio.h>
#include <string.h>

#include "cred_make.h"
#include "env.h"

#define FAMILIES 5

static void order(const struct cred_family *out[FAMILIES]);
static int make_plan(struct cred_find *f, struct err *err);
static void note(struct cred_find *f, const char *family, const char *why);
static int add_role(struct cred_find *f, struct err *err);
static void take_step(struct cred_find *f);
static void on_step(void *arg, struct cred *c, const struct err *err);
static void finish(struct cred_find *f, struct cred *c, const struct err *err);
static struct cred *name_source(struct cred_find *f, struct cred *c);
static void wipe_plan(struct cred_plan *p);
static void wipe(const char *s);

void cred_find_init(struct cred_find *f, struct loop *l, struct client *c)
{
    *f = (struct cred_find){.job = {.loop = l, .client = c}};
    arena_init(&f->plan.arena, CRED_PLAN_MAX);
}

void cred_find_start(struct cred_find *f, const struct cred_options *o,
                     void (*fn)(void *arg, struct cred *c,
                                const struct err *err),
                     void *arg)
{
    struct err err = {.text = ""};

    f->fn = fn;
    f->arg = arg;
    f->options = *o;
    f->running = true;
    f->step = 0;
    f->tried.text[0] = '\0';
    f->source[0] = '\0';
    f->job.region = o->region;
    f->job.end = on_step;
    f->job.arg = f;
    if (make_plan(f, &err) != 0)
        finish(f, NULL, &err);
    else
        take_step(f);
}

void cred_find_stop(struct cred_find *f)
{
    if (f->running)
        f->job.step->kind->stop(&f->job);
    f->running = false;
    cred_unref(f->job.base);
    f->job.base = NULL;
    wipe_plan(&f->plan);
    arena_fini(&f->plan.arena);
}

bool cred_find_stale(const struct cred_find *f)
{
    if (!f->plan.stamped)
        return false;
    for (int i = 0; i < PROFILE_FILES; i++)
        if (file_stamp_changed(&f->plan.stamp[i]))
            return true;
    return false;
}

/* As the original: environment first. But with SnapStart the keys of a
 * snapshot would be old, so that there the container endpoint goes before. */
static void order(const struct cred_family *out[FAMILIES])
{
    static const struct cred_family *const usual[FAMILIES] = {
        &cred_family_environment, &cred_family_web_identity, &cred_family_files,
        &cred_family_container,   &cred_family_imds,
    };
    const char *type = env_text("AWS_LAMBDA_INITIALIZATION_TYPE");

    memcpy(out, usual, sizeof usual);
    if (!type || strcmp(type, "snap-start") != 0)
        return;
    memmove(out + 1, usual, 3 * sizeof *out);
    out[0] = &cred_family_container;
}

static int make_plan(struct cred_find *f, struct err *err)
{
    const struct cred_family *families[FAMILIES];

    order(families);
    wipe_plan(&f->plan);
    arena_reset(&f->plan.arena);
    f->plan.n = 0;
    f->plan.stamped = false;
    for (size_t i = 0; i < FAMILIES; i++) {
        struct err why = {.text = ""};
        int rc;

        f->family = families[i]->name;
        if (families[i] == &cred_family_imds && f->options.no_imds) {
            note(f, f->family, "not asked");
            continue;
        }
        rc = families[i]->plan(&f->plan, &why);
        if (rc == 1)
            return add_role(f, err);
        note(f, f->family, why.text);
        if (rc < 0)
            break;
    }
    return err_set(err, "%s", f->tried.text);
}

static void note(struct cred_find *f, const char *family, const char *why)
{
    char *text = f->tried.text;
    size_t n = strlen(text);

    snprintf(text + n, sizeof f->tried.text - n, "%s%s: %s", n ? "; " : "",
             family, why);
}

static int add_role(struct cred_find *f, struct err *err)
{
    const struct cred_options *o = &f->options;
    struct cred_step *s;

    if (!o->role_arn || !*o->role_arn)
        return 0;
    s = cred_plan_add(&f->plan, &cred_kind_assume_role, o->role_arn);
    if (!s)
        return err_set(err,
                       "more than %d roles and sources one upon "
                       "another",
                       CRED_STEPS_MAX);
    s->role.arn = o->role_arn;
    s->role.session_name = o->role_session_name;
    s->role.external_id = o->role_external_id;
    return 0;
}

static void take_step(struct cred_find *f)
{
    f->job.step = &f->plan.step[f->step];
    f->job.step->kind->start(&f->job);
}

static void on_step(void *arg, struct cred *c, const struct err *err)
{
    struct cred_find *f = arg;
    size_t n = strlen(f->source);

    cred_unref(f->job.base);
    f->job.base = NULL;
    snprintf(f->source + n, sizeof f->source - n, "%s%s", n ? " > " : "",
             f->job.step->source);
    if (!c) {
        struct err why;

        note(f, f->source, err->text);
        err_set(&why, "%s", f->tried.text);
        finish(f, NULL, &why);
    } else if (++f->step < f->plan.n) {
        f->job.base = c;
        take_step(f);
    } else {
        finish(f, name_source(f, c), NULL);
    }
}

static void finish(struct cred_find *f, struct cred *c, const struct err *err)
{
    f->running = false;
    wipe_plan(&f->plan);
    f->fn(f->arg, c, err);
}

/* With several steps the source names all of them. */
static struct cred *name_source(struct cred_find *f, struct cred *c)
{
    struct cred_parts p = {
        .id = c->access_key_id,
        .secret = c->secret_access_key,
        .token = c->session_token,
        .expires_ms = c->expires_ms,
        .refresh_ms = c->refresh_ms,
    };
    struct cred *named;
    struct err err;

    if (f->plan.n < 2)
        return c;
    named = cred_make(&p, f->source, &err);
    cred_unref(c);
    return named;
}

/* The arena may keep its memory: take the secrets out of it. */
static void wipe_plan(struct cred_plan *p)
{
    for (size_t i = 0; i < p->n; i++) {
        const struct cred_step *s = &p->step[i];

        if (s->kind == &cred_kind_fixed) {
            wipe(s->fixed.secret);
            wipe(s->fixed.token);
        } else if (s->kind == &cred_kind_container) {
            wipe(s->container.token);
        }
    }
    p->n = 0;
}

static void wipe(const char *s)
{
    if (s && *s)
        explicit_bzero((char *)s, strlen(s));
}
