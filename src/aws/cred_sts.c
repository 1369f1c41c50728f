/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Session credentials from STS: AssumeRole, signed with what the step before
 * found, and AssumeRoleWithWebIdentity, which is proved by a token file and
 * not signed. At the regional host wherever a region is known.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cred_job.h"
#include "cred_parse.h"
#include "env.h"
#include "fetch.h"
#include "sigv4_text.h"
#include "xr/clock.h"
#include "xr/http_date.h"
#include "xr/log.h"
#include "xr/region.h"
#include "xr/sigv4.h"

#define TRIES 3
#define TIMEOUT_MS 10000
#define CONNECT_TIMEOUT_MS 3000
#define BODY_MAX (2 * CRED_TOKEN_FILE_MAX)
#define AUTHORIZATION_MAX 2048
#define SKEW_MS (4 * 60 * 1000)
#define GLOBAL_REGION "us-east-1"
#define GLOBAL_HOST "https://sts.amazonaws.com"

struct state {
    struct fetch fetch;
    char url[ENDPOINT_MAX + 1];
    char region[64];
    char date[SIGV4_DATE_LEN + 1];
    struct buf body, authorization;
    struct client_header headers[5];
    size_t n_headers;
    int64_t skew_ms;
    bool corrected;
};

static int plan_web_identity(struct cred_plan *p, struct err *err);
static void start(struct cred_job *j);
static int set_endpoint(struct cred_job *j, struct state *s, struct err *err);
static int write_body(struct cred_job *j, struct state *s, struct err *err);
static int append_token(const char *path, struct buf *body, struct err *err);
static void field(struct buf *b, const char *name, const char *value);
static void set_headers(struct cred_job *j, struct state *s);
static struct slice host_of(const char *url);
static void sign(struct cred_job *j, struct state *s);
static void ask(struct cred_job *j);
static void on_answer(void *arg, const struct client_answer *a);
static bool clock_was_off(struct state *s, const struct client_answer *a);
static void stop(struct cred_job *j);

const struct cred_family cred_family_web_identity = {"web identity",
                                                     plan_web_identity};
const struct cred_kind cred_kind_web_identity = {"AssumeRoleWithWebIdentity",
                                                 start, stop};
const struct cred_kind cred_kind_assume_role = {"AssumeRole", start, stop};

static int plan_web_identity(struct cred_plan *p, struct err *err)
{
    const char *file = env_text("AWS_WEB_IDENTITY_TOKEN_FILE");
    const char *arn = env_text("AWS_ROLE_ARN");
    struct cred_step *s;

    if (!file) {
        err_set(err, "AWS_WEB_IDENTITY_TOKEN_FILE is not set");
        return 0;
    }
    if (!arn)
        return err_set(err, "AWS_WEB_IDENTITY_TOKEN_FILE is set, but not "
                            "AWS_ROLE_ARN");
    s = cred_plan_add(p, &cred_kind_web_identity, "web identity");
    s->role.arn = cred_plan_text(p, arn);
    s->role.token_file = cred_plan_text(p, file);
    s->role.session_name = cred_plan_text(p, env_text("AWS_ROLE_SESSION_NAME"));
    return 1;
}

static void start(struct cred_job *j)
{
    struct state *s = j->state = calloc(1, sizeof *s);
    struct err err;

    if (!s)
        log_fatal("Out of memory for an STS request");
    fetch_init(&s->fetch, j->loop, j->client, j);
    s->fetch.patient = true;
    buf_init(&s->body, BODY_MAX);
    buf_init(&s->authorization, AUTHORIZATION_MAX);
    if (set_endpoint(j, s, &err) != 0 || write_body(j, s, &err) != 0)
        cred_job_end(j, NULL, &err);
    else
        ask(j);
}

/* Without any region, the global host, which is that of the usual partition. */
static int set_endpoint(struct cred_job *j, struct state *s, struct err *err)
{
    const char *region = j->region;
    const char *own = NULL;
    size_t n;

    if (!region || !*region)
        region = j->step->role.region;
    if (!region || !*region)
        region = env_text("AWS_REGION");
    if (!region)
        region = env_text("AWS_DEFAULT_REGION");
    if (!region && !env_text("AWS_ENDPOINT_URL") &&
        !env_text("AWS_ENDPOINT_URL_STS"))
        own = GLOBAL_HOST;
    if (!region)
        region = GLOBAL_REGION;
    if (endpoint_resolve("sts", region, own, s->url, err) != 0)
        return -1;
    n = strlen(s->url);
    memcpy(s->url + n, "/", 2);
    snprintf(s->region, sizeof s->region, "%s", region);
    return 0;
}

static int write_body(struct cred_job *j, struct state *s, struct err *err)
{
    const struct cred_step *step = j->step;
    const char *name = step->role.session_name;
    char seconds[16];

    snprintf(seconds, sizeof seconds, "%u",
             step->role.duration_s ? step->role.duration_s : CRED_SESSION_S);
    buf_str(&s->body, "Action=");
    buf_str(&s->body, step->kind->name);
    buf_str(&s->body, "&Version=2011-06-15");
    field(&s->body, "RoleArn", step->role.arn);
    field(&s->body, "RoleSessionName", name ? name : CRED_SESSION_NAME);
    field(&s->body, "DurationSeconds", seconds);
    field(&s->body, "ExternalId", step->role.external_id);
    if (step->role.token_file &&
        append_token(step->role.token_file, &s->body, err) != 0)
        return -1;
    return s->body.failed ? err_set(err, "the request is too large") : 0;
}

