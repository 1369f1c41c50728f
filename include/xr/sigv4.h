/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AWS Signature Version 4 (AWS General Reference, "Create a signed AWS API
 * request"). Pure: the time is passed in.
 */
#ifndef XR_SIGV4_H
#define XR_SIGV4_H

#include <stdint.h>

#include "xr/buf.h"
#include "xr/hash.h"
#include "xr/slice.h"

#define SIGV4_DATE_LEN 16 /* 20060102T150405Z */

struct sigv4_header {
    struct slice name, value; /* value as sent, any spacing */
};

struct sigv4_request {
    struct slice method;
    struct slice path;  /* as sent; "" counts as "/" */
    struct slice query; /* without the question mark, as sent */
    /* All headers to be signed, host and x-amz-date among them, in any order;
     * the same name may come twice. */
    const struct sigv4_header *headers;
    size_t n_headers;
    uint8_t body_sha256[SHA256_BYTES];
};

struct sigv4_key {
    struct slice access_key_id, secret_access_key;
    struct slice region, service;
};

/* Formats epoch seconds as X-Amz-Date, with a NUL. */
void sigv4_date(int64_t epoch_s, char out[SIGV4_DATE_LEN + 1]);
/* Appends the value of the Authorization header. The derived signing keys in
 * use are remembered, per date, key, region and service. */
void sigv4_sign(const struct sigv4_request *r, const struct sigv4_key *key,
                const char date[SIGV4_DATE_LEN + 1], struct buf *out);
/* Wipes the remembered signing keys (when a secret is given up). */
void sigv4_forget(void);

/* Appends a query as it is signed: parameters sorted by name and value, each
 * decoded (a plus is a blank) and encoded again. Who sends a foreign query on
 * sends this form, so that the signature holds whatever the server decodes. */
void sigv4_canonical_query(struct slice query, struct buf *out);
/* Appends the canonical request, the text whose hash is signed. */
void sigv4_canonical_request(const struct sigv4_request *r, struct buf *out);

#endif
