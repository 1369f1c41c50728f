/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One trace with all that the page shows of it; and which traces it points to
 * by links, and which point to it.
 */
#include <stdlib.h>

#include "api_parts.h"

#define LINKS_SHOWN_MAX 100 /* of either direction */
#define LINKS_MAX_BYTES (1u << 20)
#define TEXT_MAX_BYTES 2000

struct one {
    uint8_t id[STORE_TRACE_ID];
    char text[TRACE_ID_TEXT];
    bool documents, found;
    unsigned n_from;
    struct buf from; /* links to this trace, a list */
    struct jw j;
};

static void one_free(void *state);
static bool each_one(struct api_work *w, const struct trace *t,
                     const struct store_trace *s, int64_t epoch);
static void write_own(struct api_work *w, const struct trace *t,
                      const struct store_trace *s);
static void write_links_to(struct jw *j, const struct trace *t);
static void write_links_from(struct one *o, const struct trace *t);
static void key_text(struct jw *j, const char *key, struct slice text);
static void one_done(struct api_work *w, uint64_t count);

void api_trace(struct api *a, struct http1_request *r, const uint8_t *id)
{
    struct store_query q = {.n_ids = 1, .after_epoch = -1};
    struct slice text;
    struct api_work *w = api_work_new(a, r);
    if (w == NULL)
        return;
    struct one *o = calloc(1, sizeof(*o));
    if (o == NULL)
        abort();
    w->state = o;
    w->free_state = one_free;
    memcpy(o->id, id, STORE_TRACE_ID);
    trace_id_write(id, o->text);
    buf_init(&o->from, LINKS_MAX_BYTES);
    jw_init(&o->j, &o->from);
    jw_array(&o->j);
    o->documents =
        !api_param(r, "documents", &w->arena, &text) || !slice_is(text, "0");
    q.ids = (const uint8_t(*)[STORE_TRACE_ID])id;
    q.named = slice_str(o->text); /* as index.c tells of links */
    w->each = each_one;
    w->done = one_done;
    api_work_start(w, &q);
}

static void one_free(void *state)
{
    struct one *o = state;
    buf_fini(&o->from);
    free(o);
}

/* Worker: first the trace itself, then those that point to it. */
static bool each_one(struct api_work *w, const struct trace *t,
                     const struct store_trace *s, int64_t epoch)
{
    struct one *o = w->state;
    (void)epoch;
    if (memcmp(s->id, o->id, STORE_TRACE_ID) == 0)
        write_own(w, t, s);
    else if (o->found)
        write_links_from(o, t);
    return o->found && o->n_from < LINKS_SHOWN_MAX;
}

static void write_own(struct api_work *w, const struct trace *t,
                      const struct store_trace *s)
{
    struct one *o = w->state;
    struct row_facts facts = api_facts(s);
    o->found = true;
    jw_object(&w->j);
    row_write_whole(&w->j, t, &facts, o->documents, &w->scratch);
    jw_key(&w->j, SLICE("links"));
    jw_object(&w->j);
    jw_key(&w->j, SLICE("to"));
    write_links_to(&w->j, t);
}

static void write_links_to(struct jw *j, const struct trace *t)
{
    unsigned n = 0;
    jw_array(j);
    for (size_t i = 0; i < t->n_entities; i++)
        for (const struct trace_link *l = t->entities[i]->links;
             l != NULL && n < LINKS_SHOWN_MAX; l = l->next, n++) {
            jw_object(j);
            key_text(j, "trace_id", l->trace_id);
            key_text(j, "id", l->id);
            key_text(j, "from", t->entities[i]->id);
            jw_object_end(j);
        }
    jw_array_end(j);
}

static void write_links_from(struct one *o, const struct trace *t)
{
    for (size_t i = 0; i < t->n_entities; i++)
        for (const struct trace_link *l = t->entities[i]->links;
             l != NULL && o->n_from < LINKS_SHOWN_MAX; l = l->next) {
            if (!slice_is(l->trace_id, o->text))
                continue;
            o->n_from++;
            jw_object(&o->j);
            key_text(&o->j, "trace_id", t->id);
            key_text(&o->j, "id", t->entities[i]->id);
            key_text(&o->j, "to", l->id);
            key_text(&o->j, "name", t->entities[i]->name);
            jw_object_end(&o->j);
        }
}

static void key_text(struct jw *j, const char *key, struct slice text)
{
    jw_key(j, slice_str(key));
    row_text(j, text, TEXT_MAX_BYTES);
}

static void one_done(struct api_work *w, uint64_t count)
{
    struct one *o = w->state;
    (void)count;
    if (w->request == NULL)
        return;
    if (!o->found) {
        api_fail(w->request, 404, "there is no such trace (any more)");
        return;
    }
    jw_array_end(&o->j);
    jw_key(&w->j, SLICE("from"));
    jw_raw(&w->j, o->from.failed ? SLICE("[]") : buf_slice(&o->from));
    jw_object_end(&w->j);
    jw_object_end(&w->j);
    api_reply(w->request, 200, &w->out);
}
