/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stack text of .NET, innermost frame first:
 * `   at LABEL in PATH:line N`, or without ` in ` where there are no symbols.
 * The frames of inner exceptions stand before their outer's and are not told
 * apart. Knows nothing of documents.
 */
#include "parts.h"

static bool read_frame(struct translator *t, struct slice frame);
static size_t find_in(struct slice frame);

void stack_dotnet(struct translator *t, struct slice text)
{
    struct slice line;

    stack_line(&text, &line); /* type and message, known already */
    while (stack_line(&text, &line)) {
        line = slice_trim(line);
        if (slice_starts(line, "at ") && !read_frame(t, slice_from(line, 3)))
            return;
    }
}

static bool read_frame(struct translator *t, struct slice frame)
{
    size_t in = find_in(frame);

    if (in == frame.n) {
        size_t paren = slice_find_last(frame, SLICE(")"));
        if (paren == frame.n)
            return true;
        return stack_frame(t, SLICE(""), 0, slice_of(frame.p, paren + 1));
    }
    struct slice label = slice_of(frame.p, in);
    struct slice path = slice_from(frame, in + 4);
    size_t colon = slice_find_last(path, SLICE(":"));
    struct slice tail = slice_from(path, colon + 1);
    if (slice_starts(tail, "line"))
        tail = slice_from(tail, 4);
    int64_t line = slice_number(slice_trim(tail));
    path.n = colon;
    return stack_frame(t, path, line, label);
}

/* The ` in ` behind the signature, whose parameters may have the word too. */
static size_t find_in(struct slice frame)
{
    size_t at = slice_find(frame, SLICE(") in "));

    return at < frame.n ? at + 1 : slice_find(frame, SLICE(" in "));
}
