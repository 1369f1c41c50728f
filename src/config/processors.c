/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The collector's processors that act on spans, as steps in the order of the
 * traces pipeline: resource, attributes, probabilistic_sampler and
 * resourcedetection (env, lambda). What is not understood is passed over with a
 * warning that names its line.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "tree.h"

#define MB (1024 * 1024)

/* What is walked: processors.resource/x and its lines. */
struct place {
    struct config *c;
    const char *name; /* "processors.resource/x" */
    bool resource;
    bool override; /* of resourcedetection */
};

static const struct tree_node *traces_line(const struct tree_node *root);
static void apply_processor(struct config *c, const struct tree_node *all,
                            const struct tree_node *named);
static void warn_of_others(struct config *c, const struct tree_node *root,
                           const struct tree_node *first);
static void warn_of_keys(const struct place *p, const struct tree_node *n,
                         const char *const *known);
static void apply_actions(const struct place *p, const struct tree_node *n);
static void apply_action(const struct place *p, const struct tree_node *n);
static bool read_action(const char *word, enum processor_action *out);
static bool read_value(const struct tree_node *n, struct processor_step *s);
static void apply_sampler(const struct place *p, const struct tree_node *n);
static void apply_detection(struct place *p, const struct tree_node *n);
static void detect_env(const struct place *p);
static void detect_lambda(const struct place *p);
static void detected(const struct place *p, const char *key, const char *text);
static void add(const struct place *p, const struct processor_step *s);
static bool is_type(const char *name, const char *type);
static const char *text_of(const struct tree_node *map, const char *key);

static const char *const own_types[] = {"resource", "attributes",
                                        "probabilistic_sampler",
                                        "resourcedetection", NULL};

bool processors_take(const char *section, const char *name)
{
    if (strcmp(section, "processors") != 0)
        return false;
    for (size_t i = 0; own_types[i]; i++)
        if (is_type(name, own_types[i]))
            return true;
    return false;
}

void processors_apply(struct config *c, const struct tree_node *root)
{
    const struct tree_node *line = traces_line(root);
    const struct tree_node *names = tree_get(line, "processors");

    for (const struct tree_item *i = names ? names->first : NULL; i;
         i = i->next) {
        if (i->node->kind != TREE_SCALAR)
            continue;
        c->options.batches =
            c->options.batches || is_type(i->node->text, "batch");
        apply_processor(c, tree_get(root, "processors"), i->node);
    }
    warn_of_others(c, root, line);
}

/* The first traces pipeline: there is one way through us. */
static const struct tree_node *traces_line(const struct tree_node *root)
{
    const struct tree_node *lines =
        tree_get(tree_get(root, "service"), "pipelines");

    for (const struct tree_item *i = lines ? lines->first : NULL; i;
         i = i->next)
        if (i->key && is_type(i->key, "traces"))
            return i->node;
    return NULL;
}

/* Two lists of steps would need two ways through us. */
static void warn_of_others(struct config *c, const struct tree_node *root,
                           const struct tree_node *first)
{
    const struct tree_node *lines =
        tree_get(tree_get(root, "service"), "pipelines");

    for (const struct tree_item *i = lines ? lines->first : NULL; i;
         i = i->next) {
        const struct tree_node *names = tree_get(i->node, "processors");
        if (i->key && is_type(i->key, "traces") && i->node != first && names &&
            names->first)
            config_warn(c,
                        "%s:%u: the processors of the pipeline %s are not "
                        "used: those of the first traces pipeline act on all",
                        c->file, names->line, i->key);
    }
}

