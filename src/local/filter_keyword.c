/* SPDX-License-Identifier: Apache-2.0 */
/* The keywords of filter expressions, a row each. */
#include "filter_tree.h"

const struct filter_keyword filter_keywords[] = {
    {"ok", KEYWORD_FLAG, KEY_OK},
    {"error", KEYWORD_FLAG, KEY_ERROR},
    {"throttle", KEYWORD_FLAG, KEY_THROTTLE},
    {"fault", KEYWORD_FLAG, KEY_FAULT},
    {"partial", KEYWORD_FLAG, KEY_PARTIAL},
    {"inferred", KEYWORD_FLAG, KEY_INFERRED},
    {"root", KEYWORD_FLAG, KEY_ROOT},
    {"responsetime", KEYWORD_NUMBER, KEY_RESPONSE_TIME},
    {"duration", KEYWORD_NUMBER, KEY_DURATION},
    {"http.status", KEYWORD_NUMBER, KEY_HTTP_STATUS},
    {"http.url", KEYWORD_TEXT, KEY_HTTP_URL},
    {"http.method", KEYWORD_TEXT, KEY_HTTP_METHOD},
    {"http.useragent", KEYWORD_TEXT, KEY_HTTP_USER_AGENT},
    {"http.clientip", KEYWORD_TEXT, KEY_HTTP_CLIENT_IP},
    {"user", KEYWORD_TEXT, KEY_USER},
    {"name", KEYWORD_TEXT, KEY_NAME},
    {"type", KEYWORD_TEXT, KEY_TYPE},
    {"message", KEYWORD_TEXT, KEY_MESSAGE},
    {"availabilityzone", KEYWORD_TEXT, KEY_ZONE},
    {"instance.id", KEYWORD_TEXT, KEY_INSTANCE_ID},
    {"resource.arn", KEYWORD_TEXT, KEY_RESOURCE_ARN},
    {"first", KEYWORD_LATER, KEY_OK},
    {"last", KEYWORD_LATER, KEY_OK},
    {"remote", KEYWORD_LATER, KEY_OK},
    {"index", KEYWORD_LATER, KEY_OK},
    {"coverage", KEYWORD_LATER, KEY_OK},
    {"json", KEYWORD_LATER, KEY_OK},
    {0},
};
