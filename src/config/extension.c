/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration of a Lambda extension: where the collector's layers look
 * for their file, and the defaults that fit a sandbox. A configuration that is
 * wrong must not keep the function from answering, so that each fault becomes
 * a warning, and then the file counts for nothing as a whole: half of a
 * configuration is harder to understand than none.
 */
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "tree.h"

#define URI_VARIABLE "OPENTELEMETRY_COLLECTOR_CONFIG_URI"
#define FILE_VARIABLE "OPENTELEMETRY_COLLECTOR_CONFIG_FILE"
#define DEFAULT_FILE "/opt/collector-config/config.yaml"

/* Of the function's memory, for documents that wait. */
enum { MEMORY_SHARE = 32, BUFFER_MIN_MB = 3 };

enum source { SOURCE_ALL, SOURCE_NO_FILE, SOURCE_NOTHING };

static struct config *fill(char **argv, enum source source);
static void apply_defaults(struct config *c);
static void set(struct config *c, const char *key, struct value v);
static void apply_file(struct config *c);
static void apply_uri(struct config *c, const char *uri);
static void take_warnings(struct config *to, const struct notes *from,
                          const char *more);

struct config *config_load_lambda(char **argv)
{
    struct config *c = fill(argv, SOURCE_ALL);

    for (int s = SOURCE_NO_FILE; c && c->errors.n > 0; s++) {
        struct config *next = fill(argv, (enum source)s);
        if (next)
            take_warnings(next, &c->errors,
                          s == SOURCE_NO_FILE ? "the file is not used"
                                              : "the defaults are used");
        config_free(c);
        c = next;
        if (s == SOURCE_NOTHING)
            break;
    }
    return c;
}

static struct config *fill(char **argv, enum source source)
{
    struct config *c = config_new_default(1, argv);

    if (!c)
        return NULL;
    apply_defaults(c);
    if (source != SOURCE_NOTHING)
        env_apply_daemon(c);
    if (source == SOURCE_ALL)
        apply_file(c);
    if (source != SOURCE_NOTHING)
        env_apply_own(c);
    check_options(c);
    /* There is no instance to ask, and what runs each minute would be cut by
     * a freeze. */
    c->options.local_mode = true;
    c->options.telemetry = false;
    c->options.quiet_hint_s = 0;
    return c;
}

static void apply_defaults(struct config *c)
{
    set(c, "Logging.LogLevel", (struct value){.text = "warn"});
    set(c, "Concurrency", (struct value){.number = 2});
    set(c, "Shutdown.GraceMs", (struct value){.number = 20});
    const char *memory = env_get(c, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE");
    int64_t mb = memory ? strtoll(memory, NULL, 10) / MEMORY_SHARE : 0;
    set(c, "TotalBufferSizeMB",
        (struct value){.number = mb > BUFFER_MIN_MB ? mb : BUFFER_MIN_MB});
}

static void set(struct config *c, const char *key, struct value v)
{
    (void)config_store(c, option_find_key(key), &v, NULL);
}

static void apply_file(struct config *c)
{
    const char *own = env_get(c, "XRAY_RELAY_CONFIG");
    const char *uri = env_get(c, URI_VARIABLE);
    const char *file = env_get(c, FILE_VARIABLE);

    if (own) {
        file_apply_path(c, own, true);
    } else if (uri) {
        apply_uri(c, uri);
    } else if (file) {
        config_warn(c, "environment " FILE_VARIABLE
                       ": the old name of " URI_VARIABLE);
        apply_uri(c, file);
    } else {
        file_apply_path(c, DEFAULT_FILE, false);
    }
}

static void apply_uri(struct config *c, const char *uri)
{
    if (strncmp(uri, "file:", 5) == 0) {
        uri += strncmp(uri, "file://", 7) == 0 ? 7 : 5;
        file_apply_path(c, uri, true);
    } else if (strncmp(uri, "yaml:", 5) == 0) {
        file_apply_text(c, "yaml:", slice_str(uri + 5));
    } else if (strncmp(uri, "env:", 4) == 0) {
        const char *text = env_get(c, uri + 4);
        if (text)
            file_apply_text(c, config_text(c, "%s", uri), slice_str(text));
        else
            config_fault(c,
                         "environment %s: not set, but named as the "
                         "configuration",
                         uri + 4);
    } else if (strstr(uri, "://")) {
        config_fault(c,
                     "%s: configuration can come out of a file, a variable "
                     "(env:NAME) or a text (yaml:...) only",
                     uri);
    } else {
        file_apply_path(c, uri, true);
    }
}

static void take_warnings(struct config *to, const struct notes *from,
                          const char *more)
{
    const struct note *n = from->first;

    if (from->n > 1)
        config_warn(to, "%s (and %u more faults); %s", n->text, from->n - 1,
                    more);
    else
        config_warn(to, "%s; %s", n->text, more);
}
