/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a filter expression into its tree, by recursive descent along the
 * grammar. Knows words and values; what they mean for a trace is in
 * filter_match.c.
 */
#include <stdlib.h>

#include "filter_tree.h"

#define ARENA_MAX_BYTES (4u << 20)
/* All texts of one filter together, those of its groups included. */
#define TEXTS_MAX_BYTES (16u * FILTER_MAX_BYTES)
#define CAUSE "rootcause."
#define ECHO_MAX 40 /* bytes of the text repeated in a message */

struct parser {
    struct filter_lexer lexer;
    struct filter_token t; /* the next one */
    size_t last_end;       /* byte offset of the end of the one before */
    int depth;
    size_t texts; /* bytes read so far */
    /* Of the braces behind `rootcause.` that are open; NULL: none. */
    const enum root_cause_kind *cause;
    const struct filter_groups *groups;
};

static bool read_text(struct parser *p, struct slice text,
                      struct filter_node **out);
static struct filter_node *parse_or(struct parser *p);
static struct filter_node *parse_and(struct parser *p);
static struct filter_node *parse_not(struct parser *p);
static struct filter_node *parse_in(struct parser *p, char close);
static struct filter_node *parse_term(struct parser *p);
static struct filter_node *parse_keyword(struct parser *p,
                                         const struct filter_token *word);
static struct filter_node *parse_annotation(struct parser *p,
                                            const struct filter_token *word);
static struct filter_node *parse_service(struct parser *p,
                                         const struct filter_token *word);
static struct filter_node *parse_edge(struct parser *p,
                                      const struct filter_token *word);
static struct filter_node *parse_group(struct parser *p,
                                       const struct filter_token *word);
static bool parse_braces(struct parser *p, struct filter_node *n,
                         const enum root_cause_kind *cause);
static struct filter_node *parse_cause(struct parser *p,
                                       const struct filter_token *word);
static struct filter_node *parse_cause_json(struct parser *p,
                                            const struct filter_token *word);
static struct filter_node *read_group(struct parser *p,
                                      const struct filter_token *name);
static bool parse_value(struct parser *p, struct filter_node *n,
                        const char *keyword);
static const struct filter_keyword *find_keyword(struct slice word);
static struct filter_node *make(struct parser *p, enum filter_node_kind kind,
                                size_t from);
static struct filter_node *finish(struct parser *p, struct filter_node *n);
static size_t offset(const struct parser *p, struct slice raw);
static bool advance(struct parser *p);
static bool begins_term(const struct filter_token *t);
static void *fail(struct parser *p, size_t at, const char *what,
                  struct slice word);
static bool annotation_word(struct slice word);

struct filter *filter_parse(struct slice text,
                            const struct filter_groups *groups, struct err *err)
{
    struct filter *f = calloc(1, sizeof(*f));
    if (f == NULL) {
        err_set(err, "filter: out of memory");
        return NULL;
    }
    arena_init(&f->arena, ARENA_MAX_BYTES);
    struct parser p = {.groups = groups};
    p.lexer.arena = &f->arena;
    p.lexer.err = err;
    if (!read_text(&p, text, &f->root)) {
        filter_free(f);
        return NULL;
    }
    f->text = p.lexer.text;
    if (!filter_make_conditions(f)) {
        err_set(err, "filter: too large");
        filter_free(f);
        return NULL;
    }
    return f;
}

void filter_free(struct filter *f)
{
    if (f == NULL)
        return;
    arena_fini(&f->arena);
    free(f);
}

/* All of a text, which is copied: the filter's own or a group's. */
static bool read_text(struct parser *p, struct slice text,
                      struct filter_node **out)
{
    struct filter_lexer *l = &p->lexer;
    p->texts += text.n;
    if (text.n > FILTER_MAX_BYTES || p->texts > TEXTS_MAX_BYTES)
        return err_set(l->err, "filter: longer than %d bytes",
                       FILTER_MAX_BYTES),
               false;
    char *copy = arena_dup(l->arena, text);
    if (copy == NULL)
        return err_set(l->err, "filter: too large"), false;
    l->text = slice_of(copy, text.n);
    l->at = 0;
    p->last_end = 0;
    if (!advance(p))
        return false;
    if (p->t.kind == TOKEN_END) {
        *out = make(p, NODE_ALL, 0);
        return *out != NULL;
    }
    *out = parse_or(p);
    if (*out == NULL)
        return false;
    if (p->t.kind != TOKEN_END)
        return fail(p, offset(p, p->t.raw), "nothing is open before \"%.*s\"",
                    p->t.raw),
               false;
    return true;
}

