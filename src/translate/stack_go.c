/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Go's stack text, innermost frame first: a line with the function, then an
 * indented one with the file, `TAB PATH:LINE +0xOFFSET`. A function without a
 * file line is a frame with a label alone. Knows nothing of documents.
 */
#include "parts.h"

static bool is_goroutine(struct slice line);
static bool read_file(struct slice line, struct slice *path, int64_t *number);

void stack_go(struct translator *t, struct slice text)
{
    struct slice line, label = SLICE("");

    stack_line(&text, &line); /* type and message, known already */
    while (stack_line(&text, &line)) {
        struct slice path;
        int64_t number;
        if (is_goroutine(line) || slice_trim(line).n == 0)
            continue;
        if (label.n == 0) {
            label = slice_trim(line);
        } else if (read_file(line, &path, &number)) {
            if (!stack_frame(t, path, number, label))
                return;
            label = SLICE("");
        } else {
            if (!stack_frame(t, SLICE(""), 0, label))
                return;
            label = slice_trim(line);
        }
    }
    if (label.n > 0)
        stack_frame(t, SLICE(""), 0, label);
}

/* goroutine 1 [running]: */
static bool is_goroutine(struct slice line)
{
    return slice_starts(line, "goroutine ") && line.p[line.n - 1] == ':' &&
           slice_find_byte(line, '[') < line.n;
}

static bool read_file(struct slice line, struct slice *path, int64_t *number)
{
    struct slice s = slice_trim(line);
    size_t offset = slice_find(s, SLICE(" +0x"));

    s.n = offset;
    size_t colon = slice_find_last(s, SLICE(":"));
    *path = slice_of(s.p, colon);
    *number = slice_number(slice_from(s, colon + 1));
    return *number > 0;
}
