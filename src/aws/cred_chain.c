/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The chain as the rest of the program sees it: a snapshot that is kept fresh.
 * A snapshot is renewed ahead of its end, when somebody asks for it, so that an
 * idle or frozen process asks nobody. One look runs at a time, however many
 * wait. A failed look keeps what is still good, and is repeated with back-off
 * until credentials are there.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "cred_find.h"
#include "xr/clock.h"
#include "xr/hash.h"
#include "xr/log.h"

#define AHEAD_MS (5 * 60 * 1000) /* renewed so long before the end */
#define MARGIN_MS 5000           /* not used so short before the end */
#define BACKOFF_MIN_MS 1000
#define BACKOFF_MAX_MS 30000
#define LOOK_AT_FILES_MS 1000
#define WARN_EVERY_MS 60000

struct waiter {
    struct waiter *next;
    cred_fn fn;
    void *arg;
    unsigned round; /* of notifying, in which it is to be called */
};

struct cred_chain {
    struct loop *loop;
    struct cred_options options; /* texts owned */
    struct cred_find find;
    bool looking;
    struct cred *current;
    int64_t usable_until_ms, renew_at_ms; /* wall clock */
    struct waiter *waiters, **last;
    unsigned round;
    struct timer *retry;
    unsigned failures;
    struct err why; /* of the last failure */
    struct log_limit warned;
    int64_t files_seen_ms;
    char source[128]; /* last one logged */
};

static char *copy(const char *s);
static bool usable(const struct cred_chain *c, int64_t now_ms);
static bool to_renew(struct cred_chain *c, int64_t now_ms);
static void look(void *arg);
static void wait(struct cred_chain *c, cred_fn fn, void *arg);
static void on_found(void *arg, struct cred *cred, const struct err *err);
static void adopt(struct cred_chain *c, struct cred *cred);
static int64_t share(int64_t ms, unsigned percent);
static void tell_source(struct cred_chain *c);
static void note_failure(struct cred_chain *c, const struct err *err);
static void notify(struct cred_chain *c);
static void drop_current(struct cred_chain *c);

struct cred_chain *cred_chain_new(struct loop *l, struct client *client,
                                  const struct cred_options *o)
{
    struct cred_chain *c = calloc(1, sizeof *c);

    if (!c)
        log_fatal("Out of memory for the credentials chain");
    c->loop = l;
    c->options = (struct cred_options){
        .region = copy(o->region),
        .role_arn = copy(o->role_arn),
        .role_session_name = copy(o->role_session_name),
        .role_external_id = copy(o->role_external_id),
        .no_imds = o->no_imds,
    };
    c->last = &c->waiters;
    c->retry = timer_new(l, look, c);
    cred_find_init(&c->find, l, client);
    return c;
}

void cred_chain_free(struct cred_chain *c)
{
    if (!c)
        return;
    cred_find_stop(&c->find);
    timer_free(c->retry);
    cred_unref(c->current);
    while (c->waiters) {
        struct waiter *w = c->waiters;

        c->waiters = w->next;
        free(w);
    }
    free((char *)c->options.region);
    free((char *)c->options.role_arn);
    free((char *)c->options.role_session_name);
    free((char *)c->options.role_external_id);
    free(c);
}

void cred_set_region(struct cred_chain *c, const char *region)
{
    char *old = (char *)c->options.region;

    c->options.region = copy(region);
    /* A look under way holds the old text. */
    c->find.job.region = c->options.region;
    c->find.options.region = c->options.region;
    free(old);
}

void cred_get(struct cred_chain *c, cred_fn fn, void *arg)
{
    int64_t now = clock_wall_ms();
    struct cred *cred;

    if (!usable(c, now)) {
        if (!c->looking && timer_running(c->retry)) {
            fn(arg, NULL, &c->why);
            return;
        }
        wait(c, fn, arg);
        look(c);
        return;
    }
    if (to_renew(c, now))
        look(c);
    /* fn may call it invalid while it uses it. */
    cred = cred_ref(c->current);
    fn(arg, cred, NULL);
    cred_unref(cred);
}

void cred_cancel(struct cred_chain *c, void *arg)
{
    struct waiter **p = &c->waiters;

    while (*p) {
        struct waiter *w = *p;

        if (w->arg != arg) {
            p = &w->next;
            continue;
        }
        *p = w->next;
        free(w);
    }
    c->last = p;
}

struct cred *cred_current(struct cred_chain *c)
{
    return usable(c, clock_wall_ms()) ? c->current : NULL;
}

void cred_invalidate(struct cred_chain *c, const struct cred *bad)
{
    if (c->current && c->current == bad)
        drop_current(c);
}

static char *copy(const char *s)
{
    char *p = s ? strdup(s) : NULL;

    if (s && !p)
        log_fatal("Out of memory for the credentials chain");
    return p;
}

