/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks a credentials chain in the scripted cloud and keeps what it answers.
 * Include after the four headers of cmocka.
 */
#ifndef XR_TESTS_ASKER_H
#define XR_TESTS_ASKER_H

#include "aws/cred_job.h"
#include "fake_cloud.h"
#include "scene.h"
#include "xr/cred.h"
#include "xr/log.h"

/* Its own test has real processes; here it would bring the real loop in. */
const struct cred_kind cred_kind_process = {"credential_process", NULL, NULL};

#define KEYS(id, end)                                                          \
    "{\"AccessKeyId\":\"" id "\",\"SecretAccessKey\":\"s\",\"Token\":\"t\","   \
    "\"Expiration\":\"" end "\"}"
#define STS(id, end)                                                           \
    "<R><Result><Credentials><SessionToken>t&amp;t</SessionToken>"             \
    "<SecretAccessKey>s</SecretAccessKey><AccessKeyId>" id "</AccessKeyId>"    \
    "<Expiration>" end "</Expiration></Credentials></Result></R>"
#define IN_AN_HOUR "2024-05-01T13:00:00Z"
#define IMDS "http://169.254.169.254"
#define IMDS_KEYS IMDS "/latest/meta-data/iam/security-credentials/"
#define ROLE "arn:aws:iam::123456789012:role/x"

/* What the last answer was. */
static struct got {
    unsigned calls;
    char id[64], token[64], source[256], why[512];
    int64_t expires_ms;
} got;

static void on_cred(void *arg, struct cred *c, const struct err *err)
{
    struct got *g = arg;
    unsigned calls = g->calls + 1;

    *g = (struct got){.calls = calls};
    if (!c) {
        snprintf(g->why, sizeof g->why, "%s", err->text);
        return;
    }
    snprintf(g->id, sizeof g->id, "%.*s", (int)c->access_key_id.n,
             c->access_key_id.p);
    snprintf(g->token, sizeof g->token, "%.*s", (int)c->session_token.n,
             c->session_token.n ? c->session_token.p : "");
    snprintf(g->source, sizeof g->source, "%s", c->source);
    g->expires_ms = c->expires_ms;
}

static struct cred_chain *chain(const struct cred_options *o)
{
    struct cred_options none = {.region = "eu-west-1"};

    return cred_chain_new(NULL, NULL, o ? o : &none);
}

/* Asks once and lets a second pass. */
static struct got *ask(struct cred_chain *c)
{
    got.calls = 0;
    cred_get(c, on_cred, &got);
    fake_run(1000);
    return &got;
}

static int begin(void **state)
{
    (void)state;
    scene_begin();
    fake_reset();
    log_set_level(LOG_LEVEL_ERROR + 1);
    return 0;
}

/* Nothing may be left open by a chain that was freed. */
static int end(void **state)
{
    (void)state;
    assert_int_equal(fake_open_calls(), 0);
    assert_int_equal(fake.open_timers, 0);
    scene_end();
    return 0;
}

#endif
