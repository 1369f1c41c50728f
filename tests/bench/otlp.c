/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loader of OTLP: otlp pb|json|grpc PORT SPANS RATE SECONDS CONNECTIONS
 * FIRST_ID. Each connection has one request of SPANS spans under way at a
 * time. RATE is spans a second over all, 0: as fast as answers come. A request
 * that is not taken counts as an error. Prints what was taken as JSON.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <nghttp2/nghttp2.h>
#include <poll.h>
#include <stdint.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "otlp_body.h"

#define CONNECTIONS_MAX 64
#define HEAD_MAX 256
#define PREFIX 5
#define IN_MAX 4096
#define ANSWER_WAIT_S 10
#define WINDOW (1 << 24)

struct connection {
    int fd;
    bool busy;
    unsigned char *bytes; /* head or prefix, then the body */
    size_t n, body_at, sent;
    char in[IN_MAX + 1]; /* HTTP/1 */
    size_t n_in;
    nghttp2_session *session; /* gRPC */
    bool good;
};

static const struct body *body;
static bool grpc;
static struct connection connections[CONNECTIONS_MAX];
static int n_connections;
static long long taken, requests, errors;
static unsigned long long next_id;

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void fail(const char *what)
{
    fprintf(stderr, "otlp: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void answered(struct connection *c, bool good)
{
    c->busy = false;
    requests++;
    if (good)
        taken += body->spans;
    else
        errors++;
}

/* gRPC: the message is read from the connection's bytes. */
static ssize_t read_message(nghttp2_session *s, int32_t id, uint8_t *to,
                            size_t room, uint32_t *flags,
                            nghttp2_data_source *source, void *arg)
{
    struct connection *c = source->ptr;
    size_t left = c->n - c->sent, n = left < room ? left : room;
    (void)s;
    (void)id;
    (void)arg;
    memcpy(to, c->bytes + c->sent, n);
    c->sent += n;
    if (c->sent == c->n)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)n;
}

static int on_header(nghttp2_session *s, const nghttp2_frame *frame,
                     const uint8_t *name, size_t n_name, const uint8_t *value,
                     size_t n_value, uint8_t flags, void *arg)
{
    struct connection *c = arg;
    (void)s;
    (void)frame;
    (void)flags;
    if (n_name == 11 && memcmp(name, "grpc-status", 11) == 0)
        c->good = n_value == 1 && *value == '0';
    return 0;
}

static int on_stream_close(nghttp2_session *s, int32_t id, uint32_t why,
                           void *arg)
{
    struct connection *c = arg;
    (void)s;
    (void)id;
    answered(c, c->good && why == 0);
    return 0;
}

static void begin_session(struct connection *c)
{
    nghttp2_session_callbacks *calls;
    nghttp2_settings_entry window = {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE,
                                     WINDOW};
    nghttp2_session_callbacks_new(&calls);
    nghttp2_session_callbacks_set_on_header_callback(calls, on_header);
    nghttp2_session_callbacks_set_on_stream_close_callback(calls,
                                                           on_stream_close);
    if (nghttp2_session_client_new(&c->session, calls, c) != 0)
        fail("nghttp2");
    nghttp2_session_callbacks_del(calls);
    nghttp2_submit_settings(c->session, NGHTTP2_FLAG_NONE, &window, 1);
}

static void submit_call(struct connection *c)
{
#define NV(name, value)                                                        \
    {(uint8_t *)name, (uint8_t *)value, sizeof(name) - 1, sizeof(value) - 1, 0}
    nghttp2_nv headers[] = {
        NV(":method", "POST"),
        NV(":scheme", "http"),
        NV(":path", "/opentelemetry.proto.collector.trace.v1."
                    "TraceService/Export"),
        NV(":authority", "127.0.0.1"),
        NV("content-type", "application/grpc"),
        NV("te", "trailers"),
    };
    nghttp2_data_provider from = {.source.ptr = c,
                                  .read_callback = read_message};
    c->good = false;
    if (nghttp2_submit_request(c->session, NULL, headers,
                               sizeof(headers) / sizeof(headers[0]), &from,
                               NULL) < 0)
        fail("nghttp2_submit_request");
}

/* The part before the body: an HTTP head, or gRPC's prefix. */
static void make_head(struct connection *c)
{
    c->bytes = malloc(HEAD_MAX + body->n);
    if (c->bytes == NULL)
        fail("malloc");
    if (grpc) {
        c->bytes[0] = 0;
        for (int i = 0; i < 4; i++)
            c->bytes[1 + i] = (unsigned char)(body->n >> (24 - 8 * i));
        c->body_at = PREFIX;
    } else {
        int n = snprintf((char *)c->bytes, HEAD_MAX,
                         "POST /v1/traces HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                         "Content-Type: application/%s\r\n"
                         "Content-Length: %zu\r\n\r\n",
                         body->json ? "json" : "x-protobuf", body->n);
        c->body_at = (size_t)n;
    }
    memcpy(c->bytes + c->body_at, body->bytes, body->n);
    c->n = c->body_at + body->n;
    c->sent = c->n;
}

static void connect_to(struct connection *c, uint16_t port)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1;
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(c->fd, (struct sockaddr *)&to, sizeof(to)) != 0)
        fail("connect");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    make_head(c);
    if (grpc)
        begin_session(c);
}

static bool would_wait(ssize_t n)
{
    return n < 0 && (errno == EAGAIN || errno == EINTR);
}

