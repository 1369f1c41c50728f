/* SPDX-License-Identifier: Apache-2.0 */
/* Small foreign files, read whole under a ceiling, and whether they changed. */
#ifndef XR_AWS_FILE_H
#define XR_AWS_FILE_H

#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>

#include "xr/buf.h"
#include "xr/err.h"

#define FILE_PATH_MAX 1024

/* A file as it was when last looked at. */
struct file_stamp {
    char path[FILE_PATH_MAX];
    bool there;
    ino_t inode;
    off_t size;
    struct timespec changed;
};

/* Reads a regular file to the end of out, within out's ceiling. -1 with path
 * and reason; errno is ENOENT when there is no such file. */
int file_read(const char *path, struct buf *out, struct err *err);
/* Remembers the file's present state. An overlong path is never there. */
void file_stamp_take(struct file_stamp *s, const char *path);
/* Whether the file differs now from what was remembered. */
bool file_stamp_changed(const struct file_stamp *s);

#endif
