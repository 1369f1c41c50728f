/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Splits the text of a filter into words, values and marks. Knows the
 * letters, not the grammar; each failure names the column.
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "filter_tree.h"
#include "xr/json_scan.h"

#define JSON_DEPTH_MAX 32

static struct filter_token lex_word(struct filter_lexer *l);
static struct filter_token lex_string(struct filter_lexer *l);
static struct filter_token lex_number(struct filter_lexer *l);
static struct filter_token lex_sign(struct filter_lexer *l);
static struct filter_token bad(void);
static struct filter_token cut(struct filter_lexer *l, size_t from,
                               enum filter_token_kind kind);
static void skip_space(struct filter_lexer *l);
static char peek(const struct filter_lexer *l, size_t ahead);
static bool is_word_byte(char c);

struct filter_token filter_lex(struct filter_lexer *l)
{
    skip_space(l);
    char c = peek(l, 0);
    if (l->at == l->text.n)
        return cut(l, l->at, TOKEN_END);
    if (isalpha((unsigned char)c) || c == '_')
        return lex_word(l);
    if (c == '"')
        return lex_string(l);
    if (isdigit((unsigned char)c) ||
        ((c == '-' || c == '.') && isdigit((unsigned char)peek(l, 1))))
        return lex_number(l);
    return lex_sign(l);
}

bool filter_lex_key(struct filter_lexer *l, struct slice *key)
{
    skip_space(l);
    size_t from = l->at;
    if (peek(l, 0) == '"') {
        struct filter_token t = lex_string(l);
        if (t.kind == TOKEN_BAD)
            return false;
        *key = t.text;
        skip_space(l);
    } else {
        while (l->at < l->text.n && peek(l, 0) != ']')
            l->at++;
        *key = slice_of(l->text.p + from, l->at - from);
        while (key->n > 0 && key->p[key->n - 1] == ' ')
            key->n--;
    }
    if (l->at == l->text.n || peek(l, 0) != ']')
        return filter_fail(l, l->at, "\"]\" expected after the key"), false;
    if (key->n == 0)
        return filter_fail(l, from, "key expected after \"[\""), false;
    l->at++;
    return true;
}

bool filter_lex_json(struct filter_lexer *l, struct slice *json)
{
    struct js j;
    skip_space(l);
    if (peek(l, 0) != '#' || peek(l, 1) != '[')
        return filter_fail(l, l->at, "#[{ ... }] expected after \"=\""), false;
    size_t from = ++l->at;
    js_init(&j, slice_of(l->text.p + from, l->text.n - from), JSON_DEPTH_MAX);
    bool whole = js_skip(&j, js_next(&j, NULL));
    if (!whole)
        return filter_fail(l, from + js_offset(&j), "bad JSON: %s", j.why),
               false;
    l->at += js_offset(&j);
    *json = slice_of(l->text.p + from, l->at - from);
    return true;
}

int filter_fail(const struct filter_lexer *l, size_t at, const char *fmt, ...)
{
    char text[256];
    size_t column = 1;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    for (size_t i = 0; i < at && i < l->text.n; i++)
        if (((unsigned char)l->text.p[i] & 0xc0) != 0x80)
            column++;
    return err_set(l->err, "filter, column %zu: %s", column, text);
}

static struct filter_token lex_word(struct filter_lexer *l)
{
    static const struct {
        const char *name;
        enum filter_op op;
    } operators[] = {{"contains", OP_CONTAINS},
                     {"beginswith", OP_BEGINSWITH},
                     {"endswith", OP_ENDSWITH}};
    size_t from = l->at;
    while (l->at < l->text.n && is_word_byte(peek(l, 0)))
        l->at++;
    struct filter_token t = cut(l, from, TOKEN_WORD);
    for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
        if (slice_is_nocase(t.raw, operators[i].name)) {
            t.kind = TOKEN_OPERATOR;
            t.op = operators[i].op;
        }
    }
    return t;
}

/* `\"` and `\\`; another backslash stands for itself. */
static struct filter_token lex_string(struct filter_lexer *l)
{
    size_t from = l->at++, n = 0;
    char *out = arena_alloc(l->arena, l->text.n - from + 1);
    if (out == NULL) {
        filter_fail(l, from, "too large");
        return bad();
    }
    for (; l->at < l->text.n && peek(l, 0) != '"'; l->at++) {
        if (peek(l, 0) == '\\' && (peek(l, 1) == '"' || peek(l, 1) == '\\'))
            l->at++;
        out[n++] = peek(l, 0);
    }
    if (l->at == l->text.n) {
        filter_fail(l, from, "the closing quote of this text is missing");
        return bad();
    }
    l->at++;
    struct filter_token t = cut(l, from, TOKEN_STRING);
    t.text = slice_of(out, n);
    return t;
}

static struct filter_token lex_number(struct filter_lexer *l)
{
    char text[64];
    size_t from = l->at, n = 0;
    while (n < sizeof(text) - 1 && n < l->text.n - from &&
           (isdigit((unsigned char)peek(l, n)) ||
            strchr("+-.eE", peek(l, n)) != NULL)) {
        text[n] = peek(l, n);
        n++;
    }
    text[n] = '\0';
    char *end;
    double value = strtod(text, &end);
    l->at += (size_t)(end - text);
    struct filter_token t = cut(l, from, TOKEN_NUMBER);
    t.number = value;
    if (end == text || l->at - from == sizeof(text) - 1) {
        filter_fail(l, from, "not a number");
        return bad();
    }
    return t;
}

static struct filter_token lex_sign(struct filter_lexer *l)
{
    static const struct {
        const char *sign;
        enum filter_op op;
    } signs[] = {{"!=", OP_NE}, {"<=", OP_LE}, {">=", OP_GE},
                 {"=", OP_EQ},  {"<", OP_LT},  {">", OP_GT}};
    size_t from = l->at;
    struct slice rest = slice_of(l->text.p + from, l->text.n - from);
    for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
        if (!slice_starts(rest, signs[i].sign))
            continue;
        l->at += strlen(signs[i].sign);
        struct filter_token t = cut(l, from, TOKEN_OPERATOR);
        t.op = signs[i].op;
        return t;
    }
    if (rest.p[0] == '\0' || strchr("!(){}[],:", rest.p[0]) == NULL) {
        filter_fail(l, from,
                    "a keyword, an operator or a value can't begin here");
        return bad();
    }
    l->at++;
    struct filter_token t = cut(l, from, TOKEN_MARK);
    t.mark = rest.p[0];
    return t;
}

static struct filter_token bad(void)
{
    return (struct filter_token){.kind = TOKEN_BAD};
}

static struct filter_token cut(struct filter_lexer *l, size_t from,
                               enum filter_token_kind kind)
{
    return (struct filter_token){
        .kind = kind, .raw = slice_of(l->text.p + from, l->at - from)};
}

static void skip_space(struct filter_lexer *l)
{
    while (l->at < l->text.n && isspace((unsigned char)l->text.p[l->at]))
        l->at++;
}

/* '\0' past the end. */
static char peek(const struct filter_lexer *l, size_t ahead)
{
    return ahead < l->text.n - l->at ? l->text.p[l->at + ahead] : '\0';
}

static bool is_word_byte(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '.' || c == '-';
}
