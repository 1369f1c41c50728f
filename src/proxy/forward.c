/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Turns a client's request into one for the service: body untouched, hop-by-
 * hop headers left out, X-Forwarded-For added, signed with the relay's own
 * credentials over exactly those headers that arrive as they were signed (the
 * X-Ray daemon signs some that it then removes, which breaks its signature).
 * Knows nothing of when requests are sent.
 */
#include "forward.h"

#include <assert.h>

#include "xr/sigv4.h"

/* Where a text of ours lies in f->text, which may move while it grows. */
struct place {
    size_t at, n;
};

/* What is made here, by place until nothing is appended any more. */
struct made {
    struct place method, url, host, path, query, forwarded, date, token;
    struct sigv4_header signed_headers[FORWARD_HEADERS_MAX];
    size_t n_signed;
};

static struct place mark(struct buf *b, size_t from);
static struct slice at(const struct forward *f, struct place p);
static void lay_target(struct forward *f, const struct http1_request *r,
                       const char *path, struct slice base, struct made *m);
static struct slice base_host(struct slice base, struct slice *path);
static void lay_forwarded(struct forward *f, const struct http1_request *r,
                          struct made *m);
static void lay_date_and_token(struct forward *f, const struct forward_to *to,
                               struct made *m);
static int copy_headers(struct forward *f, const struct http1_request *r,
                        struct made *m, struct err *err);
static void sign(struct forward *f, const struct http1_request *r,
                 const struct forward_to *to, struct made *m);
static void add(struct forward *f, const char *name, struct slice value);
static void add_signed(struct forward *f, struct made *m, const char *name,
                       struct slice value);
static bool is_ours(struct slice name);
static bool is_unsigned(struct slice name);
static bool is_hop_by_hop(struct slice name);
static bool is_in_list(struct slice name, const char *const *list, size_t n);
static bool is_named_by_connection(const struct http1_request *r,
                                   struct slice name);
static bool has_word(struct slice list, struct slice word);
static struct slice trim(struct slice s);

#define IN_LIST(name, list)                                                    \
    is_in_list(name, list, sizeof(list) / sizeof((list)[0]))

void forward_init(struct forward *f)
{
    f->n = 0;
    f->method = f->url = NULL;
    buf_init(&f->text, FORWARD_TEXT_MAX);
    buf_init(&f->authorization, FORWARD_TEXT_MAX);
}

void forward_fini(struct forward *f)
{
    buf_fini(&f->text);
    buf_fini(&f->authorization);
}

int forward_build(struct forward *f, const struct http1_request *r,
                  const char *path, const struct forward_to *to,
                  struct err *err)
{
    struct made m = {0};
    f->n = 0;
    buf_clear(&f->text);
    buf_append(&f->text, http1_method(r));
    m.method = mark(&f->text, 0);
    lay_target(f, r, path, to->base, &m);
    lay_forwarded(f, r, &m);
    lay_date_and_token(f, to, &m);
    if (f->text.failed)
        return err_set(err, "the request's headers are too large");
    /* All that was laid out stays where it is from here on. */
    add_signed(f, &m, "Host", at(f, m.host));
    if (copy_headers(f, r, &m, err) < 0)
        return -1;
    add_signed(f, &m, "X-Amz-Date", at(f, m.date));
    if (m.token.n)
        add_signed(f, &m, "X-Amz-Security-Token", at(f, m.token));
    sign(f, r, to, &m);
    if (f->authorization.failed)
        return err_set(err, "the request's headers are too large");
    add(f, "Authorization", buf_slice(&f->authorization));
    add(f, "X-Forwarded-For", at(f, m.forwarded));
    f->method = at(f, m.method).p;
    f->url = at(f, m.url).p;
    return 0;
}

