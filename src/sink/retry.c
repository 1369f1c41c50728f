/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Retry classes and waiting times. An error code says more than a status, so
 * it is asked first. What is not known to be the fault of the documents is
 * tried again: a document given up wrongly is lost, one sent in vain costs a
 * request. Pure: time and random numbers are passed in.
 */
#include "retry.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

#include "xr/http_date.h"

#define BACKOFF_BASE_MS 100
#define DENIED_BASE_MS 2000
#define DOUBLINGS_MAX 16

static const char *const throttle_codes[] = {
    "ProvisionedThroughputExceededException",
    "TooManyRequestsException",
    "TransactionInProgressException",
    "RequestLimitExceeded",
    "BandwidthLimitExceeded",
    "LimitExceededException",
    "SlowDown",
    "PriorRequestNotComplete",
    NULL,
};
static const char *const again_codes[] = {
    "RequestTimeout",         "RequestTimeoutException",
    "InternalFailure",        "InternalError",
    "InternalServerError",    "InternalServerException",
    "InternalServiceError",   "InternalServiceErrorException",
    "ServiceUnavailable",     "ServiceUnavailableException",
    "TemporarilyUnavailable", NULL,
};
static const char *const credential_codes[] = {
    "ExpiredToken",
    "ExpiredTokenException",
    "TokenRefreshRequired",
    "InvalidToken",
    "InvalidClientTokenId",
    "InvalidAccessKeyId",
    "UnrecognizedClientException",
    NULL,
};
static const char *const skew_codes[] = {
    "RequestTimeTooSkewed",
    "RequestExpired",
    "RequestInTheFuture",
    "SignatureDoesNotMatch",
    "InvalidSignature",
    "InvalidSignatureException",
    NULL,
};
static const char *const denied_codes[] = {
    "AccessDenied",
    "AccessDeniedException",
    "AuthFailure",
    "IncompleteSignature",
    "IncompleteSignatureException",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "NotAuthorized",
    "OptInRequired",
    "InvalidAction",
    "UnknownOperationException",
    NULL,
};

static enum retry_class by_code(struct slice code);
static enum retry_class by_status(int status);
static bool listed(const char *const *list, struct slice code);
static bool contains_nocase(struct slice text, const char *word);
static int64_t retry_after_ms(struct slice value, int64_t now_ms);
static int64_t doubled(unsigned base, unsigned attempt, int64_t cap);
static int64_t share(int64_t ms, uint32_t random);
static bool number(const char *p, size_t n, int *out);

enum retry_class retry_classify(enum client_outcome outcome, int status,
                                struct slice code)
{
    if (outcome != CLIENT_ANSWERED)
        return RETRY_AGAIN;
    if (status >= 200 && status < 300)
        return RETRY_OK;
    enum retry_class c = by_code(code);
    return c != RETRY_REFUSED ? c : by_status(status);
}

struct slice retry_code(struct slice type)
{
    const char *colon = memchr(type.p, ':', type.n);
    if (colon)
        type.n = (size_t)(colon - type.p);
    const char *hash = type.n ? memrchr(type.p, '#', type.n) : NULL;
    if (hash)
        type = slice_of(hash + 1, type.n - (size_t)(hash + 1 - type.p));
    return type;
}

/* The request as a whole was allowed, so here everything but a passing
 * trouble means the document. Some services put a status in place of a code. */
enum retry_class retry_classify_document(struct slice code)
{
    int status;
    if (code.n == 3 && number(code.p, 3, &status) && status >= 400) {
        enum retry_class c = by_status(status);
        return c == RETRY_DENIED ? RETRY_REFUSED : c;
    }
    enum retry_class c = by_code(code);
    return c == RETRY_AGAIN || c == RETRY_THROTTLED ? c : RETRY_REFUSED;
}

int64_t retry_backoff_ms(unsigned attempt, unsigned cap_ms, uint32_t random)
{
    return retry_backoff_from_ms(BACKOFF_BASE_MS, attempt, cap_ms, random);
}

