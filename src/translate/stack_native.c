/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stack texts of Ruby, Rust and C++, all innermost frame first. Each
 * reader takes only lines of its own form, so foreign text gives no frames.
 * Knows nothing of documents.
 */
#include "parts.h"

static bool read_ruby_frame(struct translator *t, struct slice line);
static bool cut_index(struct slice *line, const char *mark);
static void cut_line(struct slice *path, int64_t *number);

/* PATH:LINE:in 'LABEL': MESSAGE (TYPE), then `TAB from PATH:LINE:in 'LABEL'`
 * (Exception#full_message). */
void stack_ruby(struct translator *t, struct slice text)
{
    struct slice line;

    while (stack_line(&text, &line)) {
        line = slice_trim(line);
        if (slice_starts(line, "from "))
            line = slice_from(line, 5);
        if (!read_ruby_frame(t, line))
            return;
    }
}

/* `  3: LABEL`, then `             at PATH:LINE:COLUMN`
 * (std::backtrace::Backtrace). */
void stack_rust(struct translator *t, struct slice text)
{
    struct slice line, label = SLICE("");

    while (stack_line(&text, &line)) {
        struct slice path = SLICE("");
        int64_t number = 0;
        line = slice_trim(line);
        bool is_place = slice_starts(line, "at ");
        if (is_place) {
            path = slice_from(line, 3);
            cut_line(&path, &number);
        }
        if (label.n > 0 && !stack_frame(t, path, number, label))
            return;
        label = is_place || !cut_index(&line, ": ") ? SLICE("") : line;
    }
    if (label.n > 0)
        stack_frame(t, SLICE(""), 0, label);
}

/* ` 3# LABEL at PATH:LINE` (std::stacktrace; Boost writes the same with ` in `
 * before a file of the program). */
void stack_cpp(struct translator *t, struct slice text)
{
    struct slice line;

    while (stack_line(&text, &line)) {
        line = slice_trim(line);
        if (!cut_index(&line, "# "))
            continue;
        size_t at = slice_find_last(line, SLICE(" at "));
        if (at == line.n)
            at = slice_find_last(line, SLICE(" in "));
        struct slice label = slice_of(line.p, at);
        struct slice path = slice_from(line, at + 4);
        int64_t number = 0;
        cut_line(&path, &number);
        if (!stack_frame(t, path, number, label))
            return;
    }
}

static bool read_ruby_frame(struct translator *t, struct slice line)
{
    size_t in = slice_find(line, SLICE(":in "));
    struct slice label = slice_from(line, in + 4);
    struct slice path = slice_of(line.p, in);
    size_t colon = slice_find_last(path, SLICE(":"));
    int64_t number = slice_number(slice_from(path, colon + 1));

    if (in == line.n || number == 0 || label.n < 2 ||
        (label.p[0] != '\'' && label.p[0] != '`'))
        return true;
    label = slice_from(label, 1);
    path.n = colon;
    label.n = slice_find_byte(label, '\'');
    return stack_frame(t, path, number, label);
}

/* Takes `DIGITS MARK` off the front. */
static bool cut_index(struct slice *line, const char *mark)
{
    size_t n = 0;

    while (n < line->n && line->p[n] >= '0' && line->p[n] <= '9')
        n++;
    struct slice rest = slice_from(*line, n);
    if (n == 0 || !slice_starts(rest, mark))
        return false;
    *line = slice_from(rest, strlen(mark));
    return true;
}

/* PATH:LINE[:COLUMN] */
static void cut_line(struct slice *path, int64_t *number)
{
    for (int i = 0; i < 2; i++) {
        size_t colon = slice_find_last(*path, SLICE(":"));
        int64_t n = slice_number(slice_from(*path, colon + 1));
        if (n == 0)
            return;
        *number = n;
        path->n = colon;
    }
}
