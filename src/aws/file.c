/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the small files that others write for us: shared configuration, token
 * files, ECS metadata. Regular files only, since a pipe would hold the loop.
 */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define READ_STEP 4096

static int read_all(int fd, struct buf *out);

int file_read(const char *path, struct buf *out, struct err *err)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    int rc, saved;

    if (fd < 0)
        goto fail;
    if (fstat(fd, &st) == 0 && !S_ISREG(st.st_mode)) {
        close(fd);
        errno = EINVAL;
        return err_set(err, "%s: is not a regular file", path);
    }
    rc = read_all(fd, out);
    saved = errno;
    close(fd);
    errno = saved;
    if (rc == 0)
        return 0;
    if (out->failed)
        return err_set(err, "%s: larger than %zu bytes", path, out->max);
fail:
    saved = errno;
    err_set(err, "%s: %s", path, strerror(saved));
    errno = saved;
    return -1;
}

void file_stamp_take(struct file_stamp *s, const char *path)
{
    struct stat st;

    *s = (struct file_stamp){.there = false};
    if (strlen(path) >= sizeof s->path)
        return;
    memcpy(s->path, path, strlen(path) + 1);
    if (stat(path, &st) != 0)
        return;
    s->there = true;
    s->inode = st.st_ino;
    s->size = st.st_size;
    s->changed = st.st_mtim;
}

bool file_stamp_changed(const struct file_stamp *s)
{
    struct stat st;

    if (!s->path[0])
        return false;
    if (stat(s->path, &st) != 0)
        return s->there;
    return !s->there || st.st_ino != s->inode || st.st_size != s->size ||
           st.st_mtim.tv_sec != s->changed.tv_sec ||
           st.st_mtim.tv_nsec != s->changed.tv_nsec;
}

static int read_all(int fd, struct buf *out)
{
    for (;;) {
        char *p = buf_reserve(out, READ_STEP);
        ssize_t n;

        if (!p)
            return -1;
        n = read(fd, p, READ_STEP);
        if (n == 0)
            return 0;
        if (n > 0)
            out->n += (size_t)n;
        else if (errno != EINTR)
            return -1;
    }
}
