/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `xray-relay translate FILE...`: prints the segment documents that OTLP
 * requests give, a line each in the order of the requests. For looking at what
 * would be sent, and for the golden tests; what comes out is what the relay
 * makes, but whole unless --limit is given.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cmd.h"
#include "relay.h"
#include "xr/otlp.h"
#include "xr/translate.h"

#define FILE_MAX (256u << 20)
#define REQUEST_MEMORY_MAX (256u << 20)
#define READ_BYTES 65536
#define SLICE_SPANS 500

struct job {
    struct translator *translator;
    const char *file;
    uint64_t span; /* number in the file, from 0, for messages */
    bool good;
};

static struct translator *make_translator(const struct config *c);
static void translate_file(struct job *j, const char *file);
static bool read_file(const char *file, struct buf *out);
static bool read_stream(FILE *f, struct buf *out);
static void translate_request(struct job *j, struct slice body);
static bool print_span(void *arg, const struct span *span);
static void print_warning(void *arg, const char *text);
static void complain(struct job *j, const char *file, const char *why);

int cmd_translate(struct config *c)
{
    struct job j = {.good = true};
    char *const *words = config_words(c);

    config_warnings(c, print_warning, NULL);
    j.translator = make_translator(c);
    if (!j.translator)
        j.good = false;
    else if (!words || !words[0])
        complain(&j, "translate", "no file is named; `-` is standard input");
    else
        for (size_t i = 0; words[i]; i++)
            translate_file(&j, words[i]);
    if (fflush(stdout) != 0)
        complain(&j, "standard output", strerror(errno));
    translator_free(j.translator);
    config_free(c);
    return j.good ? 0 : 1;
}

static struct translator *make_translator(const struct config *c)
{
    const char *limit = config_flag(c, "limit");
    struct translator *made = translator_from_options(
        config_options(c), limit ? (size_t)strtoull(limit, NULL, 10) : 0);

    if (!made)
        fputs("xray-relay translate: out of memory\n", stderr);
    return made;
}

static void translate_file(struct job *j, const char *file)
{
    struct buf body;

    buf_init(&body, FILE_MAX);
    j->file = strcmp(file, "-") == 0 ? "standard input" : file;
    j->span = 0;
    errno = 0;
    if (read_file(file, &body))
        translate_request(j, buf_slice(&body));
    else if (body.failed)
        complain(j, j->file, "larger than 256 MiB, or memory is out");
    else
        complain(j, j->file, strerror(errno));
    buf_fini(&body);
}

static bool read_file(const char *file, struct buf *out)
{
    if (strcmp(file, "-") == 0)
        return read_stream(stdin, out);
    FILE *f = fopen(file, "rb");
    if (!f)
        return false;
    bool good = read_stream(f, out);
    int why = errno;
    fclose(f);
    errno = why;
    return good;
}

static bool read_stream(FILE *f, struct buf *out)
{
    size_t n;

    do {
        char *p = buf_reserve(out, READ_BYTES);
        if (!p)
            return false;
        n = fread(p, 1, READ_BYTES, f);
        out->n += n;
    } while (n > 0);
    return !ferror(f);
}

static void translate_request(struct job *j, struct slice body)
{
    struct arena arena;
    struct err err;
    int more = 1;

    arena_init(&arena, REQUEST_MEMORY_MAX);
    translator_begin_request(j->translator);
    struct otlp_decoder *d =
        otlp_decoder_new(otlp_encoding_guess(body), body, &arena);
    if (!d)
        complain(j, j->file, "out of memory");
    while (d && more > 0) {
        more = otlp_decode(d, SLICE_SPANS, print_span, j, &err);
        if (more < 0 || more == OTLP_SPAN_LARGE)
            complain(j, j->file, err.text);
    }
    if (d && otlp_decoder_left_out(d) > 0)
        fprintf(stderr,
                "xray-relay translate: %s: %" PRIu64 " attributes, events or "
                "links left out, beyond %u of a kind in one place\n",
                j->file, otlp_decoder_left_out(d), OTLP_ITEMS_MAX);
    otlp_decoder_free(d);
    arena_fini(&arena);
}

static bool print_span(void *arg, const struct span *span)
{
    struct job *j = arg;
    struct segment documents[TRANSLATE_DOCUMENTS_MAX];
    struct err err = {.text = ""};
    int n = translate_span(j->translator, span, documents, &err);

    for (int i = 0; i < n; i++) {
        fwrite(documents[i].document.p, 1, documents[i].document.n, stdout);
        putchar('\n');
    }
    if (n == 0) {
        j->good = false;
        fprintf(stderr, "xray-relay translate: %s: span %" PRIu64 ": %s\n",
                j->file, j->span, err.text);
    }
    j->span++;
    return true;
}

static void print_warning(void *arg, const char *text)
{
    (void)arg;
    fprintf(stderr, "xray-relay translate: %s\n", text);
}

static void complain(struct job *j, const char *file, const char *why)
{
    j->good = false;
    fprintf(stderr, "xray-relay translate: %s: %s\n", file, why);
}
