/* SPDX-License-Identifier: Apache-2.0 */
/* Traces as lines of text; see trace.h. */
#include "trace.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "local.h"
#include "local/elements.h"
#include "xr/clock.h"

#define MARK_AGAIN "\xe2\x86\xbb "  /* a circle arrow */
#define MARK_FAILED "\xe2\x9c\x97 " /* a cross */
#define MARK_INTO " \xe2\x96\xb8 "  /* a triangle */
#define MARK_RUNNING "\xc2\xb7\xc2\xb7\xc2\xb7"
#define BAR "\xe2\x96\x88"
#define DEPTH_SHOWN_MAX 40
/* Columns of a row. */
enum {
    AT_STATUS = 14,
    AT_REQUEST = 28,
    REQUEST_COLUMNS = 34,
    AT_THROUGH = 63,
    THROUGH_COLUMNS = 40,
    AT_ID = 104,
};
/* Columns of a tree. */
enum {
    NAME_COLUMNS = 46,
    AT_DURATION = 48,
    AT_OWN = 57,
    AT_BAR = 66,
    BAR_COLUMNS = 40,
};

/* What the children of a span take of its time; they come by their start. */
struct covered {
    double start, end; /* of the span; end -1: it runs */
    double until, time;
    bool parted; /* it has children */
};

static void print_links(struct line *l, struct slice whole, struct arena *a);
static void print_running(struct line *l, double start);
static void print_status(struct line *l, struct slice row, struct arena *a);
static void print_request(struct line *l, struct slice row, struct arena *a);
static void print_through(struct line *l, struct slice row, struct arena *a);
static enum line_colour colour_of(struct slice class);
static bool is_true(struct slice object, const char *key, struct arena *a);
static const double *own_times(struct slice rows, struct arena *a);
static struct covered *cover(struct slice rows, size_t n, struct arena *a);
static void print_span(struct line *l, struct slice span, double own,
                       struct slice trace, struct arena *a);
static void print_bar(struct line *l, double from, double to, double length);

void trace_print_row(struct line *l, struct slice row, bool again,
                     struct arena *a)
{
    struct slice class = elements_member(row, "class", a);
    struct slice message = elements_member(row, "message", a);
    double took = elements_number(row, "response_time", -1, a);
    double start = elements_number(row, "start", 0, a);
    char time[TRACE_TIME_BYTES];
    trace_time(time, start);
    line_str(l, time);
    line_to(l, AT_STATUS);
    print_status(l, row, a);
    line_to(l, AT_STATUS + 4);
    if (is_true(row, "in_progress", a))
        print_running(l, start);
    else
        line_seconds(l, took, 7);
    line_to(l, AT_REQUEST);
    if (again)
        line_str(l, MARK_AGAIN);
    print_request(l, row, a);
    line_to(l, AT_THROUGH);
    print_through(l, row, a);
    line_to(l, AT_ID);
    line_text(l, elements_member(row, "id", a), 0);
    if (message.n > 0) {
        line_str(l, "  ");
        line_colour(l, colour_of(class));
        line_str(l, MARK_FAILED);
        line_text(l, message, 0);
    }
    line_end(l);
}

/* So long already. */
static void print_running(struct line *l, double start)
{
    char text[SECONDS_BYTES], more[SECONDS_BYTES + 1];
    text_seconds(text, (double)clock_wall_ms() / 1e3 - start);
    snprintf(more, sizeof(more), ">%s", text);
    for (size_t n = strlen(more); n < 7; n++)
        line_str(l, " ");
    line_str(l, more);
}

void trace_print_list(struct slice answer, bool json)
{
    struct arena a;
    struct line line;
    struct slice rows, row;
    arena_init(&a, ANSWER_MAX_BYTES);
    line_init(&line);
    rows = elements_member(answer, "traces", &a);
    while (elements_next(&rows, &row)) {
        if (json)
            printf("%.*s\n", SLICE_ARG(row));
        else
            trace_print_row(&line, row, false, &a);
    }
    line_fini(&line);
    arena_fini(&a);
}

