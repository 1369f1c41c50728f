/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The little HTTP/1.1 that the runtime API needs: a request as text, and an
 * answer out of a caller's buffer. Takes no memory, since the idle extension
 * uses it too. Private to lambda/.
 */
#ifndef XR_LAMBDA_HTTP_H
#define XR_LAMBDA_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#include "xr/slice.h"

#define LAMBDA_REQUEST_MAX 2048
#define LAMBDA_ANSWER_MAX (32u << 10)
#define LAMBDA_ID_MAX 128

#define LAMBDA_PATH_REGISTER "/2020-01-01/extension/register"
#define LAMBDA_PATH_NEXT "/2020-01-01/extension/event/next"
#define LAMBDA_PATH_TELEMETRY "/2022-07-01/telemetry"
#define LAMBDA_REGISTER_ALL "{\"events\":[\"INVOKE\",\"SHUTDOWN\"]}"
#define LAMBDA_REGISTER_MANAGED "{\"events\":[\"SHUTDOWN\"]}"

struct lambda_request {
    const char *method, *path, *api;
    const char *name;       /* of the extension; NULL: not sent */
    const char *identifier; /* NULL: not sent */
    const char *body;       /* JSON; NULL: none */
};

struct lambda_answer {
    int status;
    struct slice headers, body;
};

/* The request's length; 0 if it does not fit. */
size_t lambda_request_write(const struct lambda_request *r, char *out,
                            size_t cap);
/* 1: the answer is whole, a chunked body has been put together in place; 0:
 * more is needed; -1: no HTTP. ended: the peer has closed. */
int lambda_answer_read(char *p, size_t n, bool ended,
                       struct lambda_answer *out);
/* Without case; empty if absent. */
struct slice lambda_answer_header(const struct lambda_answer *a,
                                  const char *name);
/* The word behind the last slash. */
const char *lambda_base_name(const char *program);

#endif
