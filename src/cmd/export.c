/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `xray-relay export [FILTER]` and `xray-relay import FILE...`: traces to
 * standard output, and from files.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "cmd.h"
#include "local.h"
#include "local/elements.h"
#include "text.h"

#define TIMEOUT_MS 600000
#define FILE_MAX (1u << 30)
/* Of a request; a file of lines is sent in parts. */
#define PART_BYTES (8u << 20)
#define READ_BYTES 65536

struct import {
    struct local *local;
    double documents, accepted;
    int status;
};

static void write_out(void *arg, struct slice data);
static void import_file(struct import *x, const char *name);
static bool read_all(FILE *f, struct buf *out);
static void import_text(struct import *x, const char *name, struct slice text);
static size_t part_of(struct slice text);
static bool send_part(struct import *x, struct slice part);
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
    struct buf text;
    FILE *f = strcmp(name, "-") == 0 ? stdin : fopen(name, "r");
    buf_init(&text, FILE_MAX);
    if (f == NULL || !read_all(f, &text)) {
        local_say(x->local, "%s: %s", name,
                  f != NULL && text.failed ? "larger than 1 GB"
                                           : strerror(errno));
        x->status = EXIT_FAILED;
    } else {
        import_text(x, name, buf_slice(&text));
    }
    if (f != NULL && f != stdin)
        fclose(f);
    buf_fini(&text);
}

static bool read_all(FILE *f, struct buf *out)
{
    while (!feof(f)) {
        char *p = buf_reserve(out, READ_BYTES);
        if (p == NULL)
            return false;
        out->n += fread(p, 1, READ_BYTES, f);
        if (ferror(f))
            return false;
    }
    return true;
}

static void import_text(struct import *x, const char *name, struct slice text)
{
    struct arena a;
    arena_init(&a, 16u << 20);
    while (text.n > 0) {
        size_t n = part_of(text);
        if (!send_part(x, slice_of(text.p, n))) {
            x->status = local_complain(x->local);
            break;
        }
        struct slice answer = buf_slice(&x->local->answer);
        x->documents += elements_number(answer, "documents", 0, &a);
        x->accepted += elements_number(answer, "accepted", 0, &a);
        show_refused(name, answer, &a);
        arena_reset(&a);
        text = slice_of(text.p + n, text.n - n);
    }
    if (x->accepted < x->documents)
        x->status = EXIT_FAILED;
    arena_fini(&a);
}

/* Up to the end of a line, if the text is long; what has no lines goes
 * whole. */
static size_t part_of(struct slice text)
{
    if (text.n <= PART_BYTES)
        return text.n;
    const char *lf = memrchr(text.p, '\n', PART_BYTES);
    return lf == NULL ? text.n : (size_t)(lf + 1 - text.p);
}

static bool send_part(struct import *x, struct slice part)
{
    local_path(x->local, "/api/import");
    return local_send(x->local, "POST", part, TIMEOUT_MS) == 200;
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
