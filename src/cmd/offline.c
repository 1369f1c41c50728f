/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the store without local mode; see offline.h. */
#include "offline.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "xr/hash.h"
#include "xr/local.h"
#include "xr/store.h"

#define PATH_BYTES_MAX 4096
#define TOKEN_BYTES 16

struct offline {
    struct local *local;
    struct http1 *server;
    char token[2 * TOKEN_BYTES + 1];
};

static bool find_store(const char *store, char *out, size_t size);
static bool newest_run(char *out, size_t size);

bool offline_is_there(void)
{
    char path[PATH_BYTES_MAX];
    return find_store(NULL, path, sizeof(path)) && access(path, R_OK) == 0;
}

struct offline *offline_open(struct loop *l, const char *store, struct err *err)
{
    struct http1_limits limits = {.body_max = 1u << 20,
                                  .headers_max = 64u << 10,
                                  .connections = 16,
                                  .timeout_s = 60};
    char path[PATH_BYTES_MAX];
    uint8_t bytes[TOKEN_BYTES];
    struct offline *o = calloc(1, sizeof(*o));
    if (o == NULL || !find_store(store, path, sizeof(path))) {
        err_set(err,
                "there is no store %s: start `xray-relay local`, or name a "
                "file of its with --store",
                store ? store : "in its usual place");
        free(o);
        return NULL;
    }
    random_bytes(bytes, sizeof(bytes));
    hex_encode(bytes, sizeof(bytes), o->token);
    struct local_options options = {
        .store = path, .read_only = true, .default_rate = 1, .token = o->token};
    o->local = local_new(l, &options, err);
    if (o->local != NULL)
        o->server = http1_new(l, "127.0.0.1:0", &limits, NULL, err);
    if (o->server == NULL) {
        offline_close(o);
        return NULL;
    }
    local_routes(o->local, o->server);
    return o;
}

const char *offline_address(const struct offline *o)
{
    return http1_bound(o->server);
}

const char *offline_token(const struct offline *o)
{
    return o->token;
}

void offline_close(struct offline *o)
{
    if (o == NULL)
        return;
    if (o->server != NULL)
        local_stop(o->local);
    http1_free(o->server);
    local_free(o->local);
    free(o);
}

static bool find_store(const char *store, char *out, size_t size)
{
    if (store == NULL)
        return local_default_path(out, size) == 0;
    if (strcmp(store, "run") == 0)
        return newest_run(out, size);
    int n = snprintf(out, size, "%s", store);
    return n > 0 && (size_t)n < size;
}

static bool newest_run(char *out, size_t size)
{
    char folder[PATH_BYTES_MAX];
    int n = 0;
    struct store_run *runs = calloc(STORE_RUNS_MAX, sizeof(*runs));
    if (runs != NULL && local_runs_folder(folder, sizeof(folder)) == 0 &&
        store_runs(folder, runs, STORE_RUNS_MAX) > 0)
        n = snprintf(out, size, "%s/%s", folder, runs[0].name);
    free(runs);
    return n > 0 && (size_t)n < size;
}