static struct filter_node *parse_or(struct parser *p)
{
    size_t from = offset(p, p->t.raw);
    struct filter_node *first = parse_and(p), * or ;
    if (first == NULL || p->t.kind != TOKEN_WORD ||
        !slice_is_nocase(p->t.raw, "or"))
        return first;
    or = make(p, NODE_OR, from);
    if (or == NULL)
        return NULL;
    or->children = first;
    while (p->t.kind == TOKEN_WORD && slice_is_nocase(p->t.raw, "or")) {
        if (!advance(p))
            return NULL;
        first->next = parse_and(p);
        first = first->next;
        if (first == NULL)
            return NULL;
    }
    return finish(p, or);
}

static struct filter_node *parse_and(struct parser *p)
{
    size_t from = offset(p, p->t.raw);
    struct filter_node *last = parse_not(p), *and = NULL;
    while (last != NULL && begins_term(&p->t)) {
        if (p->t.kind == TOKEN_WORD && slice_is_nocase(p->t.raw, "and") &&
            !advance(p))
            return NULL;
        if (and == NULL) {
            and = make(p, NODE_AND, from);
            if (and == NULL)
                return NULL;
            and->children = last;
        }
        last->next = parse_not(p);
        last = last->next;
    }
    return last == NULL || and == NULL ? last : finish(p, and);
}

static struct filter_node *parse_not(struct parser *p)
{
    size_t from = offset(p, p->t.raw);
    bool not = filter_is_mark(&p->t, '!');
    struct filter_node *n = NULL;
    if (++p->depth > FILTER_DEPTH_MAX)
        return fail(p, from, "nested too deeply", p->t.raw);
    if (not ) {
        n = make(p, NODE_NOT, from);
        if (n == NULL || !advance(p))
            return NULL;
        n->children = parse_not(p);
        n = n->children == NULL ? NULL : finish(p, n);
    } else if (filter_is_mark(&p->t, '(')) {
        n = advance(p) ? parse_in(p, ')') : NULL;
    } else {
        n = parse_term(p);
    }
    p->depth--;
    return n;
}

/* An expression and what closes it. */
static struct filter_node *parse_in(struct parser *p, char close)
{
    struct filter_node *n = parse_or(p);
    if (n == NULL)
        return NULL;
    if (!filter_is_mark(&p->t, close)) {
        filter_fail(&p->lexer,
                    p->t.kind == TOKEN_END ? p->last_end : offset(p, p->t.raw),
                    "\"%c\" expected", close);
        return NULL;
    }
    return advance(p) ? n : NULL;
}

static struct filter_node *parse_term(struct parser *p)
{
    struct filter_token word = p->t;
    size_t at = word.kind == TOKEN_END ? p->last_end : offset(p, word.raw);
    if (word.kind != TOKEN_WORD || slice_is_nocase(word.raw, "and") ||
        slice_is_nocase(word.raw, "or"))
        return fail(p, at, "keyword expected", word.raw);
    if (annotation_word(word.raw))
        return parse_annotation(p, &word);
    if (!advance(p))
        return NULL;
    if (slice_is_nocase(word.raw, "service"))
        return parse_service(p, &word);
    if (slice_is_nocase(word.raw, "edge"))
        return parse_edge(p, &word);
    if (slice_is_nocase(word.raw, "group.name") ||
        slice_is_nocase(word.raw, "group.arn"))
        return parse_group(p, &word);
    if (slice_is_nocase(word.raw, "rootcause.json") ||
        slice_is_nocase(word.raw, "json"))
        return parse_cause_json(p, &word);
    if (word.raw.n > strlen(CAUSE) &&
        strncasecmp(word.raw.p, CAUSE, strlen(CAUSE)) == 0)
        return parse_cause(p, &word);
    return parse_keyword(p, &word);
}

