/* SPDX-License-Identifier: Apache-2.0 */
/* Imports: the first byte tells how much comes at a time; the items are the
 * same as when all comes at once, and no more is held than one of them. */
#include <assert.h>
#include <stdint.h>

#include "local/import_split.h"
#include "xr/buf.h"

#define ITEM_MAX 300

static void split(struct slice text, size_t piece, struct buf *out)
{
    struct import_split s;
    struct slice item;
    size_t from = 0, to = 0, used;
    enum import_kind kind;
    import_split_init(&s, ITEM_MAX);
    do {
        to = text.n - to > piece ? to + piece : text.n;
        do {
            struct slice rest = slice_of(text.p + from, to - from);
            kind = import_split_next(&s, rest, to == text.n, &used, &item);
            assert(used <= rest.n);
            assert(item.p >= rest.p && item.p + item.n <= rest.p + used);
            from += used;
            buf_byte(out, (char)('0' + kind));
            buf_append(out, kind == IMPORT_NOTHING ? SLICE("") : item);
            if (kind == IMPORT_NOTHING)
                out->n--;
        } while (kind != IMPORT_NOTHING);
        assert(to - from < ITEM_MAX + piece);
    } while (to < text.n);
    assert(from == text.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct buf whole, pieces;
    /* Longer ones may be items of their own, or too large, as they are cut. */
    if (n < 2 || n > ITEM_MAX)
        return 0;
    buf_init(&whole, 1 << 20);
    buf_init(&pieces, 1 << 20);
    split(slice_of(data + 1, n - 1), n, &whole);
    split(slice_of(data + 1, n - 1), 1 + data[0] % 16, &pieces);
    assert(slice_eq(buf_slice(&whole), buf_slice(&pieces)));
    buf_fini(&whole);
    buf_fini(&pieces);
    return 0;
}
