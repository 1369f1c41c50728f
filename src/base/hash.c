/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Digests, encodings of bytes as text, and random bytes. The only file beside
 * the TLS server that sees OpenSSL. Knows bytes only.
 */
#include "xr/hash.h"

#include <assert.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "xr/log.h"

enum { SHA256_BLOCK_BYTES = 64 };

struct sha256 {
    EVP_MD_CTX *ctx;
    bool begun; /* late, so that OpenSSL's set-up is not part of a start */
};

static EVP_MD *sha256_md(void);
static EVP_MD_CTX *context_new(void);
static EVP_MD_CTX *thread_context(void);
static void begin(EVP_MD_CTX *ctx);
static void update(EVP_MD_CTX *ctx, struct slice s);
static void finish(EVP_MD_CTX *ctx, uint8_t out[SHA256_BYTES]);
static int hex_value(char c);

struct sha256 *sha256_new(void)
{
    struct sha256 *h = malloc(sizeof(*h));

    if (!h)
        log_fatal("no memory for a SHA-256 context");
    h->ctx = context_new();
    h->begun = false;
    return h;
}

void sha256_reset(struct sha256 *h)
{
    begin(h->ctx);
    h->begun = true;
}

void sha256_update(struct sha256 *h, struct slice s)
{
    if (!h->begun)
        sha256_reset(h);
    update(h->ctx, s);
}

void sha256_final(struct sha256 *h, uint8_t out[SHA256_BYTES])
{
    if (!h->begun)
        sha256_reset(h);
    finish(h->ctx, out);
}

void sha256_free(struct sha256 *h)
{
    if (!h)
        return;
    EVP_MD_CTX_free(h->ctx);
    free(h);
}

void sha256_once(struct slice s, uint8_t out[SHA256_BYTES])
{
    EVP_MD_CTX *ctx = thread_context();

    begin(ctx);
    update(ctx, s);
    finish(ctx, out);
}

/* RFC 2104 on a re-used digest context: a third of the cost of HMAC(). */
void hmac_sha256(struct slice key, struct slice text, uint8_t out[SHA256_BYTES])
{
    uint8_t block[SHA256_BLOCK_BYTES] = {0}, inner[SHA256_BYTES];
    EVP_MD_CTX *ctx = thread_context();

    if (key.n > sizeof(block))
        sha256_once(key, block);
    else if (key.n)
        memcpy(block, key.p, key.n);

    for (size_t i = 0; i < sizeof(block); i++)
        block[i] ^= 0x36;
    begin(ctx);
    update(ctx, slice_of(block, sizeof(block)));
    update(ctx, text);
    finish(ctx, inner);

    for (size_t i = 0; i < sizeof(block); i++)
        block[i] ^= 0x36 ^ 0x5c;
    begin(ctx);
    update(ctx, slice_of(block, sizeof(block)));
    update(ctx, slice_of(inner, sizeof(inner)));
    finish(ctx, out);
}

void hex_encode(const void *bytes, size_t n, char *out)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *p = bytes;

    for (size_t i = 0; i < n; i++) {
        out[2 * i] = digits[p[i] >> 4];
        out[2 * i + 1] = digits[p[i] & 15];
    }
    out[2 * n] = '\0';
}

