/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `xray-relay wait FILTER`: for tests. 0: enough traces match; 1: not in time,
 * and what came nearest; 2: the filter is wrong. --none turns it round;
 * --assert reads a list of such questions and writes JUnit XML.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "cmd.h"
#include "local.h"
#include "local/elements.h"
#include "trace.h"

#define TIMEOUT "10s"
#define SPARE_MS 310000 /* the server ends it long before */
#define FILE_MAX (1u << 20)
#define REPORT_MAX_BYTES (64u << 20)

/* One question: texts as parameters of /api/wait; NULL: not given. */
struct question {
    const char *filter, *timeout, *count, *since, *settle;
    bool none;
    double max_duration; /* negative: any */
};

static int ask(struct local *l, const struct question *q);
static int judge(struct local *l, const struct question *q);
static void show_nearest(struct local *l);
static void show_terms(struct slice closest, struct arena *a);
static void show_tree(struct local *l, const char *id);
static int mark(struct local *l);
static int assert_file(struct local *l, const struct config *c,
                       const char *name);
static bool read_file(const char *name, struct buf *out);
static unsigned assert_one(struct local *l, const struct config *c,
                           struct slice object, struct buf *xml);
static const char *member_text(struct slice object, const char *key,
                               struct arena *a);
static void describe(struct local *l, const struct question *q, int verdict,
                     struct buf *out);
static void xml_text(struct buf *out, const char *text);
static int write_report(const struct config *c, const struct buf *cases,
                        unsigned n, unsigned failed);

int cmd_wait(struct config *c)
{
    struct local l;
    int status = EXIT_FAILED;
    const char *file = config_flag(c, "assert");
    bool json = config_flag(c, "json") != NULL;
    struct question q = {.filter = config_words(c)[0],
                         .timeout = config_flag(c, "timeout"),
                         .count = config_flag(c, "count"),
                         .since = config_flag(c, "since"),
                         .settle = config_flag(c, "settle"),
                         .none = config_flag(c, "none") != NULL,
                         .max_duration = -1};
    if (!local_open(&l, "wait", c)) {
        config_free(c);
        return EXIT_FAILED;
    }
    if (config_flag(c, "mark") != NULL) {
        status = mark(&l);
    } else if (file != NULL) {
        status = assert_file(&l, c, file);
    } else {
        status = ask(&l, &q);
        if (status == EXIT_MATCHED && !q.none)
            trace_print_list(buf_slice(&l.answer), json);
        else if (status == EXIT_FAILED && q.none && l.status == 200)
            trace_print_list(buf_slice(&l.answer), json);
        else if (status == EXIT_FAILED && l.status == 408)
            show_nearest(&l);
    }
    local_close(&l);
    config_free(c);
    return status;
}

static int ask(struct local *l, const struct question *q)
{
    local_path(l, "/api/wait");
    local_param(l, "filter", q->filter);
    local_param(l, "timeout", q->timeout == NULL ? TIMEOUT : q->timeout);
    local_param(l, "count", q->count);
    local_param(l, "since", q->since);
    local_param(l, "settle", q->settle);
    local_send(l, "GET", SLICE(""), SPARE_MS);
    return judge(l, q);
}

static int judge(struct local *l, const struct question *q)
{
    struct arena a;
    struct slice rows, row;
    int status = EXIT_MATCHED;
    if (l->status != 200 && l->status != 408)
        return local_complain(l);
    if ((l->status == 200) == q->none)
        return EXIT_FAILED;
    arena_init(&a, ANSWER_MAX_BYTES);
    rows = elements_member(buf_slice(&l->answer), "traces", &a);
    while (q->max_duration >= 0 && elements_next(&rows, &row))
        if (elements_number(row, "duration", 0, &a) > q->max_duration)
            status = EXIT_FAILED;
    arena_fini(&a);
    return status;
}

