/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the Live view tells: refused documents with the reason and a hint, the
 * SDKs that sent, the samplers that polled. Each list is of fixed size; the
 * one heard longest ago gives way. Knows no listener and no store.
 */
#include "live.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "document.h"
#include "xr/log.h"

#define NAME_MAX_BYTES 80
#define PEER_MAX 64
#define HINT_MAX 200
#define ARENA_MAX (256u << 10)
/* What samplers keep to, and how long after that one counts as gone. */
#define RULES_EVERY_S 300
#define TARGETS_EVERY_S 10
#define LATE_S 60
#define CLIENT_IDS_MAX 16
#define CLIENT_ID_MAX 24

struct refusal {
    double time;
    char listener[24], peer[PEER_MAX], code[32], hint[HINT_MAX];
    char text[LIVE_TEXT_MAX];
    size_t n;
};

struct sender {
    char name[NAME_MAX_BYTES], version[NAME_MAX_BYTES];
    uint64_t documents;
    double last;
};

struct sampler {
    char client[PEER_MAX + NAME_MAX_BYTES];
    char ids[CLIENT_IDS_MAX][CLIENT_ID_MAX + 1]; /* of processes */
    unsigned n_ids;
    uint64_t rules, targets;
    double last, last_rules, last_targets;
};

struct live {
    struct refusal *refusals; /* a ring, n_refusals in all */
    uint64_t n_refusals;
    struct sender senders[LIVE_MAX];
    size_t n_senders;
    struct sampler samplers[LIVE_MAX];
    size_t n_samplers;
    struct arena arena;
};

static const char *hint_of(const char *code);
static struct slice sdk_of(struct live *l, struct slice document,
                           struct slice *version);
static struct sender *sender_of(struct live *l, struct slice name,
                                struct slice version);
static struct sampler *sampler_of(struct live *l, const char *client);
static void add_id(struct sampler *s, struct slice id);
static double next_poll(const struct sampler *s, double now);
static void write_refusals(struct jw *j, const struct live *l);
static void write_senders(struct jw *j, struct live *l);
static void write_samplers(struct jw *j, struct live *l, double now);
static int by_last_sender(const void *a, const void *b);
static int by_last_sampler(const void *a, const void *b);
static int newest_first(double a, double b);
static void copy(char *out, size_t size, struct slice text);
static void put(struct jw *j, const char *key, struct slice text);
static void put_time(struct jw *j, const char *key, double time);

struct live *live_new(void)
{
    struct live *l = calloc(1, sizeof(*l));
    struct refusal *refusals = calloc(LIVE_MAX, sizeof(*refusals));
    if (!l || !refusals)
        log_fatal("out of memory for the live view");
    l->refusals = refusals;
    arena_init(&l->arena, ARENA_MAX);
    return l;
}

void live_add_refusal(struct live *l, const struct live_refusal *r, double now)
{
    struct refusal *to = &l->refusals[l->n_refusals++ % LIVE_MAX];
    const char *hint = hint_of(r->code);
    *to = (struct refusal){.time = now};
    copy(to->listener, sizeof(to->listener), slice_str(r->listener));
    copy(to->peer, sizeof(to->peer), slice_str(r->peer ? r->peer : ""));
    copy(to->code, sizeof(to->code), slice_str(r->code));
    copy(to->hint, sizeof(to->hint), slice_str(hint ? hint : r->why));
    to->n = r->text.n < LIVE_TEXT_MAX ? r->text.n : LIVE_TEXT_MAX;
    if (to->n > 0)
        memcpy(to->text, r->text.p, to->n);
}

/* What to mend; NULL: what is wrong says it all. */
static const char *hint_of(const char *code)
{
    static const struct {
        const char *code, *hint;
    } hints[] = {
        {"MissingId", "The member id is missing: 16 hex digits."},
        {"InvalidId", "id wants 16 hex digits."},
        {"MissingTraceId", "The member trace_id is missing."},
        {"InvalidTraceId", "trace_id wants 1-, 8 hex digits, -, 24 hex "
                           "digits; with strict the second in it is at most "
                           "30 days old and 10 minutes ahead."},
        {"MissingName", "The member name is missing or empty."},
        {"MissingStartTime",
         "start_time is missing: seconds since 1970 as a number."},
        {"MissingEndTime", "end_time is missing, and in_progress is not true."},
        {"SegmentTooLarge", "A document holds at most 64 kB: send "
                            "subsegments on their own."},
        {"InvalidAnnotationKey", "Keys of annotations are of letters, digits "
                                 "and _ only."},
        {"NoHeader", "A datagram begins with {\"format\": \"json\", "
                     "\"version\": 1} and a line feed."},
        {"BadHeader", "The line before the document wants {\"format\": "
                      "\"json\", \"version\": 1}."},
    };
    for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++)
        if (strcmp(code, hints[i].code) == 0)
            return hints[i].hint;
    return NULL;
}