static struct filter_node *parse_keyword(struct parser *p,
                                         const struct filter_token *word)
{
    static const enum filter_node_kind kinds[] = {
        [KEYWORD_FLAG] = NODE_FLAG,
        [KEYWORD_NUMBER] = NODE_NUMBER,
        [KEYWORD_TEXT] = NODE_TEXT,
    };
    size_t at = offset(p, word->raw);
    const struct filter_keyword *k = find_keyword(word->raw);
    if (k == NULL)
        return fail(p, at, "unknown keyword \"%.*s\"", word->raw);
    if (k->of_cause && p->cause == NULL)
        return fail(p, at,
                    "\"%.*s\" stands only in braces as in "
                    "rootcause.fault.entity { ... }",
                    word->raw);
    if (k->key == KEY_COVERAGE && *p->cause != ROOT_CAUSE_TIME)
        return fail(p, at, "\"%.*s\" stands only in rootcause.responsetime",
                    word->raw);
    struct filter_node *n = make(p, kinds[k->kind], at);
    if (n == NULL)
        return NULL;
    n->key = k->key;
    return parse_value(p, n, k->name) ? finish(p, n) : NULL;
}

/* `annotation.key` is one word; before `[`, the lexer must not yet have gone
 * on, as a key may hold any letters. */
static struct filter_node *parse_annotation(struct parser *p,
                                            const struct filter_token *word)
{
    size_t dot = strlen("annotation");
    struct filter_node *n = make(p, NODE_ANNOTATION, offset(p, word->raw));
    if (n == NULL)
        return NULL;
    if (word->raw.n > dot + 1) {
        n->annotation = slice_of(word->raw.p + dot + 1, word->raw.n - dot - 1);
    } else if (word->raw.n == dot) {
        if (!advance(p))
            return NULL;
        if (!filter_is_mark(&p->t, '['))
            return fail(p, p->last_end,
                        "\".key\" or \"[key]\" expected after \"%.*s\"",
                        word->raw);
        if (!filter_lex_key(&p->lexer, &n->annotation))
            return NULL;
        p->t.raw = slice_of(p->lexer.text.p, p->lexer.at);
    } else {
        return fail(p, p->lexer.at, "key expected after \"%.*s\"", word->raw);
    }
    if (!advance(p))
        return NULL;
    return parse_value(p, n, "annotation") ? finish(p, n) : NULL;
}

static struct filter_node *parse_service(struct parser *p,
                                         const struct filter_token *word)
{
    struct filter_lexer *l = &p->lexer;
    struct filter_node *n = make(p, NODE_SERVICE, offset(p, word->raw));
    if (n == NULL)
        return NULL;
    if (!filter_is_mark(&p->t, '('))
        return fail(p, p->last_end, "\"(\" expected after \"%.*s\"", word->raw);
    if (!advance(p))
        return NULL;
    if (!filter_is_mark(&p->t, ')') &&
        (!filter_parse_selector(l, p->t, &n->selector) ||
         !filter_expect(l, ')')))
        return NULL;
    p->last_end = l->at;
    p->t.raw = slice_of(l->text.p, l->at);
    return advance(p) && parse_braces(p, n, NULL) ? finish(p, n) : NULL;
}

static struct filter_node *parse_edge(struct parser *p,
                                      const struct filter_token *word)
{
    struct filter_lexer *l = &p->lexer;
    struct filter_node *n = make(p, NODE_EDGE, offset(p, word->raw));
    if (n == NULL)
        return NULL;
    if (!filter_is_mark(&p->t, '('))
        return fail(p, p->last_end, "\"(\" expected after \"%.*s\"", word->raw);
    if (!filter_parse_selector(l, filter_lex(l), &n->selector) ||
        !filter_expect(l, ',') ||
        !filter_parse_selector(l, filter_lex(l), &n->callee) ||
        !filter_expect(l, ')'))
        return NULL;
    p->t.raw = slice_of(l->text.p, l->at);
    return advance(p) && parse_braces(p, n, NULL) ? finish(p, n) : NULL;
}

