/* SPDX-License-Identifier: Apache-2.0 */
/* Requests of the interactive terminal; see tui_ask.h. */
#include "tui_ask.h"

#include <stdio.h>

#include "local/elements.h"

#define TIMEOUT_MS 60000
#define AGAIN_MS 1000
#define MAP_REST_MS 1000
#define PAGE_ROWS "200"
#define SORTED_PAGE_ROWS "1000" /* all pages are needed */

static struct client_call *start(struct tui_ask *a, const char *method,
                                 client_fn fn);
static void ask_stream(struct tui_ask *a);
static void ask_filter(struct tui_ask *a);
static void ask_list(struct tui_ask *a, bool first, const char *filter);
static void ask_trace(struct tui_ask *a, const char *id);
static void ask_map(struct tui_ask *a);
static void ask_clear(struct tui_ask *a);
static void ask_completion(struct tui_ask *a);
static void on_stream(void *arg, struct slice data);
static void on_event(void *arg, struct slice name, struct slice data);
static void on_stream_end(void *arg, const struct client_answer *answer);
static void on_list(void *arg, const struct client_answer *answer);
static void on_trace(void *arg, const struct client_answer *answer);
static void on_map(void *arg, const struct client_answer *answer);
static void on_clear(void *arg, const struct client_answer *answer);
static void on_completion(void *arg, const struct client_answer *answer);
static bool is_good(struct tui_ask *a, const struct client_answer *answer,
                    unsigned want);
static void note_error(struct tui_ask *a, const struct client_answer *answer);
static void on_timer(void *arg);

void ask_init(struct tui_ask *a, struct local *l, struct tui *t)
{
    *a = (struct tui_ask){.local = l, .tui = t};
    events_init(&a->events, on_event, a);
    a->again = timer_new(l->loop, on_timer, a);
    a->map_rest = timer_new(l->loop, on_timer, a);
}

void ask_fini(struct tui_ask *a)
{
    struct client_call *calls[] = {a->stream, a->list,  a->trace,
                                   a->map,    a->clear, a->completion};
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
        if (calls[i] != NULL)
            client_cancel(calls[i]);
    timer_free(a->again);
    timer_free(a->map_rest);
    events_fini(&a->events);
}

void ask_run(struct tui_ask *a)
{
    struct tui *t = a->tui;
    const char *id;
    if (t->link != LINK_FILE && a->stream == NULL && !timer_running(a->again))
        ask_stream(a);
    if (t->link == LINK_LOST)
        return;
    if (t->wants & WANT_FILTER)
        ask_filter(a);
    if ((t->wants & WANT_LIST) && a->list == NULL)
        ask_list(a, true, t->filter);
    if (tui_wants_more(t) && a->list == NULL)
        ask_list(a, false, t->filter);
    if (a->trace == NULL && (id = tui_trace_wanted(t)) != NULL)
        ask_trace(a, id);
    if ((t->wants & WANT_MAP) && t->page == PAGE_MAP && a->map == NULL &&
        !timer_running(a->map_rest))
        ask_map(a);
    if ((t->wants & (WANT_CLEAR | WANT_CLEAR_MATCHING)) && a->clear == NULL)
        ask_clear(a);
    if ((t->wants & WANT_COMPLETION) && a->completion == NULL)
        ask_completion(a);
}

static struct client_call *start(struct tui_ask *a, const char *method,
                                 client_fn fn)
{
    struct client_request q = {.method = method, .timeout_ms = TIMEOUT_MS};
    return local_start(a->local, &q, fn, a);
}

/* From the last event on, so that nothing is missed in between. */
static void ask_stream(struct tui_ask *a)
{
    struct client_request q = {.method = "GET", .on_data = on_stream};
    const char *filter = a->tui->filter, *last = a->events.last;
    local_path(a->local, "/api/events");
    local_param(a->local, "filter", filter[0] != '\0' ? filter : NULL);
    local_param(a->local, "last", last[0] != '\0' ? last : NULL);
    events_begin(&a->events);
    a->stream = local_start(a->local, &q, on_stream_end, a);
}

/* What is being asked for the old filter is of no use. */
static void ask_filter(struct tui_ask *a)
{
    a->tui->wants &= ~(unsigned)WANT_FILTER;
    if (a->list != NULL)
        client_cancel(a->list);
    ask_list(a, true, a->tui->edit.text);
}

static void ask_list(struct tui_ask *a, bool first, const char *filter)
{
    struct tui *t = a->tui;
    local_path(a->local, "/api/traces");
    local_param(a->local, "filter", filter[0] != '\0' ? filter : NULL);
    local_param(a->local, "cursor", first ? NULL : t->cursor);
    local_param(a->local, "limit",
                t->list.sort == SORT_TIME ? PAGE_ROWS : SORTED_PAGE_ROWS);
    snprintf(a->filter, sizeof(a->filter), "%s", filter);
    a->first = first;
    if (first) {
        t->wants &= ~(unsigned)WANT_LIST;
        tui_begin_list(t);
    }
    a->list = start(a, "GET", on_list);
}

static void ask_trace(struct tui_ask *a, const char *id)
{
    snprintf(a->id, sizeof(a->id), "%s", id);
    a->tui->wants &= ~(unsigned)WANT_TRACE;
    local_path(a->local, "/api/traces/");
    for (; *id != '\0'; id++)
        if (*id == '-' || (*id >= '0' && *id <= '9') ||
            (*id >= 'a' && *id <= 'f'))
            buf_byte(&a->local->path, *id);
    a->trace = start(a, "GET", on_trace);
}

