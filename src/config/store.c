/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stores values in the options with where they came from, and keeps what
 * there is to say about them until someone prints it. Knows rows and types,
 * not the sources.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "config.h"
#include "subcommand.h"
#include "value.h"

enum { NOTE_BYTES = 512 };

static void note_add(struct config *c, struct notes *list, const char *fmt,
                     va_list ap) __attribute__((format(printf, 3, 0)));
static int check_word(struct config *c, const struct option_row *r,
                      const char *text, const char *origin);
static int parse_yes_no(const char *text, bool *out);
static void split_list(struct config *c, const char *text,
                       struct text_list *out);

void config_warn(struct config *c, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    note_add(c, &c->warnings, fmt, ap);
    va_end(ap);
}

void config_fault(struct config *c, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    note_add(c, &c->errors, fmt, ap);
    va_end(ap);
}

void config_stray(struct config *c, const char *fmt, ...)
{
    const struct subcommand *sub = c->args.sub;
    bool strict = c->file_named || (sub && sub->command == COMMAND_CONFIG);
    va_list ap;

    va_start(ap, fmt);
    note_add(c, strict ? &c->errors : &c->warnings, fmt, ap);
    va_end(ap);
}

const char *config_text(struct config *c, const char *fmt, ...)
{
    va_list ap, again;

    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    char *p = n < 0 ? NULL : arena_alloc(&c->arena, (size_t)n + 1);
    if (p)
        vsnprintf(p, (size_t)n + 1, fmt, again);
    va_end(again);
    va_end(ap);
    if (!p)
        config_fault(c, "the configuration takes more than %d bytes",
                     CONFIG_BYTES_MAX);
    return p ? p : "";
}

void config_list_add(struct config *c, struct text_list *list, const char *item)
{
    enum { STEP = 16 };

    if (list->n % STEP == 0) {
        char **more =
            arena_alloc(&c->arena, (list->n + STEP) * sizeof(*list->items));
        if (!more) {
            config_fault(c, "a list is too long");
            return;
        }
        if (list->n)
            memcpy(more, list->items, list->n * sizeof(*more));
        list->items = more;
    }
    list->items[list->n++] = (char *)config_text(c, "%s", item);
}

int config_store(struct config *c, int row, const struct value *v,
                 const char *origin)
{
    const struct option_row *r = &option_rows[row];
    void *at = (char *)&c->options + r->offset;

    switch (r->type) {
    case OPTION_TEXT:
        if (r->words && check_word(c, r, v->text, origin) != 0)
            return -1;
        *(char **)at = (char *)config_text(c, "%s", v->text);
        break;
    case OPTION_BOOL:
        *(bool *)at = v->yes;
        break;
    case OPTION_INT:
        if (v->number < r->min || v->number > r->max) {
            config_fault(c, "%s: %s is %lld, out of range (%lld to %lld)",
                         origin, r->key, (long long)v->number,
                         (long long)(r->min < -1 ? 0 : r->min),
                         (long long)r->max);
            return -1;
        }
        *(int64_t *)at = v->number;
        break;
    default:
        *(struct text_list *)at = v->list;
        break;
    }
    c->origin[row] = origin;
    return 0;
}

int config_read_text(struct config *c, int row, const char *text,
                     struct value *out, struct err *err)
{
    const struct option_row *r = &option_rows[row];

    *out = (struct value){.text = text};
    if (r->type == OPTION_BOOL && parse_yes_no(text, &out->yes) != 0)
        return err_set(err, "%s needs true or false, but here is \"%.64s\"",
                       r->key, text);
    if (r->type == OPTION_INT &&
        value_parse_int(text, VALUE_GO_UNDERSCORE, &out->number) != VALUE_GOOD)
        return err_set(err, "%s needs a whole number, but here is \"%.64s\"",
                       r->key, text);
    if (r->type == OPTION_LIST)
        split_list(c, text, &out->list);
    return 0;
}

static void note_add(struct config *c, struct notes *list, const char *fmt,
                     va_list ap)
{
    char text[NOTE_BYTES];

    vsnprintf(text, sizeof(text), fmt, ap);
    if (list->n == CONFIG_NOTES_MAX)
        return; /* who mends a hundred will look again */
    struct note *n = arena_alloc(&c->arena, sizeof(*n));
    const char *copy = arena_dup(&c->arena, slice_str(text));
    if (!n || !copy) {
        list->n = CONFIG_NOTES_MAX;
        n = &list->spare;
        copy = "the configuration takes too much memory";
    } else {
        list->n++;
    }
    *n = (struct note){NULL, copy};
    if (list->last)
        list->last->next = n;
    else
        list->first = n;
    list->last = n;
}

static int check_word(struct config *c, const struct option_row *r,
                      const char *text, const char *origin)
{
    char all[NOTE_BYTES];
    size_t n = 0;

    for (const char *const *w = r->words; *w; w++) {
        if (strcasecmp(*w, text) == 0)
            return 0;
        n += (size_t)snprintf(all + n, sizeof(all) - n, "%s%s", n ? ", " : "",
                              *w);
    }
    if (r->marks & ROW_LENIENT)
        config_warn(c,
                    "%s: %s \"%.64s\" is unknown and left aside; known "
                    "are: %s",
                    origin, r->key, text, all);
    else
        config_fault(c, "%s: %s \"%.64s\" is unknown; known are: %s", origin,
                     r->key, text, all);
    return -1;
}

static int parse_yes_no(const char *text, bool *out)
{
    static const char *const words[] = {"yes", "on",  "true",  "t", "1",
                                        "no",  "off", "false", "f", "0"};

    for (size_t i = 0; i < 10; i++) {
        if (strcasecmp(text, words[i]) == 0) {
            *out = i < 5;
            return 0;
        }
    }
    return -1;
}

static void split_list(struct config *c, const char *text,
                       struct text_list *out)
{
    while (*text) {
        size_t n = strcspn(text, ",");
        while (n > 0 && *text == ' ') {
            text++;
            n--;
        }
        if (n > 0)
            config_list_add(c, out, config_text(c, "%.*s", (int)n, text));
        text += n + (text[n] == ',');
    }
}
