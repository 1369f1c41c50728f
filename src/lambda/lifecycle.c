/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When an extension uploads and when it lets the sandbox freeze. An invocation
 * is rare or frequent. A rare one ends when the documents have been uploaded:
 * uploads begin as soon as documents come in, and the next event is asked for
 * when the handler is over and nothing is on the wire. In a frequent one the
 * next event is asked for at once, and documents wait for the start of an
 * invocation at which the interval has passed.
 *
 * Pure: it must know no socket, clock or document.
 */
#include "lifecycle.h"

#include <string.h>

#define SUBSCRIBE_MS 500 /* longest wait for the Telemetry API */
#define RARE_FIRST 4     /* invocations before this one are rare */
#define STALE_MS 4000    /* idle connections older than this are dead */
#define THRESHOLD_DOCUMENTS 50
#define THRESHOLD_BYTES (64u << 10)
#define EAGER_UPLOADS 2 /* so many at a time before the handler's end */
#define DATAGRAM_QUIET_MS 5
#define BODIES_MS 20 /* for requests half received at the end */
#define LOOK_MS 5
#define CAP_MS 1500          /* longest wait for uploads after the handler */
#define UPLOAD_MARGIN_MS 100 /* before the deadline */
#define WAIT_MARGIN_MS 50
#define LEAVE_MARGIN_MS 150
#define LEAVE_DEFAULT_MS 1400
#define BREAKER_FAILURES 3
#define BREAKER_MS 30000

static void on_start(struct life *l, struct life_step *out);
static void on_registered(struct life *l, const struct life_event *e,
                          struct life_step *out);
static void on_telemetry(struct life *l, const struct life_event *e,
                         struct life_step *out);
static void on_invoke(struct life *l, const struct life_event *e,
                      struct life_step *out);
static void begin_invocation(struct life *l, const struct life_event *e,
                             struct life_step *out);
static void average_gap(struct life *l, int64_t now_ms);
static bool is_rare(const struct life *l);
static bool breaker_open(struct life *l, const struct life_event *e);
static bool threshold(const struct life *l, const struct life_event *e);
static void on_runtime_done(struct life *l, const struct life_event *e,
                            struct life_step *out);
static void drain(struct life *l, int64_t now_ms, struct life_step *out);
static void on_changed(struct life *l, const struct life_event *e,
                       struct life_step *out);
static void on_tick(struct life *l, const struct life_event *e,
                    struct life_step *out);
static void on_shutdown(struct life *l, const struct life_event *e,
                        struct life_step *out);
static void move_on(struct life *l, const struct life_event *e,
                    struct life_step *out);
static void finish_draining(struct life *l, const struct life_event *e,
                            struct life_step *out);
static void finish_invocation(struct life *l, const struct life_event *e,
                              struct life_step *out);
static int64_t upload_limit(const struct life *l);
static void ask_next(struct life *l, int64_t now_ms, struct life_step *out);
static int64_t wake_of(const struct life *l, int64_t now_ms);
static void copy_id(char out[LIFE_REQUEST_ID_MAX], struct slice id);
static bool is_id(const char *have, struct slice id);
static int64_t least(int64_t a, int64_t b);

void life_init(struct life *l, const struct lambda_policy *policy)
{
    *l = (struct life){.policy = *policy,
                       .managed = policy->init == LAMBDA_MANAGED};
}

