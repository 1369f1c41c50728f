/* SPDX-License-Identifier: Apache-2.0 */
/* What keys do in the interactive terminal; see tui.h. */
#include <stdio.h>
#include <stdlib.h>

#include "screen.h"
#include "tui.h"

#define CTRL(c) ((c)&0x1f)
#define KEYS_MAX 4

struct binding {
    int keys[KEYS_MAX];
    void (*act)(struct tui *t);
    const char *names, *what; /* for the help; NULL: said in another row */
};

static void panes_key(struct tui *t, int key);
static void filter_key(struct tui *t, int key);
static void complete(struct tui *t);
static void clear_key(struct tui *t, int key);
static void prefix_key(struct tui *t, int key);
static void move(struct tui *t, long by);
static void filter_by_node(struct tui *t);
static void apply_filter(struct tui *t);
static void up(struct tui *t);
static void down(struct tui *t);
static void page_up(struct tui *t);
static void page_down(struct tui *t);
static void first(struct tui *t);
static void last(struct tui *t);
static void left(struct tui *t);
static void right(struct tui *t);
static void next_pane(struct tui *t);
static void pane_before(struct tui *t);
static void enter(struct tui *t);
static void escape(struct tui *t);
static void begin_filter(struct tui *t);
static void next_sort(struct tui *t);
static void pause_or_go_on(struct tui *t);
static void show_traces(struct tui *t);
static void show_map(struct tui *t);
static void trace_before(struct tui *t);
static void next_trace(struct tui *t);
static void reload(struct tui *t);
static void ask_clear(struct tui *t);
static void begin_prefix(struct tui *t);
static void help(struct tui *t);
static void quit(struct tui *t);

static const struct binding bindings[] = {
    {{SCREEN_UP, 'k'}, up, "up down, k j", "move"},
    {{SCREEN_DOWN, 'j'}, down, NULL, NULL},
    {{SCREEN_PAGE_UP, CTRL('B')}, page_up, "PgUp PgDn", "a page"},
    {{SCREEN_PAGE_DOWN, CTRL('F'), ' '}, page_down, NULL, NULL},
    {{SCREEN_HOME}, first, "Home End, gg G", "to the first, to the last"},
    {{SCREEN_END, 'G'}, last, NULL, NULL},
    {{SCREEN_LEFT, 'h'},
     left,
     "left right, h l",
     "close and open spans; to the pane before, to the next"},
    {{SCREEN_RIGHT, 'l'}, right, NULL, NULL},
    {{'\t'}, next_pane, "Tab", "to the next pane"},
    {{SCREEN_BACK_TAB}, pane_before, NULL, NULL},
    {{SCREEN_ENTER}, enter, "Enter", "look into it; on the map: its traces"},
    {{SCREEN_ESCAPE}, escape, "Esc", "back"},
    {{'['}, trace_before, "[ ]", "the trace above, the one below"},
    {{']'}, next_trace, NULL, NULL},
    {{'/'}, begin_filter, "/", "filter: fault, service(\"x\"), ..."},
    {{'s'}, next_sort, "s", "sort by time, duration, status"},
    {{'p'}, pause_or_go_on, "p", "pause, go on"},
    {{'t'}, show_traces, "t, gt", "traces"},
    {{'m'}, show_map, "m, gm", "service map"},
    {{'r'}, reload, "r", "ask for all of it anew"},
    {{CTRL('X')}, ask_clear, "Ctrl-X", "delete the traces"},
    {{'g'}, begin_prefix, NULL, NULL},
    {{'?'}, help, "?", "this"},
    {{'q'}, quit, "q", "end"},
};

enum { BINDINGS = sizeof(bindings) / sizeof(bindings[0]) };

