/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exchanges with the endpoints that give credentials and metadata. Repeats soon
 * and few times; what takes longer is for the chain's own back-off.
 */
#include "fetch.h"

#include <stdio.h>

#include "cred_parse.h"
#include "xr/hash.h"

#define PAUSE_MS 100

static void try_once(void *arg);
static void on_answer(void *arg, const struct client_answer *a);
static bool may_pass(const struct fetch *f, const struct client_answer *a);

void fetch_init(struct fetch *f, struct loop *l, struct client *c, void *arg)
{
    *f = (struct fetch){.loop = l, .client = c, .arg = arg};
}

void fetch_start(struct fetch *f, const struct client_request *r,
                 unsigned tries, fetch_fn fn)
{
    f->request = *r;
    f->tries_left = tries;
    f->tried = 0;
    f->fn = fn;
    try_once(f);
}

void fetch_fini(struct fetch *f)
{
    if (f->call)
        client_cancel(f->call);
    timer_free(f->pause);
    f->call = NULL;
    f->pause = NULL;
}

void fetch_say(const struct client_answer *a, char out[384])
{
    char error[256];

    if (a->outcome != CLIENT_ANSWERED)
        snprintf(out, 384, "%s", a->why ? a->why : "no answer");
    else if (cred_parse_error(a->body, error))
        snprintf(out, 384, "answered %d (%s)", a->status, error);
    else
        snprintf(out, 384, "answered %d", a->status);
}

bool fetch_token_ok(struct slice *token)
{
    while (token->n && token->p[token->n - 1] <= ' ' &&
           token->p[token->n - 1] > 0)
        token->n--;
    while (token->n && token->p[0] <= ' ' && token->p[0] > 0) {
        token->p++;
        token->n--;
    }
    for (size_t i = 0; i < token->n; i++)
        if (token->p[i] < ' ' || token->p[i] == 0x7f)
            return false;
    return token->n > 0;
}

static void try_once(void *arg)
{
    struct fetch *f = arg;
    struct client_answer none = {.outcome = CLIENT_OTHER};
    struct err err;

    f->tries_left--;
    f->tried++;
    f->call = client_start(f->client, &f->request, on_answer, f, &err);
    if (f->call)
        return;
    none.why = err.text;
    f->fn(f->arg, &none);
}

static void on_answer(void *arg, const struct client_answer *a)
{
    struct fetch *f = arg;
    uint16_t jitter;

    f->call = NULL;
    if (f->tries_left == 0 || !may_pass(f, a)) {
        f->fn(f->arg, a);
        return;
    }
    if (!f->pause)
        f->pause = timer_new(f->loop, try_once, f);
    random_bytes(&jitter, sizeof jitter);
    timer_start(f->pause,
                (PAUSE_MS << f->tried) / 2 + jitter % (PAUSE_MS << f->tried));
}

static bool may_pass(const struct fetch *f, const struct client_answer *a)
{
    switch (a->outcome) {
    case CLIENT_ANSWERED:
        return a->status >= 500 || a->status == 429;
    case CLIENT_BROKEN:
        return true;
    case CLIENT_REFUSED:
    case CLIENT_TIMEOUT:
    case CLIENT_UNKNOWN_HOST:
        return f->patient;
    default:
        return false;
    }
}