static bool usable(const struct cred_chain *c, int64_t now_ms)
{
    return c->current && (!c->usable_until_ms || now_ms < c->usable_until_ms);
}

/* Also when a file that it came from has changed, at which we look once a
 * second at most. */
static bool to_renew(struct cred_chain *c, int64_t now_ms)
{
    int64_t now = loop_now_ms(c->loop);

    if (c->looking || timer_running(c->retry))
        return false;
    if (c->renew_at_ms && now_ms >= c->renew_at_ms)
        return true;
    if (now - c->files_seen_ms < LOOK_AT_FILES_MS)
        return false;
    c->files_seen_ms = now;
    return cred_find_stale(&c->find);
}

static void look(void *arg)
{
    struct cred_chain *c = arg;

    if (c->looking)
        return;
    timer_stop(c->retry);
    c->looking = true;
    cred_find_start(&c->find, &c->options, on_found, c);
}

static void wait(struct cred_chain *c, cred_fn fn, void *arg)
{
    struct waiter *w = calloc(1, sizeof *w);

    if (!w)
        log_fatal("Out of memory for a call that waits for credentials");
    *w = (struct waiter){.fn = fn, .arg = arg, .round = c->round};
    *c->last = w;
    c->last = &w->next;
}

static void on_found(void *arg, struct cred *cred, const struct err *err)
{
    struct cred_chain *c = arg;

    c->looking = false;
    if (!cred) {
        note_failure(c, err);
        notify(c);
        return;
    }
    c->failures = 0;
    adopt(c, cred);
    notify(c);
}

static void adopt(struct cred_chain *c, struct cred *cred)
{
    int64_t now = clock_wall_ms();
    int64_t left = cred->expires_ms ? cred->expires_ms - now : 0;
    int64_t margin = left / 4 < MARGIN_MS ? left / 4 : MARGIN_MS;
    int64_t ahead = left / 4 < AHEAD_MS ? left / 4 : AHEAD_MS;

    drop_current(c);
    c->current = cred;
    c->usable_until_ms = left ? cred->expires_ms - margin : 0;
    c->renew_at_ms = cred->refresh_ms;
    if (left)
        c->renew_at_ms = cred->expires_ms - ahead - share(ahead, 25);
    cred->refresh_ms = c->renew_at_ms;
    tell_source(c);
}

/* Up to so many per cent of it, at random, so that a fleet that was started
 * together does not ask together. */
static int64_t share(int64_t ms, unsigned percent)
{
    uint32_t r;

    random_bytes(&r, sizeof r);
    return ms * percent / 100 * (r >> 16) / 65536;
}

static void tell_source(struct cred_chain *c)
{
    size_t n = strlen(c->current->source);

    if (strncmp(c->source, c->current->source, sizeof c->source - 1) == 0) {
        log_debug("Credentials renewed: %s", c->current->source);
        return;
    }
    log_info("Credentials found: %s", c->current->source);
    n = n < sizeof c->source ? n : sizeof c->source - 1;
    memcpy(c->source, c->current->source, n);
    c->source[n] = '\0';
}

static void note_failure(struct cred_chain *c, const struct err *err)
{
    unsigned doublings = c->failures < 8 ? c->failures : 8;
    int64_t pause = (int64_t)BACKOFF_MIN_MS << doublings;
    int64_t now = clock_wall_ms();
    uint64_t missed;

    pause = pause < BACKOFF_MAX_MS ? pause : BACKOFF_MAX_MS;
    c->why = *err;
    c->failures++;
    timer_start(c->retry, pause - share(pause, 50));
    if (!log_limit_pass(&c->warned, loop_now_ms(c->loop), WARN_EVERY_MS,
                        &missed))
        return;
    if (!usable(c, now))
        log_error("No credentials; trying again. Tried: %s", err->text);
    else if (c->current->expires_ms)
        log_warn("Credentials not renewed (the present ones are good for %lld "
                 "s): %s",
                 (long long)(c->current->expires_ms - now) / 1000, err->text);
    else
        log_warn("Credentials not renewed (the present ones stay in use): %s",
                 err->text);
}

/* Calls all who waited until now. They may wait again, cancel each other and
 * ask for more meanwhile. */
static void notify(struct cred_chain *c)
{
    unsigned round = c->round++;

    while (c->waiters && c->waiters->round <= round) {
        struct waiter *w = c->waiters;
        struct cred *cred = cred_ref(c->current);

        c->waiters = w->next;
        if (!c->waiters)
            c->last = &c->waiters;
        w->fn(w->arg, usable(c, clock_wall_ms()) ? cred : NULL, &c->why);
        free(w);
        cred_unref(cred);
    }
}

static void drop_current(struct cred_chain *c)
{
    cred_unref(c->current);
    c->current = NULL;
    c->usable_until_ms = 0;
    c->renew_at_ms = 0;
}
