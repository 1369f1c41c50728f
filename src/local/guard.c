/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules of guard.h. A page on the web can make a browser send requests to
 * this machine: by another name for 127.0.0.1 (so the Host is checked), or
 * from its own origin (so Origin and Sec-Fetch-Site are).
 */
#include "guard.h"

#include "api_parts.h"
#include "xr/log.h"

#define SHOWN_MAX 100

static bool host_fits(const struct guard *g, struct http1_request *r);
static unsigned host_port(struct slice host, struct slice name);
static bool host_is_local(struct slice name);
static bool is_loopback_v4(struct slice name);
static struct slice host_name(struct slice host);
static bool origin_fits(const struct guard *g, struct http1_request *r);
static bool origin_is_named(const struct guard *g, struct slice origin);
static struct slice access_key(struct slice header);
static bool token_fits(const struct guard *g, struct http1_request *r);
static struct slice cookie(struct slice header, const char *name);
static bool has_preflight(struct http1_request *r);
static bool refuse(struct http1_request *r, int status, const char *why);

bool guard_passes(const struct guard *g, struct http1_request *r,
                  enum guard_kind kind)
{
    if (!origin_fits(g, r))
        return refuse(r, 403, "requests from other web sites are refused");
    if (g->token == NULL && !host_fits(g, r)) {
        struct slice host = http1_header(r, "Host");
        log_warn("Refused a request for Host \"%.*s\": name it with "
                 "--allow-host if it is yours",
                 (int)(host.n < SHOWN_MAX ? host.n : SHOWN_MAX), host.p);
        return refuse(r, 421,
                      "this Host is not known here; start with --allow-host");
    }
    if (g->token != NULL && kind != GUARD_OPEN && !token_fits(g, r))
        return refuse(r, 401,
                      "the token is missing: open the address with ?token= "
                      "that was printed at the start");
    if (kind == GUARD_CHANGE && !has_preflight(r))
        return refuse(r, 415,
                      "send Content-Type: application/json or the header "
                      "X-Xray-Relay: 1");
    return true;
}

bool guard_knows(const struct guard *g, struct slice token)
{
    unsigned differs = 0;
    if (g->token == NULL || token.n != strlen(g->token))
        return false;
    for (size_t i = 0; i < token.n; i++)
        differs |= (unsigned char)(token.p[i] ^ g->token[i]);
    return differs == 0;
}

/* A name with another port than ours can't be meant for us; --allow-host may
 * say one. */
static bool host_fits(const struct guard *g, struct http1_request *r)
{
    struct slice host = http1_header(r, "Host"), name = host_name(host);
    bool port = host_port(host, name) == g->port;
    if (port && host_is_local(name))
        return true;
    for (size_t i = 0; i < g->n_allow_hosts; i++)
        if ((port && slice_is_nocase(name, g->allow_hosts[i])) ||
            slice_is_nocase(host, g->allow_hosts[i]))
            return true;
    return false;
}

/* 80 if none is given; 0 if it is no number. */
static unsigned host_port(struct slice host, struct slice name)
{
    unsigned port = 0;
    if (host.n == name.n)
        return 80;
    for (size_t i = name.n + 1; i < host.n; i++) {
        if (host.p[i] < '0' || host.p[i] > '9' || port > 65535)
            return 0;
        port = port * 10 + (unsigned)(host.p[i] - '0');
    }
    return port;
}

static bool host_is_local(struct slice name)
{
    static const char suffix[] = ".localhost";
    size_t n = sizeof(suffix) - 1;
    if (slice_is_nocase(name, "localhost") || slice_is(name, "[::1]"))
        return true;
    if (name.n > n && strncasecmp(name.p + name.n - n, suffix, n) == 0)
        return true;
    return is_loopback_v4(name);
}

/* 127.a.b.c in digits, so that 127.evil.example is none. */
static bool is_loopback_v4(struct slice name)
{
    unsigned dots = 0, digits = 0;
    if (!slice_starts(name, "127."))
        return false;
    for (size_t i = 0; i < name.n; i++) {
        if (name.p[i] == '.') {
            if (digits == 0)
                return false;
            dots++;
            digits = 0;
        } else if (name.p[i] < '0' || name.p[i] > '9' || ++digits > 3) {
            return false;
        }
    }
    return dots == 3 && digits > 0;
}

