/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The extension at work: Extensions API and Telemetry API on one side, the
 * relay's callbacks on the other, and the state machine (lifecycle.c) between
 * them. No trouble of the API ends it: it asks again, for as long as it lives.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "call.h"
#include "lifecycle.h"
#include "message.h"
#include "xr/clock.h"
#include "xr/http1.h"
#include "xr/log.h"

#define TELEMETRY_ADDRESS "0.0.0.0:0"
#define TELEMETRY_BODY_MAX (2u << 20)
#define TELEMETRY_HEADERS_MAX (8u << 10)
#define TELEMETRY_CONNECTIONS 16
#define TELEMETRY_TIMEOUT_S 60
#define DEADLINE_UNKNOWN_MS 3000 /* Lambda's default time-out */
#define RETRY_FIRST_MS 10
#define RETRY_MAX_MS 1000
#define DRAIN_TURNS 3 /* accept, read, answer */

/* The clocks at one moment: not each of them runs on in a freeze. */
struct moment {
    int64_t mono_ms, wall_ms, boot_ms;
};

struct lambda {
    struct loop *loop;
    const char *api, *name;
    struct lambda_relay relay;
    struct life life;
    struct address address;
    struct call *control, *events;
    struct http1 *telemetry;
    struct timer *wake, *retry;
    void (*retried)(struct lambda *x);
    int64_t retry_ms;
    char identifier[LAMBDA_ID_MAX];
    struct moment asked;
    uint64_t datagrams;
    unsigned turns; /* of a drain, left */
    bool changed;   /* is to be told in the next turn */
    bool prepared, managed, complained;
};

static void feed(struct lambda *x, struct life_event *e);
static void feed_kind(struct lambda *x, enum life_event_kind kind);
static void perform(struct lambda *x, const struct life_step *s);
static void perform_last(struct lambda *x, const struct life_step *s);
static void open_telemetry(struct lambda *x);
static void do_register(struct lambda *x);
static void on_registered(void *arg, const struct lambda_answer *a,
                          const char *why);
static void subscribe(struct lambda *x);
static void on_subscribed(void *arg, const struct lambda_answer *a,
                          const char *why);
static void on_telemetry(void *arg, struct http1_request *r);
static void on_platform(void *arg, struct slice type, struct slice request_id);
static void ask_next(struct lambda *x);
static void on_next(void *arg, const struct lambda_answer *a, const char *why);
static void take_event(struct lambda *x, const struct event *event);
static void later_again(struct lambda *x, void (*fn)(struct lambda *x),
                        const struct lambda_answer *a, const char *why);
static void prepare(void *arg);
static void drain_turn(void *arg);
static void tell_changed(void *arg);
static void on_wake(void *arg);
static void on_retry(void *arg);
static struct moment now(void);
static int64_t away(const struct moment *since);

enum lambda_init lambda_init_type(const char *text)
{
    struct slice t = slice_str(text);
    if (slice_is(t, "snap-start"))
        return LAMBDA_SNAP_START;
    return slice_is(t, "lambda-managed-instances") ? LAMBDA_MANAGED
                                                   : LAMBDA_ON_DEMAND;
}

struct lambda *lambda_new(struct loop *l, const char *api, const char *name,
                          const struct lambda_policy *policy,
                          const struct lambda_relay *relay)
{
    struct err err;
    struct lambda *x = calloc(1, sizeof(*x));
    if (x == NULL)
        log_fatal("out of memory while starting");
    x->loop = l;
    x->api = api;
    x->name = lambda_base_name(name);
    x->relay = *relay;
    x->retry_ms = RETRY_FIRST_MS;
    life_init(&x->life, policy);
    if (address_parse(api, SOCK_STREAM, &x->address, &err) != 0)
        log_fatal("AWS_LAMBDA_RUNTIME_API %s: %s", api, err.text);
    x->control = call_new(l, &x->address);
    x->events = call_new(l, &x->address);
    x->wake = timer_new(l, on_wake, x);
    x->retry = timer_new(l, on_retry, x);
    if (policy->init != LAMBDA_MANAGED)
        open_telemetry(x);
    return x;
}