void tui_key(struct tui *t, int key)
{
    t->note[0] = '\0';
    switch (t->mode) {
    case MODE_PANES:
        panes_key(t, key);
        break;
    case MODE_FILTER:
        filter_key(t, key);
        break;
    case MODE_CLEAR:
        clear_key(t, key);
        break;
    case MODE_HELP:
        t->mode = MODE_PANES;
        break;
    }
}

bool tui_help(size_t i, const char **keys, const char **what)
{
    for (size_t b = 0; b < BINDINGS; b++)
        if (bindings[b].names != NULL && i-- == 0) {
            *keys = bindings[b].names;
            *what = bindings[b].what;
            return true;
        }
    return false;
}

static void panes_key(struct tui *t, int key)
{
    if (t->prefix) {
        t->prefix = false;
        prefix_key(t, key);
        return;
    }
    for (size_t b = 0; b < BINDINGS; b++)
        for (size_t k = 0; k < KEYS_MAX; k++)
            if (bindings[b].keys[k] == key && key > 0) {
                bindings[b].act(t);
                return;
            }
}

static void filter_key(struct tui *t, int key)
{
    if (key == '\t') {
        complete(t);
        return;
    }
    enum edit_end end = edit_key(&t->edit, key);
    t->completing = false;
    buf_clear(&t->completions);
    if (end == EDIT_DONE) {
        apply_filter(t);
    } else if (end == EDIT_CANCELLED) {
        t->error[0] = '\0';
        t->mode = MODE_PANES;
    }
}

/* Asks what may stand here; again: goes on to the next one. */
static void complete(struct tui *t)
{
    if (t->completions.n > 0)
        tui_complete(t);
    else
        t->wants |= WANT_COMPLETION;
    t->completing = true;
}

static void clear_key(struct tui *t, int key)
{
    t->mode = MODE_PANES;
    if (key == 'y')
        t->wants |= WANT_CLEAR;
    else if (key == 'f' && t->filter[0] != '\0')
        t->wants |= WANT_CLEAR_MATCHING;
    else
        tui_note(t, "nothing was deleted");
}

static void prefix_key(struct tui *t, int key)
{
    if (key == 'g')
        first(t);
    else if (key == 't')
        show_traces(t);
    else if (key == 'm')
        show_map(t);
}

/* What is chosen, or what is seen of the details. */
static void move(struct tui *t, long by)
{
    if (t->pane == PANE_DETAIL) {
        /* how many lines there are is known when they are drawn */
        struct tui_place seen = {t->detail.top, 0};
        place_move(&seen, by, LIST_MAX);
        t->detail.top = seen.chosen;
        return;
    }
    t->detail.top = 0;
    if (t->page == PAGE_MAP) {
        place_move(&t->map.at, by, t->map.n);
    } else if (t->pane == PANE_WATERFALL) {
        place_move(&t->whole.at, by, t->whole.n_shown);
    } else {
        place_move(&t->list.at, by, t->list.n);
        list_choose(&t->list, t->list.at.chosen);
    }
}

static void up(struct tui *t)
{
    move(t, -1);
}

static void down(struct tui *t)
{
    move(t, 1);
}

static long page_of(const struct tui *t)
{
    unsigned rows = t->pane == PANE_DETAIL      ? t->detail_rows
                    : t->pane == PANE_WATERFALL ? t->whole_rows
                                                : t->list_rows;
    return rows > 1 ? (long)rows - 1 : 1;
}

static void page_up(struct tui *t)
{
    move(t, -page_of(t));
}

static void page_down(struct tui *t)
{
    move(t, page_of(t));
}

static void first(struct tui *t)
{
    move(t, -LIST_MAX);
}

static void last(struct tui *t)
{
    move(t, LIST_MAX);
}

static void left(struct tui *t)
{
    if (t->pane == PANE_DETAIL || t->pane == PANE_LIST ||
        !whole_close(&t->whole))
        pane_before(t);
    t->detail.top = 0;
}

static void right(struct tui *t)
{
    if (t->pane == PANE_WATERFALL && whole_open(&t->whole))
        return;
    if (t->pane != PANE_DETAIL)
        next_pane(t);
}

