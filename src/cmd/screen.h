/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The terminal as a whole screen: shows canvases, reads keys, and is left as
 * it was found. One a process. Curses appear in screen.c only.
 */
#ifndef XR_CMD_SCREEN_H
#define XR_CMD_SCREEN_H

#include "canvas.h"
#include "xr/err.h"

/* Keys are characters, or these. */
enum screen_key {
    SCREEN_NONE = -1,
    SCREEN_UP = 0x110000,
    SCREEN_DOWN,
    SCREEN_LEFT,
    SCREEN_RIGHT,
    SCREEN_PAGE_UP,
    SCREEN_PAGE_DOWN,
    SCREEN_HOME,
    SCREEN_END,
    SCREEN_DELETE,
    SCREEN_BACK_TAB,
    SCREEN_ENTER,
    SCREEN_BACKSPACE,
    SCREEN_ESCAPE,
    SCREEN_OTHER,
};

/* False with the reason: standard input or output is no terminal. */
bool screen_is_there(struct err *err);
/* False with the reason: the terminal is not known. */
bool screen_open(struct err *err);
/* Leaves the terminal as it was; harmless if it is not open. */
void screen_close(void);
/* Looks how large the terminal is now. */
void screen_size(unsigned *width, unsigned *height);
/* The next key that has been pressed, SCREEN_NONE: no more. */
int screen_key(void);
void screen_show(const struct canvas *c);

#endif
