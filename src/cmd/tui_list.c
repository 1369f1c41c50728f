/* SPDX-License-Identifier: Apache-2.0 */
/* The list of the interactive terminal; see tui_list.h. */
#include "tui_list.h"

#include <search.h>
#include <stdio.h>
#include <stdlib.h>

#include "local/elements.h"
#include "trace.h"

#define TEXT_MAX 200 /* bytes of one text that are held */
#define TEXTS 4
#define INTO " \xe2\x96\xb8 "
#define RUNNING "\xc2\xb7\xc2\xb7\xc2\xb7"

enum {
    AT_STATUS = 13,
    AT_TOOK = 17,
    TOOK_COLUMNS = 7,
    AT_REQUEST = 26,
    METHOD_COLUMNS = 5,
    REQUEST_COLUMNS = 32,
    AT_THROUGH = 59,
    THROUGH_COLUMNS = 40,
    AT_MESSAGE = 100,
};

static struct tui_row *row_of(struct slice json, struct arena *a);
static struct slice join(struct slice names, struct arena *a);
static struct slice shorten(struct slice s);
static struct tui_row *hold(const struct slice texts[TEXTS]);
static int by_id(const void *a, const void *b);
static int order(const struct tui_list *l, const struct tui_row *a,
                 const struct tui_row *b);
static int number_order(double a, double b);
static int quick_order(const void *a, const void *b, void *list);
static size_t find_place(const struct tui_list *l, const struct tui_row *r);
static void insert(struct tui_list *l, struct tui_row *r, bool choose);
static bool remove_row(struct tui_list *l, struct tui_row *r);
static void forget(void *node);
static void draw_status(const struct tui_row *r, struct pen *p);

void list_init(struct tui_list *l)
{
    *l = (struct tui_list){0};
}

void list_fini(struct tui_list *l)
{
    tdestroy(l->by_id, forget);
    for (size_t i = 0; i < l->n; i++)
        free(l->rows[i]);
    free(l->rows);
    *l = (struct tui_list){.sort = l->sort};
}

void list_clear(struct tui_list *l)
{
    struct tui_list empty = {.sort = l->sort};
    const struct tui_row *chosen = list_chosen(l);
    if (chosen != NULL)
        memcpy(empty.wanted, chosen->id, sizeof(empty.wanted));
    list_fini(l);
    *l = empty;
}

void list_take(struct tui_list *l, struct slice json, struct arena *a)
{
    struct tui_row *r = row_of(json, a);
    if (r == NULL)
        return;
    struct tui_row **found = tfind(r, &l->by_id, by_id);
    bool chosen = strcmp(l->wanted, r->id) == 0;
    if (found != NULL)
        chosen |= remove_row(l, *found);
    insert(l, r, chosen);
    if (chosen)
        l->wanted[0] = '\0';
    if (l->n > LIST_MAX) {
        remove_row(l, l->rows[l->n - 1]);
        l->cut = true;
    }
}

void list_remove(struct tui_list *l, struct slice id)
{
    struct tui_row key;
    snprintf(key.id, sizeof(key.id), "%.*s", SLICE_ARG(id));
    struct tui_row **found = tfind(&key, &l->by_id, by_id);
    if (found != NULL)
        remove_row(l, *found);
}

void list_sort(struct tui_list *l, enum tui_sort sort)
{
    const struct tui_row *chosen = list_chosen(l);
    l->sort = sort;
    if (l->n > 0)
        qsort_r(l->rows, l->n, sizeof(*l->rows), quick_order, l);
    if (chosen != NULL)
        l->at.chosen = find_place(l, chosen);
}

const struct tui_row *list_chosen(const struct tui_list *l)
{
    return l->n == 0 ? NULL : l->rows[l->at.chosen];
}

void list_choose(struct tui_list *l, size_t i)
{
    l->wanted[0] = '\0';
    l->at.chosen = i < l->n ? i : l->n == 0 ? 0 : l->n - 1;
}

