/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sink that passes OTLP requests on: takes them into packages and holds
 * those within the memory bound until they are settled. A request goes as it
 * came; small ones in protobuf that wait together go as one. Only when memory
 * is full does the oldest go that is not just being sent. Each span is counted
 * once: delivered, refused or dropped.
 */
#include "otlp_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define MERGE_MAX ((size_t)512 << 10)  /* bytes of a package of several */
#define MERGE_ALONE ((size_t)64 << 10) /* larger requests go alone */
#define PARTS_FIRST 4
#define PARTS_MAX 1024 /* of a package */
/* Of a package beside its body. */
#define PACKAGE_COST                                                           \
    (sizeof(struct package) + PARTS_FIRST * sizeof(struct package_part))
#define PACKED_MORE 4096 /* what packing may add */
#define UNHEALTHY_AFTER 3
#define RETRY_LEAST_MS 10 /* whatever the configuration says */
#define TEXTS_MAX ((size_t)1 << 20)

static void copy_options(struct exporter *x, const struct exporter_options *o);
static struct slice copy_text(struct exporter *x, struct slice text,
                              bool *good);
static void count_init(struct exporter *x, struct stats *stats);
static uint64_t *loss_counter(struct exporter *x, struct stats *stats,
                              enum otlp_loss why);
static uint64_t *request_counter(struct exporter *x, struct stats *stats,
                                 const char *outcome);
static void bring_up_to_date(void *arg);
static enum push_result push_otlp(struct sink *s, const struct otlp_request *r,
                                  enum push_when_full when_full,
                                  struct err *err);
static bool make_room(struct exporter *x, const struct otlp_request *r);
static bool fits(const struct exporter *x, const struct otlp_request *r);
static bool joins(const struct exporter *x, const struct otlp_request *r);
static bool take(struct exporter *x, const struct otlp_request *r);
static size_t room_for(const struct package *p, size_t bytes);
static bool package_append(struct package *p, const struct otlp_request *r);
static struct package *package_new(struct exporter *x);
static bool has_room(struct sink *s, size_t bytes);
static void flush(struct sink *s);
static uint64_t pending(struct sink *s);
static size_t held(const struct exporter *x);
static void on_flush_timer(void *arg);
static void on_retry_timer(void *arg);
static void on_deadline(void *arg);
static struct exporter *of(struct sink *s);
static size_t package_memory(const struct package *p);

struct exporter *exporter_new(const struct exporter_wiring *w,
                              const struct exporter_options *o)
{
    struct exporter *x = calloc(1, sizeof(*x));
    if (!x)
        log_fatal("out of memory while starting");
    x->loop = w->loop;
    x->client = w->client;
    x->cred = w->cred;
    copy_options(x, o);
    otlp_find_host(x);
    x->sink = (struct sink){.name = x->o.name,
                            .push_otlp = push_otlp,
                            .has_room_otlp = has_room,
                            .flush = flush,
                            .pending = pending};
    x->held = o->freezes;
    x->deflater = deflater_new();
    x->flush_timer = timer_new(w->loop, on_flush_timer, x);
    x->retry_timer = timer_new(w->loop, on_retry_timer, x);
    drain_init(&x->drain, w->loop, on_deadline, x);
    exporter_send_init(x);
    if (!x->deflater)
        log_fatal("out of memory while starting");
    count_init(x, w->stats);
    return x;
}

void exporter_free(struct exporter *x)
{
    if (!x)
        return;
    if (x->cred)
        cred_cancel(x->cred, x);
    while (x->sending.first) {
        struct package *p = x->sending.first;
        exporter_stop(p);
        package_list_remove(&x->sending, p);
        package_free(p);
    }
    while (x->ready.first) {
        struct package *p = x->ready.first;
        package_list_remove(&x->ready, p);
        package_free(p);
    }
    package_free(x->filling);
    deflater_free(x->deflater);
    timer_free(x->flush_timer);
    timer_free(x->retry_timer);
    timer_free(x->pack_timer);
    drain_fini(&x->drain);
    arena_fini(&x->texts);
    free(x->user_agent);
    free(x);
}

struct sink *exporter_sink(struct exporter *x)
{
    return &x->sink;
}

void exporter_set_region(struct exporter *x, const char *region)
{
    snprintf(x->region, sizeof(x->region), "%s", region);
    exporter_pump(x);
}

void exporter_drain(struct exporter *x, int64_t deadline_ms, loop_fn done,
                    void *arg)
{
    x->held = false;
    drain_begin(&x->drain, deadline_ms, done, arg);
    x->resume_ms = 0;
    flush(&x->sink);
    exporter_settled(x);
}

void exporter_hold(struct exporter *x, bool hold)
{
    x->held = hold && !x->drain.begun;
}

