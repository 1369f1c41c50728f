/* SPDX-License-Identifier: Apache-2.0 */
/* The list of faults, what they are tried on, and requests held back. */
#include "injector.h"

#include <stdio.h>
#include <stdlib.h>

#include "elements.h"
#include "xr/hash.h"
#include "xr/log.h"

#define FAULTS_MAX 16
#define TEXT_MAX 96
#define DELAY_MAX_S 300.0
#define ALL (1.0)

enum fault_kind { FAULT_STATUS, FAULT_DELAY, FAULT_CUT, FAULT_DROP };

struct fault {
    char text[TEXT_MAX]; /* as it was given */
    char name[TEXT_MAX]; /* operation, "*", or "udp" */
    enum fault_kind kind;
    int status;
    double delay_s;
    double share; /* of what fits, 0 to 1 */
    uint64_t seen, done;
};

/* A request that is late on purpose. */
struct held {
    struct held *next;
    struct injector *faults;
    struct http1_request *request;
    struct timer *timer;
    const struct fault *then; /* NULL: goes on */
    struct fault copy;
};

struct injector {
    struct loop *loop;
    struct fault list[FAULTS_MAX];
    size_t n;
    struct held *held;
    uint64_t dice;
};

static bool parse(struct slice text, struct fault *out, struct err *err);
static bool parse_action(struct fault *f, char *action, struct err *err);
static bool parse_share(struct fault *f, const char *text);
static bool parse_delay(struct fault *f, const char *text);
static bool is_operation(const char *name);
static bool fits(const struct fault *f, struct slice method, struct slice path);
static bool is_named(const char *operation, struct slice part);
static bool happens(struct injector *f, struct fault *x);
static void act(struct http1_request *r, const struct fault *x);
static void hold(struct injector *f, struct http1_request *r, double delay_s,
                 const struct fault *then);
static void on_late(void *arg);
static void on_gone(void *arg);
static void unhold(struct held *h);

struct injector *injector_new(struct loop *l)
{
    struct injector *f = calloc(1, sizeof(*f));
    if (f == NULL)
        log_fatal("out of memory for faults");
    f->loop = l;
    random_bytes(&f->dice, sizeof(f->dice));
    f->dice |= 1;
    return f;
}

void injector_free(struct injector *f)
{
    if (f == NULL)
        return;
    while (f->held != NULL)
        unhold(f->held);
    free(f);
}

bool injector_add(struct injector *f, struct slice text, struct err *err)
{
    if (f->n == FAULTS_MAX) {
        err_set(err, "more than %d faults", FAULTS_MAX);
        return false;
    }
    if (!parse(text, &f->list[f->n], err))
        return false;
    f->n++;
    return true;
}

bool injector_replace(struct injector *f, struct slice json, struct err *err)
{
    struct injector new = {.n = 0};
    struct arena a;
    struct slice list = json, one;
    bool good = true;
    arena_init(&a, 1u << 20);
    if (memchr(json.p, '{', json.n) != NULL)
        list = elements_member(json, "faults", &a);
    if (list.n == 0 || list.p[0] != '[') {
        err_set(err, "wants {\"faults\": [\"OPERATION:STATUS:SHARE%%\", ...]}");
        good = false;
    }
    while (good && elements_next(&list, &one)) {
        bool quoted = one.n >= 2 && one.p[0] == '"';
        good = injector_add(&new, quoted ? slice_of(one.p + 1, one.n - 2) : one,
                            err);
    }
    if (good) {
        memcpy(f->list, new.list, sizeof(f->list));
        f->n = new.n;
    }
    arena_fini(&a);
    return good;
}

void injector_write(const struct injector *f, struct jw *j)
{
    jw_array(j);
    for (size_t i = 0; i < f->n; i++)
        jw_string(j, slice_str(f->list[i].text));
    jw_array_end(j);
}

void injector_write_counts(const struct injector *f, struct jw *j)
{
    jw_array(j);
    for (size_t i = 0; i < f->n; i++) {
        jw_object(j);
        jw_key(j, SLICE("fault"));
        jw_string(j, slice_str(f->list[i].text));
        jw_key(j, SLICE("seen"));
        jw_uint(j, f->list[i].seen);
        jw_key(j, SLICE("injected"));
        jw_uint(j, f->list[i].done);
        jw_object_end(j);
    }
    jw_array_end(j);
}

