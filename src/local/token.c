/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens: place and signature in base64url, 48 bytes. Pure. */
#include "token.h"

#include "infer.h"
#include "xr/hash.h"

#define SIGNATURE_BYTES 16
#define AT_BYTES 8
#define PLACE_BYTES (AT_BYTES + STORE_TRACE_ID)
#define TOKEN_BYTES (PLACE_BYTES + SIGNATURE_BYTES)

static void sign(const uint8_t *secret, uint64_t query, const uint8_t *place,
                 uint8_t out[SHA256_BYTES]);

void token_write(const uint8_t secret[TOKEN_SECRET], uint64_t query,
                 const struct token *t, char out[TOKEN_TEXT])
{
    uint8_t raw[TOKEN_BYTES + SHA256_BYTES];
    uint64_t at = (uint64_t)t->at;
    for (int i = 0; i < AT_BYTES; i++)
        raw[i] = (uint8_t)(at >> (8 * (AT_BYTES - 1 - i)));
    memcpy(raw + AT_BYTES, t->id, STORE_TRACE_ID);
    sign(secret, query, raw, raw + PLACE_BYTES);
    size_t n = base64_encode(slice_of(raw, TOKEN_BYTES), out);
    for (size_t i = 0; i < n; i++) {
        if (out[i] == '+')
            out[i] = '-';
        if (out[i] == '/')
            out[i] = '_';
        if (out[i] == '=')
            out[i] = '.';
    }
    out[n] = '\0';
}

bool token_read(const uint8_t secret[TOKEN_SECRET], uint64_t query,
                struct slice text, struct token *out)
{
    char standard[TOKEN_TEXT];
    uint8_t raw[TOKEN_TEXT], want[SHA256_BYTES];
    unsigned differs = 0;
    uint64_t at = 0;
    if (text.n >= sizeof(standard))
        return false;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        standard[i] = c == '-' ? '+' : c == '_' ? '/' : c == '.' ? '=' : c;
    }
    if (base64_decode(slice_of(standard, text.n), raw) != TOKEN_BYTES)
        return false;
    sign(secret, query, raw, want);
    for (int i = 0; i < SIGNATURE_BYTES; i++)
        differs |= raw[PLACE_BYTES + i] ^ want[i];
    for (int i = 0; i < AT_BYTES; i++)
        at = at << 8 | raw[i];
    out->at = (int64_t)at;
    memcpy(out->id, raw + AT_BYTES, STORE_TRACE_ID);
    return differs == 0;
}

uint64_t token_query(const char *path, const struct params *p)
{
    static const char *const free_members[] = {"NextToken", "Sampling",
                                               "SamplingStrategy"};
    uint64_t sum = infer_hash(slice_str(path));
    for (size_t i = 0; i < p->n; i++) {
        const struct param *m = &p->members[i];
        bool counts = true;
        for (size_t k = 0; k < sizeof(free_members) / sizeof(free_members[0]);
             k++)
            counts = counts && !slice_is(m->name, free_members[k]);
        if (counts)
            sum += infer_hash(m->name) * 31 + infer_hash(m->value);
    }
    return sum;
}

static void sign(const uint8_t *secret, uint64_t query, const uint8_t *place,
                 uint8_t out[SHA256_BYTES])
{
    uint8_t text[sizeof(query) + PLACE_BYTES];
    memcpy(text, &query, sizeof(query));
    memcpy(text + sizeof(query), place, PLACE_BYTES);
    hmac_sha256(slice_of(secret, TOKEN_SECRET), slice_of(text, sizeof(text)),
                out);
}
