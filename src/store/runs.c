/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One file for each start: names them after the time, lists those that are
 * there, and deletes the oldest when they are too old or too many bytes
 * together. Knows the files by their names only; what is in them is the
 * store's.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "worker.h"

#define PATH_MAX_BYTES 4096
#define NAME_FORM "%d-%d-%dT%d-%d-%dZ-%d.db%n"

static bool parse(const char *name, struct store_run *out);
static void add_log(int folder, struct store_run *r);
static int newest_first(const void *a, const void *b);
static bool is_open(const char *path);
static bool delete_run(const char *folder, const struct store_run *r);

int store_run_name(char *out, size_t size)
{
    time_t now = time(NULL);
    struct tm tm;
    if (!gmtime_r(&now, &tm))
        return -1;
    int n = snprintf(out, size, "%04d-%02d-%02dT%02d-%02d-%02dZ-%d.db",
                     tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
                     tm.tm_min, tm.tm_sec, (int)getpid());
    return n > 0 && (size_t)n < size ? 0 : -1;
}

size_t store_runs(const char *folder, struct store_run *out, size_t max)
{
    DIR *d = opendir(folder);
    size_t n = 0;
    struct stat st;
    for (struct dirent *e; d && n < max && (e = readdir(d));)
        if (parse(e->d_name, &out[n]) &&
            fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(st.st_mode)) {
            out[n].bytes = (uint64_t)st.st_size;
            out[n].written = (double)st.st_mtime;
            add_log(dirfd(d), &out[n++]);
        }
    if (d)
        closedir(d);
    if (n > 0)
        qsort(out, n, sizeof(*out), newest_first);
    return n;
}

/* What was written last stands in SQLite's log for a while. An empty one is
 * made by who reads. */
static void add_log(int folder, struct store_run *r)
{
    char name[sizeof(r->name) + 4];
    struct stat st;
    snprintf(name, sizeof(name), "%s-wal", r->name);
    if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) != 0 || st.st_size == 0)
        return;
    r->bytes += (uint64_t)st.st_size;
    if ((double)st.st_mtime > r->written)
        r->written = (double)st.st_mtime;
}

/* Of the bytes the newest have the first claim. */
size_t store_runs_trim(const char *folder, uint64_t max_bytes,
                       int64_t max_age_s)
{
    struct store_run *runs = calloc(STORE_RUNS_MAX, sizeof(*runs));
    size_t n = runs ? store_runs(folder, runs, STORE_RUNS_MAX) : 0, gone = 0;
    double oldest = (double)(time(NULL) - (time_t)max_age_s);
    uint64_t bytes = 0;
    for (size_t i = 0; i < n; i++) {
        bytes += runs[i].bytes;
        if (bytes > max_bytes || runs[i].written < oldest)
            gone += delete_run(folder, &runs[i]);
    }
    free(runs);
    return gone;
}

/* Only what store_run_name has made, to the letter. */
static bool parse(const char *name, struct store_run *out)
{
    struct tm tm = {0};
    int pid, n = 0;
    if (strlen(name) >= sizeof(out->name) ||
        sscanf(name, NAME_FORM, &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
               &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &pid, &n) != 7 ||
        n == 0 || name[n] != '\0')
        return false;
    tm.tm_year -= 1900;
    tm.tm_mon--;
    *out = (struct store_run){.started = (double)timegm(&tm)};
    memcpy(out->name, name, strlen(name) + 1);
    return true;
}

static int newest_first(const void *a, const void *b)
{
    const struct store_run *x = a, *y = b;
    if (x->started != y->started)
        return x->started < y->started ? 1 : -1;
    return strcmp(y->name, x->name);
}

/* One that another process writes is left alone. */
static bool delete_run(const char *folder, const struct store_run *r)
{
    static const char *const parts[] = {"", "-wal", "-shm", ".lock"};
    char path[PATH_MAX_BYTES];
    int n = snprintf(path, sizeof(path), "%s/%s.lock", folder, r->name);
    if (n < 0 || (size_t)n >= sizeof(path) || is_open(path))
        return false;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s%s", folder, r->name, parts[i]);
        if (unlink(path) != 0 && errno != ENOENT)
            return false;
    }
    return true;
}

static bool is_open(const char *path)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    bool open_there = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0;
    if (fd >= 0)
        close(fd);
    return open_there;
}
