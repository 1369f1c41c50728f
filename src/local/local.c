/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Local mode put together: store, sink, groups and rules, both APIs, the page,
 * and the guard before all of them.
 */
#include "xr/local.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "api.h"
#include "index.h"
#include "injector.h"
#include "live.h"
#include "query.h"
#include "resource.h"
#include "traces.h"
#include "ui.h"
#include "xr/clock.h"
#include "xr/log.h"

#define WATCHED_MAX 4
#define PATH_BYTES_MAX 4096

/* A server all of whose requests are looked at. */
struct watched {
    struct local *local;
    struct guard guard;
};

struct local {
    struct local_options options;
    char *path, *runs, *source_root;
    struct loop *loop;
    struct traces traces;
    struct live *live;
    struct injector *faults;
    struct store *store;
    struct resources *resources;
    struct guard guard;
    struct watched watched[WATCHED_MAX];
    size_t n_watched;
    struct filter_groups groups;
    struct query *query;
    struct api *api;
    struct ui *ui;
};

static char *make_path(struct local *l, const char *store);
static bool before_request(void *arg, struct http1_request *r);
static unsigned port_of(const char *bound);
static bool may_query(void *arg, struct http1_request *r, bool sampler);
static const char *take(void *arg, struct slice document);
static const char *code_of(const struct rejection *r);
static const char *listener_of(const struct intake *in);
static uint64_t refused(void *arg);
static void on_document(void *arg, struct slice document, double now);
static void on_poll(void *arg, struct http1_request *r, bool targets,
                    struct slice client_id);
static bool read_options(struct local *l, const struct local_options *o,
                         struct err *err);
static bool add_faults(struct local *l, const char *words, struct err *err);
static void write_faults(void *arg, struct jw *j);
static bool set_faults(void *arg, struct slice json, struct err *err);
static void health(void *arg, struct jw *j, bool live);
static int in_state_folder(const char *name, char *out, size_t size);
static void on_tally(void *arg, const struct store_tally *tally);
static void on_change(void *arg, const struct store_change *c, size_t n);
static void on_kept(void *arg, enum store_kind kind, struct slice name,
                    struct slice body);

struct local *local_new(struct loop *loop, const struct local_options *o,
                        struct err *err)
{
    struct local *l = calloc(1, sizeof(*l));
    struct store_options store = {
        .read_only = o->read_only,
        .index_text = o->index_text,
        .max_bytes = o->keep_bytes ? o->keep_bytes : STORE_BYTES_DEFAULT,
        .max_age_s = o->keep_s ? o->keep_s : STORE_AGE_S_DEFAULT,
        .index = index_trace,
        .on_tally = on_tally,
        .on_change = on_change,
        .on_kept = on_kept,
        .arg = l,
    };
    if (!l || !(l->resources = resources_new()))
        log_fatal("out of memory for local mode");
    l->options = *o;
    l->options.keep_bytes = store.max_bytes;
    l->options.keep_s = store.max_age_s;
    l->path = make_path(l, o->store);
    l->options.store = store.path = l->path;
    l->loop = loop;
    l->guard = (struct guard){.allow_hosts = o->allow_hosts,
                              .n_allow_hosts = o->n_allow_hosts,
                              .token = o->token};
    l->groups = resources_groups(l->resources);
    l->live = live_new();
    l->faults = injector_new(loop);
    traces_init(&l->traces, o->strict, on_document, l->live);
    if (read_options(l, o, err))
        l->store = store_open(loop, &store, err);
    if (!l->store) {
        local_free(l);
        return NULL;
    }
    l->traces.store = l->store;
    return l;
}

/* "run" is a new file in the folder of runs, in which old ones make room. */
static char *make_path(struct local *l, const char *store)
{
    char path[PATH_BYTES_MAX], name[64];
    int n = 0;
    if (local_runs_folder(path, sizeof(path)) == 0)
        l->runs = strdup(path);
    if (strcmp(store, "run") != 0)
        return strdup(store);
    if (l->runs && store_run_name(name, sizeof(name)) == 0)
        n = snprintf(path, sizeof(path), "%s/%s", l->runs, name);
    if (n <= 0 || (size_t)n >= sizeof(path)) {
        log_warn("No home directory: traces are kept in memory only; name a "
                 "file with --store");
        return strdup(":memory:");
    }
    store_runs_trim(l->runs, l->options.keep_bytes, l->options.keep_s);
    return strdup(path);
}

