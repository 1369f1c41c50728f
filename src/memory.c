/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much memory this process may use: the smaller of what the host has and
 * what its cgroup allows. The daemon looked at the host only, so that in a
 * container it took the node's share.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "relay.h"

#define MB ((uint64_t)1 << 20)
#define DOCUMENTS_MIN_MB 3

static uint64_t host_memory(void);
static uint64_t cgroup_limit(void);
static uint64_t read_number(const char *path);
static bool cgroup_path(const char *prefix, char *out, size_t size);

uint64_t memory_for_documents(int64_t buffer_mb)
{
    if (buffer_mb > 0)
        return (uint64_t)buffer_mb * MB;
    uint64_t host = host_memory(), cgroup = cgroup_limit();
    uint64_t share = (cgroup > 0 && cgroup < host ? cgroup : host) / 100;
    return share < DOCUMENTS_MIN_MB * MB ? DOCUMENTS_MIN_MB * MB
                                         : share / MB * MB;
}

static uint64_t host_memory(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    return pages > 0 && size > 0 ? (uint64_t)pages * (uint64_t)size : 0;
}

/* Version 2 (memory.max), then version 1; 0: no limit is set. */
static uint64_t cgroup_limit(void)
{
    char own[4096], path[4200];
    uint64_t limit = read_number("/sys/fs/cgroup/memory.max");
    if (limit == 0 && cgroup_path("0::", own, sizeof(own))) {
        snprintf(path, sizeof(path), "/sys/fs/cgroup%s/memory.max", own);
        limit = read_number(path);
    }
    if (limit == 0)
        limit = read_number("/sys/fs/cgroup/memory/memory.limit_in_bytes");
    return limit;
}

/* The number that the file begins with; 0 for "max" or no such file. */
static uint64_t read_number(const char *path)
{
    unsigned long long n = 0;
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return 0;
    if (fscanf(f, "%llu", &n) != 1)
        n = 0;
    fclose(f);
    return n;
}

/* Where this process stands in the unified hierarchy. */
static bool cgroup_path(const char *prefix, char *out, size_t size)
{
    bool found = false;
    FILE *f = fopen("/proc/self/cgroup", "re");
    if (f == NULL)
        return false;
    while (!found && fgets(out, (int)size, f) != NULL) {
        out[strcspn(out, "\n")] = '\0';
        found = strncmp(out, prefix, strlen(prefix)) == 0;
    }
    fclose(f);
    if (found)
        memmove(out, out + strlen(prefix), strlen(out + strlen(prefix)) + 1);
    return found;
}
