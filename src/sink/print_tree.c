/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Puts the nodes of a trace together and writes them: one line for the trace,
 * or a tree. Reads only the members of a document that a line shows.
 */
#include "print_tree.h"

#include <stddef.h>
#include <stdlib.h>
#include <time.h>

#include "xr/json_scan.h"

#define DEPTH_MAX 256 /* of a document's JSON, and of the tree shown */
#define NAME_MAX_BYTES 200
#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static bool read_object(struct js *j, struct print_node *n, struct arena *a);
static bool read_member(struct js *j, struct slice key, struct print_node *n,
                        struct arena *a);
static bool read_http(struct js *j, enum js_kind k, struct print_node *n);
static bool read_children(struct js *j, enum js_kind k, struct print_node *n,
                          struct arena *a);
static void link_nodes(struct print_node *nodes, struct arena *a);
static int by_id(const void *a, const void *b);
static struct print_node *find_parent(struct print_node **index, size_t n,
                                      const struct print_node *child);
static bool is_above(const struct print_node *n, const struct print_node *of);
static void insert_child(struct print_node *parent, struct print_node *n);
static void print_line(const struct print_style *s, struct slice trace_id,
                       const struct print_node *nodes);
static void print_node(const struct print_style *s, const struct print_node *n,
                       int depth, double zero);
static void print_text(FILE *out, struct slice raw);
static void print_duration(FILE *out, const struct print_node *n);
static const char *status_word(enum print_status s);
static const char *status_colour(const struct print_style *s,
                                 enum print_status status);

bool print_node_read(struct print_node *n, struct slice document,
                     struct arena *a)
{
    struct js j;
    memset(n, 0, sizeof(*n));
    js_init(&j, document, DEPTH_MAX);
    return js_next(&j, NULL) == JS_OBJECT && read_object(&j, n, a);
}

void print_tree(const struct print_style *s, struct slice trace_id,
                struct print_node *nodes, struct arena *a)
{
    link_nodes(nodes, a);
    print_line(s, trace_id, nodes);
    if (!s->tree)
        return;
    double zero = nodes->start;
    for (const struct print_node *n = nodes; n != NULL; n = n->next)
        if (n->start < zero)
            zero = n->start;
    for (const struct print_node *n = nodes; n != NULL; n = n->next)
        if (n->parent == NULL)
            print_node(s, n, 1, zero);
}

static bool read_object(struct js *j, struct print_node *n, struct arena *a)
{
    struct slice key;
    enum js_kind k;
    while ((k = js_next(j, &key)) == JS_KEY)
        if (!read_member(j, key, n, a))
            return false;
    return k == JS_OBJECT_END;
}

static bool read_member(struct js *j, struct slice key, struct print_node *n,
                        struct arena *a)
{
    static const struct {
        const char *name;
        size_t at;
    } texts[] = {{"id", offsetof(struct print_node, id)},
                 {"parent_id", offsetof(struct print_node, parent_id)},
                 {"name", offsetof(struct print_node, name)},
                 {"namespace", offsetof(struct print_node, namespace)}},
      numbers[] = {{"start_time", offsetof(struct print_node, start)},
                   {"end_time", offsetof(struct print_node, end)}};
    static const struct {
        const char *name;
        enum print_status status;
    } flags[] = {{"error", PRINT_ERROR},
                 {"throttle", PRINT_THROTTLE},
                 {"fault", PRINT_FAULT},
                 {"in_progress", PRINT_IN_PROGRESS}};
    struct slice text;
    enum js_kind k = js_next(j, &text);
    if (k == JS_OBJECT && slice_is(key, "http"))
        return read_http(j, k, n);
    if (k == JS_ARRAY && slice_is(key, "subsegments"))
        return read_children(j, k, n, a);
    for (size_t i = 0; k == JS_STRING && i < COUNT(texts); i++)
        if (slice_is(key, texts[i].name))
            *(struct slice *)((char *)n + texts[i].at) = text;
    for (size_t i = 0; k == JS_NUMBER && i < COUNT(numbers); i++)
        if (slice_is(key, numbers[i].name))
            *(double *)((char *)n + numbers[i].at) = js_number(text, 0);
    for (size_t i = 0; k == JS_TRUE && i < COUNT(flags); i++)
        if (slice_is(key, flags[i].name) && n->status < flags[i].status)
            n->status = flags[i].status;
    return js_skip(j, k);
}

/* http.response.status is all that a line shows. */
static bool read_http(struct js *j, enum js_kind k, struct print_node *n)
{
    struct slice key = {0}, text;
    int depth = 1;
    bool response = false;
    while (depth > 0) {
        k = js_next(j, &text);
        if (k == JS_ERROR || k == JS_END)
            return false;
        if (k == JS_OBJECT || k == JS_ARRAY) {
            if (depth++ == 1)
                response = slice_is(key, "response");
        } else if (k == JS_OBJECT_END || k == JS_ARRAY_END) {
            depth--;
        } else if (k == JS_KEY) {
            key = text;
        } else if (k == JS_NUMBER && depth == 2 && response &&
                   slice_is(key, "status")) {
            n->http_status = (int)js_number(text, 0);
        }
    }
    return true;
}

static bool read_children(struct js *j, enum js_kind k, struct print_node *n,
                          struct arena *a)
{
    struct print_node *last = n;
    while (last->next != NULL)
        last = last->next;
    while ((k = js_next(j, NULL)) != JS_ARRAY_END) {
        if (k != JS_OBJECT) { /* a precursor id, or garbage */
            if (k == JS_ERROR || k == JS_END || !js_skip(j, k))
                return false;
            continue;
        }
        struct print_node *child = arena_alloc(a, sizeof(*child));
        if (child == NULL)
            return false;
        memset(child, 0, sizeof(*child));
        child->subsegment = true;
        last->next = child;
        if (!read_object(j, child, a))
            return false;
        child->parent = n;
        while (last->next != NULL)
            last = last->next;
    }
    return true;
}

