/* SPDX-License-Identifier: Apache-2.0 */
/* Environment variables as the AWS SDKs read them: empty counts as unset. */
#ifndef XR_AWS_ENV_H
#define XR_AWS_ENV_H

#include <stdbool.h>
#include <stdlib.h>
#include <strings.h>

static inline const char *env_text(const char *name)
{
    const char *v = getenv(name);

    return v && *v ? v : NULL;
}

static inline bool env_true(const char *name)
{
    const char *v = getenv(name);

    return v && strcasecmp(v, "true") == 0;
}

#endif
