/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One trace in the interactive terminal: the answer of /api/traces/{id} as rows
 * of a waterfall, of which those below a closed one are not shown. Asks nobody
 * for anything.
 */
#ifndef XR_CMD_TUI_WHOLE_H
#define XR_CMD_TUI_WHOLE_H

#include "tui_list.h"

enum { LINKS_TO, LINKS_FROM, LINK_KINDS };

struct tui_span {
    struct slice id, kind, name, operation, message, namespace;
    struct slice node, type; /* name and type of what it belongs to */
    double start, end;       /* end -1: it runs */
    long parent, document;   /* -1: none */
    unsigned depth, children;
    int status;
    enum tui_class class;
    bool inferred, orphan;
    bool linked; /* it names spans of other traces, or they name it */
    bool closed; /* by the user */
};

struct tui_whole {
    char id[TRACE_ID_MAX]; /* "": no trace */
    struct buf text;       /* the answer, which all slices point into */
    struct arena arena;
    struct tui_span *spans;
    size_t n;
    size_t *shown; /* indices of spans */
    size_t n_shown;
    struct tui_place at; /* in `shown` */
    struct slice *documents;
    size_t n_documents;
    struct slice warnings;
    struct slice links[LINK_KINDS]; /* to other traces, from them */
    double start, length;
};

void whole_init(struct tui_whole *w);
void whole_fini(struct tui_whole *w);
/* Takes an answer. Of the trace that was there before, what is closed and what
 * is chosen stay so. */
void whole_take(struct tui_whole *w, struct slice answer);
void whole_clear(struct tui_whole *w);
/* NULL: there is no trace. */
const struct tui_span *whole_chosen(const struct tui_whole *w);
/* Closes the chosen one; where there is nothing to close, goes to its parent.
 * False: there is none. */
bool whole_close(struct tui_whole *w);
/* Opens it. False: it is open. */
bool whole_open(struct tui_whole *w);
void whole_draw_row(const struct tui_whole *w, size_t i, struct pen *p);
/* Which span here a link belongs to: the whole trace's to its first. */
const struct tui_span *whole_linked(const struct tui_whole *w, int kind,
                                    struct slice link, struct arena *a);
/* The object of its document that is this span; empty if there is none. */
struct slice whole_object(struct tui_whole *w, const struct tui_span *s,
                          struct arena *a);

#endif