void exporter_recall(struct exporter *x)
{
    while (x->sending.first) {
        struct package *p = x->sending.first;
        err_set(&x->why, "no answer in the time that there was");
        exporter_failed(x, p, 0);
        exporter_again(p);
    }
    exporter_settled(x);
}

void exporter_queue(const struct exporter *x, struct sink_queue *out)
{
    const struct package *p = x->filling;
    *out = (struct sink_queue){
        .documents = x->ready.spans + (p ? p->spans : 0),
        .uploads = x->sending.n + (x->asking ? 1 : 0),
        .failures = x->failures,
        .bytes = x->ready.bytes + (p ? p->body.n : 0),
    };
    if (x->ready.first)
        out->oldest_ms = x->ready.first->first_ms;
    else if (p)
        out->oldest_ms = p->first_ms;
}

void exporter_on_change(struct exporter *x, loop_fn fn, void *arg)
{
    x->changed = fn;
    x->changed_arg = arg;
}

void exporter_failure(const struct exporter *x, struct err *err)
{
    if (x->why.text[0])
        *err = x->why;
}

bool exporter_healthy(const struct exporter *x, struct err *why)
{
    if (x->failures < UNHEALTHY_AFTER)
        return true;
    err_set(why, "%s: %s", x->o.name, x->why.text);
    return false;
}

static void copy_options(struct exporter *x, const struct exporter_options *o)
{
    bool good = true;
    arena_init(&x->texts, TEXTS_MAX);
    x->o = *o;
    if (x->o.retry_max_ms < RETRY_LEAST_MS)
        x->o.retry_max_ms = RETRY_LEAST_MS;
    if (x->o.retry_first_ms < RETRY_LEAST_MS)
        x->o.retry_first_ms = RETRY_LEAST_MS;
    x->o.name = copy_text(x, slice_str(o->name), &good).p;
    /* It becomes a label, and a part of log lines. */
    for (char *p = (char *)(uintptr_t)x->o.name; p && *p; p++)
        if ((unsigned char)*p <= ' ' || *p == '"' || *p == '\\')
            *p = '_';
    x->o.url = copy_text(x, slice_str(o->url), &good).p;
    if (o->service)
        x->o.service = copy_text(x, slice_str(o->service), &good).p;
    struct client_header *h =
        arena_alloc(&x->texts, (o->n_headers + 1) * sizeof(*h));
    for (size_t i = 0; h && i < o->n_headers; i++) {
        h[i].name = copy_text(x, o->headers[i].name, &good);
        h[i].value = copy_text(x, o->headers[i].value, &good);
    }
    x->o.headers = h;
    if (!h || !good)
        log_fatal("out of memory while starting");
}

/* With a NUL behind it. */
static struct slice copy_text(struct exporter *x, struct slice text, bool *good)
{
    char *copy = arena_dup(&x->texts, text);
    *good = *good && copy;
    return slice_of(copy, text.n);
}

static void count_init(struct exporter *x, struct stats *stats)
{
    char labels[160];
    for (int i = 0; i < LOSS_KINDS; i++)
        x->n.lost[i] = loss_counter(x, stats, (enum otlp_loss)i);
    x->n.ok = request_counter(x, stats, "ok");
    x->n.failed = request_counter(x, stats, "failed");
    x->n.retries = request_counter(x, stats, "retried");
    snprintf(labels, sizeof(labels), "sink=\"%.100s\"", x->o.name);
    x->n.held = stats_gauge(stats, "xray_relay_exporter_buffer_bytes", labels,
                            "Memory held for requests that are passed on.");
    stats_on_render(stats, bring_up_to_date, x);
}

static uint64_t *loss_counter(struct exporter *x, struct stats *stats,
                              enum otlp_loss why)
{
    static const char *const reasons[LOSS_KINDS] = {
        [LOSS_FULL] = "full",
        [LOSS_REFUSED] = "refused",
        [LOSS_PARTIAL] = "partial_success",
        [LOSS_GAVE_UP] = "gave_up",
        [LOSS_DEADLINE] = "deadline",
    };
    char labels[160];
    snprintf(labels, sizeof(labels), "sink=\"%.100s\",reason=\"%s\"", x->o.name,
             reasons[why]);
    return stats_counter(stats, "xray_relay_exporter_lost_spans_total", labels,
                         "Spans that an exporter of OTLP did not deliver.");
}

static uint64_t *request_counter(struct exporter *x, struct stats *stats,
                                 const char *outcome)
{
    char labels[160];
    snprintf(labels, sizeof(labels), "sink=\"%.100s\",outcome=\"%s\"",
             x->o.name, outcome);
    return stats_counter(stats, "xray_relay_exporter_requests_total", labels,
                         "Requests by an exporter of OTLP, by outcome.");
}

