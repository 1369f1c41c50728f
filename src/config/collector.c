/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The OpenTelemetry Collector's file, as far as it says something about us:
 * the components of its traces pipelines are mapped to the option rows, a row
 * a key; everything else is tolerated with one warning. Told from cfg.yaml by
 * its content. ${env:NAME}, ${NAME} and ${env:NAME:-default} are replaced.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "tree.h"
#include "value.h"

enum { PATH_BYTES = 256, TEXT_BYTES_MAX = 64 * 1024, DIGITS_BYTES = 32 };

/* A key of a component and the option that it sets. */
struct mapping {
    const char *section; /* "exporters" */
    const char *type;    /* "awsxray", of "awsxray/eu" too */
    const char *path;    /* below the component */
    const char *key;     /* of the option; NULL: taken, no effect on us */
    int64_t scale;       /* of a number; 0: 1; or one of those below */
};

/* A text such as 200ms, in milliseconds; a number of documents in a batch. */
enum { DURATION = -1, BATCH = -2, BATCH_MAX = 50, FLUSH_MIN_MS = 10 };
/* A text that may be "udp" only. */
enum { ONLY_UDP = -3 };

static const struct mapping mappings[] = {
    {"receivers", "otlp", "protocols.http.endpoint", "Otlp.Http.Address", 0},
    {"receivers", "otlp", "protocols.grpc.endpoint", "Otlp.Grpc.Address", 0},
    {"receivers", "otlp", "protocols.http.cors.allowed_origins",
     "Otlp.CorsOrigins", 0},
    {"receivers", "otlp", "protocols.grpc.max_recv_msg_size_mib",
     "Otlp.MessageMaxMB", 0},
    {"receivers", "otlp", "protocols.http.tls.cert_file",
     "Otlp.Tls.Certificate", 0},
    {"receivers", "otlp", "protocols.http.tls.key_file", "Otlp.Tls.Key", 0},
    {"receivers", "otlp", "protocols.http.tls.client_ca_file",
     "Otlp.Tls.ClientCA", 0},
    {"receivers", "otlp", "protocols.grpc.tls.cert_file",
     "Otlp.Tls.Certificate", 0},
    {"receivers", "otlp", "protocols.grpc.tls.key_file", "Otlp.Tls.Key", 0},
    {"receivers", "otlp", "protocols.grpc.tls.client_ca_file",
     "Otlp.Tls.ClientCA", 0},
    {"receivers", "awsxray", "endpoint", "Socket.UDPAddress", 0},
    {"receivers", "awsxray", "transport", NULL, ONLY_UDP},
    {"receivers", "awsxray", "proxy_server.endpoint", "Socket.TCPAddress", 0},
    {"exporters", "awsxray", "index_all_attributes", "Translate.IndexAll", 0},
    {"exporters", "awsxray", "indexed_attributes", "Translate.Indexed", 0},
    {"exporters", "awsxray", "aws_log_groups", "Translate.LogGroups", 0},
    {"exporters", "awsxray", "region", "Region", 0},
    {"exporters", "awsxray", "endpoint", "Endpoint", 0},
    {"exporters", "awsxray", "no_verify_ssl", "NoVerifySSL", 0},
    {"exporters", "awsxray", "role_arn", "RoleARN", 0},
    {"exporters", "awsxray", "external_id", "Upload.RoleExternalId", 0},
    {"exporters", "awsxray", "resource_arn", "ResourceARN", 0},
    {"exporters", "awsxray", "local_mode", "LocalMode", 0},
    {"exporters", "awsxray", "proxy_address", "ProxyAddress", 0},
    {"exporters", "awsxray", "num_workers", "Concurrency", 0},
    {"exporters", "awsxray", "certificate_file_path", "Upload.CABundle", 0},
    {"exporters", "awsxray", "request_timeout_seconds",
     "Upload.RequestTimeoutMs", 1000},
    {"exporters", "awsxray", "telemetry.enabled", "Telemetry.Enabled", 0},
    {"receivers", "telemetryapi", "types", NULL, 0},
    {"receivers", "telemetryapi", "port", NULL, 0},
    {"processors", "batch", "timeout", "Upload.FlushIdleMs", DURATION},
    {"processors", "batch", "send_batch_size", "Upload.BatchDocuments", BATCH},
    {"processors", "batch", "send_batch_max_size", NULL, 0},
    {"processors", "memory_limiter", "limit_mib", "TotalBufferSizeMB", 0},
    {"processors", "memory_limiter", "spike_limit_mib", NULL, 0},
    {"processors", "memory_limiter", "check_interval", NULL, 0},
    {"processors", "decouple", "max_queue_size", NULL, 0}, /* we always do */
    {"service", "telemetry", "logs.level", "Logging.LogLevel", 0},
};

