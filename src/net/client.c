/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP client: libcurl's multi handle driven by the loop. Easy handles
 * are kept and set anew only in what differs, header lines and answers live
 * in buffers that stay with the handle, and a body is read where it lies, so
 * an upload in steady state costs next to no allocation here. Redirects are
 * never followed. Libcurl is woken only by its sockets and its one timer.
 */
#include "xr/client.h"

#include <assert.h>
#include <curl/curl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client_parts.h"
#include "roots.h"
#include "xr/buf.h"
#include "xr/log.h"

#define ANSWER_DEFAULT_MAX (1024 * 1024)
#define ANSWER_HEADERS_MAX (64 * 1024)
#define ANSWER_KEEP_BYTES (64 * 1024) /* of buffers that wait for re-use */
#define REQUEST_HEADERS_MAX (1024 * 1024)
#define POOL_MAX 64
#define OTHER_HOSTS_CONNECTIONS 8

struct client_call {
    struct client_call *next, *prev; /* in open, or next in pool */
    struct client *client;
    CURL *easy;
    client_fn fn;
    void *arg;
    int64_t start_ms;
    char url_now[512]; /* what the handle is set to, "" if longer */
    bool tls_now;
    enum proxy_now { PROXY_UNSET, PROXY_NONE, PROXY_SET } proxy_now;
    struct buf header_text;
    struct curl_slist *header_nodes;
    int header_cap;
    struct buf body, raw_headers;
    bool too_large;
    void (*on_data)(void *arg, struct slice data);
    char error[CURL_ERROR_SIZE];
};

struct client {
    struct loop *loop;
    struct client_options o;
    struct client_env env;
    CURLM *multi; /* NULL until the first call */
    struct timer *timer;
    struct client_call *open, *pool;
    unsigned n_pool;
    struct client_socket *sockets;
    bool v4_only; /* the last lookup failed; try without AAAA */
    bool reaping;
};

static int start_multi(struct client *c, struct err *err);
static struct client_call *take_call(struct client *c);
static void set_for_good(struct client_call *call);
static int set_request(struct client_call *call, const struct client_request *r,
                       struct err *err);
static void set_method(CURL *e, const struct client_request *r);
static void set_proxy(struct client_call *call, bool direct);
static void set_tls(struct client_call *call);
static int set_headers(struct client_call *call, const struct client_request *r,
                       struct err *err);
static void link_call(struct client_call *call);
static void unlink_call(struct client_call *call);
static void give_back(struct client_call *call);
static void free_call(struct client_call *call);
static void reap(struct client *c);
static void end_call(struct client_call *call, CURLcode rc);
static enum client_outcome outcome_of(CURLcode rc);
static int on_curl_timer(CURLM *m, long ms, void *arg);
static void on_timer(void *arg);
static int on_curl_socket(CURL *e, curl_socket_t fd, int what, void *arg,
                          void *sock);
static void on_ready(void *arg, int fd, bool readable, bool writable);
static curl_socket_t on_open(void *arg, curlsocktype type,
                             struct curl_sockaddr *a);
static int on_close(void *arg, curl_socket_t fd);
static size_t on_body(char *p, size_t size, size_t n, void *arg);
static size_t on_header(char *p, size_t size, size_t n, void *arg);

struct client *client_new(struct loop *l, const struct client_options *o,
                          struct err *err)
{
    struct client *c = client_must(calloc(1, sizeof(*c)));
    c->loop = l;
    c->o = *o;
    if (client_env_init(&c->env, o, err) < 0) {
        free(c);
        return NULL;
    }
    c->timer = timer_new(l, on_timer, c);
    return c;
}

void client_free(struct client *c)
{
    if (!c)
        return;
    assert(!c->reaping);
    while (c->open)
        client_cancel(c->open);
    while (c->pool) {
        struct client_call *call = c->pool;
        c->pool = call->next;
        free_call(call);
    }
    if (c->multi)
        curl_multi_cleanup(c->multi);
    while (c->sockets)
        client_socket_drop(&c->sockets, c->sockets);
    timer_free(c->timer);
    client_env_fini(&c->env);
    free(c);
}

