/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The snapshot: one block of memory that holds all texts, counted, wiped when
 * the last reference goes.
 */
#include "cred_make.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "xr/log.h"
#include "xr/sigv4.h"

/* The size is needed to wipe the block. */
struct block {
    struct cred cred;
    size_t text_n;
    char text[];
};

static int check(struct slice s, const char *what, size_t max, struct err *err);
static struct slice put(char **at, struct slice s);

struct cred *cred_make(const struct cred_parts *p, const char *source,
                       struct err *err)
{
    struct slice from = slice_str(source);
    size_t n = p->id.n + p->secret.n + p->token.n + from.n + 1;
    struct block *b;
    char *at;

    if (p->id.n == 0)
        err_set(err, "there is no access key id in it");
    else if (p->secret.n == 0)
        err_set(err, "there is no secret access key in it");
    if (p->id.n == 0 || p->secret.n == 0 ||
        check(p->id, "access key id", CRED_ID_MAX, err) != 0 ||
        check(p->secret, "secret access key", CRED_SECRET_MAX, err) != 0 ||
        check(p->token, "session token", CRED_TOKEN_MAX, err) != 0)
        return NULL;
    b = calloc(1, sizeof *b + n);
    if (!b)
        log_fatal("Out of memory for credentials");
    b->text_n = n;
    at = b->text;
    b->cred = (struct cred){
        .refs = 1,
        .access_key_id = put(&at, p->id),
        .secret_access_key = put(&at, p->secret),
        .session_token = put(&at, p->token),
        .expires_ms = p->expires_ms,
        .refresh_ms = p->refresh_ms,
    };
    b->cred.source = at;
    put(&at, from);
    return &b->cred;
}

struct cred *cred_ref(struct cred *c)
{
    if (c) {
        assert(c->refs > 0);
        c->refs++;
    }
    return c;
}

void cred_unref(struct cred *c)
{
    struct block *b = (struct block *)c;

    if (!c)
        return;
    assert(c->refs > 0);
    if (--c->refs > 0)
        return;
    explicit_bzero(b, sizeof *b + b->text_n);
    free(b);
    sigv4_forget();
}

/* Whatever goes into headers must be printable. */
static int check(struct slice s, const char *what, size_t max, struct err *err)
{
    if (s.n > max)
        return err_set(err, "the %s is longer than %zu bytes", what, max);
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] >= 0x7f)
            return err_set(err, "the %s holds a blank or control character",
                           what);
    return 0;
}

static struct slice put(char **at, struct slice s)
{
    char *p = *at;

    if (s.n)
        memcpy(p, s.p, s.n);
    *at += s.n;
    return slice_of(p, s.n);
}