static void bring_up_to_date(void *arg)
{
    struct exporter *x = arg;
    *x->n.held = (int64_t)held(x);
}

static enum push_result push_otlp(struct sink *s, const struct otlp_request *r,
                                  enum push_when_full when_full,
                                  struct err *err)
{
    struct exporter *x = of(s);
    bool refuse = when_full == WHEN_FULL_REFUSE;
    if (!(refuse ? fits(x, r) : make_room(x, r)) || !take(x, r)) {
        err_set(err, "the buffer of %zu KB is full of spans that wait for %s",
                x->o.memory_bytes >> 10, x->o.name);
        if (refuse)
            return PUSH_FULL;
        *s->made += r->spans; /* no one can be told */
        exporter_lose(x, LOSS_FULL, r->spans);
        return PUSH_ACCEPTED;
    }
    *s->made += r->spans;
    const struct package *p = x->filling;
    if (p->json || r->body.n > MERGE_ALONE || p->body.n >= MERGE_MAX)
        exporter_seal(x);
    else if (!timer_running(x->flush_timer))
        timer_start(x->flush_timer, x->o.flush_idle_ms);
    if (x->changed)
        x->changed(x->changed_arg);
    exporter_pump(x);
    return PUSH_ACCEPTED;
}

/* The oldest go, but never what may have arrived already. */
static bool make_room(struct exporter *x, const struct otlp_request *r)
{
    uint64_t lost = 0, missed;
    while (!fits(x, r)) {
        struct package *p = x->ready.first;
        if (p)
            package_list_remove(&x->ready, p);
        else if (x->filling)
            p = x->filling;
        else
            break;
        if (p == x->filling)
            x->filling = NULL;
        lost += p->spans;
        exporter_lose(x, LOSS_FULL, p->spans);
        package_free(p);
    }
    if (lost > 0 && log_limit_pass(&x->full_limit, loop_now_ms(x->loop),
                                   OTLP_LOG_EVERY_MS, &missed))
        log_warn("%s: the buffer of %zu KB is full, so the oldest %" PRIu64
                 " spans go. Requests are too slow or fail; a larger "
                 "TotalBufferSizeMB holds more",
                 x->o.name, x->o.memory_bytes >> 10, lost);
    return fits(x, r);
}

/* Whether memory stays within its bound if the request is taken. */
static bool fits(const struct exporter *x, const struct otlp_request *r)
{
    const struct package *p = x->filling;
    size_t more = PACKAGE_COST + r->body.n;
    if (joins(x, r))
        more =
            room_for(p, r->body.n) - p->body.cap +
            (p->n_parts == p->parts_room ? p->n_parts : 0) * sizeof(*p->parts);
    return held(x) + more <= x->o.memory_bytes;
}

static bool joins(const struct exporter *x, const struct otlp_request *r)
{
    const struct package *p = x->filling;
    return p && !r->json && r->body.n <= MERGE_ALONE &&
           p->n_parts < PARTS_MAX && p->body.n + r->body.n <= MERGE_MAX;
}

/* Into the package that is being filled, or a new one in its place. */
static bool take(struct exporter *x, const struct otlp_request *r)
{
    if (!joins(x, r)) {
        exporter_seal(x);
        x->filling = package_new(x);
    }
    if (!x->filling)
        return false;
    x->filling->json = r->json;
    if (package_append(x->filling, r))
        return true;
    if (x->filling->n_parts == 0) {
        package_free(x->filling);
        x->filling = NULL;
    }
    return false;
}

static bool package_append(struct package *p, const struct otlp_request *r)
{
    size_t room = room_for(p, r->body.n);
    if (p->n_parts == p->parts_room) {
        size_t n = p->parts_room ? 2 * p->parts_room : PARTS_FIRST;
        void *more = reallocarray(p->parts, n, sizeof(*p->parts));
        if (!more)
            return false;
        p->parts = more;
        p->parts_room = n;
    }
    if (room > p->body.cap) { /* exactly so much: it is counted */
        char *more = realloc(p->body.p, room);
        if (!more)
            return false;
        p->body.p = more;
        p->body.cap = room;
    }
    buf_append(&p->body, r->body);
    p->parts[p->n_parts++] = (struct package_part){p->body.n, r->spans};
    p->spans += r->spans;
    return !p->body.failed;
}

/* The first request is met exactly, since it may stay the only one. */
static size_t room_for(const struct package *p, size_t bytes)
{
    size_t need = p->body.n + bytes;
    if (need <= p->body.cap)
        return p->body.cap;
    return need < 2 * p->body.cap ? 2 * p->body.cap : need;
}

