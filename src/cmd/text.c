/* SPDX-License-Identifier: Apache-2.0 */
/* Lines for a terminal; see text.h. */
#include "text.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define LINE_MAX_BYTES (1u << 20)

static unsigned terminal_width(void);
static size_t decode(struct slice s, wchar_t *c);
static bool is_obeyed(wchar_t c);
static void add(struct line *l, const struct glyph *g);

void line_init(struct line *l)
{
    text_locale();
    *l = (struct line){0};
    buf_init(&l->out, LINE_MAX_BYTES);
    l->width = terminal_width();
    l->colour = isatty(STDOUT_FILENO) && text_may_colour();
}

void line_fini(struct line *l)
{
    buf_fini(&l->out);
}

void text_locale(void)
{
    if (setlocale(LC_CTYPE, "C.UTF-8") == NULL)
        setlocale(LC_CTYPE, "");
}

bool text_may_colour(void)
{
    const char *plain = getenv("NO_COLOR");
    return plain == NULL || plain[0] == '\0';
}

struct glyph text_glyph(struct slice s)
{
    wchar_t c;
    struct glyph g = {.bytes = decode(s, &c)};
    if (g.bytes == 0) {
        g = (struct glyph){1, 0xfffd, "\xef\xbf\xbd", 3, 1};
    } else if (is_obeyed(c)) {
        g.n = (size_t)snprintf(g.shown, sizeof(g.shown),
                               c < 0x80 ? "\\x%02x" : "\\u%04x", (unsigned)c);
        g.columns = (unsigned)g.n;
    } else {
        int columns = wcwidth(c);
        memcpy(g.shown, s.p, g.bytes);
        g.c = c;
        g.n = g.bytes;
        g.columns = columns < 0 ? 1 : (unsigned)columns;
    }
    return g;
}

void text_seconds(char out[SECONDS_BYTES], double s)
{
    out[0] = '\0';
    if (s >= 60)
        snprintf(out, SECONDS_BYTES, "%.0fm%02ds", floor(s / 60),
                 (int)fmod(s, 60));
    else if (s >= 0.9995)
        snprintf(out, SECONDS_BYTES, "%.*fs", s < 9.995 ? 2 : 1, s);
    else if (s >= 0)
        snprintf(out, SECONDS_BYTES, "%.*fms", s < 0.00995 ? 1 : 0, s * 1000);
}

void line_text(struct line *l, struct slice s, unsigned max)
{
    unsigned end = max == 0 ? 0 : l->column + max;
    static const struct glyph ellipsis = {
        .shown = "\xe2\x80\xa6", .n = 3, .columns = 1};
    if (l->width > 0 && (end == 0 || end > l->width))
        end = l->width;
    while (s.n > 0 && !l->cut) {
        struct glyph g = text_glyph(s);
        s = slice_of(s.p + g.bytes, s.n - g.bytes);
        /* the last column is kept for the ellipsis if more follows */
        if (end > 0 && l->column + g.columns + (s.n > 0) > end) {
            if (l->column < end)
                add(l, &ellipsis);
            l->cut = end == l->width;
            return;
        }
        add(l, &g);
    }
}

void line_str(struct line *l, const char *s)
{
    line_text(l, slice_str(s), 0);
}

void line_to(struct line *l, unsigned column)
{
    do
        line_text(l, SLICE(" "), 0);
    while (l->column < column && !l->cut);
}

void line_colour(struct line *l, enum line_colour c)
{
    static const char *const codes[] = {"\033[0m",  "\033[2m",  "\033[32m",
                                        "\033[33m", "\033[35m", "\033[31m",
                                        "\033[36m"};
    if (l->colour)
        buf_str(&l->out, codes[c]);
}

void line_seconds(struct line *l, double s, unsigned width)
{
    char text[SECONDS_BYTES];
    text_seconds(text, s);
    for (size_t n = strlen(text); n < width; n++)
        line_str(l, " ");
    line_str(l, text);
}

void line_end(struct line *l)
{
    line_colour(l, LINE_PLAIN);
    buf_byte(&l->out, '\n');
    if (!l->out.failed)
        fwrite(l->out.p, 1, l->out.n, stdout);
    buf_clear(&l->out);
    l->column = 0;
    l->cut = false;
}

static unsigned terminal_width(void)
{
    struct winsize w;
    const char *columns = getenv("COLUMNS");
    if (!isatty(STDOUT_FILENO))
        return 0;
    if (columns != NULL && strtoul(columns, NULL, 10) > 0)
        return (unsigned)strtoul(columns, NULL, 10);
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 0)
        return w.ws_col;
    return 80;
}

/* Strict UTF-8: 0 if it is none. */
static size_t decode(struct slice s, wchar_t *c)
{
    static const wchar_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char b = (unsigned char)s.p[0];
    size_t n = b < 0x80             ? 1
               : (b & 0xe0) == 0xc0 ? 2
               : (b & 0xf0) == 0xe0 ? 3
               : (b & 0xf8) == 0xf0 ? 4
                                    : 0;
    if (n == 0 || n > s.n)
        return 0;
    *c = n == 1 ? b : b & (0x7f >> n);
    for (size_t i = 1; i < n; i++) {
        if (((unsigned char)s.p[i] & 0xc0) != 0x80)
            return 0;
        *c = *c << 6 | (s.p[i] & 0x3f);
    }
    return *c < least[n] || *c > 0x10ffff || (*c >= 0xd800 && *c <= 0xdfff) ? 0
                                                                            : n;
}

/* Controls, and what turns the direction of writing or shows as nothing. */
static bool is_obeyed(wchar_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xad || c == 0x61c ||
           (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
           (c >= 0x2060 && c <= 0x206f) || c == 0xfeff ||
           (c >= 0xe0000 && c <= 0xe0fff);
}

static void add(struct line *l, const struct glyph *g)
{
    buf_append(&l->out, slice_of(g->shown, g->n));
    l->column += g->columns;
}
