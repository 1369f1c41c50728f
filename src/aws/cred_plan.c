/* SPDX-License-Identifier: Apache-2.0 */
/* Plans and jobs, as the families and kinds of this folder use them. */
#include <stdarg.h>
#include <stdio.h>

#include "cred_job.h"

void cred_job_end(struct cred_job *j, struct cred *c, const struct err *err)
{
    j->step->kind->stop(j);
    j->end(j->arg, c, err);
}

void cred_job_fail(struct cred_job *j, const char *fmt, ...)
{
    struct err err;
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(err.text, sizeof err.text, fmt, ap);
    va_end(ap);
    cred_job_end(j, NULL, &err);
}

struct cred_step *cred_plan_add(struct cred_plan *p,
                                const struct cred_kind *kind,
                                const char *source)
{
    struct cred_step *s;

    if (p->n == CRED_STEPS_MAX)
        return NULL;
    s = &p->step[p->n++];
    *s = (struct cred_step){.kind = kind, .source = source};
    return s;
}

const char *cred_plan_text(struct cred_plan *p, const char *s)
{
    return s ? cred_plan_slice(p, slice_str(s)) : NULL;
}

const char *cred_plan_slice(struct cred_plan *p, struct slice s)
{
    const char *copy = arena_dup(&p->arena, s);

    return copy ? copy : "";
}

const char *cred_plan_printf(struct cred_plan *p, const char *fmt, ...)
{
    char text[1024];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return cred_plan_text(p, text);
}
