/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From service and region to a base URL: overrides first, else the host of the
 * region's partition, with FIPS and dual-stack forms as in the SDKs' endpoint
 * rules. Knows nothing of what is sent there.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "env.h"
#include "xr/region.h"
#include "xr/slice.h"

#define HOST_MAX 253

struct partition {
    const char *prefix; /* of its regions */
    const char *suffix, *dual_suffix;
    bool plain_fips; /* its own hosts are FIPS hosts for most services */
};

/* The last row is for all regions else. */
static const struct partition partitions[] = {
    {"cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn", false},
    {"us-gov-", "amazonaws.com", "api.aws", true},
    {"us-iso-", "c2s.ic.gov", "api.aws.ic.gov", false},
    {"us-isob-", "sc2s.sgov.gov", "api.aws.scloud", false},
    {"us-isof-", "csp.hci.ic.gov", "api.aws.hci.ic.gov", false},
    {"eu-isoe-", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk", false},
    {"eusc-", "amazonaws.eu", "api.amazonwebservices.eu", false},
    {"", "amazonaws.com", "api.aws", false},
};

static const char *find_override(const char *service, const char *given,
                                 const char **from, char name[64]);
static int copy_url(const char *url, const char *from, char out[ENDPOINT_MAX],
                    struct err *err);
static const char *scheme_of(const char *url, const char **rest);
static const char *authority_fault(struct slice a);
static const char *port_fault(struct slice port);
static const char *path_fault(const char *path);
static int build_url(const char *service, const char *region,
                     char out[ENDPOINT_MAX], struct err *err);

int endpoint_resolve(const char *service, const char *region,
                     const char *override_url, char out[ENDPOINT_MAX],
                     struct err *err)
{
    char name[64];
    const char *from;
    const char *url = find_override(service, override_url, &from, name);

    return url ? copy_url(url, from, out, err)
               : build_url(service, region, out, err);
}

static const char *find_override(const char *service, const char *given,
                                 const char **from, char name[64])
{
    const char *dot = strrchr(service, '.');
    const char *v;

    *from = "the endpoint";
    if (given && *given)
        return given;
    if (env_true("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"))
        return NULL;
    snprintf(name, 64, "AWS_ENDPOINT_URL_%s", dot ? dot + 1 : service);
    for (char *p = name; *p; p++)
        *p = (char)toupper((unsigned char)*p);
    *from = name;
    v = env_text(name);
    if (v)
        return v;
    *from = "AWS_ENDPOINT_URL";
    return env_text("AWS_ENDPOINT_URL");
}

static int copy_url(const char *url, const char *from, char out[ENDPOINT_MAX],
                    struct err *err)
{
    const char *rest, *scheme = scheme_of(url, &rest), *fault = NULL;
    size_t host = scheme ? strcspn(rest, "/?#") : 0;
    int n;

    if (!scheme)
        fault = "has no scheme; write http://HOST:PORT or https://HOST";
    if (!fault)
        fault = authority_fault(slice_of(rest, host));
    if (!fault)
        fault = path_fault(rest + host);
    if (fault)
        return err_set(err, "%s '%.200s' is not usable: %s", from, url, fault);
    n = snprintf(out, ENDPOINT_MAX, "%s%s", scheme, rest);
    if (n < 0 || n >= ENDPOINT_MAX)
        return err_set(err, "%s is longer than %d bytes", from,
                       ENDPOINT_MAX - 1);
    while (n > 0 && out[n - 1] == '/')
        out[--n] = '\0';
    return 0;
}

/* A name without scheme counts as https, since the original starts with it.
 * One that begins with a digit is no URL there either. */
static const char *scheme_of(const char *url, const char **rest)
{
    if (strncasecmp(url, "https://", 8) == 0) {
        *rest = url + 8;
        return "https://";
    }
    if (strncasecmp(url, "http://", 7) == 0) {
        *rest = url + 7;
        return "http://";
    }
    *rest = url;
    if (isalpha((unsigned char)url[0]) && !strstr(url, "://"))
        return "https://";
    return NULL;
}

static const char *authority_fault(struct slice a)
{
    const char *colon;
    struct slice host = a, port = slice_of(NULL, 0);

    if (a.n && a.p[0] == '[') {
        const char *end = memchr(a.p, ']', a.n);

        if (!end)
            return "bracket of the IPv6 address is not closed";
        host = slice_of(a.p + 1, (size_t)(end - a.p) - 1);
        port = slice_of(end + 1, a.n - host.n - 2);
        if (host.n == 0 || strspn(host.p, "0123456789abcdefABCDEF:.") < host.n)
            return "not an IPv6 address in the brackets";
        return port.n ? port_fault(port) : NULL;
    }
    colon = a.n ? memchr(a.p, ':', a.n) : NULL;
    if (colon) {
        host.n = (size_t)(colon - a.p);
        port = slice_of(colon, a.n - host.n);
    }
    if (host.n == 0)
        return "there is no host";
    if (host.n > HOST_MAX)
        return "the host name is too long";
    for (size_t i = 0; i < host.n; i++)
        if (!isalnum((unsigned char)host.p[i]) && !strchr("-._", host.p[i]))
            return "invalid character in host name";
    return port.n ? port_fault(port) : NULL;
}

/* port: with its colon. */
static const char *port_fault(struct slice port)
{
    unsigned n = 0;

    if (port.p[0] != ':')
        return "invalid text after the address";
    for (size_t i = 1; i < port.n; i++) {
        if (!isdigit((unsigned char)port.p[i]) || i > 5)
            return "invalid port";
        n = n * 10 + (unsigned)(port.p[i] - '0');
    }
    return n > 65535 || (port.n > 1 && n == 0) ? "invalid port" : NULL;
}

static const char *path_fault(const char *path)
{
    for (; *path; path++) {
        unsigned char c = (unsigned char)*path;

        if (c <= ' ' || c == 0x7f)
            return "blank or control character in it";
        if (c == '?' || c == '#')
            return "a base URL has no query and no fragment";
        if (c == '%' && (!isxdigit((unsigned char)path[1]) ||
                         !isxdigit((unsigned char)path[2])))
            return "invalid percent escape";
    }
    return NULL;
}

static int build_url(const char *service, const char *region,
                     char out[ENDPOINT_MAX], struct err *err)
{
    const struct partition *p = partitions;
    bool fips = env_true("AWS_USE_FIPS_ENDPOINT");
    bool dual = env_true("AWS_USE_DUALSTACK_ENDPOINT");
    const char *fault;
    char *host = out + strlen("https://");

    if (!region || !*region)
        return err_set(err, "no region is known for the %s endpoint", service);
    if (strlen(region) > 63)
        return err_set(err, "the region is longer than 63 characters");
    while (strncmp(region, p->prefix, strlen(p->prefix)) != 0)
        p++;
    if (p->plain_fips && !dual && strcmp(service, "xray") != 0)
        fips = false;
    snprintf(out, ENDPOINT_MAX, "https://%s%s.%s.%s", service,
             fips ? "-fips" : "", region, dual ? p->dual_suffix : p->suffix);
    fault = strchr(region, ':') ? "invalid character in host name"
                                : authority_fault(slice_str(host));
    return fault ? err_set(err, "unable to make an endpoint of region '%s': %s",
                           region, fault)
                 : 0;
}
