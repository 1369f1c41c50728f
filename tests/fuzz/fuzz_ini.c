/* SPDX-License-Identifier: Apache-2.0 */
/* The AWS shared configuration format. */
#include <assert.h>
#include <stdint.h>

#include "aws/ini.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct slice text = slice_of(data, n), value;
    struct ini ini;
    struct ini_item item;
    unsigned line = 0;

    ini_init(&ini, text);
    while (ini_next(&ini, &item)) {
        assert(ini.line > line && ini.line <= n + 1);
        line = ini.line;
        assert(item.name.n <= n && item.value.n <= n);
        (void)!ini_is_section(&item, "profile", SLICE("dev"));
    }
    if (ini_find(text, "profile", SLICE("dev"), "region", &value))
        assert(ini_has(text, "profile", SLICE("dev")));
    return 0;
}