/* Without the port. */
static struct slice host_name(struct slice host)
{
    const char *end;
    if (host.n > 0 && host.p[0] == '[') {
        end = memchr(host.p, ']', host.n);
        return end == NULL ? host
                           : slice_of(host.p, (size_t)(end + 1 - host.p));
    }
    end = memchr(host.p, ':', host.n);
    return end == NULL ? host : slice_of(host.p, (size_t)(end - host.p));
}

/* Ours is where the request went to; who isn't a browser sends none. */
static bool origin_fits(const struct guard *g, struct http1_request *r)
{
    struct slice origin = http1_header(r, "Origin");
    struct slice host = http1_header(r, "Host");
    struct slice site = http1_header(r, "Sec-Fetch-Site");
    if (origin_is_named(g, origin))
        return true;
    if (slice_is_nocase(site, "cross-site") ||
        slice_is_nocase(site, "same-site"))
        return false;
    if (origin.n == 0)
        return true;
    return slice_starts(origin, "http://") && origin.n == host.n + 7 &&
           strncasecmp(origin.p + 7, host.p, host.n) == 0;
}

static bool origin_is_named(const struct guard *g, struct slice origin)
{
    for (size_t i = 0; origin.n > 0 && i < g->n_origins; i++)
        if (strcmp(g->origins[i], "*") == 0 ||
            slice_is_nocase(origin, g->origins[i]))
            return true;
    return false;
}

static bool token_fits(const struct guard *g, struct http1_request *r)
{
    struct slice a = http1_header(r, "Authorization");
    if (a.n > 7 && strncasecmp(a.p, "Bearer ", 7) == 0 &&
        guard_knows(g, slice_of(a.p + 7, a.n - 7)))
        return true;
    if (guard_knows(g, access_key(a)))
        return true;
    return guard_knows(g, cookie(http1_header(r, "Cookie"), GUARD_COOKIE));
}

/* Of a signed request: AWS clients (Grafana's among them) have no other place
 * for the token. The signature is not looked at. */
static struct slice access_key(struct slice header)
{
    static const char member[] = "Credential=";
    const char *at = memmem(header.p, header.n, member, sizeof(member) - 1);
    if (at == NULL || !slice_starts(header, "AWS4-HMAC-SHA256 "))
        return slice_of(header.p, 0);
    at += sizeof(member) - 1;
    size_t left = (size_t)(header.p + header.n - at);
    const char *slash = memchr(at, '/', left);
    return slice_of(at, slash == NULL ? left : (size_t)(slash - at));
}

static struct slice cookie(struct slice header, const char *name)
{
    size_t n = strlen(name);
    while (header.n > 0) {
        const char *end = memchr(header.p, ';', header.n);
        size_t len = end == NULL ? header.n : (size_t)(end - header.p);
        struct slice one = slice_of(header.p, len);
        while (one.n > 0 && one.p[0] == ' ')
            one = slice_of(one.p + 1, one.n - 1);
        if (slice_starts(one, name) && one.n > n && one.p[n] == '=')
            return slice_of(one.p + n + 1, one.n - n - 1);
        len += end != NULL;
        header = slice_of(header.p + len, header.n - len);
    }
    return header;
}

/* What a form or a plain fetch of another site can't send. */
static bool has_preflight(struct http1_request *r)
{
    struct slice type = http1_header(r, "Content-Type");
    const char *end = type.n > 0 ? memchr(type.p, ';', type.n) : NULL;
    if (end != NULL)
        type.n = (size_t)(end - type.p);
    while (type.n > 0 && type.p[type.n - 1] == ' ')
        type.n--;
    return slice_is_nocase(type, "application/json") ||
           slice_is(http1_header(r, "X-Xray-Relay"), "1");
}

static bool refuse(struct http1_request *r, int status, const char *why)
{
    api_fail(r, status, why);
    return false;
}
