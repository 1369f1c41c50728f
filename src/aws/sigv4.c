/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AWS Signature Version 4, header form, for services other than S3: the path
 * as sent is normalised and encoded once more, the query is sorted and encoded
 * anew, header values lose surplus blanks. Pure: the time is passed in, and the
 * memory of derived keys changes nothing but the cost of the next signature.
 * Knows neither credentials' sources nor HTTP.
 */
#include "xr/sigv4.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "sigv4_text.h"

#define ALGORITHM "AWS4-HMAC-SHA256"
#define DAY_LEN 8                     /* 20060102 */
#define SCRATCH_MAX ((size_t)8 << 20) /* of a canonical request */
#define SCOPE_MAX 192
#define SECRET_MAX 256
#define KEYS_HELD 4 /* xray and sts, before and after midnight */

struct held_key {
    char secret[SECRET_MAX];
    char scope[SCOPE_MAX];
    uint8_t key[SHA256_BYTES];
};

/* Working memory that is kept, so that a signature allocates nothing. */
struct memory {
    struct buf text, order;
    struct held_key keys[KEYS_HELD];
    unsigned next;
};

static _Thread_local struct memory mem;

static struct buf *scratch(struct buf *b);
static bool scope_write(const struct sigv4_key *k, const char *date,
                        char out[SCOPE_MAX]);
static void string_to_sign(const char *date, const char *scope,
                           struct slice request, struct buf *out);
static void signing_key(const struct sigv4_key *k, const char *scope,
                        uint8_t out[SHA256_BYTES]);
static void derive(const struct sigv4_key *k, const char *day,
                   uint8_t out[SHA256_BYTES]);
static const struct sigv4_header **sorted(const struct sigv4_request *r);
static int by_name(const void *a, const void *b);
static bool same_name(struct slice a, struct slice b);
static void signed_names(const struct sigv4_header **h, size_t n,
                         struct buf *out);
static void canonical_headers(const struct sigv4_header **h, size_t n,
                              struct buf *out);
static void append_lower(struct buf *out, struct slice s);

void sigv4_date(int64_t epoch_s, char out[SIGV4_DATE_LEN + 1])
{
    time_t t = (time_t)epoch_s;
    struct tm tm;

    if (!gmtime_r(&t, &tm) || tm.tm_year < 0 || tm.tm_year > 8099)
        memset(&tm, 0, sizeof tm);
    strftime(out, SIGV4_DATE_LEN + 1, "%Y%m%dT%H%M%SZ", &tm);
}

void sigv4_sign(const struct sigv4_request *r, const struct sigv4_key *key,
                const char date[SIGV4_DATE_LEN + 1], struct buf *out)
{
    char scope[SCOPE_MAX], hex[2 * SHA256_BYTES + 1];
    uint8_t k[SHA256_BYTES], signature[SHA256_BYTES];
    const struct sigv4_header **headers;
    struct buf *text = scratch(&mem.text);
    size_t begin;

    sigv4_canonical_request(r, text);
    begin = text->n;
    if (!scope_write(key, date, scope) || text->failed) {
        out->failed = true;
        return;
    }
    string_to_sign(date, scope, slice_of(text->p, begin), text);
    signing_key(key, scope, k);
    hmac_sha256(slice_of(k, sizeof k),
                slice_of(text->p + begin, text->n - begin), signature);
    hex_encode(signature, sizeof signature, hex);

    buf_str(out, ALGORITHM " Credential=");
    buf_append(out, key->access_key_id);
    buf_byte(out, '/');
    buf_str(out, scope);
    buf_str(out, ", SignedHeaders=");
    headers = sorted(r);
    if (headers)
        signed_names(headers, r->n_headers, out);
    buf_str(out, ", Signature=");
    buf_str(out, hex);
    out->failed |= text->failed || !headers;
    explicit_bzero(k, sizeof k);
}

void sigv4_forget(void)
{
    explicit_bzero(mem.keys, sizeof mem.keys);
}

void sigv4_canonical_request(const struct sigv4_request *r, struct buf *out)
{
    char hex[2 * SHA256_BYTES + 1];
    const struct sigv4_header **headers = sorted(r);

    if (!headers) {
        out->failed = true;
        return;
    }
    buf_append(out, r->method);
    buf_byte(out, '\n');
    sigv4_append_path(r->path, out);
    buf_byte(out, '\n');
    sigv4_canonical_query(r->query, out);
    buf_byte(out, '\n');
    canonical_headers(headers, r->n_headers, out);
    buf_byte(out, '\n');
    signed_names(headers, r->n_headers, out);
    buf_byte(out, '\n');
    hex_encode(r->body_sha256, SHA256_BYTES, hex);
    buf_str(out, hex);
}

static struct buf *scratch(struct buf *b)
{
    if (!b->max)
        buf_init(b, SCRATCH_MAX);
    buf_clear(b);
    return b;
}

static bool scope_write(const struct sigv4_key *k, const char *date,
                        char out[SCOPE_MAX])
{
    struct slice parts[] = {slice_of(date, DAY_LEN), k->region, k->service,
                            slice_str("aws4_request")};
    size_t at = 0;

    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (parts[i].n + 1 > SCOPE_MAX - at)
            return false;
        if (parts[i].n)
            memcpy(out + at, parts[i].p, parts[i].n);
        at += parts[i].n;
        out[at++] = '/';
    }
    out[at - 1] = '\0';
    return true;
}

