/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Completion in the filter box: what may stand at the cursor, from the
 * grammar, and which names and values the newest traces have.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "api_parts.h"
#include "filter_tree.h"

#define LOOK_MAX 500
#define ITEMS_MAX 50
#define WORDS_MAX 200
#define VALUES_MAX 50  /* kept of a key, */
#define VALUES_SHOWN 8 /* and told beside it: what most traces have */
#define WORD_MAX_BYTES 120

enum place {
    PLACE_WORD,    /* a keyword */
    PLACE_SERVICE, /* a name in quotes in service( or edge( */
    PLACE_VALUE,   /* behind `annotation.key op` */
};

/* In how many traces something stands. */
struct tally {
    unsigned traces, last; /* the last that was counted, from 1 */
};

struct value {
    char text[WORD_MAX_BYTES];
    struct tally tally;
};

/* A key or name found in traces, with some of its values. */
struct word {
    char text[WORD_MAX_BYTES];
    const char *type;
    struct tally tally;
    struct value values[VALUES_MAX];
    size_t n;
};

/* A completion; word: of which values are told, tally: of it, if any. */
struct item {
    const char *text, *type;
    const struct tally *tally;
    const struct word *word;
};

struct completion {
    enum place place;
    bool in_cause;   /* in braces behind `rootcause.` */
    size_t from, to; /* characters */
    char prefix[WORD_MAX_BYTES], key[WORD_MAX_BYTES];
    struct word words[WORDS_MAX];
    size_t n;
    unsigned items, looked; /* traces looked at */
};

static void find_place(struct completion *c, struct slice text, size_t at);
static size_t characters(struct slice text, size_t bytes);
static size_t bytes_of(struct slice text, size_t characters);
static bool in_cause(struct slice before);
static void find_key(struct completion *c, struct slice before);
static bool each_trace(struct api_work *w, const struct trace *t,
                       const struct store_trace *s, int64_t epoch);
static void collect(struct completion *c, const struct trace_annotation *a);
static struct word *word_of(struct completion *c, struct slice text,
                            const char *type);
static void add_value(struct completion *c, struct word *k,
                      const struct trace_annotation *a);
static void count_once(struct completion *c, struct tally *t);
static void sort_values(struct word *k);
static void complete_done(struct api_work *w, uint64_t count);
static void write_keywords(struct jw *j, struct completion *c);
static void write_words(struct jw *j, struct completion *c);
static void write_values(struct jw *j, struct completion *c);
static void write_item(struct jw *j, struct completion *c, struct item item);
static void write_found(struct jw *j, const char *text, const struct tally *t);
static bool has_prefix(const char *text, const char *prefix);
static void copy_text(char *out, struct slice s);

void api_complete(struct api *a, struct http1_request *r)
{
    struct store_query q = {.range = RANGE_ACTIVE, .after_epoch = -1};
    struct slice text = {"", 0}, number;
    double at = -1;
    struct api_work *w = api_work_new(a, r);
    if (w == NULL)
        return;
    struct completion *c = calloc(1, sizeof(*c));
    if (c == NULL)
        abort();
    w->state = c;
    w->free_state = free;
    (void)!api_param(r, "text", &w->arena, &text);
    if (api_param(r, "at", &w->arena, &number))
        (void)!api_time(number, 0, &at);
    if (text.n > FILTER_MAX_BYTES)
        text.n = FILTER_MAX_BYTES;
    find_place(c, text, at < 0 ? text.n : bytes_of(text, (size_t)at));
    w->each = each_trace;
    w->done = complete_done;
    w->look_max = LOOK_MAX;
    api_work_start(w, &q);
}

/* What is being written is a word up to the cursor, or a text in quotes. */
static void find_place(struct completion *c, struct slice text, size_t at)
{
    size_t from = at, quote = 0;
    bool quoted = false;
    for (size_t i = 0; i < at; i++) {
        if (text.p[i] == '\\' && quoted) {
            i++;
        } else if (text.p[i] == '"') {
            quoted = !quoted;
            quote = i;
        }
    }
    if (quoted)
        from = quote;
    while (!quoted && from > 0 &&
           (isalnum((unsigned char)text.p[from - 1]) ||
            strchr("_.-", text.p[from - 1]) != NULL))
        from--;
    c->from = characters(text, from);
    c->to = characters(text, at);
    copy_text(c->prefix, slice_of(text.p + from, at - from));
    find_key(c, slice_of(text.p, from));
    c->in_cause = in_cause(slice_of(text.p, from));
}

