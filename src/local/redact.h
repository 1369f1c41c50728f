/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes out of documents, before they are stored, what nobody is to read later:
 * in metadata and http, the values of members with given names, and of such
 * parameters in URLs. Pure.
 */
#ifndef XR_LOCAL_REDACT_H
#define XR_LOCAL_REDACT_H

#include "xr/buf.h"

#define REDACT_WORDS_MAX 32
#define REDACT_TEXT_MAX 1024

struct redact {
    char text[REDACT_TEXT_MAX];
    const char *words[REDACT_WORDS_MAX];
    size_t n;
};

/* words: names split by commas, without case. A member fits if its name, or
 * what stands behind the last dot of it, is one: http.request.header.cookie.
 * False: too many. */
bool redact_init(struct redact *r, const char *words);
/* Writes the document to out (cleared first); false if nothing in it is to be
 * taken out (the document stays as it is, byte for byte), or out is full. */
bool redact_document(const struct redact *r, struct slice document,
                     struct buf *out);

#endif
