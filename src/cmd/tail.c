/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `xray-relay tail [FILTER]`: a line for each trace when it has settled: its
 * entry is complete and nothing came for a while. What changes later is
 * printed again. A lost connection is made anew, and nothing missed as long as
 * the server remembers. Where nothing listens, it starts who does.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd.h"
#include "events.h"
#include "local.h"
#include "local/elements.h"
#include "trace.h"

#define QUIET_MS 300
#define RUNNING_MS 10000 /* an entry that runs longer is shown as it is */
#define AGAIN_MS 1000
#define TIMEOUT_MS 60000
#define WAITING_MAX 2048
#define PRINTED_MAX 8192 /* a power of two */

/* A trace that has not settled yet. */
struct waiting {
    uint64_t key;
    char *row;
    size_t n;
    int64_t changed_ms, begun_ms;
    bool running, again;
};

struct tail {
    struct local *local;
    struct line line;
    struct arena arena;
    struct timer *timer;
    struct events events;
    struct waiting waiting[WAITING_MAX];
    size_t n_waiting;
    uint64_t printed[PRINTED_MAX]; /* hashes of ids */
    bool tree, json, fail;
    bool failed; /* a fault came, and --fail is on */
};

static pid_t start_child(struct config *c, int (*serve)(struct config *c));
static bool show_greeting(int fd);
static int tail(struct config *c, bool *nobody);
static void follow(struct tail *t, const char *filter);
static bool show_since(struct tail *t, const char *filter, const char *since);
static void pause_then_on(struct tail *t);
static void end_pause(void *arg);
static void on_data(void *arg, struct slice data);
static void on_event(void *arg, struct slice name, struct slice data);
static void on_trace(struct tail *t, struct slice row);
static struct waiting *waiting_of(struct tail *t, uint64_t key);
static void on_timer(void *arg);
static void print(struct tail *t, struct waiting *w);
static void print_row(struct tail *t, struct slice row, bool again);
static void ask_tree(struct tail *t, struct slice id);
static void on_tree(void *arg, const struct client_answer *a);
static bool remember(struct tail *t, uint64_t key);
static uint64_t hash_of(struct slice s);

int cmd_tail(struct config *c, int (*serve)(struct config *c))
{
    bool nobody = false;
    int status = tail(c, &nobody);
    pid_t child = nobody ? start_child(c, serve) : 0;
    if (child > 0) {
        status = tail(c, &nobody);
        kill(child, SIGTERM);
        waitpid(child, NULL, 0);
    }
    config_free(c);
    return status;
}

/* Returns when it listens; -1: it does not, and has said why. */
static pid_t start_child(struct config *c, int (*serve)(struct config *c))
{
    int greeting[2];
    pid_t parent = getpid();
    if (pipe(greeting) != 0)
        return -1;
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        dup2(greeting[1], STDOUT_FILENO);
        close(greeting[0]);
        close(greeting[1]);
        exit(getppid() == parent ? serve(c) : 1);
    }
    close(greeting[1]);
    bool listens = child > 0 && show_greeting(greeting[0]);
    close(greeting[0]);
    if (child > 0 && !listens)
        waitpid(child, NULL, 0);
    return listens ? child : -1;
}

/* Says where to send to, beside the traces. */
static bool show_greeting(int fd)
{
    char text[1024];
    ssize_t n;
    bool any = false;
    while ((n = read(fd, text, sizeof(text))) > 0) {
        fwrite(text, 1, (size_t)n, stderr);
        any = true;
    }
    return any;
}

/* *nobody: nothing listens there; not a word has been said of it. */
static int tail(struct config *c, bool *nobody)
{
    struct local l;
    struct tail *t = calloc(1, sizeof(*t));
    const char *filter = config_words(c)[0];
    if (t == NULL || !local_open(&l, "tail", c)) {
        free(t);
        return EXIT_FAILED;
    }
    t->local = &l;
    l.quiet = true;
    t->tree = config_flag(c, "tree") != NULL;
    t->json = config_flag(c, "json") != NULL;
    t->fail = config_flag(c, "fail") != NULL;
    t->timer = timer_new(l.loop, on_timer, t);
    arena_init(&t->arena, ANSWER_MAX_BYTES);
    events_init(&t->events, on_event, t);
    line_init(&t->line);
    if (show_since(t, filter, config_flag(c, "since")))
        follow(t, filter);
    *nobody = l.refused && t->events.last[0] == '\0';
    int status = t->failed ? EXIT_FAILED : local_complain(&l);
    timer_free(t->timer);
    for (size_t i = 0; i < t->n_waiting; i++)
        free(t->waiting[i].row);
    line_fini(&t->line);
    events_fini(&t->events);
    arena_fini(&t->arena);
    local_close(&l);
    free(t);
    return status;
}

/* Until the first connection fails, or a later one is refused for a reason. */
static void follow(struct tail *t, const char *filter)
{
    struct local *l = t->local;
    l->arg = t;
    l->on_data = on_data;
    for (;;) {
        local_path(l, "/api/events");
        local_param(l, "filter", filter);
        local_param(l, "last",
                    t->events.last[0] != '\0' ? t->events.last : NULL);
        events_begin(&t->events);
        l->quiet = t->events.last[0] == '\0';
        int status = local_send(l, "GET", SLICE(""), 0);
        if (t->failed || status > 200 ||
            (status < 0 && t->events.last[0] == '\0'))
            return;
        pause_then_on(t);
        if (t->failed)
            return;
    }
}

