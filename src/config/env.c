/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options from the environment: the few variables that the X-Ray daemon reads
 * for its own settings (weaker than the file) and XRAY_RELAY_… for every
 * option (stronger). A variable set to nothing counts as not set. Variables of
 * the client side, such as AWS_XRAY_DAEMON_ADDRESS, are none of our business.
 */
#include <string.h>

#include "config.h"

#define OWN_PREFIX "XRAY_RELAY_"

static void apply(struct config *c, int row, const char *name,
                  const char *text);
static bool has_own(const struct config *c);
static void refuse_strays(struct config *c);
static bool is_known(const char *name, size_t n);

const char *env_get(const struct config *c, const char *name)
{
    size_t n = strlen(name);

    for (char **e = c->environment; e && *e; e++)
        if (strncmp(*e, name, n) == 0 && (*e)[n] == '=')
            return (*e)[n + 1] ? *e + n + 1 : NULL;
    return NULL;
}

void env_apply_daemon(struct config *c)
{
    for (size_t i = 0; i < option_rows_n; i++) {
        const char *name = option_rows[i].daemon_env;
        const char *text = name ? env_get(c, name) : NULL;
        if (text)
            apply(c, (int)i, name, text);
    }
}

void env_apply_own(struct config *c)
{
    char name[OPTION_ENV_MAX];

    if (!has_own(c)) /* as a rule in Lambda, where each start counts */
        return;
    for (size_t i = 0; i < option_rows_n; i++) {
        if (!option_rows[i].key)
            continue;
        option_env_name(option_rows[i].key, name);
        const char *text = env_get(c, name);
        if (text)
            apply(c, (int)i, name, text);
    }
    refuse_strays(c);
}

static bool has_own(const struct config *c)
{
    for (char **e = c->environment; e && *e; e++)
        if (strncmp(*e, OWN_PREFIX, strlen(OWN_PREFIX)) == 0)
            return true;
    return false;
}

static void apply(struct config *c, int row, const char *name, const char *text)
{
    const char *origin = config_text(c, "environment %s", name);
    struct value v;
    struct err err;

    if (config_read_text(c, row, text, &v, &err) != 0)
        config_fault(c, "%s: %s", origin, err.text);
    else
        (void)config_store(c, row, &v, origin);
}

/* A name of ours that no option has is a typing mistake. */
static void refuse_strays(struct config *c)
{
    for (char **e = c->environment; e && *e; e++) {
        size_t n = strcspn(*e, "=");
        if (strncmp(*e, OWN_PREFIX, strlen(OWN_PREFIX)) == 0 &&
            !is_known(*e, n))
            config_warn(c,
                        "environment %.*s: no option has this variable; "
                        "`xray-relay config --manual` lists them",
                        (int)(n < 100 ? n : 100), *e);
    }
}

static bool is_known(const char *name, size_t n)
{
    /* The token is a secret, and so no option that a file could hold; that
     * others may reach local mode isn't one either. */
    static const char *const others[] = {
        OWN_PREFIX "CONFIG", OWN_PREFIX "TOKEN", OWN_PREFIX "ALLOW_REMOTE"};
    char known[OPTION_ENV_MAX];

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        if (strlen(others[i]) == n && strncmp(others[i], name, n) == 0)
            return true;
    for (size_t i = 0; i < option_rows_n; i++) {
        if (!option_rows[i].key)
            continue;
        option_env_name(option_rows[i].key, known);
        if (strlen(known) == n && strncmp(known, name, n) == 0)
            return true;
    }
    return false;
}
