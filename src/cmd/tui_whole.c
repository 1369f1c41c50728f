/* SPDX-License-Identifier: Apache-2.0 */
/* One trace in the interactive terminal; see tui_whole.h. */
#include "tui_whole.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "local/elements.h"
#include "trace.h"

#define TEXT_MAX (64u << 20)
#define ARENA_MAX (256u << 20)
#define DEPTH_SHOWN_MAX 24
#define DEPTH_MAX 100 /* of subsegments in a document */
#define BAR L'\x2588'
#define MARK_CLOSED "\xe2\x96\xb8 "
#define MARK_OPEN "\xe2\x96\xbe "
#define MARK_LINKED " \xe2\x87\x84" /* arrows over each other */
#define RUNNING "\xc2\xb7\xc2\xb7\xc2\xb7"

enum { STATUS_COLUMNS = 4, TOOK_COLUMNS = 7, BAR_LEAST = 8 };

static void parse(struct tui_whole *w);
static void parse_links(struct tui_whole *w, struct slice links);
static size_t count(struct slice list);
static void parse_documents(struct tui_whole *w, struct slice list);
static struct tui_span span_of(struct slice row, struct slice *nodes,
                               size_t n_nodes, struct arena *a);
static void keep_closed(struct tui_whole *w, const struct tui_whole *old);
static void show(struct tui_whole *w);
static bool is_hidden(const struct tui_whole *w, const struct tui_span *s);
static void choose_span(struct tui_whole *w, size_t span);
static void draw_bar(const struct tui_whole *w, const struct tui_span *s,
                     struct pen *p);
static struct slice find_object(struct slice object, struct slice id,
                                unsigned depth, struct arena *a);

void whole_init(struct tui_whole *w)
{
    *w = (struct tui_whole){0};
    buf_init(&w->text, TEXT_MAX);
    arena_init(&w->arena, ARENA_MAX);
}

void whole_fini(struct tui_whole *w)
{
    buf_fini(&w->text);
    arena_fini(&w->arena);
}

void whole_clear(struct tui_whole *w)
{
    whole_fini(w);
    whole_init(w);
}

void whole_take(struct tui_whole *w, struct slice answer)
{
    struct tui_whole old = *w;
    const struct tui_span *chosen = whole_chosen(&old);
    whole_init(w);
    buf_append(&w->text, answer);
    parse(w);
    if (strcmp(w->id, old.id) == 0)
        keep_closed(w, &old);
    show(w);
    for (size_t i = 0; chosen != NULL && i < w->n; i++)
        if (strcmp(w->id, old.id) == 0 && slice_eq(w->spans[i].id, chosen->id))
            choose_span(w, i);
    if (strcmp(w->id, old.id) == 0)
        w->at.top = old.at.top;
    whole_fini(&old);
}

const struct tui_span *whole_chosen(const struct tui_whole *w)
{
    return w->n_shown == 0 ? NULL : &w->spans[w->shown[w->at.chosen]];
}

bool whole_close(struct tui_whole *w)
{
    if (w->n_shown == 0)
        return false;
    size_t i = w->shown[w->at.chosen];
    struct tui_span *s = &w->spans[i];
    if (s->children > 0 && !s->closed)
        s->closed = true;
    else if (s->parent >= 0)
        i = (size_t)s->parent;
    else
        return false;
    show(w);
    choose_span(w, i);
    return true;
}

bool whole_open(struct tui_whole *w)
{
    if (w->n_shown == 0)
        return false;
    struct tui_span *s = &w->spans[w->shown[w->at.chosen]];
    bool closed = s->closed;
    s->closed = false;
    show(w);
    return closed;
}