bool hex_decode(struct slice text, uint8_t *out, size_t n)
{
    if (text.n != 2 * n)
        return false;
    for (size_t i = 0; i < n; i++) {
        int high = hex_value(text.p[2 * i]);
        int low = hex_value(text.p[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

size_t base64_encode(struct slice s, char *out)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                   "abcdefghijklmnopqrstuvwxyz0123456789+/";
    const uint8_t *p = (const uint8_t *)s.p;
    size_t left = s.n, n = 0;

    for (; left > 0; p += 3) {
        size_t k = left < 3 ? left : 3;
        uint32_t v = (uint32_t)p[0] << 16;
        v |= k > 1 ? (uint32_t)p[1] << 8 : 0;
        v |= k > 2 ? p[2] : 0;
        out[n++] = alphabet[v >> 18];
        out[n++] = alphabet[v >> 12 & 63];
        out[n++] = k > 1 ? alphabet[v >> 6 & 63] : '=';
        out[n++] = k > 2 ? alphabet[v & 63] : '=';
        left -= k;
    }
    return n;
}

/* Per byte: its six bits plus 64, or 0 if the byte is not of the alphabet. */
#define B64(c)                                                                 \
    ((c) >= 'A' && (c) <= 'Z'   ? 64 + (c) - 'A'                               \
     : (c) >= 'a' && (c) <= 'z' ? 64 + 26 + (c) - 'a'                          \
     : (c) >= '0' && (c) <= '9' ? 64 + 52 + (c) - '0'                          \
     : (c) == '+'               ? 64 + 62                                      \
     : (c) == '/'               ? 64 + 63                                      \
                                : 0)
#define B64_4(c) B64(c), B64((c) + 1), B64((c) + 2), B64((c) + 3)
#define B64_16(c) B64_4(c), B64_4((c) + 4), B64_4((c) + 8), B64_4((c) + 12)
#define B64_64(c)                                                              \
    B64_16(c), B64_16((c) + 16), B64_16((c) + 32), B64_16((c) + 48)

static const uint8_t base64_bits[256] = {B64_64(0), B64_64(64), B64_64(128),
                                         B64_64(192)};

/* Joins four characters; false if one is not of the alphabet. */
static inline bool base64_four(const uint8_t *p, uint32_t *v)
{
    uint32_t a = base64_bits[p[0]], b = base64_bits[p[1]];
    uint32_t c = base64_bits[p[2]], d = base64_bits[p[3]];

    *v = (a & 63) << 18 | (b & 63) << 12 | (c & 63) << 6 | (d & 63);
    return (a & b & c & d & 64) != 0;
}

/* Unused bits before the padding may be set, as in Go's decoder. */
long base64_decode(struct slice text, uint8_t *out)
{
    const uint8_t *p = (const uint8_t *)text.p;
    size_t n = 0, pad = 0;
    uint32_t v;

    if (text.n % 4 != 0)
        return -1;
    if (text.n == 0)
        return 0;
    const uint8_t *last = p + text.n - 4;
    for (; p < last; p += 4) {
        if (!base64_four(p, &v))
            return -1;
        out[n] = (uint8_t)(v >> 16);
        out[n + 1] = (uint8_t)(v >> 8);
        out[n + 2] = (uint8_t)v;
        n += 3;
    }
    uint8_t four[4];
    memcpy(four, last, sizeof(four));
    for (; pad < 2 && four[3 - pad] == '='; pad++)
        four[3 - pad] = 'A';
    if (!base64_four(four, &v))
        return -1;
    for (size_t i = 0; i < 3 - pad; i++)
        out[n++] = (uint8_t)(v >> (16 - 8 * i));
    return (long)n;
}

void random_bytes(void *out, size_t n)
{
    enum { ONCE_MAX_BYTES = 256 }; /* getentropy's limit */
    uint8_t *p = out;

    while (n > 0) {
        size_t k = n < ONCE_MAX_BYTES ? n : ONCE_MAX_BYTES;
        int rc = getentropy(p, k);
        assert(rc == 0);
        p += k;
        n -= k;
    }
}

void random_reseed(void)
{
    RAND_poll();
}

static EVP_MD *fetched;

static void fetch(void)
{
    fetched = EVP_MD_fetch(NULL, "SHA256", NULL);
    if (!fetched)
        log_fatal("OpenSSL offers no SHA-256");
}

static EVP_MD *sha256_md(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, fetch);
    return fetched;
}

static EVP_MD_CTX *context_new(void)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    if (!ctx)
        log_fatal("no memory for a SHA-256 context");
    return ctx;
}

/* One context a thread for the calls that begin and end at once. */
static EVP_MD_CTX *thread_context(void)
{
    static _Thread_local EVP_MD_CTX *ctx;

    if (!ctx)
        ctx = context_new();
    return ctx;
}

/* With a digest fetched before, these three have no way to fail. */
static void begin(EVP_MD_CTX *ctx)
{
    int ok = EVP_DigestInit_ex2(ctx, sha256_md(), NULL);
    assert(ok == 1);
}

static void update(EVP_MD_CTX *ctx, struct slice s)
{
    int ok = EVP_DigestUpdate(ctx, s.p, s.n);
    assert(ok == 1);
}

static void finish(EVP_MD_CTX *ctx, uint8_t out[SHA256_BYTES])
{
    int ok = EVP_DigestFinal_ex(ctx, out, NULL);
    assert(ok == 1);
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}
