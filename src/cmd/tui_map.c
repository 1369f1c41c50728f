/* SPDX-License-Identifier: Apache-2.0 */
/* The service map in the interactive terminal; see tui_map.h. */
#include "tui_map.h"

#include <stdio.h>
#include <stdlib.h>

#include "local/elements.h"

#define TEXT_MAX (64u << 20)
#define ARENA_MAX (64u << 20)
#define DEPTH_SHOWN_MAX 40
#define INTO "\xe2\x86\xb3 "   /* an arrow that turns into the row */
#define AGAIN " \xe2\x86\x91 " /* an arrow up */
#define NUMBER_COLUMNS 8
#define NUMBERS 6

static size_t count(struct slice list);
static void parse_nodes(struct tui_map *m, struct slice list);
static void parse_edges(struct tui_map *m, struct slice list);
static struct map_numbers numbers_of(struct slice object, struct arena *a);
static void lay_out(struct tui_map *m);
static void lay_out_from(struct tui_map *m, size_t node, unsigned depth);
static bool is_called(const struct tui_map *m, size_t node);
static void draw_numbers(const struct map_numbers *n, struct pen *p);
static void draw_count(struct pen *p, double n, enum line_colour colour);
static void detail_edges(const struct tui_map *m, struct tui_detail *d,
                         const char *head, bool out);
static void detail_edge(const struct tui_map *m, struct tui_detail *d,
                        const struct map_edge *e, size_t other);

void map_init(struct tui_map *m)
{
    *m = (struct tui_map){0};
    buf_init(&m->text, TEXT_MAX);
    arena_init(&m->arena, ARENA_MAX);
}

void map_fini(struct tui_map *m)
{
    buf_fini(&m->text);
    arena_fini(&m->arena);
}

void map_take(struct tui_map *m, struct slice answer)
{
    struct tui_map old = *m;
    const struct map_node *chosen = map_chosen(&old);
    map_init(m);
    buf_append(&m->text, answer);
    struct slice whole = buf_slice(&m->text);
    m->traces = elements_number(whole, "traces", 0, &m->arena);
    m->complete =
        slice_is(elements_member(whole, "complete", &m->arena), "true");
    parse_nodes(m, elements_member(whole, "nodes", &m->arena));
    parse_edges(m, elements_member(whole, "edges", &m->arena));
    lay_out(m);
    for (size_t i = m->n; chosen != NULL && i-- > 0;) {
        const struct map_node *n = &m->nodes[m->rows[i].node];
        if (slice_eq(n->name, chosen->name) && slice_eq(n->type, chosen->type))
            m->at.chosen = i;
    }
    m->at.top = old.at.top;
    map_fini(&old);
}

const struct map_node *map_chosen(const struct tui_map *m)
{
    return m->n == 0 ? NULL : &m->nodes[m->rows[m->at.chosen].node];
}

void map_draw_head(struct pen *p)
{
    static const char *const heads[NUMBERS] = {"requests", "faults", "errors",
                                               "thrott.",  "p50",    "p90"};
    unsigned width = p->end - p->begin, numbers = NUMBERS * NUMBER_COLUMNS;
    pen_str(p, "node");
    pen_to(p, width > numbers ? width - numbers : 0);
    for (size_t i = 0; i < NUMBERS; i++)
        pen_right(p, heads[i], NUMBER_COLUMNS);
}

void map_draw_row(const struct tui_map *m, size_t i, struct pen *p)
{
    const struct map_row *r = &m->rows[i];
    const struct map_node *n = &m->nodes[r->node];
    unsigned width = p->end - p->begin, numbers = NUMBERS * NUMBER_COLUMNS;
    unsigned depth = r->depth < DEPTH_SHOWN_MAX ? r->depth : DEPTH_SHOWN_MAX;
    struct pen left = *p;
    if (width > numbers)
        left.end = left.begin + width - numbers;
    pen_to(&left, depth > 0 ? 2 * (depth - 1) : 0);
    pen_str(&left, depth > 0 ? INTO : "");
    pen_text(&left, n->name);
    pen_str(&left, r->again ? AGAIN : " ");
    left.style = LINE_DIM;
    pen_text(&left, n->client ? SLICE("client") : n->type);
    p->x = left.x;
    pen_to(p, left.end - left.begin);
    if (!n->client)
        draw_numbers(&n->numbers, p);
}

void map_detail(const struct tui_map *m, struct tui_detail *d)
{
    const struct map_node *n = map_chosen(m);
    if (n == NULL)
        return;
    detail_line(d, 0, "node", n->name);
    if (n->type.n > 0)
        detail_line(d, 0, "type", n->type);
    if (n->cause.n > 0) {
        detail_head(d, "most frequent fault");
        detail_line(d, 0, NULL, n->cause);
    }
    detail_edges(m, d, "calls", true);
    detail_edges(m, d, "is called by", false);
}

static size_t count(struct slice list)
{
    struct slice one;
    size_t n = 0;
    while (elements_next(&list, &one))
        n++;
    return n;
}

