/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line by the rules of Go's flag package, which the X-Ray daemon
 * uses: one or two dashes alike, -x v and -x=v, no bundles, booleans take a
 * value only by =, the first word that is no flag ends it, the last of a
 * repeated flag wins. Reading comes before the file (it may name one), applying
 * after it.
 */
#include <stdio.h>
#include <string.h>

#include "config.h"
#include "subcommand.h"
#include "value.h"

enum { FLAG_NAME_MAX = 64 };

/* A flag taken apart. */
struct flag {
    char name[FLAG_NAME_MAX];
    const char *value; /* behind =, or NULL */
    int row;           /* of the option that it sets, or -1 */
    const struct sub_flag *sub;
    enum option_type type;
};

static int read_flag(struct config *c, int *i, struct err *err);
static int split(const char *arg, struct flag *f, struct err *err);
static int resolve(struct config *c, struct flag *f, struct err *err);
static int refuse_unknown(const struct config *c, const char *name,
                          struct err *err);
static int check_value(const struct flag *f, struct err *err);
static int keep(struct config *c, const struct flag *f, struct err *err);
static int rest_of_words(struct config *c, int i, struct err *err);
static void warn_ignored(struct config *c, int i);
static void apply_one(struct config *c, const struct given *g);
static void apply_list(struct config *c, const struct given *g);
static void apply_port(struct config *c, const struct given *g);
static bool is_flag(const char *arg);
static bool is_healthcheck(const char *program);

int args_read(struct config *c, struct err *err)
{
    struct args *a = &c->args;
    int i = 1;

    a->words =
        arena_alloc(&c->arena, ((size_t)c->argc + 1) * sizeof(*a->words));
    if (!a->words)
        return err_set(err, "command line too long");
    a->words[0] = NULL;
    if (c->argc > 1)
        a->sub = subcommand_find(c->argv[1]);
    if (a->sub)
        i = 2;
    else if (c->argc > 0 && is_healthcheck(c->argv[0]))
        a->sub = subcommand_find("healthcheck");
    while (i < c->argc && !a->help) {
        if (strcmp(c->argv[i], "--") == 0) {
            i++;
            break;
        }
        if (is_flag(c->argv[i])) {
            if (read_flag(c, &i, err) != 0)
                return -1;
        } else if (a->sub && a->sub->words) {
            a->words[a->n_words++] = c->argv[i++];
            a->words[a->n_words] = NULL;
        } else if (!a->sub && subcommand_find(c->argv[i])) {
            /* Behind flags, as of an image's ENTRYPOINT. */
            a->sub = subcommand_find(c->argv[i++]);
        } else {
            break;
        }
    }
    return a->help ? 0 : rest_of_words(c, i, err);
}

void args_apply(struct config *c)
{
    for (const struct given *g = c->args.first; g; g = g->next) {
        if (strcmp(g->name, "port") == 0)
            apply_port(c, g);
        else if (g->row >= 0 && option_rows[g->row].type == OPTION_LIST)
            apply_list(c, g);
        else if (g->row >= 0)
            apply_one(c, g);
    }
}

/* Reads the flag at argv[*i] and its value, and steps over both. */
static int read_flag(struct config *c, int *i, struct err *err)
{
    struct flag f;

    if (split(c->argv[(*i)++], &f, err) != 0 || resolve(c, &f, err) != 0)
        return -1;
    if (c->args.help)
        return 0;
    if (f.type != OPTION_BOOL && !f.value) {
        if (*i >= c->argc)
            return err_set(err, "flag needs an argument: -%s", f.name);
        f.value = c->argv[(*i)++];
    }
    return check_value(&f, err) == 0 ? keep(c, &f, err) : -1;
}

static int split(const char *arg, struct flag *f, struct err *err)
{
    const char *name = arg + (arg[1] == '-' ? 2 : 1);
    size_t n = strcspn(name, "=");

    if (n == 0 || name[0] == '-')
        return err_set(err, "bad flag syntax: %s", arg);
    *f = (struct flag){.row = -1, .value = name[n] ? name + n + 1 : NULL};
    snprintf(f->name, sizeof(f->name), "%.*s",
             (int)(n < sizeof(f->name) ? n : sizeof(f->name) - 1), name);
    return 0;
}

/* Which option is it? */
static int resolve(struct config *c, struct flag *f, struct err *err)
{
    const struct subcommand *sub = c->args.sub;
    int row = option_find_flag(f->name);
    bool daemons = !sub || sub->configured;

    f->sub = subcommand_find_flag(sub, f->name);
    if (f->sub) {
        f->type = f->sub->type;
        f->row = f->sub->key ? option_find_key(f->sub->key) : -1;
        return 0;
    }
    char letter = row >= 0 ? option_rows[row].short_flag : '\0';
    if (letter == 'h') {
        c->args.help = true;
        return 0;
    }
    if (row < 0 || !daemons)
        return refuse_unknown(c, f->name, err);
    f->row = row;
    f->type = option_rows[row].type;
    if (letter == 'v')
        f->type = OPTION_BOOL;
    return 0;
}

static int refuse_unknown(const struct config *c, const char *name,
                          struct err *err)
{
    const struct subcommand *sub = c->args.sub;
    const char *best = NULL;
    unsigned least = ~0U;