enum { MAPPINGS = sizeof(mappings) / sizeof(mappings[0]) };

/* A component while it is walked. */
struct component {
    const char *section, *name; /* "exporters", "awsxray/eu" */
    char type[64];              /* "awsxray" */
};

static void expand_all(struct config *c, struct tree_node *n);
static void expand_text(struct config *c, struct tree_node *n);
static size_t expand_one(struct config *c, const struct tree_node *n,
                         const char *p, struct buf *out);
static void apply_components(struct config *c, const struct tree_node *root,
                             const char *section);
static void walk_component(struct config *c, const struct component *m,
                           const struct tree_item *i,
                           const struct tree_node *all);
static void apply_service(struct config *c, const struct tree_node *root);
static bool only_used_extensions(const struct tree_node *root,
                                 const struct tree_item *i);
static bool is_used(const struct tree_node *root, const char *section,
                    const char *name);
static bool is_traces(const char *pipeline);
static void walk(struct config *c, const struct component *m,
                 const struct tree_node *n, const char *prefix);
static void apply_leaf(struct config *c, const struct component *m,
                       const struct tree_item *i, const char *path);
static void store(struct config *c, const struct mapping *map,
                  const struct tree_node *n, const char *shown);
static bool fitted(int64_t how, const struct tree_node *n,
                   char digits[DIGITS_BYTES]);
static bool is_prefix(const struct component *m, const char *path);
static void apply_protocols(struct config *c, const struct tree_node *root);
static void set_protocol(struct config *c, const char *key, bool on,
                         unsigned line);
static void component_init(struct component *m, const char *section,
                           const char *name);

bool collector_is(const struct tree_node *root)
{
    return !tree_get(root, "Version") &&
           (tree_get(root, "receivers") || tree_get(root, "exporters") ||
            tree_get(root, "service"));
}

void collector_apply(struct config *c, struct tree_node *root)
{
    static const char *const sections[] = {"receivers",  "exporters",
                                           "processors", "extensions",
                                           "connectors", NULL};

    expand_all(c, root);
    for (const struct tree_item *i = root->first; i; i = i->next) {
        bool of_components = false;
        for (size_t k = 0; sections[k]; k++)
            of_components = of_components || !strcmp(i->key, sections[k]);
        if (of_components)
            apply_components(c, root, i->key);
        else if (strcmp(i->key, "fallback_exporter") == 0)
            cfg_store_node(c, option_find_key("Upload.FallbackExporter"),
                           i->node, i->key);
        else if (strcmp(i->key, "service") != 0)
            config_warn(c, "%s:%u: %s is not used", c->file, i->line, i->key);
    }
    apply_protocols(c, root);
    apply_service(c, root);
    processors_apply(c, root);
    exporters_apply(c, root);
}

/* Each node once: aliases may lead to it again. */
static void expand_all(struct config *c, struct tree_node *n)
{
    if (n->seen)
        return;
    n->seen = true;
    if (n->kind == TREE_SCALAR && strchr(n->text, '$'))
        expand_text(c, n);
    for (struct tree_item *i = n->first; i; i = i->next)
        expand_all(c, i->node);
}

/* What stands for the whole value brings its own type, quoted or not. */
static void expand_text(struct config *c, struct tree_node *n)
{
    size_t length = strlen(n->text);
    struct buf out;

    if (strncmp(n->text, "${", 2) == 0 && strcspn(n->text, "}") == length - 1)
        n->plain = true;
    buf_init(&out, TEXT_BYTES_MAX);
    for (const char *p = n->text; *p;) {
        if (p[0] == '$' && p[1] == '$') {
            buf_byte(&out, '$');
            p += 2;
        } else if (p[0] == '$' && p[1] == '{' && strchr(p, '}')) {
            p += expand_one(c, n, p, &out);
        } else {
            buf_byte(&out, *p++);
        }
    }
    if (out.failed)
        config_fault(c,
                     "%s:%u: longer than %d bytes once its variables are "
                     "replaced",
                     c->file, n->line, TEXT_BYTES_MAX);
    n->text = config_text(c, "%s", buf_cstr(&out));
    buf_fini(&out);
}

/* p is at "${"; gives the length of the whole. */
static size_t expand_one(struct config *c, const struct tree_node *n,
                         const char *p, struct buf *out)
{
    size_t inside = strcspn(p + 2, "}");
    const char *whole = config_text(c, "%.*s", (int)inside, p + 2);
    const char *name = strncmp(whole, "env:", 4) == 0 ? whole + 4 : whole;
    const char *fallback = strstr(name, ":-");
    size_t length = fallback ? (size_t)(fallback - name) : strlen(name);

    name = config_text(c, "%.*s", (int)length, name);
    const char *text = strchr(name, ':') ? NULL : env_get(c, name);
    if (text)
        buf_str(out, text);
    else if (fallback)
        buf_str(out, fallback + 2);
    else
        config_warn(c, "%s:%u: ${%.100s} is not set and counts as empty",
                    c->file, n->line, whole);
    return inside + 3;
}

