/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The headers of a request to another backend: our own, those that the
 * configuration adds, and a signature where one is asked for. Knows nothing of
 * what is in a body.
 */
#include "otlp_parts.h"

#include <stdio.h>
#include <stdlib.h>

#include "xr/clock.h"

#define AUTHORIZATION_MAX 4096
#define USER_AGENT "xray-relay/" XR_VERSION

static const char *word_of(enum coding coding);
static void add(struct otlp_out *r, const char *name, struct slice value);
static void add_configured(struct otlp_out *r, const struct exporter *x);
static bool is_given(const struct exporter *x, const char *name);
static void sign(struct otlp_out *r, struct exporter *x,
                 const struct package *p, struct slice body);

void otlp_find_host(struct exporter *x)
{
    const char *scheme = strstr(x->o.url, "://");
    const char *host = scheme ? scheme + 3 : x->o.url;
    const char *end = host + strcspn(host, "/?");
    const char *at = memchr(host, '@', (size_t)(end - host));
    if (at)
        host = at + 1;
    size_t n = (size_t)(end - host);
    /* The default port is left out, as in the Host header that is sent. */
    const char *port = strncasecmp(x->o.url, "https", 5) == 0 ? ":443" : ":80";
    size_t port_n = strlen(port);
    if (n > port_n && memcmp(host + n - port_n, port, port_n) == 0)
        n -= port_n;
    snprintf(x->host, sizeof(x->host), "%.*s", (int)n, host);
    size_t path_n = strcspn(end, "?#");
    x->path = slice_of(end, path_n);
    x->query = end[path_n] == '?'
                   ? slice_of(end + path_n + 1, strcspn(end + path_n + 1, "#"))
                   : SLICE("");
}

bool otlp_out_init(struct otlp_out *r, struct exporter *x,
                   const struct package *p)
{
    bool packed = p->packed.n > 0;
    struct slice body = buf_slice(packed ? &p->packed : &p->body);
    *r = (struct otlp_out){
        .headers =
            calloc(OTLP_HEADERS_OWN + x->o.n_headers, sizeof(*r->headers)),
    };
    buf_init(&r->authorization, AUTHORIZATION_MAX);
    if (!r->headers)
        return false;
    snprintf(r->length, sizeof(r->length), "%zu", body.n);
    add(r, "Content-Length", slice_str(r->length));
    add(r, "Content-Type",
        p->json ? SLICE("application/json") : SLICE("application/x-protobuf"));
    if (packed)
        add(r, "Content-Encoding", slice_str(word_of(x->o.compression)));
    if (p->cred)
        sign(r, x, p, body);
    if (!is_given(x, "User-Agent"))
        add(r, "User-Agent", SLICE(USER_AGENT));
    add_configured(r, x);
    return !r->authorization.failed;
}

void otlp_out_fini(struct otlp_out *r)
{
    buf_fini(&r->authorization);
    free(r->headers);
}

static const char *word_of(enum coding coding)
{
    return coding == CODING_GZIP ? "gzip" : "deflate";
}

static void add(struct otlp_out *r, const char *name, struct slice value)
{
    r->headers[r->n_headers++] = (struct client_header){slice_str(name), value};
}

/* What describes the body is ours, and so is a signature. */
static void add_configured(struct otlp_out *r, const struct exporter *x)
{
    size_t own = r->n_headers;
    for (size_t i = 0; i < x->o.n_headers; i++) {
        struct client_header h = x->o.headers[i];
        bool taken = false;
        for (size_t k = 0; k < own; k++)
            taken = taken || slice_is_nocase(h.name, r->headers[k].name.p);
        if (!taken)
            r->headers[r->n_headers++] = h;
    }
}

static bool is_given(const struct exporter *x, const char *name)
{
    for (size_t i = 0; i < x->o.n_headers; i++)
        if (slice_is_nocase(x->o.headers[i].name, name))
            return true;
    return false;
}

/* All headers so far; those added behind are not signed. */
static void sign(struct otlp_out *r, struct exporter *x,
                 const struct package *p, struct slice body)
{
    struct sigv4_header headers[OTLP_HEADERS_OWN];
    struct buf query;
    sigv4_date((clock_wall_ms() + x->skew_ms) / 1000, r->date);
    add(r, "Host", slice_str(x->host));
    add(r, "X-Amz-Date", slice_str(r->date));
    if (p->cred->session_token.n)
        add(r, "X-Amz-Security-Token", p->cred->session_token);
    for (size_t i = 0; i < r->n_headers; i++)
        headers[i] =
            (struct sigv4_header){r->headers[i].name, r->headers[i].value};
    buf_init(&query, ENDPOINT_MAX * 4);
    sigv4_canonical_query(x->query, &query);
    struct sigv4_request s = {.method = SLICE("POST"),
                              .path = x->path,
                              .query = buf_slice(&query),
                              .headers = headers,
                              .n_headers = r->n_headers};
    sha256_once(body, s.body_sha256);
    struct sigv4_key key = {p->cred->access_key_id, p->cred->secret_access_key,
                            slice_str(x->region), slice_str(x->o.service)};
    sigv4_sign(&s, &key, r->date, &r->authorization);
    buf_fini(&query);
    add(r, "Authorization", buf_slice(&r->authorization));
}