/* Whether the innermost braces that are open stand behind `rootcause.`. */
static bool in_cause(struct slice before)
{
    size_t open = 0, i = before.n;
    for (; i > 0 && (open > 0 || before.p[i - 1] != '{'); i--)
        open = before.p[i - 1] == '}'               ? open + 1
               : before.p[i - 1] == '{' && open > 0 ? open - 1
                                                    : open;
    if (i-- == 0)
        return false;
    while (i > 0 && isspace((unsigned char)before.p[i - 1]))
        i--;
    size_t end = i;
    while (i > 0 &&
           (isalpha((unsigned char)before.p[i - 1]) || before.p[i - 1] == '.'))
        i--;
    return end - i > 10 && strncasecmp(before.p + i, "rootcause.", 10) == 0;
}

static size_t characters(struct slice text, size_t bytes)
{
    size_t n = 0;
    for (size_t i = 0; i < bytes; i++)
        n += ((unsigned char)text.p[i] & 0xc0) != 0x80;
    return n;
}

static size_t bytes_of(struct slice text, size_t count)
{
    size_t i = 0;
    for (; i < text.n; i++)
        if (((unsigned char)text.p[i] & 0xc0) != 0x80 && count-- == 0)
            break;
    return i;
}

/* What stands before: `service(`, `annotation.key =`, or neither. */
static void find_key(struct completion *c, struct slice before)
{
    size_t n = before.n;
    while (n > 0 && isspace((unsigned char)before.p[n - 1]))
        n--;
    if (n > 0 && strchr("(,:", before.p[n - 1]) != NULL &&
        c->prefix[0] == '"') {
        c->place = PLACE_SERVICE;
        return;
    }
    size_t end = n;
    while (end > 0 && strchr("=!<>", before.p[end - 1]) != NULL)
        end--;
    if (end == n)
        return;
    while (end > 0 && isspace((unsigned char)before.p[end - 1]))
        end--;
    size_t from = end;
    while (from > 0 && (isalnum((unsigned char)before.p[from - 1]) ||
                        strchr("_.-", before.p[from - 1]) != NULL))
        from--;
    struct slice word = slice_of(before.p + from, end - from);
    if (word.n > 11 && strncasecmp(word.p, "annotation.", 11) == 0) {
        c->place = PLACE_VALUE;
        copy_text(c->key, slice_of(word.p + 11, word.n - 11));
    }
}

/* Worker. */
static bool each_trace(struct api_work *w, const struct trace *t,
                       const struct store_trace *s, int64_t epoch)
{
    struct completion *c = w->state;
    (void)s, (void)epoch;
    c->looked++;
    for (size_t i = 0; i < t->n_nodes && c->place == PLACE_SERVICE; i++)
        (void)!word_of(c, t->nodes[i].name, "service");
    for (size_t i = 0; i < t->n_entities && c->place != PLACE_SERVICE; i++)
        for (const struct trace_annotation *a = t->entities[i]->annotations;
             a != NULL; a = a->next)
            collect(c, a);
    return true;
}

static void collect(struct completion *c, const struct trace_annotation *a)
{
    static const char *const types[] = {"text", "number", "flag"};
    if (c->place == PLACE_VALUE && !slice_is(a->key, c->key))
        return;
    struct word *k = word_of(c, a->key, types[a->kind]);
    if (k != NULL)
        add_value(c, k, a);
}

static struct word *word_of(struct completion *c, struct slice text,
                            const char *type)
{
    for (size_t i = 0; i < c->n; i++)
        if (slice_is(text, c->words[i].text)) {
            count_once(c, &c->words[i].tally);
            return &c->words[i];
        }
    if (c->n == WORDS_MAX || text.n == 0 || text.n >= WORD_MAX_BYTES)
        return NULL;
    struct word *k = &c->words[c->n++];
    copy_text(k->text, text);
    k->type = type;
    count_once(c, &k->tally);
    return k;
}

/* As it would be written in a filter. */
static void add_value(struct completion *c, struct word *k,
                      const struct trace_annotation *a)
{
    char text[WORD_MAX_BYTES];
    size_t n = 0;
    if (a->kind == VALUE_NUMBER) {
        snprintf(text, sizeof(text), "%.9g", a->number);
    } else if (a->kind == VALUE_BOOL) {
        snprintf(text, sizeof(text), "%s", a->boolean ? "true" : "false");
    } else {
        if (2 * a->text.n + 3 > sizeof(text))
            return;
        text[n++] = '"';
        for (size_t i = 0; i < a->text.n; i++) {
            if (a->text.p[i] == '"' || a->text.p[i] == '\\')
                text[n++] = '\\';
            text[n++] = a->text.p[i];
        }
        text[n++] = '"';
        text[n] = '\0';
    }
    size_t at = 0;
    while (at < k->n && strcmp(k->values[at].text, text) != 0)
        at++;
    if (at == VALUES_MAX)
        return;
    if (at == k->n)
        memcpy(k->values[k->n++].text, text, sizeof(text));
    count_once(c, &k->values[at].tally);
}

