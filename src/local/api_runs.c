/* SPDX-License-Identifier: Apache-2.0 */
/* GET /api/runs: the files of earlier starts (`--store run`). */
#include <stdlib.h>

#include "api_parts.h"

#define RUNS_ANSWER_MAX (1u << 20)

static void write_run(struct jw *j, const char *folder, const char *current,
                      const struct store_run *run);

void api_runs(struct api *a, struct http1_request *r)
{
    const char *folder = a->o.runs_folder;
    struct store_run *runs = calloc(STORE_RUNS_MAX, sizeof(*runs));
    size_t n = runs && folder ? store_runs(folder, runs, STORE_RUNS_MAX) : 0;
    struct buf out;
    struct jw j;
    buf_init(&out, RUNS_ANSWER_MAX);
    jw_init(&j, &out);
    jw_object(&j);
    jw_key(&j, SLICE("runs"));
    jw_array(&j);
    for (size_t i = 0; i < n; i++)
        write_run(&j, folder, a->o.limits.path, &runs[i]);
    jw_array_end(&j);
    jw_object_end(&j);
    api_reply(r, 200, &out);
    buf_fini(&out);
    free(runs);
}

static void write_run(struct jw *j, const char *folder, const char *current,
                      const struct store_run *run)
{
    struct buf path;
    buf_init(&path, 8192);
    buf_printf(&path, "%s/%s", folder, run->name);
    jw_object(j);
    jw_key(j, SLICE("name"));
    jw_string(j, slice_str(run->name));
    jw_key(j, SLICE("path"));
    jw_string(j, buf_slice(&path));
    jw_key(j, SLICE("started"));
    jw_double(j, run->started);
    jw_key(j, SLICE("written"));
    jw_double(j, run->written);
    jw_key(j, SLICE("bytes"));
    jw_uint(j, run->bytes);
    jw_key(j, SLICE("current"));
    jw_bool(j, current && slice_is(buf_slice(&path), current));
    jw_object_end(j);
    buf_fini(&path);
}
