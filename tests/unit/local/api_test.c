/* SPDX-License-Identifier: Apache-2.0 */
/* local/api*.c over a real store and a real server */
#include "local/api.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include "api_world.h"

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
    expect(w, "/api/export?format=pdf", 400, "ndjson, batchget or otlp");
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
         "{\"format\":\"batchget\",\"documents\":2,\"accepted\":0"},
        {"[{\"Segments\":[{\"Document\":\"{}\"}]}]", "\"batchget\""},
        {"{\"resourceSpans\":[{}]}",
         "{\"format\":\"otlp\",\"documents\":1,\"accepted\":0,\"refused\":"
         "[{\"at\":1,\"code\":\"Unsupported\"}]}"},
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
           "{\"text\":\"annotation.kind\",\"traces\":4,\"type\":\"text\","
           "\"values\":[{\"text\":\"\\\"k1\\\"\",\"traces\":2},"
           "{\"text\":\"\\\"k0\\\"\",\"traces\":2}]}");
    expect(w, "/api/complete?text=annotation.kind+%3D+%22k1", 200,
           "{\"from\":18,\"to\":21,\"items\":[{\"text\":\"\\\"k1\\\"\"");
    expect(w, "/api/complete?text=service(%22s", 200,
           "{\"from\":8,\"to\":10,\"items\":[{\"text\":\"\\\"shop\\\"\","
           "\"traces\":4,\"type\":\"service\"");
    import(w, 4, 5);
    expect(w, "/api/complete?text=annotation.k", 200,
           "[{\"text\":\"\\\"k0\\\"\",\"traces\":3},{\"text\":\"\\\"k1");
    expect(w, "/api/complete?text=rootcause.fault.e", 200,
           "{\"from\":0,\"to\":17,\"items\":[{\"text\":"
           "\"rootcause.fault.entity {\",\"type\":\"cause\"");
    expect(w, "/api/complete?text=rootcause.fault+{+ok+cov", 200,
           "\"items\":[{\"text\":\"coverage\",\"type\":\"number\"");
    expect(w, "/api/complete?text=rootcause.fault{edge{ok}}+cov", 200,
           "\"items\":[]");
}

/* A span of the traces below: a call, with more members. */
static void write_call(struct buf *b, int id, const char *name, double from,
                       const char *more)
{
    buf_printf(b,
               "%s{\"id\":\"00000000000000%02d\",\"name\":\"%s\","
               "\"namespace\":\"remote\",\"start_time\":%.1f,"
               "\"end_time\":%.1f%s}",
               id > 11 ? "," : "", id, name, from, from + 0.1, more);
}

/* Two traces of one second: the second one lacks a call, has another, and
 * one that fails. */
static void import_pair(struct world *w)
{
    static const char failed[] =
        ",\"fault\":true,\"cause\":{\"exceptions\":[{\"type\":\"Timeout\","
        "\"message\":\"no\"}]}";
    struct buf b;
    buf_init(&b, 1 << 16);
    buf_str(&b, "{\"trace_id\":\"1-00000064-00000000000000000000000a\","
                "\"id\":\"0000000000000001\",\"name\":\"shop\","
                "\"start_time\":100.2,\"end_time\":101,\"subsegments\":[");
    write_call(&b, 11, "db", 100.3, "");
    write_call(&b, 12, "db", 100.4, "");
    write_call(&b, 13, "bank", 100.5, "");
    buf_str(&b, "]}{\"trace_id\":\"1-00000064-000000000000000000000001\","
                "\"id\":\"0000000000000001\",\"name\":\"shop\","
                "\"start_time\":100.7,\"end_time\":101,\"fault\":true,"
                "\"subsegments\":[");
    write_call(&b, 11, "db", 100.8, "");
    write_call(&b, 13, "bank", 100.9, failed);
    write_call(&b, 14, "mail", 100.9, "");
    buf_str(&b, "]}");
    ask(w, "POST", "/api/import", buf_cstr(&b));
    store_flush(w->store, on_flushed, w);
    loop_run(w->loop);
    buf_fini(&b);
}

static void tells_what_the_root_causes_are(void **state)
{
    struct world *w = *state;
    import_pair(w);
    /* The shop, its call of the bank, the bank as inferred from that. */
    expect(w, "/api/traces/1-00000064-000000000000000000000001", 200,
           "\"root_causes\":[{\"kind\":\"fault\",\"rows\":[0,3,4]},"
           "{\"kind\":\"time\",\"rows\":[0]}]");
    expect(w, "/api/traces/1-00000064-00000000000000000000000a", 200,
           "\"root_causes\":[{\"kind\":\"time\",\"rows\":[0]}]");
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

static void tells_messages_from_calls(void **state)
{
    static const char sent[] =
        "{\"trace_id\":\"1-00000064-00000000000000000000000c\",\"id\":"
        "\"0000000000000001\",\"name\":\"shop\",\"start_time\":100,"
        "\"end_time\":101,\"subsegments\":[{\"id\":\"0000000000000002\","
        "\"name\":\"SQS\",\"namespace\":\"aws\",\"start_time\":100,"
        "\"end_time\":100.1},{\"id\":\"0000000000000003\",\"name\":"
        "\"SNS\",\"namespace\":\"aws\",\"start_time\":100.2,"
        "\"end_time\":100.3}]}"
        "{\"trace_id\":\"1-00000064-00000000000000000000000c\",\"id\":"
        "\"0000000000000004\",\"name\":\"mailer\",\"start_time\":102,"
        "\"end_time\":103,\"parent_id\":\"0000000000000002\"}";
    struct world *w = *state;
    ask(w, "POST", "/api/import", sent);
    store_flush(w->store, on_flushed, w);
    loop_run(w->loop);
    /* To the mailer a link; to the topic, which reports nothing, a call. */
    const char *map = get(w, "/api/graph");
    assert_int_equal(count(map, "\"link\":true"), 1);
    assert_int_equal(count(map, "\"link\":false"), 2);
    expect(w, "/api/graph", 200, "\"to\":1,\"link\":true");
    expect(w, "/api/graph", 200, "{\"name\":\"mailer\"");
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
    int64_t until = loop_now_ms(w->loop) + LATER_MS;
    while (strstr(get(w, "/api/health"), "\"traces\":2,") == NULL)
        assert_true(loop_now_ms(w->loop) < until);
    expect(w, "/api/health", 200, "\"traces\":2,\"documents\":2");
    expect(w, "/api/health", 200, "\"path\":\":memory:\"");
    expect(w, "/api/nothing", 404, "nothing at this path");
    ask(w, "POST", "/api/health", "");
    assert_int_equal(w->status, 405);
}

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
        WITH_WORLD(tells_what_the_root_causes_are),
        WITH_WORLD(a_second_has_its_own_order),
        WITH_WORLD(maps_nodes_and_their_calls),
        WITH_WORLD(tells_messages_from_calls),
        WITH_WORLD(compares_two_traces_span_by_span),
        WITH_WORLD(health_tells_of_the_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