static void apply_processor(struct config *c, const struct tree_node *all,
                            const struct tree_node *named)
{
    static const char *const of_resource[] = {"attributes", NULL};
    static const char *const of_attributes[] = {"actions", "include", "exclude",
                                                NULL};
    static const char *const of_sampler[] = {"sampling_percentage", NULL};
    static const char *const of_detection[] = {"detectors", "override",
                                               "timeout", NULL};
    const char *name = named->text;
    const struct tree_node *n = tree_get(all, name);
    struct place p = {
        .c = c,
        .name = config_text(c, "processors.%s", name),
        .resource = !is_type(name, "attributes"),
    };

    if (!n) {
        config_warn(c,
                    "%s:%u: the traces pipeline names %s, which is not there",
                    c->file, named->line, p.name);
    } else if (is_type(name, "resource")) {
        apply_actions(&p, tree_get(n, "attributes"));
        warn_of_keys(&p, n, of_resource);
    } else if (is_type(name, "attributes")) {
        apply_actions(&p, tree_get(n, "actions"));
        warn_of_keys(&p, n, of_attributes);
    } else if (is_type(name, "probabilistic_sampler")) {
        apply_sampler(&p, n);
        warn_of_keys(&p, n, of_sampler);
    } else if (is_type(name, "resourcedetection")) {
        apply_detection(&p, n);
        warn_of_keys(&p, n, of_detection);
    }
    if (n && n->kind == TREE_MAP && is_type(name, "attributes") &&
        (tree_get(n, "include") || tree_get(n, "exclude")))
        config_warn(c,
                    "%s:%u: %s.include and exclude are not used: all spans "
                    "are changed",
                    c->file, n->line, p.name);
}

static void warn_of_keys(const struct place *p, const struct tree_node *n,
                         const char *const *known)
{
    for (const struct tree_item *i = n->first; i; i = i->next) {
        size_t k = 0;
        while (i->key && known[k] && strcmp(i->key, known[k]) != 0)
            k++;
        if (i->key && !known[k])
            config_warn(p->c, "%s:%u: %s.%s is not used", p->c->file, i->line,
                        p->name, i->key);
    }
}

static void apply_actions(const struct place *p, const struct tree_node *n)
{
    if (!n || n->kind != TREE_LIST) {
        config_warn(p->c, "%s: %s has no list of actions", p->c->file, p->name);
        return;
    }
    for (const struct tree_item *i = n->first; i; i = i->next)
        apply_action(p, i->node);
}

static void apply_action(const struct place *p, const struct tree_node *n)
{
    const char *action = text_of(n, "action"), *key = text_of(n, "key");
    const struct tree_node *value = tree_get(n, "value");
    struct processor_step s = {.resource = p->resource, .key = key};

    if (!key || !action || !read_action(action, &s.action))
        config_warn(p->c,
                    "%s:%u: %s: not used: only insert, update, upsert and "
                    "delete of a key are",
                    p->c->file, n->line, p->name);
    else if (s.action != PROCESSOR_DELETE && (!value || !read_value(value, &s)))
        config_warn(p->c, "%s:%u: %s: not used: %s has no value", p->c->file,
                    n->line, p->name, key);
    else
        add(p, &s);
}

static bool read_action(const char *word, enum processor_action *out)
{
    static const char *const words[] = {
        [PROCESSOR_INSERT] = "insert",
        [PROCESSOR_UPDATE] = "update",
        [PROCESSOR_UPSERT] = "upsert",
        [PROCESSOR_DELETE] = "delete",
    };

    for (int i = PROCESSOR_INSERT; i <= PROCESSOR_DELETE; i++) {
        if (strcmp(word, words[i]) == 0) {
            *out = (enum processor_action)i;
            return true;
        }
    }
    return false;
}

static bool read_value(const struct tree_node *n, struct processor_step *s)
{
    char *end;

    if (n->kind != TREE_SCALAR || tree_is_null(n))
        return false;
    s->text = n->text;
    if (tree_int(n, &s->number)) {
        s->kind = PROCESSOR_INT;
    } else if (tree_bool(n, &s->yes)) {
        s->kind = PROCESSOR_BOOL;
    } else if (n->plain) {
        s->real = strtod(n->text, &end);
        bool number = *n->text && !*end && isfinite(s->real);
        s->kind = number ? PROCESSOR_REAL : PROCESSOR_TEXT;
    }
    return true;
}

static void apply_sampler(const struct place *p, const struct tree_node *n)
{
    const char *text = text_of(n, "sampling_percentage");
    struct processor_step s = {.action = PROCESSOR_SAMPLE, .key = ""};
    char *end = NULL;

    s.real = text ? strtod(text, &end) : 0;
    if (!text || !*text || *end || !(s.real >= 0))
        config_fault(p->c, "%s:%u: %s.sampling_percentage needs a number",
                     p->c->file, n->line, p->name);
    else
        add(p, &s);
}

