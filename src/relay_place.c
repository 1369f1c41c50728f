/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Region, endpoints and metadata of the place, at start and on SIGHUP. No
 * region is no reason to end: segments are buffered, what is missing is said,
 * and the metadata service is asked again.
 */
#include <stdio.h>
#include <stdlib.h>

#include "relay.h"
#include "xr/log.h"

#define PLACE_RETRY_MS 30000
#define LOOK_AGAIN_MS 5000

static bool use_region(struct relay *r, const char *region, const char *source);
static bool is_own_address(const struct relay *r, const char *url);
static void look_again(void *arg);
static void ask_metadata(void *arg);
static void on_place(void *arg, const struct place *place,
                     const struct err *err);
static void start_telemetry(struct relay *r);
static void reload_tls(struct tls_server *t);
static void warn_restart(const struct options *old, const struct options *new);

bool relay_find_place(struct relay *r)
{
    char region[64];
    const char *source;
    if (!r->uploads)
        return true;
    bool known = region_find_local(r->options->region, r->options->local_mode,
                                   region, &source);
    if (known && !use_region(r, region, source))
        return false;
    bool alone = r->options->local_mode;
    r->place_retry = timer_new(r->loop, alone ? look_again : ask_metadata, r);
    if (!alone)
        timer_start(r->place_retry, 0);
    if (alone && !known && relay_needs_region(r)) {
        log_error("No region is known, so segments wait in memory. Looked at "
                  "-n, Region in the config file, AWS_REGION, "
                  "AWS_DEFAULT_REGION and the shared config file");
        timer_start(r->place_retry, LOOK_AGAIN_MS);
    }
    if (r->options->local_mode)
        start_telemetry(r);
    return true;
}

void relay_reload(struct relay *r)
{
    struct err err;
    enum log_level level;
    if (log_reopen(&err) != 0)
        log_error("%s", err.text);
    struct config *c = config_reload(r->config, &err);
    if (c == NULL) {
        log_error("Configuration not reloaded, the former one stays: %s",
                  err.text);
        return;
    }
    const struct options *o = config_options(c);
    if (log_level_parse(o->log_level, &level))
        log_set_level(level);
    warn_restart(r->options, o);
    config_free(r->config);
    r->config = c;
    r->options = o;
    relay_detect_reload(r);
    reload_tls(r->tls_http);
    reload_tls(r->tls_grpc);
    char region[64];
    const char *source;
    if (r->uploads &&
        region_find_local(o->region, o->local_mode, region, &source))
        use_region(r, region, source);
    log_info("Configuration reloaded");
}

/* False when no endpoint can be made of it. */
static bool use_region(struct relay *r, const char *region, const char *source)
{
    struct err err;
    char base[ENDPOINT_MAX];
    const char *wish = *r->options->endpoint ? r->options->endpoint : NULL;
    if (endpoint_resolve("xray", region, wish, base, &err) != 0) {
        log_error("%s", err.text);
        return false;
    }
    if (r->local && is_own_address(r, base)) {
        log_error("--tee: %s is local mode itself: name X-Ray's address with "
                  "Endpoint, or unset AWS_ENDPOINT_URL_XRAY",
                  base);
        return false;
    }
    snprintf(r->region, sizeof(r->region), "%s", region);
    snprintf(r->endpoint, sizeof(r->endpoint), "%s", base);
    log_info("Using region: %s (from %s)", region, source);
    log_info("HTTP Proxy server using X-Ray Endpoint : %s", base);
    cred_set_region(r->cred, region);
    relay_set_region(r, region);
    if (r->xray != NULL)
        xray_set_endpoint(r->xray, region, base);
    if (r->proxy != NULL)
        proxy_set_endpoint(r->proxy, region, base);
    return true;
}

/* `xray-relay env` points the endpoint there for everything in its shell. */
static bool is_own_address(const struct relay *r, const char *url)
{
    struct address own, other;
    const char *host = strstr(url, "://") + 3;
    char text[128], here[ADDRESS_TEXT_MAX], there[ADDRESS_TEXT_MAX];
    snprintf(text, sizeof(text), "%.*s", (int)strcspn(host, "/"), host);
    if (address_parse(text, SOCK_STREAM, &other, NULL) != 0 ||
        address_parse(r->options->tcp_address, SOCK_STREAM, &own, NULL) != 0)
        return false;
    address_format((struct sockaddr *)&own.sa, here);
    address_format((struct sockaddr *)&other.sa, there);
    return strcmp(strrchr(here, ':'), strrchr(there, ':')) == 0 &&
           (strncmp(there, "127.", 4) == 0 || strncmp(there, "[::1]", 5) == 0);
}

/* Without metadata to ask, the shared config file may still come. */
static void look_again(void *arg)
{
    struct relay *r = arg;
    char region[64];
    const char *source;
    if (r->region[0] != '\0' ||
        (region_find_local(r->options->region, true, region, &source) &&
         use_region(r, region, source)))
        return;
    timer_start(r->place_retry, LOOK_AGAIN_MS);
}

static void ask_metadata(void *arg)
{
    struct relay *r = arg;
    r->place_search = place_find(r->loop, r->client, on_place, r);
}

static void on_place(void *arg, const struct place *place,
                     const struct err *err)
{
    struct relay *r = arg;
    r->place_search = NULL;
    if (place != NULL)
        r->place = *place;
    relay_detect_place(r);
    if (r->region[0] == '\0' && place != NULL && place->region[0] != '\0')
        use_region(r, place->region, "instance metadata");
    if (r->region[0] == '\0' && relay_needs_region(r)) {
        log_error("No region is known, so segments wait in memory; asked "
                  "again in %d s. Looked at -n, Region in the config file, "
                  "AWS_REGION, the ECS metadata file and instance metadata "
                  "(%s)",
                  PLACE_RETRY_MS / 1000, err ? err->text : "no region there");
        timer_start(r->place_retry, PLACE_RETRY_MS);
        return;
    }
    start_telemetry(r);
}

static void start_telemetry(struct relay *r)
{
    const char *host = getenv("AWS_HOSTNAME");
    const char *instance = getenv("AWS_INSTANCE_ID");
    struct telemetry_facts f = {
        .instance_id = instance ? instance : r->place.instance_id,
        .host_name = host ? host : r->place.host_name,
        .resource_arn = r->options->resource_arn,
    };
    if (r->options->telemetry && r->xray != NULL)
        xray_telemetry_start(r->xray, &f);
}

static void reload_tls(struct tls_server *t)
{
    struct err err;
    if (t != NULL && tls_server_reload(t, &err) != 0)
        log_error("Certificates not reloaded, the former ones stay: %s",
                  err.text);
}

/* What was bound or sized at the start stays until the next one. */
static void warn_restart(const struct options *old, const struct options *new)
{
    if (strcmp(old->udp_address, new->udp_address) != 0 ||
        strcmp(old->tcp_address, new->tcp_address) != 0 ||
        strcmp(old->otlp_http_address, new->otlp_http_address) != 0 ||
        strcmp(old->otlp_grpc_address, new->otlp_grpc_address) != 0)
        log_warn("Changed listening addresses take effect at a restart");
    bool other = old->n_exporters != new->n_exporters;
    for (size_t i = 0; !other && i < old->n_exporters; i++)
        other = strcmp(old->exporters[i].url, new->exporters[i].url) != 0;
    if (other || old->no_xray != new->no_xray)
        log_warn("Changed exporters take effect at a restart");
    if (old->buffer_mb != new->buffer_mb ||
        old->concurrency != new->concurrency)
        log_warn("A changed TotalBufferSizeMB or Concurrency takes effect at "
                 "a restart");
}
