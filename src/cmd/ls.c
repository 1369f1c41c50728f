/* SPDX-License-Identifier: Apache-2.0 */
/* `xray-relay ls [FILTER]`: the traces that match, the newest first. */
#include <stdio.h>
#include <stdlib.h>

#include "cmd.h"
#include "local.h"
#include "trace.h"

#define TIMEOUT_MS 60000
#define LIMIT "50"

int cmd_ls(struct config *c)
{
    struct local l;
    int status = EXIT_FAILED;
    const char *limit = config_flag(c, "limit");
    const char *since = config_flag(c, "since");
    char start[64];
    if (!local_open_reader(&l, "ls", c)) {
        config_free(c);
        return EXIT_FAILED;
    }
    if (since != NULL) {
        snprintf(start, sizeof(start), "-%.60s", since);
        since = since[0] >= '0' && since[0] <= '9' ? start : since;
    }
    local_path(&l, "/api/traces");
    local_param(&l, "filter", config_words(c)[0]);
    local_param(&l, "start", since);
    local_param(&l, "limit", limit == NULL ? LIMIT : limit);
    if (local_send(&l, "GET", SLICE(""), TIMEOUT_MS) != 200) {
        status = local_complain(&l);
    } else {
        trace_print_list(buf_slice(&l.answer), config_flag(c, "json") != NULL);
        status = fflush(stdout) == 0 ? 0 : EXIT_FAILED;
    }
    local_close(&l);
    config_free(c);
    return status;
}
