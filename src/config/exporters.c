/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The exporters that the collector's traces pipelines name: otlphttp, with the
 * sigv4auth extension that one may name in turn, and debug, formerly logging.
 * (awsxray is mapped to option rows in collector.c.) An exporter that is not
 * understood is left out with a warning that names its line; values of headers
 * never stand in a message.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "tree.h"
#include "value.h"

enum {
    PATH_BYTES = 128,
    URL_MAX = 500,
    HEADERS_MAX = 64,
    TIMEOUT_MS = 30000,
    RETRY_FIRST_MS = 100,
};

enum setting_kind { SETTING_TEXT, SETTING_BOOL, SETTING_TIME, SETTING_NONE };

/* A key of a component and where it goes. */
struct setting {
    const char *path;
    enum setting_kind kind; /* NONE: taken, no effect on us */
    size_t offset;          /* in struct reading */
};

/* An exporter while it is read. */
struct reading {
    struct config *c;
    const struct tree_node *root;
    const char *shown; /* "exporters.otlphttp/x" */
    struct otlp_exporter e;
    const char *endpoint, *traces_endpoint, *compression, *encoding;
    const char *authenticator;
};

#define AT(member) offsetof(struct reading, member)

static const struct setting exporter_settings[] = {
    {"endpoint", SETTING_TEXT, AT(endpoint)},
    {"traces_endpoint", SETTING_TEXT, AT(traces_endpoint)},
    {"metrics_endpoint", SETTING_NONE, 0},
    {"logs_endpoint", SETTING_NONE, 0},
    {"compression", SETTING_TEXT, AT(compression)},
    {"encoding", SETTING_TEXT, AT(encoding)},
    {"timeout", SETTING_TIME, AT(e.timeout_ms)},
    {"proxy_url", SETTING_TEXT, AT(e.proxy_url)},
    {"tls.insecure", SETTING_NONE, 0}, /* the URL says it */
    {"tls.insecure_skip_verify", SETTING_BOOL, AT(e.no_verify)},
    {"tls.ca_file", SETTING_TEXT, AT(e.ca_file)},
    {"retry_on_failure.enabled", SETTING_BOOL, AT(e.retry)},
    {"retry_on_failure.initial_interval", SETTING_TIME, AT(e.retry_first_ms)},
    {"retry_on_failure.max_interval", SETTING_TIME, AT(e.retry_max_ms)},
    {"retry_on_failure.max_elapsed_time", SETTING_TIME, AT(e.retry_total_ms)},
    {"retry_on_failure.multiplier", SETTING_NONE, 0},
    {"retry_on_failure.randomization_factor", SETTING_NONE, 0},
    /* The queue is as large as memory allows, and never off. */
    {"sending_queue.enabled", SETTING_NONE, 0},
    {"sending_queue.queue_size", SETTING_NONE, 0},
    {"sending_queue.num_consumers", SETTING_NONE, 0},
    {"auth.authenticator", SETTING_TEXT, AT(authenticator)},
    {NULL, SETTING_NONE, 0},
};

static const struct setting sigv4_settings[] = {
    {"region", SETTING_TEXT, AT(e.region)},
    {"service", SETTING_TEXT, AT(e.service)},
    {"assume_role.arn", SETTING_TEXT, AT(e.role_arn)},
    {"assume_role.session_name", SETTING_TEXT, AT(e.role_session_name)},
    {"assume_role.external_id", SETTING_TEXT, AT(e.role_external_id)},
    {"assume_role.sts_region", SETTING_TEXT, AT(e.sts_region)},
    {NULL, SETTING_NONE, 0},
};

static void apply_one(struct config *c, const struct tree_node *root,
                      const struct tree_node *name);
static bool is_taken(const struct config *c, const char *name);
static void apply_debug(struct config *c, const struct tree_node *n);
static void apply_otlp(struct config *c, const struct tree_node *root,
                       const struct tree_node *name);
static void walk(struct reading *r, const struct setting *settings,
                 const char *component, const struct tree_item *i,
                 const char *path);
static void set(struct reading *r, const struct setting *s,
                const struct tree_item *i, const char *shown);
static bool is_section(const struct setting *settings, const char *path);
static void read_headers(struct reading *r, const struct tree_item *i);
static void add_header(struct reading *r, unsigned line, const char *name,
                       const struct tree_node *value);
