/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attribute values: looked up by key, read as text or number, written as JSON,
 * whole or cut with a mark. What a rule takes is marked here, so that nothing
 * is written twice and nothing is lost. Knows no rule.
 */
#include <math.h>
#include <stdio.h>

#include "parts.h"

/* What a number of many digits takes. */
enum { DOUBLE_WORK = 100 };

static bool put_pair(struct translator *t, struct slice key, struct slice text);
static struct slice print_number(struct translator *t, const struct value *v);
static struct slice print_int(char *out, size_t room, int64_t v);
static bool text_int(struct slice s, int64_t *out);
static void write_map(struct translator *t, const struct attributes *map);
static void write_base64(struct translator *t, struct slice bytes);
static bool write_within(struct translator *t, const struct value *v,
                         size_t *budget);
static bool write_list_within(struct translator *t,
                              const struct value_list *list, size_t *budget);
static bool write_map_within(struct translator *t, const struct attributes *map,
                             size_t *budget);
static void spend(size_t *budget, size_t n);
static struct slice left_out(char out[64], uint32_t n);

bool value_is_scalar(const struct value *v)
{
    return v && (v->kind == VALUE_STRING || v->kind == VALUE_BOOL ||
                 v->kind == VALUE_INT || v->kind == VALUE_DOUBLE);
}

struct slice value_print(struct translator *t, const struct value *v)
{
    if (!value_is_scalar(v))
        return SLICE("");
    if (v->kind == VALUE_BOOL)
        return v->b ? SLICE("true") : SLICE("false");
    return print_number(t, v);
}

bool value_int(const struct value *v, int64_t *out)
{
    if (!v)
        return false;
    if (v->kind == VALUE_INT) {
        *out = v->i;
        return true;
    }
    if (v->kind == VALUE_DOUBLE && fabs(v->d) < 1e15 && trunc(v->d) == v->d) {
        *out = (int64_t)v->d;
        return true;
    }
    return v->kind == VALUE_STRING && text_int(v->text, out);
}

struct slice span_take(struct translator *t, enum key k)
{
    const struct value *v = span_value(t, k);

    if (value_is_scalar(v))
        span_fate(t, k, FATE_TAKEN);
    return value_text(t, v);
}

struct slice span_pick(struct translator *t, enum key new_key, enum key old_key)
{
    struct slice a = span_take(t, new_key);
    struct slice b = span_take(t, old_key);

    if (a.n == 0)
        return b;
    if (b.n > 0 && !slice_eq(a, b))
        span_fate(t, old_key, FATE_BACK);
    return a;
}

struct place place_now(const struct translator *t)
{
    return (struct place){t->documents.n, t->jw.comma[t->jw.depth]};
}

void place_return(struct translator *t, struct place p)
{
    t->documents.n = p.n;
    t->jw.comma[t->jw.depth] = p.comma;
}

void value_write(struct translator *t, const struct value *v)
{
    struct jw *j = &t->jw;

    switch (v->kind) {
    case VALUE_STRING:
        if (!limit_passed(t, v->text.n))
            jw_string(j, v->text);
        break;
    case VALUE_BOOL:
        jw_bool(j, v->b);
        break;
    case VALUE_INT:
        jw_int(j, v->i);
        break;
    case VALUE_DOUBLE:
        jw_double(j, v->d);
        limit_spend(t, DOUBLE_WORK);
        break;
    case VALUE_ARRAY:
        jw_array(j);
        for (uint32_t i = 0; i < v->array.n && !limit_passed(t, 0); i++)
            value_write(t, &v->array.items[i]);
        jw_array_end(j);
        break;
    case VALUE_MAP:
        write_map(t, &v->map);
        break;
    case VALUE_BYTES:
        write_base64(t, v->text);
        break;
    case VALUE_EMPTY:
    default:
        jw_null(j);
        break;
    }
}