static void count_once(struct completion *c, struct tally *t)
{
    if (t->last == c->looked)
        return;
    t->last = c->looked;
    t->traces++;
}

/* Those of most traces first; of as many, the newest. */
static void sort_values(struct word *k)
{
    for (size_t i = 1; i < k->n; i++) {
        struct value v = k->values[i];
        size_t at = i;
        for (; at > 0 && k->values[at - 1].tally.traces < v.tally.traces; at--)
            k->values[at] = k->values[at - 1];
        k->values[at] = v;
    }
}

static void complete_done(struct api_work *w, uint64_t count)
{
    struct completion *c = w->state;
    struct jw *j = &w->j;
    (void)count;
    if (w->request == NULL)
        return;
    for (size_t i = 0; i < c->n; i++)
        sort_values(&c->words[i]);
    jw_object(j);
    jw_key(j, SLICE("from"));
    jw_uint(j, c->from);
    jw_key(j, SLICE("to"));
    jw_uint(j, c->to);
    jw_key(j, SLICE("items"));
    jw_array(j);
    if (c->place == PLACE_WORD)
        write_keywords(j, c);
    if (c->place == PLACE_VALUE)
        write_values(j, c);
    else
        write_words(j, c);
    jw_array_end(j);
    jw_object_end(j);
    api_reply(w->request, 200, &w->out);
}

static void write_keywords(struct jw *j, struct completion *c)
{
    static const char *const types[] = {"flag", "number", "text"};
    static const char *const causes[] = {"rootcause.fault.service {",
                                         "rootcause.fault.entity {",
                                         "rootcause.fault.exception {",
                                         "rootcause.error.service {",
                                         "rootcause.error.entity {",
                                         "rootcause.error.exception {",
                                         "rootcause.responsetime.service {",
                                         "rootcause.responsetime.entity {",
                                         "rootcause.json = #[{"};
    for (const struct filter_keyword *k = filter_keywords; k->name; k++)
        if (!k->of_cause || c->in_cause)
            write_item(j, c,
                       (struct item){k->name, types[k->kind], NULL, NULL});
    write_item(j, c, (struct item){"service(\"", "service", NULL, NULL});
    write_item(j, c, (struct item){"edge(\"", "service", NULL, NULL});
    write_item(j, c, (struct item){"group.name", "text", NULL, NULL});
    for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++)
        write_item(j, c, (struct item){causes[i], "cause", NULL, NULL});
    if (c->prefix[0] != '\0') {
        write_item(j, c, (struct item){"AND", "word", NULL, NULL});
        write_item(j, c, (struct item){"OR", "word", NULL, NULL});
    }
}

static void write_words(struct jw *j, struct completion *c)
{
    char text[2 * WORD_MAX_BYTES];
    const char *form = c->place == PLACE_SERVICE ? "\"%s\"" : "annotation.%s";
    for (size_t i = 0; i < c->n; i++) {
        const struct word *k = &c->words[i];
        snprintf(text, sizeof(text), form, k->text);
        write_item(j, c, (struct item){text, k->type, &k->tally, k});
    }
}

static void write_values(struct jw *j, struct completion *c)
{
    for (size_t i = 0; i < c->n; i++)
        for (size_t k = 0; k < c->words[i].n; k++) {
            const struct value *v = &c->words[i].values[k];
            write_item(j, c, (struct item){v->text, "value", &v->tally, NULL});
        }
}

static void write_item(struct jw *j, struct completion *c, struct item item)
{
    if (!has_prefix(item.text, c->prefix) || c->items >= ITEMS_MAX)
        return;
    c->items++;
    jw_object(j);
    write_found(j, item.text, item.tally);
    jw_key(j, SLICE("type"));
    jw_string(j, slice_str(item.type));
    jw_key(j, SLICE("values"));
    jw_array(j);
    for (size_t i = 0;
         item.word != NULL && i < item.word->n && i < VALUES_SHOWN; i++) {
        const struct value *v = &item.word->values[i];
        jw_object(j);
        write_found(j, v->text, &v->tally);
        jw_object_end(j);
    }
    jw_array_end(j);
    jw_object_end(j);
}

static void write_found(struct jw *j, const char *text, const struct tally *t)
{
    jw_key(j, SLICE("text"));
    jw_string(j, slice_str(text));
    if (t == NULL)
        return;
    jw_key(j, SLICE("traces"));
    jw_uint(j, t->traces);
}

static bool has_prefix(const char *text, const char *prefix)
{
    return strncasecmp(text, prefix, strlen(prefix)) == 0;
}

static void copy_text(char *out, struct slice s)
{
    size_t n = s.n < WORD_MAX_BYTES - 1 ? s.n : WORD_MAX_BYTES - 1;
    if (n > 0)
        memcpy(out, s.p, n);
    out[n] = '\0';
}