/* Embedded nodes know their parent; others find it by id. Without memory for
 * the index all stand side by side. */
static void link_nodes(struct print_node *nodes, struct arena *a)
{
    size_t n = 0, i = 0;
    for (struct print_node *x = nodes; x != NULL; x = x->next)
        n++;
    struct print_node **index = arena_alloc(a, n * sizeof(*index));
    if (index == NULL)
        return;
    for (struct print_node *x = nodes; x != NULL; x = x->next)
        index[i++] = x;
    qsort(index, n, sizeof(*index), by_id);
    for (struct print_node *x = nodes; x != NULL; x = x->next) {
        if (x->parent == NULL && x->parent_id.n > 0)
            x->parent = find_parent(index, n, x);
        if (x->parent != NULL)
            insert_child(x->parent, x);
    }
}

static int by_id(const void *a, const void *b)
{
    const struct print_node *x = *(struct print_node *const *)a;
    const struct print_node *y = *(struct print_node *const *)b;
    size_t n = x->id.n < y->id.n ? x->id.n : y->id.n;
    int order = n > 0 ? memcmp(x->id.p, y->id.p, n) : 0;
    return order != 0 ? order : (x->id.n > y->id.n) - (x->id.n < y->id.n);
}

static struct print_node *find_parent(struct print_node **index, size_t n,
                                      const struct print_node *child)
{
    struct print_node wanted = {.id = child->parent_id}, *key = &wanted;
    struct print_node **found = bsearch(&key, index, n, sizeof(*index), by_id);
    return found == NULL || is_above(child, *found) ? NULL : *found;
}

/* Whether n is among the parents of `of`: ids from outside may go round. */
static bool is_above(const struct print_node *n, const struct print_node *of)
{
    for (; of != NULL; of = of->parent)
        if (of == n)
            return true;
    return false;
}

static void insert_child(struct print_node *parent, struct print_node *n)
{
    struct print_node **at = &parent->first_child;
    while (*at != NULL && (*at)->start <= n->start)
        at = &(*at)->next_sibling;
    n->next_sibling = *at;
    *at = n;
}

/* Time, status, duration, name, trace id. */
static void print_line(const struct print_style *s, struct slice trace_id,
                       const struct print_node *nodes)
{
    const struct print_node *root = nodes;
    struct print_node all = {.status = PRINT_OK};
    for (const struct print_node *n = nodes; n != NULL; n = n->next) {
        if (n->parent == NULL && (n->start < root->start || root->parent))
            root = n;
        if (n->status > all.status)
            all.status = n->status;
    }
    char clock[16] = "--:--:--";
    time_t seconds = (time_t)root->start;
    struct tm tm;
    if (localtime_r(&seconds, &tm) != NULL)
        strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
    fprintf(s->out, "%s  %s%-8s%s  ", clock, status_colour(s, all.status),
            status_word(all.status), s->colour ? "\033[0m" : "");
    print_duration(s->out, root);
    fputs("  ", s->out);
    print_text(s->out, root->name);
    fputs("  ", s->out);
    print_text(s->out, trace_id);
    fputc('\n', s->out);
}

static void print_node(const struct print_style *s, const struct print_node *n,
                       int depth, double zero)
{
    if (depth > DEPTH_MAX)
        return;
    fprintf(s->out, "%*s%s%-8s%s  ", 2 * depth, "", status_colour(s, n->status),
            status_word(n->status), s->colour ? "\033[0m" : "");
    print_duration(s->out, n);
    fprintf(s->out, "  +%.0f ms  ", (n->start - zero) * 1000);
    print_text(s->out, n->name);
    if (n->http_status > 0)
        fprintf(s->out, "  %d", n->http_status);
    if (n->namespace.n > 0) {
        fputs("  (", s->out);
        print_text(s->out, n->namespace);
        fputc(')', s->out);
    }
    fputc('\n', s->out);
    for (n = n->first_child; n != NULL; n = n->next_sibling)
        print_node(s, n, depth + 1, zero);
}

/* Raw JSON text: control bytes are escaped in it already; DEL and the C1
 * controls are not, and some terminals obey them. */
static void print_text(FILE *out, struct slice raw)
{
    if (raw.n > NAME_MAX_BYTES)
        raw.n = NAME_MAX_BYTES;
    for (size_t i = 0; i < raw.n; i++) {
        unsigned char c = (unsigned char)raw.p[i];
        bool c1 =
            c == 0xc2 && i + 1 < raw.n && (unsigned char)raw.p[i + 1] < 0xa0;
        if (c < 0x20 || c == 0x7f || c1)
            fprintf(out, "\\x%02x", c);
        else
            fputc(c, out);
    }
}

static void print_duration(FILE *out, const struct print_node *n)
{
    double ms = (n->end - n->start) * 1000;
    if (n->end <= 0)
        fprintf(out, "%9s", "...");
    else if (ms < 1000)
        fprintf(out, "%6.1f ms", ms);
    else
        fprintf(out, "%6.2f s ", ms / 1000);
}

static const char *status_word(enum print_status s)
{
    static const char *const words[] = {"ok", "error", "throttle", "fault",
                                        "running"};
    return words[s];
}

static const char *status_colour(const struct print_style *s,
                                 enum print_status status)
{
    static const char *const colours[] = {"\033[32m", "\033[33m", "\033[35m",
                                          "\033[31m", "\033[36m"};
    return s->colour ? colours[status] : "";
}
