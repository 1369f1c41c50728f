/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chooses the reader of a stack text by the language of the SDK, and the text
 * helpers that the readers share. Any text gives something: what cannot be
 * read is skipped. Knows nothing of JSON.
 */
#include "parts.h"

void stack_read(struct translator *t, enum language l, struct slice text)
{
    typedef void (*read_fn)(struct translator *, struct slice);
    static const read_fn readers[] = {
        [LANGUAGE_JAVA] = stack_java,
        [LANGUAGE_PYTHON] = stack_python,
        [LANGUAGE_JAVASCRIPT] = stack_javascript,
        [LANGUAGE_DOTNET] = stack_dotnet,
        [LANGUAGE_GO] = stack_go,
        [LANGUAGE_RUBY] = stack_ruby,
        [LANGUAGE_RUST] = stack_rust,
        [LANGUAGE_CPP] = stack_cpp,
    };

    enum { BYTES_A_UNIT = 3 };

    if (l == LANGUAGE_OTHER || text.n == 0)
        return;
    size_t most = t->exception.stack_left;
    if (text.n > most) {
        /* Python's innermost frame comes last, all others' first. */
        if (l == LANGUAGE_PYTHON)
            text = slice_from(text, text.n - most);
        text.n = most;
        t->exception.frames_cut++;
    }
    t->exception.stack_left -= text.n;
    limit_spend(t, text.n / BYTES_A_UNIT);
    if (text.n > 0)
        readers[l](t, text);
}

bool stack_line(struct slice *rest, struct slice *line)
{
    if (rest->n == 0)
        return false;
    size_t end = slice_find_byte(*rest, '\n');
    *line = slice_of(rest->p, end);
    if (line->n > 0 && line->p[line->n - 1] == '\r')
        line->n--;
    *rest = slice_from(*rest, end < rest->n ? end + 1 : end);
    return true;
}

bool stack_line_up(struct slice *rest, struct slice *line)
{
    if (rest->n == 0)
        return false;
    const char *end = memrchr(rest->p, '\n', rest->n);
    size_t start = end ? (size_t)(end - rest->p) + 1 : 0;
    *line = slice_from(*rest, start);
    if (line->n > 0 && line->p[line->n - 1] == '\r')
        line->n--;
    rest->n = start ? start - 1 : 0;
    return true;
}

struct slice slice_trim(struct slice s)
{
    while (s.n > 0 && (unsigned char)s.p[0] <= ' ')
        s = slice_from(s, 1);
    while (s.n > 0 && (unsigned char)s.p[s.n - 1] <= ' ')
        s.n--;
    return s;
}

struct slice slice_from(struct slice s, size_t at)
{
    if (at > s.n)
        at = s.n;
    return s.p ? slice_of(s.p + at, s.n - at) : s;
}

/* Where the text may begin at p or behind it. */
static const char *next_start(const char *p, const char *end, struct slice what)
{
    if ((size_t)(end - p) < what.n)
        return NULL;
    return memchr(p, what.p[0], (size_t)(end - p) - what.n + 1);
}

size_t slice_find(struct slice s, struct slice what)
{
    enum { SHORT = 32 }; /* for these memmem prepares too much */
    const char *p = s.p, *end = s.p + s.n;

    if (what.n == 0 || what.n > s.n)
        return s.n;
    if (what.n > SHORT)
        p = memmem(s.p, s.n, what.p, what.n);
    else
        while (p && memcmp(p, what.p, what.n) != 0)
            p = next_start(p + 1, end, what);
    return p ? (size_t)(p - s.p) : s.n;
}

size_t slice_find_byte(struct slice s, char c)
{
    const char *at = s.n ? memchr(s.p, c, s.n) : NULL;

    return at ? (size_t)(at - s.p) : s.n;
}

size_t slice_find_last(struct slice s, struct slice what)
{
    if (what.n == 0 || what.n > s.n)
        return s.n;
    for (size_t at = s.n - what.n + 1; at-- > 0;) {
        if (memcmp(s.p + at, what.p, what.n) == 0)
            return at;
    }
    return s.n;
}

int64_t slice_number(struct slice s)
{
    int64_t v = 0;

    if (s.n > 18)
        return 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return 0;
        v = v * 10 + (s.p[i] - '0');
    }
    return v;
}
