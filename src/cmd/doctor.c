/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `xray-relay doctor`: what reached which listener, and why documents were
 * refused. Reads like the page's Live view.
 */
#include <stdio.h>

#include "cmd.h"
#include "local.h"
#include "local/elements.h"
#include "text.h"

#define TIMEOUT_MS 10000

struct doctor {
    struct line line;
    struct arena arena;
    struct slice live; /* the answer */
    double now;
};

static void examine(struct doctor *d);
static void show_store(struct doctor *d);
static void show_listeners(struct doctor *d);
static void show_refused(struct doctor *d);
static void show_samplers(struct doctor *d);
static void check(struct doctor *d, bool well, const char *text);
static void show_ago(struct doctor *d, double time);

int cmd_doctor(struct config *c)
{
    struct local l;
    int status = 0;
    if (!local_open(&l, "doctor", c)) {
        config_free(c);
        return EXIT_FAILED;
    }
    local_path(&l, "/api/live");
    if (local_send(&l, "GET", SLICE(""), TIMEOUT_MS) == 200) {
        struct doctor d = {.live = buf_slice(&l.answer)};
        arena_init(&d.arena, ANSWER_MAX_BYTES);
        line_init(&d.line);
        examine(&d);
        line_fini(&d.line);
        arena_fini(&d.arena);
    } else {
        status = local_complain(&l);
    }
    local_close(&l);
    config_free(c);
    return status;
}

static void examine(struct doctor *d)
{
    char text[128];
    struct arena *a = &d->arena;
    struct slice version = elements_member(d->live, "version", a);
    d->now = elements_number(d->live, "now", 0, a);
    line_str(&d->line, "xray-relay ");
    line_text(&d->line, version, 20);
    line_str(&d->line, " runs");
    line_end(&d->line);
    show_store(d);
    double refused = elements_number(d->live, "refused", 0, a);
    snprintf(text, sizeof(text), "%.0f documents refused", refused);
    check(d, refused == 0, refused == 0 ? "No document was refused" : text);
    show_listeners(d);
    show_refused(d);
    show_samplers(d);
}

static void show_store(struct doctor *d)
{
    char text[256];
    struct arena *a = &d->arena;
    struct slice store = elements_member(d->live, "store", a);
    struct slice message = elements_member(store, "message", a);
    bool well = slice_is(elements_member(store, "state", a), "ok");
    snprintf(text, sizeof(text),
             "Store: %.0f traces, %.0f documents, %.1f of %.0f MB",
             elements_number(d->live, "traces", 0, a),
             elements_number(d->live, "documents", 0, a),
             elements_number(store, "bytes", 0, a) / 1048576,
             elements_number(store, "limit_bytes", 0, a) / 1048576);
    check(d, well, text);
    if (message.n > 0) {
        line_str(&d->line, "     ");
        line_text(&d->line, message, 0);
        line_end(&d->line);
    }
}

static void show_listeners(struct doctor *d)
{
    char text[160];
    struct arena *a = &d->arena;
    struct slice list = elements_member(d->live, "listeners", a), one;
    while (elements_next(&list, &one)) {
        double last = elements_number(one, "last", 0, a);
        double lost = elements_number(one, "lost", 0, a);
        line_str(&d->line, "  ");
        line_text(&d->line, elements_member(one, "name", a), 20);
        line_to(&d->line, 20);
        line_text(&d->line, elements_member(one, "protocol", a), 6);
        line_str(&d->line, " ");
        line_text(&d->line, elements_member(one, "address", a), 30);
        line_to(&d->line, 48);
        snprintf(text, sizeof(text),
                 "%.0f packets, %.0f documents, %.0f refused, last ",
                 elements_number(one, "packets", 0, a),
                 elements_number(one, "documents", 0, a),
                 elements_number(one, "refused", 0, a));
        line_str(&d->line, text);
        show_ago(d, last);
        line_end(&d->line);
        snprintf(text, sizeof(text),
                 "%.0f datagrams were lost by the kernel: raise "
                 "net.core.rmem_max",
                 lost);
        if (lost > 0)
            check(d, false, text);
    }
}

static void show_refused(struct doctor *d)
{
    struct arena *a = &d->arena;
    struct slice list = elements_member(d->live, "refused_documents", a), one;
    while (elements_next(&list, &one)) {
        line_str(&d->line, "  refused ");
        show_ago(d, elements_number(one, "time", 0, a));
        line_str(&d->line, ": ");
        line_colour(&d->line, LINE_ERROR);
        line_text(&d->line, elements_member(one, "code", a), 30);
        line_colour(&d->line, LINE_PLAIN);
        line_str(&d->line, "  ");
        line_text(&d->line, elements_member(one, "hint", a), 80);
        line_end(&d->line);
        line_str(&d->line, "      ");
        line_text(&d->line, elements_member(one, "text", a), 100);
        line_end(&d->line);
    }
}

static void show_samplers(struct doctor *d)
{
    char text[100];
    struct arena *a = &d->arena;
    struct slice list = elements_member(d->live, "samplers", a), one;
    while (elements_next(&list, &one)) {
        line_str(&d->line, "  sampler ");
        line_text(&d->line, elements_member(one, "client", a), 40);
        snprintf(text, sizeof(text), ": rules %.0f, targets %.0f, last ",
                 elements_number(one, "rules", 0, a),
                 elements_number(one, "targets", 0, a));
        line_str(&d->line, text);
        show_ago(d, elements_number(one, "last", 0, a));
        line_end(&d->line);
    }
}

static void check(struct doctor *d, bool well, const char *text)
{
    line_colour(&d->line, well ? LINE_OK : LINE_ERROR);
    line_str(&d->line, well ? "  ok  " : "  !   ");
    line_colour(&d->line, LINE_PLAIN);
    line_str(&d->line, text);
    line_end(&d->line);
}

static void show_ago(struct doctor *d, double time)
{
    if (time <= 0) {
        line_str(&d->line, "never");
        return;
    }
    line_seconds(&d->line, d->now > time ? d->now - time : 0, 0);
    line_str(&d->line, " ago");
}