    for (size_t i = 0; i < option_rows_n; i++) {
        const char *known = option_rows[i].long_flag;
        unsigned d = known ? word_distance(name, known) : ~0U;
        if (d < least) {
            least = d;
            best = known;
        }
    }
    for (size_t i = 0; sub && sub->flags && sub->flags[i].name; i++) {
        unsigned d = word_distance(name, sub->flags[i].name);
        if (d < least) {
            least = d;
            best = sub->flags[i].name;
        }
    }
    if (!best || !name[1] || !word_is_near(least, best))
        return err_set(err, "flag provided but not defined: -%s", name);
    return err_set(err, "flag provided but not defined: -%s (nearest: --%s)",
                   name, best);
}

static int check_value(const struct flag *f, struct err *err)
{
    bool yes;
    int64_t number;
    enum value_verdict verdict;

    switch (f->type) {
    case OPTION_BOOL:
        if (!f->value || value_parse_bool(f->value, &yes))
            return 0;
        return err_set(err, "invalid boolean value \"%s\" for -%s: parse error",
                       f->value, f->name);
    case OPTION_INT:
        verdict = value_parse_int(f->value, VALUE_GO_UNDERSCORE, &number);
        if (verdict == VALUE_GOOD)
            return 0;
        return err_set(
            err, "invalid value \"%s\" for flag -%s: %s", f->value, f->name,
            verdict == VALUE_RANGE ? "value out of range" : "parse error");
    default:
        return 0;
    }
}

static int keep(struct config *c, const struct flag *f, struct err *err)
{
    struct args *a = &c->args;
    struct given *g = arena_alloc(&c->arena, sizeof(*g));
    char letter = f->row >= 0 ? option_rows[f->row].short_flag : '\0';
    bool yes = true;

    if (!g)
        return err_set(err, "command line too long");
    if (f->type == OPTION_BOOL && f->value)
        (void)value_parse_bool(f->value, &yes);
    *g = (struct given){
        .row = f->row,
        .name = config_text(c, "%s", f->name),
        .text = f->type == OPTION_BOOL ? (yes ? "true" : "false") : f->value,
    };
    if (letter == 'c')
        a->config_file = f->value;
    if (letter == 'v')
        a->version = yes;
    if (a->last)
        a->last->next = g;
    else
        a->first = g;
    a->last = g;
    return 0;
}

static int rest_of_words(struct config *c, int i, struct err *err)
{
    struct args *a = &c->args;

    if (i >= c->argc)
        return 0;
    if (!a->sub) {
        warn_ignored(c, i);
        return 0;
    }
    if (!a->sub->words)
        return err_set(err, "%s takes no word, but \"%.100s\" is there",
                       a->sub->name, c->argv[i]);
    while (i < c->argc)
        a->words[a->n_words++] = c->argv[i++];
    a->words[a->n_words] = NULL;
    return 0;
}

/* The daemon is silent here; who mistyped a subcommand should know. */
static void warn_ignored(struct config *c, int i)
{
    const char *word = c->argv[i], *before = c->argv[i - 1];
    const char *nearest = i == 1 ? subcommand_nearest(word) : NULL;

    if (i > 1 && strcmp(before, "--") != 0)
        config_warn(c,
                    "the command line ends at \"%.100s\", which is no flag: "
                    "%d word(s) from there on are ignored (a boolean flag "
                    "takes its value by =, as in -o=false)",
                    word, c->argc - i);
    else if (i == 1)
        config_warn(c,
                    "\"%.100s\" is no subcommand%s%s%s: it and all behind it "
                    "is ignored, the relay starts as the X-Ray daemon would",
                    word, nearest ? " (nearest: " : "", nearest ? nearest : "",
                    nearest ? ")" : "");
}

static void apply_one(struct config *c, const struct given *g)
{
    const char *origin =
        config_text(c, "flag %s%s", g->name[1] ? "--" : "-", g->name);
    struct value v = {.text = g->text, .yes = strcmp(g->text, "true") == 0};

    if (option_rows[g->row].type == OPTION_ACTION)
        return;
    if (option_rows[g->row].type == OPTION_INT)
        (void)value_parse_int(g->text, VALUE_GO_UNDERSCORE, &v.number);
    (void)config_store(c, g->row, &v, origin);
}

/* All of one list together, at its first flag. */
static void apply_list(struct config *c, const struct given *g)
{
    struct value v = {0};

    for (const struct given *o = c->args.first; o != g; o = o->next)
        if (o->row == g->row)
            return;
    for (const struct given *o = g; o; o = o->next)
        if (o->row == g->row)
            config_list_add(c, &v.list, o->text);
    (void)config_store(c, g->row, &v, config_text(c, "flag --%s", g->name));
}

/* --port N is both addresses, unless -b or -t says otherwise. */
static void apply_port(struct config *c, const struct given *g)
{
    static const char *const keys[] = {"Socket.UDPAddress",
                                       "Socket.TCPAddress"};
    int64_t port = 0;

    (void)value_parse_int(g->text, VALUE_GO_UNDERSCORE, &port);
    if (port < 1 || port > 65535) {
        config_fault(c, "flag --port: %s is no port (1 to 65535)", g->text);
        return;
    }
    struct value v = {.text = config_text(c, "127.0.0.1:%d", (int)port)};
    for (size_t i = 0; i < 2; i++) {
        int row = option_find_key(keys[i]);
        bool given = false;
        for (const struct given *o = c->args.first; o; o = o->next)
            given = given || o->row == row;
        if (!given)
            (void)config_store(c, row, &v, "flag --port");
    }
}

static bool is_flag(const char *arg)
{
    return arg[0] == '-' && arg[1] != '\0';
}

/* An image's health check is a copy of the program under this name. */
static bool is_healthcheck(const char *program)
{
    const char *slash = strrchr(program, '/');
    return strcmp(slash != NULL ? slash + 1 : program, "healthcheck") == 0;
}
