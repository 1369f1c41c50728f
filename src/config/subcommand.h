/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The subcommands: a row each, with rows for the flags that they have beyond
 * the daemon's. Private to config/.
 */
#ifndef XR_CONFIG_SUBCOMMAND_H
#define XR_CONFIG_SUBCOMMAND_H

#include "table.h"
#include "xr/options.h"

struct sub_flag {
    const char *name; /* without dashes */
    enum option_type type;
    const char *argument; /* name of its value in the help; NULL: boolean */
    const char *key;      /* option that it sets; NULL: config_flag() only */
    bool prints;          /* prints something and ends: no file is read */
    const char *help;
};

struct subcommand {
    const char *name;
    enum command command;
    const char *words; /* words behind the flags in the help; NULL: none */
    bool configured;   /* takes the daemon's flags and reads the file */
    bool offline;      /* never calls AWS */
    const char *help;
    const struct sub_flag *flags; /* ended by a row without a name; or NULL */
};

const struct subcommand *subcommand_find(const char *name);
/* Nearest name to a word that is none; NULL if none is near. */
const char *subcommand_nearest(const char *word);
const struct sub_flag *subcommand_find_flag(const struct subcommand *s,
                                            const char *name);
/* The 14 lines of the daemon's --help. */
void usage_daemon(struct buf *out);
/* Help of one subcommand. */
void usage_subcommand(const struct subcommand *s, struct buf *out);
/* `xray-relay help`: all of it. */
void usage_all(struct buf *out);

#endif