struct client_call *client_start(struct client *c,
                                 const struct client_request *r, client_fn fn,
                                 void *arg, struct err *err)
{
    if (strncmp(r->url, "http://", 7) != 0 &&
        strncmp(r->url, "https://", 8) != 0) {
        err_set(err, "%.200s is no http or https URL", r->url);
        return NULL;
    }
    if (start_multi(c, err) < 0)
        return NULL;
    struct client_call *call = take_call(c);
    call->fn = fn;
    call->arg = arg;
    call->start_ms = loop_now_ms(c->loop);
    if (set_request(call, r, err) < 0) {
        give_back(call);
        return NULL;
    }
    CURLMcode rc = curl_multi_add_handle(c->multi, call->easy);
    if (rc != CURLM_OK) {
        err_set(err, "cannot start a request: %s", curl_multi_strerror(rc));
        give_back(call);
        return NULL;
    }
    link_call(call);
    return call;
}

void client_cancel(struct client_call *call)
{
    curl_multi_remove_handle(call->client->multi, call->easy);
    unlink_call(call);
    give_back(call);
}

void client_prepare(struct client *c)
{
    struct err err;
    if (start_multi(c, &err) == 0)
        give_back(take_call(c));
}

void client_drop_idle(struct client *c)
{
    client_sockets_shut_idle(c->sockets);
}

/* Libcurl and its TLS library are set up at the first call, since a program
 * that only listens never needs them. */
static int start_multi(struct client *c, struct err *err)
{
    if (c->multi)
        return 0;
    CURLcode rc = curl_global_init(CURL_GLOBAL_ALL);
    if (rc != CURLE_OK)
        return err_set(err, "cannot set up libcurl: %s",
                       curl_easy_strerror(rc));
    CURLM *m = client_must(curl_multi_init());
    curl_multi_setopt(m, CURLMOPT_SOCKETFUNCTION, on_curl_socket);
    curl_multi_setopt(m, CURLMOPT_SOCKETDATA, c);
    curl_multi_setopt(m, CURLMOPT_TIMERFUNCTION, on_curl_timer);
    curl_multi_setopt(m, CURLMOPT_TIMERDATA, c);
    long n = (long)c->o.connections;
    if (n > 0) {
        curl_multi_setopt(m, CURLMOPT_MAX_HOST_CONNECTIONS, n);
        curl_multi_setopt(m, CURLMOPT_MAXCONNECTS, n + OTHER_HOSTS_CONNECTIONS);
    }
    c->multi = m;
    return 0;
}

static struct client_call *take_call(struct client *c)
{
    struct client_call *call = c->pool;
    if (call) {
        c->pool = call->next;
        c->n_pool--;
    } else {
        call = client_must(calloc(1, sizeof(*call)));
        call->client = c;
        call->easy = client_must(curl_easy_init());
        buf_init(&call->header_text, REQUEST_HEADERS_MAX);
        buf_init(&call->raw_headers, ANSWER_HEADERS_MAX);
        buf_init(&call->body, ANSWER_DEFAULT_MAX);
        set_for_good(call);
    }
    return call;
}

/* The options that no request changes. */
static void set_for_good(struct client_call *call)
{
    struct client *c = call->client;
    CURL *e = call->easy;
    curl_easy_setopt(e, CURLOPT_PRIVATE, call);
    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, call->error);
    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
    /* Or else a path with dots is not the one that was signed. */
    curl_easy_setopt(e, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(e, CURLOPT_HTTP_TRANSFER_DECODING, 1L);
    curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(e, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
#if LIBCURL_VERSION_NUM >= 0x075700
    /* Or else giving up on a name waits, with the whole loop, until the
     * resolver's thread has given up too. */
    curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L);
#endif
    if (c->o.idle_s)
        curl_easy_setopt(e, CURLOPT_MAXAGE_CONN, (long)c->o.idle_s);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(e, CURLOPT_WRITEDATA, call);
    curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(e, CURLOPT_HEADERDATA, call);
    curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, on_open);
    curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, c);
    curl_easy_setopt(e, CURLOPT_CLOSESOCKETFUNCTION, on_close);
    curl_easy_setopt(e, CURLOPT_CLOSESOCKETDATA, c);
}

