/* SPDX-License-Identifier: Apache-2.0 */
/* The own API over a real store and a real server, and a client of it. */
#ifndef TESTS_LOCAL_API_WORLD_H
#define TESTS_LOCAL_API_WORLD_H

#include "local/api_parts.h"
#include "xr/client.h"
#include "xr/log.h"
#include "xr/segment.h"

#define LATER_MS 5000

static const char *const hosts[] = {"laptop"};

struct world {
    struct loop *loop;
    struct store *store;
    struct api *api;
    struct http1 *server;
    struct client *client;
    char base[64];
    int status;
    struct buf body;
    struct client_header headers[4];
    size_t n_headers;
    double received; /* of what is imported; 0: now */
};

static inline bool make_index(void *arg, const struct store_trace *s,
                              struct arena *a, struct store_row *out)
{
    struct row_facts facts = api_facts(s);
    struct store_service *services;
    struct buf text;
    struct jw j;
    (void)arg;
    struct trace *t = api_assemble(s, a);
    assert_non_null(t);
    buf_init(&text, 1 << 16);
    jw_init(&j, &text);
    row_write(&j, t, &facts, a);
    *out = (struct store_row){.epoch = (int64_t)t->start,
                              .start = t->start,
                              .end = t->end,
                              .duration = t->duration,
                              .response_time = t->response_time,
                              .flags = t->has_fault ? STORE_FAULT : 0};
    services = arena_alloc(a, t->n_nodes * sizeof(*services));
    for (size_t i = 0; i < t->n_nodes; i++)
        services[i] = (struct store_service){.name = t->nodes[i].name,
                                             .type = t->nodes[i].type};
    out->services = services;
    out->n_services = t->n_nodes;
    struct store_annotation *values =
        arena_alloc(a, 2 * t->n_entities * sizeof(*values));
    for (size_t i = 0; i < t->n_entities; i++)
        for (struct trace_annotation *v = t->entities[i]->annotations;
             v != NULL && out->n_annotations < 2 * t->n_entities; v = v->next)
            values[out->n_annotations++] = (struct store_annotation){
                .key = v->key,
                .text = v->text,
                .kind = v->kind == VALUE_STRING ? STORE_STRING : STORE_NUMBER,
                .number = v->number};
    out->annotations = values;
    out->summary = slice_of(arena_dup(a, buf_slice(&text)), text.n);
    buf_fini(&text);
    return true;
}

static inline void on_change(void *arg, const struct store_change *c, size_t n)
{
    struct world *w = arg;
    if (w->api != NULL)
        api_on_change(w->api, c, n);
}

static const char *take(void *arg, struct slice document)
{
    struct world *w = arg;
    struct segment s;
    struct err err;
    struct store_document d = {0};
    if (segment_scan(document, &s, &err) != 0)
        return "ParseError";
    if (!trace_id_read(s.trace_id, d.trace_id))
        return "InvalidTraceId";
    for (size_t i = 0; i < 8; i++)
        d.id[i] = (uint8_t)(s.id.p[2 * i] << 4 ^ s.id.p[2 * i + 1]);
    d.in_progress = s.in_progress;
    d.start = s.start_time;
    d.end = s.end_time;
    d.received = w->received > 0 ? w->received : api_now();
    d.name = s.name;
    d.body = document;
    assert_true(store_put(w->store, &d));
    return NULL;
}

static inline void on_flushed(void *arg, bool kept)
{
    struct world *w = arg;
    assert_true(kept);
    loop_stop(w->loop);
}

static inline void on_answer(void *arg, const struct client_answer *a)
{
    struct world *w = arg;
    assert_int_equal(a->outcome, CLIENT_ANSWERED);
    w->status = a->status;
    buf_clear(&w->body);
    buf_append(&w->body, a->body);
    loop_stop(w->loop);
}

