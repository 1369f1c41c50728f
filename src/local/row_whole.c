/* SPDX-License-Identifier: Apache-2.0 */
/* Writes all of a trace for the waterfall; see row.h. */
#include "root_cause.h"
#include "row.h"
#include "warning.h"

#define TEXT_MAX_BYTES 2000
#define WAITING_MAX 100

/* Root causes on their way out. */
struct causes {
    struct jw *j;
    const struct trace *t;
};

static void write_nodes(struct jw *j, const struct trace *t);
static void write_rows(struct jw *j, const struct trace *t, struct arena *a);
static void write_span(struct jw *j, const struct trace *t,
                       const struct trace_entity *e,
                       const struct row_place *place);
static void write_call(struct jw *j, const struct trace_entity *e);
static size_t count_children(const struct trace_entity *e);
static void write_warnings(struct jw *j, const struct trace *t, double received,
                           struct arena *a);
static void write_waiting(struct jw *j, const struct trace *t);
static void write_causes(struct jw *j, const struct trace *t, struct arena *a);
static void write_cause(void *arg, enum root_cause_kind kind,
                        const struct trace_entity *const *path, size_t n);
static void write_documents(struct jw *j, const struct trace *t, bool wanted);
static void key_text(struct jw *j, const char *key, struct slice s);

void row_write_whole(struct jw *j, const struct trace *t,
                     const struct row_facts *f, bool documents, struct arena *a)
{
    jw_key(j, SLICE("trace"));
    row_write(j, t, f, a);
    write_nodes(j, t);
    write_rows(j, t, a);
    write_warnings(j, t, f->received, a);
    write_waiting(j, t);
    write_causes(j, t, a);
    write_documents(j, t, documents);
    jw_key(j, SLICE("unreadable"));
    jw_uint(j, t->unreadable);
    jw_key(j, SLICE("limit_exceeded"));
    jw_bool(j, t->limit_exceeded);
}

static void write_nodes(struct jw *j, const struct trace *t)
{
    jw_key(j, SLICE("nodes"));
    jw_array(j);
    for (size_t i = 0; i < t->n_nodes; i++) {
        jw_object(j);
        key_text(j, "name", t->nodes[i].name);
        key_text(j, "type", t->nodes[i].type);
        jw_key(j, SLICE("inferred"));
        jw_bool(j, t->nodes[i].inferred);
        jw_object_end(j);
    }
    jw_array_end(j);
}

static void write_rows(struct jw *j, const struct trace *t, struct arena *a)
{
    struct row_place *places = row_places(t, a);
    jw_key(j, SLICE("rows"));
    jw_array(j);
    for (size_t i = 0; places != NULL && i < t->n_entities; i++)
        write_span(j, t, t->entities[i], &places[i]);
    jw_array_end(j);
}

static void write_span(struct jw *j, const struct trace *t,
                       const struct trace_entity *e,
                       const struct row_place *place)
{
    static const char *const kinds[] = {"segment", "subsegment", "inferred"};
    jw_object(j);
    key_text(j, "id", e->id);
    jw_key(j, SLICE("parent"));
    jw_int(j, place->parent);
    jw_key(j, SLICE("depth"));
    jw_int(j, place->depth);
    key_text(j, "kind", slice_str(kinds[e->kind]));
    jw_key(j, SLICE("node"));
    jw_int(j, e->node == NULL ? -1 : (int64_t)e->node->index);
    key_text(j, "name", e->name);
    jw_key(j, SLICE("start"));
    jw_double(j, e->start);
    jw_key(j, SLICE("end"));
    if (e->in_progress)
        jw_null(j);
    else
        jw_double(j, e->end);
    write_call(j, e);
    jw_key(j, SLICE("in_progress"));
    jw_bool(j, e->in_progress);
    jw_key(j, SLICE("orphan"));
    jw_bool(j, e->orphan);
    jw_key(j, SLICE("children"));
    jw_uint(j, count_children(e));
    jw_key(j, SLICE("document"));
    jw_int(j, e->document == NULL ? -1 : e->document - t->documents);
    jw_object_end(j);
}

