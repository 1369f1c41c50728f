/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Python's stack text, which ends with the innermost frame and the newest
 * exception and is therefore read from its end upwards. Knows both chaining
 * lines and the exceptions of a group, whose lines stand behind a bar. Knows
 * nothing of documents.
 */
#include "parts.h"

static void read_up(struct translator *t, struct slice text,
                    const char *margin);
static bool is_chaining(struct slice line);
static bool read_frame(struct translator *t, struct slice line);
static bool read_inner(struct translator *t, struct slice *above);
static void split_message(struct slice s, struct slice *type,
                          struct slice *message);
static void read_group(struct translator *t, struct slice text);
static bool read_member(struct translator *t, struct slice text);
static bool is_member_start(struct slice line);

void stack_python(struct translator *t, struct slice text)
{
    if (slice_starts(text, "  + Exception Group Traceback")) {
        read_up(t, text, "  | ");
        read_group(t, text);
    } else {
        read_up(t, text, "");
    }
}

/* Reads the frames on lines that begin with the margin. */
static void read_up(struct translator *t, struct slice text, const char *margin)
{
    struct slice line;

    stack_line_up(&text, &line); /* type and message, known already */
    while (stack_line_up(&text, &line)) {
        if (!slice_starts(line, margin))
            continue;
        line = slice_from(line, strlen(margin));
        if (slice_starts(line, "  File ")) {
            if (!read_frame(t, line))
                return;
        } else if (is_chaining(line)) {
            if (*margin || !read_inner(t, &text))
                return;
        }
    }
}

static bool is_chaining(struct slice line)
{
    return slice_starts(line, "During handling of the above exception, "
                              "another exception occurred:") ||
           slice_starts(line, "The above exception was the direct cause of "
                              "the following exception:");
}

/* `  File "PATH", line N, in LABEL`; the path may hold commas. */
static bool read_frame(struct translator *t, struct slice line)
{
    struct slice rest = slice_from(line, strlen("  File "));
    size_t quote = slice_find_last(rest, SLICE("\", line "));

    if (rest.n == 0 || rest.p[0] != '"' || quote == rest.n || quote == 0)
        return true;
    struct slice path = slice_of(rest.p + 1, quote - 1);
    struct slice tail = slice_from(rest, quote + strlen("\", line "));
    size_t in = slice_find(tail, SLICE(", in "));
    if (in == tail.n)
        return true;
    return stack_frame(t, path, slice_number(slice_of(tail.p, in)),
                       slice_from(tail, in + strlen(", in ")));
}

/* *above ends with the inner exception's message and an empty line. Leaves
 * there the text up to the inner exception's last frame. */
static bool read_inner(struct translator *t, struct slice *above)
{
    struct slice body = *above, line, type, message;

    stack_line_up(&body, &line); /* empty */
    struct slice search = body;
    do {
        if (!stack_line_up(&search, &line))
            return false;
    } while (!slice_starts(line, "  File "));
    above->n = (size_t)(line.p - above->p) + line.n;
    /* Below the frame: its source, marks under that, how often it repeated,
     * then the message. */
    struct slice text = slice_from(body, above->n);
    do {
        size_t next = slice_find_byte(text, '\n');
        text = slice_from(text, next + 1);
    } while (slice_starts(text, "  "));
    if (slice_find_byte(text, ':') == text.n)
        return false;
    split_message(text, &type, &message);
    return stack_caused_by(t, type, message);
}

/* TYPE[: MESSAGE] */
static void split_message(struct slice s, struct slice *type,
                          struct slice *message)
{
    size_t colon = slice_find_byte(s, ':');

    *type = slice_of(s.p, colon);
    *message = slice_from(s, colon + 2);
}

/* The members of a group, of the outermost one only. */
static void read_group(struct translator *t, struct slice text)
{
    struct slice line, member = SLICE("");

    while (stack_line(&text, &line)) {
        bool starts = is_member_start(line);
        bool ends = starts || slice_starts(line, "    +----");
        if (ends && member.n > 0) {
            member.n = (size_t)(line.p - member.p);
            if (!read_member(t, member))
                return;
        }
        if (ends)
            member = starts ? text : SLICE("");
    }
}

/* `  +-+---------------- 1 ----------------`, later `    +------ 2 -----` */
static bool is_member_start(struct slice line)
{
    struct slice s = line;

    if (slice_starts(s, "  +-+---") || slice_starts(s, "    +---"))
        s = slice_from(s, 8);
    else
        return false;
    while (s.n > 0 && s.p[0] == '-')
        s = slice_from(s, 1);
    return s.n > 1 && s.p[0] == ' ' && s.p[1] >= '0' && s.p[1] <= '9';
}

static bool read_member(struct translator *t, struct slice text)
{
    static const char margin[] = "    | ";
    struct slice rest = text, line, type, message;

    while (stack_line(&rest, &line)) {
        if (!slice_starts(line, margin))
            continue;
        line = slice_from(line, sizeof(margin) - 1);
        if (line.n == 0 || line.p[0] == ' ' || line.p[0] == '+' ||
            slice_starts(line, "Traceback ") ||
            slice_starts(line, "Exception Group Traceback "))
            continue;
        split_message(line, &type, &message);
        if (!stack_beside(t, type, message))
            return false;
        read_up(t, text, margin);
        return true;
    }
    return true;
}
