/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /api/runs/NAME/…: an earlier run, asked as the store of this one is. Its
 * file is opened to be read only, and stays open while it is among those asked
 * last. Opening is quick, as nothing is checked or mended, so the loop waits
 * for it. Knows no answer: those are given by an API of the run's own.
 */
#include <stdio.h>
#include <stdlib.h>

#include "api_parts.h"

#define RUNS_OPEN_MAX 4
#define PATH_BYTES_MAX 4096

struct api_run {
    struct api_run *next; /* asked before it */
    char name[sizeof((struct store_run){0}.name)];
    char path[PATH_BYTES_MAX];
    struct store *store;
    struct api *api;
};

static bool is_there(const char *folder, struct slice name);
static struct api_run *find(struct api *a, struct slice name);
static struct api_run *open_run(struct api *a, struct slice name,
                                struct err *err);
static void close_oldest(struct api *a);
static void close_run(struct api_run *run);

bool api_try_run(struct api *a, struct http1_request *r, struct slice path)
{
    struct err err = {""};
    if (!slice_starts(path, "runs/") || a->o.runs_folder == NULL)
        return false;
    path = slice_of(path.p + 5, path.n - 5);
    const char *slash = memchr(path.p, '/', path.n);
    if (slash == NULL)
        return false;
    struct slice name = slice_of(path.p, (size_t)(slash - path.p));
    if (!is_there(a->o.runs_folder, name)) {
        api_fail(r, 404, "there is no such run any more");
        return true;
    }
    struct api_run *run = find(a, name);
    if (run == NULL)
        run = open_run(a, name, &err);
    if (run == NULL) {
        api_fail(r, 503, err.text);
        return true;
    }
    return api_serve(run->api, r, slice_of(slash + 1, path.n - name.n - 1));
}

void api_close_runs(struct api *a)
{
    while (a->runs != NULL)
        close_oldest(a);
}

/* By the list, so that no name leads elsewhere. */
static bool is_there(const char *folder, struct slice name)
{
    struct store_run *runs = calloc(STORE_RUNS_MAX, sizeof(*runs));
    size_t n = runs == NULL ? 0 : store_runs(folder, runs, STORE_RUNS_MAX);
    bool found = false;
    for (size_t i = 0; i < n && !found; i++)
        found = slice_is(name, runs[i].name);
    free(runs);
    return found;
}

/* What is found comes to the front. */
static struct api_run *find(struct api *a, struct slice name)
{
    for (struct api_run **at = &a->runs; *at != NULL; at = &(*at)->next) {
        struct api_run *run = *at;
        if (!slice_is(name, run->name))
            continue;
        *at = run->next;
        run->next = a->runs;
        a->runs = run;
        return run;
    }
    return NULL;
}

static struct api_run *open_run(struct api *a, struct slice name,
                                struct err *err)
{
    struct api_run *run = calloc(1, sizeof(*run));
    if (run == NULL)
        abort();
    snprintf(run->name, sizeof(run->name), "%.*s", (int)name.n, name.p);
    snprintf(run->path, sizeof(run->path), "%s/%s", a->o.runs_folder,
             run->name);
    struct store_options store = {.path = run->path, .read_only = true};
    run->store = store_open(a->o.loop, &store, err);
    if (run->store == NULL) {
        free(run);
        return NULL;
    }
    struct api_options o = {.loop = a->o.loop,
                            .store = run->store,
                            .groups = a->o.groups,
                            .guard = a->o.guard,
                            .source_root = a->o.source_root,
                            .limits = store};
    run->api = api_new(&o);
    run->api->earlier = true;
    run->next = a->runs;
    a->runs = run;
    size_t n = 0;
    for (struct api_run *one = a->runs; one != NULL; one = one->next)
        n++;
    if (n > RUNS_OPEN_MAX)
        close_oldest(a);
    return run;
}

static void close_oldest(struct api *a)
{
    struct api_run **at = &a->runs;
    while ((*at)->next != NULL)
        at = &(*at)->next;
    close_run(*at);
    *at = NULL;
}

/* Its requests under way are answered that the store could not be read. */
static void close_run(struct api_run *run)
{
    api_stop(run->api);
    store_close(run->store);
    api_free(run->api);
    free(run);
}
