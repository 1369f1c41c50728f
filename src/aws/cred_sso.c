/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IAM Identity Center (SSO): the token that `aws sso login` has cached is
 * exchanged for the keys of a role. Logging in needs a person and a browser, so
 * that without a good token all we can do is to say so. The cache is searched
 * by start URL.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cred_job.h"
#include "cred_parse.h"
#include "fetch.h"
#include "sigv4_text.h"
#include "xr/clock.h"
#include "xr/log.h"
#include "xr/region.h"

#define CACHE ".aws/sso/cache"
#define CACHE_FILES_MAX 256
#define CACHE_FILE_MAX ((size_t)64 << 10)
#define URL_MAX 1024
#define TRIES 3
#define TIMEOUT_MS 10000
#define CONNECT_TIMEOUT_MS 3000

struct state {
    struct fetch fetch;
    struct sso_token token;
    struct buf url;
    struct client_header header;
};

static void start(struct cred_job *j);
static bool find_token(const char *start_url, struct sso_token *best);
static bool read_token(const char *folder, const char *file,
                       const char *start_url, struct sso_token *out);
static int make_url(struct cred_job *j, struct state *s, struct err *err);
static void on_answer(void *arg, const struct client_answer *a);
static void stop(struct cred_job *j);

const struct cred_kind cred_kind_sso = {"sso", start, stop};

static void start(struct cred_job *j)
{
    struct state *s = j->state = calloc(1, sizeof *s);
    struct client_request r = {
        .method = "GET",
        .n_headers = 1,
        .timeout_ms = TIMEOUT_MS,
        .connect_timeout_ms = CONNECT_TIMEOUT_MS,
        .answer_max = CRED_ANSWER_MAX,
    };
    struct err err;

    if (!s)
        log_fatal("Out of memory for an SSO request");
    fetch_init(&s->fetch, j->loop, j->client, j);
    s->fetch.patient = true;
    buf_init(&s->url, URL_MAX);
    if (!find_token(j->step->sso.start_url, &s->token) ||
        s->token.expires_ms <= clock_wall_ms()) {
        cred_job_fail(j, "the SSO session %s; run: aws sso login --profile %s",
                      s->token.expires_ms ? "has expired" : "has no token",
                      j->step->sso.profile);
        return;
    }
    if (make_url(j, s, &err) != 0) {
        cred_job_end(j, NULL, &err);
        return;
    }
    s->header.name = slice_str("x-amz-sso_bearer_token");
    s->header.value = slice_str(s->token.access_token);
    r.headers = &s->header;
    r.url = buf_cstr(&s->url);
    fetch_start(&s->fetch, &r, TRIES, on_answer);
}

/* The one that lives longest. */
static bool find_token(const char *start_url, struct sso_token *best)
{
    char folder[FILE_PATH_MAX];
    struct sso_token *t = calloc(1, sizeof *t);
    struct dirent *e;
    DIR *d;

    best->expires_ms = 0;
    d = t && profile_home_path(CACHE, folder) ? opendir(folder) : NULL;
    for (int i = 0; d && i < CACHE_FILES_MAX && (e = readdir(d)); i++) {
        size_t n = strlen(e->d_name);

        if (n > 5 && strcmp(e->d_name + n - 5, ".json") == 0 &&
            read_token(folder, e->d_name, start_url, t) &&
            t->expires_ms > best->expires_ms)
            *best = *t;
    }
    if (d)
        closedir(d);
    if (t)
        explicit_bzero(t, sizeof *t);
    free(t);
    return best->expires_ms > 0;
}

static bool read_token(const char *folder, const char *file,
                       const char *start_url, struct sso_token *out)
{
    char path[FILE_PATH_MAX + 256];
    struct buf text;
    struct err err;
    int n = snprintf(path, sizeof path, "%s/%s", folder, file);
    bool good;

    buf_init(&text, CACHE_FILE_MAX);
    good = n > 0 && (size_t)n < sizeof path &&
           file_read(path, &text, &err) == 0 &&
           cred_parse_sso_token(buf_slice(&text), start_url, out);
    if (text.n)
        explicit_bzero(text.p, text.n);
    buf_fini(&text);
    return good;
}

static int make_url(struct cred_job *j, struct state *s, struct err *err)
{
    char base[ENDPOINT_MAX];

    if (endpoint_resolve("portal.sso", j->step->sso.region, NULL, base, err) !=
        0)
        return -1;
    buf_str(&s->url, base);
    buf_str(&s->url, "/federation/credentials?role_name=");
    uri_encode(slice_str(j->step->sso.role), false, &s->url);
    buf_str(&s->url, "&account_id=");
    uri_encode(slice_str(j->step->sso.account), false, &s->url);
    return s->url.failed ? err_set(err, "the SSO role name is too long") : 0;
}

static void on_answer(void *arg, const struct client_answer *a)
{
    struct cred_job *j = arg;
    struct cred *c;
    struct err err;
    char why[384];

    if (a->outcome == CLIENT_ANSWERED && a->status == 401) {
        cred_job_fail(j,
                      "the SSO session is not accepted any more; run: aws "
                      "sso login --profile %s",
                      j->step->sso.profile);
        return;
    }
    if (a->outcome != CLIENT_ANSWERED || a->status != 200) {
        fetch_say(a, why);
        cred_job_fail(j, "SSO portal: %s", why);
        return;
    }
    c = cred_parse_sso(a->body, clock_wall_ms(), j->step->source, &err);
    if (c)
        cred_job_end(j, c, &err);
    else
        cred_job_fail(j, "SSO portal: the answer is odd: %s", err.text);
}

static void stop(struct cred_job *j)
{
    struct state *s = j->state;

    j->state = NULL;
    if (!s)
        return;
    fetch_fini(&s->fetch);
    explicit_bzero(&s->token, sizeof s->token);
    buf_fini(&s->url);
    free(s);
}