static void string_to_sign(const char *date, const char *scope,
                           struct slice request, struct buf *out)
{
    uint8_t hash[SHA256_BYTES];
    char hex[2 * SHA256_BYTES + 1];

    sha256_once(request, hash);
    hex_encode(hash, sizeof hash, hex);
    buf_str(out, ALGORITHM "\n");
    buf_append(out, slice_of(date, SIGV4_DATE_LEN));
    buf_byte(out, '\n');
    buf_str(out, scope);
    buf_byte(out, '\n');
    buf_str(out, hex);
}

/* The scope holds day, region and service, so it and the secret are the whole
 * key of the memory. An overlong secret is not remembered. */
static void signing_key(const struct sigv4_key *k, const char *scope,
                        uint8_t out[SHA256_BYTES])
{
    struct slice secret = k->secret_access_key;
    struct held_key *h;

    for (size_t i = 0; i < KEYS_HELD; i++) {
        h = &mem.keys[i];
        if (h->scope[0] && strcmp(h->scope, scope) == 0 &&
            slice_is(secret, h->secret)) {
            memcpy(out, h->key, SHA256_BYTES);
            return;
        }
    }
    derive(k, scope, out);
    if (secret.n == 0 || secret.n >= SECRET_MAX ||
        memchr(secret.p, '\0', secret.n))
        return;
    h = &mem.keys[mem.next++ % KEYS_HELD];
    explicit_bzero(h, sizeof *h);
    memcpy(h->secret, secret.p, secret.n);
    memcpy(h->scope, scope, strlen(scope) + 1);
    memcpy(h->key, out, SHA256_BYTES);
}

static void derive(const struct sigv4_key *k, const char *day,
                   uint8_t out[SHA256_BYTES])
{
    uint8_t a[SHA256_BYTES], b[SHA256_BYTES];
    struct buf first;

    buf_init(&first, SCRATCH_MAX);
    buf_str(&first, "AWS4");
    buf_append(&first, k->secret_access_key);
    hmac_sha256(buf_slice(&first), slice_of(day, DAY_LEN), a);
    if (first.n)
        explicit_bzero(first.p, first.n);
    buf_fini(&first);
    hmac_sha256(slice_of(a, sizeof a), k->region, b);
    hmac_sha256(slice_of(b, sizeof b), k->service, a);
    hmac_sha256(slice_of(a, sizeof a), slice_str("aws4_request"), out);
    explicit_bzero(a, sizeof a);
    explicit_bzero(b, sizeof b);
}

/* The headers by name; those of one name stay in the order given. NULL when
 * there are more than the scratch memory holds. */
static const struct sigv4_header **sorted(const struct sigv4_request *r)
{
    const struct sigv4_header **h;
    struct buf *b = scratch(&mem.order);

    if (r->n_headers > SCRATCH_MAX / sizeof *h / 2)
        return NULL;
    h = (void *)buf_reserve(b, (r->n_headers + 1) * sizeof *h);
    if (!h)
        return NULL;
    for (size_t i = 0; i < r->n_headers; i++)
        h[i] = &r->headers[i];
    qsort(h, r->n_headers, sizeof *h, by_name);
    return h;
}

static int by_name(const void *a, const void *b)
{
    const struct sigv4_header *x = *(const struct sigv4_header *const *)a;
    const struct sigv4_header *y = *(const struct sigv4_header *const *)b;
    size_t n = x->name.n < y->name.n ? x->name.n : y->name.n;
    int d = n ? strncasecmp(x->name.p, y->name.p, n) : 0;

    if (d == 0 && x->name.n != y->name.n)
        d = x->name.n < y->name.n ? -1 : 1;
    return d ? d : (x > y) - (x < y);
}

static bool same_name(struct slice a, struct slice b)
{
    return a.n == b.n && (a.n == 0 || strncasecmp(a.p, b.p, a.n) == 0);
}

static void signed_names(const struct sigv4_header **h, size_t n,
                         struct buf *out)
{
    for (size_t i = 0; i < n; i++) {
        if (i && same_name(h[i]->name, h[i - 1]->name))
            continue;
        if (i)
            buf_byte(out, ';');
        append_lower(out, h[i]->name);
    }
}

static void canonical_headers(const struct sigv4_header **h, size_t n,
                              struct buf *out)
{
    for (size_t i = 0; i < n; i++) {
        if (i && same_name(h[i]->name, h[i - 1]->name)) {
            buf_byte(out, ',');
        } else {
            if (i)
                buf_byte(out, '\n');
            append_lower(out, h[i]->name);
            buf_byte(out, ':');
        }
        sigv4_append_folded(h[i]->value, out);
    }
    if (n)
        buf_byte(out, '\n');
}

static void append_lower(struct buf *out, struct slice s)
{
    char *p = buf_reserve(out, s.n);

    if (!p)
        return;
    for (size_t i = 0; i < s.n; i++)
        p[i] = (char)tolower((unsigned char)s.p[i]);
    out->n += s.n;
}
