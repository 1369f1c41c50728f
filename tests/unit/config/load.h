/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads a configuration as the program would: a folder of its own with the
 * file, an environment, a command line; keeps what was printed.
 */
#ifndef XR_TEST_LOAD_H
#define XR_TEST_LOAD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../folder.h"
#include "xr/options.h"

enum { LOAD_ARGS_MAX = 24, LOAD_TEXT_MAX = 16384 };

extern char **environ;

/* What is given and what comes of it. */
struct load {
    const char *file;   /* text of c.yaml, NULL: none */
    const char *found;  /* text of cfg.yaml in the working folder */
    const char *env[8]; /* NULL-ended */

    struct config *config;
    struct config_result result;
    char out[LOAD_TEXT_MAX], err[LOAD_TEXT_MAX];
    char warnings[LOAD_TEXT_MAX];
    char *argv[LOAD_ARGS_MAX + 2];
    char folder[FOLDER_MAX];
    char line[1024];
};

static inline void load_write(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
    fclose(f);
}

static inline void load_read(const char *path, char *out)
{
    int fd = open(path, O_RDONLY);
    ssize_t n = fd < 0 ? 0 : read(fd, out, LOAD_TEXT_MAX - 1);

    out[n < 0 ? 0 : n] = '\0';
    if (fd >= 0)
        close(fd);
}

static inline void load_note(void *arg, const char *text)
{
    char *all = arg;
    size_t n = strlen(all);

    snprintf(all + n, LOAD_TEXT_MAX - n, "%s\n", text);
}

/* fd 1 and 2 go to files while the configuration is loaded. */
static inline void load_captured(struct load *l, int argc)
{
    int out, err, place[2];

    fflush(stdout);
    fflush(stderr);
    place[0] = dup(1);
    place[1] = dup(2);
    out = open("out", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    err = open("err", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(out >= 0 && err >= 0);
    dup2(out, 1);
    dup2(err, 2);
    l->config = config_load(argc, l->argv, &l->result);
    fflush(stdout);
    fflush(stderr);
    dup2(place[0], 1);
    dup2(place[1], 2);
    close(out);
    close(err);
    close(place[0]);
    close(place[1]);
}

/* words: the command line behind the program's name, parted by blanks; '' is
 * an empty word. */
static inline void load_run(struct load *l, const char *words)
{
    char **env = environ, here[512], *save = NULL;
    int argc = 1;

    assert_non_null(getcwd(here, sizeof(here)));
    folder_make(l->folder);
    assert_int_equal(chdir(l->folder), 0);
    if (l->file)
        load_write("c.yaml", l->file);
    if (l->found)
        load_write("cfg.yaml", l->found);
    snprintf(l->line, sizeof(l->line), "%s", words);
    l->argv[0] = (char *)"xray-relay";
    for (char *w = strtok_r(l->line, " ", &save); w;
         w = strtok_r(NULL, " ", &save)) {
        assert_true(argc < LOAD_ARGS_MAX);
        l->argv[argc++] = strcmp(w, "''") == 0 ? (char *)"" : w;
    }
    l->argv[argc] = NULL;
    environ = (char **)l->env;
    load_captured(l, argc);
    environ = env;
    assert_int_equal(l->config == NULL, l->result.done);
    load_read("out", l->out);
    load_read("err", l->err);
    l->warnings[0] = '\0';
    if (l->config)
        config_warnings(l->config, load_note, l->warnings);
    assert_int_equal(chdir(here), 0);
}

static inline const struct options *load_options(const struct load *l)
{
    return config_options(l->config);
}

static inline void load_end(struct load *l)
{
    config_free(l->config);
    assert_int_equal(folder_remove(l->folder), 0);
}

#define assert_contains(text, part)                                            \
    do {                                                                       \
        if (!strstr(text, part))                                               \
            fail_msg("no \"%s\" in \"%s\"", part, text);                       \
    } while (0)

#endif