/* What was asked, part by part, of the trace that fulfils most of it. */
static void show_nearest(struct local *l)
{
    struct arena a;
    char id[64] = "";
    arena_init(&a, ANSWER_MAX_BYTES);
    struct slice answer = buf_slice(&l->answer);
    struct slice closest = elements_member(answer, "closest", &a);
    struct slice row = elements_member(closest, "trace", &a);
    struct slice text = elements_member(row, "id", &a);
    printf("Not in time: %.0f traces were seen, %.0f matched.\n",
           elements_number(answer, "seen", 0, &a),
           elements_number(answer, "matched", 0, &a));
    if (text.n > 0 && text.n < sizeof(id)) {
        memcpy(id, text.p, text.n);
        puts("The nearest:");
        show_terms(closest, &a);
    }
    arena_fini(&a);
    if (id[0] != '\0')
        show_tree(l, id);
}

static void show_terms(struct slice closest, struct arena *a)
{
    struct line line;
    struct slice terms = elements_member(closest, "terms", a), term;
    line_init(&line);
    while (elements_next(&terms, &term)) {
        bool holds = slice_is(elements_member(term, "holds", a), "true");
        struct slice found = elements_member(term, "found", a);
        line_colour(&line, holds ? LINE_OK : LINE_FAULT);
        line_str(&line, holds ? "  yes  " : "  no   ");
        line_colour(&line, LINE_PLAIN);
        line_text(&line, elements_member(term, "text", a), 0);
        if (!holds) {
            line_str(&line, "   has: ");
            line_text(&line, found.n > 0 ? found : SLICE("nothing"), 0);
        }
        line_end(&line);
    }
    line_fini(&line);
}

static void show_tree(struct local *l, const char *id)
{
    struct arena a;
    struct line line;
    local_path(l, "/api/traces/");
    buf_str(&l->path, id);
    local_param(l, "documents", "0");
    if (local_send(l, "GET", SLICE(""), SPARE_MS) != 200)
        return;
    arena_init(&a, 256u << 20);
    line_init(&line);
    trace_print_tree(&line, buf_slice(&l->answer), &a);
    line_fini(&line);
    arena_fini(&a);
}

static int mark(struct local *l)
{
    struct arena a;
    local_path(l, "/api/mark");
    if (local_send(l, "POST", SLICE("{}"), SPARE_MS) != 200)
        return local_complain(l);
    arena_init(&a, 1 << 16);
    struct slice text = elements_member(buf_slice(&l->answer), "mark", &a);
    printf("%.*s\n", SLICE_ARG(text));
    arena_fini(&a);
    return 0;
}

/* [{"name", "filter", "count", "max_duration", "none", "timeout"}] */
static int assert_file(struct local *l, const struct config *c,
                       const char *name)
{
    struct buf text, xml;
    struct slice list, one;
    unsigned n = 0, failed = 0;
    buf_init(&text, FILE_MAX);
    buf_init(&xml, REPORT_MAX_BYTES);
    if (!read_file(name, &text)) {
        local_say(l, "%s: %s", name, strerror(errno));
        buf_fini(&text);
        return EXIT_FAILED;
    }
    list = buf_slice(&text);
    while (elements_next(&list, &one)) {
        n++;
        failed += assert_one(l, c, one, &xml);
    }
    int status = write_report(c, &xml, n, failed);
    buf_fini(&text);
    buf_fini(&xml);
    return failed > 0 || n == 0 ? EXIT_FAILED : status;
}

static bool read_file(const char *name, struct buf *out)
{
    FILE *f = fopen(name, "r");
    if (f == NULL)
        return false;
    char *p = buf_reserve(out, FILE_MAX / 2);
    if (p != NULL)
        out->n = fread(p, 1, FILE_MAX / 2, f);
    bool good = p != NULL && !ferror(f);
    fclose(f);
    return good;
}