static bool is_header_name(const char *text);
static bool is_header_value(const char *text);
static void read_packing(struct reading *r, unsigned line);
static bool read_auth(struct reading *r, unsigned line);
static bool make_url(struct reading *r, unsigned line);
static bool is_url(const char *text);
static void add(struct reading *r);
static const char *text_of(const struct tree_node *map, const char *key);
static bool is_type(const char *name, const char *type);
static bool is_otlp(const char *name);

bool exporters_take(const char *section, const char *name)
{
    return strcmp(section, "exporters") == 0 &&
           (is_otlp(name) || is_type(name, "logging") ||
            is_type(name, "debug"));
}

bool exporters_name_extension(const struct tree_node *root, const char *name)
{
    const struct tree_node *all = tree_get(root, "exporters");

    for (const struct tree_item *i = all ? all->first : NULL; i; i = i->next) {
        const char *auth =
            i->key && is_otlp(i->key)
                ? text_of(tree_get(i->node, "auth"), "authenticator")
                : NULL;
        if (auth && strcmp(auth, name) == 0 && is_type(name, "sigv4auth"))
            return true;
    }
    return false;
}

void exporters_apply(struct config *c, const struct tree_node *root)
{
    const struct tree_node *lines =
        tree_get(tree_get(root, "service"), "pipelines");
    bool any = false, xray = false;
    unsigned line = 0;

    for (const struct tree_item *i = lines ? lines->first : NULL; i;
         i = i->next) {
        const struct tree_node *names = tree_get(i->node, "exporters");
        if (!i->key || !is_type(i->key, "traces") || !names)
            continue;
        line = names->line;
        for (const struct tree_item *k = names->first; k; k = k->next) {
            if (k->node->kind != TREE_SCALAR)
                continue;
            any = true;
            xray = xray || is_type(k->node->text, "awsxray");
            apply_one(c, root, k->node);
        }
    }
    c->options.no_xray = any && !xray;
    if (c->options.no_xray && c->options.n_exporters == 0)
        config_warn(c,
                    "%s:%u: the traces pipeline has no exporter that this "
                    "program is (awsxray, otlphttp)%s",
                    c->file, line,
                    c->options.debug_export != DEBUG_NONE
                        ? ", documents are only shown"
                        : "");
}

static void apply_one(struct config *c, const struct tree_node *root,
                      const struct tree_node *name)
{
    const struct tree_node *all = tree_get(root, "exporters");

    /* Of awsxray the defaults would do. */
    if (!tree_get(all, name->text) && !is_type(name->text, "awsxray"))
        config_warn(c,
                    "%s:%u: the traces pipeline names exporters.%s, which is "
                    "not there",
                    c->file, name->line, name->text);
    if (is_type(name->text, "logging") || is_type(name->text, "debug"))
        apply_debug(c, tree_get(all, name->text));
    else if (is_otlp(name->text) && !is_taken(c, name->text))
        apply_otlp(c, root, name);
}

/* Another pipeline may have named it already. */
static bool is_taken(const struct config *c, const char *name)
{
    for (size_t i = 0; i < c->options.n_exporters; i++)
        if (strcmp(c->options.exporters[i].name, name) == 0)
            return true;
    return false;
}

/* The old exporter says loglevel, the new one verbosity. */
static void apply_debug(struct config *c, const struct tree_node *n)
{
    const char *level = text_of(n, "loglevel"), *much = text_of(n, "verbosity");
    bool documents = (much && strcmp(much, "detailed") == 0) ||
                     (level && strcmp(level, "debug") == 0);

    c->options.debug_export = documents ? DEBUG_DOCUMENTS : DEBUG_COUNTS;
}

static void apply_otlp(struct config *c, const struct tree_node *root,
                       const struct tree_node *name)
{
    const struct tree_node *n =
        tree_get(tree_get(root, "exporters"), name->text);
    struct reading r = {
        .c = c,
        .root = root,
        .shown = config_text(c, "exporters.%s", name->text),
        .e = {.name = config_text(c, "%s", name->text),
              .timeout_ms = TIMEOUT_MS,
              .retry = true,
              .retry_first_ms = RETRY_FIRST_MS,
              .retry_max_ms = -1},
    };

    if (!n)
        return;
    for (const struct tree_item *i = n->first; i; i = i->next) {
        if (i->key && strcmp(i->key, "headers") == 0)
            read_headers(&r, i);
        else if (i->key)
            walk(&r, exporter_settings, r.shown, i, i->key);
    }
    read_packing(&r, n->line);
    if (r.encoding && strcmp(r.encoding, "proto") != 0)
        config_warn(c,
                    "%s:%u: %s.encoding is not used: requests go as they "
                    "came",
                    c->file, n->line, r.shown);
    if (make_url(&r, n->line) && read_auth(&r, n->line))
        add(&r);
}

