/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server side of TLS: reads certificate, key and client CA, and holds the
 * SSL_CTX that each new connection is made from. A reload swaps the context;
 * connections in being keep the one they began with. Knows files and OpenSSL,
 * no protocol above.
 */
#include "xr/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "xr/address.h"
#include "xr/clock.h"
#include "xr/log.h"

/* Failed handshakes: at most one warning in this time, with a count. */
#define WARN_EVERY_MS 60000

struct tls_server {
    SSL_CTX *ctx;
    char *certificate, *key, *client_ca;
    bool http2;
    struct log_limit refused;
};

struct tls_conn {
    struct tls_server *server;
    SSL *ssl;
    bool broken; /* nothing may be said any more, close_notify neither */
};

/* What a server offers by ALPN, in the wire's form. */
struct protocol {
    const char *wire;
    bool only; /* refuse who does not speak it */
};

static const struct protocol protocol_h2 = {"\x02h2", true};
static const struct protocol protocol_http1 = {"\x08http/1.1", false};

static char *copy(const char *s);
static SSL_CTX *context_new(const struct tls_server *t, struct err *err);
static void set_common(SSL_CTX *ctx, const struct tls_server *t);
static int load_certificate(SSL_CTX *ctx, const struct tls_server *t,
                            struct err *err);
static int load_client_ca(SSL_CTX *ctx, const char *path, struct err *err);
static int check_readable(const char *what, const char *path, struct err *err);
static int fail(struct err *err, const char *what, const char *path);
static int no_passphrase(char *buf, int size, int writing, void *arg);
static int select_protocol(SSL *ssl, const unsigned char **out,
                           unsigned char *out_len, const unsigned char *in,
                           unsigned in_len, void *arg);
static long conn_failed(struct tls_conn *c, int rc);
static void warn_handshake(struct tls_conn *c, const char *why);

void tls_skip_configuration(void)
{
    OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
}

struct tls_server *tls_server_new(const struct tls_server_options *o,
                                  struct err *err)
{
    struct tls_server *t = calloc(1, sizeof(*t));

    if (!t)
        log_fatal("no memory for the TLS settings");
    t->certificate = copy(o->certificate);
    t->key = copy(o->key);
    t->client_ca = copy(o->client_ca);
    t->http2 = o->http2;
    t->ctx = context_new(t, err);
    if (!t->ctx) {
        tls_server_free(t);
        return NULL;
    }
    return t;
}

int tls_server_reload(struct tls_server *t, struct err *err)
{
    SSL_CTX *fresh = context_new(t, err);

    if (!fresh)
        return -1;
    SSL_CTX_free(t->ctx);
    t->ctx = fresh;
    return 0;
}

void tls_server_free(struct tls_server *t)
{
    if (!t)
        return;
    SSL_CTX_free(t->ctx);
    free(t->certificate);
    free(t->key);
    free(t->client_ca);
    free(t);
}

struct tls_conn *tls_conn_new(struct tls_server *t, int fd)
{
    struct tls_conn *c = calloc(1, sizeof(*c));
    if (!c)
        return NULL;
    c->server = t;
    c->ssl = SSL_new(t->ctx);
    if (!c->ssl || SSL_set_fd(c->ssl, fd) != 1) {
        ERR_clear_error();
        tls_conn_free(c);
        return NULL;
    }
    SSL_set_accept_state(c->ssl);
    SSL_set_mode(c->ssl, SSL_MODE_ENABLE_PARTIAL_WRITE |
                             SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    return c;
}

void tls_conn_free(struct tls_conn *c)
{
    if (!c)
        return;
    tls_conn_close(c);
    SSL_free(c->ssl);
    free(c);
}

long tls_conn_read(struct tls_conn *c, void *p, size_t n)
{
    size_t got;
    ERR_clear_error();
    int rc = SSL_read_ex(c->ssl, p, n, &got);
    return rc > 0 ? (long)got : conn_failed(c, rc);
}

long tls_conn_write(struct tls_conn *c, struct slice data)
{
    size_t put;
    ERR_clear_error();
    int rc = SSL_write_ex(c->ssl, data.p, data.n, &put);
    if (rc > 0)
        return (long)put;
    long n = conn_failed(c, rc);
    return n == 0 ? TLS_BROKEN : n; /* the peer has ended the connection */
}

bool tls_conn_has_pending(const struct tls_conn *c)
{
    return SSL_has_pending(c->ssl);
}

void tls_conn_close(struct tls_conn *c)
{
    if (!c->ssl || c->broken || SSL_in_init(c->ssl))
        return;
    ERR_clear_error();
    (void)SSL_shutdown(c->ssl);
    ERR_clear_error();
}

/* NULL and "" both stand for a file that was not named. */
static char *copy(const char *s)
{
    if (!s || !*s)
        return NULL;
    char *p = strdup(s);
    if (!p)
        log_fatal("no memory for the TLS settings");
    return p;
}

static SSL_CTX *context_new(const struct tls_server *t, struct err *err)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

    if (!ctx)
        log_fatal("no memory for the TLS settings");
    set_common(ctx, t);
    if (load_certificate(ctx, t, err) == 0 &&
        (!t->client_ca || load_client_ca(ctx, t->client_ca, err) == 0))
        return ctx;
    SSL_CTX_free(ctx);
    return NULL;
}

