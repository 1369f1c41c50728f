/* SPDX-License-Identifier: Apache-2.0 */
/* The words of filter expressions: keywords, a row each, the names of
 * root causes, and what may be compared with what. */
#include "filter_tree.h"

static const char *unfit_value(enum filter_node_kind kind,
                               enum trace_value_kind value);

const struct filter_keyword filter_keywords[] = {
    {"ok", KEYWORD_FLAG, KEY_OK, false},
    {"error", KEYWORD_FLAG, KEY_ERROR, false},
    {"throttle", KEYWORD_FLAG, KEY_THROTTLE, false},
    {"fault", KEYWORD_FLAG, KEY_FAULT, false},
    {"partial", KEYWORD_FLAG, KEY_PARTIAL, false},
    {"inferred", KEYWORD_FLAG, KEY_INFERRED, false},
    {"root", KEYWORD_FLAG, KEY_ROOT, false},
    {"responsetime", KEYWORD_NUMBER, KEY_RESPONSE_TIME, false},
    {"duration", KEYWORD_NUMBER, KEY_DURATION, false},
    {"http.status", KEYWORD_NUMBER, KEY_HTTP_STATUS, false},
    {"http.url", KEYWORD_TEXT, KEY_HTTP_URL, false},
    {"http.method", KEYWORD_TEXT, KEY_HTTP_METHOD, false},
    {"http.useragent", KEYWORD_TEXT, KEY_HTTP_USER_AGENT, false},
    {"http.clientip", KEYWORD_TEXT, KEY_HTTP_CLIENT_IP, false},
    {"user", KEYWORD_TEXT, KEY_USER, false},
    {"name", KEYWORD_TEXT, KEY_NAME, false},
    {"type", KEYWORD_TEXT, KEY_TYPE, false},
    {"message", KEYWORD_TEXT, KEY_MESSAGE, false},
    {"availabilityzone", KEYWORD_TEXT, KEY_ZONE, false},
    {"instance.id", KEYWORD_TEXT, KEY_INSTANCE_ID, false},
    {"resource.arn", KEYWORD_TEXT, KEY_RESOURCE_ARN, false},
    {"first", KEYWORD_FLAG, KEY_FIRST, true},
    {"last", KEYWORD_FLAG, KEY_LAST, true},
    {"remote", KEYWORD_FLAG, KEY_REMOTE, true},
    {"index", KEYWORD_NUMBER, KEY_INDEX, true},
    {"coverage", KEYWORD_NUMBER, KEY_COVERAGE, true},
    {0},
};

bool filter_cause_word(struct slice word, enum root_cause_kind *kind,
                       enum filter_part *part)
{
    static const char *const kinds[] = {[ROOT_CAUSE_FAULT] = "fault",
                                        [ROOT_CAUSE_ERROR] = "error",
                                        [ROOT_CAUSE_TIME] = "responsetime"};
    static const char *const parts[] = {[PART_CAUSE] = "",
                                        [PART_SERVICE] = ".service",
                                        [PART_ENTITY] = ".entity",
                                        [PART_EXCEPTION] = ".exception"};
    size_t n = 0;
    while (n < word.n && word.p[n] != '.')
        n++;
    struct slice head = slice_of(word.p, n);
    struct slice tail = slice_of(word.p + n, word.n - n);
    for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
        for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
            if (slice_is_nocase(head, kinds[k]) &&
                slice_is_nocase(tail, parts[i])) {
                *kind = (enum root_cause_kind)k;
                *part = (enum filter_part)i;
                return k != ROOT_CAUSE_TIME || i != PART_EXCEPTION;
            }
    return false;
}

const char *filter_unfit(const struct filter_node *n, bool *of_operator)
{
    enum filter_node_kind kind = n->kind;
    if (kind == NODE_ANNOTATION) /* of the kind of its value */
        kind = n->value_kind == VALUE_NUMBER   ? NODE_NUMBER
               : n->value_kind == VALUE_STRING ? NODE_TEXT
                                               : NODE_FLAG;
    *of_operator = true;
    if (kind == NODE_FLAG && n->op != OP_EQ && n->op != OP_NE)
        return "\"=\" or \"!=\" expected";
    if (kind == NODE_NUMBER && n->op >= OP_CONTAINS)
        return "a number can't be asked for with \"%.*s\"";
    if (kind == NODE_TEXT && n->op >= OP_LT && n->op <= OP_GE)
        return "a text can't be asked for with \"%.*s\"";
    *of_operator = false;
    return unfit_value(kind, n->value_kind);
}

static const char *unfit_value(enum filter_node_kind kind,
                               enum trace_value_kind value)
{
    if (kind == NODE_FLAG)
        return value == VALUE_BOOL ? NULL : "true or false expected";
    if (kind == NODE_NUMBER)
        return value == VALUE_NUMBER ? NULL : "number expected";
    return value == VALUE_STRING ? NULL : "text in quotes expected";
}
