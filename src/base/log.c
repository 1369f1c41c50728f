/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log: formats a line on the stack and hands it to the kernel in one
 * write, so that lines of two threads or processes never mix. Rotates its own
 * file. Knows nothing of who logs.
 */
#include "xr/log.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "xr/json_out.h"

enum {
    LINE_MAX_BYTES = 4096,
    ROTATE_BYTES = 50 * 1024 * 1024,
    PATH_MAX_BYTES = 4096,
};

static enum log_level threshold = LOG_LEVEL_INFO;
static bool as_json;

/* Where lines go; the mutex keeps a rotation whole. */
static struct {
    pthread_mutex_t lock;
    int fd;
    bool is_file; /* fd is ours to close */
    bool rotate;  /* and a regular file that we may rename */
    off_t size;
    char path[PATH_MAX_BYTES];
} sink = {.lock = PTHREAD_MUTEX_INITIALIZER, .fd = STDOUT_FILENO};

static int sink_open(bool rotate, struct err *err);
static void sink_close(int next_fd);
static int make_parents(const char *path);
static void log_write(enum log_level level, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));
static size_t put_text(char *out, size_t cap, const char *level,
                       const char *text);
static size_t put_json(char *out, size_t cap, const char *level,
                       const char *text);
static size_t put_time(char *out, size_t cap);
static size_t put_visible(char *out, size_t cap, const char *text);
static void rotate_if_full(size_t more);
static void write_all(const char *p, size_t n);

bool log_level_parse(const char *word, enum log_level *out)
{
    static const struct {
        const char *word;
        enum log_level level;
    } words[] = {
        {"dev", LOG_LEVEL_DEV},   {"debug", LOG_LEVEL_DEBUG},
        {"info", LOG_LEVEL_INFO}, {"prod", LOG_LEVEL_INFO},
        {"warn", LOG_LEVEL_WARN}, {"error", LOG_LEVEL_ERROR},
    };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcasecmp(word, words[i].word) == 0) {
            *out = words[i].level;
            return true;
        }
    }
    return false;
}

void log_set_level(enum log_level level)
{
    threshold = level;
}

int log_open(const char *path, bool rotate, struct err *err)
{
    pthread_mutex_lock(&sink.lock);
    int rc = 0;
    if (!path || !*path) {
        sink.path[0] = '\0';
        sink_close(STDOUT_FILENO);
    } else if (strlen(path) >= sizeof(sink.path) - 2) {
        sink.path[0] = '\0';
        sink_close(STDERR_FILENO);
        rc = err_set(err, "log file name has more than %zu bytes",
                     sizeof(sink.path) - 3);
    } else {
        memmove(sink.path, path, strlen(path) + 1);
        rc = sink_open(rotate, err);
    }
    pthread_mutex_unlock(&sink.lock);
    return rc;
}

void log_to_stderr(void)
{
    pthread_mutex_lock(&sink.lock);
    sink.path[0] = '\0';
    sink_close(STDERR_FILENO);
    pthread_mutex_unlock(&sink.lock);
}

void log_set_json(bool json)
{
    as_json = json;
}

int log_reopen(struct err *err)
{
    pthread_mutex_lock(&sink.lock);
    int rc = sink.path[0] ? sink_open(sink.rotate, err) : 0;
    pthread_mutex_unlock(&sink.lock);
    return rc;
}

void log_close(void)
{
    pthread_mutex_lock(&sink.lock);
    sink.path[0] = '\0';
    sink_close(STDOUT_FILENO);
    pthread_mutex_unlock(&sink.lock);
}

#define LOG_BODY(level)                                                        \
    do {                                                                       \
        if (level >= threshold) {                                              \
            va_list ap;                                                        \
            va_start(ap, fmt);                                                 \
            log_write(level, fmt, ap);                                         \
            va_end(ap);                                                        \
        }                                                                      \
    } while (0)

void log_debug(const char *fmt, ...)
{
    LOG_BODY(LOG_LEVEL_DEBUG);
}

void log_info(const char *fmt, ...)
{
    LOG_BODY(LOG_LEVEL_INFO);
}

void log_warn(const char *fmt, ...)
{
    LOG_BODY(LOG_LEVEL_WARN);
}

void log_error(const char *fmt, ...)
{
    LOG_BODY(LOG_LEVEL_ERROR);
}

void log_fatal(const char *fmt, ...)
{
    LOG_BODY(LOG_LEVEL_ERROR);
    exit(1);
}

bool log_limit_pass(struct log_limit *l, int64_t now_ms, int64_t every_ms,
                    uint64_t *missed)
{
    if (l->last_ms != 0 && now_ms - l->last_ms < every_ms) {
        l->held++;
        return false;
    }
    if (missed)
        *missed = l->held;
    l->held = 0;
    l->last_ms = now_ms ? now_ms : 1; /* 0 means never */
    return true;
}

