/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the few members that matter out of events and telemetry; the rest, and
 * whatever the platform may add, is passed over. Pure.
 */
#include "message.h"

#include <stdlib.h>

#include "xr/json_scan.h"

#define DEPTH_MAX 32

/* One telemetry event while it is read; its members come in any order. */
struct record {
    struct slice type, request_id;
};

static bool read_record(struct js *j, struct record *r);
static bool read_details(struct js *j, struct record *r);
static enum event_type type_of(struct slice word);

void event_read(struct slice json, struct event *out)
{
    struct slice deadline = event_member(json, "deadlineMs");
    char digits[24];
    *out = (struct event){
        .type = type_of(event_member(json, "eventType")),
        .request_id = event_member(json, "requestId"),
        .reason = event_member(json, "shutdownReason"),
    };
    if (deadline.n > 0 && deadline.n < sizeof(digits)) {
        memcpy(digits, deadline.p, deadline.n);
        digits[deadline.n] = '\0';
        out->deadline_ms = strtoll(digits, NULL, 10);
    }
}

struct slice event_member(struct slice json, const char *name)
{
    struct js j;
    struct slice key, text;
    js_init(&j, json, DEPTH_MAX);
    if (js_next(&j, NULL) != JS_OBJECT)
        return (struct slice){0};
    while (js_next(&j, &key) == JS_KEY) {
        bool wanted = slice_is(key, name);
        enum js_kind k = js_next(&j, &text);
        if (wanted && (k == JS_STRING || k == JS_NUMBER))
            return text;
        if (!js_skip(&j, k))
            break;
    }
    return (struct slice){0};
}

bool telemetry_read(struct slice json, telemetry_fn fn, void *arg)
{
    struct js j;
    enum js_kind k;
    js_init(&j, json, DEPTH_MAX);
    if (js_next(&j, NULL) != JS_ARRAY)
        return false;
    while ((k = js_next(&j, NULL)) != JS_ARRAY_END) {
        struct record r = {0};
        if (k == JS_OBJECT ? !read_record(&j, &r) : !js_skip(&j, k))
            return false;
        if (r.type.n > 0)
            fn(arg, r.type, r.request_id);
    }
    return true;
}

static bool read_record(struct js *j, struct record *r)
{
    struct slice key, text;
    enum js_kind k;
    while ((k = js_next(j, &key)) == JS_KEY) {
        enum js_kind v = js_next(j, &text);
        bool well = true;
        if (slice_is(key, "record") && v == JS_OBJECT)
            well = read_details(j, r);
        else if (slice_is(key, "type") && v == JS_STRING)
            r->type = text;
        else
            well = js_skip(j, v);
        if (!well)
            return false;
    }
    return k == JS_OBJECT_END;
}

static bool read_details(struct js *j, struct record *r)
{
    struct slice key, text;
    enum js_kind k;
    while ((k = js_next(j, &key)) == JS_KEY) {
        enum js_kind v = js_next(j, &text);
        if (slice_is(key, "requestId") && v == JS_STRING)
            r->request_id = text;
        else if (!js_skip(j, v))
            return false;
    }
    return k == JS_OBJECT_END;
}

static enum event_type type_of(struct slice word)
{
    if (slice_is(word, "INVOKE"))
        return EVENT_INVOKE;
    return slice_is(word, "SHUTDOWN") ? EVENT_SHUTDOWN : EVENT_OTHER;
}
