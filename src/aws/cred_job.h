/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How credentials are found, for the files of this folder. A family looks at
 * environment and files and, when it is configured, writes a plan: steps that
 * are taken one after the other, each of a kind. Most plans have one step; a
 * role in a profile, or RoleARN, adds AssumeRole steps that use what the step
 * before found. A job is one step being taken.
 */
#ifndef XR_AWS_CRED_JOB_H
#define XR_AWS_CRED_JOB_H

#include "profile.h"
#include "xr/arena.h"
#include "xr/client.h"
#include "xr/cred.h"

#define CRED_STEPS_MAX 8
#define CRED_PLAN_MAX ((size_t)256 << 10)
#define CRED_ANSWER_MAX ((size_t)256 << 10)
#define CRED_TOKEN_FILE_MAX ((size_t)64 << 10)
#define CRED_SESSION_NAME "xray-daemon"
#define CRED_SESSION_S 900

struct cred_job;

struct cred_kind {
    const char *name;
    /* Ends with cred_job_end or cred_job_fail, perhaps before it returns. */
    void (*start)(struct cred_job *j);
    /* Gives back what start took: after the end, or in place of it. */
    void (*stop)(struct cred_job *j);
};

/* Texts live in the plan's arena; NULL where not given. */
struct cred_step {
    const struct cred_kind *kind;
    const char *source;
    union {
        struct {
            const char *id, *secret, *token;
        } fixed;
        struct {
            const char *arn, *session_name, *external_id, *region;
            const char *token_file; /* web identity only */
            unsigned duration_s;
        } role;
        struct {
            const char *url, *token, *token_file;
        } container;
        struct {
            const char *command;
        } process;
        struct {
            const char *start_url, *region, *account, *role, *profile;
        } sso;
    };
};

struct cred_plan {
    struct arena arena;
    struct cred_step step[CRED_STEPS_MAX];
    size_t n;
    /* Files whose change makes the plan stale. */
    struct file_stamp stamp[PROFILE_FILES];
    bool stamped;
};

struct cred_family {
    const char *name;
    /* 1: planned. 0: not configured. -1: configured, but wrongly. The reason
     * for the latter two in err. */
    int (*plan)(struct cred_plan *p, struct err *err);
};

struct cred_job {
    struct loop *loop;
    struct client *client;
    const char *region; /* NULL: not known */
    const struct cred_step *step;
    struct cred *base; /* of the step before; NULL for the first */
    void *state;       /* the kind's own */
    void (*end)(void *arg, struct cred *c, const struct err *err);
    void *arg;
};

/* Ends the job; the last thing that a kind does. c is handed over; NULL fails
 * the job with err. */
void cred_job_end(struct cred_job *j, struct cred *c, const struct err *err);
void cred_job_fail(struct cred_job *j, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Adds a step, zeroed but for kind and source; NULL when there are too many. */
struct cred_step *cred_plan_add(struct cred_plan *p,
                                const struct cred_kind *kind,
                                const char *source);
/* Texts into the plan's arena; NULL stays NULL. A full arena gives "". */
const char *cred_plan_text(struct cred_plan *p, const char *s);
const char *cred_plan_slice(struct cred_plan *p, struct slice s);
const char *cred_plan_printf(struct cred_plan *p, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

extern const struct cred_family cred_family_environment;
extern const struct cred_family cred_family_web_identity;
extern const struct cred_family cred_family_files;
extern const struct cred_family cred_family_container;
extern const struct cred_family cred_family_imds;

extern const struct cred_kind cred_kind_fixed;
extern const struct cred_kind cred_kind_web_identity;
extern const struct cred_kind cred_kind_assume_role;
extern const struct cred_kind cred_kind_container;
extern const struct cred_kind cred_kind_process;
extern const struct cred_kind cred_kind_sso;

#endif