/* Gives 1 if it failed. */
static unsigned assert_one(struct local *l, const struct config *c,
                           struct slice object, struct buf *xml)
{
    struct arena a;
    arena_init(&a, 1 << 20);
    const char *name = member_text(object, "name", &a);
    const char *timeout = member_text(object, "timeout", &a);
    struct question q = {
        .filter = member_text(object, "filter", &a),
        .count = member_text(object, "count", &a),
        .timeout = timeout != NULL ? timeout : config_flag(c, "timeout"),
        .since = config_flag(c, "since"),
        .settle = config_flag(c, "settle"),
        .max_duration = elements_number(object, "max_duration", -1, &a)};
    const char *none = member_text(object, "none", &a);
    q.none = (none != NULL && strcmp(none, "true") == 0) ||
             (q.count != NULL && strcmp(q.count, "0") == 0);
    if (q.none)
        q.count = NULL;
    if (name == NULL)
        name = q.filter != NULL ? q.filter : "every trace";
    int verdict = ask(l, &q);
    double waited =
        l->status < 0 ? 0
                      : elements_number(buf_slice(&l->answer), "waited", 0, &a);
    buf_str(xml, "  <testcase classname=\"xray-relay\" name=\"");
    xml_text(xml, name);
    buf_printf(xml, "\" time=\"%.3f\"", waited);
    if (verdict == EXIT_MATCHED) {
        buf_str(xml, "/>\n");
    } else {
        buf_str(xml, ">\n    <failure message=\"");
        describe(l, &q, verdict, xml);
        buf_str(xml, "\"/>\n  </testcase>\n");
    }
    fprintf(stderr, "%s  %s\n", verdict == EXIT_MATCHED ? "ok    " : "failed",
            name);
    arena_fini(&a);
    return verdict != EXIT_MATCHED;
}

/* A text or number as text; NULL if there is none. */
static const char *member_text(struct slice object, const char *key,
                               struct arena *a)
{
    struct slice s = elements_member(object, key, a);
    return s.n == 0 || slice_is(s, "null") ? NULL : arena_dup(a, s);
}

static void describe(struct local *l, const struct question *q, int verdict,
                     struct buf *out)
{
    struct arena a;
    char text[300];
    arena_init(&a, ANSWER_MAX_BYTES);
    struct slice answer = buf_slice(&l->answer);
    if (verdict == EXIT_BAD_FILTER)
        snprintf(text, sizeof(text), "the filter is wrong");
    else if (l->status == 200 && q->none)
        snprintf(text, sizeof(text), "a trace matches");
    else if (l->status == 200)
        snprintf(text, sizeof(text), "a trace took more than %g s",
                 q->max_duration);
    else if (l->status == 408)
        snprintf(text, sizeof(text), "%.0f traces seen, %.0f matched",
                 elements_number(answer, "seen", 0, &a),
                 elements_number(answer, "matched", 0, &a));
    else
        snprintf(text, sizeof(text), "no answer from %s", l->base);
    xml_text(out, text);
    if (q->filter != NULL) {
        buf_str(out, ": ");
        xml_text(out, q->filter);
    }
    arena_fini(&a);
}

/* Control characters are not allowed in XML at all. */
static void xml_text(struct buf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (strchr("<>&\"'", *text) != NULL)
            buf_printf(out, "&#%d;", *text);
        else
            buf_byte(out, (unsigned char)*text < 0x20 ? ' ' : *text);
    }
}

static int write_report(const struct config *c, const struct buf *cases,
                        unsigned n, unsigned failed)
{
    const char *name = config_flag(c, "junit");
    FILE *f = name == NULL ? stdout : fopen(name, "w");
    if (f == NULL) {
        fprintf(stderr, "xray-relay wait: %s: %s\n", name, strerror(errno));
        return EXIT_FAILED;
    }
    fprintf(f,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
            "<testsuite name=\"xray-relay wait\" tests=\"%u\" "
            "failures=\"%u\">\n%.*s</testsuite>\n",
            n, failed, (int)cases->n, cases->n > 0 ? cases->p : "");
    bool good = fflush(f) == 0;
    if (f != stdout)
        fclose(f);
    return good ? 0 : EXIT_FAILED;
}
