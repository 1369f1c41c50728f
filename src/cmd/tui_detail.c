/* SPDX-License-Identifier: Apache-2.0 */
/* The details of a span; see tui_detail.h. */
#include "tui_detail.h"

#include <stdio.h>
#include <stdlib.h>

#include "local/elements.h"
#include "trace.h"
#include "xr/json_scan.h"

#define ARENA_MAX (64u << 20)
#define LINES_MAX 20000
#define JSON_DEPTH_MAX 100

static void overview(struct tui_detail *d, const struct tui_whole *w,
                     const struct tui_span *s);
static void times(struct tui_detail *d, const struct tui_whole *w,
                  const struct tui_span *s);
static void sections(struct tui_detail *d, struct slice object, bool plain);
static bool is_said_above(struct slice key);
static bool walk(struct tui_detail *d, struct js *j, unsigned indent,
                 const char *name);
static void walk_object(struct tui_detail *d, struct js *j, unsigned indent);
static void walk_array(struct tui_detail *d, struct js *j, unsigned indent);
static bool frame(struct tui_detail *d, const struct js *before,
                  const struct js *inside, unsigned indent);
static const char *next_key(struct tui_detail *d, struct js *j);
static void links(struct tui_detail *d, const struct tui_whole *w,
                  const struct tui_span *s);
static void warnings(struct tui_detail *d, const struct tui_whole *w);
static void add(struct tui_detail *d, unsigned indent, uint8_t style,
                struct slice text);

void detail_init(struct tui_detail *d)
{
    *d = (struct tui_detail){0};
    arena_init(&d->arena, ARENA_MAX);
}

void detail_fini(struct tui_detail *d)
{
    free(d->lines);
    arena_fini(&d->arena);
}

void detail_begin(struct tui_detail *d, unsigned width)
{
    arena_reset(&d->arena);
    d->n = 0;
    d->width = width;
}

void detail_span(struct tui_detail *d, struct tui_whole *w)
{
    const struct tui_span *s = whole_chosen(w);
    if (s == NULL)
        return;
    overview(d, w, s);
    links(d, w, s);
    struct slice object = whole_object(w, s, &d->arena);
    sections(d, object, true);
    sections(d, object, false);
    warnings(d, w);
}

void detail_head(struct tui_detail *d, const char *text)
{
    if (d->n > 0)
        add(d, 0, LINE_PLAIN, SLICE(""));
    add(d, 0, STYLE_BOLD, slice_str(text));
}

void detail_line(struct tui_detail *d, unsigned indent, const char *name,
                 struct slice text)
{
    struct buf line;
    buf_init(&line, text.n + 256);
    if (name != NULL)
        buf_printf(&line, strcmp(name, "-") == 0 ? "%s " : "%.200s: ", name);
    buf_append(&line, text);
    char *kept = arena_dup(&d->arena, buf_slice(&line));
    struct slice rest = slice_of(kept, kept == NULL ? 0 : line.n);
    buf_fini(&line);
    for (unsigned more = 0; rest.n > 0; more = 2) {
        const char *end = memchr(rest.p, '\n', rest.n);
        size_t n = end == NULL ? rest.n : (size_t)(end - rest.p);
        unsigned used = indent + more;
        unsigned columns = d->width > used + 1 ? d->width - used : 1;
        size_t fits = n == 0 ? 0 : text_fit(slice_of(rest.p, n), columns);
        add(d, used, LINE_PLAIN, slice_of(rest.p, fits));
        fits += fits == n && end != NULL;
        rest = slice_of(rest.p + fits, rest.n - fits);
    }
}

void detail_draw_row(const struct tui_detail *d, size_t i, struct pen *p)
{
    const struct detail_line *l = &d->lines[i];
    pen_to(p, l->indent);
    p->style = l->style;
    pen_text(p, l->text);
    p->style = LINE_PLAIN;
}

static void overview(struct tui_detail *d, const struct tui_whole *w,
                     const struct tui_span *s)
{
    char status[16];
    add(d, 0, STYLE_BOLD, s->name);
    detail_line(d, 0, "kind", s->kind);
    if (s->node.n > 0)
        detail_line(d, 0, "of", s->node);
    if (s->type.n > 0)
        detail_line(d, 0, "type", s->type);
    times(d, w, s);
    detail_line(d, 0, "result", slice_str(class_name(s->class)));
    if (s->status > 0) {
        snprintf(status, sizeof(status), "%d", s->status);
        detail_line(d, 0, "status", slice_str(status));
    }
    if (s->message.n > 0)
        detail_line(d, 0, "message", s->message);
    detail_line(d, 0, "id", s->id);
    detail_line(d, 0, "trace", slice_str(w->id));
}

static void times(struct tui_detail *d, const struct tui_whole *w,
                  const struct tui_span *s)
{
    char text[SECONDS_BYTES + 16], time[TRACE_TIME_BYTES];
    trace_time(time, s->start);
    detail_line(d, 0, "start", slice_str(time));
    text[0] = '+';
    text_seconds(text + 1, s->start - w->start);
    detail_line(d, 0, "in the trace", slice_str(text));
    text_seconds(text, s->end - s->start);
    detail_line(d, 0, "took", slice_str(s->end < 0 ? "in progress" : text));
}

/* Members of the document that are not said above: the plain ones as they are,
 * or a heading for each of the others. */
