/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Serves the files of the page (src/local/ui, built by `make ui`), which stand
 * compressed in the program, as they go out to nearly every client. Knows
 * nothing of what the page shows: it asks /api itself.
 */
#include "ui.h"

#include <stdio.h>
#include <stdlib.h>

#include "xr/hash.h"
#include "xr/inflate.h"
#include "xr/log.h"

#define FILE_MAX_BYTES (1 << 20) /* unpacked */
#define ETAG_DIGEST 8            /* bytes of the digest */
#define ETAG_TEXT (2 * ETAG_DIGEST + 3)
#define COOKIE_MAX 256

/* Only our own script and sheet; nothing framed, sent elsewhere or inline: a
 * name in a trace that got into the page could still do nothing. */
static const char policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; "
    "frame-ancestors 'none'; form-action 'none'";

#define EMBED(name, file)                                                      \
    __asm__(".section .rodata\n"                                               \
            ".balign 16\n" #name "_begin:\n"                                   \
            ".incbin \"src/local/ui/dist/" file "\"\n" #name "_end:\n"         \
            ".previous\n");                                                    \
    extern const char name##_begin[], name##_end[];

EMBED(ui_index, "index.html.gz")
EMBED(ui_script, "app.js.gz")
EMBED(ui_sheet, "app.css.gz")

struct file {
    const char *path, *type, *begin, *end;
};

static const struct file files[] = {
    {"/", "text/html; charset=utf-8", ui_index_begin, ui_index_end},
    {"/app.js", "text/javascript; charset=utf-8", ui_script_begin,
     ui_script_end},
    {"/app.css", "text/css; charset=utf-8", ui_sheet_begin, ui_sheet_end},
};
#define N_FILES (sizeof(files) / sizeof(files[0]))

/* One route: which file, and whose rules. */
struct served {
    const struct file *file;
    const struct guard *guard;
    char etag[ETAG_TEXT];
};

struct ui {
    struct served served[N_FILES];
};

static void on_file(void *arg, struct http1_request *r);
static bool take_token(const struct guard *g, struct http1_request *r);
static void add_headers(struct http1_request *r, const char *etag);
static void reply_unpacked(struct http1_request *r, const struct file *f);
static struct slice packed(const struct file *f);
static bool has_word(struct slice list, struct slice word);

struct ui *ui_new(const struct guard *guard)
{
    struct ui *u = calloc(1, sizeof(*u));
    if (u == NULL)
        log_fatal("out of memory for the page");
    for (size_t i = 0; i < N_FILES; i++) {
        uint8_t digest[SHA256_BYTES];
        char hex[2 * ETAG_DIGEST + 1];
        sha256_once(packed(&files[i]), digest);
        hex_encode(digest, ETAG_DIGEST, hex);
        u->served[i].file = &files[i];
        u->served[i].guard = guard;
        snprintf(u->served[i].etag, ETAG_TEXT, "\"%s\"", hex);
    }
    return u;
}

void ui_routes(struct ui *u, struct http1 *server)
{
    for (size_t i = 0; i < N_FILES; i++)
        http1_route(server, (struct http1_route){"GET", u->served[i].file->path,
                                                 on_file, &u->served[i]});
}

void ui_free(struct ui *u)
{
    free(u);
}

static void on_file(void *arg, struct http1_request *r)
{
    struct served *s = arg;
    if (take_token(s->guard, r) || !guard_passes(s->guard, r, GUARD_READ))
        return;
    bool known = has_word(http1_header(r, "If-None-Match"), slice_str(s->etag));
    bool gzip = has_word(http1_header(r, "Accept-Encoding"), SLICE("gzip"));
    add_headers(r, s->etag);
    if (known) {
        http1_reply(r, 304, NULL, SLICE(""));
    } else if (gzip) {
        http1_add(r, "Content-Encoding", SLICE("gzip"));
        http1_reply(r, 200, s->file->type, packed(s->file));
    } else {
        reply_unpacked(r, s->file);
    }
}

/* The address that was printed at the start: the token goes into a cookie and
 * out of the address bar. True: answered. */
static bool take_token(const struct guard *g, struct http1_request *r)
{
    struct slice query = http1_query(r), name = SLICE("token=");
    if (!slice_starts(query, "token="))
        return false;
    if (!guard_knows(g, slice_of(query.p + name.n, query.n - name.n)))
        return false;
    char cookie[COOKIE_MAX];
    int n = snprintf(cookie, sizeof(cookie),
                     GUARD_COOKIE "=%s; Path=/; HttpOnly; SameSite=Strict",
                     g->token);
    if (n < 0 || (size_t)n >= sizeof(cookie))
        return false;
    add_headers(r, NULL);
    http1_add(r, "Set-Cookie", slice_of(cookie, (size_t)n));
    http1_add(r, "Location", SLICE("/"));
    http1_reply(r, 303, NULL, SLICE(""));
    return true;
}

static void add_headers(struct http1_request *r, const char *etag)
{
    http1_add(r, "Content-Security-Policy", slice_str(policy));
    http1_add(r, "X-Content-Type-Options", SLICE("nosniff"));
    http1_add(r, "Referrer-Policy", SLICE("no-referrer"));
    if (etag == NULL) {
        http1_add(r, "Cache-Control", SLICE("no-store"));
        return;
    }
    /* Kept, but asked for each time: a new version shows at once. */
    http1_add(r, "Cache-Control", SLICE("no-cache"));
    http1_add(r, "Vary", SLICE("Accept-Encoding"));
    http1_add(r, "ETag", slice_str(etag));
}

/* For the few that take no gzip. */
static void reply_unpacked(struct http1_request *r, const struct file *f)
{
    struct inflater *i = inflater_new();
    struct buf out;
    struct err err;
    int more = i != NULL && inflater_begin(i, CODING_GZIP, packed(f)) ? 1 : -1;
    buf_init(&out, FILE_MAX_BYTES);
    while (more == 1)
        more = inflater_step(i, FILE_MAX_BYTES, &out, &err);
    if (more == 0)
        http1_reply(r, 200, f->type, buf_slice(&out));
    else
        http1_reply(r, 500, "text/plain", SLICE("the page does not unpack\n"));
    buf_fini(&out);
    inflater_free(i);
}

static struct slice packed(const struct file *f)
{
    return slice_of(f->begin, (size_t)(f->end - f->begin));
}

/* Whether a header's list has the word; "gzip;q=0" is a refusal of it. */
static bool has_word(struct slice list, struct slice word)
{
    for (size_t i = 0; i + word.n <= list.n; i++) {
        if (memcmp(list.p + i, word.p, word.n) != 0)
            continue;
        struct slice rest = slice_of(list.p + i + word.n, list.n - i - word.n);
        return !slice_is(rest, ";q=0") && !slice_starts(rest, ";q=0,") &&
               !slice_starts(rest, ";q=0.0");
    }
    return false;
}
