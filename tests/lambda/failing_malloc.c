/* SPDX-License-Identifier: Apache-2.0 */
/*
 * To be preloaded: memory is refused after so many allocations
 * (MALLOC_FAILS_AFTER), or from when a file is there (MALLOC_FAILS_WHEN). Not
 * in the idle extension, whose libraries may want some while they are loaded.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t n);

static long left = -1;
static const char *file;

__attribute__((constructor)) static void begin(void)
{
    char line[4096];
    int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, line, sizeof(line));
    const char *after = getenv("MALLOC_FAILS_AFTER");
    if (fd >= 0)
        close(fd);
    if (n > 6 && memcmp(line + n - 6, "\0idle", 6) == 0)
        return;
    file = getenv("MALLOC_FAILS_WHEN");
    left = after ? strtol(after, NULL, 10) : -1;
}

static int fails(void)
{
    if (left > 0)
        left--;
    if (left != 0 && (file == NULL || access(file, F_OK) != 0))
        return 0;
    errno = ENOMEM;
    return 1;
}

void *malloc(size_t n)
{
    return fails() ? NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
    return fails() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
    return fails() ? NULL : __libc_realloc(p, n);
}
