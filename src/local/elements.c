/* SPDX-License-Identifier: Apache-2.0 */
/* Values out of JSON text; see elements.h. */
#include "elements.h"

#include "xr/json_scan.h"

#define DEPTH_MAX 128

static size_t value_end(struct slice text);
static struct slice skip(struct slice s);
static struct slice word_of(enum js_kind kind);

bool elements_next(struct slice *rest, struct slice *value)
{
    struct slice s = skip(*rest);
    if (s.n == 0 || s.p[0] == ']')
        return false;
    size_t n = value_end(s);
    *value = slice_of(s.p, n);
    *rest = slice_of(s.p + n, s.n - n);
    return true;
}

struct slice elements_member(struct slice object, const char *key,
                             struct arena *a)
{
    struct js j;
    struct slice name, text, none = {"", 0};
    js_init(&j, object, DEPTH_MAX);
    if (object.n == 0 || js_next(&j, NULL) != JS_OBJECT)
        return none;
    while (js_next(&j, &name) == JS_KEY) {
        enum js_kind kind = js_next(&j, &text);
        if (kind == JS_TRUE || kind == JS_FALSE || kind == JS_NULL)
            text = word_of(kind);
        size_t from = js_offset(&j) - 1;
        if (!js_skip(&j, kind))
            return none;
        if (!slice_is(name, key))
            continue;
        if (kind == JS_OBJECT || kind == JS_ARRAY)
            return slice_of(object.p + from, js_offset(&j) - from);
        if (kind == JS_STRING)
            return js_text(text, a, &text) ? text : none;
        return text;
    }
    return none;
}

static struct slice word_of(enum js_kind kind)
{
    return kind == JS_TRUE    ? SLICE("true")
           : kind == JS_FALSE ? SLICE("false")
                              : SLICE("null");
}

double elements_number(struct slice object, const char *key, double missing,
                       struct arena *a)
{
    return js_number(elements_member(object, key, a), missing);
}

/* Where brackets and quotes of the first value are closed; what is no object
 * or array goes to the end of its line, or to the comma or bracket there. */
static size_t value_end(struct slice text)
{
    size_t depth = 0, i = 0;
    bool quoted = false;
    for (; i < text.n; i++) {
        char c = text.p[i];
        if (quoted) {
            if (c == '\\')
                i++;
            else if (c == '"')
                quoted = false;
        } else if (c == '"') {
            quoted = true;
        } else if (c == '{' || c == '[') {
            depth++;
        } else if (depth == 0 && (c == ',' || c == ']' || c == '\n')) {
            return i == 0 ? 1 : i;
        } else if ((c == '}' || c == ']') && depth > 0 && --depth == 0) {
            return i + 1;
        }
    }
    return text.n;
}

/* White space, commas, and the bracket that opens an array. */
static struct slice skip(struct slice s)
{
    bool opened = false;
    for (; s.n > 0; s = slice_of(s.p + 1, s.n - 1)) {
        if (s.p[0] == '[' && !opened)
            opened = true;
        else if (s.p[0] == '\0' || strchr(" \t\r\n,", s.p[0]) == NULL)
            break;
    }
    return s;
}
