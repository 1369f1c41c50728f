/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The world of the X-Ray sink's tests: a small backend on the same loop,
 * credentials at will, and at the end of each test the ledger, which must
 * balance: what was made has been delivered, refused or dropped.
 */
#ifndef TESTS_XRAY_WORLD_H
#define TESTS_XRAY_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "../fake_cred.h"
#include "../fake_http.h"
#include "sink/xray_parts.h"

#define DOCUMENTS_MAX 4096
#define OK "{\"UnprocessedTraceSegments\":[]}"
#define TRACE "1-5759e988-bd862e3fe1be46a994272793"

struct request {
    struct fake_conn *conn;
    const char *head, *body;
    unsigned number, n; /* of requests; documents in this one */
    unsigned ids[BATCH_DOCUMENTS_MAX];
};

static struct {
    struct loop *loop;
    struct client *client;
    struct stats *stats;
    struct pipeline *pipeline;
    struct fake_http server;
    struct xray *x;
    void (*script)(const struct request *r);
    unsigned requests, sizes[DOCUMENTS_MAX];
    unsigned seen[DOCUMENTS_MAX]; /* how often each document came */
    char heads[4][2048];
    char telemetry[2048], name[64];
    struct cred cred;
    bool has_cred, drained;
    cred_fn waiting;
    void *waiting_arg;
    unsigned invalidated, relieved;
} t;

/* --- credentials of the test ------------------------------------------- */
void cred_get(struct cred_chain *c, cred_fn fn, void *arg)
{
    (void)c;
    if (t.has_cred) {
        fn(arg, &t.cred, NULL);
        return;
    }
    t.waiting = fn;
    t.waiting_arg = arg;
}

void cred_cancel(struct cred_chain *c, void *arg)
{
    (void)c;
    if (t.waiting_arg == arg)
        t.waiting = NULL;
}

void cred_invalidate(struct cred_chain *c, const struct cred *bad)
{
    (void)c;
    assert_ptr_equal(bad, &t.cred);
    t.invalidated++;
}

/* --- the backend -------------------------------------------------------- */
static inline void serve(void *arg, struct fake_conn *c, struct slice head,
                         struct slice body)
{
    (void)arg;
    char *text = strndup(body.p, body.n), *first = strndup(head.p, head.n);
    struct request r = {.conn = c, .head = first, .body = text};
    if (strstr(first, "/TelemetryRecords ")) {
        snprintf(t.telemetry, sizeof(t.telemetry), "%s", text);
        fake_reply(c, 200, "", "{}");
        free(text);
        free(first);
        return;
    }
    const char *at = text;
    while ((at = strstr(at, "\\\"id\\\":\\\""))) {
        at += 9;
        assert_true(r.n < BATCH_DOCUMENTS_MAX);
        r.ids[r.n++] = (unsigned)strtoul(at, NULL, 16);
    }
    for (unsigned i = 0; i < r.n; i++)
        t.seen[r.ids[i]]++;
    if (t.requests < 4)
        snprintf(t.heads[t.requests], sizeof(t.heads[0]), "%s", first);
    t.sizes[t.requests++] = r.n;
    r.number = t.requests;
    if (t.script)
        t.script(&r);
    else
        fake_reply(c, 200, "", OK);
    free(text);
    free(first);
}

static inline void use(const struct xray_options *o)
{
    char base[64];
    struct xray_wiring w = {t.loop, t.client, NULL, t.pipeline, t.stats};
    t.x = xray_new(&w, o);
    pipeline_add(t.pipeline, xray_sink(t.x));
    snprintf(base, sizeof(base), "http://127.0.0.1:%u/", t.server.port);
    xray_set_endpoint(t.x, "us-east-1", base);
}

static const struct xray_options usual = {.concurrency = 4,
                                          .flush_idle_ms = 20,
                                          .batch_documents = 50,
                                          .batch_bytes = 1 << 20,
                                          .memory_bytes = 64 << 20,
                                          .request_timeout_ms = 2000,
                                          .backoff_max_ms = 20,
                                          .user_agent = "test/1",
                                          .repair_names = true};

static inline int set_up(void **state)
{
    (void)state;
    memset(&t, 0, sizeof(t));
    log_set_level(LOG_LEVEL_ERROR);
    t.loop = loop_new(NULL);
    t.client =
        client_new(t.loop, &(struct client_options){.proxy = NULL}, NULL);
    t.stats = stats_new();
    t.pipeline = pipeline_new(t.stats);
    t.has_cred = true;
    t.cred = (struct cred){.refs = 1,
                           .access_key_id = SLICE("AKID"),
                           .secret_access_key = SLICE("secret"),
                           .session_token = SLICE("token")};
    fake_start(&t.server, t.loop, serve, NULL);
    use(&usual);
    return 0;
}

static inline int tear_down(void **state)
{
    (void)state;
    struct sink *s = xray_sink(t.x);
    assert_int_equal(*s->made,
                     *s->delivered + *s->refused + *s->dropped + s->pending(s));
    xray_free(t.x);
    assert_int_equal(t.cred.refs, 1);
    pipeline_free(t.pipeline);
    client_free(t.client);
    fake_stop(&t.server);
    stats_free(t.stats);
    loop_free(t.loop);
    return 0;
}

static inline enum push_result push_text(const char *text,
                                         enum push_when_full w)
{
    struct err err = {0};
    struct segment seg = {.document = slice_str(text)};
    return pipeline_push(t.pipeline, &seg, w, &err);
}

static inline enum push_result push_id(unsigned id)
{
    char text[256];
    snprintf(text, sizeof(text),
             "{\"name\":\"n\",\"id\":\"%016x\",\"trace_id\":\"" TRACE
             "\",\"start_time\":1,\"end_time\":2}",
             id);
    return push_text(text, WHEN_FULL_DROP_OLDEST);
}

static inline void push_many(unsigned first, unsigned n)
{
    for (unsigned i = first; i < first + n; i++)
        assert_int_equal(push_id(i), PUSH_ACCEPTED);
}

/* Turns the loop until the condition holds, ten seconds at most. */
#define UNTIL(cond)                                                            \
    do {                                                                       \
        struct timer *tick_ = timer_new(t.loop, stop, t.loop);                 \
        for (int i_ = 0; i_ < 5000 && !(cond); i_++) {                         \
            timer_start(tick_, 2);                                             \
            loop_run(t.loop);                                                  \
        }                                                                      \
        timer_free(tick_);                                                     \
        assert_true(cond);                                                     \
    } while (0)

static inline void stop(void *arg)
{
    loop_stop(arg);
}

static inline uint64_t waiting(void)
{
    return xray_sink(t.x)->pending(xray_sink(t.x));
}

static inline uint64_t delivered(void)
{
    return *xray_sink(t.x)->delivered;
}

static inline uint64_t refused(void)
{
    return *xray_sink(t.x)->refused;
}

static inline void header(const char *head, const char *name, char *out,
                          size_t size)
{
    const char *at = strstr(head, name);
    assert_non_null(at);
    at += strlen(name);
    snprintf(out, size, "%.*s", (int)strcspn(at, "\r"), at);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

#endif