/* False: it is no time, or the filter is wrong. since NULL: none of them. */
static bool show_since(struct tail *t, const char *filter, const char *since)
{
    struct slice rows, row, list[1000];
    size_t n = 0;
    char start[64];
    if (since == NULL)
        return true;
    snprintf(start, sizeof(start), "-%.60s", since);
    local_path(t->local, "/api/traces");
    local_param(t->local, "filter", filter);
    local_param(t->local, "start", start);
    local_param(t->local, "limit", "1000");
    int status = local_send(t->local, "GET", SLICE(""), TIMEOUT_MS);
    if (status != 200)
        return status < 0;
    rows = elements_member(buf_slice(&t->local->answer), "traces", &t->arena);
    while (n < 1000 && elements_next(&rows, &row))
        list[n++] = row;
    while (n > 0)
        print_row(t, list[--n], false);
    fflush(stdout);
    return true;
}

static void pause_then_on(struct tail *t)
{
    struct timer *end = timer_new(t->local->loop, end_pause, t);
    timer_start(end, AGAIN_MS);
    loop_run(t->local->loop);
    timer_free(end);
}

static void end_pause(void *arg)
{
    struct tail *t = arg;
    loop_stop(t->local->loop);
}

static void on_data(void *arg, struct slice data)
{
    struct tail *t = arg;
    events_take(&t->events, data);
}

static void on_event(void *arg, struct slice name, struct slice data)
{
    struct tail *t = arg;
    arena_reset(&t->arena);
    if (slice_is(name, "trace"))
        on_trace(t, elements_member(data, "trace", &t->arena));
}

static void on_trace(struct tail *t, struct slice row)
{
    struct slice id = elements_member(row, "id", &t->arena);
    struct slice running = elements_member(row, "in_progress", &t->arena);
    struct waiting *w = waiting_of(t, hash_of(id));
    free(w->row);
    w->row = malloc(row.n + 1);
    if (w->row == NULL)
        abort();
    memcpy(w->row, row.p, row.n);
    w->n = row.n;
    w->changed_ms = loop_now_ms(t->local->loop);
    w->running = slice_is(running, "true");
    if (!timer_running(t->timer))
        timer_start(t->timer, QUIET_MS);
}

/* When there are too many, the oldest is printed as it is. */
static struct waiting *waiting_of(struct tail *t, uint64_t key)
{
    for (size_t i = 0; i < t->n_waiting; i++)
        if (t->waiting[i].key == key)
            return &t->waiting[i];
    if (t->n_waiting == WAITING_MAX) {
        print(t, &t->waiting[0]);
        t->waiting[0] = t->waiting[--t->n_waiting];
    }
    struct waiting *w = &t->waiting[t->n_waiting++];
    *w = (struct waiting){.key = key, .begun_ms = loop_now_ms(t->local->loop)};
    return w;
}

static void on_timer(void *arg)
{
    struct tail *t = arg;
    int64_t now = loop_now_ms(t->local->loop);
    size_t kept = 0;
    for (size_t i = 0; i < t->n_waiting; i++) {
        struct waiting *w = &t->waiting[i];
        bool settled = w->running ? now - w->begun_ms >= RUNNING_MS
                                  : now - w->changed_ms >= QUIET_MS;
        if (settled)
            print(t, w);
        else
            t->waiting[kept++] = *w;
    }
    t->n_waiting = kept;
    fflush(stdout);
    if (kept > 0)
        timer_start(t->timer, QUIET_MS / 3);
    if (t->failed)
        loop_stop(t->local->loop);
}

static void print(struct tail *t, struct waiting *w)
{
    struct slice row = slice_of(w->row, w->n);
    arena_reset(&t->arena);
    bool again = remember(t, w->key);
    print_row(t, row, again);
    free(w->row);
    w->row = NULL;
}

static void print_row(struct tail *t, struct slice row, bool again)
{
    struct slice class = elements_member(row, "class", &t->arena);
    if (t->json)
        printf("%.*s\n", SLICE_ARG(row));
    else if (t->tree)
        ask_tree(t, elements_member(row, "id", &t->arena));
    else
        trace_print_row(&t->line, row, again, &t->arena);
    if (t->fail && slice_is(class, "fault"))
        t->failed = true;
}

/* The tree is asked for beside the stream. */
static void ask_tree(struct tail *t, struct slice id)
{
    struct client_request q = {.method = "GET", .timeout_ms = TIMEOUT_MS};
    local_path(t->local, "/api/traces/");
    buf_append(&t->local->path, id);
    local_param(t->local, "documents", "0");
    (void)local_start(t->local, &q, on_tree, t);
}

static void on_tree(void *arg, const struct client_answer *a)
{
    struct tail *t = arg;
    struct arena arena;
    if (a->outcome != CLIENT_ANSWERED || a->status != 200)
        return;
    arena_init(&arena, 256u << 20);
    trace_print_tree(&t->line, a->body, &arena);
    arena_fini(&arena);
    fflush(stdout);
}

/* Whether it was there; an older one may have taken the place of another. */
static bool remember(struct tail *t, uint64_t key)
{
    uint64_t *place = &t->printed[key & (PRINTED_MAX - 1)];
    bool known = *place == key;
    *place = key;
    return known;
}

static uint64_t hash_of(struct slice s)
{
    uint64_t h = 14695981039346656037u;
    for (size_t i = 0; i < s.n; i++)
        h = (h ^ (unsigned char)s.p[i]) * 1099511628211u;
    return h;
}
