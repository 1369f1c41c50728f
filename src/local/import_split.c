/* SPDX-License-Identifier: Apache-2.0 */
/* Items out of a text that comes in pieces; see import_split.h. What was looked
 * at stays so when more comes. */
#include "import_split.h"

#include <string.h>

enum look { LOOK_MORE, LOOK_END, LOOK_LIST };

static size_t begin_value(struct import_split *s, struct slice text);
static void value_at_front(struct import_split *s, size_t depth, bool dropped);
static void open_list(struct import_split *s, enum import_kind of, bool member);
static void close_list(struct import_split *s);
static enum import_kind list_kind(const struct import_split *s);
static enum look look_on(struct import_split *s, struct slice value);
static enum look look_at(struct import_split *s, char c);
static bool in_quotes(struct import_split *s, char c);
static enum import_kind list_in(const struct import_split *s,
                                struct slice value);
static bool follows_key(struct slice before, const char *key);
static struct slice trim_end(struct slice s);
static bool is_space(char c);
static enum import_kind pass_over(struct import_split *s, struct slice value,
                                  size_t *used);

void import_split_init(struct import_split *s, size_t item_max)
{
    *s = (struct import_split){.item_max = item_max};
}

enum import_kind import_split_next(struct import_split *s, struct slice text,
                                   bool last, size_t *used, struct slice *item)
{
    *used = 0;
    for (;;) {
        struct slice rest = slice_of(text.p + *used, text.n - *used);
        *item = slice_of(rest.p, 0);
        if (!s->within) {
            *used += begin_value(s, rest);
            if (!s->within)
                return IMPORT_NOTHING;
            continue;
        }
        enum look look = look_on(s, rest);
        if (look == LOOK_MORE && !last)
            return pass_over(s, rest, used);
        *used += s->looked_at;
        s->within = false;
        if (look != LOOK_LIST && !s->dropped) {
            *item = slice_of(rest.p, s->looked_at);
            return list_kind(s);
        }
    }
}

/* Passes over what stands between values; bytes. */
static size_t begin_value(struct import_split *s, struct slice text)
{
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == ']') {
            close_list(s);
            if (s->within)
                return i + 1;
        } else if (c == '[' && s->n_lists < IMPORT_DEPTH_MAX) {
            open_list(s, IMPORT_VALUE, false);
        } else if (c != ',' && !is_space(c)) {
            value_at_front(s, 0, false);
            return i;
        }
    }
    return text.n;
}

static void value_at_front(struct import_split *s, size_t depth, bool dropped)
{
    s->within = true;
    s->dropped = dropped;
    s->looked_at = 0;
    s->depth = depth;
    s->quoted = s->escaped = false;
}

static void open_list(struct import_split *s, enum import_kind of, bool member)
{
    s->lists[s->n_lists++] = (struct import_list){of, member};
}

/* The rest of the object that it is a member of is of no interest. */
static void close_list(struct import_split *s)
{
    if (s->n_lists > 0 && s->lists[--s->n_lists].member)
        value_at_front(s, 1, true);
}

static enum import_kind list_kind(const struct import_split *s)
{
    return s->n_lists > 0 ? s->lists[s->n_lists - 1].of : IMPORT_VALUE;
}

/* To the end of the value, or behind the bracket of a list in it, which is
 * open then. */
static enum look look_on(struct import_split *s, struct slice value)
{
    while (s->looked_at < value.n) {
        char c = value.p[s->looked_at];
        if (s->depth == 0 && !s->quoted && s->looked_at > 0 &&
            (c == ',' || c == ']' || c == '\n'))
            return LOOK_END;
        s->looked_at++;
        enum look look = look_at(s, c);
        if (look == LOOK_END)
            return LOOK_END;
        enum import_kind kind = IMPORT_NOTHING;
        if (look == LOOK_LIST)
            kind = list_in(s, slice_of(value.p, s->looked_at));
        if (kind != IMPORT_NOTHING) {
            open_list(s, kind, true);
            return LOOK_LIST;
        }
    }
    return LOOK_MORE;
}

static enum look look_at(struct import_split *s, char c)
{
    if (s->quoted)
        return in_quotes(s, c) ? LOOK_MORE : LOOK_END;
    if (c == '"')
        s->quoted = true;
    else if (c == '{' || c == '[')
        s->depth++;
    else if ((c == '}' || c == ']') && s->depth > 0 && --s->depth == 0)
        return LOOK_END;
    return c == '[' && s->depth == 2 && !s->dropped ? LOOK_LIST : LOOK_MORE;
}

/* False at the end of a line, where no text goes on: one that was cut does not
 * take those behind it along. */
static bool in_quotes(struct import_split *s, char c)
{
    if (c == '\n')
        return false;
    if (s->escaped)
        s->escaped = false;
    else if (c == '\\')
        s->escaped = true;
    else if (c == '"')
        s->quoted = false;
    return true;
}

/* What is in the list that begins at the end of the value so far; NOTHING: its
 * items are none of ours. */
static enum import_kind list_in(const struct import_split *s,
                                struct slice value)
{
    struct slice before = slice_of(value.p, value.n - 1);
    if (value.p[0] != '{' || list_kind(s) != IMPORT_VALUE ||
        s->n_lists == IMPORT_DEPTH_MAX)
        return IMPORT_NOTHING;
    if (follows_key(before, "\"Traces\""))
        return IMPORT_VALUE;
    if (follows_key(before, "\"Segments\""))
        return IMPORT_SEGMENT;
    if (follows_key(before, "\"resourceSpans\""))
        return IMPORT_RESOURCE_SPANS;
    return IMPORT_NOTHING;
}

static bool follows_key(struct slice before, const char *key)
{
    size_t n = strlen(key);
    before = trim_end(before);
    if (before.n == 0 || before.p[before.n - 1] != ':')
        return false;
    before.n--;
    before = trim_end(before);
    return before.n > n && before.p[before.n - n - 1] != '\\' &&
           memcmp(before.p + before.n - n, key, n) == 0;
}

static struct slice trim_end(struct slice s)
{
    while (s.n > 0 && is_space(s.p[s.n - 1]))
        s.n--;
    return s;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The value is not whole. If it need not be kept its bytes are used. */
static enum import_kind pass_over(struct import_split *s, struct slice value,
                                  size_t *used)
{
    bool large = !s->dropped && value.n >= s->item_max;
    s->dropped |= large;
    if (s->dropped) {
        *used += s->looked_at;
        s->looked_at = 0;
    }
    return large ? IMPORT_TOO_LARGE : IMPORT_NOTHING;
}
