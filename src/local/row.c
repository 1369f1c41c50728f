/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the row of a trace; see row.h. */
#include "row.h"

#include "warning.h"

#define TEXT_MAX_BYTES 400
#define THROUGH_MAX 20
#define USERS_MAX 10
#define KEYS_MAX 50
#define VALUES_MAX 5
/* Annotations looked at, so that a row of a huge trace costs no more. */
#define ANNOTATIONS_SEEN_MAX 2000

/* The annotations of a key, by order of appearance. */
struct row_key {
    struct slice key;
    const struct trace_annotation *values[VALUES_MAX];
    size_t n;
};

static size_t put(char *out, size_t room, struct slice s);
static void write_entry(struct jw *j, const struct trace *t);
static void write_message(struct jw *j, const struct trace *t, struct arena *a);
static void write_through(struct jw *j, const struct trace *t);
static void write_annotations(struct jw *j, const struct trace *t,
                              struct arena *a);
static size_t collect_keys(const struct trace *t, struct row_key *keys);
static struct row_key *key_of(struct row_key *keys, size_t *n,
                              struct slice key);
static void add_value(struct row_key *k, const struct trace_annotation *a);
static bool value_eq(const struct trace_annotation *a,
                     const struct trace_annotation *b);
static void write_users(struct jw *j, const struct trace *t);
static size_t count_spans(const struct trace *t);

void row_write(struct jw *j, const struct trace *t, const struct row_facts *f,
               struct arena *a)
{
    jw_object(j);
    jw_key(j, SLICE("id"));
    jw_string(j, t->id);
    jw_key(j, SLICE("start"));
    jw_double(j, t->start);
    jw_key(j, SLICE("duration"));
    row_seconds(j, t->duration);
    write_entry(j, t);
    jw_key(j, SLICE("partial"));
    jw_bool(j, t->partial);
    write_message(j, t, a);
    write_through(j, t);
    jw_key(j, SLICE("spans"));
    jw_uint(j, count_spans(t));
    write_annotations(j, t, a);
    write_users(j, t);
    jw_key(j, SLICE("warnings"));
    jw_uint(j, warning_find(t, f->received, NULL, 0));
    jw_key(j, SLICE("pinned"));
    jw_bool(j, f->pinned);
    jw_key(j, SLICE("revision"));
    jw_uint(j, t->revision);
    jw_object_end(j);
}

const char *row_class(enum trace_class c)
{
    static const char *const words[] = {"ok", "error", "throttle", "fault"};
    return words[c];
}

void row_text(struct jw *j, struct slice s, size_t max)
{
    if (s.n > max) {
        s.n = max;
        while (s.n > 0 && ((unsigned char)s.p[s.n] & 0xc0) == 0x80)
            s.n--;
    }
    jw_string(j, s);
}

void row_seconds(struct jw *j, double s)
{
    if (s < 0)
        jw_null(j);
    else
        jw_double(j, (double)(int64_t)(s * 1e6 + 0.5) / 1e6);
}

struct slice row_message(const struct trace_entity *e, char *out, size_t size)
{
    const struct trace_exception *x = e->exceptions;
    size_t n = 0;
    if (x == NULL)
        return (struct slice){0};
    n += put(out, size - n, x->type);
    if (x->type.n > 0 && x->message.n > 0)
        n += put(out + n, size - n, SLICE(": "));
    n += put(out + n, size - n, x->message);
    return slice_of(out, n);
}

static size_t put(char *out, size_t room, struct slice s)
{
    size_t n = s.n < room ? s.n : room;
    if (n > 0)
        memcpy(out, s.p, n);
    return n;
}

/* The entities stand depth first, so those above the present one are always
 * at hand. */
struct row_place *row_places(const struct trace *t, struct arena *a)
{
    struct row_place *places =
        arena_alloc(a, (t->n_entities + 1) * sizeof(*places));
    if (places == NULL)
        return NULL;
    int above = -1;
    for (size_t i = 0; i < t->n_entities; i++) {
        const struct trace_entity *parent = t->entities[i]->parent;
        while (above >= 0 && t->entities[above] != parent)
            above = places[above].parent;
        places[i].parent = above;
        places[i].depth = above < 0 ? 0 : places[above].depth + 1;
        above = (int)i;
    }
    return places;
}

