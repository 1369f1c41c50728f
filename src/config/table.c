/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Look-ups in the option rows: by key, by flag, by what was probably meant.
 * Knows no single option.
 */
#include "table.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static unsigned key_distance(const char *wanted, const char *key);
static const char *last_part(const char *key);

int option_find_key(const char *key)
{
    for (size_t i = 0; i < option_rows_n; i++)
        if (option_rows[i].key && strcmp(option_rows[i].key, key) == 0)
            return (int)i;
    return -1;
}

int option_find_flag(const char *name)
{
    for (size_t i = 0; i < option_rows_n; i++) {
        const struct option_row *r = &option_rows[i];
        bool is_short = r->short_flag && name[0] == r->short_flag && !name[1];
        if (is_short || (r->long_flag && strcmp(r->long_flag, name) == 0))
            return (int)i;
    }
    return -1;
}

bool option_is_section(const char *path)
{
    size_t n = strlen(path);

    for (size_t i = 0; i < option_rows_n; i++) {
        const char *key = option_rows[i].key;
        if (key && strncmp(key, path, n) == 0 && key[n] == '.')
            return true;
    }
    return false;
}

/* A word begins where a small letter is followed by a capital, and at the
 * last of several capitals if a small letter follows: U-D-P|A-ddress. */
void option_env_name(const char *key, char out[OPTION_ENV_MAX])
{
    size_t n = (size_t)snprintf(out, OPTION_ENV_MAX, "XRAY_RELAY_");

    for (const char *p = key; *p && n < OPTION_ENV_MAX - 2; p++) {
        bool inside = p > key && *p != '.' && p[-1] != '.';
        if (inside && isupper((unsigned char)*p) &&
            (islower((unsigned char)p[-1]) || islower((unsigned char)p[1])))
            out[n++] = '_';
        out[n++] = *p == '.' ? '_' : (char)toupper((unsigned char)*p);
    }
    out[n] = '\0';
}

const char *option_nearest_key(const char *key)
{
    const char *best = NULL;
    unsigned least = ~0U;

    for (size_t i = 0; i < option_rows_n; i++) {
        if (!option_rows[i].key)
            continue;
        unsigned d = key_distance(key, option_rows[i].key);
        if (d < least) {
            least = d;
            best = option_rows[i].key;
        }
    }
    return best && word_is_near(least, last_part(key)) ? best : NULL;
}

unsigned word_distance(const char *a, const char *b)
{
    enum { LONGEST = 64 };
    unsigned row[LONGEST + 1];
    size_t na = strlen(a), nb = strlen(b);

    if (na > LONGEST || nb > LONGEST)
        return LONGEST;
    for (size_t j = 0; j <= nb; j++)
        row[j] = (unsigned)j;
    for (size_t i = 1; i <= na; i++) {
        unsigned corner = row[0];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= nb; j++) {
            bool same = tolower((unsigned char)a[i - 1]) ==
                        tolower((unsigned char)b[j - 1]);
            unsigned cost = corner + !same;
            corner = row[j];
            if (row[j] + 1 < cost)
                cost = row[j] + 1;
            if (row[j - 1] + 1 < cost)
                cost = row[j - 1] + 1;
            row[j] = cost;
        }
    }
    return row[nb];
}

bool word_is_near(unsigned distance, const char *word)
{
    return distance <= 1 + strlen(word) / 4;
}

/* A key in the wrong section is near too, one edit further off. */
static unsigned key_distance(const char *wanted, const char *key)
{
    unsigned whole = word_distance(wanted, key);
    unsigned part = word_distance(last_part(wanted), last_part(key)) + 1;

    return whole < part ? whole : part;
}

static const char *last_part(const char *key)
{
    const char *dot = strrchr(key, '.');

    return dot ? dot + 1 : key;
}
