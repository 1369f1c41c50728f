/* SPDX-License-Identifier: Apache-2.0 */
/* A configuration file: the daemon's, ours, or a collector's. */
#include "config/config.c"
#include "config/file.c"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static char *nothing[] = {NULL};
    struct config *c = config_new(0, nothing);
    struct buf out;

    assert(c);
    c->environment = nothing;
    c->file = "c.yaml";
    apply_defaults(c);
    file_apply_text(c, c->file, slice_of(data, n));
    check_options(c);
    buf_init(&out, 1 << 20);
    config_print(c, &out);
    assert(!out.failed);
    buf_fini(&out);
    config_free(c);
    return 0;
}
