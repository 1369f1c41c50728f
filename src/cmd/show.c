/* SPDX-License-Identifier: Apache-2.0 */
/* `xray-relay show TRACE`: one trace as a tree, or its documents. */
#include <stdio.h>

#include "cmd.h"
#include "local.h"
#include "trace.h"

#define TIMEOUT_MS 60000

static int show(struct local *l, const char *id, bool json);

int cmd_show(struct config *c)
{
    struct local l;
    int status = EXIT_FAILED;
    const char *id = config_words(c)[0];
    if (id == NULL)
        fprintf(stderr, "xray-relay show: which trace? (an id of "
                        "`xray-relay ls`)\n");
    else if (local_open_reader(&l, "show", c)) {
        status = show(&l, id, config_flag(c, "json") != NULL);
        local_close(&l);
    }
    config_free(c);
    return status;
}

static int show(struct local *l, const char *id, bool json)
{
    struct arena a;
    struct line line;
    local_path(l, "/api/traces/");
    for (; *id != '\0'; id++)
        if (*id == '-' || (*id >= '0' && *id <= '9') ||
            (*id >= 'a' && *id <= 'z') || (*id >= 'A' && *id <= 'Z'))
            buf_byte(&l->path, *id);
    local_param(l, "documents", json ? "1" : "0");
    if (local_send(l, "GET", SLICE(""), TIMEOUT_MS) != 200)
        return local_complain(l);
    if (json) {
        printf("%s\n", buf_cstr(&l->answer));
        return fflush(stdout) == 0 ? 0 : EXIT_FAILED;
    }
    arena_init(&a, 256u << 20);
    line_init(&line);
    trace_print_tree(&line, buf_slice(&l->answer), &a);
    line_fini(&line);
    arena_fini(&a);
    return fflush(stdout) == 0 ? 0 : EXIT_FAILED;
}
