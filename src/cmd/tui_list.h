/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list of the interactive terminal: rows of docs/LOCAL_API.md as they come
 * in pages and as events, in the order that the user wants, with the one that
 * is chosen. Asks nobody for anything.
 */
#ifndef XR_CMD_TUI_LIST_H
#define XR_CMD_TUI_LIST_H

#include "canvas.h"
#include "xr/arena.h"

#define TRACE_ID_MAX 40
#define LIST_MAX 100000 /* more are not held: the last ones are let go */

enum tui_class { CLASS_OK, CLASS_ERROR, CLASS_THROTTLE, CLASS_FAULT };

enum tui_sort { SORT_TIME, SORT_DURATION, SORT_STATUS, SORTS };

struct tui_row {
    char id[TRACE_ID_MAX];
    double start, took; /* took -1: it runs, or nobody knows */
    int status;         /* 0: none */
    enum tui_class class;
    bool running;
    struct slice method, path, through, message;
    char texts[]; /* what the slices point to */
};

/* A place in a list that is longer than what is seen of it. */
struct tui_place {
    size_t chosen, top;
};

struct tui_list {
    struct tui_row **rows;
    size_t n, room;
    void *by_id; /* a tree of search.h */
    enum tui_sort sort;
    struct tui_place at;
    char wanted[TRACE_ID_MAX]; /* to be chosen when it comes; "": the first */
    bool cut;                  /* some have been let go */
};

void list_init(struct tui_list *l);
void list_fini(struct tui_list *l);
/* Forgets all rows; the chosen one is chosen again when it comes. */
void list_clear(struct tui_list *l);
/* A new row, or a newer one of the same trace; what is chosen stays so. */
void list_take(struct tui_list *l, struct slice row, struct arena *a);
void list_remove(struct tui_list *l, struct slice id);
void list_sort(struct tui_list *l, enum tui_sort sort);
/* NULL: the list is empty. */
const struct tui_row *list_chosen(const struct tui_list *l);
void list_choose(struct tui_list *l, size_t i);
/* A row of the pane. */
void list_draw_row(const struct tui_row *r, struct pen *p);
const char *sort_name(enum tui_sort sort);

/* Moves by so many rows within n; and what is seen, so that the chosen row is
 * in it. */
void place_move(struct tui_place *p, long by, size_t n);
void place_scroll(struct tui_place *p, size_t n, unsigned height);

enum tui_class class_of(struct slice word);
enum line_colour class_colour(enum tui_class class);
const char *class_name(enum tui_class class);
/* Three letters of it, for where no status stands. */
const char *class_word(enum tui_class class);

#endif