static bool read_options(struct local *l, const struct local_options *o,
                         struct err *err)
{
    bool root =
        !o->source_root || (l->source_root = realpath(o->source_root, NULL));
    if (!root)
        err_set(err, "--source-root %s: %s", o->source_root, strerror(errno));
    bool words = redact_init(&l->traces.redact, o->redact);
    if (!words)
        err_set(err, "--redact: at most %d names", REDACT_WORDS_MAX);
    return root && words && add_faults(l, o->faults, err);
}

struct sink *local_sink(struct local *l)
{
    return &l->traces.sink;
}

/* Who asks for something that takes more is looked at again by its handler. */
void local_watch(struct local *l, struct http1 *server,
                 const char *const *origins, size_t n_origins)
{
    assert(l->n_watched < WATCHED_MAX);
    struct watched *w = &l->watched[l->n_watched++];
    *w = (struct watched){l, l->guard};
    w->guard.port = port_of(http1_bound(server));
    w->guard.origins = origins;
    w->guard.n_origins = n_origins;
    http1_before(server, before_request, w);
}

static bool before_request(void *arg, struct http1_request *r)
{
    struct watched *w = arg;
    return !guard_passes(&w->guard, r, GUARD_OPEN) ||
           injector_on_request(w->local->faults, r);
}

/* Made here, as the guard must know the port. */
void local_routes(struct local *l, struct http1 *server)
{
    l->guard.port = port_of(http1_bound(server));
    struct api_options api = {
        .loop = l->loop,
        .store = l->store,
        .groups = &l->groups,
        .guard = l->guard,
        .source_root = l->source_root,
        .limits = {.path = l->options.store,
                   .max_bytes = l->options.keep_bytes,
                   .max_age_s = l->options.keep_s},
        .runs_folder = l->runs,
        .take = take,
        .otlp = l->options.otlp,
        .health = l->options.health ? health : NULL,
        .faults = write_faults,
        .set_faults = set_faults,
        .refused = refused,
        .arg = l,
    };
    struct query_options query = {.loop = l->loop,
                                  .store = l->store,
                                  .resources = l->resources,
                                  .default_rate = l->options.default_rate,
                                  .guard = may_query,
                                  .polled = on_poll,
                                  .arg = l};
    l->api = api_new(&api);
    l->query = query_new(&query);
    l->ui = ui_new(&l->guard);
    ui_routes(l->ui, server);
    api_routes(l->api, server);
    query_routes(l->query, server);
}

void local_stop(struct local *l)
{
    if (l->api)
        api_stop(l->api);
}

static unsigned port_of(const char *bound)
{
    const char *colon = strrchr(bound, ':');
    return colon ? (unsigned)strtoul(colon + 1, NULL, 10) : 0;
}

static bool may_query(void *arg, struct http1_request *r, bool sampler)
{
    struct local *l = arg;
    return guard_passes(&l->guard, r, sampler ? GUARD_OPEN : GUARD_READ);
}

/* A document out of an import: as if it had come by the pipeline. */
static const char *take(void *arg, struct slice document)
{
    struct local *l = arg;
    struct err err = {""};
    const char *wrong = traces_take(&l->traces, document, &err);
    struct live_refusal refusal = {
        .listener = "import", .code = wrong, .why = err.text, .text = document};
    if (wrong)
        live_add_refusal(l->live, &refusal, (double)clock_wall_ms() / 1e3);
    return wrong;
}

/* What is left out by design is no refusal. */
void local_on_reject(void *arg, const struct intake *in,
                     const struct rejection *r)
{
    struct local *l = arg;
    struct live_refusal refusal = {.listener = listener_of(in),
                                   .peer = r->peer,
                                   .code = code_of(r),
                                   .why = r->why,
                                   .text = r->text};
    if (r->reason != REJECT_OTLP_UNSAMPLED && r->reason != REJECT_OTLP_METRICS)
        live_add_refusal(l->live, &refusal, (double)clock_wall_ms() / 1e3);
}

