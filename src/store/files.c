/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store's files: folders and modes that keep traces from other users, one
 * process for a file, and what is done with a damaged one. The store never
 * stops taking traces for damage: it begins a new file.
 */
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

static bool make_folders(const char *path, struct err *err);
static bool lock_file(struct worker *w, struct err *err);
static bool create(const char *path, struct err *err);
static void put_aside(struct worker *w);

bool files_is_memory(const char *path)
{
    return strcmp(path, ":memory:") == 0;
}

bool files_prepare(struct worker *w, struct err *err)
{
    w->lock_fd = -1;
    if (files_is_memory(w->path) || w->options.read_only)
        return true;
    if (strlen(w->path) > PATH_MAX_BYTES - 64) {
        err_set(err, "store: the path is too long");
        return false;
    }
    return make_folders(w->path, err) && lock_file(w, err) &&
           create(w->path, err);
}

enum db_result files_open(struct worker *w, struct err *err)
{
    if (w->options.read_only)
        return sql_open_to_read(&w->file, w->path, err);
    enum db_result r = sql_open(&w->file, w->path, w->options.index_text, err);
    if (r != DB_DAMAGED || files_is_memory(w->path))
        return r;
    put_aside(w);
    if (!create(w->path, err))
        return DB_FAILED;
    return sql_open(&w->file, w->path, w->options.index_text, err);
}

/* What is made is the user's alone; what is there stays as it is. */
static bool make_folders(const char *path, struct err *err)
{
    char part[PATH_MAX_BYTES];
    for (const char *at = strchr(path + 1, '/'); at; at = strchr(at + 1, '/')) {
        snprintf(part, sizeof(part), "%.*s", (int)(at - path), path);
        if (mkdir(part, 0700) != 0 && errno != EEXIST) {
            err_set(err, "store: cannot make the folder %s: %s", part,
                    strerror(errno));
            return false;
        }
    }
    return true;
}

/* A file beside the database, as the lock must not be on a file that SQLite
 * opens and closes. It holds the owner's process id. */
static bool lock_file(struct worker *w, struct err *err)
{
    char path[PATH_MAX_BYTES], owner[32] = "";
    snprintf(path, sizeof(path), "%s.lock", w->path);
    w->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (w->lock_fd < 0) {
        err_set(err, "store: cannot open %s: %s", path, strerror(errno));
        return false;
    }
    if (flock(w->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        ssize_t n = pread(w->lock_fd, owner, sizeof(owner) - 1, 0);
        owner[n > 0 ? n : 0] = '\0';
        err_set(err,
                "store: %s is in use by process %s; stop that one, or choose "
                "another file with --store",
                w->path, *owner ? owner : "(unknown)");
        return false;
    }
    int n = snprintf(owner, sizeof(owner), "%ld", (long)getpid());
    if (ftruncate(w->lock_fd, 0) != 0 ||
        pwrite(w->lock_fd, owner, (size_t)n, 0) != n)
        worker_note(w, "store: cannot write %s: %s", path, strerror(errno));
    return true;
}

/* SQLite gives its other files the mode of the first. */
static bool create(const char *path, struct err *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        err_set(err, "store: cannot open %s: %s", path, strerror(errno));
        return false;
    }
    close(fd);
    return true;
}

static void put_aside(struct worker *w)
{
    static const char *const parts[] = {"", "-wal", "-shm"};
    char from[PATH_MAX_BYTES], to[PATH_MAX_BYTES];
    long long now = (long long)time(NULL);
    sql_close(&w->file, false);
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        snprintf(from, sizeof(from), "%s%s", w->path, parts[i]);
        snprintf(to, sizeof(to), "%s.bad-%lld%s", w->path, now, parts[i]);
        if (rename(from, to) != 0 && errno != ENOENT)
            worker_note(w, "store: cannot rename %s: %s", from,
                        strerror(errno));
    }
    pthread_mutex_lock(&w->lock);
    snprintf(w->health.damaged, sizeof(w->health.damaged), "%.200s.bad-%lld",
             w->path, now);
    pthread_mutex_unlock(&w->lock);
    worker_note(w,
                "store: %s was damaged; it is kept as %.200s.bad-%lld, and a "
                "new store has been begun",
                w->path, w->path, now);
}
