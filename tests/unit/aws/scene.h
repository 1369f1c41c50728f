/* SPDX-License-Identifier: Apache-2.0 */
/* Environment and files of a test: nothing of AWS set, a home of its own. */
#ifndef XR_TESTS_SCENE_H
#define XR_TESTS_SCENE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../folder.h"

extern char **environ;

static char scene_home[FOLDER_MAX];

static inline void scene_env_clear(void)
{
    for (size_t i = 0; environ[i];) {
        char name[128];

        snprintf(name, sizeof name, "%.*s", (int)strcspn(environ[i], "="),
                 environ[i]);
        if (strncmp(name, "AWS_", 4) == 0 || strncmp(name, "ECS_", 4) == 0)
            unsetenv(name);
        else
            i++;
    }
}

static inline void scene_begin(void)
{
    scene_env_clear();
    folder_make(scene_home);
    setenv("HOME", scene_home, 1);
}

static inline void scene_path(const char *name, char out[160])
{
    snprintf(out, 160, "%s/%s", scene_home, name);
}

/* Writes a file under the home, its folders included. */
static inline void scene_file(const char *name, const char *text)
{
    char path[160];
    FILE *f;

    scene_path(name, path);
    for (char *p = path + strlen(scene_home) + 1; (p = strchr(p, '/')); p++) {
        *p = '\0';
        mkdir(path, 0700);
        *p = '/';
    }
    f = fopen(path, "w");
    if (!f || fputs(text, f) < 0 || fclose(f) != 0)
        abort();
}

static inline void scene_end(void)
{
    scene_env_clear();
    if (folder_remove(scene_home) != 0)
        abort();
}

#endif
