/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Readers for the foreign answers that hold credentials. Pure functions of any
 * bytes, so that a fuzz target can call each; none ever puts a secret into err.
 */
#ifndef XR_AWS_CRED_PARSE_H
#define XR_AWS_CRED_PARSE_H

#include "cred_make.h"
#include "xr/buf.h"
#include "xr/region.h"

#define CRED_ASK_AGAIN_MS (5 * 60 * 1000)

/* "2006-01-02T15:04:05Z", with fraction or offset, as epoch milliseconds. */
bool cred_parse_time(struct slice s, int64_t *ms);

/* Container and IMDS answers. An Expiration that is past on receipt is taken
 * as unknown: no expiry, ask again in five minutes. */
struct cred *cred_parse_container(struct slice body, int64_t now_ms,
                                  const char *source, struct err *err);
/* Output of a credential_process. */
struct cred *cred_parse_process(struct slice body, int64_t now_ms,
                                const char *source, struct err *err);
/* SSO portal's GetRoleCredentials. */
struct cred *cred_parse_sso(struct slice body, int64_t now_ms,
                            const char *source, struct err *err);
/* STS answers (XML) to AssumeRole and AssumeRoleWithWebIdentity. */
struct cred *cred_parse_sts(struct slice body, int64_t now_ms,
                            const char *source, struct err *err);
/* "CODE: message" of an error answer, XML or JSON; false if it is neither. */
bool cred_parse_error(struct slice body, char out[256]);

/* A cached SSO token. */
struct sso_token {
    char access_token[8192];
    int64_t expires_ms;
};
/* False when the file is no token for that start URL. */
bool cred_parse_sso_token(struct slice body, const char *start_url,
                          struct sso_token *out);

/* Content of the first element of that name, prefixes of names disregarded;
 * empty and false if there is none. */
bool xml_find(struct slice xml, const char *name, struct slice *inner);
/* Appends text with entities decoded. */
void xml_text(struct slice raw, struct buf *out);

/* The instance identity document: what is there and short enough, else "" (an
 * instance id that is known already stays). False when there is no region. */
bool imds_parse_identity(struct slice body, struct place *out);

#endif