void forward_answer_headers(struct http1_request *r,
                            const struct client_answer *a)
{
    static const char *const made_anew[] = {"content-length", "date"};
    struct slice rest = a->raw_headers;
    while (rest.n > 0) {
        const char *lf = memchr(rest.p, '\n', rest.n);
        size_t n = lf ? (size_t)(lf - rest.p) + 1 : rest.n;
        struct slice line = slice_of(rest.p, n);
        rest = slice_of(rest.p + n, rest.n - n);
        const char *colon = memchr(line.p, ':', line.n);
        if (!colon || slice_starts(line, "HTTP/"))
            continue;
        struct slice name = slice_of(line.p, (size_t)(colon - line.p));
        char text[128];
        if (name.n == 0 || name.n >= sizeof(text) || is_hop_by_hop(name) ||
            IN_LIST(name, made_anew))
            continue;
        memcpy(text, name.p, name.n);
        text[name.n] = '\0';
        http1_add(r, text, trim(slice_of(colon + 1, line.n - name.n - 1)));
    }
}

/* Ends a text with a NUL and gives its place. */
static struct place mark(struct buf *b, size_t from)
{
    struct place p = {from, b->n - from};
    buf_byte(b, '\0');
    return p;
}

static struct slice at(const struct forward *f, struct place p)
{
    return slice_of(f->text.p + p.at, p.n);
}

static void lay_target(struct forward *f, const struct http1_request *r,
                       const char *path, struct slice base, struct made *m)
{
    struct buf *t = &f->text;
    struct slice base_path, host = base_host(base, &base_path);
    struct slice own = path ? slice_str(path) : http1_path(r);
    /* A doubled slash at the front would not survive the way upstream. */
    while (own.n > 1 && own.p[0] == '/' && own.p[1] == '/')
        own = slice_of(own.p + 1, own.n - 1);
    size_t from = t->n;
    buf_append(t, host);
    m->host = mark(t, from);
    from = t->n;
    buf_append(t, base_path);
    buf_append(t, own);
    m->path = mark(t, from);
    from = t->n;
    sigv4_canonical_query(http1_query(r), t);
    m->query = mark(t, from);
    from = t->n;
    buf_append(t, base);
    buf_append(t, own);
    if (m->query.n) {
        struct place q = m->query;
        buf_byte(t, '?');
        if (buf_reserve(t, q.n))
            buf_append(t, at(f, q));
    }
    m->url = mark(t, from);
}

/* The Host header for a base URL (the port only where it is not the usual
 * one), and the URL's path. */
static struct slice base_host(struct slice base, struct slice *path)
{
    const char *scheme = memmem(base.p, base.n, "://", 3);
    const char *host = scheme ? scheme + 3 : base.p;
    size_t left = (size_t)(base.p + base.n - host);
    const char *slash = memchr(host, '/', left);
    size_t n = slash ? (size_t)(slash - host) : left;
    *path = slice_of(host + n, left - n);
    bool plain = scheme && scheme - base.p == 4;
    const char *usual = plain ? ":80" : ":443";
    size_t u = strlen(usual);
    if (n > u && memcmp(host + n - u, usual, u) == 0)
        n -= u;
    return slice_of(host, n);
}

static void lay_forwarded(struct forward *f, const struct http1_request *r,
                          struct made *m)
{
    size_t from = f->text.n;
    struct http1_header h;
    for (size_t i = 0; http1_header_at(r, i, &h); i++) {
        if (!slice_is_nocase(h.name, "x-forwarded-for") || h.value.n == 0)
            continue;
        buf_append(&f->text, h.value);
        buf_str(&f->text, ", ");
    }
    struct slice peer = slice_str(http1_peer(r));
    const char *colon = memrchr(peer.p, ':', peer.n);
    peer.n = colon ? (size_t)(colon - peer.p) : peer.n;
    if (peer.n > 2 && peer.p[0] == '[')
        peer = slice_of(peer.p + 1, peer.n - 2);
    buf_append(&f->text, peer);
    m->forwarded = mark(&f->text, from);
}

static void lay_date_and_token(struct forward *f, const struct forward_to *to,
                               struct made *m)
{
    char date[SIGV4_DATE_LEN + 1];
    sigv4_date(to->now_s, date);
    size_t from = f->text.n;
    buf_str(&f->text, date);
    m->date = mark(&f->text, from);
    from = f->text.n;
    buf_append(&f->text, to->cred->session_token);
    m->token = mark(&f->text, from);
}