static void write_entry(struct jw *j, const struct trace *t)
{
    static const struct trace_entity nothing;
    const struct trace_entity *e = t->entry == NULL ? &nothing : t->entry;
    struct slice type = e->node == NULL ? (struct slice){0} : e->node->type;
    jw_key(j, SLICE("response_time"));
    row_seconds(j, t->entry == NULL ? -1 : t->response_time);
    jw_key(j, SLICE("class"));
    jw_string(j, slice_str(row_class(e->class)));
    jw_key(j, SLICE("status"));
    if (e->http.status != 0)
        jw_int(j, e->http.status);
    else
        jw_null(j);
    jw_key(j, SLICE("in_progress"));
    jw_bool(j, e->in_progress);
    jw_key(j, SLICE("name"));
    row_text(j, e->name, TEXT_MAX_BYTES);
    jw_key(j, SLICE("type"));
    row_text(j, type, TEXT_MAX_BYTES);
    jw_key(j, SLICE("method"));
    row_text(j, e->http.method, TEXT_MAX_BYTES);
    jw_key(j, SLICE("url"));
    row_text(j, e->http.url, TEXT_MAX_BYTES);
}

/* Of the deepest entity that went as wrong as the entry did. */
static void write_message(struct jw *j, const struct trace *t, struct arena *a)
{
    char text[TEXT_MAX_BYTES];
    const struct trace_entity *deepest = NULL;
    int depth = -1;
    struct row_place *places = NULL;
    if (t->entry != NULL && t->entry->class != CLASS_OK)
        places = row_places(t, a);
    for (size_t i = 0; places != NULL && i < t->n_entities; i++) {
        const struct trace_entity *e = t->entities[i];
        if (e->exceptions == NULL || e->class < t->entry->class ||
            places[i].depth <= depth)
            continue;
        deepest = e;
        depth = places[i].depth;
    }
    jw_key(j, SLICE("message"));
    jw_string(j, deepest == NULL ? SLICE("")
                                 : row_message(deepest, text, sizeof(text)));
}

static void write_through(struct jw *j, const struct trace *t)
{
    jw_key(j, SLICE("through"));
    jw_array(j);
    for (size_t i = 0; i < t->n_nodes && i < THROUGH_MAX; i++)
        row_text(j, t->nodes[i].name, TEXT_MAX_BYTES);
    jw_array_end(j);
}

static void write_annotations(struct jw *j, const struct trace *t,
                              struct arena *a)
{
    struct row_key *keys = arena_alloc(a, KEYS_MAX * sizeof(*keys));
    size_t n = keys == NULL ? 0 : collect_keys(t, keys);
    jw_key(j, SLICE("annotations"));
    jw_object(j);
    for (size_t i = 0; i < n; i++) {
        jw_key(j, keys[i].key);
        jw_array(j);
        for (size_t k = 0; k < keys[i].n; k++) {
            const struct trace_annotation *v = keys[i].values[k];
            if (v->kind == VALUE_STRING)
                row_text(j, v->text, TEXT_MAX_BYTES);
            else if (v->kind == VALUE_NUMBER)
                jw_double(j, v->number);
            else
                jw_bool(j, v->boolean);
        }
        jw_array_end(j);
    }
    jw_object_end(j);
}

static size_t collect_keys(const struct trace *t, struct row_key *keys)
{
    size_t n = 0, seen = 0;
    for (size_t i = 0; i < t->n_entities; i++) {
        const struct trace_annotation *a = t->entities[i]->annotations;
        for (; a != NULL; a = a->next) {
            if (++seen > ANNOTATIONS_SEEN_MAX)
                return n;
            struct row_key *k = key_of(keys, &n, a->key);
            if (k != NULL)
                add_value(k, a);
        }
    }
    return n;
}

static struct row_key *key_of(struct row_key *keys, size_t *n, struct slice key)
{
    for (size_t i = 0; i < *n; i++)
        if (slice_eq(keys[i].key, key))
            return &keys[i];
    if (*n == KEYS_MAX)
        return NULL;
    keys[*n] = (struct row_key){.key = key};
    return &keys[(*n)++];
}

static void add_value(struct row_key *k, const struct trace_annotation *a)
{
    for (size_t i = 0; i < k->n; i++)
        if (value_eq(k->values[i], a))
            return;
    if (k->n < VALUES_MAX)
        k->values[k->n++] = a;
}

static bool value_eq(const struct trace_annotation *a,
                     const struct trace_annotation *b)
{
    return a->kind == b->kind && slice_eq(a->text, b->text) &&
           a->number == b->number && a->boolean == b->boolean;
}

static void write_users(struct jw *j, const struct trace *t)
{
    struct slice users[USERS_MAX];
    size_t n = 0;
    jw_key(j, SLICE("users"));
    jw_array(j);
    for (size_t i = 0; i < t->n_entities && n < USERS_MAX; i++) {
        struct slice user = t->entities[i]->user;
        bool known = user.n == 0;
        for (size_t k = 0; k < n && !known; k++)
            known = slice_eq(users[k], user);
        if (known)
            continue;
        users[n++] = user;
        row_text(j, user, TEXT_MAX_BYTES);
    }
    jw_array_end(j);
}

static size_t count_spans(const struct trace *t)
{
    size_t n = 0;
    for (size_t i = 0; i < t->n_entities; i++)
        if (t->entities[i]->kind != TRACE_INFERRED)
            n++;
    return n;
}
