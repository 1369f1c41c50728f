/* SPDX-License-Identifier: Apache-2.0 */
/* `xray-relay config`: the effective configuration and its sources. Faults
 * were found, told and turned into an exit status while it was loaded. */
#include <stdio.h>

#include "cmd.h"

#define TEXT_MAX (1u << 20)

static void print_warning(void *arg, const char *text)
{
    (void)arg;
    fprintf(stderr, "warning: %s\n", text);
}

int cmd_config(struct config *c)
{
    struct buf text;
    buf_init(&text, TEXT_MAX);
    config_warnings(c, print_warning, NULL);
    config_print(c, &text);
    fwrite(text.p, 1, text.n, stdout);
    buf_fini(&text);
    config_free(c);
    return 0;
}