void list_draw_row(const struct tui_row *r, struct pen *p)
{
    char time[TRACE_TIME_BYTES], took[SECONDS_BYTES];
    trace_time(time, r->start);
    pen_str(p, time);
    pen_to(p, AT_STATUS);
    draw_status(r, p);
    pen_to(p, AT_TOOK);
    text_seconds(took, r->took);
    pen_right(p, r->running ? "-" : took, TOOK_COLUMNS);
    pen_to(p, AT_REQUEST);
    if (r->method.n > 0) {
        pen_field(p, r->method, METHOD_COLUMNS);
        pen_field(p, r->path, REQUEST_COLUMNS - METHOD_COLUMNS);
    } else {
        pen_field(p, r->path, REQUEST_COLUMNS);
    }
    pen_to(p, AT_THROUGH);
    pen_field(p, r->through, THROUGH_COLUMNS);
    pen_to(p, AT_MESSAGE);
    p->style = (uint8_t)class_colour(r->class);
    pen_text(p, r->message);
    p->style = LINE_PLAIN;
}

const char *sort_name(enum tui_sort sort)
{
    static const char *const names[SORTS] = {"newest first", "longest first",
                                             "worst first"};
    return names[sort];
}

void place_move(struct tui_place *p, long by, size_t n)
{
    if (n == 0)
        p->chosen = 0;
    else if (by < 0)
        p->chosen = p->chosen > (size_t)-by ? p->chosen - (size_t)-by : 0;
    else
        p->chosen =
            (size_t)by < n - 1 - p->chosen ? p->chosen + (size_t)by : n - 1;
}

void place_scroll(struct tui_place *p, size_t n, unsigned height)
{
    if (p->chosen >= n)
        p->chosen = n == 0 ? 0 : n - 1;
    if (p->top + height > n)
        p->top = n > height ? n - height : 0;
    if (p->chosen < p->top)
        p->top = p->chosen;
    else if (height > 0 && p->chosen >= p->top + height)
        p->top = p->chosen - height + 1;
}

enum tui_class class_of(struct slice word)
{
    return slice_is(word, "fault")      ? CLASS_FAULT
           : slice_is(word, "throttle") ? CLASS_THROTTLE
           : slice_is(word, "error")    ? CLASS_ERROR
                                        : CLASS_OK;
}

enum line_colour class_colour(enum tui_class class)
{
    static const enum line_colour colours[] = {
        [CLASS_OK] = LINE_OK,
        [CLASS_ERROR] = LINE_ERROR,
        [CLASS_THROTTLE] = LINE_THROTTLE,
        [CLASS_FAULT] = LINE_FAULT,
    };
    return colours[class];
}

const char *class_name(enum tui_class class)
{
    static const char *const names[] = {
        [CLASS_OK] = "ok",
        [CLASS_ERROR] = "error",
        [CLASS_THROTTLE] = "throttle",
        [CLASS_FAULT] = "fault",
    };
    return names[class];
}

const char *class_word(enum tui_class class)
{
    static const char *const words[] = {
        [CLASS_OK] = "ok",
        [CLASS_ERROR] = "err",
        [CLASS_THROTTLE] = "thr",
        [CLASS_FAULT] = "flt",
    };
    return words[class];
}

/* NULL: it has no id, or there is no memory for it. */
static struct tui_row *row_of(struct slice json, struct arena *a)
{
    struct slice id = elements_member(json, "id", a);
    struct slice texts[TEXTS] = {
        shorten(elements_member(json, "method", a)),
        shorten(trace_path_of(elements_member(json, "url", a))),
        shorten(join(elements_member(json, "through", a), a)),
        shorten(elements_member(json, "message", a)),
    };
    if (texts[0].n + elements_member(json, "url", a).n == 0)
        texts[1] = shorten(elements_member(json, "name", a));
    if (id.n == 0 || id.n >= TRACE_ID_MAX)
        return NULL;
    struct tui_row *r = hold(texts);
    if (r == NULL)
        return NULL;
    memcpy(r->id, id.p, id.n);
    r->start = elements_number(json, "start", 0, a);
    r->took = elements_number(json, "response_time", -1, a);
    r->status = (int)elements_number(json, "status", 0, a);
    r->class = class_of(elements_member(json, "class", a));
    r->running = slice_is(elements_member(json, "in_progress", a), "true");
    return r;
}

/* Names of nodes in one text, as far as it is held. */
static struct slice join(struct slice names, struct arena *a)
{
    char text[TEXT_MAX + 1];
    struct slice value;
    size_t n = 0;
    while (n < TEXT_MAX && elements_next(&names, &value)) {
        struct slice name = trace_text(value, a);
        int more = snprintf(text + n, sizeof(text) - n, "%s%.*s",
                            n == 0 ? "" : INTO, SLICE_ARG(name));
        n += (size_t)more < TEXT_MAX - n ? (size_t)more : TEXT_MAX - n;
    }
    char *kept = arena_dup(a, slice_of(text, n));
    return slice_of(kept, kept == NULL ? 0 : n);
}

