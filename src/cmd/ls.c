/* SPDX-License-Identifier: Apache-2.0 */
/* `xray-relay ls [FILTER]`: the traces that match, the newest first. */
#include <stdio.h>
#include <stdlib.h>

#include "cmd.h"
#include "local.h"
#include "local/elements.h"
#include "trace.h"

#define TIMEOUT_MS 60000
#define LIMIT "50"

static int print_page(struct local *l, bool json);

int cmd_ls(struct config *c)
{
    struct local l;
    int status = EXIT_FAILED;
    const char *limit = config_flag(c, "limit");
    const char *since = config_flag(c, "since");
    char start[64];
    if (!local_open(&l, "ls", c)) {
        config_free(c);
        return EXIT_FAILED;
    }
    if (!local_use_store(&l, c)) {
        local_close(&l);
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
    if (local_send(&l, "GET", SLICE(""), TIMEOUT_MS) == 200)
        status = print_page(&l, config_flag(c, "json") != NULL);
    else
        status = local_complain(&l);
    local_close(&l);
    config_free(c);
    return status;
}

static int print_page(struct local *l, bool json)
{
    struct arena a;
    struct line line;
    struct slice rows, row;
    arena_init(&a, 64u << 20);
    line_init(&line);
    rows = elements_member(buf_slice(&l->answer), "traces", &a);
    while (elements_next(&rows, &row)) {
        if (json)
            printf("%.*s\n", SLICE_ARG(row));
        else
            trace_print_row(&line, row, false, &a);
    }
    line_fini(&line);
    arena_fini(&a);
    return fflush(stdout) == 0 ? 0 : EXIT_FAILED;
}
