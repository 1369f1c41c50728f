/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a screen shall show: a grid of characters, drawn by pens that never
 * leave their area. Text from outside is made visible here. Knows no terminal.
 */
#ifndef XR_CMD_CANVAS_H
#define XR_CMD_CANVAS_H

#include <stdint.h>

#include "text.h"

#define CELL_MARKS 2 /* characters that go over another one */

/* A style is an enum line_colour with these. */
#define STYLE_BOLD 0x10
#define STYLE_REVERSE 0x20

struct cell {
    wchar_t c[1 + CELL_MARKS]; /* c[0] 0: covered by a wide one before it */
    uint8_t style;
};

struct canvas {
    unsigned width, height;
    struct cell *cells; /* by rows */
    bool cursor;        /* shown, at: */
    unsigned cursor_x, cursor_y;
};

struct area {
    unsigned x, y, width, height;
};

/* Writes one row of an area, from the left. */
struct pen {
    struct canvas *canvas;
    unsigned y, begin, x, end;
    uint8_t style;
};

/* Makes it that large and blank. False: no memory, it has no cells. */
bool canvas_begin(struct canvas *c, unsigned width, unsigned height);
void canvas_fini(struct canvas *c);

/* Rows below the area are not drawn. */
struct pen pen_at(struct canvas *c, struct area a, unsigned row);
/* Text; what does not fit is cut with an ellipsis. */
void pen_text(struct pen *p, struct slice s);
void pen_str(struct pen *p, const char *s);
void pen_printf(struct pen *p, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Text cut, or filled with blanks, to so many columns. */
void pen_field(struct pen *p, struct slice s, unsigned columns);
/* The same, to the right. */
void pen_right(struct pen *p, const char *s, unsigned columns);
/* Blanks up to a column of the row, or to its end. */
void pen_to(struct pen *p, unsigned column);
void pen_fill(struct pen *p);
/* Adds to the style of what stands in the row. */
void pen_mark_row(const struct pen *p, uint8_t style);

unsigned text_columns(struct slice s);
/* How many bytes of a text, at least a character, fit into the columns. */
size_t text_fit(struct slice s, unsigned columns);

#endif
