/* SPDX-License-Identifier: Apache-2.0 */
/* A line of text that the user types into: the box of the filter. */
#ifndef XR_CMD_TUI_EDIT_H
#define XR_CMD_TUI_EDIT_H

#include "canvas.h"

#define EDIT_MAX 4096 /* bytes */

enum edit_end { EDIT_MORE, EDIT_DONE, EDIT_CANCELLED };

struct tui_edit {
    char text[EDIT_MAX + 1];
    size_t n, at; /* bytes; where the next one goes */
};

void edit_set(struct tui_edit *e, const char *text);
enum edit_end edit_key(struct tui_edit *e, int key);
/* To a character, counted from 1; behind the last one if there are fewer. */
void edit_go_to(struct tui_edit *e, size_t character);
/* How many characters stand before the cursor. */
size_t edit_place(const struct tui_edit *e);
/* Puts a text in the place of characters, counted from 0, and the cursor
 * behind it. False: there is no room. */
bool edit_replace(struct tui_edit *e, size_t from, size_t to,
                  struct slice text);
/* Draws what fits around the cursor; tells the canvas where that is. */
void edit_draw(const struct tui_edit *e, struct pen *p);

#endif
