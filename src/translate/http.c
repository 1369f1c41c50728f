/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The http block, from both generations of the HTTP conventions, and error,
 * fault and throttle. Where both generations are there the new one wins. What
 * a span says of addresses but the block does not carry goes back to the
 * metadata. Knows no other block.
 */
#include <arpa/inet.h>

#include "parts.h"

enum { ADDRESS_TEXT_MAX = 64 };

static bool span_is_http(const struct translator *t);
static void read_status(struct translator *t);
static void read_client(struct translator *t);
static struct slice peer_address(struct translator *t, enum key *from);
static bool is_ip(struct slice text);
static void read_length(struct translator *t);
static bool read_size(const struct value *type, const struct value *size,
                      int64_t *out);
static void read_url(struct translator *t);
static struct slice server_host(struct translator *t, struct slice *port);
static struct slice other_host(struct translator *t, struct slice *port);
static void put_port(struct translator *t, struct slice host, struct slice port,
                     struct slice scheme);
static void put_path(struct translator *t);
static void give_back(struct translator *t);
static bool is_carried(struct translator *t, enum key k, bool is_port);

/* Attributes that make a span an HTTP span. */
static const enum key http_keys[] = {
    KEY_HTTP_METHOD,      KEY_HTTP_REQUEST_METHOD,
    KEY_HTTP_USER_AGENT,  KEY_USER_AGENT,
    KEY_HTTP_STATUS,      KEY_HTTP_RESPONSE_STATUS,
    KEY_HTTP_URL,         KEY_URL_FULL,
    KEY_HTTP_SCHEME,      KEY_URL_SCHEME,
    KEY_HTTP_TARGET,      KEY_URL_PATH,
    KEY_URL_QUERY,        KEY_HTTP_HOST,
    KEY_HTTP_SERVER_NAME, KEY_HTTP_CLIENT_IP,
    KEY_NET_HOST_PORT,
};

/* Attributes that the URL, or the client's address, may carry. */
static const enum key place_keys[] = {
    KEY_HTTP_SCHEME,
    KEY_URL_SCHEME,
    KEY_HTTP_TARGET,
    KEY_URL_PATH,
    KEY_URL_QUERY,
    KEY_HTTP_HOST,
    KEY_HTTP_SERVER_NAME,
    KEY_HOST_NAME,
    KEY_NET_HOST_NAME,
    KEY_NET_PEER_NAME,
    KEY_SERVER_ADDRESS,
    KEY_NET_PEER_IP,
    KEY_NETWORK_PEER_ADDRESS,
    KEY_HTTP_CLIENT_IP,
    KEY_CLIENT_ADDRESS,
};
static const enum key port_keys[] = {
    KEY_NET_HOST_PORT,
    KEY_NET_PEER_PORT,
    KEY_SERVER_PORT,
};

void http_read(struct translator *t)
{
    t->http = (struct http_facts){.is_http = span_is_http(t)};
    if (!t->http.is_http)
        return give_back(t);
    t->http.method = span_pick(t, KEY_HTTP_REQUEST_METHOD, KEY_HTTP_METHOD);
    t->http.user_agent = span_pick(t, KEY_USER_AGENT, KEY_HTTP_USER_AGENT);
    read_status(t);
    read_length(t);
    read_url(t);
    read_client(t);
    give_back(t);
}

void http_write(struct translator *t)
{
    const struct http_facts *h = &t->http;

    if (!h->is_http || t->role == ROLE_SERVICE)
        return;
    put_name(t, SLICE("http"));
    jw_object(&t->jw);
    put_name(t, SLICE("request"));
    jw_object(&t->jw);
    put_text(t, SLICE("method"), h->method);
    put_text(t, SLICE("url"), h->url);
    put_text(t, SLICE("user_agent"), h->user_agent);
    put_text(t, SLICE("client_ip"), h->client_ip);
    if (h->forwarded) {
        put_name(t, SLICE("x_forwarded_for"));
        jw_bool(&t->jw, true);
    }
    jw_object_end(&t->jw);
    put_name(t, SLICE("response"));
    jw_object(&t->jw);
    if (h->has_status) {
        put_name(t, SLICE("status"));
        jw_int(&t->jw, h->status);
    }
    if (h->length) {
        put_name(t, SLICE("content_length"));
        jw_int(&t->jw, h->length);
    }
    jw_object_end(&t->jw);
    jw_object_end(&t->jw);
}

void faults_write(struct translator *t)
{
    int64_t status = t->http.has_status ? t->http.status : 0;
    bool error = status >= 400 && status <= 499;
    bool fault = (status >= 500 && status <= 599) ||
                 (!error && t->span->status == STATUS_ERROR);

    if (!error && !fault) {
        jw_raw(&t->jw, SLICE("\"error\":false,\"fault\":false,"
                             "\"throttle\":false"));
        return;
    }
    put_name(t, SLICE("error"));
    jw_bool(&t->jw, error);
    put_name(t, SLICE("fault"));
    jw_bool(&t->jw, fault);
    put_name(t, SLICE("throttle"));
    jw_bool(&t->jw, status == 429);
}