static void apply_components(struct config *c, const struct tree_node *root,
                             const char *section)
{
    const struct tree_node *all = tree_get(root, section);

    if (all->kind != TREE_MAP) {
        if (!tree_is_null(all))
            config_fault(c, "%s:%u: %s needs a section of components", c->file,
                         all->line, section);
        return;
    }
    for (const struct tree_item *i = all->first; i; i = i->next) {
        struct component m;
        component_init(&m, section, i->key);
        bool taken =
            processors_take(section, i->key) || exporters_take(section, i->key);
        if (strcmp(m.type, "telemetryapi") == 0)
            continue; /* platform events are asked for anyway */
        if (strcmp(section, "extensions") == 0 &&
            exporters_name_extension(root, i->key))
            continue; /* read with the exporter that names it */
        if (!is_prefix(&m, "") && !taken)
            config_warn(c, "%s:%u: %s.%s is not used", c->file, i->line,
                        section, i->key);
        else if (!is_used(root, section, i->key))
            config_warn(c,
                        "%s:%u: %s.%s is in no traces pipeline and is left "
                        "aside",
                        c->file, i->line, section, i->key);
        else if (!taken)
            walk_component(c, &m, i, all);
    }
}

/* We listen once and send to one place: of two alike the later counts. */
static void walk_component(struct config *c, const struct component *m,
                           const struct tree_item *i,
                           const struct tree_node *all)
{
    for (const struct tree_item *o = all->first; o != i; o = o->next) {
        struct component other;
        component_init(&other, m->section, o->key);
        if (strcmp(other.type, m->type) == 0)
            config_warn(c,
                        "%s:%u: %s.%s overrides %s: there can be one %s only",
                        c->file, i->line, m->section, m->name, o->key, m->type);
    }
    walk(c, m, i->node, "");
}

static void apply_service(struct config *c, const struct tree_node *root)
{
    const struct tree_node *service = tree_get(root, "service");
    const struct tree_node *lines = tree_get(service, "pipelines");

    for (const struct tree_item *i = service ? service->first : NULL; i;
         i = i->next) {
        struct component m;
        if (!i->key || strcmp(i->key, "pipelines") == 0)
            continue;
        component_init(&m, "service", i->key);
        if (is_prefix(&m, ""))
            walk(c, &m, i->node, "");
        else if (!only_used_extensions(root, i))
            config_warn(c, "%s:%u: service.%s is not used", c->file, i->line,
                        i->key);
    }
    for (const struct tree_item *i = lines ? lines->first : NULL; i;
         i = i->next)
        if (i->key && !is_traces(i->key))
            config_warn(c,
                        "%s:%u: the pipeline %s is not used, only traces "
                        "are",
                        c->file, i->line, i->key);
}

/* service.extensions, with none in it but those that an exporter names? */
static bool only_used_extensions(const struct tree_node *root,
                                 const struct tree_item *i)
{
    if (strcmp(i->key, "extensions") != 0 || i->node->kind != TREE_LIST)
        return false;
    for (const struct tree_item *k = i->node->first; k; k = k->next)
        if (k->node->kind != TREE_SCALAR ||
            !exporters_name_extension(root, k->node->text))
            return false;
    return true;
}

/* Is the component named by a traces pipeline? Without any pipeline, yes. */
static bool is_used(const struct tree_node *root, const char *section,
                    const char *name)
{
    const struct tree_node *lines =
        tree_get(tree_get(root, "service"), "pipelines");

    if (!lines || lines->kind != TREE_MAP)
        return true;
    for (const struct tree_item *i = lines->first; i; i = i->next) {
        const struct tree_node *names = tree_get(i->node, section);
        if (!is_traces(i->key) || !names || names->kind != TREE_LIST)
            continue;
        for (const struct tree_item *j = names->first; j; j = j->next)
            if (j->node->kind == TREE_SCALAR &&
                strcmp(j->node->text, name) == 0)
                return true;
    }
    return false;
}

static bool is_traces(const char *pipeline)
{
    return strcmp(pipeline, "traces") == 0 ||
           strncmp(pipeline, "traces/", 7) == 0;
}

/* Recursion ends at the depth of the longest mapped path. */
static void walk(struct config *c, const struct component *m,
                 const struct tree_node *n, const char *prefix)
{
    char path[PATH_BYTES];

    if (n->kind != TREE_MAP) {
        if (!tree_is_null(n))
            config_fault(c, "%s:%u: %s.%s%s%s needs a section of keys", c->file,
                         n->line, m->section, m->name, *prefix ? "." : "",
                         prefix);
        return;
    }
    for (const struct tree_item *i = n->first; i; i = i->next) {
        snprintf(path, sizeof(path), "%s%s%.100s", prefix, *prefix ? "." : "",
                 i->key);
        if (is_prefix(m, path))
            walk(c, m, i->node, path);
        else
            apply_leaf(c, m, i, path);
    }
}

