/* SPDX-License-Identifier: Apache-2.0 */
/* NextToken: where a page ended, bound to its query and to this process. */
#ifndef XR_LOCAL_TOKEN_H
#define XR_LOCAL_TOKEN_H

#include "param.h"
#include "xr/store.h"

#define TOKEN_SECRET 32 /* bytes */
#define TOKEN_TEXT 72   /* with the NUL */

struct token {
    int64_t at; /* epoch of the last trace, or a count */
    uint8_t id[STORE_TRACE_ID];
};

void token_write(const uint8_t secret[TOKEN_SECRET], uint64_t query,
                 const struct token *t, char out[TOKEN_TEXT]);
/* False: not one of ours, or of another query. */
bool token_read(const uint8_t secret[TOKEN_SECRET], uint64_t query,
                struct slice text, struct token *out);
/* What makes a query the same from page to page: its path and members, in any
 * order; but not the sampling, which Grafana lowers between pages. */
uint64_t token_query(const char *path, const struct params *p);

#endif