/* Recursion ends at the depth of the longest path that is known. */
static void walk(struct reading *r, const struct setting *settings,
                 const char *component, const struct tree_item *i,
                 const char *path)
{
    char deeper[PATH_BYTES];

    for (const struct setting *s = settings; s->path; s++) {
        if (strcmp(s->path, path) == 0) {
            set(r, s, i, config_text(r->c, "%s.%s", component, path));
            return;
        }
    }
    if (!is_section(settings, path) ||
        (i->node->kind != TREE_MAP && !tree_is_null(i->node))) {
        config_warn(r->c, "%s:%u: %s.%s is not used", r->c->file, i->line,
                    component, path);
        return;
    }
    for (const struct tree_item *k = i->node->first; k; k = k->next) {
        snprintf(deeper, sizeof(deeper), "%s.%.60s", path, k->key);
        walk(r, settings, component, k, deeper);
    }
}

static void set(struct reading *r, const struct setting *s,
                const struct tree_item *i, const char *shown)
{
    const struct tree_node *n = i->node;
    void *at = (char *)r + s->offset;
    bool good = true;

    if (s->kind == SETTING_NONE || tree_is_null(n))
        return;
    if (s->kind == SETTING_BOOL)
        good = tree_bool(n, at);
    else if (n->kind != TREE_SCALAR)
        good = false;
    else if (s->kind == SETTING_TIME)
        good = value_parse_duration(n->text, at);
    else
        *(const char **)at = config_text(r->c, "%s", n->text);
    if (!good)
        config_warn(r->c, "%s:%u: %s is not used: it needs %s", r->c->file,
                    i->line, shown,
                    s->kind == SETTING_BOOL   ? "true or false"
                    : s->kind == SETTING_TIME ? "a time such as 5s"
                                              : "a text");
}

static bool is_section(const struct setting *settings, const char *path)
{
    size_t n = strlen(path);

    for (const struct setting *s = settings; s->path; s++)
        if (strncmp(s->path, path, n) == 0 && s->path[n] == '.')
            return true;
    return false;
}

/* A map, or in newer files a list of {name, value}. */
static void read_headers(struct reading *r, const struct tree_item *i)
{
    if (i->node->kind == TREE_SCALAR && !tree_is_null(i->node))
        config_warn(r->c, "%s:%u: %s.headers is not used: it needs a section",
                    r->c->file, i->line, r->shown);
    for (const struct tree_item *h = i->node->first; h; h = h->next) {
        if (i->node->kind == TREE_MAP)
            add_header(r, h->line, h->key, h->node);
        else
            add_header(r, h->line, text_of(h->node, "name"),
                       tree_get(h->node, "value"));
    }
}

static void add_header(struct reading *r, unsigned line, const char *name,
                       const struct tree_node *value)
{
    struct otlp_exporter *e = &r->e;
    bool good = name && is_header_name(name) && value &&
                value->kind == TREE_SCALAR && is_header_value(value->text);

    if (!e->headers)
        e->headers =
            arena_alloc(&r->c->arena, HEADERS_MAX * sizeof(*e->headers));
    if (!good || !e->headers || e->n_headers == HEADERS_MAX) {
        config_warn(r->c,
                    "%s:%u: %s.headers: %.60s is not used: a header is a name "
                    "and a line of text, and there are at most %d",
                    r->c->file, line, r->shown, name ? name : "it",
                    HEADERS_MAX);
        return;
    }
    e->headers[e->n_headers++] = (struct otlp_header){
        config_text(r->c, "%s", name), config_text(r->c, "%s", value->text)};
}

static bool is_header_name(const char *text)
{
    for (const char *p = text; *p; p++)
        if ((unsigned char)*p <= ' ' || *p == ':' || (unsigned char)*p >= 0x7f)
            return false;
    return *text != '\0';
}

