/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The interactive terminal without a terminal and without a server: what is
 * shown, what a key changes, and what is to be asked for next. tui_ask.c
 * fetches that, tui_draw.c draws it, cmd/tui.c ties them to the loop.
 */
#ifndef XR_CMD_TUI_H
#define XR_CMD_TUI_H

#include "tui_edit.h"
#include "tui_map.h"

#define CURSOR_MAX 1024

enum tui_page { PAGE_TRACES, PAGE_MAP };
/* The list is the tree of the map on that page, which has no waterfall. */
enum tui_pane { PANE_LIST, PANE_WATERFALL, PANE_DETAIL };
/* What the keys go to. */
enum tui_mode { MODE_PANES, MODE_FILTER, MODE_CLEAR, MODE_HELP };

/* What is to be asked for; who asks takes the bit away. */
enum tui_want {
    WANT_LIST = 1,   /* anew, from its beginning */
    WANT_FILTER = 2, /* the list with what stands in the box */
    WANT_MAP = 4,
    WANT_CLEAR = 8,           /* delete all */
    WANT_CLEAR_MATCHING = 16, /* delete what the filter matches */
    WANT_TRACE = 32,          /* the chosen one has changed */
    WANT_COMPLETION = 64,     /* of what stands in the box */
};

/* How the terminal is connected to what it shows. */
enum tui_link { LINK_LIVE, LINK_LOST, LINK_FILE };

struct tui {
    enum tui_page page;
    enum tui_pane pane;
    enum tui_mode mode;
    enum tui_link link;
    struct tui_list list;
    struct tui_whole whole;
    struct tui_detail detail;
    struct tui_map map;
    struct tui_edit edit;
    char filter[EDIT_MAX + 1]; /* of what is shown */
    char error[512];           /* of the filter in the box; "": it is fine */
    unsigned error_column;     /* in characters, from 1; 0: none is known */
    struct buf completions;    /* the answer of what may stand at the cursor */
    size_t completion;         /* the one of them that stands there */
    size_t completed_to;       /* its end, in characters */
    bool completing;           /* nothing else was typed since it was asked */
    char note[256];            /* of what happened last */
    char where[160];           /* what is shown */
    double traces;             /* in the store; -1: not known */
    char cursor[CURSOR_MAX];   /* of the list's next page; "": it has all */
    bool reloading;            /* the list's first page is on its way */
    struct buf since;          /* rows that came by events meanwhile */
    char absent[TRACE_ID_MAX]; /* a trace that the server does not have */
    bool paused;
    size_t missed; /* events while it was paused */
    bool prefix;   /* g was pressed */
    bool quit;
    unsigned wants;                              /* of enum tui_want */
    unsigned list_rows, whole_rows, detail_rows; /* seen of them */
};

void tui_init(struct tui *t);
void tui_fini(struct tui *t);
void tui_key(struct tui *t, int key);

/* The id of the trace that is to be shown; NULL: none. */
const char *tui_trace_wanted(const struct tui *t);
/* Whether the next page of the list is to be asked for. */
bool tui_wants_more(const struct tui *t);

/* Before the first page is asked for, anew or with another filter. */
void tui_begin_list(struct tui *t);
/* Answers to what was asked for. filter: of a first page; NULL: of a later
 * one. */
void tui_take_page(struct tui *t, struct slice answer, const char *filter);
/* An empty answer: there is no such trace. */
void tui_take_trace(struct tui *t, const char *id, struct slice answer);
void tui_take_map(struct tui *t, struct slice answer);
/* The server does not take the filter in the box. */
void tui_take_error(struct tui *t, struct slice answer);
/* Puts the first of them into the box; and the next one. */
void tui_take_completions(struct tui *t, struct slice answer);
void tui_complete(struct tui *t);
/* An event of /api/events. */
void tui_take_event(struct tui *t, struct slice name, struct slice data);
void tui_note(struct tui *t, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Draws all of it. */
void tui_draw(struct tui *t, struct canvas *c);
/* Keys and what they do, one by one; false: there are no more. */
bool tui_help(size_t i, const char **keys, const char **what);

#endif
