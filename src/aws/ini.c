/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The format of ~/.aws/config and ~/.aws/credentials: sections, `key = value`,
 * comments of whole lines or after a blank, nested values by indentation. What
 * the keys mean is not known here. Pure; takes any bytes.
 */
#include "ini.h"

#include <string.h>

static struct slice take_line(struct slice *rest);
static struct slice trim(struct slice s);
static bool is_blank(char c);
static struct slice without_comment(struct slice s);
static bool read_title(struct slice line, struct ini_item *out);
static bool read_pair(struct slice line, struct ini_item *out);

void ini_init(struct ini *i, struct slice text)
{
    if (slice_starts(text, "\xef\xbb\xbf"))
        text = slice_of(text.p + 3, text.n - 3);
    *i = (struct ini){.rest = text};
}

bool ini_next(struct ini *i, struct ini_item *out)
{
    while (i->rest.n) {
        struct slice line = take_line(&i->rest);
        bool nested = is_blank(line.p[0]);

        i->line++;
        line = trim(line);
        if (line.n == 0 || line.p[0] == '#' || line.p[0] == ';' || nested)
            continue;
        *out = (struct ini_item){.kind = INI_BAD, .name = line};
        if (!read_title(line, out))
            read_pair(line, out);
        return true;
    }
    return false;
}

bool ini_find(struct slice text, const char *kind, struct slice name,
              const char *key, struct slice *value)
{
    struct ini i;
    struct ini_item item;
    bool inside = false, found = false;

    ini_init(&i, text);
    while (ini_next(&i, &item)) {
        if (item.kind == INI_SECTION) {
            inside = ini_is_section(&item, kind, name);
        } else if (inside && item.kind == INI_PAIR &&
                   slice_is_nocase(item.name, key)) {
            *value = item.value;
            found = true;
        }
    }
    return found;
}

bool ini_has(struct slice text, const char *kind, struct slice name)
{
    struct ini i;
    struct ini_item item;

    ini_init(&i, text);
    while (ini_next(&i, &item))
        if (ini_is_section(&item, kind, name))
            return true;
    return false;
}

bool ini_is_section(const struct ini_item *item, const char *kind,
                    struct slice name)
{
    struct slice title = item->name;

    if (item->kind != INI_SECTION)
        return false;
    if (kind) {
        size_t n = strlen(kind);

        if (!slice_starts(title, kind) || title.n <= n || !is_blank(title.p[n]))
            return false;
        title = trim(slice_of(title.p + n, title.n - n));
    }
    if (title.n >= 2 && (title.p[0] == '"' || title.p[0] == '\'') &&
        title.p[title.n - 1] == title.p[0])
        title = slice_of(title.p + 1, title.n - 2);
    return slice_eq(title, name);
}

/* Takes a line that is not empty text: at least its line feed is consumed, and
 * the line given keeps it, so that it always has a first byte. */
static struct slice take_line(struct slice *rest)
{
    const char *end = memchr(rest->p, '\n', rest->n);
    size_t n = end ? (size_t)(end - rest->p) + 1 : rest->n;
    struct slice line = slice_of(rest->p, n);

    *rest = slice_of(rest->p + n, rest->n - n);
    return line;
}

static struct slice trim(struct slice s)
{
    while (s.n && is_blank(s.p[0])) {
        s.p++;
        s.n--;
    }
    while (s.n && is_blank(s.p[s.n - 1]))
        s.n--;
    return s;
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static struct slice without_comment(struct slice s)
{
    for (size_t i = 1; i < s.n; i++)
        if ((s.p[i] == '#' || s.p[i] == ';') && is_blank(s.p[i - 1]))
            return trim(slice_of(s.p, i));
    return s;
}

static bool read_title(struct slice line, struct ini_item *out)
{
    const char *end;

    if (line.p[0] != '[')
        return false;
    end = memchr(line.p, ']', line.n);
    if (!end)
        return false;
    out->kind = INI_SECTION;
    out->name = trim(slice_of(line.p + 1, (size_t)(end - line.p) - 1));
    return true;
}

static bool read_pair(struct slice line, struct ini_item *out)
{
    const char *eq = memchr(line.p, '=', line.n);
    size_t at = eq ? (size_t)(eq - line.p) : 0;

    if (at == 0)
        return false;
    out->kind = INI_PAIR;
    out->name = trim(slice_of(line.p, at));
    out->value = slice_of(line.p + at, line.n - at);
    out->value = without_comment(out->value);
    out->value = trim(slice_of(out->value.p + 1, out->value.n - 1));
    return true;
}