static void ask_map(struct tui_ask *a)
{
    const char *filter = a->tui->filter;
    a->tui->wants &= ~(unsigned)WANT_MAP;
    local_path(a->local, "/api/graph");
    local_param(a->local, "filter", filter[0] != '\0' ? filter : NULL);
    a->map = start(a, "GET", on_map);
}

static void ask_clear(struct tui_ask *a)
{
    struct tui *t = a->tui;
    bool all = (t->wants & WANT_CLEAR) != 0;
    t->wants &= ~(unsigned)(WANT_CLEAR | WANT_CLEAR_MATCHING);
    local_path(a->local, "/api/traces");
    local_param(a->local, "filter", all ? NULL : t->filter);
    a->clear = start(a, "DELETE", on_clear);
}

static void ask_completion(struct tui_ask *a)
{
    struct tui *t = a->tui;
    char at[24];
    t->wants &= ~(unsigned)WANT_COMPLETION;
    snprintf(at, sizeof(at), "%zu", edit_place(&t->edit));
    local_path(a->local, "/api/complete");
    local_param(a->local, "text", t->edit.text);
    local_param(a->local, "at", at);
    a->completion = start(a, "GET", on_completion);
}

static void on_stream(void *arg, struct slice data)
{
    struct tui_ask *a = arg;
    a->tui->link = LINK_LIVE;
    events_take(&a->events, data);
    a->changed(a->arg);
}

/* What came between the first page and the first event may be in neither. */
static void on_event(void *arg, struct slice name, struct slice data)
{
    struct tui_ask *a = arg;
    if (!a->connected)
        a->tui->wants |= WANT_LIST;
    a->connected = true;
    tui_take_event(a->tui, name, data);
}

static void on_stream_end(void *arg, const struct client_answer *answer)
{
    struct tui_ask *a = arg;
    a->stream = NULL;
    a->tui->link = LINK_LOST;
    if (answer->outcome == CLIENT_ANSWERED && answer->status != 200)
        note_error(a, answer);
    timer_start(a->again, AGAIN_MS);
    a->changed(a->arg);
}

/* With another filter the stream is another one, too. */
static void on_list(void *arg, const struct client_answer *answer)
{
    struct tui_ask *a = arg;
    struct tui *t = a->tui;
    bool other = a->first && strcmp(a->filter, t->filter) != 0;
    a->list = NULL;
    if (other && answer->outcome == CLIENT_ANSWERED && answer->status == 400) {
        tui_take_error(t, answer->body);
    } else if (is_good(a, answer, a->first ? WANT_LIST : 0)) {
        tui_take_page(t, answer->body, a->first ? a->filter : NULL);
        if (other) {
            t->wants |= WANT_MAP;
            if (a->stream != NULL)
                client_cancel(a->stream);
            a->stream = NULL;
        }
    } else {
        t->reloading = false;
        if (answer->outcome == CLIENT_ANSWERED)
            t->cursor[0] = '\0';
    }
    a->changed(a->arg);
}

static void on_trace(void *arg, const struct client_answer *answer)
{
    struct tui_ask *a = arg;
    a->trace = NULL;
    if (answer->outcome == CLIENT_ANSWERED && answer->status != 200)
        tui_take_trace(a->tui, a->id, SLICE(""));
    else if (is_good(a, answer, WANT_TRACE))
        tui_take_trace(a->tui, a->id, answer->body);
    a->changed(a->arg);
}

static void on_map(void *arg, const struct client_answer *answer)
{
    struct tui_ask *a = arg;
    a->map = NULL;
    timer_start(a->map_rest, MAP_REST_MS);
    if (is_good(a, answer, WANT_MAP))
        tui_take_map(a->tui, answer->body);
    a->changed(a->arg);
}

static void on_clear(void *arg, const struct client_answer *answer)
{
    struct tui_ask *a = arg;
    struct arena arena;
    a->clear = NULL;
    if (is_good(a, answer, 0)) {
        arena_init(&arena, 1 << 16);
        tui_note(a->tui, "%.0f traces deleted",
                 elements_number(answer->body, "deleted", 0, &arena));
        arena_fini(&arena);
        a->tui->wants |= WANT_LIST | WANT_MAP;
    }
    a->changed(a->arg);
}

static void on_completion(void *arg, const struct client_answer *answer)
{
    struct tui_ask *a = arg;
    a->completion = NULL;
    if (is_good(a, answer, 0))
        tui_take_completions(a->tui, answer->body);
    a->changed(a->arg);
}

/* What could not be asked for is wanted again when there is a connection. */
static bool is_good(struct tui_ask *a, const struct client_answer *answer,
                    unsigned want)
{
    if (answer->outcome == CLIENT_ANSWERED && answer->status == 200)
        return true;
    note_error(a, answer);
    if (answer->outcome == CLIENT_REFUSED || answer->outcome == CLIENT_BROKEN)
        a->tui->wants |= want;
    return false;
}

static void note_error(struct tui_ask *a, const struct client_answer *answer)
{
    struct arena arena;
    if (answer->outcome != CLIENT_ANSWERED) {
        tui_note(a->tui, "%s", answer->why);
        return;
    }
    arena_init(&arena, 1 << 16);
    struct slice error = elements_member(answer->body, "error", &arena);
    tui_note(a->tui, "status %d: %.*s", answer->status,
             SLICE_ARG(elements_member(error, "message", &arena)));
    arena_fini(&arena);
}

static void on_timer(void *arg)
{
    struct tui_ask *a = arg;
    a->changed(a->arg);
}