void lambda_free(struct lambda *x)
{
    if (x == NULL)
        return;
    call_free(x->control);
    call_free(x->events);
    http1_free(x->telemetry);
    timer_free(x->wake);
    timer_free(x->retry);
    free(x);
}

void lambda_start(struct lambda *x)
{
    feed_kind(x, LIFE_EVENT_START);
}

void lambda_changed(struct lambda *x)
{
    if (x->changed)
        return;
    x->changed = true;
    loop_later(x->loop, tell_changed, x);
}

void lambda_left(struct lambda *x)
{
    feed_kind(x, LIFE_EVENT_EMPTY);
}

/* An upload changes the queue that the state machine has been told of. */
static void feed(struct lambda *x, struct life_event *e)
{
    struct life_step s;
    do {
        e->now_ms = loop_now_ms(x->loop);
        x->relay.queue(x->relay.arg, &e->queue);
        life_step(&x->life, e, &s);
        perform(x, &s);
        e->kind = LIFE_EVENT_UPLOADED;
    } while (s.actions & LIFE_UPLOAD);
    if (s.wake_ms != 0) {
        int64_t wait = s.wake_ms - loop_now_ms(x->loop);
        timer_start(x->wake, wait > 0 ? wait : 0);
    } else {
        timer_stop(x->wake);
    }
}

static void feed_kind(struct lambda *x, enum life_event_kind kind)
{
    feed(x, &(struct life_event){.kind = kind});
}

static void perform(struct lambda *x, const struct life_step *s)
{
    const struct lambda_relay *r = &x->relay;
    if (s->actions & (LIFE_REGISTER | LIFE_REGISTER_MANAGED)) {
        x->managed = s->actions & LIFE_REGISTER_MANAGED;
        do_register(x);
    }
    if (s->actions & LIFE_SUBSCRIBE)
        subscribe(x);
    if (s->actions & LIFE_RESTORED)
        r->restored(r->arg);
    if (s->actions & LIFE_THAWED)
        r->thawed(r->arg);
    if (s->actions & LIFE_DRAIN) {
        r->drain(r->arg);
        x->turns = DRAIN_TURNS;
        loop_later(x->loop, drain_turn, x);
    }
    if (s->actions & LIFE_RELEASE)
        r->hold(r->arg, false);
    if (s->actions & LIFE_UPLOAD)
        r->upload(r->arg);
    perform_last(x, s);
}

static void perform_last(struct lambda *x, const struct life_step *s)
{
    const struct lambda_relay *r = &x->relay;
    if (s->actions & LIFE_HOLD)
        r->hold(r->arg, true);
    if (s->actions & LIFE_RECALL)
        r->recall(r->arg);
    if (s->actions & LIFE_NEXT)
        ask_next(x);
    if (s->actions & LIFE_LEAVE)
        r->leave(r->arg, s->deadline_ms);
    if (s->actions & LIFE_EXIT) {
        failopen_disarm();
        loop_stop(x->loop);
    }
}

/* On all addresses, since the platform's name for us leads to one that is not
 * loopback. Without it there are no events, and the rest works. */
static void open_telemetry(struct lambda *x)
{
    struct err err;
    struct http1_limits limits = {
        .body_max = TELEMETRY_BODY_MAX,
        .headers_max = TELEMETRY_HEADERS_MAX,
        .connections = TELEMETRY_CONNECTIONS,
        .timeout_s = TELEMETRY_TIMEOUT_S,
    };
    x->telemetry = http1_new(x->loop, TELEMETRY_ADDRESS, &limits, NULL, &err);
    if (x->telemetry == NULL)
        log_warn("No port for Lambda's telemetry: %s", err.text);
    else
        http1_route(x->telemetry,
                    (struct http1_route){"POST", "/", on_telemetry, x});
}

