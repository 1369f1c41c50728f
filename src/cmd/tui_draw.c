/* SPDX-License-Identifier: Apache-2.0 */
/* How the interactive terminal is laid out; see tui.h. */
#include <stdio.h>
#include <stdlib.h>

#include "local/elements.h"
#include "tui.h"

/* Smaller than that only the pane is shown that the keys go to. */
#define PANES_WIDTH 60
#define PANES_HEIGHT 12
#define LEAST_ROWS 4
#define COMPLETIONS_ARENA_MAX (1u << 20)
#define RULE "\xe2\x94\x80"
#define BETWEEN "\xe2\x94\x82"
#define PROMPT "/ "
#define HINTS "? help   / filter   s sort   p pause   t traces   m map   q end"

static void draw_title(const struct tui *t, struct pen p);
static void draw_link(const struct tui *t, struct pen *p);
static void draw_filter(const struct tui *t, struct pen p);
static void draw_error(const struct tui *t, struct pen p);
static void draw_bottom(const struct tui *t, struct pen p);
static void draw_completions(const struct tui *t, struct pen p);
static void draw_help(struct canvas *c, struct area a);
static void draw_traces(struct tui *t, struct canvas *c, struct area a);
static void draw_map_page(struct tui *t, struct canvas *c, struct area a);
static bool is_small(struct area a);
static void draw_list(struct tui *t, struct canvas *c, struct area a);
static void draw_whole(struct tui *t, struct canvas *c, struct area a);
static void draw_map(struct tui *t, struct canvas *c, struct area a);
static void draw_detail(struct tui *t, struct canvas *c, struct area a);
static void draw_head(const struct tui *t, enum tui_pane pane, struct pen p,
                      const char *text);
static void mark(const struct tui *t, enum tui_pane pane, struct pen p,
                 bool chosen);
static void take_top(struct area *a, unsigned rows, struct area *top);

void tui_draw(struct tui *t, struct canvas *c)
{
    struct area all = {0, 0, c->width, c->height}, row;
    take_top(&all, 1, &row);
    draw_title(t, pen_at(c, row, 0));
    take_top(&all, 1, &row);
    draw_filter(t, pen_at(c, row, 0));
    if (t->error[0] != '\0') {
        take_top(&all, 1, &row);
        draw_error(t, pen_at(c, row, 0));
    }
    if (all.height > 0) {
        draw_bottom(t, pen_at(c, all, all.height - 1));
        all.height--;
    }
    if (t->mode == MODE_HELP)
        draw_help(c, all);
    else if (t->page == PAGE_MAP)
        draw_map_page(t, c, all);
    else
        draw_traces(t, c, all);
}

static void draw_title(const struct tui *t, struct pen p)
{
    p.style = STYLE_BOLD;
    pen_str(&p, "xray-relay ");
    p.style = t->page == PAGE_TRACES ? STYLE_REVERSE : LINE_PLAIN;
    pen_str(&p, " Traces ");
    p.style = t->page == PAGE_MAP ? STYLE_REVERSE : LINE_PLAIN;
    pen_str(&p, " Map ");
    p.style = LINE_PLAIN;
    pen_str(&p, "  ");
    draw_link(t, &p);
    if (t->traces >= 0)
        pen_printf(&p, "  %.0f traces", t->traces);
    pen_printf(&p, "  %s", t->where);
}

static void draw_link(const struct tui *t, struct pen *p)
{
    if (t->link == LINK_LOST) {
        p->style = LINE_FAULT;
        pen_str(p, "connection lost, trying again");
    } else if (t->link == LINK_FILE) {
        pen_str(p, "not live");
    } else if (t->paused) {
        p->style = LINE_ERROR;
        pen_printf(p, "paused, %zu new", t->missed);
    } else {
        p->style = LINE_OK;
        pen_str(p, "live");
    }
    p->style = LINE_PLAIN;
}

static void draw_filter(const struct tui *t, struct pen p)
{
    bool typed = t->mode == MODE_FILTER;
    p.style = typed ? STYLE_BOLD : LINE_PLAIN;
    pen_str(&p, PROMPT);
    p.style = LINE_PLAIN;
    if (typed)
        edit_draw(&t->edit, &p);
    else if (t->filter[0] != '\0')
        pen_str(&p, t->filter);
    else {
        p.style = LINE_DIM;
        pen_str(&p, "no filter");
    }
}

