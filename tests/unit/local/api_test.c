/* SPDX-License-Identifier: Apache-2.0 */
/* local/api*.c and guard.c over a real store and a real server. */
#include "local/api.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first */
#include <cmocka.h>

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

static bool make_index(void *arg, const struct store_trace *s, struct arena *a,
                       struct store_row *out)
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

static void on_change(void *arg, const struct store_change *c, size_t n)
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
    if (!api_id(s.trace_id, d.trace_id))
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

static void on_flushed(void *arg, bool kept)
{
    struct world *w = arg;
    assert_true(kept);
    loop_stop(w->loop);
}

static void on_answer(void *arg, const struct client_answer *a)
{
    struct world *w = arg;
    assert_int_equal(a->outcome, CLIENT_ANSWERED);
    w->status = a->status;
    buf_clear(&w->body);
    buf_append(&w->body, a->body);
    loop_stop(w->loop);
}

static void start(struct world *w, const char *method, const char *path,
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

static void expect(struct world *w, const char *path, int status,
                   const char *part)
{
    const char *body = get(w, path);
    if (w->status != status || strstr(body, part) == NULL)
        fail_msg("%s: %d %s\n  lacks %d %s", path, w->status, body, status,
                 part);
}

static unsigned count(const char *text, const char *part)
{
    unsigned n = 0;
    while ((text = strstr(text, part)) != NULL) {
        n++;
        text += strlen(part);
    }
    return n;
}

/* Trace number i, which began at second 1000 + i; every third is a fault. */
static void write_document(struct buf *b, int i)
{
    buf_printf(b,
               "{\"trace_id\":\"1-%08x-0000000000000000000000%02x\","
               "\"id\":\"00000000000000%02x\",\"name\":\"shop\","
               "\"start_time\":%d,\"end_time\":%d.5,\"fault\":%s,"
               "\"annotations\":{\"n\":%d,\"kind\":\"k%d\"}}\n",
               1000u + (unsigned)i, (unsigned)i, (unsigned)i, 1000 + i,
               1000 + i, i % 3 == 0 ? "true" : "false", i, i % 2);
}

static void import(struct world *w, int from, int to)
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

static int set_up(void **state)
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

static int tear_down(void **state)
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

static void lists_pages_newest_first(void **state)
{
    struct world *w = *state;
    char path[256];
    import(w, 0, 7);
    const char *body = get(w, "/api/traces?limit=3");
    assert_int_equal(count(body, "\"revision\""), 3);
    assert_true(strstr(body, "1-000003ee") < strstr(body, "1-000003ed"));
    const char *cursor = strstr(body, "\"cursor\":\"") + 10;
    snprintf(path, sizeof(path), "/api/traces?limit=3&cursor=%.*s",
             (int)strcspn(cursor, "\""), cursor);
    body = get(w, path);
    assert_int_equal(count(body, "\"revision\""), 3);
    assert_null(strstr(body, "1-000003ee"));
    cursor = strstr(body, "\"cursor\":\"") + 10;
    snprintf(path, sizeof(path), "/api/traces?limit=3&cursor=%.*s",
             (int)strcspn(cursor, "\""), cursor);
    body = get(w, path);
    assert_int_equal(count(body, "\"revision\""), 1);
    assert_non_null(strstr(body, "\"cursor\":null"));
    expect(w, "/api/traces?limit=7", 200, "\"cursor\":null");
    expect(w, "/api/traces?limit=0", 400, "limit");
    expect(w, "/api/traces?cursor=x", 400, "cursor");
}

static void filters_ranges_and_texts_choose(void **state)
{
    struct world *w = *state;
    import(w, 0, 7);
    assert_int_equal(count(get(w, "/api/traces?filter=fault"), "\"spans\""), 3);
    assert_int_equal(count(get(w, "/api/traces?filter=annotation.n%20%3E%3D+5"),
                           "\"spans\""),
                     2);
    assert_int_equal(
        count(get(w, "/api/traces?filter=service(%22shop%22)%7Bok%7D"),
              "\"spans\""),
        4);
    assert_int_equal(
        count(get(w, "/api/traces?start=1002&end=1004"), "\"spans\""), 2);
    assert_int_equal(count(get(w, "/api/traces?q=%22K1%22"), "\"spans\""), 3);
    expect(w, "/api/traces?filter=responsetime%20%3E%3D", 400,
           "{\"error\":{\"message\":\"filter, column 16: value expected "
           "after \\\">=\\\"\",\"column\":16}}");
    expect(w, "/api/traces?start=soon", 400, "start: not a time");
}

static void shows_one_trace_whole(void **state)
{
    struct world *w = *state;
    import(w, 0, 2);
    expect(w, "/api/traces/1-000003e9-000000000000000000000001", 200,
           "\"documents\":[\"{\\\"trace_id\\\"");
    expect(w, "/api/traces/000003e9000000000000000000000001?documents=0", 200,
           "\"documents\":[]");
    expect(w, "/api/traces/1-000003e9-000000000000000000000001", 200,
           "\"rows\":[{\"id\":\"0000000000000001\",\"parent\":-1,\"depth\":0,"
           "\"kind\":\"segment\",\"node\":0,\"name\":\"shop\",\"start\":1001,"
           "\"end\":1001.5");
    expect(w, "/api/traces/1-000003e9-000000000000000000000001", 200,
           "days old; the limit is 30 days.");
    expect(w, "/api/traces/1-000003e9-00000000000000000000ffff", 404,
           "no such trace");
    expect(w, "/api/traces/nonsense", 400, "not a trace id");
}

static void counts_for_the_strip(void **state)
{
    struct world *w = *state;
    import(w, 0, 6);
    expect(w, "/api/histogram?start=1000&end=1060", 200,
           "\"total\":6,\"matched\":6,\"complete\":true,\"when\":{\"start\":"
           "1000,\"step\":1,\"traces\":[1,1,1,1,1,1,0,");
    expect(w, "/api/histogram?start=1000&end=1060", 200,
           "\"faults\":[1,0,0,1,0,0,0,");
    expect(w, "/api/histogram?filter=fault", 200, "\"matched\":2");
    expect(w, "/api/histogram?filter=fault", 200, "\"p50\":0.5");
    expect(w, "/api/histogram?filter=partial", 200, "\"p50\":null");
}

static void exports_what_can_be_imported(void **state)
{
    struct world *w = *state;
    char copy[8192];
    import(w, 0, 3);
    const char *body = get(w, "/api/export?filter=annotation.n+%3C+2");
    assert_int_equal(count(body, "\n"), 2);
    snprintf(copy, sizeof(copy), "%s", get(w, "/api/export?format=batchget"));
    assert_int_equal(count(copy, "\"Document\""), 3);
    ask(w, "DELETE", "/api/traces", "");
    assert_string_equal(buf_cstr(&w->body), "{\"deleted\":3}");
    expect(w, "/api/traces", 200, "{\"traces\":[]");
    ask(w, "POST", "/api/import", copy);
    assert_string_equal(buf_cstr(&w->body),
                        "{\"format\":\"batchget\",\"documents\":3,"
                        "\"accepted\":3,\"refused\":[]}");
    expect(w, "/api/export?format=pdf", 400, "ndjson or batchget");
}

static void imports_what_it_finds(void **state)
{
    struct world *w = *state;
#define DOC(id)                                                                \
    "{\"trace_id\":\"1-00000001-00000000000000000000000" id                    \
    "\",\"id\":\"000000000000000" id                                           \
    "\",\"name\":\"a\",\"start_time\":1,\"end_time\":2}"
    static const struct {
        const char *body, *answer;
    } rows[] = {
        {"", "{\"format\":\"ndjson\",\"documents\":0,\"accepted\":0,"},
        {DOC("1") DOC("2"), "\"documents\":2,\"accepted\":2,"},
        {" [" DOC("1") ",\n" DOC("2") "] ", "\"documents\":2,\"accepted\":2,"},
        {"{\"format\":\"json\",\"version\":1}\n" DOC("1"),
         "{\"format\":\"datagrams\",\"documents\":1,\"accepted\":1,"},
        {DOC("1") "\nnonsense\n" DOC("2"),
         "\"documents\":3,\"accepted\":2,\"refused\":[{\"at\":2,\"code\":"
         "\"ParseError\"}]"},
        {"{\"id\":\"0000000000000001\"}", "\"code\":\"InvalidTraceId\""},
        {"{\"a\":[", "\"accepted\":0"},
        {"[[" DOC("1") "]," DOC("2") "]", "\"documents\":2,\"accepted\":2,"},
        {"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", "\"accepted\":0"},
        {"]", "\"documents\":0"},
        {"{\"Traces\":[{\"Segments\":[{\"Document\":\"{}\"}]},5]}",
         "{\"format\":\"batchget\",\"documents\":1,\"accepted\":0"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ask(w, "POST", "/api/import", rows[i].body);
        if (strstr(buf_cstr(&w->body), rows[i].answer) == NULL)
            fail_msg("%s: %s", rows[i].body, buf_cstr(&w->body));
    }
}

static void deletes_what_is_asked(void **state)
{
    struct world *w = *state;
    import(w, 0, 6);
    ask(w, "DELETE", "/api/traces?filter=fault", "");
    assert_string_equal(buf_cstr(&w->body), "{\"deleted\":2}");
    ask(w, "DELETE", "/api/traces/1-000003e9-000000000000000000000001", "");
    assert_int_equal(count(get(w, "/api/traces"), "\"spans\""), 3);
    ask(w, "PUT", "/api/traces/1-000003ea-000000000000000000000002/pin", "");
    assert_string_equal(buf_cstr(&w->body), "{\"pinned\":true}");
    ask(w, "DELETE", "/api/traces", "");
    expect(w, "/api/traces", 200, "\"pinned\":true");
    assert_int_equal(count(buf_cstr(&w->body), "\"spans\""), 1);
    ask(w, "DELETE", "/api/traces?filter=fualt", "");
    assert_int_equal(w->status, 400);
}

static void add_one(void *arg)
{
    struct world *w = arg;
    struct buf b;
    buf_init(&b, 1 << 10);
    write_document(&b, 4);
    assert_null(take(w, buf_slice(&b)));
    buf_fini(&b);
}

static void waits_until_a_trace_has_settled(void **state)
{
    struct world *w = *state;
    w->received = api_now() - 60; /* settled */
    import(w, 0, 3);
    expect(w, "/api/wait?filter=fault&timeout=0s", 200, "\"waited\":");
    assert_int_equal(count(buf_cstr(&w->body), "\"spans\""), 1);
    expect(w, "/api/wait?filter=ok&count=2&timeout=1s", 200, "\"waited\":");
    assert_int_equal(count(buf_cstr(&w->body), "\"spans\""), 2);
    w->received = 0;
    struct timer *t = timer_new(w->loop, add_one, w);
    timer_start(t, 30);
    expect(w, "/api/wait?filter=annotation.n=4&settle=50ms&timeout=5s", 200,
           "1-000003ec-");
    timer_free(t);
}

static void says_what_came_nearest(void **state)
{
    struct world *w = *state;
    w->received = api_now() - 60; /* settled */
    import(w, 0, 3);
    expect(w, "/api/wait?timeout=10ms&filter=fault%20annotation.kind=%22k7%22",
           408,
           "\"seen\":3,\"matched\":0,\"closest\":{\"trace\":{\"id\":"
           "\"1-000003e8-");
    assert_non_null(strstr(buf_cstr(&w->body),
                           "\"terms\":[{\"text\":\"fault\",\"holds\":true,"
                           "\"found\":\"true\"},{\"text\":\"annotation.kind="
                           "\\\"k7\\\"\",\"holds\":false,\"found\":\"\\\"k0"
                           "\\\"\"}]"));
    expect(w, "/api/wait?timeout=10ms&since=now&filter=fault", 408,
           "\"seen\":0,\"matched\":0,\"closest\":null");
    expect(w, "/api/wait?timeout=301s", 400, "timeout");
    expect(w, "/api/wait?count=0", 400, "count");
    expect(w, "/api/wait?since=yesterday", 400, "since");
    expect(w, "/api/wait?filter=(", 400, "column 2");
}

static void a_mark_divides_before_from_after(void **state)
{
    struct world *w = *state;
    char path[128];
    w->received = api_now() - 60; /* settled */
    import(w, 0, 3);
    ask(w, "POST", "/api/mark", "");
    snprintf(path, sizeof(path), "/api/wait?timeout=0s&settle=0s&since=%.*s",
             (int)strcspn(buf_cstr(&w->body) + 9, "\""),
             buf_cstr(&w->body) + 9);
    expect(w, path, 408, "\"seen\":0");
    w->received = 0;
    import(w, 3, 4);
    expect(w, path, 200, "1-000003eb-");
}

static void completes_words_names_and_values(void **state)
{
    struct world *w = *state;
    import(w, 0, 4);
    expect(w, "/api/complete?text=fault+respo&at=11", 200,
           "{\"from\":6,\"to\":11,\"items\":[{\"text\":\"responsetime\"");
    expect(w, "/api/complete?text=annotation.k", 200,
           "{\"text\":\"annotation.kind\",\"type\":\"text\",\"values\":["
           "\"\\\"k1\\\"\",\"\\\"k0\\\"\"]}");
    expect(w, "/api/complete?text=annotation.kind+%3D+%22k1", 200,
           "{\"from\":18,\"to\":21,\"items\":[{\"text\":\"\\\"k1\\\"\"");
    expect(w, "/api/complete?text=service(%22s", 200,
           "{\"from\":8,\"to\":10,\"items\":[{\"text\":\"\\\"shop\\\"\","
           "\"type\":\"service\"");
}

/* Two traces of one second: the second one lacks a call, has another, and
 * one that fails. */
static void import_pair(struct world *w)
{
#define SPAN(id, name, from, to, more)                                         \
    "{\"id\":\"00000000000000" id "\",\"name\":\"" name                        \
    "\",\"namespace\":\"remote\",\"start_time\":" from                         \
    ",\"end_time\":" to more "}"
    ask(w, "POST", "/api/import",
        "{\"trace_id\":\"1-00000064-00000000000000000000000a\",\"id\":"
        "\"0000000000000001\",\"name\":\"shop\",\"start_time\":100.2,"
        "\"end_time\":101,\"subsegments\":[" SPAN(
            "11", "db", "100.3", "100.4",
            "") "," SPAN("12", "db", "100.4", "100.5",
                         "") "," SPAN("13", "bank", "100.5", "100.6",
                                      "") "]}"
                                          "{\"trace_id\":\"1-00000064-"
                                          "000000000000000000000001\",\"id\":"
                                          "\"0000000000000001\",\"name\":"
                                          "\"shop\",\"start_time\":100.7,"
                                          "\"end_time\":101,\"fault\":true,"
                                          "\"subsegments\":[" SPAN(
                                              "11", "db", "100.8", "100.9",
                                              "") "," SPAN("13", "bank",
                                                           "100.9", "101",
                                                           ",\"fault\":true,"
                                                           "\"cause\":{"
                                                           "\"exceptions\":[{"
                                                           "\"type\":"
                                                           "\"Timeout\","
                                                           "\"message\":\"no\"}"
                                                           "]}") "," SPAN("14",
                                                                          "mai"
                                                                          "l",
                                                                          "100."
                                                                          "9",
                                                                          "101",
                                                                          "") "]}");
    store_flush(w->store, on_flushed, w);
    loop_run(w->loop);
}

static void a_second_has_its_own_order(void **state)
{
    struct world *w = *state;
    import_pair(w);
    const char *body = get(w, "/api/traces");
    assert_true(strstr(body, "\"start\":100.7") <
                strstr(body, "\"start\":100.2"));
    assert_int_equal(count(body, "},{\"id\":\"1-"), 1);
}

static void maps_nodes_and_their_calls(void **state)
{
    struct world *w = *state;
    import_pair(w);
    expect(w, "/api/graph", 200,
           "\"total\":2,\"ok\":1,\"error\":0,\"throttle\":0,\"fault\":1,");
    expect(w, "/api/graph", 200, "{\"text\":\"Timeout: no\",\"count\":1}");
    expect(w, "/api/graph", 200, "\"client\":true,\"root\":false,");
    expect(w, "/api/graph?filter=fault", 200, "\"traces\":1,");
    expect(
        w, "/api/traces/1-00000064-00000000000000000000000a/graph", 200,
        "\"name\":\"db\",\"type\":\"remote\",\"client\":false,\"root\":false,"
        "\"inferred\":true,\"total\":2,");
}

static void compares_two_traces_span_by_span(void **state)
{
    struct world *w = *state;
    import_pair(w);
#define IDS                                                                    \
    "a=1-00000064-00000000000000000000000a&"                                   \
    "b=1-00000064-000000000000000000000001"
    expect(w, "/api/diff?" IDS, 200,
           "\"depth\":0,\"name\":\"shop\",\"change\":\"changed\",\"a\":{"
           "\"row\":0,");
    assert_int_equal(count(buf_cstr(&w->body), "\"change\":\"removed\",\"a\":"),
                     2); /* a call of db, and the db inferred from it */
    assert_int_equal(
        count(buf_cstr(&w->body), "\"change\":\"added\",\"a\":null"), 2);
    assert_int_equal(count(buf_cstr(&w->body), "\"change\":\"changed\""), 3);
    expect(w, "/api/diff?" IDS, 200,
           "{\"name\":\"db\",\"a\":{\"calls\":2,\"time\":0.2},\"b\":{"
           "\"calls\":1,\"time\":0.1}}");
    expect(w, "/api/diff?a=1&b=2", 400, "two trace ids");
    expect(w,
           "/api/diff?a=1-00000064-00000000000000000000000a"
           "&b=1-00000064-0000000000000000000000ff",
           404, "no trace b");
}

static void health_tells_of_the_store(void **state)
{
    struct world *w = *state;
    import(w, 0, 2);
    expect(w, "/api/health", 200, "\"traces\":2,\"documents\":2");
    expect(w, "/api/health", 200, "\"path\":\":memory:\"");
    expect(w, "/api/nothing", 404, "nothing at this path");
    ask(w, "POST", "/api/health", "");
    assert_int_equal(w->status, 405);
}

static int with_headers(struct world *w, const char *method, const char *name,
                        const char *value)
{
    w->headers[0] = (struct client_header){slice_str(name), slice_str(value)};
    w->n_headers = name == NULL ? 0 : 1;
    ask(w, method, "/api/mark", "{}");
    return w->status;
}

static void only_this_machine_and_this_page_may_ask(void **state)
{
    struct world *w = *state;
    char own[64];
    unsigned port = w->api->o.guard.port;
    log_set_level(LOG_LEVEL_ERROR);
    static const struct {
        const char *host;
        bool fits;
    } names[] = {
        {"localhost:%u", true},       {"LOCALHOST:%u", true},
        {"app.localhost:%u", true},   {"127.0.0.1:%u", true},
        {"127.8.9.10:%u", true},      {"[::1]:%u", true},
        {"laptop:%u", true},          {"127.0.0.1.evil.test:%u", false},
        {"127.evil.test:%u", false},  {"evil.test:%u", false},
        {"127.0.0.1", false},         {"127.0.0.1:1", false},
        {"localhost.evil:%u", false}, {"127.0.0:%u", false},
        {"127.0.0.1:%ux", false},     {"10.0.0.1:%u", false},
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char host[64];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-extra-args"
        snprintf(host, sizeof(host), names[i].host, port);
#pragma GCC diagnostic pop
        int status = with_headers(w, "GET", "Host", host);
        if (status != (names[i].fits ? 405 : 421))
            fail_msg("%s: %d", host, status);
    }
    assert_int_equal(with_headers(w, "POST", NULL, NULL), 415);
    assert_int_equal(with_headers(w, "POST", "Content-Type", "text/plain"),
                     415);
    assert_int_equal(with_headers(w, "POST", "X-Xray-Relay", "1"), 200);
    assert_int_equal(with_headers(w, "POST", "Content-Type",
                                  "application/json; charset=utf-8"),
                     200);
    assert_int_equal(with_headers(w, "GET", "Origin", "http://evil.test"), 403);
    assert_int_equal(with_headers(w, "GET", "Origin", "null"), 403);
    assert_int_equal(with_headers(w, "GET", "Sec-Fetch-Site", "cross-site"),
                     403);
    assert_int_equal(with_headers(w, "GET", "Sec-Fetch-Site", "same-site"),
                     403);
    assert_int_equal(with_headers(w, "GET", "Sec-Fetch-Site", "same-origin"),
                     405);
    snprintf(own, sizeof(own), "http://127.0.0.1:%u", port);
    assert_int_equal(with_headers(w, "GET", "Origin", own), 405);
    log_set_level(LOG_LEVEL_INFO);
}

static void a_token_takes_the_place_of_the_host(void **state)
{
    struct world *w = *state;
    w->api->o.guard.token = "s3cret";
    assert_int_equal(with_headers(w, "GET", "Host", "evil.test"), 401);
    assert_int_equal(with_headers(w, "GET", "Authorization", "Bearer s3cret"),
                     405);
    assert_int_equal(with_headers(w, "GET", "Authorization", "Bearer s3cres"),
                     401);
    assert_int_equal(with_headers(w, "GET", "Authorization", "Bearer s3cre"),
                     401);
    assert_int_equal(
        with_headers(w, "GET", "Cookie", "a=b; xray_relay_token=s3cret; c=d"),
        405);
    assert_int_equal(with_headers(w, "GET", "Cookie", "xray_relay_token="),
                     401);
    assert_int_equal(with_headers(w, "GET", "Cookie", "xray_relay_tokens3cret"),
                     401);
    assert_true(guard_knows(&w->api->o.guard, SLICE("s3cret")));
    assert_false(guard_knows(&w->api->o.guard, SLICE("")));
}

#define WITH_WORLD(test)                                                       \
    cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(lists_pages_newest_first),
        WITH_WORLD(filters_ranges_and_texts_choose),
        WITH_WORLD(shows_one_trace_whole),
        WITH_WORLD(counts_for_the_strip),
        WITH_WORLD(exports_what_can_be_imported),
        WITH_WORLD(imports_what_it_finds),
        WITH_WORLD(deletes_what_is_asked),
        WITH_WORLD(waits_until_a_trace_has_settled),
        WITH_WORLD(says_what_came_nearest),
        WITH_WORLD(a_mark_divides_before_from_after),
        WITH_WORLD(completes_words_names_and_values),
        WITH_WORLD(a_second_has_its_own_order),
        WITH_WORLD(maps_nodes_and_their_calls),
        WITH_WORLD(compares_two_traces_span_by_span),
        WITH_WORLD(health_tells_of_the_store),
        WITH_WORLD(only_this_machine_and_this_page_may_ask),
        WITH_WORLD(a_token_takes_the_place_of_the_host),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
