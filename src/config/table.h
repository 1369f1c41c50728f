/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One row an option: what the parser, --help, conf/xray-relay.yaml,
 * docs/OPTIONS.md and the XRAY_RELAY_… variables are made of. The rows are in
 * rows.c. Private to config/.
 */
#ifndef XR_CONFIG_TABLE_H
#define XR_CONFIG_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum option_type {
    OPTION_TEXT,
    OPTION_BOOL,
    OPTION_INT,
    OPTION_LIST,
    OPTION_ACTION, /* a flag without a value in struct options */
};

/* Marks of a row. */
enum {
    ROW_DAEMON = 1, /* the X-Ray daemon's own: empty or 0 in a file = default */
    ROW_URL = 2,    /* may hold a password: masked when shown */
    ROW_LENIENT = 4, /* an unknown word is a warning, not an error */
};

struct option_row {
    const char *key;       /* path in cfg.yaml; NULL: not in the file */
    char short_flag;       /* 0: none */
    const char *long_flag; /* NULL: none */
    const char *usage;     /* the sentence of --help */
    enum option_type type;
    unsigned marks;
    size_t offset;            /* in struct options */
    const char *fallback;     /* default, as a variable would give it */
    int64_t min, max;         /* of OPTION_INT */
    const char *unit;         /* NULL: none */
    const char *const *words; /* allowed texts, NULL-ended; NULL: any */
    const char *daemon_env;   /* variables that the daemon reads, or NULL */
    const char *help;         /* for the sample file and the manual */
};

#define OPTION_ROWS_MAX 64
#define OPTION_ENV_MAX 64

extern const struct option_row option_rows[];
extern const size_t option_rows_n;

/* Index of the row with this key or flag (either form, no dashes); -1. */
int option_find_key(const char *key);
int option_find_flag(const char *name);
/* Is path a section, a proper prefix of keys? */
bool option_is_section(const char *path);
/* XRAY_RELAY_SOCKET_UDP_ADDRESS of Socket.UDPAddress. */
void option_env_name(const char *key, char out[OPTION_ENV_MAX]);
/* Nearest known key to an unknown one, NULL if none is near. */
const char *option_nearest_key(const char *key);
/* Distance of two words in edits; a change of case costs nothing. */
unsigned word_distance(const char *a, const char *b);
/* Is a distance near enough to suggest the word? */
bool word_is_near(unsigned distance, const char *word);

#endif
