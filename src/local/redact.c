/* SPDX-License-Identifier: Apache-2.0 */
/* One pass over the text; what is kept is copied as it stands. */
#include "redact.h"

#include <stdio.h>

#include "xr/json_scan.h"

#define DEPTH_MAX 128
#define WORD_MAX 256
#define INSTEAD "[redacted]"

struct pass {
    const struct redact *redact;
    struct slice document;
    struct buf *out;
    size_t copied; /* of the document */
    struct js js;
    int inside; /* depth of the metadata or http that we are in; 0: none */
};

static bool step(struct pass *p, struct slice key);
static void replace(struct pass *p, size_t from, size_t to,
                    struct slice instead);
static void redact_url(struct pass *p, struct slice url);
static bool fits(const struct redact *r, struct slice name);

bool redact_init(struct redact *r, const char *words)
{
    char *save, *word;
    *r = (struct redact){.n = 0};
    if (words == NULL)
        return true;
    if (strlen(words) >= sizeof(r->text))
        return false;
    snprintf(r->text, sizeof(r->text), "%s", words);
    word = strtok_r(r->text, ", ", &save);
    for (; word != NULL; word = strtok_r(NULL, ", ", &save)) {
        if (r->n == REDACT_WORDS_MAX)
            return false;
        r->words[r->n++] = word;
    }
    return true;
}

bool redact_document(const struct redact *r, struct slice document,
                     struct buf *out)
{
    struct pass p = {.redact = r, .document = document, .out = out};
    struct slice text;
    enum js_kind kind;
    if (r->n == 0)
        return false;
    buf_clear(out);
    js_init(&p.js, document, DEPTH_MAX);
    while ((kind = js_next(&p.js, &text)) > JS_END) {
        if (kind == JS_OBJECT_END && p.js.depth < p.inside)
            p.inside = 0;
        if (kind == JS_KEY && !step(&p, text))
            break;
    }
    if (p.copied == 0)
        return false;
    replace(&p, document.n, document.n, SLICE(""));
    return !out->failed;
}

/* The value of a member. */
static bool step(struct pass *p, struct slice key)
{
    struct slice text;
    bool hidden = p->inside > 0 && fits(p->redact, key);
    bool url = p->inside > 0 && slice_is(key, "url");
    enum js_kind kind = js_next(&p->js, &text);
    if (kind <= JS_END)
        return false;
    if (hidden) {
        size_t from = js_offset(&p->js);
        if (kind == JS_STRING)
            from = (size_t)(text.p - p->document.p) - 1;
        else if (kind == JS_NUMBER)
            from = (size_t)(text.p - p->document.p);
        else
            from -= kind == JS_FALSE                     ? 5
                    : kind == JS_TRUE || kind == JS_NULL ? 4
                                                         : 1;
        if (!js_skip(&p->js, kind))
            return false;
        replace(p, from, js_offset(&p->js), SLICE("\"" INSTEAD "\""));
    } else if (url && kind == JS_STRING) {
        redact_url(p, text);
    } else if (p->inside == 0 && kind == JS_OBJECT &&
               (slice_is(key, "metadata") || slice_is(key, "http"))) {
        p->inside = p->js.depth;
    }
    return true;
}

static void replace(struct pass *p, size_t from, size_t to,
                    struct slice instead)
{
    buf_append(p->out, slice_of(p->document.p + p->copied, from - p->copied));
    buf_append(p->out, instead);
    p->copied = to;
}

/* ?name=VALUE&...; the text is JSON's, in which `&` may be written as an
 * escape too. */
static void redact_url(struct pass *p, struct slice url)
{
    const char *at = memchr(url.p, '?', url.n), *end = url.p + url.n;
    while (at != NULL && at < end) {
        const char *name = at + 1;
        size_t left = (size_t)(end - name);
        if (left >= 5 && strncasecmp(name, "u0026", 5) == 0) {
            name += 5;
            left -= 5;
        }
        size_t n = 0;
        while (n < left && name[n] != '&' && name[n] != '#' && name[n] != '\\')
            n++;
        const char *value = memchr(name, '=', n);
        if (value != NULL &&
            fits(p->redact, slice_of(name, (size_t)(value - name))))
            replace(p, (size_t)(value + 1 - p->document.p),
                    (size_t)(name + n - p->document.p), SLICE(INSTEAD));
        at = name + n < end && name[n] != '#' ? name + n : NULL;
    }
}

static bool fits(const struct redact *r, struct slice name)
{
    char decoded[WORD_MAX];
    if (name.n >= sizeof(decoded))
        return false;
    name = slice_of(decoded, js_unescape(name, decoded));
    const char *dot = name.n > 0 ? memrchr(name.p, '.', name.n) : NULL;
    struct slice last =
        dot == NULL ? name
                    : slice_of(dot + 1, (size_t)(name.p + name.n - dot - 1));
    for (size_t i = 0; i < r->n; i++)
        if (slice_is_nocase(name, r->words[i]) ||
            slice_is_nocase(last, r->words[i]))
            return true;
    return false;
}