void live_add_document(struct live *l, struct slice document, double now)
{
    struct slice version, name = sdk_of(l, document, &version);
    if (name.n == 0)
        return;
    struct sender *s = sender_of(l, name, version);
    s->documents++;
    s->last = now;
}

/* aws.xray.sdk and sdk_version; looked for by its key first, as most
 * subsegments have none. */
static struct slice sdk_of(struct live *l, struct slice document,
                           struct slice *version)
{
    static const char key[] = "\"sdk\"";
    *version = SLICE("");
    if (!memmem(document.p, document.n, key, sizeof(key) - 1))
        return SLICE("");
    arena_reset(&l->arena);
    struct slice aws = document_member(document, "aws", &l->arena);
    struct slice xray = document_member(aws, "xray", &l->arena);
    *version = document_member(xray, "sdk_version", &l->arena);
    return document_member(xray, "sdk", &l->arena);
}

static struct sender *sender_of(struct live *l, struct slice name,
                                struct slice version)
{
    struct sender wanted = {.last = 0}, *oldest = &l->senders[0];
    copy(wanted.name, sizeof(wanted.name), name);
    copy(wanted.version, sizeof(wanted.version), version);
    for (size_t i = 0; i < l->n_senders; i++) {
        struct sender *s = &l->senders[i];
        if (strcmp(s->name, wanted.name) == 0 &&
            strcmp(s->version, wanted.version) == 0)
            return s;
        if (s->last < oldest->last)
            oldest = s;
    }
    if (l->n_senders < LIVE_MAX)
        oldest = &l->senders[l->n_senders++];
    *oldest = wanted;
    return oldest;
}

/* A sampler's port is another with each connection, so what it calls itself
 * tells it from others on its host. */
void live_add_poll(struct live *l, const struct http1_request *r,
                   enum live_poll kind, struct slice client_id, double now)
{
    char client[sizeof(l->samplers[0].client)], host[PEER_MAX];
    struct slice agent = http1_header(r, "User-Agent");
    copy(host, sizeof(host), slice_str(http1_peer(r)));
    char *colon = strrchr(host, ':');
    if (colon)
        *colon = '\0';
    if (agent.n > NAME_MAX_BYTES - 8)
        agent.n = NAME_MAX_BYTES - 8;
    snprintf(client, sizeof(client), "%s%s%.*s", host, agent.n ? " " : "",
             (int)agent.n, agent.n ? agent.p : "");
    struct sampler *s = sampler_of(l, client);
    s->last = now;
    *(kind == POLL_RULES ? &s->rules : &s->targets) += 1;
    *(kind == POLL_RULES ? &s->last_rules : &s->last_targets) = now;
    if (client_id.n > 0)
        add_id(s, client_id);
}

static struct sampler *sampler_of(struct live *l, const char *client)
{
    struct sampler *oldest = &l->samplers[0];
    for (size_t i = 0; i < l->n_samplers; i++) {
        if (strcmp(l->samplers[i].client, client) == 0)
            return &l->samplers[i];
        if (l->samplers[i].last < oldest->last)
            oldest = &l->samplers[i];
    }
    if (l->n_samplers < LIVE_MAX)
        oldest = &l->samplers[l->n_samplers++];
    *oldest = (struct sampler){.last = 0};
    copy(oldest->client, sizeof(oldest->client), slice_str(client));
    return oldest;
}

static void add_id(struct sampler *s, struct slice id)
{
    char text[CLIENT_ID_MAX + 1];
    copy(text, sizeof(text), id);
    for (unsigned i = 0; i < s->n_ids; i++)
        if (strcmp(s->ids[i], text) == 0)
            return;
    if (s->n_ids < CLIENT_IDS_MAX)
        memcpy(s->ids[s->n_ids++], text, sizeof(text));
}