/* Delays add up; the first status or cut of the list is what it comes to. */
bool injector_on_request(void *arg, struct http1_request *r)
{
    struct injector *f = arg;
    double delay_s = 0;
    const struct fault *then = NULL;
    for (size_t i = 0; i < f->n; i++) {
        struct fault *x = &f->list[i];
        if (!fits(x, http1_method(r), http1_path(r)) || !happens(f, x))
            continue;
        if (x->kind == FAULT_DELAY)
            delay_s += x->delay_s;
        else if (then == NULL)
            then = x;
    }
    if (delay_s > 0)
        hold(f, r, delay_s, then);
    else if (then != NULL)
        act(r, then);
    return delay_s > 0 || then != NULL;
}

bool injector_on_datagram(void *arg)
{
    struct injector *f = arg;
    bool drop = false;
    for (size_t i = 0; i < f->n; i++)
        if (f->list[i].kind == FAULT_DROP)
            drop |= happens(f, &f->list[i]);
    return drop;
}

/* NAME:ACTION[:SHARE%] */
static bool parse(struct slice text, struct fault *out, struct err *err)
{
    *out = (struct fault){.share = ALL};
    if (text.n == 0 || text.n >= TEXT_MAX) {
        err_set(err, "a fault is OPERATION:STATUS, OPERATION:delay=TIME, "
                     "OPERATION:cut, each with :SHARE%% behind it, or "
                     "udp:drop=SHARE%%");
        return false;
    }
    memcpy(out->text, text.p, text.n);
    memcpy(out->name, text.p, text.n);
    char *action = strchr(out->name, ':');
    if (action == NULL) {
        err_set(err,
                "fault \"%s\": says not what is to happen, as :429 or "
                ":delay=2s",
                out->text);
        return false;
    }
    *action++ = '\0';
    if (strcmp(out->name, "udp") != 0 && !is_operation(out->name)) {
        err_set(err,
                "fault \"%s\": \"%s\" is no operation; \"*\" is all of "
                "them, \"udp\" the datagrams",
                out->text, out->name);
        return false;
    }
    return parse_action(out, action, err);
}

static bool parse_action(struct fault *f, char *action, struct err *err)
{
    bool udp = strcmp(f->name, "udp") == 0, good = true;
    char *share = strchr(action, ':'), *end;
    if (share != NULL) {
        *share++ = '\0';
        good = parse_share(f, share);
    }
    if (strncmp(action, "drop=", 5) == 0 || strcmp(action, "drop") == 0) {
        f->kind = FAULT_DROP;
        good = good && udp && (action[4] == '\0' || parse_share(f, action + 5));
    } else if (strncmp(action, "delay=", 6) == 0) {
        f->kind = FAULT_DELAY;
        good = good && !udp && parse_delay(f, action + 6);
    } else if (strcmp(action, "cut") == 0) {
        f->kind = FAULT_CUT;
        good = good && !udp;
    } else {
        f->kind = FAULT_STATUS;
        f->status = (int)strtol(action, &end, 10);
        good = good && !udp && *end == '\0' && f->status >= 400 &&
               f->status <= 599;
    }
    if (!good)
        err_set(err,
                "fault \"%s\": wants a status from 400 to 599, "
                "delay=TIME (at most 300s) or cut, and a share as 10%%; "
                "for udp drop=5%%",
                f->text);
    return good;
}

/* "10%" */
static bool parse_share(struct fault *f, const char *text)
{
    char *end;
    f->share = strtod(text, &end) / 100;
    return end != text && strcmp(end, "%") == 0 && f->share > 0 &&
           f->share <= ALL;
}

/* "2s", "150ms" */
static bool parse_delay(struct fault *f, const char *text)
{
    char *end;
    f->delay_s = strtod(text, &end);
    if (strcmp(end, "ms") == 0)
        f->delay_s /= 1000;
    else if (strcmp(end, "s") != 0)
        return false;
    return f->delay_s > 0 && f->delay_s <= DELAY_MAX_S;
}

