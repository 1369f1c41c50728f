/* SPDX-License-Identifier: Apache-2.0 */
/* What the interactive terminal knows; see tui.h. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "local/elements.h"
#include "tui.h"

#define SINCE_MAX (16u << 20)
#define ARENA_MAX (64u << 20)
#define COMPLETIONS_MAX (1u << 20)
#define AHEAD 100 /* rows that are held below those that are seen */

static void take_rows(struct tui *t, struct slice rows, struct arena *a);
static void take_trace_event(struct tui *t, struct slice data, struct arena *a);
static void take_cleared(struct tui *t, struct slice data, struct arena *a);
static void copy_shown(char *out, size_t size, struct slice s);

void tui_init(struct tui *t)
{
    *t = (struct tui){.traces = -1, .wants = WANT_LIST};
    list_init(&t->list);
    whole_init(&t->whole);
    detail_init(&t->detail);
    map_init(&t->map);
    buf_init(&t->since, SINCE_MAX);
    buf_init(&t->completions, COMPLETIONS_MAX);
}

void tui_fini(struct tui *t)
{
    list_fini(&t->list);
    whole_fini(&t->whole);
    detail_fini(&t->detail);
    map_fini(&t->map);
    buf_fini(&t->since);
    buf_fini(&t->completions);
}

const char *tui_trace_wanted(const struct tui *t)
{
    const struct tui_row *r = list_chosen(&t->list);
    if (r == NULL ||
        (!(t->wants & WANT_TRACE) &&
         (strcmp(r->id, t->whole.id) == 0 || strcmp(r->id, t->absent) == 0)))
        return NULL;
    return r->id;
}

/* In another order than that of the pages, all of them are needed. */
bool tui_wants_more(const struct tui *t)
{
    const struct tui_list *l = &t->list;
    return t->cursor[0] != '\0' && l->n < LIST_MAX &&
           (l->sort != SORT_TIME || l->at.top + t->list_rows + AHEAD >= l->n);
}

void tui_begin_list(struct tui *t)
{
    t->reloading = true;
    buf_clear(&t->since);
}

void tui_take_page(struct tui *t, struct slice answer, const char *filter)
{
    struct arena a;
    arena_init(&a, ARENA_MAX);
    struct slice cursor = elements_member(answer, "cursor", &a);
    bool last = slice_is(cursor, "null") || cursor.n >= sizeof(t->cursor);
    snprintf(t->cursor, sizeof(t->cursor), "%.*s", last ? 0 : (int)cursor.n,
             cursor.p);
    if (filter != NULL) {
        bool same = strcmp(filter, t->filter) == 0;
        list_clear(&t->list);
        snprintf(t->filter, sizeof(t->filter), "%s", filter);
        t->absent[0] = '\0';
        t->reloading = false;
        if (same)
            take_rows(t, buf_slice(&t->since), &a);
        buf_clear(&t->since);
    }
    take_rows(t, elements_member(answer, "traces", &a), &a);
    if (t->list.n == 0)
        whole_clear(&t->whole);
    arena_fini(&a);
}

void tui_take_trace(struct tui *t, const char *id, struct slice answer)
{
    if (answer.n == 0)
        snprintf(t->absent, sizeof(t->absent), "%s", id);
    else
        whole_take(&t->whole, answer);
}

void tui_take_map(struct tui *t, struct slice answer)
{
    map_take(&t->map, answer);
}

void tui_take_error(struct tui *t, struct slice answer)
{
    struct arena a;
    arena_init(&a, ARENA_MAX);
    struct slice error = elements_member(answer, "error", &a);
    struct slice text = elements_member(error, "message", &a);
    double column = elements_number(error, "column", 0, &a);
    t->reloading = false;
    t->error_column = column >= 1 && column <= EDIT_MAX ? (unsigned)column : 0;
    copy_shown(t->error, sizeof(t->error),
               text.n > 0 ? text : SLICE("the filter was refused"));
    t->mode = MODE_FILTER;
    if (t->error_column > 0)
        edit_go_to(&t->edit, t->error_column);
    arena_fini(&a);
}

void tui_take_completions(struct tui *t, struct slice answer)
{
    struct arena a;
    if (t->mode != MODE_FILTER || !t->completing)
        return;
    arena_init(&a, ARENA_MAX);
    buf_clear(&t->completions);
    buf_append(&t->completions, answer);
    t->completion = SIZE_MAX; /* before the first */
    t->completed_to = (size_t)elements_number(answer, "to", 0, &a);
    arena_fini(&a);
    tui_complete(t);
}

/* Behind the last one the first is next. */
void tui_complete(struct tui *t)
{
    struct arena a;
    arena_init(&a, ARENA_MAX);
    struct slice answer = buf_slice(&t->completions), item;
    struct slice items = elements_member(answer, "items", &a), rest = items;
    size_t from = (size_t)elements_number(answer, "from", 0, &a), n = 0;
    while (elements_next(&rest, &item))
        n++;
    t->completion = n == 0 ? 0 : (t->completion + 1) % n;
    for (size_t i = 0; i <= t->completion; i++)
        (void)!elements_next(&items, &item);
    if (n == 0)
        buf_clear(&t->completions);
    else if (edit_replace(&t->edit, from, t->completed_to,
                          elements_member(item, "text", &a)))
        t->completed_to = edit_place(&t->edit);
    arena_fini(&a);
}

void tui_take_event(struct tui *t, struct slice name, struct slice data)
{
    struct arena a;
    arena_init(&a, ARENA_MAX);
    if (slice_is(name, "stats"))
        t->traces = elements_number(data, "traces", t->traces, &a);
    else if (t->paused)
        t->missed++;
    else if (slice_is(name, "trace"))
        take_trace_event(t, elements_member(data, "trace", &a), &a);
    else if (slice_is(name, "cleared"))
        take_cleared(t, data, &a);
    else if (slice_is(name, "reset"))
        t->wants |= WANT_LIST | WANT_TRACE | WANT_MAP;
    arena_fini(&a);
}

void tui_note(struct tui *t, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(t->note, sizeof(t->note), fmt, ap);
    va_end(ap);
}

static void take_rows(struct tui *t, struct slice rows, struct arena *a)
{
    struct slice row;
    while (elements_next(&rows, &row))
        list_take(&t->list, row, a);
}

static void take_trace_event(struct tui *t, struct slice row, struct arena *a)
{
    list_take(&t->list, row, a);
    if (slice_is(elements_member(row, "id", a), t->whole.id) ||
        slice_is(elements_member(row, "id", a), t->absent))
        t->wants |= WANT_TRACE;
    t->wants |= WANT_MAP;
    if (t->reloading) {
        buf_append(&t->since, row);
        buf_byte(&t->since, '\n');
    }
}

/* One trace, or so many that all are asked for anew. */
static void take_cleared(struct tui *t, struct slice data, struct arena *a)
{
    struct slice id = elements_member(data, "id", a);
    t->wants |= WANT_MAP;
    if (slice_is(id, "null"))
        t->wants |= WANT_LIST;
    else
        list_remove(&t->list, id);
    if (t->list.n == 0)
        whole_clear(&t->whole);
}

static void copy_shown(char *out, size_t size, struct slice s)
{
    snprintf(out, size, "%.*s", (int)(s.n < size ? s.n : size - 1), s.p);
}