static int set_request(struct client_call *call, const struct client_request *r,
                       struct err *err)
{
    struct client *c = call->client;
    CURL *e = call->easy;
    if (set_headers(call, r, err) < 0)
        return -1;
    if (strcmp(call->url_now, r->url) != 0) {
        curl_easy_setopt(e, CURLOPT_URL, r->url);
        size_t n = strlen(r->url);
        bool fits = n < sizeof(call->url_now);
        memcpy(call->url_now, fits ? r->url : "", fits ? n + 1 : 1);
    }
    if (strncmp(r->url, "https://", 8) == 0)
        set_tls(call);
    set_method(e, r);
    set_proxy(call, r->direct);
    curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)r->timeout_ms);
    curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)r->connect_timeout_ms);
    curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, (long)r->fresh);
    curl_easy_setopt(
        e, CURLOPT_IPRESOLVE,
        (long)(c->v4_only ? CURL_IPRESOLVE_V4 : CURL_IPRESOLVE_WHATEVER));
    call->on_data = r->on_data;
    call->body.max = r->answer_max ? r->answer_max : ANSWER_DEFAULT_MAX;
    call->too_large = false;
    call->error[0] = '\0';
    return 0;
}

static void set_method(CURL *e, const struct client_request *r)
{
    bool head = strcmp(r->method, "HEAD") == 0;
    bool get = strcmp(r->method, "GET") == 0 && r->body.n == 0;
    bool post = strcmp(r->method, "POST") == 0;
    bool bare = r->body.n == 0 && (strcmp(r->method, "DELETE") == 0 ||
                                   strcmp(r->method, "OPTIONS") == 0);
    if (head) {
        curl_easy_setopt(e, CURLOPT_NOBODY, 1L);
    } else if (get || bare) {
        curl_easy_setopt(e, CURLOPT_HTTPGET, 1L);
    } else {
        curl_easy_setopt(e, CURLOPT_POST, 1L);
        curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body.n);
        curl_easy_setopt(e, CURLOPT_POSTFIELDS, r->body.n ? r->body.p : "");
    }
    curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST,
                     head || get || post ? NULL : r->method);
}

/* Set in every case, or else libcurl reads the environment by rules of its
 * own. */
static void set_proxy(struct client_call *call, bool direct)
{
    struct client_env *env = &call->client->env;
    enum proxy_now wanted = direct ? PROXY_NONE : PROXY_SET;
    if (call->proxy_now == wanted)
        return;
    call->proxy_now = wanted;
    curl_easy_setopt(call->easy, CURLOPT_PROXY, direct ? "" : env->proxy);
    curl_easy_setopt(call->easy, CURLOPT_NOPROXY, direct ? "*" : env->no_proxy);
}