static void draw_error(const struct tui *t, struct pen p)
{
    p.style = LINE_FAULT;
    pen_str(&p, PROMPT[0] == '/' ? "! " : "");
    pen_str(&p, t->error);
}

static void draw_bottom(const struct tui *t, struct pen p)
{
    if (t->mode == MODE_CLEAR) {
        p.style = STYLE_BOLD;
        pen_str(&p, "Delete all traces but pinned ones? y: yes");
        if (t->filter[0] != '\0')
            pen_str(&p, ", f: those of the filter");
        pen_str(&p, ", any other key: no");
    } else if (t->mode == MODE_FILTER) {
        draw_completions(t, p);
    } else if (t->note[0] != '\0') {
        pen_str(&p, t->note);
    } else {
        p.style = LINE_DIM;
        pen_str(&p, HINTS);
    }
}

/* The one that stands in the box first, what else may stand there behind it. */
static void draw_completions(const struct tui *t, struct pen p)
{
    struct arena a;
    struct slice items, item;
    size_t i = 0;
    if (t->completions.n == 0) {
        pen_str(&p, "Enter: apply   Esc: leave it   Tab: complete it   "
                    "Ctrl-U: empty it");
        return;
    }
    arena_init(&a, COMPLETIONS_ARENA_MAX);
    items = elements_member(buf_slice(&t->completions), "items", &a);
    pen_str(&p, "Tab: ");
    for (; elements_next(&items, &item) && p.x < p.end; i++) {
        if (i < t->completion)
            continue;
        p.style = i == t->completion ? STYLE_REVERSE : LINE_PLAIN;
        pen_text(&p, elements_member(item, "text", &a));
        p.style = LINE_PLAIN;
        pen_str(&p, "  ");
    }
    arena_fini(&a);
}

static void draw_help(struct canvas *c, struct area a)
{
    const char *keys, *what;
    struct pen p = pen_at(c, a, 0);
    p.style = STYLE_BOLD;
    pen_str(&p, "Keys (any of them leaves this)");
    for (unsigned i = 0; tui_help(i, &keys, &what); i++) {
        p = pen_at(c, a, i + 1);
        pen_str(&p, "  ");
        pen_field(&p, slice_str(keys), 18);
        pen_str(&p, what);
    }
}

static void draw_traces(struct tui *t, struct canvas *c, struct area a)
{
    struct area top, left = a;
    if (is_small(a)) {
        if (t->pane == PANE_LIST)
            draw_list(t, c, a);
        else if (t->pane == PANE_WATERFALL)
            draw_whole(t, c, a);
        else
            draw_detail(t, c, a);
        return;
    }
    take_top(&a, a.height * 2 / 5, &top);
    draw_list(t, c, top);
    left = a;
    left.width = a.width * 3 / 5;
    for (unsigned i = 0; i < a.height; i++) {
        struct pen p = pen_at(c, a, i);
        pen_to(&p, left.width);
        pen_str(&p, BETWEEN);
    }
    draw_whole(t, c, left);
    a.x += left.width + 1;
    a.width -= left.width + 1;
    draw_detail(t, c, a);
}

static void draw_map_page(struct tui *t, struct canvas *c, struct area a)
{
    struct area top;
    if (is_small(a)) {
        if (t->pane == PANE_DETAIL)
            draw_detail(t, c, a);
        else
            draw_map(t, c, a);
        return;
    }
    take_top(&a, a.height * 3 / 5, &top);
    draw_map(t, c, top);
    draw_detail(t, c, a);
}

static bool is_small(struct area a)
{
    return a.width < PANES_WIDTH || a.height < PANES_HEIGHT;
}