void trace_print_tree(struct line *l, struct slice whole, struct arena *a)
{
    struct slice row = elements_member(whole, "trace", a);
    struct slice rows = elements_member(whole, "rows", a), span, text;
    struct slice warnings = elements_member(whole, "warnings", a);
    const double *own = own_times(rows, a);
    trace_print_row(l, row, false, a);
    for (size_t i = 0; elements_next(&rows, &span); i++)
        print_span(l, span, own == NULL ? -1 : own[i], row, a);
    while (elements_next(&warnings, &span)) {
        text = elements_member(span, "text", a);
        line_colour(l, LINE_ERROR);
        line_str(l, "AWS would refuse this: ");
        line_text(l, text, 0);
        line_end(l);
    }
    if (slice_is(elements_member(whole, "limit_exceeded", a), "true")) {
        line_colour(l, LINE_ERROR);
        line_str(l, "this trace is too large, the rest of it was refused");
        line_end(l);
    }
    print_links(l, whole, a);
}

/* Which traces this one points to, and which point to it. */
static void print_links(struct line *l, struct slice whole, struct arena *a)
{
    static const char *const words[][2] = {{"to", "links to "},
                                           {"from", "linked from "}};
    struct slice links = elements_member(whole, "links", a), list, link, name;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        list = elements_member(links, words[i][0], a);
        while (elements_next(&list, &link)) {
            line_str(l, words[i][1]);
            line_text(l, elements_member(link, "trace_id", a), 0);
            name = elements_member(link, "name", a);
            if (name.n > 0) {
                line_str(l, " ");
                line_text(l, name, NAME_COLUMNS);
            }
            line_end(l);
        }
    }
}

void trace_time(char out[TRACE_TIME_BYTES], double epoch)
{
    time_t second = (time_t)floor(epoch);
    struct tm tm;
    if (isfinite(epoch) && localtime_r(&second, &tm) != NULL)
        snprintf(out, TRACE_TIME_BYTES, "%02d:%02d:%02d.%03d", tm.tm_hour,
                 tm.tm_min, tm.tm_sec, (int)((epoch - floor(epoch)) * 1000));
    else
        snprintf(out, TRACE_TIME_BYTES, "--:--:--");
}

struct slice trace_path_of(struct slice url)
{
    const char *host = memmem(url.p, url.n, "://", 3);
    if (host == NULL)
        return url;
    host += 3;
    size_t left = (size_t)(url.p + url.n - host);
    const char *path = left > 0 ? memchr(host, '/', left) : NULL;
    return path == NULL ? SLICE("/")
                        : slice_of(path, (size_t)(url.p + url.n - path));
}

/* A text stands in quotes there: it is read like a member. */
struct slice trace_text(struct slice value, struct arena *a)
{
    struct buf object;
    buf_init(&object, value.n + 16);
    buf_printf(&object, "{\"n\":%.*s}", SLICE_ARG(value));
    struct slice text = elements_member(buf_slice(&object), "n", a);
    char *kept = arena_dup(a, text);
    buf_fini(&object);
    return slice_of(kept, kept == NULL ? 0 : text.n);
}

/* The status of HTTP, or what class it is. */
static void print_status(struct line *l, struct slice row, struct arena *a)
{
    struct slice class = elements_member(row, "class", a);
    struct slice status = elements_member(row, "status", a);
    if (is_true(row, "in_progress", a)) {
        line_colour(l, LINE_RUNNING);
        line_str(l, MARK_RUNNING);
    } else {
        line_colour(l, colour_of(class));
        if (slice_is(class, "throttle"))
            class = SLICE("thr");
        else if (slice_is(class, "error"))
            class = SLICE("err");
        else if (slice_is(class, "fault"))
            class = SLICE("flt");
        line_text(l, slice_is(status, "null") ? class : status, 3);
    }
    line_colour(l, LINE_PLAIN);
}

/* Method and path; what was asked without HTTP goes by its name. */
static void print_request(struct line *l, struct slice row, struct arena *a)
{
    struct slice method = elements_member(row, "method", a);
    struct slice path = trace_path_of(elements_member(row, "url", a));
    unsigned begun = l->column;
    if (method.n == 0 && path.n == 0)
        path = elements_member(row, "name", a);
    if (method.n > 0) {
        line_text(l, method, 8);
        line_to(l, begun + 5);
    }
    line_text(l, path, REQUEST_COLUMNS - 7);
}

static void print_through(struct line *l, struct slice row, struct arena *a)
{
    struct slice rest = elements_member(row, "through", a), name;
    unsigned begun = l->column;
    for (bool first = true; elements_next(&rest, &name); first = false) {
        unsigned used = l->column - begun;
        if (used + 4 > THROUGH_COLUMNS)
            break;
        if (!first)
            line_str(l, MARK_INTO);
        line_text(l, trace_text(name, a), THROUGH_COLUMNS - used - 3);
    }
}

