/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a filter and what a trace has for them; see
 * filter_explain.h. */
#include "filter_explain.h"

#include "filter_tree.h"

#define VALUES_MAX 5
#define VALUE_MAX_BYTES 80

/* Values told so far, so that equal ones are told once. */
struct values {
    struct buf *out;
    struct slice told[VALUES_MAX];
    size_t n;
};

static const struct filter_node *part_at(const struct filter *f, size_t i);
static void found_flag(const struct filter_node *n, const struct trace *t,
                       struct buf *out);
static void found_text(const struct filter_node *n, const struct trace *t,
                       struct values *v);
static void found_annotation(const struct filter_node *n, const struct trace *t,
                             struct values *v);
static void add_text(struct values *v, struct slice text);
static void add_plain(struct values *v, struct slice text);

size_t filter_parts(const struct filter *f)
{
    size_t n = 0;
    if (f->root->kind != NODE_AND)
        return f->root->kind != NODE_ALL;
    for (const struct filter_node *c = f->root->children; c; c = c->next)
        n++;
    return n;
}

bool filter_part(const struct filter *f, size_t i, const struct trace *t,
                 uint64_t *budget, struct slice *text)
{
    const struct filter_node *n = part_at(f, i);
    *text = n->text;
    return filter_match_node(n, t, budget);
}

void filter_part_found(const struct filter *f, size_t i, const struct trace *t,
                       struct buf *out)
{
    struct values v = {.out = out};
    const struct filter_node *n = part_at(f, i);
    double number;
    while (n->kind == NODE_NOT)
        n = n->children;
    switch (n->kind) {
    case NODE_FLAG:
        found_flag(n, t, out);
        break;
    case NODE_NUMBER:
        if (filter_number(t, n->key, NULL, &number))
            buf_printf(out, "%.6g", number);
        break;
    case NODE_TEXT:
        found_text(n, t, &v);
        break;
    case NODE_ANNOTATION:
        found_annotation(n, t, &v);
        break;
    case NODE_SERVICE:
    case NODE_EDGE:
        for (size_t k = 0; k < t->n_nodes; k++)
            add_text(&v, t->nodes[k].name);
        break;
    default:
        break;
    }
}

static const struct filter_node *part_at(const struct filter *f, size_t i)
{
    const struct filter_node *n = f->root;
    if (n->kind != NODE_AND)
        return n;
    for (n = n->children; i > 0; i--)
        n = n->next;
    return n;
}

static void found_flag(const struct filter_node *n, const struct trace *t,
                       struct buf *out)
{
    struct filter_node bare = *n;
    uint64_t budget = FILTER_BUDGET;
    bare.op = OP_PRESENT;
    buf_str(out, filter_match_node(&bare, t, &budget) ? "true" : "false");
}

/* Of the entry what is asked of the entry, else of every segment. */
static void found_text(const struct filter_node *n, const struct trace *t,
                       struct values *v)
{
    for (size_t i = 0; i < t->n_entities; i++) {
        const struct trace_entity *e = t->entities[i];
        if (n->key <= KEY_HTTP_CLIENT_IP ? e == t->entry : trace_is_segment(e))
            add_text(v, n->key == KEY_NAME      ? e->name
                        : n->key == KEY_TYPE    ? e->origin
                        : n->key == KEY_MESSAGE ? (struct slice){0}
                                                : filter_text_of(e, n->key));
        for (const struct trace_exception *x = e->exceptions;
             x != NULL && n->key == KEY_MESSAGE; x = x->next)
            add_text(v, x->message);
    }
}

static void found_annotation(const struct filter_node *n, const struct trace *t,
                             struct values *v)
{
    for (size_t i = 0; i < t->n_entities; i++) {
        const struct trace_annotation *a = t->entities[i]->annotations;
        for (; a != NULL && v->n < VALUES_MAX; a = a->next) {
            if (!slice_eq(a->key, n->annotation))
                continue;
            if (a->kind == VALUE_STRING) {
                add_text(v, a->text);
            } else if (a->kind == VALUE_BOOL) {
                add_plain(v, a->boolean ? SLICE("true") : SLICE("false"));
            } else {
                buf_printf(v->out, "%s%.9g", v->n > 0 ? ", " : "", a->number);
                v->told[v->n++] = (struct slice){0};
            }
        }
    }
}

static void add_text(struct values *v, struct slice text)
{
    for (size_t i = 0; i < v->n; i++)
        if (slice_eq(v->told[i], text))
            return;
    if (text.n == 0 || v->n == VALUES_MAX)
        return;
    size_t n = text.n < VALUE_MAX_BYTES ? text.n : VALUE_MAX_BYTES;
    buf_printf(v->out, "%s\"%.*s%s\"", v->n > 0 ? ", " : "", (int)n, text.p,
               n < text.n ? "..." : "");
    v->told[v->n++] = text;
}

static void add_plain(struct values *v, struct slice text)
{
    buf_printf(v->out, "%s%.*s", v->n > 0 ? ", " : "", SLICE_ARG(text));
    v->told[v->n++] = text;
}
