/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which nodes are meant: `"name"` and `id(name: "...", type: "...")` of
 * service() and edge(), and the selectors of time series made of them.
 */
#include <stdlib.h>

#include "filter_tree.h"

/* Of texts: a filter's, and what decoding takes. */
#define ARENA_MAX_BYTES (64u << 10)

struct selector {
    struct arena arena;
    enum selector_kind kind;
    struct filter_selector node, callee; /* SELECT_EDGE: node is the caller */
};

static bool read_selector(struct filter_lexer *l, struct selector *s);
static bool read_service(struct filter_lexer *l, struct selector *s);
static bool pair(struct filter_lexer *l, struct filter_selector *out);

struct selector *selector_parse(struct slice text, struct err *err)
{
    struct selector *s = calloc(1, sizeof(*s));
    if (s == NULL || text.n > FILTER_MAX_BYTES) {
        err_set(err, "selector: longer than %d bytes", FILTER_MAX_BYTES);
        free(s);
        return NULL;
    }
    arena_init(&s->arena, ARENA_MAX_BYTES);
    const char *copy = arena_dup(&s->arena, text);
    struct filter_lexer l = {
        .text = slice_of(copy, text.n), .arena = &s->arena, .err = err};
    if (copy == NULL || !read_selector(&l, s)) {
        selector_free(s);
        return NULL;
    }
    return s;
}

enum selector_kind selector_kind(const struct selector *s)
{
    return s->kind;
}

bool selector_service(const struct selector *s,
                      const struct trace_entity *segment)
{
    return s->kind == SELECT_SERVICE && segment->node != NULL &&
           filter_selects(&s->node, segment->node, filter_courtesy(segment));
}

bool selector_edge(const struct selector *s, const struct trace_node *caller,
                   const struct trace_node *callee)
{
    struct slice none = {0};
    if (s->kind != SELECT_EDGE || !filter_selects(&s->callee, callee, none))
        return false;
    if (caller != NULL)
        return filter_selects(&s->node, caller, none);
    return filter_selects_client(&s->node) &&
           (s->node.name.n == 0 || slice_eq(s->node.name, callee->name));
}

void selector_free(struct selector *s)
{
    if (s == NULL)
        return;
    arena_fini(&s->arena);
    free(s);
}

bool filter_selects_client(const struct filter_selector *s)
{
    return slice_is_nocase(s->type, "client");
}

struct slice filter_courtesy(const struct trace_entity *segment)
{
    return segment->kind == TRACE_INFERRED && segment->parent != NULL
               ? segment->parent->name
               : segment->name;
}

bool filter_selects(const struct filter_selector *s,
                    const struct trace_node *node, struct slice name)
{
    if (s->name.n > 0 && !slice_eq(s->name, node->name) &&
        !slice_eq(s->name, name))
        return false;
    if (s->type.n > 0 && !slice_eq(s->type, node->type))
        return false;
    return s->account_id.n == 0 || slice_eq(s->account_id, node->account_id);
}

static bool read_selector(struct filter_lexer *l, struct selector *s)
{
    struct filter_token t = filter_lex(l);
    bool read = false;
    s->kind = SELECT_SERVICE;
    if (t.kind == TOKEN_BAD)
        return false;
    if (t.kind == TOKEN_WORD && slice_is_nocase(t.raw, "id")) {
        read = filter_parse_selector(l, t, &s->node);
    } else if (t.kind == TOKEN_WORD && slice_is_nocase(t.raw, "service")) {
        read = read_service(l, s);
    } else if (t.kind == TOKEN_WORD && slice_is_nocase(t.raw, "edge")) {
        s->kind = SELECT_EDGE;
        read = filter_expect(l, '(') &&
               filter_parse_selector(l, filter_lex(l), &s->node) &&
               filter_expect(l, ',') &&
               filter_parse_selector(l, filter_lex(l), &s->callee) &&
               filter_expect(l, ')');
    } else {
        filter_fail(l, l->at - t.raw.n,
                    "service(...), edge(..., ...) or id(...) expected");
    }
    if (!read)
        return false;
    t = filter_lex(l);
    if (t.kind != TOKEN_END && t.kind != TOKEN_BAD)
        filter_fail(l, l->at - t.raw.n, "end expected");
    return t.kind == TOKEN_END;
}

/* `()` is any node. */
static bool read_service(struct filter_lexer *l, struct selector *s)
{
    if (!filter_expect(l, '('))
        return false;
    struct filter_token t = filter_lex(l);
    return filter_is_mark(&t, ')') ||
           (filter_parse_selector(l, t, &s->node) && filter_expect(l, ')'));
}

bool filter_parse_selector(struct filter_lexer *l, struct filter_token t,
                           struct filter_selector *out)
{
    if (t.kind == TOKEN_BAD)
        return false;
    size_t at = l->at - t.raw.n;
    *out = (struct filter_selector){0};
    if (t.kind == TOKEN_STRING) {
        out->name = t.text;
        return true;
    }
    if (t.kind != TOKEN_WORD || !slice_is_nocase(t.raw, "id"))
        return filter_fail(l, at, "name in quotes or id(...) expected"), false;
    if (!filter_expect(l, '(') || !pair(l, out))
        return false;
    for (t = filter_lex(l); filter_is_mark(&t, ','); t = filter_lex(l))
        if (!pair(l, out))
            return false;
    if (t.kind == TOKEN_BAD)
        return false;
    if (!filter_is_mark(&t, ')'))
        return filter_fail(l, l->at - t.raw.n, "\",\" or \")\" expected"),
               false;
    return true;
}

static bool pair(struct filter_lexer *l, struct filter_selector *out)
{
    struct filter_token key = filter_lex(l);
    struct slice *part = slice_is_nocase(key.raw, "name")   ? &out->name
                         : slice_is_nocase(key.raw, "type") ? &out->type
                         : slice_is_nocase(key.raw, "account.id")
                             ? &out->account_id
                             : NULL;
    if (key.kind == TOKEN_BAD)
        return false;
    if (part == NULL)
        return filter_fail(l, l->at - key.raw.n,
                           "name, type or account.id expected"),
               false;
    if (!filter_expect(l, ':'))
        return false;
    struct filter_token value = filter_lex(l);
    if (value.kind == TOKEN_BAD)
        return false;
    if (value.kind != TOKEN_STRING)
        return filter_fail(l, l->at - value.raw.n,
                           "text in quotes expected after \":\""),
               false;
    *part = value.text;
    return true;
}

bool filter_expect(struct filter_lexer *l, char mark)
{
    struct filter_token t = filter_lex(l);
    if (t.kind == TOKEN_BAD)
        return false;
    if (!filter_is_mark(&t, mark))
        return filter_fail(l, l->at - t.raw.n, "\"%c\" expected", mark), false;
    return true;
}