static inline void start(struct world *w, const char *method, const char *path,
                         const char *body)
{
    struct err err;
    char url[1024];
    struct client_request q = {.method = method,
                               .url = url,
                               .headers = w->headers,
                               .n_headers = w->n_headers,
                               .body = slice_str(body),
                               .timeout_ms = LATER_MS,
                               .connect_timeout_ms = LATER_MS,
                               .direct = true};
    snprintf(url, sizeof(url), "%s%s", w->base, path);
    assert_non_null(client_start(w->client, &q, on_answer, w, &err));
}

static const char *ask(struct world *w, const char *method, const char *path,
                       const char *body)
{
    start(w, method, path, body);
    loop_run(w->loop);
    return buf_cstr(&w->body);
}

static const char *get(struct world *w, const char *path)
{
    return ask(w, "GET", path, "");
}

static inline void expect(struct world *w, const char *path, int status,
                          const char *part)
{
    const char *body = get(w, path);
    if (w->status != status || strstr(body, part) == NULL)
        fail_msg("%s: %d %s\n  lacks %d %s", path, w->status, body, status,
                 part);
}

static inline unsigned count(const char *text, const char *part)
{
    unsigned n = 0;
    while ((text = strstr(text, part)) != NULL) {
        n++;
        text += strlen(part);
    }
    return n;
}

/* Trace number i, which began at second 1000 + i; every third is a fault. */
static inline void write_document(struct buf *b, int i)
{
    buf_printf(b,
               "{\"trace_id\":\"1-%08x-0000000000000000000000%02x\","
               "\"id\":\"00000000000000%02x\",\"name\":\"shop\","
               "\"start_time\":%d,\"end_time\":%d.5,\"fault\":%s,"
               "\"annotations\":{\"n\":%d,\"kind\":\"k%d\"}}\n",
               1000u + (unsigned)i, (unsigned)i, (unsigned)i, 1000 + i,
               1000 + i, i % 3 == 0 ? "true" : "false", i, i % 2);
}

static inline void import(struct world *w, int from, int to)
{
    struct buf b;
    buf_init(&b, 1 << 20);
    for (int i = from; i < to; i++)
        write_document(&b, i);
    ask(w, "POST", "/api/import", buf_cstr(&b));
    assert_int_equal(w->status, 200);
    store_flush(w->store, on_flushed, w);
    loop_run(w->loop);
    buf_fini(&b);
}

static inline int set_up(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    struct err err;
    struct client_options co = {.connections = 4};
    struct http1_limits limits = {.body_max = 1 << 20,
                                  .headers_max = 1 << 14,
                                  .connections = 16,
                                  .timeout_s = 60};
    struct store_options so = {.path = ":memory:",
                               .index = make_index,
                               .on_change = on_change,
                               .arg = w};
    w->loop = loop_new(&err);
    w->store = store_open(w->loop, &so, &err);
    assert_non_null(w->store);
    w->server = http1_new(w->loop, "127.0.0.1:0", &limits, NULL, &err);
    assert_non_null(w->server);
    struct api_options o = {.loop = w->loop,
                            .store = w->store,
                            .limits = so,
                            .take = take,
                            .arg = w};
    snprintf(w->base, sizeof(w->base), "http://%s", http1_bound(w->server));
    o.guard.port = (unsigned)strtoul(strrchr(w->base, ':') + 1, NULL, 10);
    o.guard.allow_hosts = hosts;
    o.guard.n_allow_hosts = 1;
    w->api = api_new(&o);
    api_routes(w->api, w->server);
    w->client = client_new(w->loop, &co, &err);
    buf_init(&w->body, 1 << 22);
    w->headers[0] = (struct client_header){SLICE("X-Xray-Relay"), SLICE("1")};
    w->n_headers = 1;
    *state = w;
    return 0;
}

static inline int tear_down(void **state)
{
    struct world *w = *state;
    api_stop(w->api);
    client_free(w->client);
    store_close(w->store);
    http1_free(w->server);
    api_free(w->api);
    loop_free(w->loop);
    buf_fini(&w->body);
    free(w);
    return 0;
}

#define WITH_WORLD(test)                                                       \
    cmocka_unit_test_setup_teardown(test, set_up, tear_down)

#endif