/* Opens sink.path; on failure lines go to stderr. */
static int sink_open(bool rotate, struct err *err)
{
    int fd = make_parents(sink.path);

    if (fd == 0)
        fd = open(sink.path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (fd < 0) {
        int why = errno;
        sink_close(STDERR_FILENO);
        return err_set(err, "cannot open log file %s: %s", sink.path,
                       strerror(why));
    }
    sink_close(fd);
    struct stat st;
    bool regular = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    sink.is_file = true;
    sink.rotate = rotate && regular;
    sink.size = regular ? st.st_size : 0;
    return 0;
}

static void sink_close(int next_fd)
{
    if (sink.is_file)
        close(sink.fd);
    sink.fd = next_fd;
    sink.is_file = false;
}

/* Makes the folders above path. */
static int make_parents(const char *path)
{
    char folder[PATH_MAX_BYTES];

    snprintf(folder, sizeof(folder), "%s", path);
    for (char *p = folder + 1; *p; p++) {
        if (*p != '/')
            continue;
        *p = '\0';
        if (mkdir(folder, 0755) != 0 && errno != EEXIST)
            return -1;
        *p = '/';
    }
    return 0;
}

static void log_write(enum log_level level, const char *fmt, va_list ap)
{
    static const char *const names[] = {
        [LOG_LEVEL_DEV] = "Trace",   [LOG_LEVEL_DEBUG] = "Debug",
        [LOG_LEVEL_INFO] = "Info",   [LOG_LEVEL_WARN] = "Warn",
        [LOG_LEVEL_ERROR] = "Error",
    };
    int saved = errno;
    char text[LINE_MAX_BYTES], line[LINE_MAX_BYTES];

    vsnprintf(text, sizeof(text), fmt, ap);
    size_t n = as_json ? put_json(line, sizeof(line) - 1, names[level], text)
                       : put_text(line, sizeof(line) - 1, names[level], text);
    line[n++] = '\n';

    pthread_mutex_lock(&sink.lock);
    rotate_if_full(n);
    write_all(line, n);
    pthread_mutex_unlock(&sink.lock);
    errno = saved;
}

static size_t put_text(char *out, size_t cap, const char *level,
                       const char *text)
{
    size_t n = put_time(out, cap);
    n += (size_t)snprintf(out + n, cap - n, " [%s] ", level);
    return n + put_visible(out + n, cap - n, text);
}

/* The members that Lambda's own lines in JSON have. */
static size_t put_json(char *out, size_t cap, const char *level,
                       const char *text)
{
    struct slice rest = slice_str(text);
    size_t n = (size_t)snprintf(out, cap, "{\"timestamp\":\"");
    n += put_time(out + n, cap - n);
    n += (size_t)snprintf(out + n, cap - n, "\",\"level\":\"%s\"", level);
    for (char *p = out + n - 2; *p != '"'; p--)
        *p = (char)toupper((unsigned char)*p);
    n += (size_t)snprintf(out + n, cap - n, ",\"message\":\"");
    n += json_escape(out + n, cap - n - 2, &rest);
    memcpy(out + n, "\"}", 2);
    return n + 2;
}

/* 2006-01-02T15:04:05Z07:00 in local time; Z for UTC. */
static size_t put_time(char *out, size_t cap)
{
    time_t now = time(NULL);
    struct tm tm;

    localtime_r(&now, &tm);
    size_t n = strftime(out, cap, "%Y-%m-%dT%H:%M:%S", &tm);
    long off = tm.tm_gmtoff / 60;
    if (off == 0) {
        out[n++] = 'Z';
        return n;
    }
    long mins = off < 0 ? -off : off;
    return n + (size_t)snprintf(out + n, cap - n, "%c%02ld:%02ld",
                                off < 0 ? '-' : '+', mins / 60, mins % 60);
}

/* Copies text with control bytes written \xNN, so that nobody forges a line or
 * steers a terminal. */
static size_t put_visible(char *out, size_t cap, const char *text)
{
    static const char digits[] = "0123456789abcdef";
    size_t n = 0;

    for (const char *p = text; *p && n + 4 <= cap; p++) {
        unsigned char c = (unsigned char)*p;
        if (c >= 0x20 && c != 0x7f) {
            out[n++] = *p;
        } else if (c == '\n' || c == '\t' || c == '\r') {
            out[n++] = '\\';
            out[n++] = c == '\n' ? 'n' : c == '\t' ? 't' : 'r';
        } else {
            out[n++] = '\\';
            out[n++] = 'x';
            out[n++] = digits[c >> 4];
            out[n++] = digits[c & 15];
        }
    }
    return n;
}

static void rotate_if_full(size_t more)
{
    char old[PATH_MAX_BYTES];

    if (!sink.is_file || !sink.rotate ||
        sink.size + (off_t)more <= (off_t)ROTATE_BYTES)
        return;
    snprintf(old, sizeof(old), "%.*s.1", (int)sizeof(old) - 3, sink.path);
    if (rename(sink.path, old) == 0)
        sink_open(true, NULL);
    else
        sink.size = 0; /* ask again after as many bytes, not at each line */
}

/* A full disk or a closed pipe loses lines, never the program. */
static void write_all(const char *p, size_t n)
{
    while (n > 0) {
        ssize_t k = write(sink.fd, p, n);
        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0)
            return;
        p += k;
        n -= (size_t)k;
        sink.size += (off_t)k;
    }
}