int64_t retry_backoff_from_ms(unsigned base_ms, unsigned attempt,
                              unsigned cap_ms, uint32_t random)
{
    return share(doubled(base_ms, attempt, cap_ms), random);
}

int64_t retry_denied_ms(unsigned attempt, uint32_t random)
{
    int64_t ms = doubled(DENIED_BASE_MS, attempt, RETRY_DENIED_MAX_MS);
    return ms / 2 + share(ms / 2, random);
}

int64_t retry_wait_ms(int64_t backoff_ms, const struct client_answer *a,
                      int64_t now_ms, bool draining)
{
    int64_t wait = backoff_ms;
    int64_t asked = 0;
    if (a->outcome == CLIENT_ANSWERED)
        asked = retry_after_ms(client_answer_header(a, "Retry-After"), now_ms);
    if (wait < asked)
        wait = asked;
    return draining && wait > RETRY_DRAIN_MAX_MS ? RETRY_DRAIN_MAX_MS : wait;
}

/* The wait that the header asks for, in seconds or as a date; 0: none. */
static int64_t retry_after_ms(struct slice value, int64_t now_ms)
{
    int64_t ms = 0;
    bool digits = value.n > 0;
    for (size_t i = 0; i < value.n && digits; i++) {
        digits = isdigit((unsigned char)value.p[i]);
        if (digits && ms <= RETRY_AFTER_MAX_MS)
            ms = ms * 10 + (value.p[i] - '0') * 1000;
    }
    if (!digits)
        ms = http_date_parse(value, &ms) ? ms - now_ms : 0;
    if (ms < 0)
        ms = 0;
    return ms < RETRY_AFTER_MAX_MS ? ms : RETRY_AFTER_MAX_MS;
}

/* RETRY_REFUSED: the code says nothing. */
static enum retry_class by_code(struct slice code)
{
    if (code.n == 0)
        return RETRY_REFUSED;
    if (listed(throttle_codes, code) || contains_nocase(code, "throttl"))
        return RETRY_THROTTLED;
    if (listed(again_codes, code))
        return RETRY_AGAIN;
    if (listed(credential_codes, code))
        return RETRY_CREDENTIALS;
    if (listed(skew_codes, code))
        return RETRY_SKEW;
    return listed(denied_codes, code) ? RETRY_DENIED : RETRY_REFUSED;
}

/* 400 and 413 speak of what was sent; the other 4xx of who sends, or of the
 * address; 3xx of a wrong endpoint or a portal in between. */
static enum retry_class by_status(int status)
{
    if (status == 400 || status == 413 || status == 422)
        return RETRY_REFUSED;
    if (status == 429)
        return RETRY_THROTTLED;
    if (status == 408 || status == 425 || status < 400 || status >= 500)
        return RETRY_AGAIN;
    return RETRY_DENIED;
}

static bool listed(const char *const *list, struct slice code)
{
    for (; *list; list++) {
        if (slice_is_nocase(code, *list))
            return true;
    }
    return false;
}

static bool contains_nocase(struct slice text, const char *word)
{
    size_t n = strlen(word);
    for (size_t i = 0; i + n <= text.n; i++) {
        if (strncasecmp(text.p + i, word, n) == 0)
            return true;
    }
    return false;
}

static int64_t doubled(unsigned base, unsigned attempt, int64_t cap)
{
    unsigned n = attempt > 0 ? attempt - 1 : 0;
    int64_t ms = (int64_t)base << (n < DOUBLINGS_MAX ? n : DOUBLINGS_MAX);
    return ms < cap ? ms : cap;
}

static int64_t share(int64_t ms, uint32_t random)
{
    return (int64_t)(((uint64_t)ms + 1) * random >> 32);
}

static bool number(const char *p, size_t n, int *out)
{
    *out = 0;
    for (size_t i = 0; i < n; i++) {
        if (!isdigit((unsigned char)p[i]))
            return false;
        *out = *out * 10 + (p[i] - '0');
    }
    return true;
}
