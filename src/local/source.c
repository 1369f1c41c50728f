/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds the file that a stack frame names in the folder of --source-root. Knows
 * nothing of frames or requests.
 */
#include "source.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool is_below(const char *root, struct slice path, char out[PATH_MAX]);

/* A frame's path is as it was where the program ran, in a container perhaps:
 * the most of its end that is a file below root is that file. */
bool source_find(const char *root, struct slice path, char out[PATH_MAX])
{
    size_t n = strlen(root);
    if (path.n == 0 || path.n >= PATH_MAX || memchr(path.p, 0, path.n) != NULL)
        return false;
    if (path.n > n && memcmp(path.p, root, n) == 0 && path.p[n] == '/')
        path = slice_of(path.p + n, path.n - n);
    for (;;) {
        while (path.n > 0 && path.p[0] == '/')
            path = slice_of(path.p + 1, path.n - 1);
        if (path.n == 0)
            return false;
        if (is_below(root, path, out))
            return true;
        const char *slash = memchr(path.p, '/', path.n);
        if (slash == NULL)
            return false;
        path = slice_of(slash, (size_t)(path.p + path.n - slash));
    }
}

/* Links and `..` are followed first: none leads out of root. */
static bool is_below(const char *root, struct slice path, char out[PATH_MAX])
{
    char joined[2 * PATH_MAX];
    struct stat st;
    size_t n = strlen(root);
    memcpy(joined, root, n);
    joined[n] = '/';
    memcpy(joined + n + 1, path.p, path.n);
    joined[n + 1 + path.n] = 0;
    if (realpath(joined, out) == NULL || strncmp(out, root, n) != 0 ||
        out[n] != '/')
        return false;
    return stat(out, &st) == 0 && S_ISREG(st.st_mode);
}
