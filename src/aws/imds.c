/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The EC2 instance metadata service. Off EC2 nothing answers there, so one
 * attempt at the token is all: the chain comes back by itself. In a container
 * one hop away from the host, the token's answer is dropped by its hop limit
 * while everything else works; that is worth a hint of its own.
 */
#include "imds.h"

#include <stdio.h>
#include <string.h>

#include "env.h"

#define V4_BASE "http://169.254.169.254"
#define V6_BASE "http://[fd00:ec2::254]"
#define TOKEN_TTL "21600"
#define CONNECT_TIMEOUT_MS 1000
#define TIMEOUT_MS 2000
#define GET_TRIES 3
#define PUT_TRIES 2
#define ANSWER_MAX ((size_t)64 << 10)
#define HOP_HINT                                                               \
    "the token request gets no answer while the service is there: from a "     \
    "container, raise the instance's metadata hop limit to 2 "                 \
    "(aws ec2 modify-instance-metadata-options "                               \
    "--http-put-response-hop-limit 2)"

static bool make_url(struct imds *m, const char *path);
static void ask_token(struct imds *m);
static void on_token(void *arg, const struct client_answer *a);
static void keep_token(struct imds *m, struct slice token);
static void get(struct imds *m);
static void on_get(void *arg, const struct client_answer *a);
static void fail(struct imds *m, int status, const char *why);

const char *imds_disabled(void)
{
    return env_true("AWS_EC2_METADATA_DISABLED")
               ? "switched off by AWS_EC2_METADATA_DISABLED"
               : NULL;
}

void imds_init(struct imds *m, struct loop *l, struct client *c, void *arg)
{
    *m = (struct imds){.arg = arg};
    fetch_init(&m->fetch, l, c, m);
}

void imds_get(struct imds *m, const char *path,
              void (*fn)(void *arg, struct slice body, int status,
                         const char *why))
{
    m->path = path;
    m->fn = fn;
    if (m->asked)
        get(m);
    else
        ask_token(m);
}

void imds_fini(struct imds *m)
{
    fetch_fini(&m->fetch);
    explicit_bzero(m->token, sizeof m->token);
}

static bool make_url(struct imds *m, const char *path)
{
    const char *base = env_text("AWS_EC2_METADATA_SERVICE_ENDPOINT");
    const char *mode = env_text("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE");
    size_t n;
    int len;

    if (!base)
        base = mode && strcasecmp(mode, "ipv6") == 0 ? V6_BASE : V4_BASE;
    n = strlen(base);
    while (n && base[n - 1] == '/')
        n--;
    len = snprintf(m->url, sizeof m->url, "%.*s%s", (int)n, base, path);
    return len > 0 && (size_t)len < sizeof m->url;
}

static void ask_token(struct imds *m)
{
    struct client_request r = {
        .method = "PUT",
        .url = m->url,
        .headers = m->headers,
        .n_headers = 1,
        .timeout_ms = TIMEOUT_MS,
        .connect_timeout_ms = CONNECT_TIMEOUT_MS,
        .direct = true,
        .answer_max = ANSWER_MAX,
    };

    m->asked = true;
    m->token_text = slice_of(NULL, 0);
    m->headers[0].name = slice_str("X-aws-ec2-metadata-token-ttl-seconds");
    m->headers[0].value = slice_str(TOKEN_TTL);
    if (!make_url(m, "/latest/api/token")) {
        fail(m, 0, "AWS_EC2_METADATA_SERVICE_ENDPOINT is too long");
        return;
    }
    m->fetch.patient = false;
    fetch_start(&m->fetch, &r, PUT_TRIES, on_token);
}

static void on_token(void *arg, const struct client_answer *a)
{
    struct imds *m = arg;
    char why[384];

    m->unanswered = a->outcome == CLIENT_TIMEOUT &&
                    a->took_ms > (CONNECT_TIMEOUT_MS + TIMEOUT_MS) / 2;
    if (a->outcome == CLIENT_ANSWERED && a->status == 200)
        keep_token(m, a->body);
    if (a->outcome == CLIENT_ANSWERED || m->unanswered) {
        if (!m->token_text.n && env_true("AWS_EC2_METADATA_V1_DISABLED"))
            fail(m, a->status,
                 m->unanswered ? HOP_HINT : "no session token is given");
        else
            get(m);
        return;
    }
    fetch_say(a, why);
    fail(m, 0, why);
}

static void keep_token(struct imds *m, struct slice token)
{
    if (token.n >= sizeof m->token || !fetch_token_ok(&token))
        return;
    memcpy(m->token, token.p, token.n);
    m->token_text = slice_of(m->token, token.n);
}

static void get(struct imds *m)
{
    struct client_request r = {
        .method = "GET",
        .url = m->url,
        .headers = m->headers,
        .n_headers = m->token_text.n > 0,
        .timeout_ms = TIMEOUT_MS,
        .connect_timeout_ms = CONNECT_TIMEOUT_MS,
        .direct = true,
        .answer_max = ANSWER_MAX,
    };

    m->headers[0].name = slice_str("X-aws-ec2-metadata-token");
    m->headers[0].value = m->token_text;
    if (!make_url(m, m->path)) {
        fail(m, 0, "the address is too long");
        return;
    }
    m->fetch.patient = true;
    fetch_start(&m->fetch, &r, m->unanswered ? 1 : GET_TRIES, on_get);
}

static void on_get(void *arg, const struct client_answer *a)
{
    struct imds *m = arg;
    bool answered = a->outcome == CLIENT_ANSWERED;
    char why[384];

    if (answered && a->status == 200) {
        m->fn(m->arg, a->body, 200, NULL);
    } else if (answered && a->status == 401 && m->unanswered) {
        fail(m, 401, HOP_HINT);
    } else if (answered && a->status == 401 && m->token_text.n && !m->renewed) {
        m->renewed = true;
        ask_token(m);
    } else {
        fetch_say(a, why);
        fail(m, answered ? a->status : 0, why);
    }
}

/* Asks for a token anew the next time. */
static void fail(struct imds *m, int status, const char *why)
{
    m->asked = m->asked && status == 404;
    m->fn(m->arg, slice_of(NULL, 0), status, why);
}