void life_step(struct life *l, const struct life_event *e,
               struct life_step *out)
{
    *out = (struct life_step){0};
    switch (e->kind) {
    case LIFE_EVENT_START:
        on_start(l, out);
        break;
    case LIFE_EVENT_REGISTERED:
        on_registered(l, e, out);
        break;
    case LIFE_EVENT_INVOKE_REFUSED:
        if (l->state == LIFE_REGISTERING && !l->managed) {
            l->managed = true;
            out->actions = LIFE_REGISTER_MANAGED;
        }
        break;
    case LIFE_EVENT_SUBSCRIBED:
    case LIFE_EVENT_NO_TELEMETRY:
    case LIFE_EVENT_NOT_SUBSCRIBED:
        on_telemetry(l, e, out);
        break;
    case LIFE_EVENT_INVOKE:
        on_invoke(l, e, out);
        break;
    case LIFE_EVENT_RUNTIME_DONE:
        on_runtime_done(l, e, out);
        break;
    case LIFE_EVENT_DRAINED:
        l->drained = true;
        break;
    case LIFE_EVENT_CHANGED:
        on_changed(l, e, out);
        break;
    case LIFE_EVENT_UPLOADED:
        break;
    case LIFE_EVENT_TICK:
        on_tick(l, e, out);
        break;
    case LIFE_EVENT_SHUTDOWN:
        on_shutdown(l, e, out);
        break;
    case LIFE_EVENT_EMPTY:
        if (l->state == LIFE_LEAVING)
            out->actions = LIFE_EXIT;
        break;
    }
    move_on(l, e, out);
    if (out->actions & LIFE_EXIT)
        l->state = LIFE_GONE;
    out->wake_ms = wake_of(l, e->now_ms);
}

static void on_start(struct life *l, struct life_step *out)
{
    if (l->state != LIFE_NEW)
        return;
    l->state = LIFE_REGISTERING;
    out->actions =
        LIFE_HOLD | (l->managed ? LIFE_REGISTER_MANAGED : LIFE_REGISTER);
}

static void on_registered(struct life *l, const struct life_event *e,
                          struct life_step *out)
{
    if (l->state != LIFE_REGISTERING)
        return;
    if (l->managed) {
        ask_next(l, e->now_ms, out);
        return;
    }
    l->state = LIFE_SUBSCRIBING;
    l->give_up_ms = e->now_ms + SUBSCRIBE_MS;
    out->actions |= LIFE_SUBSCRIBE;
}

/* An answer that comes after we gave up still tells what to expect. */
static void on_telemetry(struct life *l, const struct life_event *e,
                         struct life_step *out)
{
    if (l->managed)
        return;
    l->telemetry = e->kind == LIFE_EVENT_SUBSCRIBED;
    l->unfrozen = e->kind == LIFE_EVENT_NO_TELEMETRY;
    if (l->state == LIFE_SUBSCRIBING)
        ask_next(l, e->now_ms, out);
}

static void on_invoke(struct life *l, const struct life_event *e,
                      struct life_step *out)
{
    if (l->state != LIFE_WAITING)
        return;
    if (l->policy.init == LAMBDA_SNAP_START && !l->restored)
        out->actions |= LIFE_RESTORED;
    l->restored = true;
    if (e->away_ms >= STALE_MS)
        out->actions |= LIFE_THAWED;
    l->invocations++;
    average_gap(l, e->now_ms);
    if (l->managed || l->unfrozen)
        ask_next(l, e->now_ms, out);
    else
        begin_invocation(l, e, out);
}

static void begin_invocation(struct life *l, const struct life_event *e,
                             struct life_step *out)
{
    l->state = LIFE_RUNNING;
    l->deadline_ms = e->deadline_ms;
    l->done_ms = l->eager_ms = 0;
    copy_id(l->request_id, e->request_id);
    bool open = breaker_open(l, e);
    l->rare = !open && is_rare(l);
    if (l->rare)
        out->actions |= LIFE_RELEASE;
    if (!open && e->queue.documents > 0 && (l->rare || threshold(l, e)))
        out->actions |= LIFE_RELEASE | LIFE_UPLOAD;
    /* A short handler: its end was told before its begin. */
    if (is_id(l->done_id, e->request_id) && l->rare)
        drain(l, e->now_ms, out);
}

/* The usual gap between invocations, of which each new one is a quarter. */
static void average_gap(struct life *l, int64_t now_ms)
{
    int64_t gap = now_ms - l->invoked_ms;
    l->invoked_ms = now_ms;
    if (l->invocations == 2)
        l->gap_ms = gap;
    else if (l->invocations > 2)
        l->gap_ms += (gap - l->gap_ms) / 4;
}

