/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must hold for the options as a whole: limits that the X-Ray daemon
 * checks at start, and settings that need each other. Looks at no network and
 * no file.
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "config.h"
#include "subcommand.h"
#include "value.h"

enum { BUFFER_MIN_MB = 3, URL_SHOWN_MAX = 256, REASON_BYTES = 512 };

static void complete_addresses(struct config *c);
static void check_memory(struct config *c);
static void check_url(struct config *c, const char *key, char **url,
                      const char *what);
static void complete_proxy(struct config *c);
static void check_region(struct config *c);
static void check_tls(struct config *c);
static bool refuse(struct config *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
static const char *origin_of(const struct config *c, const char *key);

void check_options(struct config *c)
{
    struct options *o = &c->options;

    complete_addresses(c);
    check_memory(c);
    check_url(c, "ProxyAddress", &o->proxy_address, "Bad proxy URL");
    complete_proxy(c);
    check_url(c, "Endpoint", &o->endpoint, "Bad endpoint URL");
    check_region(c);
    check_tls(c);
    for (char *p = o->log_level; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    if (o->fallback_exporter && o->n_exporters == 0)
        o->no_xray = false;
    o->no_exporter =
        o->no_xray && o->n_exporters == 0 && o->debug_export == DEBUG_NONE;
    o->otlp_http_address_set = origin_of(c, "Otlp.Http.Address") != NULL;
    o->otlp_grpc_address_set = origin_of(c, "Otlp.Grpc.Address") != NULL;
}

/* An empty address, which only a flag can give, is what Go makes of it: any
 * port for UDP, port 80 for TCP, on all interfaces. */
static void complete_addresses(struct config *c)
{
    struct options *o = &c->options;

    if (!*o->udp_address)
        o->udp_address = (char *)config_text(c, ":0");
    if (!*o->tcp_address)
        o->tcp_address = (char *)config_text(c, ":80");
}

static void check_memory(struct config *c)
{
    struct options *o = &c->options;

    if (o->buffer_mb < 0)
        o->buffer_mb = 0;
    if (o->buffer_mb > 0 && o->buffer_mb < BUFFER_MIN_MB)
        config_fault(c,
                     "%s: not enough buffer memory: TotalBufferSizeMB is %d, "
                     "the minimum is %d MB (0: 1 %% of memory)",
                     origin_of(c, "TotalBufferSizeMB"), (int)o->buffer_mb,
                     BUFFER_MIN_MB);
}

static void check_url(struct config *c, const char *key, char **url,
                      const char *what)
{
    char shown[URL_SHOWN_MAX];
    struct err err;

    if (value_check_url(*url, &err) == 0)
        return;
    value_mask_url(*url, shown, sizeof(shown));
    if (refuse(c, "%s: %s: \"%s\": %s", origin_of(c, key), what, shown,
               err.text))
        *url = (char *)config_text(c, "%s", "");
}

/* To Go "proxy:3128" is a URL with the scheme "proxy": the daemon starts, and
 * uploads nothing. We take what was meant. */
static void complete_proxy(struct config *c)
{
    struct options *o = &c->options;

    if (*o->proxy_address && !strstr(o->proxy_address, "://"))
        o->proxy_address =
            (char *)config_text(c, "http://%s", o->proxy_address);
}

/* The endpoint's host is made of it. */
static void check_region(struct config *c)
{
    struct options *o = &c->options;

    if (*o->endpoint || value_is_host(o->region))
        return;
    if (refuse(c,
               "%s: Region \"%.64s\" cannot be part of a host name; a region "
               "looks like us-east-1",
               origin_of(c, "Region"), o->region))
        o->region = (char *)config_text(c, "%s", "");
}

static void check_tls(struct config *c)
{
    const struct options *o = &c->options;
    bool certificate = *o->otlp_tls_certificate, key = *o->otlp_tls_key;

    if (certificate != key)
        config_fault(
            c,
            "%s: Otlp.Tls.Certificate and Otlp.Tls.Key need each "
            "other, %s is missing",
            origin_of(c, certificate ? "Otlp.Tls.Certificate" : "Otlp.Tls.Key"),
            certificate ? "Otlp.Tls.Key" : "Otlp.Tls.Certificate");
    else if (*o->otlp_tls_client_ca && !certificate)
        config_fault(c,
                     "%s: Otlp.Tls.ClientCA needs Otlp.Tls.Certificate "
                     "and Otlp.Tls.Key",
                     origin_of(c, "Otlp.Tls.ClientCA"));
}

/* What only uploads need is no reason to stop a command that never uploads:
 * then true, a warning, and the caller empties the option. */
static bool refuse(struct config *c, const char *fmt, ...)
{
    const struct subcommand *sub = c->args.sub;
    bool offline = sub && sub->offline && !config_flag(c, "tee");
    char text[REASON_BYTES];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (offline)
        config_warn(c, "%s", text);
    else
        config_fault(c, "%s", text);
    return offline;
}

static const char *origin_of(const struct config *c, const char *key)
{
    return c->origin[option_find_key(key)];
}