static void do_register(struct lambda *x)
{
    struct lambda_request r = {
        .method = "POST",
        .path = LAMBDA_PATH_REGISTER,
        .api = x->api,
        .name = x->name,
        .body = x->managed ? LAMBDA_REGISTER_MANAGED : LAMBDA_REGISTER_ALL,
    };
    call_send(x->control, &r, on_registered, x);
    failopen_outstanding(call_fd(x->control));
}

static void on_registered(void *arg, const struct lambda_answer *a,
                          const char *why)
{
    struct lambda *x = arg;
    failopen_outstanding(-1);
    struct slice id = {0};
    if (a != NULL && a->status == 200)
        id = lambda_answer_header(a, "Lambda-Extension-Identifier");
    if (id.n == 0 || id.n >= sizeof(x->identifier)) {
        if (a != NULL && !x->managed &&
            slice_is(event_member(a->body, "errorType"),
                     "Extension.InvalidEventType"))
            feed_kind(x, LIFE_EVENT_INVOKE_REFUSED);
        else
            later_again(x, do_register, a, why);
        return;
    }
    memcpy(x->identifier, id.p, id.n);
    failopen_remember(x->identifier);
    x->retry_ms = RETRY_FIRST_MS;
    struct slice account = event_member(a->body, "accountId");
    if (account.n > 0)
        x->relay.account(x->relay.arg, account);
    feed_kind(x, LIFE_EVENT_REGISTERED);
}

static void subscribe(struct lambda *x)
{
    char body[512];
    if (x->telemetry == NULL) {
        on_subscribed(x, NULL, "no port");
        return;
    }
    const char *port = strrchr(http1_bound(x->telemetry), ':');
    snprintf(body, sizeof(body),
             "{\"schemaVersion\":\"2022-12-13\",\"types\":[\"platform\"],"
             "\"buffering\":{\"maxItems\":1000,\"maxBytes\":262144,"
             "\"timeoutMs\":25},\"destination\":{\"protocol\":\"HTTP\","
             "\"URI\":\"http://sandbox.localdomain%s/\"}}",
             port);
    struct lambda_request r = {
        .method = "PUT",
        .path = LAMBDA_PATH_TELEMETRY,
        .api = x->api,
        .identifier = x->identifier,
        .body = body,
    };
    call_send(x->control, &r, on_subscribed, x);
}

static void on_subscribed(void *arg, const struct lambda_answer *a,
                          const char *why)
{
    struct lambda *x = arg;
    if (a != NULL && a->status == 200) {
        feed_kind(x, LIFE_EVENT_SUBSCRIBED);
    } else if (a != NULL && a->status == 202) {
        feed_kind(x, LIFE_EVENT_NO_TELEMETRY);
    } else {
        log_warn("Lambda's Telemetry API: %s %d; documents are uploaded "
                 "during the next invocation",
                 why ? why : "HTTP status", a ? a->status : 0);
        feed_kind(x, LIFE_EVENT_NOT_SUBSCRIBED);
    }
}

/* The answer first: the platform waits for it. The body lives on as long as
 * the request does, so what it says is read before. */
static void on_telemetry(void *arg, struct http1_request *r)
{
    struct lambda *x = arg;
    if (!telemetry_read(http1_body(r), on_platform, x))
        log_debug("Telemetry that is not JSON");
    http1_reply(r, 200, NULL, (struct slice){0});
}

static void on_platform(void *arg, struct slice type, struct slice request_id)
{
    if (slice_is(type, "platform.runtimeDone"))
        feed(arg, &(struct life_event){.kind = LIFE_EVENT_RUNTIME_DONE,
                                       .request_id = request_id});
    else
        log_debug("Lambda tells %.*s", SLICE_ARG(type));
}

static void ask_next(struct lambda *x)
{
    struct lambda_request r = {
        .method = "GET",
        .path = LAMBDA_PATH_NEXT,
        .api = x->api,
        .identifier = x->identifier,
    };
    x->asked = now();
    call_send(x->events, &r, on_next, x);
    failopen_outstanding(call_fd(x->events));
    if (!x->prepared)
        loop_later(x->loop, prepare, x);
    x->prepared = true;
}