void whole_draw_row(const struct tui_whole *w, size_t i, struct pen *p)
{
    const struct tui_span *s = &w->spans[w->shown[i]];
    unsigned width = p->end - p->begin, bar = width / 3;
    unsigned name = width - (bar < BAR_LEAST ? 0 : bar + 1);
    char took[SECONDS_BYTES];
    struct pen left = *p;
    name -= name > STATUS_COLUMNS + TOOK_COLUMNS + 1
                ? STATUS_COLUMNS + TOOK_COLUMNS + 1
                : name;
    left.end = left.begin + name;
    left.style = s->inferred ? LINE_DIM : LINE_PLAIN;
    pen_to(&left,
           2 * (s->depth < DEPTH_SHOWN_MAX ? s->depth : DEPTH_SHOWN_MAX));
    pen_str(&left, s->children == 0 ? "  "
                   : s->closed      ? MARK_CLOSED
                                    : MARK_OPEN);
    pen_text(&left, s->name);
    if (s->operation.n > 0)
        pen_str(&left, " ");
    pen_text(&left, s->operation);
    if (s->orphan)
        pen_str(&left, " (waits for its parent)");
    if (s->linked)
        pen_str(&left, MARK_LINKED);
    p->x = left.x;
    pen_to(p, name + 1);
    p->style = (uint8_t)(s->end < 0 ? LINE_RUNNING : class_colour(s->class));
    if (s->status > 0)
        pen_printf(p, "%d", s->status);
    else if (s->class != CLASS_OK)
        pen_str(p, class_word(s->class));
    pen_to(p, name + 1 + STATUS_COLUMNS);
    text_seconds(took, s->end - s->start);
    pen_right(p, s->end < 0 ? RUNNING : took, TOOK_COLUMNS);
    if (bar >= BAR_LEAST)
        draw_bar(w, s, p);
}

struct slice whole_object(struct tui_whole *w, const struct tui_span *s,
                          struct arena *a)
{
    struct slice id = s->id;
    if (s->document < 0 || (size_t)s->document >= w->n_documents)
        return SLICE("");
    if (s->inferred && s->parent >= 0)
        id = w->spans[s->parent].id;
    return find_object(w->documents[s->document], id, 0, a);
}

static void parse(struct tui_whole *w)
{
    struct arena *a = &w->arena;
    struct slice whole = buf_slice(&w->text), row, node;
    struct slice trace = elements_member(whole, "trace", a);
    struct slice id = elements_member(trace, "id", a);
    struct slice rows = elements_member(whole, "rows", a);
    struct slice list = elements_member(whole, "nodes", a);
    size_t n_nodes = 0, n = count(rows);
    struct slice *nodes = arena_alloc(a, count(list) * sizeof(*nodes) + 1);
    w->spans = arena_alloc(a, n * sizeof(*w->spans) + 1);
    w->shown = arena_alloc(a, n * sizeof(*w->shown) + 1);
    if (nodes == NULL || w->spans == NULL || w->shown == NULL)
        return;
    snprintf(w->id, sizeof(w->id), "%.*s", SLICE_ARG(id));
    w->start = elements_number(trace, "start", 0, a);
    w->length = elements_number(trace, "duration", 0, a);
    while (elements_next(&list, &node))
        nodes[n_nodes++] = node;
    while (elements_next(&rows, &row) && w->n < n) {
        w->spans[w->n] = span_of(row, nodes, n_nodes, a);
        if (w->spans[w->n].parent >= (long)w->n)
            w->spans[w->n].parent = -1;
        w->n++;
    }
    parse_documents(w, elements_member(whole, "documents", a));
    w->warnings = elements_member(whole, "warnings", a);
    parse_links(w, elements_member(whole, "links", a));
}

static void parse_links(struct tui_whole *w, struct slice links)
{
    struct arena *a = &w->arena;
    struct slice rest, link;
    w->links[LINKS_TO] = elements_member(links, "to", a);
    w->links[LINKS_FROM] = elements_member(links, "from", a);
    for (int kind = 0; kind < LINK_KINDS; kind++)
        for (rest = w->links[kind]; elements_next(&rest, &link);) {
            const struct tui_span *s = whole_linked(w, kind, link, a);
            if (s != NULL)
                w->spans[s - w->spans].linked = true;
        }
}

const struct tui_span *whole_linked(const struct tui_whole *w, int kind,
                                    struct slice link, struct arena *a)
{
    struct slice id =
        elements_member(link, kind == LINKS_TO ? "from" : "to", a);
    for (size_t i = 0; i < w->n; i++)
        if (id.n == 0 || slice_eq(w->spans[i].id, id))
            return &w->spans[i];
    return NULL;
}

static size_t count(struct slice list)
{
    struct slice one;
    size_t n = 0;
    while (elements_next(&list, &one))
        n++;
    return n;
}

