/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values of options as flags and environment variables write them: the
 * literals of the Go daemon's flags, and URLs as its parser judges them.
 * Pure. Private to config/.
 */
#ifndef XR_CONFIG_VALUE_H
#define XR_CONFIG_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "xr/err.h"

enum value_verdict {
    VALUE_GOOD,
    VALUE_SYNTAX,
    VALUE_RANGE,
};

enum value_underscore {
    VALUE_GO_UNDERSCORE,  /* only between digits, as in Go */
    VALUE_ANY_UNDERSCORE, /* ignored, as in YAML 1.1 */
};

/* An integer literal with sign: 16, 0x10, 0b1, 0o17, 017. */
enum value_verdict value_parse_int(const char *s, enum value_underscore u,
                                   int64_t *out);
/* 1 t T true True TRUE and the same for false. */
bool value_parse_bool(const char *s, bool *out);
/* A duration as Go writes it, 1m30s or 200ms; a bare 0 too. Milliseconds,
 * rounded up. */
bool value_parse_duration(const char *s, int64_t *ms);
/* Would the Go daemon take this text as a URL? -1 with its reason. */
int value_check_url(const char *url, struct err *err);
/* A host name as far as its letters go. */
bool value_is_host(const char *s);
/* Copies a URL with the password, or a user name standing alone, as "***". */
void value_mask_url(const char *url, char *out, size_t cap);

#endif