static void next_pane(struct tui *t)
{
    static const enum tui_pane after[] = {
        [PANE_LIST] = PANE_WATERFALL,
        [PANE_WATERFALL] = PANE_DETAIL,
        [PANE_DETAIL] = PANE_LIST,
    };
    t->pane = after[t->pane];
    if (t->page == PAGE_MAP && t->pane == PANE_WATERFALL)
        t->pane = PANE_DETAIL;
}

static void pane_before(struct tui *t)
{
    if (t->pane == PANE_DETAIL && t->page == PAGE_TRACES)
        t->pane = PANE_WATERFALL;
    else
        t->pane = PANE_LIST;
}

static void enter(struct tui *t)
{
    if (t->page == PAGE_MAP && t->pane == PANE_LIST)
        filter_by_node(t);
    else if (t->pane != PANE_DETAIL)
        next_pane(t);
}

/* The traces that reach the node; quotes in its name are escaped. */
static void filter_by_node(struct tui *t)
{
    const struct map_node *n = map_chosen(&t->map);
    struct buf text;
    if (n == NULL)
        return;
    buf_init(&text, EDIT_MAX);
    buf_str(&text, "service(\"");
    for (size_t i = 0; i < n->name.n; i++) {
        if (n->name.p[i] == '"' || n->name.p[i] == '\\')
            buf_byte(&text, '\\');
        buf_byte(&text, n->name.p[i]);
    }
    buf_str(&text, "\")");
    if (!text.failed) {
        show_traces(t);
        edit_set(&t->edit, buf_cstr(&text));
        apply_filter(t);
    }
    buf_fini(&text);
}

static void apply_filter(struct tui *t)
{
    t->error[0] = '\0';
    t->wants |= WANT_FILTER;
    t->mode = MODE_PANES;
}

static void escape(struct tui *t)
{
    if (t->pane != PANE_LIST)
        pane_before(t);
    else if (t->page == PAGE_MAP)
        show_traces(t);
}

static void begin_filter(struct tui *t)
{
    t->mode = MODE_FILTER;
    t->error[0] = '\0';
    edit_set(&t->edit, t->filter);
}

static void next_sort(struct tui *t)
{
    list_sort(&t->list, (t->list.sort + 1) % SORTS);
    tui_note(t, "sorted: %s", sort_name(t->list.sort));
}

/* What came meanwhile is asked for. */
static void pause_or_go_on(struct tui *t)
{
    t->paused = !t->paused;
    if (!t->paused && t->missed > 0)
        t->wants |= WANT_LIST | WANT_TRACE | WANT_MAP;
    t->missed = 0;
}

static void show_traces(struct tui *t)
{
    t->page = PAGE_TRACES;
    t->pane = PANE_LIST;
    t->detail.top = 0;
}

static void show_map(struct tui *t)
{
    t->page = PAGE_MAP;
    t->pane = PANE_LIST;
    t->detail.top = 0;
    t->wants |= WANT_MAP;
}

static void trace_before(struct tui *t)
{
    list_choose(&t->list, t->list.at.chosen > 0 ? t->list.at.chosen - 1 : 0);
}

static void next_trace(struct tui *t)
{
    list_choose(&t->list, t->list.at.chosen + 1);
}

static void reload(struct tui *t)
{
    t->wants |= WANT_LIST | WANT_TRACE | WANT_MAP;
}

static void ask_clear(struct tui *t)
{
    if (t->link == LINK_FILE)
        tui_note(t, "only a running local mode deletes: xray-relay local");
    else
        t->mode = MODE_CLEAR;
}

static void begin_prefix(struct tui *t)
{
    t->prefix = true;
}

static void help(struct tui *t)
{
    t->mode = MODE_HELP;
}

static void quit(struct tui *t)
{
    t->quit = true;
}