static bool span_is_http(const struct translator *t)
{
    for (size_t i = 0; i < sizeof(http_keys) / sizeof(http_keys[0]); i++) {
        if (t->scan.at[http_keys[i]])
            return true;
    }
    return false;
}

/* The new one, unless it is no number. */
static void read_status(struct translator *t)
{
    enum { OLD, NEW };
    static const enum key keys[] = {
        [OLD] = KEY_HTTP_STATUS,
        [NEW] = KEY_HTTP_RESPONSE_STATUS,
    };

    for (int i = NEW; i >= OLD; i--) {
        int64_t n = 0;
        const struct value *v = span_value(t, keys[i]);
        if (!v)
            continue;
        bool good = value_int(v, &n);
        bool used = good && (!t->http.has_status || n == t->http.status);
        span_fate(t, keys[i], used ? FATE_TAKEN : FATE_BACK);
        if (used) {
            t->http.status = n;
            t->http.has_status = true;
        }
    }
}

/* Who asked: what the sender says, else the peer. To an outgoing call the peer
 * is the one who was asked, so it is the client's address only where it is
 * all that is known of the other side (the exporter takes it always). */
static void read_client(struct translator *t)
{
    struct http_facts *h = &t->http;
    enum key from = KEY_NONE;
    struct slice peer = peer_address(t, &from);
    struct slice client = value_text(t, span_value(t, KEY_CLIENT_ADDRESS));
    bool outgoing =
        t->span->kind == SPAN_CLIENT || t->span->kind == SPAN_PRODUCER;

    if (is_ip(client))
        h->client_ip = client;
    else
        h->client_ip = value_text(t, span_value(t, KEY_HTTP_CLIENT_IP));
    h->forwarded = h->client_ip.n > 0 && from == KEY_NONE;
    if (h->client_ip.n > 0 || from == KEY_NONE)
        return;
    bool is_only_host = from == KEY_NET_PEER_IP && !t->scan.at[KEY_HTTP_HOST] &&
                        !t->scan.at[KEY_NET_PEER_NAME] &&
                        !t->scan.at[KEY_SERVER_ADDRESS] &&
                        !t->scan.at[KEY_URL_FULL] && !t->scan.at[KEY_HTTP_URL];
    if (!outgoing || is_only_host)
        h->client_ip = peer;
}

static struct slice peer_address(struct translator *t, enum key *from)
{
    struct slice peer = value_text(t, span_value(t, KEY_NETWORK_PEER_ADDRESS));

    if (is_ip(peer)) {
        *from = KEY_NETWORK_PEER_ADDRESS;
        return peer;
    }
    if (t->scan.at[KEY_NET_PEER_IP])
        *from = KEY_NET_PEER_IP;
    return value_text(t, span_value(t, KEY_NET_PEER_IP));
}

static bool is_ip(struct slice text)
{
    char copy[ADDRESS_TEXT_MAX];
    unsigned char address[sizeof(struct in6_addr)];

    if (text.n == 0 || text.n >= sizeof(copy) || memchr(text.p, 0, text.n))
        return false;
    memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    return inet_pton(AF_INET, copy, address) == 1 ||
           inet_pton(AF_INET6, copy, address) == 1;
}

/* Size of the answer, from the span or the first event that tells of it. */
static void read_length(struct translator *t)
{
    if (read_size(span_value(t, KEY_MESSAGE_TYPE),
                  span_value(t, KEY_MESSAGE_SIZE), &t->http.length))
        return;
    for (uint32_t i = 0; i < t->span->n_events; i++) {
        const struct attributes *a = &t->span->events[i].attributes;
        const struct value *type = NULL, *size = NULL;
        for (uint32_t k = 0; k < a->n; k++) {
            if (slice_is(a->items[k].key, "message.type"))
                type = &a->items[k].value;
            else if (slice_is(a->items[k].key,
                              "messaging.message_payload_size_bytes"))
                size = &a->items[k].value;
        }
        if (read_size(type, size, &t->http.length))
            return;
    }
}

static bool read_size(const struct value *type, const struct value *size,
                      int64_t *out)
{
    return type && type->kind == VALUE_STRING &&
           slice_is(type->text, "RECEIVED") && value_int(size, out) && *out;
}

