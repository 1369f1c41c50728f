/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log: one line per event, `2006-01-02T15:04:05Z07:00 [Level] text`, as the
 * X-Ray daemon writes it, to stdout or only to a file with rotation at 50 MiB
 * (NAME.1 kept). Control bytes in text are made visible, a line is cut at
 * 4 KiB, secrets and payloads are never passed in. Level, form and file are
 * global.
 */
#ifndef XR_LOG_H
#define XR_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "xr/err.h"

enum log_level {
    LOG_LEVEL_DEV, /* the daemon's word; as debug, nothing is below */
    LOG_LEVEL_DEBUG,
    LOG_LEVEL_INFO, /* "info" and "prod" */
    LOG_LEVEL_WARN,
    LOG_LEVEL_ERROR,
};

/* The daemon's words (Logging.LogLevel), any case; false for an unknown one. */
bool log_level_parse(const char *word, enum log_level *out);
void log_set_level(enum log_level level);
/* path NULL or "": stdout. Makes missing folders. -1: the file cannot be made;
 * logging then goes on to stderr. */
int log_open(const char *path, bool rotate, struct err *err);
/* Lines go to stderr: faults before the log is known. */
void log_to_stderr(void);
/* Lines are JSON objects with timestamp, level and message. */
void log_set_json(bool json);
/* Opens the same path again (after SIGHUP). */
int log_reopen(struct err *err);
void log_close(void);

void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Logs as an error and exits with 1: only while starting. */
void log_fatal(const char *fmt, ...)
    __attribute__((format(printf, 1, 2), noreturn));

/* Bounds a kind of message, zeroed at first and kept by who logs it. True when
 * `every_ms` has passed since the last one; then *missed (may be NULL) counts
 * those held back in between. */
struct log_limit {
    int64_t last_ms;
    uint64_t held;
};
bool log_limit_pass(struct log_limit *l, int64_t now_ms, int64_t every_ms,
                    uint64_t *missed);

#endif
