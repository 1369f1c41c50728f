/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Java's stack text, as Throwable.printStackTrace writes it, which the PHP SDK
 * writes too: frames behind one tab, innermost first, then each `Caused by`.
 * Suppressed exceptions (deeper indented) are no part of the chain. Knows
 * nothing of documents.
 */
#include "parts.h"

static bool is_frame(struct slice line, size_t *paren);
static bool read_frame(struct translator *t, struct slice line, size_t paren);
static bool read_caused_by(struct translator *t, struct slice line,
                           struct slice *rest);
static bool ends_message(struct slice line);

void stack_java(struct translator *t, struct slice text)
{
    struct slice line;
    size_t paren;

    stack_line(&text, &line); /* type and message, known already */
    while (stack_line(&text, &line)) {
        if (is_frame(line, &paren)) {
            if (!read_frame(t, line, paren))
                return;
        } else if (slice_starts(line, "Caused by: ")) {
            if (!read_caused_by(t, slice_from(line, 11), &text))
                return;
        }
    }
}

static bool is_frame(struct slice line, size_t *paren)
{
    *paren = slice_find_byte(line, '(');
    return slice_starts(line, "\tat ") && *paren >= 4 && *paren < line.n &&
           line.p[line.n - 1] == ')';
}

/* TAB at [LOADER/][MODULE/]LABEL(FILE[:LINE]) */
static bool read_frame(struct translator *t, struct slice line, size_t paren)
{
    struct slice label = slice_of(line.p + 4, paren - 4);
    struct slice path = slice_of(line.p + paren + 1, line.n - paren - 2);
    size_t slash = slice_find_byte(label, '/');
    size_t colon = slice_find_byte(path, ':');
    int64_t number = slice_number(slice_from(path, colon + 1));

    if (slash < label.n)
        label = slice_from(label, slash + 1);
    path.n = colon;
    return stack_frame(t, path, number, label);
}

/* TYPE[: MESSAGE], where the message may go on over lines. */
static bool read_caused_by(struct translator *t, struct slice line,
                           struct slice *rest)
{
    size_t colon = slice_find_byte(line, ':');
    struct slice type = slice_of(line.p, colon);
    const char *start = line.p + (colon + 2 < line.n ? colon + 2 : line.n);
    const char *end = line.p + line.n;
    struct slice ahead = *rest, next;

    while (stack_line(&ahead, &next) && !ends_message(next)) {
        end = next.p + next.n;
        *rest = ahead;
    }
    struct slice message = SLICE("");
    if (colon < line.n || end > line.p + line.n)
        message = slice_of(start, (size_t)(end - start));
    return stack_caused_by(t, type, message);
}

static bool ends_message(struct slice line)
{
    size_t paren;

    return is_frame(line, &paren) || slice_starts(line, "Caused by: ") ||
           slice_starts(line, "\t... ") || slice_starts(line, "\tSuppressed: ");
}