/* A line feed in a value would begin a header of its own. */
static bool is_header_value(const char *text)
{
    for (const char *p = text; *p; p++)
        if (((unsigned char)*p < ' ' && *p != '\t') || *p == 0x7f)
            return false;
    return true;
}

static void read_packing(struct reading *r, unsigned line)
{
    const char *word = r->compression ? r->compression : "gzip";

    if (strcmp(word, "none") == 0 || *word == '\0') {
        r->e.packing = OTLP_PACK_NONE;
    } else if (strcmp(word, "deflate") == 0 || strcmp(word, "zlib") == 0) {
        r->e.packing = OTLP_PACK_DEFLATE;
    } else {
        r->e.packing = OTLP_PACK_GZIP;
        if (strcmp(word, "gzip") != 0)
            config_warn(r->c,
                        "%s:%u: %s.compression: gzip is used: only gzip, "
                        "zlib, deflate and none are known",
                        r->c->file, line, r->shown);
    }
}

/* Without what it is to be signed with, requests would be sent in vain. */
static bool read_auth(struct reading *r, unsigned line)
{
    const char *name = r->authenticator;
    const struct tree_node *n =
        name ? tree_get(tree_get(r->root, "extensions"), name) : NULL;

    if (!name)
        return true;
    if (!is_type(name, "sigv4auth") || !n) {
        config_warn(r->c, "%s:%u: %s is left out: its authenticator %s is %s",
                    r->c->file, line, r->shown, name,
                    n ? "not known (sigv4auth is)" : "not there");
        return false;
    }
    r->e.sigv4 = true;
    for (const struct tree_item *i = n->first; i; i = i->next)
        if (i->key)
            walk(r, sigv4_settings, config_text(r->c, "extensions.%s", name), i,
                 i->key);
    return true;
}

static bool make_url(struct reading *r, unsigned line)
{
    const char *given = r->traces_endpoint ? r->traces_endpoint : r->endpoint;
    size_t n = given ? strlen(given) : 0;

    if (n >= URL_MAX || !given || !is_url(given)) {
        config_warn(r->c,
                    "%s:%u: %s is left out: it needs endpoint, a URL such as "
                    "https://host:4318",
                    r->c->file, line, r->shown);
        return false;
    }
    while (n > 0 && given[n - 1] == '/' && !r->traces_endpoint)
        n--;
    r->e.url = config_text(r->c, "%.*s%s", (int)n, given,
                           r->traces_endpoint ? "" : "/v1/traces");
    return true;
}

static bool is_url(const char *text)
{
    const char *host = strncmp(text, "http://", 7) == 0    ? text + 7
                       : strncmp(text, "https://", 8) == 0 ? text + 8
                                                           : "";

    for (const char *p = host; *p; p++)
        if ((unsigned char)*p <= ' ' || *p == 0x7f)
            return false;
    return *host != '\0';
}

static void add(struct reading *r)
{
    struct options *o = &r->c->options;
    struct otlp_exporter *e = &r->e;
    const char **texts[] = {&e->ca_file,          &e->proxy_url,
                            &e->region,           &e->service,
                            &e->role_arn,         &e->role_session_name,
                            &e->role_external_id, &e->sts_region};

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (!*texts[i])
            *texts[i] = "";
    if (!o->exporters)
        o->exporters = arena_alloc(&r->c->arena,
                                   OTLP_EXPORTERS_MAX * sizeof(*o->exporters));
    if (!o->exporters || o->n_exporters == OTLP_EXPORTERS_MAX)
        config_warn(r->c, "%s: %s is left out: there are more than %d",
                    r->c->file, r->shown, OTLP_EXPORTERS_MAX);
    else
        o->exporters[o->n_exporters++] = *e;
}

static const char *text_of(const struct tree_node *map, const char *key)
{
    const struct tree_node *n = tree_get(map, key);

    return n && n->kind == TREE_SCALAR ? n->text : NULL;
}

static bool is_type(const char *name, const char *type)
{
    size_t n = strlen(type);

    return strncmp(name, type, n) == 0 && (name[n] == '\0' || name[n] == '/');
}

static bool is_otlp(const char *name)
{
    return is_type(name, "otlphttp") || is_type(name, "otlp_http");
}
