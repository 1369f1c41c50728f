/* SPDX-License-Identifier: Apache-2.0 */
/* Trace ids: text to bytes and back. Pure. */
#include "trace_id.h"

#include "xr/hash.h"

#define W3C_DIGITS 32
#define TEXT_LENGTH (TRACE_ID_TEXT - 1)
#define SECOND_AT 2
#define SECOND_BYTES 4
#define REST_AT 11

bool trace_id_read(struct slice text, uint8_t out[STORE_TRACE_ID])
{
    if (text.n == W3C_DIGITS)
        return hex_decode(text, out, STORE_TRACE_ID);
    return text.n == TEXT_LENGTH && text.p[0] == '1' && text.p[1] == '-' &&
           text.p[REST_AT - 1] == '-' &&
           hex_decode(slice_of(text.p + SECOND_AT, 2 * SECOND_BYTES), out,
                      SECOND_BYTES) &&
           hex_decode(slice_of(text.p + REST_AT, text.n - REST_AT),
                      out + SECOND_BYTES, STORE_TRACE_ID - SECOND_BYTES);
}

void trace_id_write(const uint8_t id[STORE_TRACE_ID], char out[TRACE_ID_TEXT])
{
    out[0] = '1';
    out[1] = '-';
    hex_encode(id, SECOND_BYTES, out + SECOND_AT);
    out[REST_AT - 1] = '-';
    hex_encode(id + SECOND_BYTES, STORE_TRACE_ID - SECOND_BYTES, out + REST_AT);
}

uint32_t trace_id_second(const uint8_t id[STORE_TRACE_ID])
{
    return (uint32_t)id[0] << 24 | (uint32_t)id[1] << 16 |
           (uint32_t)id[2] << 8 | id[3];
}
