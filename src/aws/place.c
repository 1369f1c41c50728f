/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where this machine is: the identity document of IMDS and the host name;
 * the environment may name instance and host. Asks once; who needs the region
 * asks again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cred_parse.h"
#include "env.h"
#include "imds.h"
#include "xr/log.h"
#include "xr/region.h"

#define IDENTITY "/latest/dynamic/instance-identity/document"
#define INSTANCE_ID "/latest/meta-data/instance-id"
#define HOST_NAME "/latest/meta-data/hostname"

struct place_search {
    struct imds imds;
    struct timer *later;
    struct place place;
    struct err err;
    place_fn fn;
    void *arg;
};

static void begin(void *arg);
static void on_identity(void *arg, struct slice body, int status,
                        const char *why);
static void next(struct place_search *s);
static void on_instance_id(void *arg, struct slice body, int status,
                           const char *why);
static void on_host_name(void *arg, struct slice body, int status,
                         const char *why);
static void keep(char *out, size_t room, struct slice text);
static void end(struct place_search *s);

struct place_search *place_find(struct loop *l, struct client *c, place_fn fn,
                                void *arg)
{
    struct place_search *s = calloc(1, sizeof *s);

    if (!s)
        log_fatal("Out of memory for a metadata request");
    imds_init(&s->imds, l, c, s);
    s->fn = fn;
    s->arg = arg;
    keep(s->place.host_name, sizeof s->place.host_name,
         slice_str(env_text("AWS_HOSTNAME")));
    keep(s->place.instance_id, sizeof s->place.instance_id,
         slice_str(env_text("AWS_INSTANCE_ID")));
    /* Never calls back before it returns. */
    s->later = timer_new(l, begin, s);
    timer_start(s->later, 0);
    return s;
}

void place_cancel(struct place_search *s)
{
    if (!s)
        return;
    imds_fini(&s->imds);
    timer_free(s->later);
    free(s);
}

static void begin(void *arg)
{
    struct place_search *s = arg;
    const char *why = imds_disabled();

    if (!why) {
        imds_get(&s->imds, IDENTITY, on_identity);
        return;
    }
    err_set(&s->err, "EC2 metadata: %s", why);
    end(s);
}

/* Without the document the rest is not to be had either, unless it is only
 * missing. */
static void on_identity(void *arg, struct slice body, int status,
                        const char *why)
{
    struct place_search *s = arg;

    if (why)
        err_set(&s->err, "EC2 metadata: %s", why);
    else if (!imds_parse_identity(body, &s->place))
        err_set(&s->err, "EC2 metadata: the identity document has no region");
    if (why && status == 0)
        end(s);
    else
        next(s);
}

static void next(struct place_search *s)
{
    if (!s->place.instance_id[0])
        imds_get(&s->imds, INSTANCE_ID, on_instance_id);
    else if (!s->place.host_name[0])
        imds_get(&s->imds, HOST_NAME, on_host_name);
    else
        end(s);
}

static void on_instance_id(void *arg, struct slice body, int status,
                           const char *why)
{
    struct place_search *s = arg;

    (void)status;
    if (why)
        log_debug("EC2 metadata: instance id: %s", why);
    keep(s->place.instance_id, sizeof s->place.instance_id, body);
    if (!s->place.host_name[0])
        imds_get(&s->imds, HOST_NAME, on_host_name);
    else
        end(s);
}

static void on_host_name(void *arg, struct slice body, int status,
                         const char *why)
{
    struct place_search *s = arg;

    (void)status;
    if (why)
        log_debug("EC2 metadata: host name: %s", why);
    keep(s->place.host_name, sizeof s->place.host_name, body);
    end(s);
}

/* Printable and short enough, or not at all. */
static void keep(char *out, size_t room, struct slice text)
{
    if (text.n == 0 || !fetch_token_ok(&text) || text.n >= room)
        return;
    memcpy(out, text.p, text.n);
    out[text.n] = '\0';
}

static void end(struct place_search *s)
{
    s->fn(s->arg, &s->place, s->place.region[0] ? NULL : &s->err);
    place_cancel(s);
}