/* Without runtimeDone there is no end of the handler to upload at. */
static bool is_rare(const struct life *l)
{
    if (!l->telemetry || l->policy.flush == LAMBDA_FLUSH_PERIODIC)
        return false;
    return l->policy.flush == LAMBDA_FLUSH_END || l->invocations < RARE_FIRST ||
           l->gap_ms > l->policy.interval_ms;
}

/* A service that cannot be reached must not add its time-out to each
 * invocation's bill: after so many failures in a row it is left alone for a
 * while, then one invocation tries. */
static bool breaker_open(struct life *l, const struct life_event *e)
{
    if (e->queue.failures < BREAKER_FAILURES) {
        l->breaker_ms = 0;
        return false;
    }
    if (l->breaker_ms != 0 && e->now_ms < l->breaker_ms)
        return true;
    bool first = l->breaker_ms == 0;
    l->breaker_ms = e->now_ms + BREAKER_MS;
    return first;
}

static bool threshold(const struct life *l, const struct life_event *e)
{
    const struct lambda_queue *q = &e->queue;
    return q->documents >= THRESHOLD_DOCUMENTS || q->bytes >= THRESHOLD_BYTES ||
           e->now_ms - q->oldest_ms >= l->policy.interval_ms;
}

static void on_runtime_done(struct life *l, const struct life_event *e,
                            struct life_step *out)
{
    bool late = l->state == LIFE_WAITING && is_id(l->request_id, e->request_id);
    /* However late it is: such events do come. */
    l->telemetry = true;
    if (late)
        return;
    if (l->state != LIFE_RUNNING || !is_id(l->request_id, e->request_id)) {
        copy_id(l->done_id, e->request_id);
        return;
    }
    if (l->done_ms == 0)
        l->done_ms = e->now_ms;
    if (l->rare)
        drain(l, e->now_ms, out);
}

static void drain(struct life *l, int64_t now_ms, struct life_step *out)
{
    l->state = LIFE_DRAINING;
    l->drained = false;
    l->done_ms = now_ms;
    l->give_up_ms = now_ms + BODIES_MS;
    out->actions |= LIFE_DRAIN;
}

/* SDKs export at the end of the handler: what is sent right then has come
 * halfway when the news of that end arrives. */
static void on_changed(struct life *l, const struct life_event *e,
                       struct life_step *out)
{
    if (l->state != LIFE_RUNNING || !l->rare || e->queue.documents == 0 ||
        e->queue.uploads >= EAGER_UPLOADS)
        return;
    if (e->datagram)
        l->eager_ms = e->now_ms + DATAGRAM_QUIET_MS;
    else
        out->actions |= LIFE_UPLOAD;
}

static void on_tick(struct life *l, const struct life_event *e,
                    struct life_step *out)
{
    int64_t now = e->now_ms;
    if (l->state == LIFE_SUBSCRIBING && now >= l->give_up_ms)
        ask_next(l, now, out);
    if (l->state == LIFE_LEAVING && now >= l->give_up_ms)
        out->actions |= LIFE_EXIT;
    if (l->state == LIFE_RUNNING && l->eager_ms != 0 && now >= l->eager_ms) {
        l->eager_ms = 0;
        out->actions |= LIFE_UPLOAD;
    }
    if (l->flush_ms != 0 && now >= l->flush_ms && l->state == LIFE_WAITING) {
        l->flush_ms = now + l->policy.interval_ms;
        out->actions |= LIFE_UPLOAD;
    }
}

