/* SPDX-License-Identifier: Apache-2.0 */
/* A folder for the files of a test, which goes with all that is in it. */
#ifndef XR_TESTS_FOLDER_H
#define XR_TESTS_FOLDER_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { FOLDER_MAX = 32 };

static inline void folder_make(char path[FOLDER_MAX])
{
    snprintf(path, FOLDER_MAX, "/tmp/xr-unit-XXXXXX");
    if (mkdtemp(path) == NULL)
        abort();
}

static inline int folder_remove_one(const char *path, const struct stat *st,
                                    int kind, struct FTW *where)
{
    (void)st, (void)kind, (void)where;
    return remove(path);
}

/* 0: it is gone. */
static inline int folder_remove(const char *path)
{
    return nftw(path, folder_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

#endif