static void parse_documents(struct tui_whole *w, struct slice list)
{
    struct slice one;
    w->documents =
        arena_alloc(&w->arena, count(list) * sizeof(*w->documents) + 1);
    while (w->documents != NULL && elements_next(&list, &one))
        w->documents[w->n_documents++] = trace_text(one, &w->arena);
}

static struct tui_span span_of(struct slice row, struct slice *nodes,
                               size_t n_nodes, struct arena *a)
{
    struct slice none = {"", 0};
    double node = elements_number(row, "node", -1, a);
    bool known = node >= 0 && node < (double)n_nodes;
    struct slice of = known ? nodes[(size_t)node] : none;
    struct slice kind = elements_member(row, "kind", a);
    return (struct tui_span){
        .id = elements_member(row, "id", a),
        .kind = kind,
        .name = elements_member(row, "name", a),
        .operation = elements_member(row, "operation", a),
        .message = elements_member(row, "message", a),
        .namespace = elements_member(row, "namespace", a),
        .node = elements_member(of, "name", a),
        .type = elements_member(of, "type", a),
        .start = elements_number(row, "start", 0, a),
        .end = elements_number(row, "end", -1, a),
        .parent = (long)elements_number(row, "parent", -1, a),
        .document = (long)elements_number(row, "document", -1, a),
        .depth = (unsigned)fmax(elements_number(row, "depth", 0, a), 0),
        .children = (unsigned)fmax(elements_number(row, "children", 0, a), 0),
        .status = (int)elements_number(row, "status", 0, a),
        .class = class_of(elements_member(row, "class", a)),
        .inferred = slice_is(kind, "inferred"),
        .orphan = slice_is(elements_member(row, "orphan", a), "true"),
    };
}

/* Both lists are in the same order but for what came in between. */
static void keep_closed(struct tui_whole *w, const struct tui_whole *old)
{
    size_t from = 0;
    for (size_t i = 0; i < old->n; i++) {
        if (!old->spans[i].closed)
            continue;
        for (size_t k = 0; k < w->n; k++) {
            struct tui_span *s = &w->spans[(from + k) % w->n];
            if (!slice_eq(s->id, old->spans[i].id))
                continue;
            s->closed = true;
            from = (from + k) % w->n;
            break;
        }
    }
}

static void show(struct tui_whole *w)
{
    w->n_shown = 0;
    for (size_t i = 0; i < w->n; i++)
        if (!is_hidden(w, &w->spans[i]))
            w->shown[w->n_shown++] = i;
}

static bool is_hidden(const struct tui_whole *w, const struct tui_span *s)
{
    for (long up = s->parent; up >= 0; up = w->spans[up].parent)
        if (w->spans[up].closed)
            return true;
    return false;
}

static void choose_span(struct tui_whole *w, size_t span)
{
    for (size_t i = 0; i < w->n_shown; i++)
        if (w->shown[i] <= span)
            w->at.chosen = i;
}

/* As many columns as it took of the whole. */
static void draw_bar(const struct tui_whole *w, const struct tui_span *s,
                     struct pen *p)
{
    pen_str(p, " ");
    if (p->x >= p->end)
        return;
    unsigned width = p->end - p->x, at = p->x - p->begin;
    double scale = w->length > 0 ? width / w->length : 0;
    double from = (s->start - w->start) * scale;
    double to = s->end < 0 ? width : (s->end - w->start) * scale;
    unsigned begin = (unsigned)fmin(fmax(from, 0), width - 1);
    unsigned end = (unsigned)fmin(fmax(to, begin + 1), width);
    if (s->inferred)
        p->style = LINE_DIM;
    pen_to(p, at + begin);
    for (unsigned i = begin; i < end; i++)
        pen_str(p, "\xe2\x96\x88");
}

static struct slice find_object(struct slice object, struct slice id,
                                unsigned depth, struct arena *a)
{
    struct slice found = {"", 0}, one;
    if (slice_eq(elements_member(object, "id", a), id))
        return object;
    struct slice below = elements_member(object, "subsegments", a);
    while (depth < DEPTH_MAX && found.n == 0 && elements_next(&below, &one))
        found = find_object(one, id, depth + 1, a);
    return found;
}