/* Only for https, so that plain HTTP never touches certificates. */
static void set_tls(struct client_call *call)
{
    struct client *c = call->client;
    CURL *e = call->easy;
    if (call->tls_now)
        return;
    call->tls_now = true;
    if (c->o.no_verify) {
        curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (c->env.ca_file) {
        /* Libcurl keeps the parsed bundle only if no folder is set. */
        curl_easy_setopt(e, CURLOPT_CAINFO, c->env.ca_file);
        curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
#if LIBCURL_VERSION_NUM >= 0x075700
        curl_easy_setopt(e, CURLOPT_CA_CACHE_TIMEOUT, 24 * 3600L);
#endif
    } else {
        struct curl_blob roots = {(void *)(uintptr_t)roots_pem, roots_pem_bytes,
                                  CURL_BLOB_NOCOPY};
        curl_easy_setopt(e, CURLOPT_CAINFO_BLOB, &roots);
    }
}

/* Libcurl's list is built by hand over the laid-out lines: no allocation. */
static int set_headers(struct client_call *call, const struct client_request *r,
                       struct err *err)
{
    char *lines[CLIENT_HEADERS_MAX + CLIENT_HEADERS_OURS];
    if (r->n_headers > CLIENT_HEADERS_MAX)
        return err_set(err,
                       "a request has more than %d headers: configure "
                       "fewer",
                       CLIENT_HEADERS_MAX);
    int n = client_headers_lay(r, &call->header_text, lines, err);
    if (n < 0)
        return -1;
    struct curl_slist *node = call->header_nodes;
    if (call->header_cap < n) {
        node = realloc(node, (size_t)n * sizeof(*node));
        call->header_nodes = client_must(node);
        call->header_cap = n;
    }
    for (int i = 0; i < n; i++)
        node[i] =
            (struct curl_slist){lines[i], i + 1 < n ? &node[i + 1] : NULL};
    curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, n ? node : NULL);
    return 0;
}

static void link_call(struct client_call *call)
{
    struct client *c = call->client;
    call->prev = NULL;
    call->next = c->open;
    if (c->open)
        c->open->prev = call;
    c->open = call;
}

static void unlink_call(struct client_call *call)
{
    if (call->prev)
        call->prev->next = call->next;
    else
        call->client->open = call->next;
    if (call->next)
        call->next->prev = call->prev;
}

static void give_back(struct client_call *call)
{
    struct client *c = call->client;
    /* The body goes back to its owner. */
    curl_easy_setopt(call->easy, CURLOPT_POSTFIELDS, NULL);
    if (call->body.cap > ANSWER_KEEP_BYTES)
        buf_fini(&call->body);
    buf_clear(&call->body);
    buf_clear(&call->raw_headers);
    if (c->n_pool >= POOL_MAX) {
        free_call(call);
        return;
    }
    call->prev = NULL;
    call->next = c->pool;
    c->pool = call;
    c->n_pool++;
}

static void free_call(struct client_call *call)
{
    curl_easy_cleanup(call->easy);
    buf_fini(&call->header_text);
    buf_fini(&call->body);
    buf_fini(&call->raw_headers);
    free(call->header_nodes);
    free(call);
}

/* Ends the calls that libcurl has finished. Callbacks may start and cancel
 * others meanwhile. */
static void reap(struct client *c)
{
    CURLMsg *m;
    int left;
    if (c->reaping)
        return;
    c->reaping = true;
    while ((m = curl_multi_info_read(c->multi, &left))) {
        struct client_call *call = NULL;
        CURLcode rc = m->data.result; /* m dies with the removal below */
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&call);
        end_call(call, rc);
    }
    c->reaping = false;
}

static void end_call(struct client_call *call, CURLcode rc)
{
    struct client *c = call->client;
    long status = 0;
    curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
    struct client_answer a = {
        .outcome = outcome_of(rc),
        .status = (int)status,
        .body = buf_slice(&call->body),
        .raw_headers = buf_slice(&call->raw_headers),
        .took_ms = loop_now_ms(c->loop) - call->start_ms,
    };
    char why[64];
    if (call->too_large) {
        snprintf(why, sizeof(why), "the answer is larger than %zu bytes",
                 call->body.max);
        a.why = why;
    } else if (rc != CURLE_OK) {
        a.why = call->error[0] ? call->error : curl_easy_strerror(rc);
    }
    if (a.outcome != CLIENT_ANSWERED)
        a.status = 0;
    if (a.outcome == CLIENT_UNKNOWN_HOST)
        c->v4_only = !c->v4_only;
    client_fn fn = call->fn;
    curl_multi_remove_handle(c->multi, call->easy);
    unlink_call(call);
    fn(call->arg, &a);
    give_back(call);
}

