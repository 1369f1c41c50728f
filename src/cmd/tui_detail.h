/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The details of a span in the interactive terminal: what its document says of
 * it, as lines of text that fit into a pane.
 */
#ifndef XR_CMD_TUI_DETAIL_H
#define XR_CMD_TUI_DETAIL_H

#include "tui_whole.h"

struct detail_line {
    unsigned indent;
    uint8_t style;
    struct slice text;
};

struct tui_detail {
    struct arena arena;
    struct detail_line *lines;
    size_t n, room;
    size_t top;
    unsigned width; /* that the lines are cut to */
};

void detail_init(struct tui_detail *d);
void detail_fini(struct tui_detail *d);
/* Begins anew for a width; `top` stays. */
void detail_begin(struct tui_detail *d, unsigned width);
/* What is known of the chosen span of a trace. */
void detail_span(struct tui_detail *d, struct tui_whole *w);
/* A line, over several where it is too long. name NULL: text alone; "-": an
 * element. */
void detail_line(struct tui_detail *d, unsigned indent, const char *name,
                 struct slice text);
void detail_head(struct tui_detail *d, const char *text);
void detail_draw_row(const struct tui_detail *d, size_t i, struct pen *p);

#endif
