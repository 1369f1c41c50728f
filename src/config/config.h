/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration while it is made: the options, where each value came
 * from, and what there is to say about it. Private to config/.
 *
 * Sources are applied from the weakest to the strongest: default, the daemon's
 * environment, file, XRAY_RELAY_ variables, flags.
 */
#ifndef XR_CONFIG_CONFIG_H
#define XR_CONFIG_CONFIG_H

#include "table.h"
#include "xr/arena.h"
#include "xr/options.h"

#define CONFIG_BYTES_MAX (16 * 1024 * 1024)
#define CONFIG_NOTES_MAX 100

struct note {
    struct note *next;
    const char *text;
};

struct notes {
    struct note *first, *last;
    struct note spare; /* says that memory ran out */
    unsigned n;
};

/* A value on its way into an option; which member counts, its type says. */
struct value {
    bool yes;
    int64_t number;
    const char *text;
    struct text_list list;
};

/* A flag as it was given. */
struct given {
    struct given *next;
    int row;          /* of option_rows, or -1 */
    const char *name; /* without dashes */
    const char *text; /* value; "true" or "false" of a boolean */
};

struct subcommand;

/* The command line, read but not yet applied. */
struct args {
    const struct subcommand *sub; /* NULL: the daemon */
    struct given *first, *last;
    char **words; /* NULL-ended */
    size_t n_words;
    const char *config_file; /* -c; NULL or "": search */
    bool help, version;
};

struct config {
    struct options options;
    struct arena arena;
    int argc;
    char **argv;
    char **environment;
    struct args args;
    const char *origin[OPTION_ROWS_MAX]; /* NULL: default */
    const char *file;                    /* read, or NULL */
    bool file_named;                     /* by -c: faults are errors */
    struct notes warnings, errors;
};

/* Texts for the person who starts us; cut at 500 bytes, at most
 * CONFIG_NOTES_MAX of them. */
void config_warn(struct config *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void config_fault(struct config *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* A fault of the file if it was named, else a warning. */
void config_stray(struct config *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Copies into the config's memory; "" when that is used up. */
const char *config_text(struct config *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Adds a copy of item. */
void config_list_add(struct config *c, struct text_list *list,
                     const char *item);

/* Stores a value with its origin ("c.yaml:3", "flag -b"). -1 if it is out of
 * the row's range, then a fault is noted. */
int config_store(struct config *c, int row, const struct value *v,
                 const char *origin);
/* Reads a text as variables give it: booleans also as yes/no/on/off, lists
 * parted by commas. -1: not of the row's type. */
int config_read_text(struct config *c, int row, const char *text,
                     struct value *out, struct err *err);
/* The effective value as text; secrets are masked. */
void config_show(const struct config *c, int row, struct buf *out);

/* args.c: 0, or -1 with the one line for stderr; usage follows then. */
int args_read(struct config *c, struct err *err);
void args_apply(struct config *c);
/* env.c */
void env_apply_daemon(struct config *c);
void env_apply_own(struct config *c);
const char *env_get(const struct config *c, const char *name);
/* file.c: finds the file (by search unless named), reads and applies it. */
void file_apply(struct config *c);
/* The same for one file; it need not be there. */
void file_apply_path(struct config *c, const char *path, bool must_be);
/* For a text that is no file; name is what messages call it. */
void file_apply_text(struct config *c, const char *name, struct slice text);
/* config.c: an empty one, with the defaults of the rows. NULL: no memory. */
struct config *config_new_default(int argc, char **argv);
/* cfg.c and collector.c */
struct tree_node;
void cfg_apply(struct config *c, const struct tree_node *root);
/* Stores a node of the file as an option; path is what the file calls it. */
void cfg_store_node(struct config *c, int row, const struct tree_node *n,
                    const char *path);
bool collector_is(const struct tree_node *root);
void collector_apply(struct config *c, struct tree_node *root);
/* processors.c: is the component mapped there? Maps those that the traces
 * pipeline names. */
bool processors_take(const char *section, const char *name);
void processors_apply(struct config *c, const struct tree_node *root);
/* exporters.c: the same for exporters but awsxray. And: does such an exporter
 * name the extension? */
bool exporters_take(const char *section, const char *name);
void exporters_apply(struct config *c, const struct tree_node *root);
bool exporters_name_extension(const struct tree_node *root, const char *name);
/* check.c: what holds for the whole, not for one value. */
void check_options(struct config *c);

#endif
