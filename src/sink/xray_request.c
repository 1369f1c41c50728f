/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests to X-Ray as the daemon writes them: the same headers, signed with
 * the hash that the batch has kept. Knows the service's address and headers,
 * nothing of what is in a body.
 */
#include "xray_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "xr/clock.h"

#if defined(__aarch64__)
#define OS_ARCH "linux-arm64"
#else
#define OS_ARCH "linux-amd64"
#endif

#define ATTEMPTS_SHOWN 2 /* "max" of the daemon's requests */

static void sign(struct xray_request *r, const struct xray *x,
                 const struct xray_call *c);
static void add(struct xray_request *r, const char *name, struct slice value);

void xray_set_base(struct xray_endpoint *e, const char *region,
                   const char *base)
{
    snprintf(e->region, sizeof(e->region), "%s", region);
    snprintf(e->base, sizeof(e->base), "%s", base);
    size_t n = strlen(e->base);
    while (n > 0 && e->base[n - 1] == '/')
        e->base[--n] = '\0';
    const char *scheme = strstr(e->base, "://");
    const char *host = scheme ? scheme + 3 : e->base;
    const char *at = strpbrk(host, "@/");
    if (at && *at == '@')
        host = at + 1;
    e->path = host + strcspn(host, "/");
    size_t host_n = (size_t)(e->path - host);
    /* The default port is left out, as in the Host header that is sent. */
    const char *port = strncmp(e->base, "https", 5) == 0 ? ":443" : ":80";
    size_t port_n = strlen(port);
    if (host_n > port_n && memcmp(host + host_n - port_n, port, port_n) == 0)
        host_n -= port_n;
    memcpy(e->host, host, host_n);
    e->host[host_n] = '\0';
    e->known = true;
}

void xray_make_uuid(struct xray *x, char out[XRAY_UUID_MAX])
{
    uint8_t b[16];
    char hex[2 * sizeof(b) + 1];
    /* Many at a time, since each fetch is a system call. */
    if (x->n_random < sizeof(b)) {
        random_bytes(x->random, sizeof(x->random));
        x->n_random = sizeof(x->random);
    }
    x->n_random -= sizeof(b);
    memcpy(b, x->random + x->n_random, sizeof(b));
    b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
    hex_encode(b, sizeof(b), hex);
    snprintf(out, XRAY_UUID_MAX, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8,
             hex + 12, hex + 16, hex + 20);
}

void xray_request_init(struct xray_request *r)
{
    r->n_headers = 0;
    buf_init(&r->authorization, 4096);
}

void xray_request_fini(struct xray_request *r)
{
    buf_fini(&r->authorization);
}

void xray_request_sign(struct xray_request *r, const struct xray *x,
                       const struct xray_call *c)
{
    const struct xray_endpoint *e = &x->endpoint;
    const struct cred *cred = c->cred;
    int64_t now_ms = clock_wall_ms() + x->skew_ms;
    snprintf(r->url, sizeof(r->url), "%s%s", e->base, c->operation);
    sigv4_date(now_ms / 1000, r->date);
    snprintf(r->stamp, sizeof(r->stamp), "%" PRId64 ".%03d000000",
             now_ms / 1000, (int)(now_ms % 1000));
    snprintf(r->attempt, sizeof(r->attempt), "attempt=%u; max=%u", c->attempt,
             c->attempt > ATTEMPTS_SHOWN ? c->attempt : ATTEMPTS_SHOWN);
    snprintf(r->length, sizeof(r->length), "%zu", c->body.n);
    r->n_headers = 0;
    add(r, "Host", slice_str(e->host));
    add(r, "Amz-Sdk-Invocation-Id", slice_str(c->id));
    add(r, "Amz-Sdk-Request", slice_str(r->attempt));
    add(r, "Content-Length", slice_str(r->length));
    add(r, "Content-Type", SLICE("application/json"));
    add(r, "X-Amz-Date", slice_str(r->date));
    if (cred->session_token.n)
        add(r, "X-Amz-Security-Token", cred->session_token);
    add(r, "X-Amzn-Xray-Timestamp", slice_str(r->stamp));

    sign(r, x, c);
    add(r, "Authorization", buf_slice(&r->authorization));
    add(r, "User-Agent", slice_str(x->user_agent));
}

/* All headers so far; those added behind are not signed. */
static void sign(struct xray_request *r, const struct xray *x,
                 const struct xray_call *c)
{
    const struct xray_endpoint *e = &x->endpoint;
    struct sigv4_header headers[XRAY_HEADERS_MAX];
    for (size_t i = 0; i < r->n_headers; i++)
        headers[i] =
            (struct sigv4_header){r->headers[i].name, r->headers[i].value};
    struct sigv4_request s = {.method = SLICE("POST"),
                              .path = slice_str(r->url + (e->path - e->base)),
                              .headers = headers,
                              .n_headers = r->n_headers};
    memcpy(s.body_sha256, c->sha256, SHA256_BYTES);
    struct sigv4_key key = {c->cred->access_key_id, c->cred->secret_access_key,
                            slice_str(e->region), SLICE("xray")};
    buf_clear(&r->authorization);
    sigv4_sign(&s, &key, r->date, &r->authorization);
}

static void add(struct xray_request *r, const char *name, struct slice value)
{
    r->headers[r->n_headers++] = (struct client_header){slice_str(name), value};
}

char *xray_user_agent(const char *given)
{
    const char *env = getenv("AWS_EXECUTION_ENV");
    struct buf b;
    if (!env || !env[0])
        env = "UNKNOWN";
    buf_init(&b, 1024);
    if (given)
        buf_str(&b, given);
    else
        buf_printf(&b,
                   "xray-relay/" XR_VERSION
                   " xray-agent/xray-daemon/" XR_VERSION
                   " exec-env/%.200s OS/" OS_ARCH,
                   env);
    char *text = strdup(buf_cstr(&b));
    buf_fini(&b);
    if (!text)
        log_fatal("out of memory while starting");
    return text;
}
