/* SPDX-License-Identifier: Apache-2.0 */
/* Local mode put together: store, sink, groups and rules, query API. */
#include "xr/local.h"

#include <stdio.h>
#include <stdlib.h>

#include "index.h"
#include "query.h"
#include "resource.h"
#include "traces.h"
#include "xr/log.h"

struct local {
    struct traces traces;
    struct store *store;
    struct resources *resources;
    struct query *query;
};

static void on_tally(void *arg, const struct store_tally *tally);
static void on_kept(void *arg, enum store_kind kind, struct slice name,
                    struct slice body);

struct local *local_new(struct loop *loop, const struct local_options *o,
                        struct err *err)
{
    struct local *l = calloc(1, sizeof(*l));
    struct store_options store = {
        .path = o->store,
        .index = index_trace,
        .on_tally = on_tally,
        .on_kept = on_kept,
        .arg = l,
    };
    if (!l || !(l->resources = resources_new()))
        log_fatal("out of memory for local mode");
    traces_init(&l->traces, o->strict);
    l->store = store_open(loop, &store, err);
    if (!l->store) {
        local_free(l);
        return NULL;
    }
    l->traces.store = l->store;
    struct query_options query = {.loop = loop,
                                  .store = l->store,
                                  .resources = l->resources,
                                  .default_rate = o->default_rate};
    l->query = query_new(&query);
    return l;
}

struct sink *local_sink(struct local *l)
{
    return &l->traces.sink;
}

void local_routes(struct local *l, struct http1 *server)
{
    query_routes(l->query, server);
}

void local_commit(void *arg, void (*done)(void *arg, bool kept), void *done_arg)
{
    store_flush(((struct local *)arg)->store, done, done_arg);
}

uint64_t local_traces(const struct local *l)
{
    return store_health(l->store).traces;
}

int local_default_path(char *out, size_t size)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    int n = -1;
    if (state && *state == '/')
        n = snprintf(out, size, "%s/xray-relay/traces.db", state);
    else if (home && *home == '/')
        n = snprintf(out, size, "%s/.local/state/xray-relay/traces.db", home);
    return n > 0 && (size_t)n < size ? 0 : -1;
}

void local_free(struct local *l)
{
    if (!l)
        return;
    store_close(l->store);
    query_free(l->query);
    resources_free(l->resources);
    free(l);
}

static void on_tally(void *arg, const struct store_tally *tally)
{
    traces_on_tally(&((struct local *)arg)->traces, tally);
}

static void on_kept(void *arg, enum store_kind kind, struct slice name,
                    struct slice body)
{
    resources_load(((struct local *)arg)->resources, kind, name, body);
}