static const char *code_of(const struct rejection *r)
{
    static const char before[] = "ErrorCode: ";
    static const char *const codes[REJECT_REASONS] = {
        [REJECT_NO_HEADER] = "NoHeader",
        [REJECT_NO_DOCUMENT] = "NoDocument",
        [REJECT_BAD_HEADER] = "BadHeader",
        [REJECT_NOT_AN_OBJECT] = "ParseError",
        [REJECT_TRUNCATED] = "Truncated",
        [REJECT_OTLP_MALFORMED] = "ParseError",
        [REJECT_BAD_IDS] = "InvalidId",
        [REJECT_TOO_LARGE] = "SegmentTooLarge",
        [REJECT_INVALID] = "InvalidSegment",
        [REJECT_FULL] = "NoRoom",
    };
    const char *word = strstr(r->why, before);
    if (word)
        return word + sizeof(before) - 1;
    return codes[r->reason] ? codes[r->reason] : "Refused";
}

static const char *listener_of(const struct intake *in)
{
    static const char *const names[][2] = {
        {"udp", "X-Ray daemon udp"}, {"tcp", "X-Ray daemon tcp"},
        {"otlp_http", "OTLP http"},  {"otlp_grpc", "OTLP grpc"},
        {"otlp_udp", "OTLP udp"},
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(in->name, names[i][0]) == 0)
            return names[i][1];
    return in->name;
}

static uint64_t refused(void *arg)
{
    return live_refused(((struct local *)arg)->live);
}

static void on_document(void *arg, struct slice document, double now)
{
    live_add_document(arg, document, now);
}

static void on_poll(void *arg, struct http1_request *r, bool targets,
                    struct slice client_id)
{
    /* The page looks at the rules too, and says that it is the page. */
    if (slice_is(http1_header(r, "X-Xray-Relay"), "1"))
        return;
    live_add_poll(((struct local *)arg)->live, r,
                  targets ? POLL_TARGETS : POLL_RULES, client_id,
                  (double)clock_wall_ms() / 1e3);
}

static void health(void *arg, struct jw *j, bool live)
{
    struct local *l = arg;
    l->options.health(l->options.health_arg, j);
    jw_key(j, SLICE("faults"));
    injector_write_counts(l->faults, j);
    if (live)
        live_write(j, l->live, (double)clock_wall_ms() / 1e3);
}

static bool add_faults(struct local *l, const char *words, struct err *err)
{
    while (words && *words) {
        size_t n = strcspn(words, ",");
        if (!injector_add(l->faults, slice_of(words, n), err))
            return false;
        words += n + (words[n] == ',');
    }
    return true;
}

static void write_faults(void *arg, struct jw *j)
{
    injector_write(((struct local *)arg)->faults, j);
}

static bool set_faults(void *arg, struct slice json, struct err *err)
{
    return injector_replace(((struct local *)arg)->faults, json, err);
}

bool local_drops_datagram(void *arg)
{
    return injector_on_datagram(((struct local *)arg)->faults);
}

void local_commit(void *arg, void (*done)(void *arg, bool kept), void *done_arg)
{
    store_flush(((struct local *)arg)->store, done, done_arg);
}

const char *local_store(const struct local *l)
{
    return l->path;
}

uint64_t local_traces(const struct local *l)
{
    return store_health(l->store).traces;
}

int local_default_path(char *out, size_t size)
{
    return in_state_folder("traces.db", out, size);
}

int local_runs_folder(char *out, size_t size)
{
    return in_state_folder("runs", out, size);
}

static int in_state_folder(const char *name, char *out, size_t size)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    int n = -1;
    if (state && *state == '/')
        n = snprintf(out, size, "%s/xray-relay/%s", state, name);
    else if (home && *home == '/')
        n = snprintf(out, size, "%s/.local/state/xray-relay/%s", home, name);
    return n > 0 && (size_t)n < size ? 0 : -1;
}

void local_free(struct local *l)
{
    if (!l)
        return;
    store_close(l->store);
    query_free(l->query);
    api_free(l->api);
    ui_free(l->ui);
    resources_free(l->resources);
    traces_fini(&l->traces);
    live_free(l->live);
    injector_free(l->faults);
    free(l->path);
    free(l->runs);
    free(l->source_root);
    free(l);
}

static void on_tally(void *arg, const struct store_tally *tally)
{
    traces_on_tally(&((struct local *)arg)->traces, tally);
}

static void on_change(void *arg, const struct store_change *c, size_t n)
{
    struct local *l = arg;
    if (l->api)
        api_on_change(l->api, c, n);
}

static void on_kept(void *arg, enum store_kind kind, struct slice name,
                    struct slice body)
{
    resources_load(((struct local *)arg)->resources, kind, name, body);
}
