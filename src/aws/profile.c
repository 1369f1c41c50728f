/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the shared files are and what a profile in them says. Who asks decides
 * what the keys mean.
 */
#include "profile.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "env.h"
#include "ini.h"

static bool find_path(int which, char out[FILE_PATH_MAX]);
static bool find(const struct profiles *p, int which, struct slice name,
                 const char *key, struct slice *value);

const char *profile_chosen(void)
{
    const char *name = env_text("AWS_PROFILE");

    if (!name)
        name = env_text("AWS_DEFAULT_PROFILE");
    return name ? name : "default";
}

int profiles_read(struct profiles *p, struct err *err)
{
    char path[FILE_PATH_MAX];
    int rc = 0;

    memset(p, 0, sizeof *p);
    for (int i = 0; i < PROFILE_FILES; i++) {
        buf_init(&p->text[i], PROFILE_FILE_MAX);
        if (!find_path(i, path))
            continue;
        /* The stamp first: a write between the two is seen later. */
        file_stamp_take(&p->stamp[i], path);
        if (rc == 0 && file_read(path, &p->text[i], err) != 0 &&
            errno != ENOENT && errno != ENOTDIR)
            rc = -1;
    }
    return rc;
}

void profiles_free(struct profiles *p)
{
    for (int i = 0; i < PROFILE_FILES; i++) {
        if (p->text[i].n)
            explicit_bzero(p->text[i].p, p->text[i].n);
        buf_fini(&p->text[i]);
    }
}

bool profile_exists(const struct profiles *p, struct slice name)
{
    struct slice config = buf_slice(&p->text[PROFILE_CONFIG]);

    return ini_has(buf_slice(&p->text[PROFILE_CREDENTIALS]), NULL, name) ||
           ini_has(config, "profile", name) ||
           (slice_is(name, "default") && ini_has(config, NULL, name));
}

bool profile_get(const struct profiles *p, struct slice name, const char *key,
                 struct slice *value)
{
    return (find(p, PROFILE_CREDENTIALS, name, key, value) ||
            find(p, PROFILE_CONFIG, name, key, value)) &&
           value->n > 0;
}

bool profile_sso_session(const struct profiles *p, struct slice name,
                         const char *key, struct slice *value)
{
    return ini_find(buf_slice(&p->text[PROFILE_CONFIG]), "sso-session", name,
                    key, value) &&
           value->n > 0;
}

bool profile_home_path(const char *rest, char out[FILE_PATH_MAX])
{
    const char *home = env_text("HOME");
    int n = home ? snprintf(out, FILE_PATH_MAX, "%s/%s", home, rest) : -1;

    return n > 0 && n < FILE_PATH_MAX;
}

static bool find_path(int which, char out[FILE_PATH_MAX])
{
    static const struct {
        const char *variable, *usual;
    } files[PROFILE_FILES] = {
        [PROFILE_CONFIG] = {"AWS_CONFIG_FILE", ".aws/config"},
        [PROFILE_CREDENTIALS] = {"AWS_SHARED_CREDENTIALS_FILE",
                                 ".aws/credentials"},
    };
    const char *given = env_text(files[which].variable);
    int n;

    if (!given)
        return profile_home_path(files[which].usual, out);
    if (strncmp(given, "~/", 2) == 0)
        return profile_home_path(given + 2, out);
    n = snprintf(out, FILE_PATH_MAX, "%s", given);
    return n > 0 && n < FILE_PATH_MAX;
}

/* [profile default] goes before [default] in the config file. */
static bool find(const struct profiles *p, int which, struct slice name,
                 const char *key, struct slice *value)
{
    struct slice text = buf_slice(&p->text[which]);

    if (which == PROFILE_CREDENTIALS)
        return ini_find(text, NULL, name, key, value);
    if (ini_has(text, "profile", name))
        return ini_find(text, "profile", name, key, value);
    return slice_is(name, "default") && ini_find(text, NULL, name, key, value);
}