static struct package *package_new(struct exporter *x)
{
    struct package *p = calloc(1, sizeof(*p));
    if (!p)
        return NULL;
    p->x = x;
    p->first_ms = loop_now_ms(x->loop);
    buf_init(&p->body, x->o.memory_bytes);
    buf_init(&p->packed, x->o.memory_bytes + PACKED_MORE);
    return p;
}

void package_free(struct package *p)
{
    if (!p)
        return;
    buf_fini(&p->body);
    buf_fini(&p->packed);
    free(p->parts);
    free(p);
}

static size_t package_memory(const struct package *p)
{
    return sizeof(*p) + p->body.cap + p->parts_room * sizeof(*p->parts);
}

void package_list_add(struct package_list *l, struct package *p, bool front)
{
    struct package *before = front ? NULL : l->last;
    p->prev = before;
    p->next = before ? NULL : l->first;
    if (p->next)
        p->next->prev = p;
    else
        l->last = p;
    if (before)
        before->next = p;
    else
        l->first = p;
    l->n++;
    l->bytes += package_memory(p);
    l->spans += p->spans;
}

void package_list_remove(struct package_list *l, struct package *p)
{
    if (p->prev)
        p->prev->next = p->next;
    else
        l->first = p->next;
    if (p->next)
        p->next->prev = p->prev;
    else
        l->last = p->prev;
    p->next = p->prev = NULL;
    l->n--;
    l->bytes -= package_memory(p);
    l->spans -= p->spans;
}

bool package_split(struct package *p, struct package *halves[2])
{
    size_t middle = p->n_parts / 2, from = 0;
    bool good = middle > 0;
    halves[0] = halves[1] = NULL;
    for (size_t i = 0; good && i < p->n_parts; i++) {
        struct package **to = &halves[i >= middle];
        struct otlp_request r = {
            .body = slice_of(p->body.p + from, p->parts[i].end - from),
            .spans = p->parts[i].spans};
        if (!*to)
            *to = package_new(p->x);
        good = *to && package_append(*to, &r);
        from = p->parts[i].end;
    }
    for (int i = 0; i < 2; i++) {
        if (good)
            halves[i]->first_ms = p->first_ms;
        else
            package_free(halves[i]);
    }
    return good;
}

void exporter_seal(struct exporter *x)
{
    struct package *p = x->filling;
    if (!p)
        return;
    x->filling = NULL;
    /* It may wait a while, and its slack is better used otherwise. */
    char *fitted = realloc(p->body.p, p->body.n ? p->body.n : 1);
    if (fitted) {
        p->body.p = fitted;
        p->body.cap = p->body.n;
    }
    package_list_add(&x->ready, p, false);
}

void exporter_lose(struct exporter *x, enum otlp_loss why, uint64_t n)
{
    bool refused = why == LOSS_REFUSED || why == LOSS_PARTIAL;
    *(refused ? x->sink.refused : x->sink.dropped) += n;
    *x->n.lost[why] += n;
}

void exporter_settled(struct exporter *x)
{
    if (x->changed)
        x->changed(x->changed_arg);
    if (x->drain.begun && pending(&x->sink) == 0)
        drain_end(&x->drain);
}

static bool has_room(struct sink *s, size_t bytes)
{
    const struct exporter *x = of(s);
    return held(x) + bytes + PACKAGE_COST <= x->o.memory_bytes;
}

static void flush(struct sink *s)
{
    exporter_seal(of(s));
    exporter_pump(of(s));
}

static uint64_t pending(struct sink *s)
{
    const struct exporter *x = of(s);
    return x->ready.spans + x->sending.spans +
           (x->filling ? x->filling->spans : 0);
}

static size_t held(const struct exporter *x)
{
    size_t n = x->ready.bytes + x->sending.bytes;
    for (const struct package *p = x->sending.first; p; p = p->next)
        n += p->packed.cap;
    return n + (x->filling ? package_memory(x->filling) : 0);
}

static void on_flush_timer(void *arg)
{
    exporter_pump(arg);
}

static void on_retry_timer(void *arg)
{
    exporter_pump(arg);
}

static void on_deadline(void *arg)
{
    struct exporter *x = arg;
    uint64_t lost = pending(&x->sink);
    if (lost > 0)
        log_error("Shutdown: %" PRIu64 " spans could not be delivered to %s "
                  "within the deadline and are dropped%s%s",
                  lost, x->o.name, x->why.text[0] ? "; last failure: " : "",
                  x->why.text);
    exporter_lose(x, LOSS_DEADLINE, lost);
    exporter_seal(x);
    while (x->sending.first)
        exporter_again(x->sending.first);
    while (x->ready.first) {
        struct package *p = x->ready.first;
        package_list_remove(&x->ready, p);
        package_free(p);
    }
    drain_end(&x->drain);
}

static struct exporter *of(struct sink *s)
{
    return (struct exporter *)s;
}