static void sections(struct tui_detail *d, struct slice object, bool plain)
{
    struct js j;
    const char *key;
    js_init(&j, object, JSON_DEPTH_MAX);
    if (object.n == 0 || js_next(&j, NULL) != JS_OBJECT)
        return;
    while ((key = next_key(d, &j)) != NULL) {
        struct js before = j;
        enum js_kind kind = js_next(&j, NULL);
        bool is_plain = kind != JS_OBJECT && kind != JS_ARRAY;
        if (!js_skip(&j, kind))
            return;
        if (is_said_above(slice_str(key)) || is_plain != plain)
            continue;
        if (plain) {
            walk(d, &before, 0, key);
            continue;
        }
        detail_head(d, key);
        if (js_next(&before, NULL) == JS_OBJECT)
            walk_object(d, &before, 0);
        else
            walk_array(d, &before, 0);
    }
}

static bool is_said_above(struct slice key)
{
    static const char *const keys[] = {
        "id",          "name",  "trace_id", "start_time", "end_time",
        "subsegments", "fault", "error",    "throttle",   "in_progress"};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        if (slice_is(key, keys[i]))
            return true;
    return false;
}

/* The next value; false: there is none, or it can't be read. */
static bool walk(struct tui_detail *d, struct js *j, unsigned indent,
                 const char *name)
{
    struct slice text;
    struct js before = *j;
    enum js_kind kind = js_next(j, &text);
    switch (kind) {
    case JS_OBJECT:
        if (frame(d, &before, j, indent))
            return js_skip(j, kind);
        detail_line(d, indent, NULL, slice_str(name));
        walk_object(d, j, indent + 2);
        return true;
    case JS_ARRAY:
        detail_line(d, indent, NULL, slice_str(name));
        walk_array(d, j, indent + 2);
        return true;
    case JS_STRING:
        if (!js_text(text, &d->arena, &text))
            return false;
        break;
    case JS_NUMBER:
        break;
    case JS_TRUE:
    case JS_FALSE:
    case JS_NULL:
        text = slice_str(kind == JS_TRUE    ? "true"
                         : kind == JS_FALSE ? "false"
                                            : "null");
        break;
    default:
        return false;
    }
    detail_line(d, indent, name, text);
    return true;
}

static void walk_object(struct tui_detail *d, struct js *j, unsigned indent)
{
    const char *key;
    while ((key = next_key(d, j)) != NULL)
        if (!walk(d, j, indent, key))
            return;
}

static void walk_array(struct tui_detail *d, struct js *j, unsigned indent)
{
    while (walk(d, j, indent, "-"))
        continue;
}

/* A frame of a stack has a line alone. `inside` stands behind its bracket. */
static bool frame(struct tui_detail *d, const struct js *before,
                  const struct js *inside, unsigned indent)
{
    struct js end = *inside;
    struct arena *a = &d->arena;
    struct buf text;
    if (!js_skip(&end, JS_OBJECT))
        return false;
    struct slice object = slice_of(before->p, (size_t)(end.p - before->p));
    const char *open = memchr(object.p, '{', object.n);
    object = slice_of(open, (size_t)(end.p - open));
    struct slice path = elements_member(object, "path", a);
    struct slice label = elements_member(object, "label", a);
    if (path.n + label.n == 0)
        return false;
    buf_init(&text, object.n + 64);
    buf_printf(&text, "at %.*s (%.*s:%.*s)", SLICE_ARG(label), SLICE_ARG(path),
               SLICE_ARG(elements_member(object, "line", a)));
    detail_line(d, indent, NULL, buf_slice(&text));
    buf_fini(&text);
    return true;
}

/* NULL: the object ends, or it can't be read. */
static const char *next_key(struct tui_detail *d, struct js *j)
{
    struct slice raw, key;
    if (js_next(j, &raw) != JS_KEY || !js_text(raw, &d->arena, &key))
        return NULL;
    return arena_dup(&d->arena, key);
}

/* Of the span, to other traces and from them. */
static void links(struct tui_detail *d, const struct tui_whole *w,
                  const struct tui_span *s)
{
    static const char *const words[LINK_KINDS] = {"to", "from"};
    struct arena *a = &d->arena;
    struct slice rest, link;
    bool first = true;
    for (int kind = 0; kind < LINK_KINDS; kind++)
        for (rest = w->links[kind]; elements_next(&rest, &link);) {
            struct slice id = elements_member(link, "trace_id", a);
            struct slice name = elements_member(link, "name", a);
            char text[320];
            if (whole_linked(w, kind, link, a) != s)
                continue;
            if (first)
                detail_head(d, "other traces");
            first = false;
            snprintf(text, sizeof(text), "%.*s%s%.*s",
                     (int)(id.n < 64 ? id.n : 64), id.p, name.n > 0 ? " " : "",
                     (int)(name.n < 200 ? name.n : 200), name.p);
            detail_line(d, 0, words[kind], slice_str(text));
        }
}

static void warnings(struct tui_detail *d, const struct tui_whole *w)
{
    struct slice rest = w->warnings, one;
    bool first = true;
    while (elements_next(&rest, &one)) {
        if (first)
            detail_head(d, "AWS would refuse this");
        first = false;
        detail_line(d, 0, NULL, elements_member(one, "text", &d->arena));
    }
}

static void add(struct tui_detail *d, unsigned indent, uint8_t style,
                struct slice text)
{
    if (d->n == LINES_MAX)
        return;
    if (d->n == d->room) {
        size_t room = d->room == 0 ? 128 : 2 * d->room;
        struct detail_line *lines =
            reallocarray(d->lines, room, sizeof(*lines));
        if (lines == NULL)
            return;
        d->lines = lines;
        d->room = room;
    }
    d->lines[d->n++] = (struct detail_line){indent, style, text};
}
