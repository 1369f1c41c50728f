/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `xray-relay diff A B`: the spans of two traces paired, with what each took
 * and what has changed; then the same by service.
 */
#include <math.h>
#include <stdio.h>

#include "cmd.h"
#include "local.h"
#include "local/elements.h"
#include "trace.h"

#define TIMEOUT_MS 60000
#define ARENA_MAX (256u << 20)
#define LEAST_S 0.0005 /* a difference that is shown */
enum {
    NAME_COLUMNS = 46,
    AT_A = 48,
    AT_B = 58,
    AT_MORE = 68,
    AT_STATES = 80,
    TIME_COLUMNS = 8,
};

static int print_answer(struct local *l, bool json);
static void print_head(struct line *l, const char *mark, struct slice row,
                       struct arena *a);
static void print_row(struct line *l, struct slice row, struct arena *a);
static void print_node(struct line *l, struct slice node, struct arena *a);
static void print_times(struct line *l, double a, double b);
static void print_states(struct line *l, struct slice x, struct slice y,
                         struct arena *a);
static void print_state(struct line *l, struct slice span, struct arena *a);

int cmd_diff(struct config *c)
{
    struct local l;
    int status = EXIT_FAILED;
    char *const *words = config_words(c);
    if (words[0] == NULL || words[1] == NULL || words[2] != NULL)
        fprintf(stderr, "xray-relay diff: which two traces? (ids of "
                        "`xray-relay ls`)\n");
    else if (local_open_reader(&l, "diff", c)) {
        local_path(&l, "/api/diff");
        local_param(&l, "a", words[0]);
        local_param(&l, "b", words[1]);
        if (local_send(&l, "GET", SLICE(""), TIMEOUT_MS) == 200)
            status = print_answer(&l, config_flag(c, "json") != NULL);
        else
            status = local_complain(&l);
        local_close(&l);
    }
    config_free(c);
    return status;
}

static int print_answer(struct local *l, bool json)
{
    struct arena a;
    struct line line;
    struct slice whole = buf_slice(&l->answer), rest, one;
    if (json) {
        printf("%.*s\n", SLICE_ARG(whole));
        return fflush(stdout) == 0 ? 0 : EXIT_FAILED;
    }
    arena_init(&a, ARENA_MAX);
    line_init(&line);
    print_head(&line, "a ", elements_member(whole, "a", &a), &a);
    print_head(&line, "b ", elements_member(whole, "b", &a), &a);
    line_end(&line);
    line_to(&line, AT_A + TIME_COLUMNS - 1);
    line_str(&line, "a");
    line_to(&line, AT_B + TIME_COLUMNS - 1);
    line_str(&line, "b");
    line_end(&line);
    rest = elements_member(whole, "rows", &a);
    while (elements_next(&rest, &one))
        print_row(&line, one, &a);
    line_end(&line);
    rest = elements_member(whole, "nodes", &a);
    while (elements_next(&rest, &one))
        print_node(&line, one, &a);
    line_fini(&line);
    arena_fini(&a);
    return fflush(stdout) == 0 ? 0 : EXIT_FAILED;
}

static void print_head(struct line *l, const char *mark, struct slice row,
                       struct arena *a)
{
    line_str(l, mark);
    trace_print_row(l, row, false, a);
}

/* "-" is in a only, "+" in b only, "~" has another state. */
static void print_row(struct line *l, struct slice row, struct arena *a)
{
    struct slice change = elements_member(row, "change", a);
    struct slice x = elements_member(row, "a", a);
    struct slice y = elements_member(row, "b", a);
    double depth = elements_number(row, "depth", 0, a);
    unsigned indent = 2 + 2 * (unsigned)fmin(fmax(depth, 0), 16);
    bool added = slice_is(change, "added");
    bool removed = slice_is(change, "removed");
    bool changed = slice_is(change, "changed");
    line_colour(l, added     ? LINE_OK
                   : removed ? LINE_DIM
                   : changed ? LINE_ERROR
                             : LINE_PLAIN);
    line_str(l, added ? "+" : removed ? "-" : changed ? "~" : " ");
    line_to(l, indent);
    line_text(l, elements_member(row, "name", a), NAME_COLUMNS - indent);
    print_times(l, added ? NAN : elements_number(x, "duration", -1, a),
                removed ? NAN : elements_number(y, "duration", -1, a));
    if (changed)
        print_states(l, x, y, a);
    line_end(l);
}

static void print_node(struct line *l, struct slice node, struct arena *a)
{
    struct slice x = elements_member(node, "a", a);
    struct slice y = elements_member(node, "b", a);
    double calls[] = {elements_number(x, "calls", 0, a),
                      elements_number(y, "calls", 0, a)};
    char text[80];
    line_to(l, 2);
    line_text(l, elements_member(node, "name", a), NAME_COLUMNS - 2);
    print_times(l, calls[0] > 0 ? elements_number(x, "time", 0, a) : NAN,
                calls[1] > 0 ? elements_number(y, "time", 0, a) : NAN);
    line_to(l, AT_STATES);
    snprintf(text, sizeof(text), "calls %.0f, %.0f", calls[0], calls[1]);
    line_str(l, text);
    line_end(l);
}

/* NaN: not there; negative: running. */
static void print_times(struct line *l, double a, double b)
{
    double more = b - a;
    line_to(l, AT_A);
    if (a < 0)
        line_str(l, " running");
    else if (!isnan(a))
        line_seconds(l, a, TIME_COLUMNS);
    line_to(l, AT_B);
    if (b < 0)
        line_str(l, " running");
    else if (!isnan(b))
        line_seconds(l, b, TIME_COLUMNS);
    if (a < 0 || b < 0 || isnan(more) || fabs(more) < LEAST_S)
        return;
    line_to(l, AT_MORE);
    line_str(l, more > 0 ? "+" : "-");
    line_seconds(l, fabs(more), 0);
}

static void print_states(struct line *l, struct slice x, struct slice y,
                         struct arena *a)
{
    line_to(l, AT_STATES);
    print_state(l, x, a);
    line_str(l, " \xe2\x86\x92 "); /* an arrow */
    print_state(l, y, a);
}

static void print_state(struct line *l, struct slice span, struct arena *a)
{
    struct slice status = elements_member(span, "status", a);
    line_text(l, elements_member(span, "class", a), 0);
    if (status.n > 0 && !slice_is(status, "null")) {
        line_str(l, " ");
        line_text(l, status, 0);
    }
}