/* The client's headers that go on. */
static int copy_headers(struct forward *f, const struct http1_request *r,
                        struct made *m, struct err *err)
{
    struct http1_header h;
    for (size_t i = 0; http1_header_at(r, i, &h); i++) {
        if (is_hop_by_hop(h.name) || is_ours(h.name) ||
            is_named_by_connection(r, h.name))
            continue;
        if (f->n + 5 > FORWARD_HEADERS_MAX)
            return err_set(err, "the request has too many headers");
        f->headers[f->n++] = (struct client_header){h.name, h.value};
        if (!is_unsigned(h.name))
            m->signed_headers[m->n_signed++] =
                (struct sigv4_header){h.name, h.value};
    }
    return 0;
}

static void sign(struct forward *f, const struct http1_request *r,
                 const struct forward_to *to, struct made *m)
{
    struct sigv4_request q = {
        .method = at(f, m->method),
        .path = at(f, m->path),
        .query = at(f, m->query),
        .headers = m->signed_headers,
        .n_headers = m->n_signed,
    };
    sha256_once(http1_body(r), q.body_sha256);
    struct sigv4_key key = {
        .access_key_id = to->cred->access_key_id,
        .secret_access_key = to->cred->secret_access_key,
        .region = to->region,
        .service = SLICE("xray"),
    };
    buf_clear(&f->authorization);
    sigv4_sign(&q, &key, at(f, m->date).p, &f->authorization);
}

static void add(struct forward *f, const char *name, struct slice value)
{
    assert(f->n < FORWARD_HEADERS_MAX);
    f->headers[f->n++] = (struct client_header){slice_str(name), value};
}

static void add_signed(struct forward *f, struct made *m, const char *name,
                       struct slice value)
{
    add(f, name, value);
    m->signed_headers[m->n_signed++] =
        (struct sigv4_header){slice_str(name), value};
}

/* What the client says that is said anew here. */
static bool is_ours(struct slice name)
{
    static const char *const list[] = {
        "host",       "content-length",       "expect",         "authorization",
        "x-amz-date", "x-amz-security-token", "x-forwarded-for"};
    return IN_LIST(name, list);
}

/* Sent as they are, not signed: a proxy on the way may alter them. */
static bool is_unsigned(struct slice name)
{
    static const char *const list[] = {"user-agent", "x-amzn-trace-id"};
    return IN_LIST(name, list);
}

static bool is_hop_by_hop(struct slice name)
{
    static const char *const list[] = {"connection",
                                       "keep-alive",
                                       "proxy-connection",
                                       "proxy-authenticate",
                                       "proxy-authorization",
                                       "te",
                                       "trailer",
                                       "transfer-encoding",
                                       "upgrade"};
    return IN_LIST(name, list);
}

static bool is_in_list(struct slice name, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (slice_is_nocase(name, list[i]))
            return true;
    return false;
}

/* A client may name further headers that end at the first hop. */
static bool is_named_by_connection(const struct http1_request *r,
                                   struct slice name)
{
    struct http1_header h;
    for (size_t i = 0; http1_header_at(r, i, &h); i++)
        if (slice_is_nocase(h.name, "connection") && has_word(h.value, name))
            return true;
    return false;
}

static bool has_word(struct slice list, struct slice word)
{
    while (list.n > 0) {
        const char *comma = memchr(list.p, ',', list.n);
        size_t n = comma ? (size_t)(comma - list.p) : list.n;
        struct slice one = trim(slice_of(list.p, n));
        if (one.n == word.n && strncasecmp(one.p, word.p, one.n) == 0)
            return true;
        n = comma ? n + 1 : n;
        list = slice_of(list.p + n, list.n - n);
    }
    return false;
}

static struct slice trim(struct slice s)
{
    while (s.n > 0 && strchr(" \t", s.p[0]))
        s = slice_of(s.p + 1, s.n - 1);
    while (s.n > 0 && strchr(" \t\r\n", s.p[s.n - 1]))
        s.n--;
    return s;
}
