/* SPDX-License-Identifier: Apache-2.0 */
/* What stands on a canvas, as text. */
#ifndef XR_TEST_PAPER_H
#define XR_TEST_PAPER_H

#include <stdlib.h>
#include <wchar.h>

#include "cmd/canvas.h"

/* A row without the blanks at its end; good until the next call. */
static inline const char *paper_row(const struct canvas *c, unsigned y)
{
    static char text[4096];
    size_t n = 0, end = 0;
    for (unsigned x = 0; x < c->width; x++)
        for (unsigned i = 0; i <= CELL_MARKS; i++) {
            wchar_t one = c->cells[(size_t)y * c->width + x].c[i];
            if (one == 0)
                break;
            n += (size_t)wctomb(text + n, one);
            end = one == L' ' ? end : n;
        }
    text[end] = '\0';
    return text;
}

static inline bool paper_holds(const struct canvas *c, const char *text)
{
    for (unsigned y = 0; y < c->height; y++)
        if (strstr(paper_row(c, y), text) != NULL)
            return true;
    return false;
}

#endif