/* `{ ... }`, or nothing; cause: whose they are. */
static bool parse_braces(struct parser *p, struct filter_node *n,
                         const enum root_cause_kind *cause)
{
    const enum root_cause_kind *outer = p->cause;
    if (!filter_is_mark(&p->t, '{'))
        return true;
    if (!advance(p))
        return false;
    p->cause = cause;
    n->children = parse_in(p, '}');
    p->cause = outer;
    return n->children != NULL;
}

static struct filter_node *parse_cause(struct parser *p,
                                       const struct filter_token *word)
{
    struct filter_node *n = make(p, NODE_CAUSE, offset(p, word->raw));
    size_t head = strlen(CAUSE);
    if (n == NULL)
        return NULL;
    if (!filter_cause_word(slice_of(word->raw.p + head, word->raw.n - head),
                           &n->cause, &n->part))
        return fail(p, offset(p, word->raw),
                    "unknown keyword \"%.*s\": fault, error (with .service, "
                    ".entity or .exception) and responsetime (with .service "
                    "or .entity) have root causes",
                    word->raw);
    if (!filter_is_mark(&p->t, '{'))
        return fail(p, p->last_end, "\"{\" expected after \"%.*s\"", word->raw);
    return parse_braces(p, n, &n->cause) ? finish(p, n) : NULL;
}

/* The lexer must not yet have gone on behind the `=`: what comes is JSON. */
static struct filter_node *parse_cause_json(struct parser *p,
                                            const struct filter_token *word)
{
    struct filter_lexer *l = &p->lexer;
    struct filter_node *n = make(p, NODE_CAUSE_JSON, offset(p, word->raw));
    if (n == NULL)
        return NULL;
    if (p->t.kind != TOKEN_OPERATOR || p->t.op != OP_EQ)
        return fail(p, p->last_end, "\"=\" expected after \"%.*s\"", word->raw);
    if (!filter_lex_json(l, &n->json))
        return NULL;
    p->t.raw = slice_of(l->text.p, l->at);
    return advance(p) ? finish(p, n) : NULL;
}

/* The group's expression takes the place of its name. */
static struct filter_node *parse_group(struct parser *p,
                                       const struct filter_token *word)
{
    struct filter_node *n = make(p, NODE_GROUP, offset(p, word->raw));
    if (n == NULL)
        return NULL;
    if (p->t.kind != TOKEN_OPERATOR || p->t.op != OP_EQ)
        return fail(p, p->last_end, "\"=\" expected after \"%.*s\"", word->raw);
    if (!advance(p))
        return NULL;
    struct filter_token name = p->t;
    if (name.kind != TOKEN_STRING)
        return fail(p, p->last_end, "text in quotes expected after \"=\"",
                    name.raw);
    if (!advance(p))
        return NULL;
    finish(p, n);
    n->children = read_group(p, &name);
    return n->children == NULL ? NULL : n;
}

/* What a group says is read like a text of its own; one that names itself
 * ends at the depth allowed. */
static struct filter_node *read_group(struct parser *p,
                                      const struct filter_token *name)
{
    struct slice expression;
    struct parser inner = *p;
    struct err why = {""};
    struct filter_node *n = NULL;
    size_t at = offset(p, name->raw);
    inner.lexer.err = &why;
    inner.cause = NULL;
    if (p->groups == NULL ||
        !p->groups->find(p->groups->arg, name->text, &expression))
        return fail(p, at, "there is no group %.*s", name->raw);
    if (++inner.depth > FILTER_DEPTH_MAX)
        return fail(p, at, "nested too deeply", name->raw);
    if (!read_text(&inner, expression, &n)) {
        filter_fail(&p->lexer, at, "in group %.*s: %.150s",
                    (int)(name->raw.n < ECHO_MAX ? name->raw.n : ECHO_MAX),
                    name->raw.p, why.text);
        return NULL;
    }
    p->texts = inner.texts;
    return n;
}