uint64_t live_refused(const struct live *l)
{
    return l->n_refusals;
}

void live_write(struct jw *j, struct live *l, double now)
{
    write_refusals(j, l);
    write_senders(j, l);
    write_samplers(j, l, now);
}

static void write_refusals(struct jw *j, const struct live *l)
{
    uint64_t n = l->n_refusals < LIVE_MAX ? l->n_refusals : LIVE_MAX;
    jw_key(j, SLICE("refused_documents"));
    jw_array(j);
    for (uint64_t i = 1; i <= n; i++) {
        const struct refusal *r = &l->refusals[(l->n_refusals - i) % LIVE_MAX];
        jw_object(j);
        put_time(j, "time", r->time);
        put(j, "listener", slice_str(r->listener));
        put(j, "peer", slice_str(r->peer));
        put(j, "code", slice_str(r->code));
        put(j, "text", slice_of(r->text, r->n));
        put(j, "hint", slice_str(r->hint));
        jw_object_end(j);
    }
    jw_array_end(j);
}

static void write_senders(struct jw *j, struct live *l)
{
    qsort(l->senders, l->n_senders, sizeof(l->senders[0]), by_last_sender);
    jw_key(j, SLICE("senders"));
    jw_array(j);
    for (size_t i = 0; i < l->n_senders; i++) {
        const struct sender *s = &l->senders[i];
        jw_object(j);
        put(j, "name", slice_str(s->name));
        put(j, "version", slice_str(s->version));
        jw_key(j, SLICE("documents"));
        jw_uint(j, s->documents);
        put_time(j, "last", s->last);
        jw_object_end(j);
    }
    jw_array_end(j);
}

static void write_samplers(struct jw *j, struct live *l, double now)
{
    qsort(l->samplers, l->n_samplers, sizeof(l->samplers[0]), by_last_sampler);
    jw_key(j, SLICE("samplers"));
    jw_array(j);
    for (size_t i = 0; i < l->n_samplers; i++) {
        const struct sampler *s = &l->samplers[i];
        jw_object(j);
        put(j, "client", slice_str(s->client));
        jw_key(j, SLICE("processes"));
        jw_uint(j, s->n_ids);
        jw_key(j, SLICE("rules"));
        jw_uint(j, s->rules);
        jw_key(j, SLICE("targets"));
        jw_uint(j, s->targets);
        put_time(j, "last", s->last);
        put_time(j, "last_rules", s->last_rules);
        put_time(j, "last_targets", s->last_targets);
        put_time(j, "next", next_poll(s, now));
        jw_object_end(j);
    }
    jw_array_end(j);
}

/* 0: nothing is expected, as somebody may have asked by hand, or has gone. A
 * sampler reports targets only while requests come in. */
static double next_poll(const struct sampler *s, double now)
{
    double next = 0;
    if (s->targets > 0 && s->last_targets + TARGETS_EVERY_S > now)
        next = s->last_targets + TARGETS_EVERY_S;
    else if (s->rules > 1 || s->targets > 0)
        next = s->last_rules + RULES_EVERY_S;
    return next + LATE_S > now ? next : 0;
}

static int by_last_sender(const void *a, const void *b)
{
    return newest_first(((const struct sender *)a)->last,
                        ((const struct sender *)b)->last);
}

static int by_last_sampler(const void *a, const void *b)
{
    return newest_first(((const struct sampler *)a)->last,
                        ((const struct sampler *)b)->last);
}

static int newest_first(double a, double b)
{
    return a > b ? -1 : a < b;
}

void live_free(struct live *l)
{
    if (!l)
        return;
    arena_fini(&l->arena);
    free(l->refusals);
    free(l);
}

static void copy(char *out, size_t size, struct slice text)
{
    size_t n = text.n < size ? text.n : size - 1;
    if (n > 0)
        memcpy(out, text.p, n);
    out[n] = '\0';
}

static void put(struct jw *j, const char *key, struct slice text)
{
    jw_key(j, slice_str(key));
    jw_string(j, text);
}

static void put_time(struct jw *j, const char *key, double time)
{
    jw_key(j, slice_str(key));
    if (time > 0)
        jw_double(j, time);
    else
        jw_null(j);
}
