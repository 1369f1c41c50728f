/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines for a terminal out of text that others wrote: what a terminal would
 * obey is made visible, columns are counted as the terminal does.
 */
#ifndef XR_CMD_TEXT_H
#define XR_CMD_TEXT_H

#include <wchar.h>

#include "xr/buf.h"

enum line_colour {
    LINE_PLAIN,
    LINE_DIM,
    LINE_OK,
    LINE_ERROR,
    LINE_THROTTLE,
    LINE_FAULT,
    LINE_RUNNING,
};

#define GLYPH_BYTES 16
#define SECONDS_BYTES 32

/* One character of hostile text: what is shown for it. */
struct glyph {
    size_t bytes; /* taken */
    wchar_t c;    /* 0: `shown` is ASCII that stands for a control */
    char shown[GLYPH_BYTES];
    size_t n;
    unsigned columns; /* 0: goes over the character before */
};

struct line {
    struct buf out;
    unsigned width;  /* columns; 0: as long as it gets */
    unsigned column; /* of what comes next */
    bool colour;
    bool cut; /* was too long: ended with an ellipsis */
};

/* Width and colour as standard output has them: COLUMNS, NO_COLOR. Sets the
 * locale for the width of characters. */
void line_init(struct line *l);
void line_fini(struct line *l);
/* Sets the locale for the width of characters; line_init does. */
void text_locale(void);
/* Whether somebody wants colour there: NO_COLOR. */
bool text_may_colour(void);
/* The first character of a text that is not empty. */
struct glyph text_glyph(struct slice s);
/* "84ms", "1.2s", "2m05s"; negative: nothing. */
void text_seconds(char out[SECONDS_BYTES], double s);
/* Adds text; beyond `max` columns (0: none) it is cut with an ellipsis. */
void line_text(struct line *l, struct slice s, unsigned max);
void line_str(struct line *l, const char *s);
/* Blanks up to a column, at least one. */
void line_to(struct line *l, unsigned column);
void line_colour(struct line *l, enum line_colour c);
/* As text_seconds, right-aligned to `width` columns. */
void line_seconds(struct line *l, double s, unsigned width);
/* Writes the line and a line feed to standard output, begins the next. */
void line_end(struct line *l);

#endif
