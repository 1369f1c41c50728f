/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Puts the configuration together from its sources, weakest first, and says
 * what is wrong with it in the way that the X-Ray daemon does: one line and
 * the usage for a bad command line (status 2), log lines on stderr for the
 * rest (status 1). Opens no socket and reads no credential.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "subcommand.h"
#include "xr/log.h"

enum { PRINT_BYTES_MAX = 1024 * 1024 };

extern char **environ;

static void load(struct config *c, struct config_result *out);
static struct config *config_new(int argc, char **argv);
static bool print_and_end(struct config *c);
static void config_fill(struct config *c);
static void apply_defaults(struct config *c);
static void report_usage(const struct config *c, const struct err *err);
static void report_faults(const struct config *c);
static void print_usage(const struct config *c);
static void print_help_of(const struct config *c);
static void put_out(struct buf *b);

struct config *config_load(int argc, char **argv, struct config_result *out)
{
    struct config *c = config_new(argc, argv);

    *out = (struct config_result){0};
    if (!c)
        return NULL;
    load(c, out);
    if (!out->done)
        return c;
    config_free(c);
    return NULL;
}

struct config *config_reload(const struct config *old, struct err *err)
{
    struct config *c = config_new(old->argc, old->argv);

    if (!c) {
        err_set(err, "no memory");
        return NULL;
    }
    if (args_read(c, err) == 0) {
        config_fill(c);
        if (c->errors.n == 0)
            return c;
        err_set(err, "%s", c->errors.first->text);
    }
    config_free(c);
    return NULL;
}

void config_free(struct config *c)
{
    if (!c)
        return;
    arena_fini(&c->arena);
    free(c);
}

const struct options *config_options(const struct config *c)
{
    return &c->options;
}

char *const *config_words(const struct config *c)
{
    return c->args.words;
}

const char *config_flag(const struct config *c, const char *name)
{
    const char *text = NULL;

    for (const struct given *g = c->args.first; g; g = g->next)
        if (strcmp(g->name, name) == 0)
            text = g->text;
    const struct sub_flag *f = subcommand_find_flag(c->args.sub, name);
    if (text && f && f->type == OPTION_BOOL && strcmp(text, "false") == 0)
        return NULL;
    return text;
}

void config_warnings(const struct config *c,
                     void (*fn)(void *arg, const char *text), void *arg)
{
    for (const struct note *n = c->warnings.first; n; n = n->next)
        fn(arg, n->text);
}

static void load(struct config *c, struct config_result *out)
{
    struct err err;

    if (args_read(c, &err) != 0) {
        report_usage(c, &err);
        *out = (struct config_result){.exit_code = 2, .done = true};
        return;
    }
    if (c->args.sub)
        out->command = c->args.sub->command;
    out->done = print_and_end(c);
    if (out->done)
        return;
    config_fill(c);
    if (c->errors.n > 0) {
        report_faults(c);
        out->exit_code = 1;
        out->done = true;
    }
}

static struct config *config_new(int argc, char **argv)
{
    struct config *c = calloc(1, sizeof(*c));

    if (!c)
        return NULL;
    arena_init(&c->arena, CONFIG_BYTES_MAX);
    c->argc = argc;
    c->argv = argv;
    c->environment = environ;
    return c;
}

struct config *config_new_default(int argc, char **argv)
{
    struct config *c = config_new(argc, argv);

    if (c)
        apply_defaults(c);
    return c;
}

/* --help, --version and the like need no configuration, so that a broken file
 * cannot stop them. */
static bool print_and_end(struct config *c)
{
    const struct subcommand *sub = c->args.sub;

    if (c->args.help) {
        print_usage(c);
        return true;
    }
    if (c->args.version) {
        printf("AWS X-Ray daemon version: %s\n", XR_VERSION);
        return true;
    }
    if (sub && sub->command == COMMAND_VERSION) {
        printf("xray-relay %s\n", XR_VERSION);
        return true;
    }
    if (sub && sub->command == COMMAND_HELP) {
        print_help_of(c);
        return true;
    }
    struct buf b;
    buf_init(&b, PRINT_BYTES_MAX);
    if (config_flag(c, "sample"))
        config_sample(&b);
    else if (config_flag(c, "manual"))
        config_manual(&b);
    bool printed = b.n > 0;
    put_out(&b);
    return printed;
}

/* `idle` must come up whatever the file says. */
static void config_fill(struct config *c)
{
    apply_defaults(c);
    if (c->args.sub && !c->args.sub->configured)
        return;
    env_apply_daemon(c);
    file_apply(c);
    env_apply_own(c);
    args_apply(c);
    check_options(c);
}

static void apply_defaults(struct config *c)
{
    struct value v;
    struct err err;

    for (size_t i = 0; i < option_rows_n; i++) {
        const struct option_row *r = &option_rows[i];
        bool empty = r->type == OPTION_LIST || r->type == OPTION_ACTION;
        if (empty)
            continue;
        const char *text = r->fallback ? r->fallback : "";
        if (config_read_text(c, (int)i, text, &v, &err) == 0)
            (void)config_store(c, (int)i, &v, NULL);
    }
}

static void report_usage(const struct config *c, const struct err *err)
{
    fprintf(stderr, "%s\n", err->text);
    print_usage(c);
}

/* On stderr, and in the log file if one is set; in the log's own format. */
static void report_faults(const struct config *c)
{
    const char *file = c->options.log_file;

    log_to_stderr();
    for (const struct note *n = c->errors.first; n; n = n->next)
        log_error("%s", n->text);
    if (*file && log_open(file, false, NULL) == 0)
        for (const struct note *n = c->errors.first; n; n = n->next)
            log_error("%s", n->text);
    log_close();
}

static void print_usage(const struct config *c)
{
    struct buf b;

    buf_init(&b, PRINT_BYTES_MAX);
    if (c->args.sub)
        usage_subcommand(c->args.sub, &b);
    else
        usage_daemon(&b);
    put_out(&b);
}

static void print_help_of(const struct config *c)
{
    const char *word = c->args.words[0];
    const struct subcommand *sub = word ? subcommand_find(word) : NULL;
    struct buf b;

    buf_init(&b, PRINT_BYTES_MAX);
    if (sub)
        usage_subcommand(sub, &b);
    else
        usage_all(&b);
    put_out(&b);
}

/* Prints and frees. */
static void put_out(struct buf *b)
{
    if (b->n > 0)
        fwrite(b->p, 1, b->n, stdout);
    fflush(stdout);
    buf_fini(b);
}