/* The whole URL as given, or one put together if a host is known. */
static void read_url(struct translator *t)
{
    struct slice whole = span_pick(t, KEY_URL_FULL, KEY_HTTP_URL);
    struct slice port = SLICE("");

    if (whole.n > 0) {
        t->http.url = whole;
        return;
    }
    struct slice host = t->span->kind == SPAN_SERVER ? server_host(t, &port)
                                                     : other_host(t, &port);
    struct slice scheme = span_pick(t, KEY_URL_SCHEME, KEY_HTTP_SCHEME);
    if (host.n == 0)
        return;
    if (scheme.n == 0)
        scheme = SLICE("http");
    buf_clear(&t->url);
    buf_append(&t->url, scheme);
    buf_str(&t->url, "://");
    buf_append(&t->url, host);
    put_port(t, host, port, scheme);
    put_path(t);
    t->http.url = buf_slice(&t->url);
}

static struct slice server_host(struct translator *t, struct slice *port)
{
    static const enum key hosts[] = {
        KEY_HTTP_SERVER_NAME,
        KEY_NET_HOST_NAME,
        KEY_HOST_NAME,
        KEY_SERVER_ADDRESS,
    };
    struct slice host = value_text(t, span_value(t, KEY_HTTP_HOST));

    if (host.n > 0)
        return host;
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        host = value_text(t, span_value(t, hosts[i]));
        if (host.n > 0)
            break;
    }
    *port = value_text(t, span_value(t, KEY_NET_HOST_PORT));
    if (port->n == 0)
        *port = value_text(t, span_value(t, KEY_SERVER_PORT));
    return host;
}

static struct slice other_host(struct translator *t, struct slice *port)
{
    static const enum key hosts[][2] = {
        {KEY_NET_PEER_NAME, KEY_NET_PEER_PORT},
        {KEY_NET_PEER_IP, KEY_NET_PEER_PORT},
        {KEY_SERVER_ADDRESS, KEY_SERVER_PORT},
        {KEY_NETWORK_PEER_ADDRESS, KEY_NETWORK_PEER_PORT},
    };
    struct slice host = value_text(t, span_value(t, KEY_HTTP_HOST));

    for (size_t i = 0; host.n == 0 && i < sizeof(hosts) / sizeof(hosts[0]);
         i++) {
        host = value_text(t, span_value(t, hosts[i][0]));
        *port = value_text(t, span_value(t, hosts[i][1]));
    }
    return host;
}

/* Nothing for the scheme's own port, nor where the host has the port already,
 * as some SDKs send it. */
static void put_port(struct translator *t, struct slice host, struct slice port,
                     struct slice scheme)
{
    size_t colon = slice_find_byte(host, ':');

    if (port.n == 0 || (slice_is(scheme, "http") && slice_is(port, "80")) ||
        (slice_is(scheme, "https") && slice_is(port, "443")) ||
        (colon < host.n && slice_eq(slice_from(host, colon + 1), port)))
        return;
    buf_byte(&t->url, ':');
    buf_append(&t->url, port);
}

static void put_path(struct translator *t)
{
    struct slice path = value_text(t, span_value(t, KEY_URL_PATH));
    struct slice query = value_text(t, span_value(t, KEY_URL_QUERY));
    struct slice target = value_text(t, span_value(t, KEY_HTTP_TARGET));

    if (path.n == 0 && query.n == 0 && target.n > 0) {
        buf_append(&t->url, target);
        return;
    }
    buf_append(&t->url, path.n > 0 ? path : SLICE("/"));
    if (query.n == 0)
        return;
    if (query.p[0] != '?')
        buf_byte(&t->url, '?');
    buf_append(&t->url, query);
}

/* Every address attribute leaves the attributes; what no field carries goes
 * to the metadata. */
static void give_back(struct translator *t)
{
    for (size_t i = 0; i < sizeof(place_keys) / sizeof(place_keys[0]); i++)
        span_fate(t, place_keys[i],
                  is_carried(t, place_keys[i], false) ? FATE_TAKEN : FATE_BACK);
    for (size_t i = 0; i < sizeof(port_keys) / sizeof(port_keys[0]); i++)
        span_fate(t, port_keys[i],
                  is_carried(t, port_keys[i], true) ? FATE_TAKEN : FATE_BACK);
}

static bool is_carried(struct translator *t, enum key k, bool is_port)
{
    const struct http_facts *h = &t->http;

    if (!t->scan.at[k] || !h->is_http)
        return false;
    struct slice text = value_text(t, span_value(t, k));
    if (text.n == 0)
        return value_is_scalar(span_value(t, k));
    if (!is_port)
        return slice_eq(text, h->client_ip) ||
               slice_find(h->url, text) < h->url.n;
    char port[ADDRESS_TEXT_MAX] = ":";
    if (text.n + 1 >= sizeof(port))
        return false;
    memcpy(port + 1, text.p, text.n);
    return slice_find(h->url, slice_of(port, text.n + 1)) < h->url.n ||
           (slice_is(text, "80") && slice_starts(h->url, "http:")) ||
           (slice_is(text, "443") && slice_starts(h->url, "https:"));
}