static bool is_operation(const char *name)
{
    static const char *const names[] = {
        "*",
        "otlp",
        "PutTraceSegments",
        "PutTelemetryRecords",
        "GetTraceSummaries",
        "BatchGetTraces",
        "GetServiceGraph",
        "GetTraceGraph",
        "GetTimeSeriesServiceStatistics",
        "GetGroups",
        "GetGroup",
        "CreateGroup",
        "UpdateGroup",
        "DeleteGroup",
        "GetSamplingRules",
        "CreateSamplingRule",
        "UpdateSamplingRule",
        "DeleteSamplingRule",
        "GetSamplingStatisticSummaries",
        "GetSamplingTargets",
        "GetEncryptionConfig",
        "PutEncryptionConfig",
        "ListTagsForResource",
        "TagResource",
        "UntagResource",
        "GetInsightSummaries",
        "GetIndexingRules",
        "GetTraceSegmentDestination",
        "StartTraceRetrieval",
        "ListRetrievedTraces",
        "CancelTraceRetrieval",
        "GetRetrievedTracesGraph",
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

/* The own API and the page are never made to fail: how else to end it. */
static bool fits(const struct fault *f, struct slice method, struct slice path)
{
    struct slice part = path;
    for (size_t i = 0; i < path.n; i++)
        if (path.p[i] == '/')
            part = slice_of(path.p + i + 1, path.n - i - 1);
    if (f->kind == FAULT_DROP || !slice_is(method, "POST") ||
        slice_starts(path, "/api/"))
        return false;
    if (slice_is(path, "/v1/traces"))
        return strcmp(f->name, "otlp") == 0;
    return strcmp(f->name, "*") == 0 || is_named(f->name, part);
}

/* Paths leave out the verb: GetSamplingTargets is POST /SamplingTargets. */
static bool is_named(const char *operation, struct slice part)
{
    static const char *const verbs[] = {"", "Get", "Put", "BatchGet"};
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        size_t n = strlen(verbs[i]);
        if (strncmp(operation, verbs[i], n) == 0 &&
            slice_is(part, operation + n))
            return true;
    }
    return false;
}

static bool happens(struct injector *f, struct fault *x)
{
    x->seen++;
    f->dice ^= f->dice << 13;
    f->dice ^= f->dice >> 7;
    f->dice ^= f->dice << 17;
    if ((double)(f->dice >> 11) / (double)(1ull << 53) >= x->share)
        return false;
    x->done++;
    return true;
}

static void act(struct http1_request *r, const struct fault *x)
{
    char body[200];
    const char *type = x->status == 429   ? "ThrottledException"
                       : x->status >= 500 ? "InternalFailure"
                                          : "InvalidRequestException";
    if (x->kind == FAULT_CUT) {
        http1_abort(r);
        return;
    }
    int n = snprintf(body, sizeof(body),
                     "{\"__type\":\"%s\",\"Message\":\"injected by the fault "
                     "%s\"}",
                     type, x->text);
    http1_add(r, "x-amzn-ErrorType", slice_str(type));
    http1_reply(r, x->status, "application/json", slice_of(body, (size_t)n));
}

static void hold(struct injector *f, struct http1_request *r, double delay_s,
                 const struct fault *then)
{
    struct held *h = calloc(1, sizeof(*h));
    if (h == NULL)
        log_fatal("out of memory for a late answer");
    *h = (struct held){.next = f->held, .faults = f, .request = r};
    if (then != NULL) { /* the list may be another one by then */
        h->copy = *then;
        h->then = &h->copy;
    }
    f->held = h;
    h->timer = timer_new(f->loop, on_late, h);
    timer_start(h->timer, (int64_t)(delay_s * 1e3));
    http1_on_gone(r, on_gone, h);
}

static void on_late(void *arg)
{
    struct held *h = arg;
    struct http1_request *r = h->request;
    struct fault copy = h->copy;
    bool fails = h->then != NULL;
    http1_on_gone(r, NULL, NULL);
    unhold(h);
    if (fails)
        act(r, &copy);
    else
        http1_go_on(r);
}

static void on_gone(void *arg)
{
    unhold(arg);
}

static void unhold(struct held *h)
{
    struct held **at = &h->faults->held;
    while (*at != h)
        at = &(*at)->next;
    *at = h->next;
    timer_free(h->timer);
    free(h);
}
