/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `xray-relay tui [FILTER]`: traces in panes of a terminal, live. Ties what is
 * shown (tui.h) to the terminal (screen.h) and to local mode (tui_ask.h).
 */
#include "tui.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "cmd.h"
#include "local.h"
#include "screen.h"
#include "tui_ask.h"

#define TIMEOUT_MS 60000
#define PAINT_MS 20 /* what changes in that time is drawn at once */

struct terminal {
    struct loop *loop;
    struct tui tui;
    struct tui_ask ask;
    struct canvas canvas;
    struct timer *paint;
    int ended_by; /* a signal; 0: none */
};

static int run(struct local *l, const char *filter);
static bool is_local_mode(struct local *l);
static void begin(struct terminal *t, struct local *l, const char *filter);
static void watch_signals(struct terminal *t);
static void on_input(void *arg, int fd, bool readable, bool writable);
static void on_changed(void *arg);
static void on_paint(void *arg);
static void on_int(void *arg);
static void on_term(void *arg);
static void on_hup(void *arg);
static void on_resize(void *arg);

int cmd_tui(struct config *c)
{
    struct local l;
    struct err err;
    int status = EXIT_FAILED;
    if (!screen_is_there(&err)) {
        fprintf(stderr, "xray-relay tui: %s\n", err.text);
    } else if (local_open_reader(&l, "tui", c)) {
        if (is_local_mode(&l))
            status = run(&l, config_words(c)[0]);
        local_close(&l);
    }
    config_free(c);
    if (status > 128) {
        signal(status - 128, SIG_DFL);
        raise(status - 128);
    }
    return status;
}

/* Whether it answers; where nobody listens, the store's file is read. */
static bool is_local_mode(struct local *l)
{
    local_path(l, "/api/health");
    if (local_send(l, "GET", SLICE(""), TIMEOUT_MS) == 200)
        return true;
    local_complain(l);
    return false;
}

/* As a shell has it: 128 and the signal that ended it. */
static int run(struct local *l, const char *filter)
{
    struct err err;
    struct terminal terminal = {0}, *t = &terminal;
    if (!screen_open(&err)) {
        local_say(l, "%s", err.text);
        return EXIT_FAILED;
    }
    begin(t, l, filter);
    struct watch *input = watch_new(l->loop, STDIN_FILENO, on_input, t);
    on_paint(t);
    loop_run(l->loop);
    watch_free(input);
    timer_free(t->paint);
    ask_fini(&t->ask);
    tui_fini(&t->tui);
    canvas_fini(&t->canvas);
    screen_close();
    return t->ended_by == 0 ? 0 : 128 + t->ended_by;
}

static void begin(struct terminal *t, struct local *l, const char *filter)
{
    t->loop = l->loop;
    tui_init(&t->tui);
    t->tui.link = l->offline != NULL ? LINK_FILE : LINK_LIVE;
    snprintf(t->tui.where, sizeof(t->tui.where), "%s",
             l->offline != NULL ? "the store's file" : l->base);
    if (filter != NULL) {
        edit_set(&t->tui.edit, filter);
        t->tui.wants |= WANT_FILTER;
    }
    ask_init(&t->ask, l, &t->tui);
    t->ask.changed = on_changed;
    t->ask.arg = t;
    t->paint = timer_new(l->loop, on_paint, t);
    watch_signals(t);
}

static void watch_signals(struct terminal *t)
{
    loop_on_signal(t->loop, SIGINT, on_int, t);
    loop_on_signal(t->loop, SIGTERM, on_term, t);
    loop_on_signal(t->loop, SIGHUP, on_hup, t);
    loop_on_signal(t->loop, SIGWINCH, on_resize, t);
}

/* A terminal that has gone away is readable for ever. */
static void on_input(void *arg, int fd, bool readable, bool writable)
{
    struct terminal *t = arg;
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    int key;
    (void)readable;
    (void)writable;
    while ((key = screen_key()) != SCREEN_NONE)
        tui_key(&t->tui, key);
    bool gone = poll(&poll_fd, 1, 0) > 0 &&
                (poll_fd.revents & (POLLHUP | POLLERR | POLLNVAL)) != 0;
    if (t->tui.quit || gone)
        loop_stop(t->loop);
    else
        on_paint(t);
}

static void on_changed(void *arg)
{
    struct terminal *t = arg;
    if (!timer_running(t->paint))
        timer_start(t->paint, PAINT_MS);
}

/* How much is seen decides about what is asked for. */
static void on_paint(void *arg)
{
    struct terminal *t = arg;
    unsigned width, height;
    screen_size(&width, &height);
    if (canvas_begin(&t->canvas, width, height)) {
        tui_draw(&t->tui, &t->canvas);
        screen_show(&t->canvas);
    }
    ask_run(&t->ask);
}

static void end_by(struct terminal *t, int signo)
{
    t->ended_by = signo;
    loop_stop(t->loop);
}

static void on_int(void *arg)
{
    end_by(arg, SIGINT);
}

static void on_term(void *arg)
{
    end_by(arg, SIGTERM);
}

static void on_hup(void *arg)
{
    end_by(arg, SIGHUP);
}

static void on_resize(void *arg)
{
    on_changed(arg);
}