static enum line_colour colour_of(struct slice class)
{
    return slice_is(class, "fault")      ? LINE_FAULT
           : slice_is(class, "throttle") ? LINE_THROTTLE
           : slice_is(class, "error")    ? LINE_ERROR
                                         : LINE_OK;
}

static bool is_true(struct slice object, const char *key, struct arena *a)
{
    return slice_is(elements_member(object, key, a), "true");
}

/* Of each row: how long none of its children ran; -1: it has none, or runs. */
static const double *own_times(struct slice rows, struct arena *a)
{
    struct slice rest = rows, row;
    size_t n = 0;
    while (elements_next(&rest, &row))
        n++;
    struct covered *c = cover(rows, n, a);
    double *own = arena_alloc(a, n * sizeof(*own) + 1);
    if (c == NULL || own == NULL)
        return NULL;
    for (size_t i = 0; i < n; i++)
        own[i] = c[i].parted && c[i].end >= 0
                     ? fmax(c[i].end - c[i].start - c[i].time, 0)
                     : -1;
    return own;
}

static struct covered *cover(struct slice rows, size_t n, struct arena *a)
{
    struct covered *c = arena_alloc(a, n * sizeof(*c) + 1);
    struct slice row;
    for (size_t i = 0; c != NULL && elements_next(&rows, &row); i++) {
        double start = elements_number(row, "start", 0, a);
        double end = elements_number(row, "end", -1, a);
        double parent = elements_number(row, "parent", -1, a);
        c[i] = (struct covered){.start = start, .end = end, .until = start};
        if (parent < 0 || parent >= (double)i)
            continue;
        struct covered *up = &c[(size_t)parent];
        double from = fmax(start, up->until), to = fmin(end, up->end);
        up->parted = true;
        if (to > from) {
            up->time += to - from;
            up->until = to;
        }
    }
    return c;
}

static void print_span(struct line *l, struct slice span, double own,
                       struct slice trace, struct arena *a)
{
    double start = elements_number(trace, "start", 0, a);
    double end = start + elements_number(trace, "duration", 0, a);
    double depth = elements_number(span, "depth", 0, a);
    double from = elements_number(span, "start", start, a);
    double to = elements_number(span, "end", -1, a);
    struct slice class = elements_member(span, "class", a);
    struct slice message = elements_member(span, "message", a);
    struct slice operation = elements_member(span, "operation", a);
    bool inferred = slice_is(elements_member(span, "kind", a), "inferred");
    unsigned indent =
        2 + 2 * (unsigned)fmin(fmax(depth, 0), DEPTH_SHOWN_MAX / 2);
    line_to(l, indent);
    if (inferred)
        line_colour(l, LINE_DIM);
    line_text(l, elements_member(span, "name", a), NAME_COLUMNS - indent);
    if (operation.n > 0 && l->column + 3 < NAME_COLUMNS) {
        line_str(l, " ");
        line_text(l, operation, NAME_COLUMNS - l->column);
    }
    line_colour(l, LINE_PLAIN);
    line_to(l, AT_DURATION);
    if (to < 0)
        line_str(l, " running");
    else
        line_seconds(l, to - from, 8);
    line_to(l, AT_OWN);
    if (own >= 0) {
        line_colour(l, LINE_DIM);
        line_seconds(l, own, 8);
        line_colour(l, LINE_PLAIN);
    }
    line_to(l, AT_BAR);
    line_colour(l, inferred ? LINE_DIM : colour_of(class));
    print_bar(l, from - start, (to < 0 ? end : to) - start, end - start);
    if (is_true(span, "orphan", a))
        line_str(l, "  waits for its parent");
    if (message.n > 0) {
        line_str(l, "  " MARK_FAILED);
        line_text(l, message, 0);
    }
    line_end(l);
}

/* As many columns as it took of the whole. */
static void print_bar(struct line *l, double from, double to, double length)
{
    unsigned width = BAR_COLUMNS;
    if (l->width > 0 && l->width < AT_BAR + BAR_COLUMNS)
        width = l->width > AT_BAR + 8 ? l->width - AT_BAR : 8;
    double scale = length > 0 ? width / length : 0;
    unsigned begin = (unsigned)fmin(fmax(from * scale, 0), width - 1);
    unsigned end = (unsigned)fmin(fmax(to * scale, begin + 1), width);
    for (unsigned i = 0; i < end; i++)
        line_str(l, i < begin ? " " : BAR);
}
