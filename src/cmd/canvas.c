/* SPDX-License-Identifier: Apache-2.0 */
/* The grid and its pens; see canvas.h. */
#include "canvas.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define PRINTF_MAX 1024

static struct cell *cell_at(const struct pen *p, unsigned x);
static void put(struct pen *p, wchar_t c, unsigned columns);
static void put_glyph(struct pen *p, const struct glyph *g);
static void put_mark(struct pen *p, wchar_t c);

bool canvas_begin(struct canvas *c, unsigned width, unsigned height)
{
    if (c->cells == NULL || c->width != width || c->height != height) {
        free(c->cells);
        c->cells = calloc((size_t)width * height, sizeof(*c->cells));
        c->width = c->cells == NULL ? 0 : width;
        c->height = c->cells == NULL ? 0 : height;
    }
    for (size_t i = 0; i < (size_t)c->width * c->height; i++)
        c->cells[i] = (struct cell){.c = {L' '}};
    c->cursor = false;
    return c->cells != NULL;
}

void canvas_fini(struct canvas *c)
{
    free(c->cells);
    *c = (struct canvas){0};
}

struct pen pen_at(struct canvas *c, struct area a, unsigned row)
{
    unsigned end = a.x + a.width < c->width ? a.x + a.width : c->width;
    struct pen p = {c, a.y + row, a.x, a.x, end, LINE_PLAIN};
    if (row >= a.height || p.y >= c->height || a.x >= end)
        p.end = p.begin;
    return p;
}

void pen_text(struct pen *p, struct slice s)
{
    while (s.n > 0 && p->x < p->end) {
        struct glyph g = text_glyph(s);
        s = slice_of(s.p + g.bytes, s.n - g.bytes);
        /* the last column is kept for the ellipsis if more follows */
        if (p->x + g.columns + (s.n > 0) > p->end) {
            put(p, L'\x2026', 1);
            p->x = p->end;
            return;
        }
        put_glyph(p, &g);
    }
}

void pen_str(struct pen *p, const char *s)
{
    pen_text(p, slice_str(s));
}

void pen_printf(struct pen *p, const char *fmt, ...)
{
    char text[PRINTF_MAX];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    pen_str(p, text);
}

void pen_field(struct pen *p, struct slice s, unsigned columns)
{
    struct pen field = *p;
    if (field.x + columns < field.end)
        field.end = field.x + columns;
    pen_text(&field, s);
    pen_fill(&field);
    p->x = field.x;
}

void pen_right(struct pen *p, const char *s, unsigned columns)
{
    unsigned n = text_columns(slice_str(s));
    pen_to(p, p->x - p->begin + (n < columns ? columns - n : 0));
    pen_str(p, s);
}

void pen_to(struct pen *p, unsigned column)
{
    while (p->x < p->end && p->x < p->begin + column)
        put(p, L' ', 1);
}

void pen_fill(struct pen *p)
{
    pen_to(p, p->end - p->begin);
}

void pen_mark_row(const struct pen *p, uint8_t style)
{
    for (unsigned x = p->begin; x < p->end; x++)
        cell_at(p, x)->style |= style;
}

unsigned text_columns(struct slice s)
{
    unsigned columns = 0;
    while (s.n > 0) {
        struct glyph g = text_glyph(s);
        columns += g.columns;
        s = slice_of(s.p + g.bytes, s.n - g.bytes);
    }
    return columns;
}

size_t text_fit(struct slice s, unsigned columns)
{
    size_t taken = 0;
    unsigned used = 0;
    while (taken < s.n) {
        struct glyph g = text_glyph(slice_of(s.p + taken, s.n - taken));
        if (taken > 0 && used + g.columns > columns)
            break;
        used += g.columns;
        taken += g.bytes;
    }
    return taken;
}

static struct cell *cell_at(const struct pen *p, unsigned x)
{
    return &p->canvas->cells[(size_t)p->y * p->canvas->width + x];
}

static void put(struct pen *p, wchar_t c, unsigned columns)
{
    for (unsigned i = 0; i < columns && p->x < p->end; i++)
        *cell_at(p, p->x++) =
            (struct cell){.c = {i == 0 ? c : 0}, .style = p->style};
}

static void put_glyph(struct pen *p, const struct glyph *g)
{
    if (g->c == 0)
        for (size_t i = 0; i < g->n; i++)
            put(p, (wchar_t)(unsigned char)g->shown[i], 1);
    else if (g->columns == 0)
        put_mark(p, g->c);
    else
        put(p, g->c, g->columns);
}

/* Over the character before, which may be a wide one; too many are left out,
 * and so is one that has nothing to go over. */
static void put_mark(struct pen *p, wchar_t c)
{
    unsigned x = p->x;
    if (x == p->begin)
        return;
    struct cell *cell = cell_at(p, --x);
    if (cell->c[0] == 0 && x > p->begin)
        cell = cell_at(p, --x);
    for (unsigned i = 1; i <= CELL_MARKS; i++)
        if (cell->c[i] == 0) {
            cell->c[i] = c;
            return;
        }
}