void member_write(struct translator *t, struct slice key, const struct value *v)
{
    size_t budget = t->cuts.value_max;

    if (limit_passed(t, 0))
        return;
    if (!t->cuts.on && v->kind == VALUE_STRING && put_pair(t, key, v->text))
        return;
    put_key(t, key);
    if (!t->cuts.on)
        value_write(t, v);
    else if (write_within(t, v, &budget))
        t->cuts.made.cut_metadata++;
}

void put_text(struct translator *t, struct slice key, struct slice text)
{
    if (text.n == 0 || (!t->cuts.on && put_pair(t, key, text)))
        return;
    put_name(t, key);
    if (put_cut(t, text, t->cuts.text_max))
        t->cuts.made.cut_others++;
}

void put_name(struct translator *t, struct slice name)
{
    struct buf *b = &t->documents;
    char *to = buf_reserve(b, name.n + 4);

    if (!to)
        return;
    char *p = to;
    if (t->jw.comma[t->jw.depth])
        *p++ = ',';
    *p++ = '"';
    memcpy(p, name.p, name.n);
    p += name.n;
    *p++ = '"';
    *p++ = ':';
    b->n += (size_t)(p - to);
    t->jw.comma[t->jw.depth] = 0;
}

/* A key is data too: one of 100 KB must not make a document too large. */
void put_key(struct translator *t, struct slice key)
{
    if (key.n > t->cuts.text_max) {
        key.n = t->cuts.text_max;
        t->cuts.made.cut_others++;
    }
    jw_key(&t->jw, key);
}

bool put_cut(struct translator *t, struct slice text, size_t max)
{
    if (text.n <= max) {
        if (!limit_passed(t, text.n))
            jw_string(&t->jw, text);
        return false;
    }
    if (limit_passed(t, max))
        return true;
    size_t n = max;
    while (n > 0 && ((unsigned char)text.p[n] & 0xC0) == 0x80 && max - n < 4)
        n--;
    char mark[64];
    int m = snprintf(mark, sizeof(mark), "...[cut %zu bytes]\"", text.n - n);
    jw_string(&t->jw, slice_of(text.p, n));
    if (t->documents.failed)
        return true;
    t->documents.n--; /* the mark goes inside the quotes */
    buf_append(&t->documents, slice_of(mark, (size_t)m));
    return true;
}

static struct slice print_number(struct translator *t, const struct value *v)
{
    char *out = t->numbers[t->next_number++ % 16];
    int n = 0;

    if (v->kind == VALUE_INT) {
        return print_int(out, sizeof(t->numbers[0]), v->i);
    } else if (!isfinite(v->d)) {
        n = snprintf(out, sizeof(t->numbers[0]), "%s",
                     isnan(v->d) ? "NaN"
                     : v->d > 0  ? "Infinity"
                                 : "-Infinity");
    } else {
        struct jw j;
        buf_clear(&t->scratch);
        jw_init(&j, &t->scratch);
        jw_double(&j, v->d);
        n = snprintf(out, sizeof(t->numbers[0]), "%.*s",
                     SLICE_ARG(buf_slice(&t->scratch)));
    }
    return slice_of(out, (size_t)n);
}

/* Key and text with one look at the buffer, as most members are short and have
 * little to escape. False, with nothing written, if they are others. */
static bool put_pair(struct translator *t, struct slice key, struct slice text)
{
    enum { MARKS = 6, ESCAPES = 32, LONG = 4096 };
    struct buf *b = &t->documents;

    if (key.n + text.n > LONG)
        return false;
    char *to = buf_reserve(b, key.n + text.n + MARKS + ESCAPES);
    if (!to)
        return true;
    char *end = to + key.n + text.n + ESCAPES, *p = to;
    if (t->jw.comma[t->jw.depth])
        *p++ = ',';
    *p++ = '"';
    p += json_escape(p, (size_t)(end - p), &key);
    memcpy(p, "\":\"", 3);
    p += 3;
    if (key.n > 0 || p >= end)
        return false;
    p += json_escape(p, (size_t)(end - p), &text);
    if (text.n > 0)
        return false;
    *p++ = '"';
    t->jw.comma[t->jw.depth] = 1;
    b->n += (size_t)(p - to);
    return true;
}