static void apply_detection(struct place *p, const struct tree_node *n)
{
    const struct tree_node *list = tree_get(n, "detectors");
    const struct tree_node *override = tree_get(n, "override");

    p->override = true;
    if (override)
        (void)tree_bool(override, &p->override);
    for (const struct tree_item *i = list ? list->first : NULL; i;
         i = i->next) {
        const char *name = i->node->text ? i->node->text : "";
        if (strcmp(name, "env") == 0)
            detect_env(p);
        else if (strcmp(name, "lambda") == 0)
            detect_lambda(p);
        else
            config_warn(p->c, "%s:%u: %s: the detector %s is not used",
                        p->c->file, i->line, p->name, name);
    }
}

/* OTEL_RESOURCE_ATTRIBUTES: a=b,c=d; values are percent-encoded. */
static void detect_env(const struct place *p)
{
    const char *text = env_get(p->c, "OTEL_RESOURCE_ATTRIBUTES");

    while (text && *text) {
        size_t n = strcspn(text, ",");
        const char *eq = memchr(text, '=', n);
        if (eq) {
            const char *key = config_text(p->c, "%.*s", (int)(eq - text), text);
            char *value = (char *)config_text(
                p->c, "%.*s", (int)(n - (size_t)(eq - text) - 1), eq + 1);
            char *to = value;
            for (const char *from = value; *from; from++) {
                char hex[3] = {from[0] == '%' ? from[1] : '\0', from[2], '\0'};
                char *end;
                long byte = hex[0] ? strtol(hex, &end, 16) : 0;
                bool coded = hex[0] && byte > 0 && end == hex + 2;
                *to++ = coded ? (char)byte : *from;
                from += coded ? 2 : 0;
            }
            *to = '\0';
            detected(p, key, value);
        }
        text += n + (text[n] == ',');
    }
}

/* The account is known once the extension is registered. */
static void detect_lambda(const struct place *p)
{
    const char *memory = env_get(p->c, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE");
    struct processor_step account = {
        .action = p->override ? PROCESSOR_UPSERT : PROCESSOR_INSERT,
        .resource = true,
        .key = "cloud.account.id",
        .kind = PROCESSOR_LATER,
    };

    if (!env_get(p->c, "AWS_LAMBDA_FUNCTION_NAME"))
        return;
    detected(p, "cloud.provider", "aws");
    detected(p, "cloud.platform", "aws_lambda");
    detected(p, "cloud.region", env_get(p->c, "AWS_REGION"));
    detected(p, "faas.name", env_get(p->c, "AWS_LAMBDA_FUNCTION_NAME"));
    detected(p, "faas.version", env_get(p->c, "AWS_LAMBDA_FUNCTION_VERSION"));
    if (memory) {
        struct processor_step s = account;
        s.key = "faas.max_memory";
        s.kind = PROCESSOR_INT;
        s.number = strtoll(memory, NULL, 10) * MB;
        add(p, &s);
    }
    add(p, &account);
}

static void detected(const struct place *p, const char *key, const char *text)
{
    if (text)
        add(p, &(struct processor_step){
                   .action = p->override ? PROCESSOR_UPSERT : PROCESSOR_INSERT,
                   .resource = true,
                   .key = key,
                   .kind = PROCESSOR_TEXT,
                   .text = text,
               });
}

/* All steps are made room for at once: there are few. */
static void add(const struct place *p, const struct processor_step *s)
{
    struct options *o = &p->c->options;

    if (!o->processors)
        o->processors = arena_alloc(&p->c->arena, PROCESSOR_STEPS_MAX *
                                                      sizeof(*o->processors));
    if (!o->processors || o->n_processors == PROCESSOR_STEPS_MAX) {
        config_fault(p->c, "%s: %s: more than %d steps", p->c->file, p->name,
                     PROCESSOR_STEPS_MAX);
        return;
    }
    struct processor_step *own = &o->processors[o->n_processors++];
    *own = *s;
    own->key = config_text(p->c, "%s", s->key);
    own->text = config_text(p->c, "%s", s->text ? s->text : "");
}

static bool is_type(const char *name, const char *type)
{
    size_t n = strlen(type);

    return strncmp(name, type, n) == 0 && (name[n] == '\0' || name[n] == '/');
}

static const char *text_of(const struct tree_node *map, const char *key)
{
    const struct tree_node *n = tree_get(map, key);

    return n && n->kind == TREE_SCALAR ? n->text : NULL;
}
