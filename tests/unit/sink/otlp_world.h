/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sink that passes OTLP on, against a small backend on the same loop and
 * with credentials of the test. At the end of each test its ledger must
 * balance: what was made has been delivered, refused or dropped.
 */
#ifndef XR_TESTS_OTLP_WORLD_H
#define XR_TESTS_OTLP_WORLD_H

#include "sink/otlp_parts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../fake_cred.h"
#include "../fake_http.h"

#define REQUESTS_MAX 64
#define PROTOBUF_TYPE "Content-Type: application/x-protobuf\r\n"

static struct {
    struct loop *loop;
    struct client *client;
    struct stats *stats;
    struct pipeline *pipeline;
    struct fake_http server;
    struct exporter *x;
    void (*script)(struct fake_conn *c, unsigned number, const char *body);
    unsigned requests;
    char heads[REQUESTS_MAX][1024], bodies[REQUESTS_MAX][256];
    struct cred cred;
    unsigned invalidated;
    bool drained, no_cred;
} t;

/* --- credentials of the test ------------------------------------------- */
void cred_get(struct cred_chain *c, cred_fn fn, void *arg)
{
    (void)c;
    fn(arg, t.no_cred ? NULL : &t.cred, NULL);
}

void cred_cancel(struct cred_chain *c, void *arg)
{
    (void)c;
    (void)arg;
}

void cred_invalidate(struct cred_chain *c, const struct cred *bad)
{
    (void)c;
    assert_ptr_equal(bad, &t.cred);
    t.invalidated++;
}

/* --- the world ---------------------------------------------------------- */
static inline void serve(void *arg, struct fake_conn *c, struct slice head,
                         struct slice body)
{
    (void)arg;
    assert_true(t.requests < REQUESTS_MAX);
    unsigned i = t.requests++;
    snprintf(t.heads[i], sizeof(t.heads[i]), "%.*s", SLICE_ARG(head));
    snprintf(t.bodies[i], sizeof(t.bodies[i]), "%.*s", SLICE_ARG(body));
    if (t.script)
        t.script(c, t.requests, t.bodies[i]);
    else
        fake_reply(c, 200, "", "");
}

static const struct exporter_options usual = {
    .name = "otlphttp",
    .compression = CODING_IDENTITY,
    .timeout_ms = 5000,
    .concurrency = 2,
    .memory_bytes = 1 << 20,
    .retry = true,
    .retry_first_ms = 1,
    .retry_max_ms = 20,
};

static inline void use(const struct exporter_options *o)
{
    struct exporter_options own = *o;
    char url[64];
    struct exporter_wiring w = {t.loop, t.client, NULL, t.stats};
    snprintf(url, sizeof(url), "http://127.0.0.1:%u/v1/traces", t.server.port);
    own.url = url;
    t.x = exporter_new(&w, &own);
    pipeline_add(t.pipeline, exporter_sink(t.x));
}

static inline int set_up(void **state)
{
    (void)state;
    memset(&t, 0, sizeof(t));
    log_set_level(LOG_LEVEL_ERROR);
    log_to_stderr();
    t.loop = loop_new(NULL);
    t.client =
        client_new(t.loop, &(struct client_options){.proxy = NULL}, NULL);
    t.stats = stats_new();
    t.pipeline = pipeline_new(t.stats);
    t.cred = (struct cred){.refs = 1,
                           .access_key_id = SLICE("AKID"),
                           .secret_access_key = SLICE("secret"),
                           .session_token = SLICE("token")};
    fake_start(&t.server, t.loop, serve, NULL);
    return 0;
}

static inline int tear_down(void **state)
{
    (void)state;
    const struct sink *s = exporter_sink(t.x);
    assert_int_equal(*s->made, *s->delivered + *s->refused + *s->dropped +
                                   s->pending((struct sink *)(uintptr_t)s));
    exporter_free(t.x);
    assert_int_equal(t.cred.refs, 1);
    fake_stop(&t.server);
    pipeline_free(t.pipeline);
    stats_free(t.stats);
    client_free(t.client);
    loop_free(t.loop);
    return 0;
}

static inline void on_limit(void *arg)
{
    *(bool *)arg = true;
    loop_stop(t.loop);
}

static inline void stop_loop(void *arg)
{
    (void)arg;
    loop_stop(t.loop);
}

/* Runs until the condition holds, looked at each ms. */
#define WAIT(condition)                                                        \
    do {                                                                       \
        bool late = false;                                                     \
        struct timer *limit = timer_new(t.loop, on_limit, &late);              \
        struct timer *look = timer_new(t.loop, stop_loop, NULL);               \
        timer_start(limit, 20000);                                             \
        while (!(condition) && !late) {                                        \
            timer_start(look, 1);                                              \
            loop_run(t.loop);                                                  \
        }                                                                      \
        timer_free(limit);                                                     \
        timer_free(look);                                                      \
        assert_false(late);                                                    \
    } while (0)

static inline enum push_result push_as(const char *body, uint64_t spans,
                                       bool json, enum push_when_full when_full)
{
    struct err err = {""};
    struct otlp_request r = {
        .json = json, .body = slice_str(body), .spans = spans};
    return pipeline_push_otlp(t.pipeline, &r, when_full, &err);
}

static inline void push(const char *body, uint64_t spans)
{
    assert_int_equal(push_as(body, spans, false, WHEN_FULL_REFUSE),
                     PUSH_ACCEPTED);
}

static inline uint64_t lost(enum otlp_loss why)
{
    return *t.x->n.lost[why];
}

static inline bool settled(void)
{
    return t.x->sink.pending(&t.x->sink) == 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
