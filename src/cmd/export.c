/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `xray-relay export [FILTER]` and `xray-relay import FILE...`: traces to
 * standard output, and from files.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd.h"
#include "local.h"
#include "local/elements.h"
#include "text.h"

#define TIMEOUT_MS 3600000
#define PIPE_MAX (1u << 30) /* bytes of what is no file, as of one request */
#define READ_BYTES 65536

struct import {
    struct local *local;
    double documents, accepted;
    int status;
};

static void write_out(void *arg, struct slice data);
static void import_file(struct import *x, const char *name);
static bool import_mapped(struct import *x, const char *name, int fd);
static void import_pipe(struct import *x, const char *name, int fd);
static bool read_all(int fd, struct buf *out);
static void import_text(struct import *x, const char *name, struct slice text);
static void show_refused(const char *name, struct slice answer,
                         struct arena *a);

int cmd_export(struct config *c)
{
    struct local l;
    int status = 0;
    if (!local_open_reader(&l, "export", c)) {
        config_free(c);
        return EXIT_FAILED;
    }
    local_path(&l, "/api/export");
    local_param(&l, "filter", config_words(c)[0]);
    local_param(&l, "format", config_flag(c, "format"));
    l.on_data = write_out;
    l.arg = &status;
    if (local_send(&l, "GET", SLICE(""), 0) != 200)
        status = local_complain(&l);
    if (fflush(stdout) != 0)
        status = EXIT_FAILED;
    local_close(&l);
    config_free(c);
    return status;
}

int cmd_import(struct config *c)
{
    struct local l;
    struct import x = {.local = &l};
    char *const *words = config_words(c);
    if (words[0] == NULL) {
        fprintf(stderr, "xray-relay import: no file is named; `-` is standard "
                        "input\n");
        config_free(c);
        return EXIT_FAILED;
    }
    if (!local_open(&l, "import", c)) {
        config_free(c);
        return EXIT_FAILED;
    }
    for (size_t i = 0; words[i] != NULL; i++)
        import_file(&x, words[i]);
    printf("%.0f of %.0f documents imported\n", x.accepted, x.documents);
    local_close(&l);
    config_free(c);
    return x.status;
}

static void write_out(void *arg, struct slice data)
{
    int *status = arg;
    if (fwrite(data.p, 1, data.n, stdout) != data.n)
        *status = EXIT_FAILED;
}

static void import_file(struct import *x, const char *name)
{
    bool is_stdin = strcmp(name, "-") == 0;
    int fd = is_stdin ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        local_say(x->local, "%s: %s", name, strerror(errno));
        x->status = EXIT_FAILED;
        return;
    }
    if (!import_mapped(x, name, fd))
        import_pipe(x, name, fd);
    if (!is_stdin)
        close(fd);
}

/* False: it can't be mapped. */
static bool import_mapped(struct import *x, const char *name, int fd)
{
    struct stat st;
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size == 0)
        return false;
    size_t n = (size_t)st.st_size;
    void *p = mmap(NULL, n, PROT_READ, MAP_PRIVATE, fd, 0);
    if (p == MAP_FAILED)
        return false;
    import_text(x, name, slice_of(p, n));
    munmap(p, n);
    return true;
}

static void import_pipe(struct import *x, const char *name, int fd)
{
    struct buf text;
    buf_init(&text, PIPE_MAX);
    if (read_all(fd, &text)) {
        import_text(x, name, buf_slice(&text));
    } else {
        local_say(x->local, "%s: %s", name,
                  text.failed ? "more than 1 GB" : strerror(errno));
        x->status = EXIT_FAILED;
    }
    buf_fini(&text);
}

static bool read_all(int fd, struct buf *out)
{
    ssize_t n;
    do {
        char *p = buf_reserve(out, READ_BYTES);
        if (p == NULL)
            return false;
        n = read(fd, p, READ_BYTES);
        out->n += n > 0 ? (size_t)n : 0;
    } while (n > 0 || (n < 0 && errno == EINTR));
    return n == 0;
}

static void import_text(struct import *x, const char *name, struct slice text)
{
    struct arena a;
    arena_init(&a, 16u << 20);
    local_path(x->local, "/api/import");
    if (local_send(x->local, "POST", text, TIMEOUT_MS) == 200) {
        struct slice answer = buf_slice(&x->local->answer);
        x->documents += elements_number(answer, "documents", 0, &a);
        x->accepted += elements_number(answer, "accepted", 0, &a);
        show_refused(name, answer, &a);
    } else {
        x->status = local_complain(x->local);
    }
    if (x->accepted < x->documents)
        x->status = EXIT_FAILED;
    arena_fini(&a);
}

static void show_refused(const char *name, struct slice answer, struct arena *a)
{
    struct slice list = elements_member(answer, "refused", a), one;
    struct line l;
    while (elements_next(&list, &one)) {
        line_init(&l);
        line_text(&l, elements_member(one, "code", a), 40);
        fprintf(stderr, "%s: document %.0f: %s\n", name,
                elements_number(one, "at", 0, a), buf_cstr(&l.out));
        line_fini(&l);
    }
}
