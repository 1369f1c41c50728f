/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stands in for libFuzzer where that is not there: hands each file of the
 * folders named, and each of its beginnings, to the fuzz target it is linked
 * with. Built with the sanitizers, this makes the corpus a part of the tests.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { FILE_MAX_BYTES = 1 << 20, BEGINNINGS_MAX = 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static long runs;

/* In memory that ends where the input does, so that a byte read beyond is
 * seen. */
static void run_once(const uint8_t *data, size_t n)
{
    uint8_t *copy = malloc(n ? n : 1);

    if (!copy)
        abort();
    memcpy(copy, data, n);
    LLVMFuzzerTestOneInput(copy, n);
    free(copy);
    runs++;
}

static void replay_file(const char *path)
{
    static uint8_t data[FILE_MAX_BYTES];
    FILE *f = fopen(path, "rb");

    if (!f) {
        perror(path);
        exit(1);
    }
    size_t n = fread(data, 1, sizeof(data), f);
    fclose(f);
    size_t step = n / BEGINNINGS_MAX + 1;
    for (size_t cut = 0; cut < n; cut += step)
        run_once(data, cut);
    run_once(data, n);
}

static long replay_folder(const char *folder)
{
    DIR *d = opendir(folder);
    long files = 0;

    if (!d) {
        perror(folder);
        exit(1);
    }
    for (struct dirent *e; (e = readdir(d));) {
        char path[4096];
        struct stat st;
        snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
        if (stat(path, &st) == 0 && S_ISREG(st.st_mode)) {
            replay_file(path);
            files++;
        }
    }
    closedir(d);
    return files;
}

int main(int argc, char **argv)
{
    long files = 0;

    for (int i = 1; i < argc; i++)
        files += replay_folder(argv[i]);
    printf("%ld files, %ld runs\n", files, runs);
    return files > 0 ? 0 : 1;
}