/* Ports are printed for every HTTP span, so not by printf. */
static struct slice print_int(char *out, size_t room, int64_t v)
{
    uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    size_t at = room;

    do {
        out[--at] = (char)('0' + u % 10);
        u /= 10;
    } while (u);
    if (v < 0)
        out[--at] = '-';
    return slice_of(out + at, room - at);
}

static bool text_int(struct slice s, int64_t *out)
{
    int64_t v = 0;

    if (s.n == 0 || s.n > 18)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
        v = v * 10 + (s.p[i] - '0');
    }
    *out = v;
    return true;
}

static void write_map(struct translator *t, const struct attributes *map)
{
    jw_object(&t->jw);
    for (uint32_t i = 0; i < map->n && !limit_passed(t, 0); i++) {
        jw_key(&t->jw, map->items[i].key);
        value_write(t, &map->items[i].value);
    }
    jw_object_end(&t->jw);
}

static void write_base64(struct translator *t, struct slice bytes)
{
    if (limit_passed(t, base64_encoded_len(bytes.n)))
        return;
    jw_string(&t->jw, SLICE(""));
    if (t->documents.failed)
        return;
    t->documents.n--; /* the text goes inside the quotes */
    char *to = buf_reserve(&t->documents, base64_encoded_len(bytes.n) + 1);
    if (!to)
        return;
    size_t n = base64_encode(bytes, to);
    to[n] = '"';
    t->documents.n += n + 1;
}

/* Writes about *budget bytes of the value and a mark where it was cut, which
 * it tells. Structure is kept: what is cut are texts and ends of lists. */
static bool write_within(struct translator *t, const struct value *v,
                         size_t *budget)
{
    size_t max = *budget;

    switch (v->kind) {
    case VALUE_STRING:
        spend(budget, v->text.n);
        return put_cut(t, v->text, max);
    case VALUE_BYTES:
        spend(budget, base64_encoded_len(v->text.n));
        if (base64_encoded_len(v->text.n) <= max) {
            write_base64(t, v->text);
            return false;
        }
        write_base64(t, slice_of(v->text.p, max / 4 * 3));
        return true;
    case VALUE_ARRAY:
        return write_list_within(t, &v->array, budget);
    case VALUE_MAP:
        return write_map_within(t, &v->map, budget);
    default:
        spend(budget, 8);
        value_write(t, v);
        return false;
    }
}

static bool write_list_within(struct translator *t,
                              const struct value_list *list, size_t *budget)
{
    char mark[64];
    bool cut = false;
    uint32_t i = 0;

    jw_array(&t->jw);
    for (; i<list->n && * budget> 0; i++) {
        spend(budget, 1);
        cut |= write_within(t, &list->items[i], budget);
    }
    if (i < list->n)
        jw_string(&t->jw, left_out(mark, list->n - i));
    jw_array_end(&t->jw);
    return cut || i < list->n;
}

static bool write_map_within(struct translator *t, const struct attributes *map,
                             size_t *budget)
{
    char mark[64];
    bool cut = false;
    uint32_t i = 0;

    jw_object(&t->jw);
    for (; i<map->n && * budget> map->items[i].key.n; i++) {
        spend(budget, map->items[i].key.n + 4);
        jw_key(&t->jw, map->items[i].key);
        cut |= write_within(t, &map->items[i].value, budget);
    }
    if (i < map->n) {
        jw_key(&t->jw, left_out(mark, map->n - i));
        jw_null(&t->jw);
    }
    jw_object_end(&t->jw);
    return cut || i < map->n;
}

static void spend(size_t *budget, size_t n)
{
    *budget -= n < *budget ? n : *budget;
}

static struct slice left_out(char out[64], uint32_t n)
{
    int len = snprintf(out, 64, "...[cut %u entries]", n);

    return slice_of(out, (size_t)len);
}
