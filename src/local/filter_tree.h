/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tree of a filter expression and the words that it is read in. Private
 * to the filter*.c files: made by filter_parse.c, read by the others.
 */
#ifndef XR_LOCAL_FILTER_TREE_H
#define XR_LOCAL_FILTER_TREE_H

#include "filter.h"
#include "root_cause.h"

enum filter_token_kind {
    TOKEN_END,
    TOKEN_WORD,   /* letters, digits, `_`, `.`, `-`; begins with a letter */
    TOKEN_STRING, /* text: decoded */
    TOKEN_NUMBER,
    TOKEN_OPERATOR,
    TOKEN_MARK, /* one of !(){}[],: */
    TOKEN_BAD,  /* err says why */
};

enum filter_op {
    OP_PRESENT, /* the keyword alone */
    OP_EQ,
    OP_NE,
    OP_LT,
    OP_LE,
    OP_GT,
    OP_GE,
    OP_CONTAINS,
    OP_BEGINSWITH,
    OP_ENDSWITH,
};

struct filter_token {
    enum filter_token_kind kind;
    struct slice raw;  /* as it stands in the text */
    struct slice text; /* TOKEN_STRING: what it means */
    double number;
    enum filter_op op;
    char mark;
};

struct filter_lexer {
    struct slice text; /* all of it */
    size_t at;         /* byte offset of what comes next */
    struct arena *arena;
    struct err *err;
};

/* The next token. Words of operators (CONTAINS) come as TOKEN_OPERATOR. */
struct filter_token filter_lex(struct filter_lexer *l);
static inline bool filter_is_mark(const struct filter_token *t, char mark)
{
    return t->kind == TOKEN_MARK && t->mark == mark;
}
/* After `annotation[`: the key and the `]`; false with the reason. */
bool filter_lex_key(struct filter_lexer *l, struct slice *key);
/* After `rootcause.json =`: `#` and an array; false with the reason. */
bool filter_lex_json(struct filter_lexer *l, struct slice *json);
/* Fails with "filter, column N: <text>", N standing for the byte offset. */
int filter_fail(const struct filter_lexer *l, size_t at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

enum filter_key {
    /* flags */
    KEY_OK,
    KEY_ERROR,
    KEY_THROTTLE,
    KEY_FAULT,
    KEY_PARTIAL,
    KEY_INFERRED,
    KEY_ROOT,
    KEY_FIRST,
    KEY_LAST,
    KEY_REMOTE,
    /* numbers */
    KEY_RESPONSE_TIME,
    KEY_DURATION,
    KEY_HTTP_STATUS,
    KEY_INDEX,
    KEY_COVERAGE,
    /* texts of the entry */
    KEY_HTTP_URL,
    KEY_HTTP_METHOD,
    KEY_HTTP_USER_AGENT,
    KEY_HTTP_CLIENT_IP,
    /* texts of any segment */
    KEY_USER,
    KEY_ZONE,
    KEY_INSTANCE_ID,
    KEY_RESOURCE_ARN,
    /* texts of any segment and of exceptions */
    KEY_NAME,
    KEY_TYPE,
    KEY_MESSAGE,
};

enum filter_keyword_kind {
    KEYWORD_FLAG,
    KEYWORD_NUMBER,
    KEYWORD_TEXT,
};

/* What braces behind `rootcause.` are asked of: a cause as a whole, or each
 * part of its path. */
enum filter_part {
    PART_CAUSE,
    PART_SERVICE,
    PART_ENTITY,
    PART_EXCEPTION,
};

struct filter_keyword {
    const char *name;
    enum filter_keyword_kind kind;
    enum filter_key key;
    bool of_cause; /* only in braces behind `rootcause.` */
};

/* Rows, ended by one without a name. */
extern const struct filter_keyword filter_keywords[];

enum filter_node_kind {
    NODE_ALL, /* matches everything */
    NODE_AND,
    NODE_OR,
    NODE_NOT,
    NODE_FLAG,
    NODE_NUMBER,
    NODE_TEXT,
    NODE_ANNOTATION,
    NODE_SERVICE,
    NODE_EDGE,
    NODE_GROUP,
    NODE_CAUSE,
    NODE_CAUSE_JSON,
};

/* What stands in service(...): a part that is not given is empty. */
struct filter_selector {
    struct slice name, type, account_id;
};

struct filter_node {
    enum filter_node_kind kind;
    struct slice text; /* where it stands */
    /* AND, OR: two or more. NOT, GROUP, CAUSE: one. SERVICE, EDGE: what
     * stands in braces, or none. */
    struct filter_node *children, *next;
    enum filter_key key;
    enum filter_op op;
    enum trace_value_kind value_kind;
    struct slice string;
    double number;
    bool boolean;
    struct slice annotation;
    struct filter_selector selector, callee; /* EDGE: selector is the caller */
    enum root_cause_kind cause;              /* CAUSE */
    enum filter_part part;
    struct slice json; /* CAUSE_JSON: an array */
};

struct filter {
    struct arena arena;
    struct slice text; /* a copy */
    struct filter_node *root;
    struct filter_condition *conditions;
    size_t n_conditions;
};

/* Reads `fault.service` and the like behind `rootcause.`; false: there is no
 * such cause. */
bool filter_cause_word(struct slice word, enum root_cause_kind *kind,
                       enum filter_part *part);
/* Why the node's keyword (annotation) can't be compared with its operator, or
 * its value, in words that may hold "%.*s" for the operator; NULL: it can. */
const char *filter_unfit(const struct filter_node *n, bool *of_operator);

/* Whether the selector names the node that stands for those who call roots. */
bool filter_selects_client(const struct filter_selector *s);
/* A segment's other name: an inferred table is also found as "DynamoDB", as
 * the call to it is named. */
struct slice filter_courtesy(const struct trace_entity *segment);
/* Whether the selector fits a node, by its name or the other one (empty:
 * there is none). */
bool filter_selects(const struct filter_selector *s,
                    const struct trace_node *node, struct slice name);
/* filter_conditions.c: false when the arena is full. */
bool filter_make_conditions(struct filter *f);
/* One conjunct against a trace. */
bool filter_match_node(const struct filter_node *n, const struct trace *t,
                       uint64_t *budget);

/* A number keyword's value, of the trace (e NULL) or of an entity; false if
 * there is none. */
bool filter_number(const struct trace *t, enum filter_key key,
                   const struct trace_entity *e, double *out);

/* A text keyword's value of one entity; empty for name, type and message. */
struct slice filter_text_of(const struct trace_entity *e, enum filter_key key);

/* `string | id(...)`, the next token given: for selectors of time series. */
bool filter_parse_selector(struct filter_lexer *l, struct filter_token t,
                           struct filter_selector *out);
/* Takes the mark; what is named in the message is what should come before. */
bool filter_expect(struct filter_lexer *l, char mark);

#endif
