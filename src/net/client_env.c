/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which proxy to use and which certificates to trust. The option wins and
 * then holds for every host; a proxy out of the environment is subject to
 * NO_PROXY. HTTPS_PROXY counts for plain endpoints too, as it does with the
 * X-Ray daemon; HTTP_PROXY never counts. Knows nothing of libcurl.
 */
#include "client_parts.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "xr/log.h"
#include "xr/slice.h"

static const char *const proxy_schemes[] = {"http://", "https://", "socks5://",
                                            "socks5h://"};
static const char *const ca_variables[] = {"AWS_CA_BUNDLE", "SSL_CERT_FILE"};
static const char *const ca_places[] = {
    "/etc/ssl/certs/ca-certificates.crt",                /* Debian, Alpine */
    "/etc/pki/tls/certs/ca-bundle.crt",                  /* Amazon Linux */
    "/etc/ssl/ca-bundle.pem",                            /* SUSE */
    "/etc/ssl/cert.pem",                                 /* BSD, Alpine */
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", /* Fedora */
};

static const char *env_of_two(const char *first, const char *second);
static int check_proxy(const char *url, struct err *err);
static int find_ca(const char *configured, char **out, struct err *err);
static bool readable(const char *path);
static char *dup_text(const char *s);

int client_env_init(struct client_env *e, const struct client_options *o,
                    struct err *err)
{
    *e = (struct client_env){0};
    const char *proxy = o->proxy, *no_proxy = "";
    if (proxy && proxy[0]) {
        if (check_proxy(proxy, err) < 0)
            return -1;
    } else {
        proxy = env_of_two("HTTPS_PROXY", "https_proxy");
        no_proxy = env_of_two("NO_PROXY", "no_proxy");
    }
    if (find_ca(o->ca_bundle, &e->ca_file, err) < 0)
        return -1;
    e->proxy = dup_text(proxy);
    e->no_proxy = dup_text(no_proxy);
    return 0;
}

void client_env_fini(struct client_env *e)
{
    free(e->proxy);
    free(e->no_proxy);
    free(e->ca_file);
    *e = (struct client_env){0};
}

static const char *env_of_two(const char *first, const char *second)
{
    const char *v = getenv(first);
    if (!v || !v[0])
        v = getenv(second);
    return v ? v : "";
}

/* The URL may hold a password, so the message does not show it. */
static int check_proxy(const char *url, struct err *err)
{
    const char *host = NULL;
    for (size_t i = 0; i < sizeof(proxy_schemes) / sizeof(char *); i++) {
        size_t n = strlen(proxy_schemes[i]);
        if (strncasecmp(url, proxy_schemes[i], n) == 0)
            host = url + n;
    }
    if (!host)
        return err_set(err, "Bad proxy URL: it must begin with http://, "
                            "https://, socks5:// or socks5h://, as in "
                            "http://127.0.0.1:3128");
    size_t n = strcspn(host, "/?#");
    const char *at = memrchr(host, '@', n);
    if (at) {
        n -= (size_t)(at + 1 - host);
        host = at + 1;
    }
    if (n == 0 || host[0] == ':')
        return err_set(err, "Bad proxy URL: it names no host");
    if (host[0] == '[' && !memchr(host, ']', n))
        return err_set(err, "Bad proxy URL: missing ']' in host");
    return 0;
}

static int find_ca(const char *configured, char **out, struct err *err)
{
    if (configured && configured[0]) {
        if (!readable(configured))
            return err_set(err,
                           "cannot read the CA bundle %.300s: check the "
                           "path and its permissions",
                           configured);
        *out = dup_text(configured);
        return 0;
    }
    for (size_t i = 0; i < sizeof(ca_variables) / sizeof(char *); i++) {
        const char *path = getenv(ca_variables[i]);
        if (!path || !path[0])
            continue;
        if (readable(path)) {
            *out = dup_text(path);
            return 0;
        }
        log_warn("%s names %s, which cannot be read: passed over",
                 ca_variables[i], path);
    }
    for (size_t i = 0; i < sizeof(ca_places) / sizeof(char *); i++) {
        if (readable(ca_places[i])) {
            *out = dup_text(ca_places[i]);
            return 0;
        }
    }
    return 0;
}

static bool readable(const char *path)
{
    return access(path, R_OK) == 0;
}

static char *dup_text(const char *s)
{
    char *copy = strdup(s);
    if (!copy)
        log_fatal("out of memory while setting up the HTTP client");
    return copy;
}