static void apply_leaf(struct config *c, const struct component *m,
                       const struct tree_item *i, const char *path)
{
    const char *shown = config_text(c, "%s.%s.%s", m->section, m->name, path);

    for (size_t k = 0; k < MAPPINGS; k++) {
        const struct mapping *map = &mappings[k];
        if (strcmp(map->section, m->section) == 0 &&
            strcmp(map->type, m->type) == 0 && strcmp(map->path, path) == 0) {
            store(c, map, i->node, shown);
            return;
        }
    }
    bool retries = strcmp(path, "max_retries") == 0;
    config_warn(c, "%s:%u: %s is not used%s", c->file, i->line, shown,
                retries ? ": what waits is tried again while memory lasts"
                        : "");
}

static void store(struct config *c, const struct mapping *map,
                  const struct tree_node *n, const char *shown)
{
    struct tree_node scaled = *n;
    int64_t number;
    char digits[DIGITS_BYTES];

    if (map->scale == ONLY_UDP &&
        (n->kind != TREE_SCALAR || strcmp(n->text, "udp") != 0))
        config_warn(c, "%s:%u: %s is not used: segments are taken by UDP",
                    c->file, n->line, shown);
    if (!map->key)
        return;
    if (map->scale < 0 && fitted(map->scale, n, digits)) {
        scaled.text = digits;
        scaled.plain = true;
    }
    if (map->scale > 0 && tree_int(n, &number) && number < INT32_MAX &&
        number > INT32_MIN) {
        snprintf(digits, sizeof(digits), "%lld",
                 (long long)(number * map->scale));
        scaled.text = digits;
    }
    cfg_store_node(c, option_find_key(map->key), &scaled, shown);
}

/* Brings a value of the collector's into the range that the option has. */
static bool fitted(int64_t how, const struct tree_node *n,
                   char digits[DIGITS_BYTES])
{
    int64_t number = 0;

    if (how == BATCH) {
        if (!tree_int(n, &number))
            return false;
        number = number < 1 || number > BATCH_MAX ? BATCH_MAX : number;
    } else {
        if (n->kind != TREE_SCALAR || !value_parse_duration(n->text, &number))
            return false;
        number = number < FLUSH_MIN_MS ? FLUSH_MIN_MS : number;
    }
    snprintf(digits, DIGITS_BYTES, "%lld", (long long)number);
    return true;
}

/* Does some mapped path of the component lie below this one? */
static bool is_prefix(const struct component *m, const char *path)
{
    size_t n = strlen(path);

    for (size_t i = 0; i < MAPPINGS; i++) {
        const struct mapping *map = &mappings[i];
        if (strcmp(map->section, m->section) == 0 &&
            strcmp(map->type, m->type) == 0 &&
            strncmp(map->path, path, n) == 0 && (n == 0 || map->path[n] == '.'))
            return true;
    }
    return false;
}

/* A protocol is on if an otlp receiver in use names it, be it with nothing
 * behind. */
static void apply_protocols(struct config *c, const struct tree_node *root)
{
    const struct tree_node *all = tree_get(root, "receivers");
    bool http = false, grpc = false;
    unsigned line = all ? all->line : 1;

    for (const struct tree_item *i = all ? all->first : NULL; i; i = i->next) {
        struct component m;
        if (!i->key)
            continue;
        component_init(&m, "receivers", i->key);
        if (strcmp(m.type, "otlp") != 0 || !is_used(root, "receivers", i->key))
            continue;
        const struct tree_node *p = tree_get(i->node, "protocols");
        http = http || tree_get(p, "http");
        grpc = grpc || tree_get(p, "grpc");
        line = i->line;
    }
    if (!all)
        return;
    set_protocol(c, "Otlp.Http.Enabled", http, line);
    set_protocol(c, "Otlp.Grpc.Enabled", grpc, line);
}

static void set_protocol(struct config *c, const char *key, bool on,
                         unsigned line)
{
    struct value v = {.yes = on};

    (void)config_store(c, option_find_key(key), &v,
                       config_text(c, "%s:%u", c->file, line));
}

static void component_init(struct component *m, const char *section,
                           const char *name)
{
    *m = (struct component){.section = section, .name = name};
    snprintf(m->type, sizeof(m->type), "%.*s",
             (int)(strcspn(name, "/") < sizeof(m->type) - 1
                       ? strcspn(name, "/")
                       : sizeof(m->type) - 1),
             name);
}