static void on_next(void *arg, const struct lambda_answer *a, const char *why)
{
    struct lambda *x = arg;
    struct event event;
    failopen_outstanding(-1);
    if (a != NULL && a->status == 200) {
        x->retry_ms = RETRY_FIRST_MS;
        event_read(a->body, &event);
        if (event.type == EVENT_OTHER)
            ask_next(x);
        else
            take_event(x, &event);
    } else if (a != NULL && a->status == 500) {
        /* The container is broken, says the API: to leave is all that is
         * left. */
        feed_kind(x, LIFE_EVENT_SHUTDOWN);
    } else {
        later_again(x, ask_next, a, why);
    }
}

static void take_event(struct lambda *x, const struct event *event)
{
    struct life_event e = {.kind = LIFE_EVENT_SHUTDOWN,
                           .away_ms = away(&x->asked),
                           .request_id = event->request_id};
    if (event->deadline_ms != 0)
        e.deadline_ms =
            loop_now_ms(x->loop) + event->deadline_ms - clock_wall_ms();
    if (event->type == EVENT_INVOKE) {
        e.kind = LIFE_EVENT_INVOKE;
        if (event->deadline_ms == 0)
            e.deadline_ms = loop_now_ms(x->loop) + DEADLINE_UNKNOWN_MS;
    } else {
        log_debug("Lambda ends this environment: %.*s",
                  SLICE_ARG(event->reason));
    }
    feed(x, &e);
}

/* To end would fail the function, so there is nothing but to ask again. */
static void later_again(struct lambda *x, void (*fn)(struct lambda *x),
                        const struct lambda_answer *a, const char *why)
{
    if (!x->complained)
        log_error("Lambda's Extensions API: %s %d %.*s; asking again",
                  why ? why : "HTTP status", a ? a->status : 0,
                  a ? (int)(a->body.n < 200 ? a->body.n : 200) : 0,
                  a ? a->body.p : "");
    x->complained = true;
    x->retried = fn;
    timer_start(x->retry, x->retry_ms);
    if (x->retry_ms < RETRY_MAX_MS)
        x->retry_ms *= 2;
}

static void prepare(void *arg)
{
    struct lambda *x = arg;
    x->relay.prepare(x->relay.arg);
}

/* What lies in the sockets takes some turns of the loop to get through. */
static void drain_turn(void *arg)
{
    struct lambda *x = arg;
    if (--x->turns > 0)
        loop_later(x->loop, drain_turn, x);
    else
        feed_kind(x, LIFE_EVENT_DRAINED);
}

static void tell_changed(void *arg)
{
    struct lambda *x = arg;
    uint64_t n = x->relay.datagrams(x->relay.arg);
    struct life_event e = {.kind = LIFE_EVENT_CHANGED,
                           .datagram = n != x->datagrams};
    x->datagrams = n;
    x->changed = false;
    feed(x, &e);
}

static void on_wake(void *arg)
{
    feed_kind(arg, LIFE_EVENT_TICK);
}

static void on_retry(void *arg)
{
    struct lambda *x = arg;
    x->retried(x);
}

static struct moment now(void)
{
    struct timespec boot;
    clock_gettime(CLOCK_BOOTTIME, &boot);
    return (struct moment){
        .mono_ms = clock_mono_ms(),
        .wall_ms = clock_wall_ms(),
        .boot_ms = (int64_t)boot.tv_sec * 1000 + boot.tv_nsec / 1000000,
    };
}

static int64_t away(const struct moment *since)
{
    struct moment m = now();
    int64_t ms = m.mono_ms - since->mono_ms;
    if (ms < m.wall_ms - since->wall_ms)
        ms = m.wall_ms - since->wall_ms;
    if (ms < m.boot_ms - since->boot_ms)
        ms = m.boot_ms - since->boot_ms;
    return ms;
}