static void on_shutdown(struct life *l, const struct life_event *e,
                        struct life_step *out)
{
    if (l->state >= LIFE_LEAVING)
        return;
    int64_t end = e->deadline_ms != 0 ? e->deadline_ms - LEAVE_MARGIN_MS
                                      : e->now_ms + LEAVE_DEFAULT_MS;
    l->state = LIFE_LEAVING;
    if (e->away_ms >= STALE_MS)
        out->actions |= LIFE_THAWED;
    out->deadline_ms = end > e->now_ms ? end : e->now_ms;
    l->give_up_ms = out->deadline_ms + LEAVE_MARGIN_MS / 2;
    out->actions |= LIFE_RELEASE | LIFE_LEAVE;
}

/* Takes the invocation as far towards its end as it can go now. */
static void move_on(struct life *l, const struct life_event *e,
                    struct life_step *out)
{
    if (l->state == LIFE_DRAINING && l->drained)
        finish_draining(l, e, out);
    /* After an upload was begun the queue is not the one that we know;
     * UPLOADED brings the new one. */
    if (out->actions & LIFE_UPLOAD)
        return;
    if (l->state == LIFE_CLOSING || l->state == LIFE_RUNNING ||
        l->state == LIFE_DRAINING)
        finish_invocation(l, e, out);
}

static void finish_draining(struct life *l, const struct life_event *e,
                            struct life_step *out)
{
    if (e->queue.open > 0 && e->now_ms < l->give_up_ms)
        return;
    l->state = LIFE_CLOSING;
    if (e->queue.documents > 0)
        out->actions |= LIFE_UPLOAD;
}

static void finish_invocation(struct life *l, const struct life_event *e,
                              struct life_step *out)
{
    bool moving = e->queue.uploads > 0;
    bool over = moving ? e->now_ms >= upload_limit(l)
                       : e->now_ms >= l->deadline_ms - WAIT_MARGIN_MS;
    bool waits =
        l->state == LIFE_DRAINING || (l->state == LIFE_RUNNING && l->rare);
    if (!over && (moving || waits))
        return;
    if (l->state == LIFE_RUNNING && l->rare)
        l->telemetry = false; /* the news was lost, and may be again */
    if (moving)
        out->actions |= LIFE_RECALL;
    ask_next(l, e->now_ms, out);
}

static int64_t upload_limit(const struct life *l)
{
    int64_t limit = l->deadline_ms - UPLOAD_MARGIN_MS;
    return l->done_ms != 0 ? least(limit, l->done_ms + CAP_MS) : limit;
}

static void ask_next(struct life *l, int64_t now_ms, struct life_step *out)
{
    bool runs_on = l->managed || l->unfrozen;
    if (runs_on && l->flush_ms == 0)
        l->flush_ms = now_ms + l->policy.interval_ms;
    l->state = LIFE_WAITING;
    out->actions |= LIFE_NEXT | (runs_on ? LIFE_RELEASE : LIFE_HOLD);
}

static int64_t wake_of(const struct life *l, int64_t now_ms)
{
    int64_t end = 0;
    switch (l->state) {
    case LIFE_SUBSCRIBING:
    case LIFE_LEAVING:
        return l->give_up_ms;
    case LIFE_WAITING:
        return l->managed || l->unfrozen ? l->flush_ms : 0;
    case LIFE_RUNNING:
    case LIFE_CLOSING:
        end = least(upload_limit(l), l->deadline_ms - WAIT_MARGIN_MS);
        /* Nothing was on the wire at the first of the two. */
        if (end <= now_ms)
            end = l->deadline_ms - WAIT_MARGIN_MS;
        return l->eager_ms != 0 ? least(end, l->eager_ms) : end;
    case LIFE_DRAINING:
        return now_ms + LOOK_MS;
    default:
        return 0;
    }
}

static void copy_id(char out[LIFE_REQUEST_ID_MAX], struct slice id)
{
    size_t n = id.n < LIFE_REQUEST_ID_MAX ? id.n : LIFE_REQUEST_ID_MAX - 1;
    if (n > 0)
        memcpy(out, id.p, n);
    out[n] = '\0';
}

static bool is_id(const char *have, struct slice id)
{
    return id.n > 0 && slice_is(id, have);
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}