/* Not in the midst of a character. */
static struct slice shorten(struct slice s)
{
    size_t n = s.n < TEXT_MAX ? s.n : TEXT_MAX;
    if (n < s.n)
        while (n > 0 && ((unsigned char)s.p[n] & 0xc0) == 0x80)
            n--;
    return slice_of(s.p, n);
}

static struct tui_row *hold(const struct slice texts[TEXTS])
{
    size_t n = 0, room = 0;
    for (size_t i = 0; i < TEXTS; i++)
        room += texts[i].n;
    struct tui_row *r = calloc(1, sizeof(*r) + room);
    if (r == NULL)
        return NULL;
    struct slice *to[TEXTS] = {&r->method, &r->path, &r->through, &r->message};
    for (size_t i = 0; i < TEXTS; n += texts[i++].n) {
        if (texts[i].n > 0)
            memcpy(r->texts + n, texts[i].p, texts[i].n);
        *to[i] = slice_of(r->texts + n, texts[i].n);
    }
    return r;
}

static int by_id(const void *a, const void *b)
{
    const struct tui_row *left = a, *right = b;
    return strcmp(left->id, right->id);
}

/* Equal ones stand newest first, so that the order is always the same. */
static int order(const struct tui_list *l, const struct tui_row *a,
                 const struct tui_row *b)
{
    int by = 0;
    if (l->sort == SORT_DURATION)
        by = number_order(b->took, a->took);
    else if (l->sort == SORT_STATUS)
        by = number_order(b->class, a->class);
    if (by == 0 && l->sort == SORT_STATUS)
        by = number_order(b->status, a->status);
    if (by == 0)
        by = number_order(b->start, a->start);
    return by != 0 ? by : strcmp(b->id, a->id);
}

static int number_order(double a, double b)
{
    return (a > b) - (a < b);
}

static int quick_order(const void *a, const void *b, void *list)
{
    const struct tui_row *const *left = a, *const *right = b;
    return order(list, *left, *right);
}

/* Where it stands, or where it would. */
static size_t find_place(const struct tui_list *l, const struct tui_row *r)
{
    size_t from = 0, to = l->n;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (order(l, l->rows[middle], r) < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

/* What is seen stays where it is, but at the top, where the newest are. */
static void insert(struct tui_list *l, struct tui_row *r, bool choose)
{
    if (l->n == l->room) {
        size_t room = l->room == 0 ? 256 : 2 * l->room;
        struct tui_row **rows = reallocarray(l->rows, room, sizeof(*rows));
        if (rows == NULL) {
            free(r);
            return;
        }
        l->rows = rows;
        l->room = room;
    }
    if (tsearch(r, &l->by_id, by_id) == NULL) {
        free(r);
        return;
    }
    size_t i = find_place(l, r);
    memmove(l->rows + i + 1, l->rows + i, (l->n - i) * sizeof(*l->rows));
    l->rows[i] = r;
    if (choose)
        l->at.chosen = i;
    else if (l->n > 0 && i <= l->at.chosen)
        l->at.chosen++;
    if (i < l->at.top)
        l->at.top++;
    l->n++;
}

/* Whether it was the one that is chosen. */
static bool remove_row(struct tui_list *l, struct tui_row *r)
{
    size_t i = find_place(l, r);
    bool chosen = i == l->at.chosen;
    tdelete(r, &l->by_id, by_id);
    free(r);
    l->n--;
    memmove(l->rows + i, l->rows + i + 1, (l->n - i) * sizeof(*l->rows));
    if (i < l->at.chosen || (chosen && i == l->n && i > 0))
        l->at.chosen--;
    if (i < l->at.top)
        l->at.top--;
    return chosen;
}

static void forget(void *node)
{
    (void)node;
}

static void draw_status(const struct tui_row *r, struct pen *p)
{
    p->style = (uint8_t)(r->running ? LINE_RUNNING : class_colour(r->class));
    if (r->running)
        pen_str(p, RUNNING);
    else if (r->status > 0)
        pen_printf(p, "%d", r->status);
    else
        pen_str(p, class_word(r->class));
    p->style = LINE_PLAIN;
}
