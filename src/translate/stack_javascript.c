/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stack text of V8 (Node.js, Chrome), innermost frame first:
 * `    at LABEL (PATH:LINE:COLUMN)` or `    at PATH:LINE:COLUMN`, where PATH
 * may be a URL or begin with a drive. Knows nothing of documents.
 */
#include "parts.h"

static bool read_frame(struct translator *t, struct slice frame);
static bool cut_number(struct slice *s, int64_t *number);

void stack_javascript(struct translator *t, struct slice text)
{
    struct slice line;

    stack_line(&text, &line); /* type and message, known already */
    while (stack_line(&text, &line)) {
        if (slice_starts(line, "    at ") &&
            !read_frame(t, slice_from(line, 7)))
            return;
    }
}

static bool read_frame(struct translator *t, struct slice frame)
{
    size_t paren = slice_find_byte(frame, '(');
    struct slice label = SLICE(""), path = frame;
    int64_t line = 0, column = 0;

    if (paren < frame.n) {
        if (frame.p[frame.n - 1] != ')')
            return true;
        label = slice_of(frame.p, paren);
        path = slice_of(frame.p + paren + 1, frame.n - paren - 2);
    }
    while (label.n > 0 && label.p[label.n - 1] == ' ')
        label.n--;
    if (cut_number(&path, &column) && !cut_number(&path, &line))
        line = column;
    else if (slice_find_byte(path, ':') == path.n &&
             slice_find(path, SLICE("native")) < path.n)
        path = SLICE("native");
    if (path.n == 0 && label.n == 0 && line == 0)
        return true;
    return stack_frame(t, path, line, label);
}

/* Takes `:DIGITS` off the end. */
static bool cut_number(struct slice *s, int64_t *number)
{
    size_t colon = slice_find_last(*s, SLICE(":"));

    if (colon + 1 >= s->n)
        return false;
    for (size_t i = colon + 1; i < s->n; i++) {
        if (s->p[i] < '0' || s->p[i] > '9')
            return false;
    }
    *number = slice_number(slice_from(*s, colon + 1));
    s->n = colon;
    return true;
}
