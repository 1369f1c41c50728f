/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The region, as far as this machine tells without network: what was
 * configured, environment, ECS metadata file, shared config file. Files are
 * foreign; an odd one is reported and passed over.
 */
#include "xr/region.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "env.h"
#include "profile.h"
#include "xr/log.h"
#include "xr/slice.h"

#define REGION_SIZE 64
#define ECS_FILE_MAX ((size_t)256 << 10)

static bool take(struct slice value, const char *from, char out[REGION_SIZE],
                 const char **source);
static bool from_ecs_file(char out[REGION_SIZE], const char **source);
static bool region_of_task(struct slice json, char out[REGION_SIZE],
                           struct err *err);
static bool from_profile(char out[REGION_SIZE], const char **source);

bool region_find_local(const char *configured, bool local_mode,
                       char out[REGION_SIZE], const char **source)
{
    const char *v = env_text("AWS_REGION");

    out[0] = '\0';
    *source = "";
    if (take(slice_str(configured), "configuration", out, source) ||
        take(slice_str(v), "AWS_REGION", out, source))
        return true;
    if (!local_mode)
        return from_ecs_file(out, source);
    v = env_text("AWS_DEFAULT_REGION");
    return take(slice_str(v), "AWS_DEFAULT_REGION", out, source) ||
           from_profile(out, source);
}

static bool take(struct slice value, const char *from, char out[REGION_SIZE],
                 const char **source)
{
    if (value.n == 0)
        return false;
    if (value.n >= REGION_SIZE) {
        log_error("Region from %s is longer than %d characters: ignored", from,
                  REGION_SIZE - 1);
        return false;
    }
    memcpy(out, value.p, value.n);
    out[value.n] = '\0';
    *source = from;
    return true;
}

static bool from_ecs_file(char out[REGION_SIZE], const char **source)
{
    const char *path = env_text("ECS_CONTAINER_METADATA_FILE");
    struct buf text;
    struct err err;
    bool found = false;

    if (!path || !env_true("ECS_ENABLE_CONTAINER_METADATA"))
        return false;
    buf_init(&text, ECS_FILE_MAX);
    if (file_read(path, &text, &err) != 0)
        log_error("Unable to read ECS metadata file: %s", err.text);
    else if (!region_of_task(buf_slice(&text), out, &err))
        log_error("Unable to use ECS metadata file %s: %s", path, err.text);
    else
        found = true;
    buf_fini(&text);
    *source = found ? "ECS metadata file" : "";
    return found;
}

/* The 4th colon field of TaskARN; false with the reason. Takes any bytes. */
static bool region_of_task(struct slice json, char out[REGION_SIZE],
                           struct err *err)
{
    json_error_t why;
    json_t *root = json_loadb(json.p ? json.p : "", json.n, 0, &why);
    const char *p = json_string_value(json_object_get(root, "TaskARN"));
    size_t n = 0;

    if (!root)
        err_set(err, "not JSON: %s", why.text);
    else if (!p)
        err_set(err, "no TaskARN in it");
    for (int i = 0; p && i < 3; i++) {
        p = strchr(p, ':');
        p = p ? p + 1 : NULL;
        if (!p)
            err_set(err, "TaskARN has no region");
    }
    if (p)
        n = strcspn(p, ":");
    if (p && (n == 0 || n >= REGION_SIZE))
        err_set(err, "TaskARN has no usable region");
    else if (p)
        memcpy(out, p, n);
    out[n < REGION_SIZE ? n : 0] = '\0';
    json_decref(root);
    return out[0] != '\0';
}

static bool from_profile(char out[REGION_SIZE], const char **source)
{
    const char *name = profile_chosen();
    struct profiles p;
    struct slice v;
    struct err err;
    bool found = false;

    if (profiles_read(&p, &err) != 0)
        log_error("Unable to read shared config: %s", err.text);
    else if (!profile_exists(&p, slice_str(name)) && env_text("AWS_PROFILE"))
        log_error("Unable to get default config: failed to get shared config "
                  "profile, %s",
                  name);
    else if (profile_get(&p, slice_str(name), "region", &v))
        found = take(v, "shared config file", out, source);
    profiles_free(&p);
    return found;
}
