/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /api/source: where the file of a stack frame lies below --source-root, so
 * that the page can link it to an editor. Only tells that a file is there;
 * never reads one.
 */
#include <limits.h>

#include "api_parts.h"
#include "source.h"

void api_source(struct api *a, struct http1_request *r)
{
    char file[PATH_MAX];
    struct arena arena;
    struct slice path = {"", 0};
    struct buf out;
    struct jw j;
    arena_init(&arena, PATH_MAX * 4);
    (void)api_param(r, "path", &arena, &path);
    bool found =
        a->o.source_root != NULL && source_find(a->o.source_root, path, file);
    buf_init(&out, PATH_MAX * 16);
    jw_init(&j, &out);
    jw_object(&j);
    jw_key(&j, SLICE("root"));
    if (a->o.source_root != NULL)
        jw_string(&j, slice_str(a->o.source_root));
    else
        jw_null(&j);
    jw_key(&j, SLICE("file"));
    if (found)
        jw_string(&j, slice_str(file));
    else
        jw_null(&j);
    jw_object_end(&j);
    api_reply(r, 200, &out);
    buf_fini(&out);
    arena_fini(&arena);
}