/* nghttp2's bytes that the socket did not take yet are kept in `in`'s place:
 * blocking for them is fine in a loader. */
static void write_all(int fd, const uint8_t *p, size_t n)
{
    while (n > 0) {
        ssize_t sent = write(fd, p, n);
        if (would_wait(sent)) {
            struct pollfd wait = {.fd = fd, .events = POLLOUT};
            poll(&wait, 1, 1000);
        } else if (sent <= 0) {
            fail("write");
        } else {
            p += sent;
            n -= (size_t)sent;
        }
    }
}

static void send_some(struct connection *c)
{
    const uint8_t *p;
    ssize_t n;
    if (grpc) {
        while ((n = nghttp2_session_mem_send(c->session, &p)) > 0)
            write_all(c->fd, p, (size_t)n);
        return;
    }
    if (c->sent == c->n)
        return;
    n = write(c->fd, c->bytes + c->sent, c->n - c->sent);
    if (n <= 0 && !would_wait(n))
        fail("write");
    if (n > 0)
        c->sent += (size_t)n;
}

static void start_request(struct connection *c)
{
    body_number(body, c->bytes + c->body_at, next_id);
    next_id += body->spans;
    c->busy = true;
    c->sent = 0;
    if (grpc)
        submit_call(c);
    send_some(c);
}

/* HTTP/1: an answer is whole when its body is. */
static void parse_answer(struct connection *c)
{
    c->in[c->n_in] = '\0';
    char *end = strstr(c->in, "\r\n\r\n"), *length = NULL;
    if (end == NULL)
        return;
    for (char *p = c->in; p != NULL && p < end; p = strchr(p + 1, '\n'))
        if (strncasecmp(p + 1, "content-length:", 15) == 0)
            length = p + 16;
    size_t need = (size_t)(end + 4 - c->in) +
                  (length ? (size_t)strtoul(length, NULL, 10) : 0);
    if (need > IN_MAX)
        fail("an answer is too long");
    if (c->n_in < need)
        return;
    c->n_in = 0;
    answered(c, strncmp(c->in, "HTTP/1.1 200", 12) == 0);
}

static void read_some(struct connection *c)
{
    uint8_t buffer[16384];
    ssize_t n;
    if (!grpc) {
        n = read(c->fd, c->in + c->n_in, IN_MAX - c->n_in);
        if (n == 0 || (n < 0 && !would_wait(n)))
            fail("read");
        if (n > 0) {
            c->n_in += (size_t)n;
            parse_answer(c);
        }
        return;
    }
    n = read(c->fd, buffer, sizeof(buffer));
    if (n == 0 || (n < 0 && !would_wait(n)))
        fail("read");
    if (n > 0 && nghttp2_session_mem_recv(c->session, buffer, (size_t)n) != n)
        fail("nghttp2_session_mem_recv");
    send_some(c);
}

static void wait_and_serve(double seconds)
{
    struct pollfd wait[CONNECTIONS_MAX];
    struct timespec t = {(time_t)seconds,
                         (long)((seconds - (double)(time_t)seconds) * 1e9)};
    for (int i = 0; i < n_connections; i++) {
        struct connection *c = &connections[i];
        bool more = !grpc && c->sent < c->n;
        wait[i] = (struct pollfd){
            .fd = c->fd, .events = (short)(POLLIN | (more ? POLLOUT : 0))};
    }
    if (ppoll(wait, (nfds_t)n_connections, &t, NULL) <= 0)
        return;
    for (int i = 0; i < n_connections; i++) {
        if (wait[i].revents & POLLOUT)
            send_some(&connections[i]);
        if (wait[i].revents & (POLLIN | POLLHUP | POLLERR))
            read_some(&connections[i]);
    }
}

static bool any_busy(void)
{
    for (int i = 0; i < n_connections; i++)
        if (connections[i].busy)
            return true;
    return false;
}

/* Gives out the requests that are due; the time until the next. */
static double start_due(double start, double rate, double end)
{
    static long long started;
    for (int i = 0; i < n_connections; i++) {
        double wait = start - now_s();
        if (rate > 0)
            wait += (double)started * body->spans / rate;
        else
            wait = 0;
        if (wait > 0)
            return wait;
        if (connections[i].busy || now_s() >= end)
            continue;
        started++;
        start_request(&connections[i]);
    }
    return 0.1;
}

int main(int argc, char **argv)
{
    if (argc != 8)
        return 2;
    grpc = strcmp(argv[1], "grpc") == 0;
    body = body_new(strcmp(argv[1], "json") == 0,
                    (unsigned)strtoul(argv[3], NULL, 10));
    double rate = strtod(argv[4], NULL), seconds = strtod(argv[5], NULL);
    n_connections = (int)strtol(argv[6], NULL, 10);
    next_id = strtoull(argv[7], NULL, 10);
    if (n_connections < 1 || n_connections > CONNECTIONS_MAX)
        return 2;
    for (int i = 0; i < n_connections; i++)
        connect_to(&connections[i], (uint16_t)strtol(argv[2], NULL, 10));
    double start = now_s(), end = start + seconds;
    while (now_s() < end)
        wait_and_serve(start_due(start, rate, end));
    while (any_busy() && now_s() < end + ANSWER_WAIT_S)
        wait_and_serve(0.1);
    printf("{\"taken\":%lld,\"requests\":%lld,\"errors\":%lld,"
           "\"seconds\":%.3f}\n",
           taken, requests, errors, now_s() - start);
    return 0;
}