/* What it did and what became of it. */
static void write_call(struct jw *j, const struct trace_entity *e)
{
    char message[TEXT_MAX_BYTES];
    key_text(j, "class", slice_str(row_class(e->class)));
    jw_key(j, SLICE("status"));
    if (e->http.status != 0)
        jw_int(j, e->http.status);
    else
        jw_null(j);
    key_text(j, "namespace", e->name_space);
    key_text(j, "operation", e->operation);
    key_text(j, "method", e->http.method);
    key_text(j, "url", e->http.url);
    key_text(j, "message", row_message(e, message, sizeof(message)));
}

static size_t count_children(const struct trace_entity *e)
{
    size_t n = 0;
    for (const struct trace_entity *c = e->first_child; c != NULL; c = c->next)
        n++;
    return n;
}

static void write_warnings(struct jw *j, const struct trace *t, double received,
                           struct arena *a)
{
    struct warning *w = arena_alloc(a, WARNINGS_MAX * sizeof(*w));
    size_t n = w == NULL ? 0 : warning_find(t, received, w, WARNINGS_MAX);
    jw_key(j, SLICE("warnings"));
    jw_array(j);
    for (size_t i = 0; i < n; i++) {
        jw_object(j);
        jw_key(j, SLICE("row"));
        jw_uint(j, w[i].entity);
        key_text(j, "text", slice_str(w[i].text));
        jw_object_end(j);
    }
    jw_array_end(j);
}

/* Parents that subsegments name and that have not come. */
static void write_waiting(struct jw *j, const struct trace *t)
{
    struct slice told[WAITING_MAX];
    size_t n = 0;
    jw_key(j, SLICE("waiting_for"));
    jw_array(j);
    for (size_t i = 0; i < t->n_entities && n < WAITING_MAX; i++) {
        const struct trace_entity *e = t->entities[i];
        bool known = !e->orphan || e->parent != NULL || e->parent_id.n == 0;
        for (size_t k = 0; k < n && !known; k++)
            known = slice_eq(told[k], e->parent_id);
        if (known)
            continue;
        told[n++] = e->parent_id;
        jw_string(j, e->parent_id);
    }
    jw_array_end(j);
}

static void write_causes(struct jw *j, const struct trace *t, struct arena *a)
{
    struct causes c = {j, t};
    jw_key(j, SLICE("root_causes"));
    jw_array(j);
    root_causes_each(t, ROOT_CAUSE_FAULT, a, write_cause, &c);
    root_causes_each(t, ROOT_CAUSE_ERROR, a, write_cause, &c);
    root_causes_each(t, ROOT_CAUSE_TIME, a, write_cause, &c);
    jw_array_end(j);
}

/* A path as places in `rows`. Both go from a parent to its children, so one
 * look over the rows finds all. */
static void write_cause(void *arg, enum root_cause_kind kind,
                        const struct trace_entity *const *path, size_t n)
{
    static const char *const kinds[] = {"fault", "error", "time"};
    const struct causes *c = arg;
    size_t done = 0;
    jw_object(c->j);
    key_text(c->j, "kind", slice_str(kinds[kind]));
    jw_key(c->j, SLICE("rows"));
    jw_array(c->j);
    for (size_t i = 0; i < c->t->n_entities && done < n; i++) {
        if (c->t->entities[i] != path[done])
            continue;
        jw_uint(c->j, i);
        done++;
    }
    jw_array_end(c->j);
    jw_object_end(c->j);
}

static void write_documents(struct jw *j, const struct trace *t, bool wanted)
{
    jw_key(j, SLICE("documents"));
    jw_array(j);
    for (size_t i = 0; wanted && i < t->n_documents; i++)
        jw_string(j, t->documents[i].body);
    jw_array_end(j);
}

static void key_text(struct jw *j, const char *key, struct slice s)
{
    jw_key(j, slice_str(key));
    row_text(j, s, TEXT_MAX_BYTES);
}