static void draw_list(struct tui *t, struct canvas *c, struct area a)
{
    struct tui_list *l = &t->list;
    char head[128];
    t->list_rows = a.height > 1 ? a.height - 1 : 0;
    place_scroll(&l->at, l->n, t->list_rows);
    snprintf(head, sizeof(head), "Traces, %s: %zu of %zu%s", sort_name(l->sort),
             l->n == 0 ? 0 : l->at.chosen + 1, l->n,
             l->cut                 ? ", older ones left out"
             : t->cursor[0] != '\0' ? " and more"
                                    : "");
    draw_head(t, PANE_LIST, pen_at(c, a, 0), head);
    for (unsigned i = 0; i < t->list_rows && l->at.top + i < l->n; i++) {
        struct pen p = pen_at(c, a, i + 1);
        size_t at = l->at.top + i;
        list_draw_row(l->rows[at], &p);
        mark(t, PANE_LIST, pen_at(c, a, i + 1), at == l->at.chosen);
    }
    if (l->n == 0 && a.height > 1) {
        struct pen p = pen_at(c, a, 1);
        pen_str(&p, t->filter[0] != '\0' ? "no trace matches the filter"
                                         : "no traces yet");
    }
}

static void draw_whole(struct tui *t, struct canvas *c, struct area a)
{
    struct tui_whole *w = &t->whole;
    char head[128];
    t->whole_rows = a.height > 1 ? a.height - 1 : 0;
    place_scroll(&w->at, w->n_shown, t->whole_rows);
    snprintf(head, sizeof(head), "Trace %s: %zu spans", w->id, w->n);
    draw_head(t, PANE_WATERFALL, pen_at(c, a, 0), head);
    for (unsigned i = 0; i < t->whole_rows && w->at.top + i < w->n_shown; i++) {
        struct pen p = pen_at(c, a, i + 1);
        whole_draw_row(w, w->at.top + i, &p);
        mark(t, PANE_WATERFALL, pen_at(c, a, i + 1),
             w->at.top + i == w->at.chosen);
    }
}

static void draw_map(struct tui *t, struct canvas *c, struct area a)
{
    struct tui_map *m = &t->map;
    char head[128];
    t->list_rows = a.height > 2 ? a.height - 2 : 0;
    place_scroll(&m->at, m->n, t->list_rows);
    snprintf(head, sizeof(head), "Service map of %s%.0f traces",
             m->complete ? "" : "the newest ", m->traces);
    draw_head(t, PANE_LIST, pen_at(c, a, 0), head);
    struct pen p = pen_at(c, a, 1);
    p.style = LINE_DIM;
    map_draw_head(&p);
    for (unsigned i = 0; i < t->list_rows && m->at.top + i < m->n; i++) {
        p = pen_at(c, a, i + 2);
        map_draw_row(m, m->at.top + i, &p);
        mark(t, PANE_LIST, pen_at(c, a, i + 2), m->at.top + i == m->at.chosen);
    }
}

static void draw_detail(struct tui *t, struct canvas *c, struct area a)
{
    struct tui_detail *d = &t->detail;
    t->detail_rows = a.height > 1 ? a.height - 1 : 0;
    detail_begin(d, a.width);
    if (t->page == PAGE_MAP)
        map_detail(&t->map, d);
    else
        detail_span(d, &t->whole);
    if (d->top + t->detail_rows > d->n)
        d->top = d->n > t->detail_rows ? d->n - t->detail_rows : 0;
    draw_head(t, PANE_DETAIL, pen_at(c, a, 0), "Details");
    for (unsigned i = 0; i < t->detail_rows && d->top + i < d->n; i++) {
        struct pen p = pen_at(c, a, i + 1);
        detail_draw_row(d, d->top + i, &p);
    }
}

/* A rule with a text; where the keys go, it is reversed. */
static void draw_head(const struct tui *t, enum tui_pane pane, struct pen p,
                      const char *text)
{
    pen_str(&p, RULE " ");
    p.style = t->pane == pane ? STYLE_BOLD | STYLE_REVERSE : STYLE_BOLD;
    pen_str(&p, text);
    p.style = LINE_PLAIN;
    pen_str(&p, " ");
    while (p.x < p.end)
        pen_str(&p, RULE);
}

static void mark(const struct tui *t, enum tui_pane pane, struct pen p,
                 bool chosen)
{
    if (chosen)
        pen_mark_row(&p, t->pane == pane ? STYLE_REVERSE : STYLE_BOLD);
}

static void take_top(struct area *a, unsigned rows, struct area *top)
{
    if (rows > a->height)
        rows = a->height;
    *top = *a;
    top->height = rows;
    a->y += rows;
    a->height -= rows;
}