/* `[op value]` behind a keyword. */
static bool parse_value(struct parser *p, struct filter_node *n,
                        const char *keyword)
{
    struct filter_token op = p->t;
    n->op = OP_PRESENT;
    if (op.kind != TOKEN_OPERATOR) {
        if (n->kind != NODE_NUMBER)
            return true;
        filter_fail(&p->lexer, p->last_end, "operator expected after \"%s\"",
                    keyword);
        return false;
    }
    if (!advance(p))
        return false;
    struct filter_token value = p->t;
    bool yes = value.kind == TOKEN_WORD && slice_is_nocase(value.raw, "true");
    bool no = value.kind == TOKEN_WORD && slice_is_nocase(value.raw, "false");
    if (value.kind != TOKEN_STRING && value.kind != TOKEN_NUMBER && !yes && !no)
        return fail(
            p, value.kind == TOKEN_END ? p->last_end : offset(p, value.raw),
            "value expected after \"%.*s\"", op.raw);
    n->op = op.op;
    n->value_kind = value.kind == TOKEN_STRING   ? VALUE_STRING
                    : value.kind == TOKEN_NUMBER ? VALUE_NUMBER
                                                 : VALUE_BOOL;
    n->string = value.text;
    n->number = value.number;
    n->boolean = yes;
    bool of_operator;
    const char *why = filter_unfit(n, &of_operator);
    if (why != NULL)
        return fail(p, offset(p, of_operator ? op.raw : value.raw), why,
                    op.raw);
    return advance(p);
}

static const struct filter_keyword *find_keyword(struct slice word)
{
    for (const struct filter_keyword *k = filter_keywords; k->name; k++)
        if (slice_is_nocase(word, k->name))
            return k;
    return NULL;
}

static struct filter_node *make(struct parser *p, enum filter_node_kind kind,
                                size_t from)
{
    struct filter_node *n = arena_alloc(p->lexer.arena, sizeof(*n));
    if (n == NULL) {
        filter_fail(&p->lexer, from, "too large");
        return NULL;
    }
    memset(n, 0, sizeof(*n));
    n->kind = kind;
    n->text = slice_of(p->lexer.text.p + from, 0);
    return n;
}

static struct filter_node *finish(struct parser *p, struct filter_node *n)
{
    n->text.n = (size_t)(p->lexer.text.p + p->last_end - n->text.p);
    return n;
}

static size_t offset(const struct parser *p, struct slice raw)
{
    return (size_t)(raw.p - p->lexer.text.p);
}

static bool advance(struct parser *p)
{
    if (p->t.raw.p != NULL)
        p->last_end = offset(p, p->t.raw) + p->t.raw.n;
    p->t = filter_lex(&p->lexer);
    return p->t.kind != TOKEN_BAD;
}

/* What can stand behind a term without a word between: a mark or a value
 * that can't is left for the one who called to refuse. */
static bool begins_term(const struct filter_token *t)
{
    return (t->kind == TOKEN_WORD && !slice_is_nocase(t->raw, "or")) ||
           filter_is_mark(t, '!') || filter_is_mark(t, '(');
}

/* Always NULL; what may hold "%.*s" for the word. */
static void *fail(struct parser *p, size_t at, const char *what,
                  struct slice word)
{
    const char *hole = strstr(what, "%.*s");
    if (word.n > ECHO_MAX)
        word.n = ECHO_MAX;
    if (hole == NULL)
        filter_fail(&p->lexer, at, "%s", what);
    else
        filter_fail(&p->lexer, at, "%.*s%.*s%s", (int)(hole - what), what,
                    SLICE_ARG(word), hole + strlen("%.*s"));
    return NULL;
}

static bool annotation_word(struct slice word)
{
    size_t n = strlen("annotation");
    return word.n >= n && strncasecmp(word.p, "annotation", n) == 0 &&
           (word.n == n || word.p[n] == '.');
}
