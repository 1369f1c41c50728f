/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-256, HMAC-SHA-256, hex, base64 and random bytes, over OpenSSL. Digest
 * objects are fetched once and contexts re-used: an implicit fetch costs four
 * times the hash of a short input.
 */
#ifndef XR_HASH_H
#define XR_HASH_H

#include <stdint.h>

#include "xr/slice.h"

#define SHA256_BYTES 32

/* A running SHA-256. Never NULL: without memory the program ends. */
struct sha256;
struct sha256 *sha256_new(void);
void sha256_reset(struct sha256 *h);
void sha256_update(struct sha256 *h, struct slice s);
/* Ends the hash; sha256_reset starts the next. */
void sha256_final(struct sha256 *h, uint8_t out[SHA256_BYTES]);
void sha256_free(struct sha256 *h);

/* In one go; takes no memory after a thread's first. */
void sha256_once(struct slice s, uint8_t out[SHA256_BYTES]);
void hmac_sha256(struct slice key, struct slice text,
                 uint8_t out[SHA256_BYTES]);
/* Writes 2n lower-case digits and a NUL. */
void hex_encode(const void *bytes, size_t n, char *out);
/* Reads 2n digits of either case; false if there are others. */
bool hex_decode(struct slice text, uint8_t *out, size_t n);
/* Standard alphabet with padding; out has room for base64_encoded_len(n). No
 * NUL. Returns the length. */
size_t base64_encode(struct slice s, char *out);
static inline size_t base64_encoded_len(size_t n)
{
    return (n + 2) / 3 * 4;
}
/* Strict: standard alphabet, right padding, nothing else. out has room for
 * text.n / 4 * 3 bytes. Returns the length, -1 if it is not base64. */
long base64_decode(struct slice text, uint8_t *out);
/* From the kernel, good for secrets. */
void random_bytes(void *out, size_t n);
/* Gives OpenSSL's own generator new seed: after a snapshot of this process was
 * restored, others have the same one. */
void random_reseed(void);

#endif