static int append_token(const char *path, struct buf *body, struct err *err)
{
    struct buf text;
    struct slice token;
    int rc;

    buf_init(&text, CRED_TOKEN_FILE_MAX);
    rc = file_read(path, &text, err);
    token = buf_slice(&text);
    if (rc == 0 && !fetch_token_ok(&token))
        rc = err_set(err, "%s holds no token", path);
    if (rc == 0) {
        buf_str(body, "&WebIdentityToken=");
        uri_encode(token, false, body);
    }
    if (text.n)
        explicit_bzero(text.p, text.n);
    buf_fini(&text);
    return rc;
}

static void field(struct buf *b, const char *name, const char *value)
{
    if (!value)
        return;
    buf_byte(b, '&');
    buf_str(b, name);
    buf_byte(b, '=');
    uri_encode(slice_str(value), false, b);
}

static void ask(struct cred_job *j)
{
    struct state *s = j->state;
    struct client_request r = {
        .method = "POST",
        .url = s->url,
        .headers = s->headers,
        .body = buf_slice(&s->body),
        .timeout_ms = TIMEOUT_MS,
        .connect_timeout_ms = CONNECT_TIMEOUT_MS,
        .answer_max = CRED_ANSWER_MAX,
    };

    set_headers(j, s);
    if (j->base)
        sign(j, s);
    r.n_headers = s->n_headers;
    fetch_start(&s->fetch, &r, TRIES, on_answer);
}

static void set_headers(struct cred_job *j, struct state *s)
{
    sigv4_date((clock_wall_ms() + s->skew_ms) / 1000, s->date);
    s->headers[0] = (struct client_header){slice_str("Host"), host_of(s->url)};
    s->headers[1] = (struct client_header){
        slice_str("Content-Type"),
        slice_str("application/x-www-form-urlencoded; charset=utf-8")};
    s->n_headers = 2;
    if (!j->base)
        return;
    s->headers[s->n_headers++] =
        (struct client_header){slice_str("X-Amz-Date"), slice_str(s->date)};
    if (j->base->session_token.n)
        s->headers[s->n_headers++] = (struct client_header){
            slice_str("X-Amz-Security-Token"), j->base->session_token};
}

/* Host and port as they stand in the URL, but a usual port is left out. */
static struct slice host_of(const char *url)
{
    bool tls = strncmp(url, "https://", 8) == 0;
    const char *p = url + (tls ? 8 : 7);
    struct slice host = slice_of(p, strcspn(p, "/"));
    const char *usual = tls ? ":443" : ":80";
    size_t n = strlen(usual);

    if (host.n > n && memcmp(host.p + host.n - n, usual, n) == 0)
        host.n -= n;
    return host;
}

static void sign(struct cred_job *j, struct state *s)
{
    struct sigv4_header headers[4];
    const char *path = strchr(s->url + 8, '/');
    struct sigv4_request r = {
        .method = slice_str("POST"),
        .path = slice_str(path),
        .headers = headers,
        .n_headers = s->n_headers,
    };
    struct sigv4_key key = {
        .access_key_id = j->base->access_key_id,
        .secret_access_key = j->base->secret_access_key,
        .region = slice_str(s->region),
        .service = slice_str("sts"),
    };

    for (size_t i = 0; i < s->n_headers; i++)
        headers[i] =
            (struct sigv4_header){s->headers[i].name, s->headers[i].value};
    sha256_once(buf_slice(&s->body), r.body_sha256);
    buf_clear(&s->authorization);
    sigv4_sign(&r, &key, s->date, &s->authorization);
    s->headers[s->n_headers++] = (struct client_header){
        slice_str("Authorization"), buf_slice(&s->authorization)};
}

static void on_answer(void *arg, const struct client_answer *a)
{
    struct cred_job *j = arg;
    struct state *s = j->state;
    struct cred *c;
    struct err err;
    char why[384];

    if (a->outcome != CLIENT_ANSWERED || a->status != 200) {
        if (j->base && !s->corrected && clock_was_off(s, a)) {
            s->corrected = true;
            ask(j);
            return;
        }
        fetch_say(a, why);
        cred_job_fail(j, "%s at %.100s: %s", j->step->kind->name, s->url, why);
        return;
    }
    c = cred_parse_sts(a->body, clock_wall_ms(), j->step->source, &err);
    if (c)
        cred_job_end(j, c, &err);
    else
        cred_job_fail(j, "%s at %.100s: the answer is odd: %s",
                      j->step->kind->name, s->url, err.text);
}

/* A refusal by a server whose clock is far from ours: sign by its clock. */
static bool clock_was_off(struct state *s, const struct client_answer *a)
{
    int64_t theirs, skew;

    if (a->outcome != CLIENT_ANSWERED || a->status < 400 || a->status > 403 ||
        !http_date_parse(client_answer_header(a, "Date"), &theirs))
        return false;
    skew = theirs - clock_wall_ms();
    if (skew > -SKEW_MS && skew < SKEW_MS)
        return false;
    s->skew_ms = skew;
    return true;
}

static void stop(struct cred_job *j)
{
    struct state *s = j->state;

    j->state = NULL;
    if (!s)
        return;
    fetch_fini(&s->fetch);
    buf_wipe(&s->body);
    buf_fini(&s->authorization);
    free(s);
}
