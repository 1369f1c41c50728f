/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The own API's front: which path is whose, who may ask, health, and the form
 * of answers.
 */
#include "api.h"

#include <stdio.h>
#include <stdlib.h>

#include "api_parts.h"

#define SMALL_ANSWER_MAX (4u << 20)

struct route {
    const char *method, *path;
    void (*fn)(struct api *a, struct http1_request *r);
    bool earlier; /* also of an earlier run */
};

static void on_request(void *arg, struct http1_request *r);
static bool try_route(struct api *a, struct http1_request *r,
                      struct slice path);
static bool try_trace(struct api *a, struct http1_request *r,
                      struct slice path);
static bool is_change(struct slice method);
static void on_health(struct api *a, struct http1_request *r);
static void on_live(struct api *a, struct http1_request *r);
static void write_health(struct api *a, struct http1_request *r, bool live);
static void write_store(struct api *a, struct jw *j,
                        const struct store_health *h);
static void on_graph(struct api *a, struct http1_request *r);
static void on_events(struct api *a, struct http1_request *r);
static void on_wait(struct api *a, struct http1_request *r);
static void on_mark(struct api *a, struct http1_request *r);
static void on_faults(struct api *a, struct http1_request *r);
static void on_set_faults(struct api *a, struct http1_request *r);

static const struct route routes[] = {
    {"GET", "health", on_health, true},
    {"GET", "live", on_live, false},
    {"GET", "runs", api_runs, false},
    {"GET", "traces", api_list, true},
    {"DELETE", "traces", api_delete, false},
    {"GET", "histogram", api_histogram, true},
    {"GET", "graph", on_graph, true},
    {"GET", "diff", api_diff, true},
    {"GET", "events", on_events, false},
    {"GET", "wait", on_wait, false},
    {"POST", "mark", on_mark, false},
    {"GET", "export", api_export, false},
    {"POST", "import", api_import, false},
    {"GET", "complete", api_complete, true},
    {"GET", "source", api_source, true},
    {"GET", "faults", on_faults, false},
    {"POST", "faults", on_set_faults, false},
};

struct api *api_new(const struct api_options *o)
{
    struct api *a = calloc(1, sizeof(*a));
    if (a == NULL)
        abort();
    a->o = *o;
    a->started = api_now();
    a->events = api_events_new(a);
    a->waits = api_waits_new(a);
    return a;
}

void api_routes(struct api *a, struct http1 *server)
{
    http1_route_streamed(
        server, (struct http1_route){"POST", "/api/import", on_request, a},
        API_IMPORT_MAX);
    http1_route(server, (struct http1_route){"*", "/api/*", on_request, a});
}

void api_on_change(struct api *a, const struct store_change *c, size_t n)
{
    api_events_change(a->events, c, n);
    api_waits_change(a->waits);
}

void api_stop(struct api *a)
{
    a->stopped = true;
    api_close_runs(a);
    api_events_stop(a->events);
    api_waits_stop(a->waits);
}

/* The store is closed before: nothing is under way any more. */
void api_free(struct api *a)
{
    if (a == NULL)
        return;
    while (a->works != NULL)
        api_work_free(a->works);
    api_events_free(a->events);
    api_waits_free(a->waits);
    free(a);
}

void api_fail(struct http1_request *r, int status, const char *message)
{
    struct buf out;
    struct jw j;
    unsigned column = 0;
    buf_init(&out, 8192);
    jw_init(&j, &out);
    jw_object(&j);
    jw_key(&j, SLICE("error"));
    jw_object(&j);
    jw_key(&j, SLICE("message"));
    jw_string(&j, slice_str(message));
    jw_key(&j, SLICE("column"));
    if (sscanf(message, "filter, column %u:", &column) == 1)
        jw_uint(&j, column);
    else
        jw_null(&j);
    jw_object_end(&j);
    jw_object_end(&j);
    api_reply(r, status, &out);
    buf_fini(&out);
}

void api_reply(struct http1_request *r, int status, struct buf *json)
{
    http1_add(r, "Cache-Control", SLICE("no-store"));
    http1_add(r, "X-Content-Type-Options", SLICE("nosniff"));
    http1_add(r, "Referrer-Policy", SLICE("no-referrer"));
    if (json->failed)
        http1_reply(r, 500, "application/json",
                    SLICE("{\"error\":{\"message\":\"the answer is too "
                          "large\",\"column\":null}}"));
    else
        http1_reply(r, status, "application/json", buf_slice(json));
}

static void on_request(void *arg, struct http1_request *r)
{
    struct api *a = arg;
    struct slice path = http1_path(r);
    path = slice_of(path.p + strlen("/api/"), path.n - strlen("/api/"));
    if (!guard_passes(&a->o.guard, r,
                      is_change(http1_method(r)) ? GUARD_CHANGE : GUARD_READ))
        return;
    if (a->stopped)
        api_fail(r, 503, "shutting down");
    else if (!api_serve(a, r, path) && !api_try_run(a, r, path))
        api_fail(r, 404, "there is nothing at this path");
}

bool api_serve(struct api *a, struct http1_request *r, struct slice path)
{
    if (a->earlier && is_change(http1_method(r))) {
        api_fail(r, 405, "an earlier run is only read");
        return true;
    }
    return try_route(a, r, path) || try_trace(a, r, path);
}

static bool try_route(struct api *a, struct http1_request *r, struct slice path)
{
    bool known = false;
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        if (!slice_is(path, routes[i].path) ||
            (a->earlier && !routes[i].earlier))
            continue;
        known = true;
        if (!slice_is(http1_method(r), routes[i].method))
            continue;
        routes[i].fn(a, r);
        return true;
    }
    if (known)
        api_fail(r, 405, "this method is not for this path");
    return known;
}

