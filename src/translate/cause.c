/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cause block: an exception for each exception event, with its stack and
 * the chain that the stack text tells of; failed attempts of AWS calls; else
 * the status message. Knows no stack text: stack.c does.
 */
#include <inttypes.h>
#include <stdio.h>

#include "parts.h"

/* Of one document; more stacks fit into none. */
enum { STACKS_READ_MAX = 128 * 1024 };

static void write_events(struct translator *t);
static void write_status(struct translator *t);
static void write_failure(struct translator *t, const struct span_event *e);
static bool exception_begin(struct translator *t, struct slice type,
                            struct slice message);
static void exception_end(struct translator *t, bool has_cause);
static void put_remote(struct translator *t, bool remote);
static const struct value *
event_value(struct translator *t, const struct span_event *e, const char *key);
static bool is_failure(struct translator *t, const struct span_event *e);

void cause_write(struct translator *t)
{
    const struct span *s = t->span;
    bool has_events = false;

    t->exception = (struct exception_state){
        .remote = s->kind == SPAN_CLIENT || s->kind == SPAN_PRODUCER,
        .stack_left = t->options.limit ? STACKS_READ_MAX : SIZE_MAX,
    };
    for (uint32_t i = 0; i < s->n_events; i++)
        has_events |=
            slice_is(s->events[i].name, "exception") ||
            (t->aws_api && slice_is(s->events[i].name, "HTTP request failure"));
    if (!has_events && s->status != STATUS_ERROR)
        return;
    t->exception.from_events = has_events;
    struct place before = place_now(t);
    put_name(t, SLICE("cause"));
    jw_object(&t->jw);
    put_name(t, SLICE("exceptions"));
    jw_array(&t->jw);
    if (has_events)
        write_events(t);
    else
        write_status(t);
    jw_array_end(&t->jw);
    jw_object_end(&t->jw);
    if (t->exception.written == 0)
        place_return(t, before);
}

bool cause_has_event(struct translator *t, const struct span_event *e)
{
    return slice_is(e->name, "exception") || is_failure(t, e);
}

bool stack_frame(struct translator *t, struct slice path, int64_t line,
                 struct slice label)
{
    struct exception_state *x = &t->exception;

    if (t->documents.failed)
        return false;
    if (!x->is_open)
        return true;
    if (x->frames >= t->cuts.frames_max) {
        x->frames_cut++;
        return true;
    }
    if (!x->in_stack) {
        put_name(t, SLICE("stack"));
        jw_array(&t->jw);
        x->in_stack = true;
    }
    x->frames++;
    x->frames_all++;
    jw_object(&t->jw);
    put_text(t, SLICE("path"), path);
    if (line > 0) {
        put_name(t, SLICE("line"));
        jw_int(&t->jw, line);
    }
    put_text(t, SLICE("label"), label);
    jw_object_end(&t->jw);
    return true;
}

bool stack_caused_by(struct translator *t, struct slice type,
                     struct slice message)
{
    exception_end(t, t->exception.written < t->cuts.list_max);
    if (!exception_begin(t, type, message))
        return false;
    put_remote(t, t->exception.remote);
    return true;
}

bool stack_beside(struct translator *t, struct slice type, struct slice message)
{
    exception_end(t, false);
    if (!exception_begin(t, type, message))
        return false;
    put_remote(t, t->exception.remote);
    return true;
}

static void write_events(struct translator *t)
{
    for (uint32_t i = 0; i < t->span->n_events && !t->documents.failed; i++) {
        const struct span_event *e = &t->span->events[i];
        if (is_failure(t, e)) {
            write_failure(t, e);
        } else if (slice_is(e->name, "exception")) {
            struct slice text =
                value_text(t, event_value(t, e, "exception.stacktrace"));
            exception_begin(
                t, value_text(t, event_value(t, e, "exception.type")),
                value_text(t, event_value(t, e, "exception.message")));
            put_remote(t, t->exception.remote);
            stack_read(t, t->resource.language, text);
            exception_end(t, false);
        }
    }
}

/* The status of a failed span; the former HTTP text where it has none. */
static void write_status(struct translator *t)
{
    struct slice text = span_take(t, KEY_HTTP_STATUS_TEXT);
    struct slice message = t->span->status_message;

    if (message.n == 0)
        message = text;
    else if (text.n > 0)
        span_fate(t, KEY_HTTP_STATUS_TEXT, FATE_BACK);
    if (message.n == 0)
        return;
    exception_begin(t, SLICE(""), message);
    exception_end(t, false);
}

/* CODE@SECONDS.MICROS@TEXT is how the console's tools read attempts. */
static void write_failure(struct translator *t, const struct span_event *e)
{
    struct slice code =
        value_text(t, event_value(t, e, "http.response.status_code"));
    struct slice text =
        value_text(t, event_value(t, e, "aws.http.error_message"));

    buf_clear(&t->connection);
    buf_append(&t->connection, code);
    buf_printf(&t->connection, "@%" PRIu64 ".%06" PRIu64 "@",
               e->time_ns / 1000000000, e->time_ns % 1000000000 / 1000);
    buf_append(&t->connection, text);
    exception_begin(t, SLICE("aws.http.error.event"),
                    buf_slice(&t->connection));
    put_remote(t, true);
    exception_end(t, false);
}

/* False when enough exceptions are written: the rest is only counted. */
static bool exception_begin(struct translator *t, struct slice type,
                            struct slice message)
{
    struct exception_state *x = &t->exception;
    char id[17];

    if (t->documents.failed)
        return false;
    if (x->written >= t->cuts.list_max) {
        t->cuts.made.cut_others++;
        return false;
    }
    x->in_stack = false;
    made_id(t, ID_EXCEPTION, x->index++, id);
    x->written++;
    x->is_open = true;
    x->frames = 0;
    jw_object(&t->jw);
    put_text(t, SLICE("id"), slice_of(id, 16));
    put_text(t, SLICE("type"), type);
    put_name(t, SLICE("message"));
    if (put_cut(t, message, t->cuts.message_max))
        t->cuts.made.cut_messages++;
    return true;
}

static void exception_end(struct translator *t, bool has_cause)
{
    struct exception_state *x = &t->exception;

    if (!x->is_open)
        return;
    if (x->in_stack)
        jw_array_end(&t->jw);
    if (x->frames_cut > 0) {
        put_name(t, SLICE("truncated"));
        jw_uint(&t->jw, x->frames_cut);
        t->cuts.made.cut_frames += x->frames_cut;
    }
    if (has_cause) {
        char id[17];
        made_id(t, ID_EXCEPTION, x->index, id);
        put_text(t, SLICE("cause"), slice_of(id, 16));
    }
    jw_object_end(&t->jw);
    x->is_open = false;
    x->frames_cut = 0;
}

static void put_remote(struct translator *t, bool remote)
{
    if (!t->exception.is_open)
        return;
    put_name(t, SLICE("remote"));
    jw_bool(&t->jw, remote);
}

static const struct value *
event_value(struct translator *t, const struct span_event *e, const char *key)
{
    limit_spend(t, e->attributes.n);
    for (uint32_t i = 0; i < e->attributes.n; i++) {
        if (slice_is(e->attributes.items[i].key, key))
            return &e->attributes.items[i].value;
    }
    return NULL;
}

/* A failed attempt of an AWS call, with what is needed to show it. */
static bool is_failure(struct translator *t, const struct span_event *e)
{
    return t->aws_api && slice_is(e->name, "HTTP request failure") &&
           value_is_scalar(event_value(t, e, "http.response.status_code")) &&
           value_is_scalar(event_value(t, e, "aws.http.error_message"));
}
