/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The request as handlers see it, and which handler sees it: the route table.
 * Knows no bytes on the wire.
 */
#include <assert.h>

#include "http1_conn.h"

static void split_target(struct http1_request *r);
static void route_request(struct http1_conn *c);
static const struct http1_route *find_route(const struct http1_conn *c,
                                            bool *known);
static bool method_matches(const char *method, struct slice have);
static bool path_matches(const char *path, struct slice have);

void http1_route(struct http1 *s, struct http1_route route)
{
    assert(s->n_routes < HTTP1_ROUTES_MAX);
    s->routes[s->n_routes++] = route;
}

void http1_route_streamed(struct http1 *s, struct http1_route route,
                          uint64_t max)
{
    http1_route(s, route);
    s->streamed_max[s->n_routes - 1] = max;
    s->streams = true;
}

void http1_before(struct http1 *s, bool (*fn)(void *, struct http1_request *),
                  void *arg)
{
    s->before = fn;
    s->before_arg = arg;
}

void http1_on_refused(struct http1 *s,
                      bool (*fn)(void *arg, struct http1_request *r, int status,
                                 const char *why),
                      void *arg)
{
    s->refused = fn;
    s->refused_arg = arg;
}

void http1_go_on(struct http1_request *r)
{
    route_request(r->conn);
}

struct slice http1_method(const struct http1_request *r)
{
    return conn_run_text(r->conn, r->conn->head.method);
}

struct slice http1_path(const struct http1_request *r)
{
    return r->path;
}

struct slice http1_query(const struct http1_request *r)
{
    return r->query;
}

struct slice http1_header(const struct http1_request *r, const char *name)
{
    struct http1_header h;
    for (size_t i = 0; http1_header_at(r, i, &h); i++)
        if (slice_is_nocase(h.name, name))
            return h.value;
    return SLICE("");
}

bool http1_header_at(const struct http1_request *r, size_t i,
                     struct http1_header *out)
{
    const struct http1_head *h = &r->conn->head;
    if (i >= h->n_headers)
        return false;
    out->name = conn_run_text(r->conn, h->names[i]);
    out->value = conn_run_text(r->conn, h->values[i]);
    return true;
}

struct slice http1_body(const struct http1_request *r)
{
    return r->body;
}

const char *http1_peer(const struct http1_request *r)
{
    return r->conn->peer;
}

void http1_on_gone(struct http1_request *r, void (*fn)(void *), void *arg)
{
    r->gone = fn;
    r->gone_arg = arg;
}

struct slice conn_run_text(const struct http1_conn *c, struct http1_run r)
{
    return slice_of(c->in.p + r.at, r.n);
}

void conn_dispatch(struct http1_conn *c, size_t body_length)
{
    struct http1_request *r = &c->request;
    conn_set_request(c, body_length);
    c->state = c->body.max > 0 ? CONN_STREAM : CONN_HANDLER;
    c->server->open_requests++;
    conn_progress(c);
    if (!c->server->before || !c->server->before(c->server->before_arg, r))
        route_request(c);
}

void conn_set_request(struct http1_conn *c, size_t body_length)
{
    struct http1_request *r = &c->request;
    r->body = slice_of(c->in.p + c->head_length, body_length);
    r->target = conn_run_text(c, c->head.target);
    split_target(r);
}

/* Path and query of a target in origin or absolute form. */
static void split_target(struct http1_request *r)
{
    struct slice t = r->target;
    const char *scheme = memmem(t.p, t.n, "://", 3);
    if (scheme && t.p[0] != '/') {
        const char *host = scheme + 3;
        size_t left = t.n - (size_t)(host - t.p);
        const char *slash = memchr(host, '/', left);
        t = slash ? slice_of(slash, left - (size_t)(slash - host)) : SLICE("/");
    }
    const char *mark = memchr(t.p, '?', t.n);
    r->path = mark ? slice_of(t.p, (size_t)(mark - t.p)) : t;
    r->query =
        mark ? slice_of(mark + 1, t.n - r->path.n - 1) : slice_of(t.p, 0);
}

uint64_t conn_streamed_max(struct http1_conn *c)
{
    const struct http1 *s = c->server;
    bool known;
    if (!s->streams)
        return 0;
    conn_set_request(c, 0);
    const struct http1_route *route = find_route(c, &known);
    return route ? s->streamed_max[route - s->routes] : 0;
}

static void route_request(struct http1_conn *c)
{
    struct http1_request *r = &c->request;
    bool known;
    if (slice_is(http1_method(r), "OPTIONS") && slice_is(r->target, "*")) {
        http1_reply(r, 200, NULL, SLICE(""));
        return;
    }
    const struct http1_route *route = find_route(c, &known);
    if (route) {
        route->fn(route->arg, r);
        return;
    }
    struct slice words =
        known ? SLICE("405 Method Not Allowed\n") : SLICE("404 Not Found\n");
    http1_reply(r, known ? 405 : 404, "text/plain; charset=utf-8", words);
}

/* The first that fits; known: one has the path. */
static const struct http1_route *find_route(const struct http1_conn *c,
                                            bool *known)
{
    const struct http1 *s = c->server;
    const struct http1_request *r = &c->request;
    *known = false;
    for (size_t i = 0; i < s->n_routes; i++) {
        const struct http1_route *route = &s->routes[i];
        if (!path_matches(route->path, r->path))
            continue;
        *known = true;
        if (method_matches(route->method, http1_method(r)))
            return route;
    }
    return NULL;
}

static bool method_matches(const char *method, struct slice have)
{
    if (strcmp(method, "*") == 0 || slice_is(have, method))
        return true;
    return slice_is(have, "HEAD") && strcmp(method, "GET") == 0;
}

static bool path_matches(const char *path, struct slice have)
{
    size_t n = strlen(path);
    if (strcmp(path, "*") == 0 || slice_is(have, path))
        return true;
    if (path[0] != '*')
        return n >= 2 && strcmp(path + n - 2, "/*") == 0 && have.n >= n - 1 &&
               memcmp(have.p, path, n - 1) == 0;
    const char *slash = memrchr(have.p, '/', have.n);
    return slash && slice_is(slice_of(slash, (size_t)(have.p + have.n - slash)),
                             path + 1);
}