static void set_common(SSL_CTX *ctx, const struct tls_server *t)
{
    static const unsigned char id[] = "xray-relay";

    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    /* Many clients close without a close_notify; OpenSSL 3 would report each
     * as a protocol error. */
    SSL_CTX_set_options(ctx, SSL_OP_IGNORE_UNEXPECTED_EOF |
                                 SSL_OP_NO_RENEGOTIATION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
    /* Without an id a session that was checked cannot be resumed. */
    SSL_CTX_set_session_id_context(ctx, id, sizeof(id) - 1);
    SSL_CTX_set_default_passwd_cb(ctx, no_passphrase);
    /* The argument outlives t, as a handshake may. */
    SSL_CTX_set_alpn_select_cb(
        ctx, select_protocol,
        (void *)(t->http2 ? &protocol_h2 : &protocol_http1));
}

static int load_certificate(SSL_CTX *ctx, const struct tls_server *t,
                            struct err *err)
{
    if (check_readable("TLS certificate", t->certificate, err) != 0 ||
        check_readable("TLS key", t->key, err) != 0)
        return -1;
    ERR_clear_error();
    if (SSL_CTX_use_certificate_chain_file(ctx, t->certificate) != 1)
        return fail(err, "TLS certificate", t->certificate);
    if (SSL_CTX_use_PrivateKey_file(ctx, t->key, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(ctx) != 1)
        return fail(err, "TLS key", t->key);
    return 0;
}

static int load_client_ca(SSL_CTX *ctx, const char *path, struct err *err)
{
    if (check_readable("TLS client CA", path, err) != 0)
        return -1;
    ERR_clear_error();
    STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(path);
    if (!names || SSL_CTX_load_verify_locations(ctx, path, NULL) != 1) {
        sk_X509_NAME_pop_free(names, X509_NAME_free);
        return fail(err, "TLS client CA", path);
    }
    SSL_CTX_set_client_CA_list(ctx, names);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                       NULL);
    return 0;
}

static int check_readable(const char *what, const char *path, struct err *err)
{
    if (!path)
        return err_set(err, "%s: no file is named", what);
    if (access(path, R_OK) != 0)
        return err_set(err, "%s %s: %s", what, path, strerror(errno));
    return 0;
}

/* With OpenSSL's first reason, which is the deepest one. */
static int fail(struct err *err, const char *what, const char *path)
{
    const char *reason = ERR_reason_error_string(ERR_get_error());

    ERR_clear_error();
    return err_set(err, "%s %s: %s", what, path,
                   reason ? reason : "not a usable PEM file");
}

/* A key under a passphrase fails, instead of asking on the terminal. */
static int no_passphrase(char *buf, int size, int writing, void *arg)
{
    (void)buf, (void)size, (void)writing, (void)arg;
    return 0;
}

/* A gRPC client that cannot speak h2 is told so in the handshake; any HTTP/1
 * client is served, whatever it calls its protocol. */
static int select_protocol(SSL *ssl, const unsigned char **out,
                           unsigned char *out_len, const unsigned char *in,
                           unsigned in_len, void *arg)
{
    const struct protocol *want = arg;
    unsigned char *found;

    (void)ssl;
    int rc = SSL_select_next_proto(&found, out_len,
                                   (const unsigned char *)want->wire,
                                   (unsigned)strlen(want->wire), in, in_len);
    if (rc != OPENSSL_NPN_NEGOTIATED)
        return want->only ? SSL_TLSEXT_ERR_ALERT_FATAL : SSL_TLSEXT_ERR_NOACK;
    *out = found;
    return SSL_TLSEXT_ERR_OK;
}

/* Why a read or write came to nothing. */
static long conn_failed(struct tls_conn *c, int rc)
{
    int saved = errno;
    switch (SSL_get_error(c->ssl, rc)) {
    case SSL_ERROR_WANT_READ:
        return TLS_WANTS_READ;
    case SSL_ERROR_WANT_WRITE:
        return TLS_WANTS_WRITE;
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    }
    const char *reason = ERR_reason_error_string(ERR_peek_error());
    if (!reason)
        reason = strerror(saved ? saved : ECONNRESET);
    if (SSL_in_init(c->ssl))
        warn_handshake(c, reason);
    ERR_clear_error();
    c->broken = true;
    return TLS_BROKEN;
}

static void warn_handshake(struct tls_conn *c, const char *why)
{
    struct sockaddr_storage sa;
    socklen_t len = sizeof(sa);
    char peer[ADDRESS_TEXT_MAX] = "a client";
    uint64_t missed;
    if (!log_limit_pass(&c->server->refused, clock_mono_ms(), WARN_EVERY_MS,
                        &missed))
        return;
    if (getpeername(SSL_get_fd(c->ssl), (struct sockaddr *)&sa, &len) == 0)
        address_format((struct sockaddr *)&sa, peer);
    log_warn("TLS with %s failed: %s (%llu more since the last warning). "
             "Clients have to trust the certificate in %s%s%s",
             peer, why, (unsigned long long)missed, c->server->certificate,
             c->server->client_ca ? " and show one signed by " : "",
             c->server->client_ca ? c->server->client_ca : "");
}