static enum client_outcome outcome_of(CURLcode rc)
{
    switch (rc) {
    case CURLE_OK:
        return CLIENT_ANSWERED;
    case CURLE_COULDNT_CONNECT:
        return CLIENT_REFUSED;
    case CURLE_OPERATION_TIMEDOUT:
        return CLIENT_TIMEOUT;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
        return CLIENT_UNKNOWN_HOST;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_INVALIDCERTSTATUS:
        return CLIENT_TLS;
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_PARTIAL_FILE:
        return CLIENT_BROKEN;
    default:
        return CLIENT_OTHER;
    }
}

static int on_curl_timer(CURLM *m, long ms, void *arg)
{
    (void)m;
    struct client *c = arg;
    if (ms < 0)
        timer_stop(c->timer);
    else
        timer_start(c->timer, ms);
    return 0;
}

static void on_timer(void *arg)
{
    struct client *c = arg;
    int running;
    curl_multi_socket_action(c->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    reap(c);
}

/* A kept connection stays watched when its transfer has ended, since the next
 * one will want it watched again: two system calls less an upload. */
static int on_curl_socket(CURL *e, curl_socket_t fd, int what, void *arg,
                          void *sock)
{
    (void)e;
    struct client *c = arg;
    struct client_socket *s = sock ? sock : client_socket_find(c->sockets, fd);
    if (what == CURL_POLL_REMOVE) {
        if (s && s->opened)
            s->busy = false;
        else if (s)
            client_socket_drop(&c->sockets, s);
        return 0;
    }
    if (!s)
        s = client_socket_add(&c->sockets, fd);
    bool in = what & CURL_POLL_IN, out = what & CURL_POLL_OUT;
    s->busy = true;
    s->client = c;
    if (!s->watch)
        s->watch = watch_new(c->loop, fd, on_ready, s);
    watch_set(s->watch, in, out);
    if (!sock)
        curl_multi_assign(c->multi, fd, s);
    return 0;
}

static void on_ready(void *arg, int fd, bool readable, bool writable)
{
    struct client_socket *s = arg;
    struct client *c = s->client;
    int running;
    int what =
        (readable ? CURL_CSELECT_IN : 0) | (writable ? CURL_CSELECT_OUT : 0);
    if (!s->busy) { /* closed by the server; libcurl will find out */
        watch_set(s->watch, false, false);
        return;
    }
    curl_multi_socket_action(c->multi, fd, what, &running);
    reap(c);
}

static curl_socket_t on_open(void *arg, curlsocktype type,
                             struct curl_sockaddr *a)
{
    (void)type;
    struct client *c = arg;
    int fd = socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
    if (fd < 0)
        return CURL_SOCKET_BAD;
    client_socket_add(&c->sockets, fd)->opened = true;
    return fd;
}

static int on_close(void *arg, curl_socket_t fd)
{
    struct client *c = arg;
    struct client_socket *s = client_socket_find(c->sockets, fd);
    if (s)
        client_socket_drop(&c->sockets, s);
    return close(fd);
}

static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
    struct client_call *call = arg;
    long status = 0;
    if (call->on_data != NULL)
        curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status == 200) {
        call->on_data(call->arg, slice_of(p, size * n));
        return size * n;
    }
    buf_append(&call->body, slice_of(p, size * n));
    call->too_large = call->body.failed;
    return call->too_large ? 0 : size * n;
}

/* Each response begins anew; those before the last (100 Continue) go. */
static size_t on_header(char *p, size_t size, size_t n, void *arg)
{
    struct client_call *call = arg;
    struct slice line = slice_of(p, size * n);
    if (slice_starts(line, "HTTP/"))
        buf_clear(&call->raw_headers);
    buf_append(&call->raw_headers, line);
    return call->raw_headers.failed ? 0 : line.n;
}