static void parse_nodes(struct tui_map *m, struct slice list)
{
    struct arena *a = &m->arena;
    struct slice one;
    m->nodes = arena_alloc(a, count(list) * sizeof(*m->nodes) + 1);
    while (m->nodes != NULL && elements_next(&list, &one)) {
        struct slice cause = elements_member(one, "cause", a);
        m->nodes[m->n_nodes++] = (struct map_node){
            .name = elements_member(one, "name", a),
            .type = elements_member(one, "type", a),
            .cause = elements_member(cause, "text", a),
            .client = slice_is(elements_member(one, "client", a), "true"),
            .root = slice_is(elements_member(one, "root", a), "true"),
            .numbers = numbers_of(one, a),
        };
    }
}

/* Without those that lead nowhere. */
static void parse_edges(struct tui_map *m, struct slice list)
{
    struct arena *a = &m->arena;
    struct slice one;
    m->edges = arena_alloc(a, count(list) * sizeof(*m->edges) + 1);
    while (m->edges != NULL && elements_next(&list, &one)) {
        double from = elements_number(one, "from", -1, a);
        double to = elements_number(one, "to", -1, a);
        if (from < 0 || to < 0 || from >= (double)m->n_nodes ||
            to >= (double)m->n_nodes)
            continue;
        m->edges[m->n_edges++] = (struct map_edge){
            .from = (size_t)from,
            .to = (size_t)to,
            .link = slice_is(elements_member(one, "link", a), "true"),
            .numbers = numbers_of(one, a),
        };
    }
}

static struct map_numbers numbers_of(struct slice object, struct arena *a)
{
    return (struct map_numbers){
        .total = elements_number(object, "total", 0, a),
        .error = elements_number(object, "error", 0, a),
        .throttle = elements_number(object, "throttle", 0, a),
        .fault = elements_number(object, "fault", 0, a),
        .p50 = elements_number(object, "p50", -1, a),
        .p90 = elements_number(object, "p90", -1, a),
    };
}

/* From whom nobody calls; then what only stands in circles. A node has a row
 * for each edge that leads to it, and at least one. */
static void lay_out(struct tui_map *m)
{
    m->rows = arena_alloc(&m->arena,
                          (m->n_nodes + m->n_edges) * sizeof(*m->rows) + 1);
    if (m->rows == NULL)
        return;
    for (size_t i = 0; i < m->n_nodes; i++)
        if (!is_called(m, i))
            lay_out_from(m, i, 0);
    for (size_t i = 0; i < m->n_nodes; i++)
        if (!m->nodes[i].drawn)
            lay_out_from(m, i, 0);
}

/* As deep as there are nodes; the server has 20 000 of them at most. */
static void lay_out_from(struct tui_map *m, size_t node, unsigned depth)
{
    struct map_row *r = &m->rows[m->n++];
    *r = (struct map_row){node, depth, m->nodes[node].drawn};
    if (r->again)
        return;
    m->nodes[node].drawn = true;
    for (size_t i = 0; i < m->n_edges; i++)
        if (m->edges[i].from == node)
            lay_out_from(m, m->edges[i].to, depth + 1);
}

static bool is_called(const struct tui_map *m, size_t node)
{
    for (size_t i = 0; i < m->n_edges; i++)
        if (m->edges[i].to == node && m->edges[i].from != node)
            return true;
    return false;
}

static void draw_numbers(const struct map_numbers *n, struct pen *p)
{
    char text[SECONDS_BYTES];
    draw_count(p, n->total, LINE_PLAIN);
    draw_count(p, n->fault, LINE_FAULT);
    draw_count(p, n->error, LINE_ERROR);
    draw_count(p, n->throttle, LINE_THROTTLE);
    text_seconds(text, n->p50);
    pen_right(p, text, NUMBER_COLUMNS);
    text_seconds(text, n->p90);
    pen_right(p, text, NUMBER_COLUMNS);
}

static void draw_count(struct pen *p, double n, enum line_colour colour)
{
    char text[32];
    snprintf(text, sizeof(text), "%.0f", n);
    p->style = (uint8_t)(n > 0 ? colour : LINE_PLAIN);
    pen_right(p, text, NUMBER_COLUMNS);
    p->style = LINE_PLAIN;
}

static void detail_edges(const struct tui_map *m, struct tui_detail *d,
                         const char *head, bool out)
{
    size_t node = m->rows[m->at.chosen].node;
    bool first = true;
    for (size_t i = 0; i < m->n_edges; i++) {
        const struct map_edge *e = &m->edges[i];
        if ((out ? e->from : e->to) != node)
            continue;
        if (first)
            detail_head(d, head);
        first = false;
        detail_edge(m, d, e, out ? e->to : e->from);
    }
}

static void detail_edge(const struct tui_map *m, struct tui_detail *d,
                        const struct map_edge *e, size_t other)
{
    const struct map_numbers *n = &e->numbers;
    char text[256], p50[SECONDS_BYTES], p90[SECONDS_BYTES];
    detail_line(d, 0, NULL, m->nodes[other].name);
    text_seconds(p50, n->p50);
    text_seconds(p90, n->p90);
    snprintf(text, sizeof(text),
             "%.0f %s, %.0f faults, %.0f errors, %.0f throttled", n->total,
             e->link ? "messages" : "calls", n->fault, n->error, n->throttle);
    detail_line(d, 2, NULL, slice_str(text));
    snprintf(text, sizeof(text), "p50 %s, p90 %s", p50, p90);
    if (n->p50 >= 0)
        detail_line(d, 2, NULL, slice_str(text));
}