/* traces/{id}, traces/{id}/graph, traces/{id}/pin */
static bool try_trace(struct api *a, struct http1_request *r, struct slice path)
{
    uint8_t id[STORE_TRACE_ID];
    struct slice method = http1_method(r), rest = {"", 0};
    if (!slice_starts(path, "traces/"))
        return false;
    path = slice_of(path.p + 7, path.n - 7);
    const char *slash = memchr(path.p, '/', path.n);
    if (slash != NULL) {
        rest = slice_of(slash + 1, (size_t)(path.p + path.n - slash - 1));
        path.n = (size_t)(slash - path.p);
    }
    bool known = trace_id_read(path, id);
    if (!known)
        api_fail(r, 400, "not a trace id: 1-8hex-24hex or 32 hex digits");
    else if (rest.n == 0 && slice_is(method, "GET"))
        api_trace(a, r, id);
    else if (slice_is(rest, "graph") && slice_is(method, "GET"))
        api_graph(a, r, id);
    else if (rest.n == 0 && slice_is(method, "DELETE"))
        api_delete_one(a, r, id);
    else if (slice_is(rest, "pin") && is_change(method))
        api_pin(a, r, id, !slice_is(method, "DELETE"));
    else
        return false;
    return true;
}

static bool is_change(struct slice method)
{
    return !slice_is(method, "GET") && !slice_is(method, "HEAD");
}

static void on_health(struct api *a, struct http1_request *r)
{
    write_health(a, r, false);
}

static void on_live(struct api *a, struct http1_request *r)
{
    write_health(a, r, true);
}

static void write_health(struct api *a, struct http1_request *r, bool live)
{
    struct store_health h = store_health(a->o.store);
    struct buf out;
    struct jw j;
    buf_init(&out, SMALL_ANSWER_MAX);
    jw_init(&j, &out);
    jw_object(&j);
    jw_key(&j, SLICE("name"));
    jw_string(&j, SLICE("xray-relay"));
    jw_key(&j, SLICE("version"));
    jw_string(&j, SLICE(XR_VERSION));
    jw_key(&j, SLICE("mode"));
    jw_string(&j, SLICE("local"));
    jw_key(&j, SLICE("started"));
    jw_double(&j, a->started);
    jw_key(&j, SLICE("now"));
    jw_double(&j, api_now());
    jw_key(&j, SLICE("traces"));
    jw_uint(&j, h.traces);
    jw_key(&j, SLICE("documents"));
    jw_uint(&j, h.documents);
    jw_key(&j, SLICE("refused"));
    jw_uint(&j, a->o.refused == NULL ? 0 : a->o.refused(a->o.arg));
    jw_key(&j, SLICE("documents_per_second"));
    jw_double(&j, api_events_rate(a->events));
    write_store(a, &j, &h);
    if (a->o.health != NULL)
        a->o.health(a->o.arg, &j, live);
    jw_object_end(&j);
    api_reply(r, 200, &out);
    buf_fini(&out);
}

static void write_store(struct api *a, struct jw *j,
                        const struct store_health *h)
{
    char message[400] = "";
    const struct store_options *l = &a->o.limits;
    if (h->full)
        snprintf(message, sizeof(message),
                 "The disk is full: the newest traces are kept in memory, "
                 "tried again each 10 s.");
    else if (h->damaged[0] != '\0')
        snprintf(message, sizeof(message),
                 "The store was damaged and a new one was begun; the old file "
                 "is %s",
                 h->damaged);
    jw_key(j, SLICE("store"));
    jw_object(j);
    jw_key(j, SLICE("path"));
    jw_string(j, slice_str(l->path));
    jw_key(j, SLICE("bytes"));
    jw_uint(j, h->bytes);
    jw_key(j, SLICE("limit_bytes"));
    jw_uint(j, l->max_bytes);
    jw_key(j, SLICE("keep_seconds"));
    jw_int(j, l->max_age_s);
    jw_key(j, SLICE("state"));
    jw_string(j, h->full                 ? SLICE("memory")
                 : h->damaged[0] != '\0' ? SLICE("renewed")
                                         : SLICE("ok"));
    jw_key(j, SLICE("message"));
    jw_string(j, slice_str(message));
    jw_object_end(j);
}

static void on_graph(struct api *a, struct http1_request *r)
{
    api_graph(a, r, NULL);
}

static void on_events(struct api *a, struct http1_request *r)
{
    api_events_open(a->events, r);
}

static void on_wait(struct api *a, struct http1_request *r)
{
    api_waits_open(a->waits, r);
}

/* A mark is the time at which it was made: what comes in later is received
 * later. */
static void on_mark(struct api *a, struct http1_request *r)
{
    struct buf out;
    (void)a;
    buf_init(&out, 256);
    buf_printf(&out, "{\"mark\":\"m%.3f\"}", api_now());
    api_reply(r, 200, &out);
    buf_fini(&out);
}

static void on_faults(struct api *a, struct http1_request *r)
{
    struct buf out;
    struct jw j;
    buf_init(&out, SMALL_ANSWER_MAX);
    jw_init(&j, &out);
    jw_object(&j);
    jw_key(&j, SLICE("faults"));
    if (a->o.faults != NULL) {
        a->o.faults(a->o.arg, &j);
    } else {
        jw_array(&j);
        jw_array_end(&j);
    }
    jw_object_end(&j);
    api_reply(r, 200, &out);
    buf_fini(&out);
}

static void on_set_faults(struct api *a, struct http1_request *r)
{
    struct err err = {"faults are not offered here"};
    if (a->o.set_faults != NULL &&
        a->o.set_faults(a->o.arg, http1_body(r), &err))
        on_faults(a, r);
    else
        api_fail(r, 400, err.text);
}
