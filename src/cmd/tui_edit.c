/* SPDX-License-Identifier: Apache-2.0 */
/* A line of text that is typed; see tui_edit.h. */
#include "tui_edit.h"

#include <stdio.h>
#include <stdlib.h>

#include "screen.h"

#define CTRL(c) ((c)&0x1f)

static void insert(struct tui_edit *e, int key);
static size_t encode(int c, char out[4]);
static void erase(struct tui_edit *e, size_t from, size_t to);
static bool is_inside(const struct tui_edit *e, size_t at);
static size_t before(const struct tui_edit *e, size_t at);
static size_t behind(const struct tui_edit *e, size_t at);
static size_t word_before(const struct tui_edit *e);

void edit_set(struct tui_edit *e, const char *text)
{
    snprintf(e->text, sizeof(e->text), "%s", text);
    e->n = strlen(e->text);
    e->at = e->n;
}

enum edit_end edit_key(struct tui_edit *e, int key)
{
    if (key == SCREEN_ENTER)
        return EDIT_DONE;
    if (key == SCREEN_ESCAPE)
        return EDIT_CANCELLED;
    if (key == SCREEN_LEFT)
        e->at = before(e, e->at);
    else if (key == SCREEN_RIGHT)
        e->at = behind(e, e->at);
    else if (key == SCREEN_HOME || key == CTRL('A'))
        e->at = 0;
    else if (key == SCREEN_END || key == CTRL('E'))
        e->at = e->n;
    else if (key == SCREEN_BACKSPACE)
        erase(e, before(e, e->at), e->at);
    else if (key == SCREEN_DELETE)
        erase(e, e->at, behind(e, e->at));
    else if (key == CTRL('U'))
        erase(e, 0, e->at);
    else if (key == CTRL('K'))
        erase(e, e->at, e->n);
    else if (key == CTRL('W'))
        erase(e, word_before(e), e->at);
    else if (key >= ' ' && key < SCREEN_UP)
        insert(e, key);
    return EDIT_MORE;
}

void edit_go_to(struct tui_edit *e, size_t character)
{
    e->at = 0;
    while (character-- > 1 && e->at < e->n)
        e->at = behind(e, e->at);
}

size_t edit_place(const struct tui_edit *e)
{
    size_t n = 0;
    for (size_t at = 0; at < e->at; at = behind(e, at))
        n++;
    return n;
}

bool edit_replace(struct tui_edit *e, size_t from, size_t to, struct slice text)
{
    size_t begin, end;
    edit_go_to(e, to + 1);
    end = e->at;
    edit_go_to(e, from + 1);
    begin = e->at;
    if (end < begin || e->n - (end - begin) + text.n > EDIT_MAX)
        return false;
    memmove(e->text + begin + text.n, e->text + end, e->n - end + 1);
    memcpy(e->text + begin, text.p, text.n);
    e->n = e->n - (end - begin) + text.n;
    e->at = begin + text.n;
    return true;
}

void edit_draw(const struct tui_edit *e, struct pen *p)
{
    size_t from = 0;
    unsigned room = p->end - p->x;
    /* a column is kept for the cursor, one for the ellipsis */
    while (from < e->at &&
           text_columns(slice_of(e->text + from, e->at - from)) + 2 > room)
        from = behind(e, from);
    p->canvas->cursor = true;
    p->canvas->cursor_y = p->y;
    p->canvas->cursor_x =
        p->x + text_columns(slice_of(e->text + from, e->at - from));
    pen_text(p, slice_of(e->text + from, e->n - from));
}

static void insert(struct tui_edit *e, int key)
{
    char bytes[4];
    size_t n = encode(key, bytes);
    if (e->n + n > EDIT_MAX)
        return;
    memmove(e->text + e->at + n, e->text + e->at, e->n - e->at + 1);
    memcpy(e->text + e->at, bytes, n);
    e->n += n;
    e->at += n;
}

static size_t encode(int c, char out[4])
{
    unsigned u = (unsigned)c;
    size_t n = u < 0x80 ? 1 : u < 0x800 ? 2 : u < 0x10000 ? 3 : 4;
    static const unsigned first[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = n; i-- > 1; u >>= 6)
        out[i] = (char)(0x80 | (u & 0x3f));
    out[0] = (char)(first[n] | u);
    return n;
}

static void erase(struct tui_edit *e, size_t from, size_t to)
{
    memmove(e->text + from, e->text + to, e->n - to + 1);
    e->n -= to - from;
    e->at = from;
}

static bool is_inside(const struct tui_edit *e, size_t at)
{
    return ((unsigned char)e->text[at] & 0xc0) == 0x80;
}

static size_t before(const struct tui_edit *e, size_t at)
{
    if (at > 0)
        at--;
    while (at > 0 && is_inside(e, at))
        at--;
    return at;
}

static size_t behind(const struct tui_edit *e, size_t at)
{
    if (at < e->n)
        at++;
    while (at < e->n && is_inside(e, at))
        at++;
    return at;
}

static size_t word_before(const struct tui_edit *e)
{
    size_t at = e->at;
    while (at > 0 && e->text[at - 1] == ' ')
        at--;
    while (at > 0 && e->text[at - 1] != ' ')
        at--;
    return at;
}
