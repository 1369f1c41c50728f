/* SPDX-License-Identifier: Apache-2.0 */
/* `xray-relay clear [FILTER]`: deletes traces, pinned ones only by a filter. */
#include <stdio.h>

#include "cmd.h"
#include "local.h"
#include "local/elements.h"

#define TIMEOUT_MS 60000

int cmd_clear(struct config *c)
{
    struct local l;
    struct arena a;
    int status = 0;
    if (!local_open(&l, "clear", c)) {
        config_free(c);
        return EXIT_FAILED;
    }
    local_path(&l, "/api/traces");
    local_param(&l, "filter", config_words(c)[0]);
    if (local_send(&l, "DELETE", SLICE(""), TIMEOUT_MS) == 200) {
        arena_init(&a, 1 << 16);
        printf("%.0f traces deleted\n",
               elements_number(buf_slice(&l.answer), "deleted", 0, &a));
        arena_fini(&a);
    } else {
        status = local_complain(&l);
    }
    local_close(&l);
    config_free(c);
    return status;
}
