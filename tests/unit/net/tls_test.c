/* SPDX-License-Identifier: Apache-2.0 */
/* net/tls.c: handshakes in memory against certificates made here. */
#include "net/tls.c"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
/* cmocka wants the four above first */
#include <cmocka.h>
#include <sys/socket.h>

#include "../folder.h"
#include "identity.h"

static char dir[FOLDER_MAX];
static struct identity server_id, other_id, client_id;

static int setup(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN); /* as the program does */
    folder_make(dir);
    identity_make(&server_id, dir, "server");
    identity_make(&other_id, dir, "other");
    identity_make(&client_id, dir, "client");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    return folder_remove(dir);
}

struct outcome {
    bool ok;
    char alpn[16], peer[32];
};

/* Steps both ends until the handshake is over or fails. */
static struct outcome handshake(struct tls_server *t, const char *alpn,
                                const struct identity *as, int max_version)
{
    SSL_CTX *client_ctx = SSL_CTX_new(TLS_client_method());
    SSL *s = SSL_new(t->ctx), *c;
    BIO *near, *far;
    struct outcome o = {0};

    if (as) {
        SSL_CTX_use_certificate_file(client_ctx, as->cert, SSL_FILETYPE_PEM);
        SSL_CTX_use_PrivateKey_file(client_ctx, as->key, SSL_FILETYPE_PEM);
    }
    SSL_CTX_set_security_level(client_ctx, 0);
    SSL_CTX_set_max_proto_version(client_ctx, max_version);
    c = SSL_new(client_ctx);
    if (alpn)
        SSL_set_alpn_protos(c, (const unsigned char *)alpn,
                            (unsigned)strlen(alpn));
    BIO_new_bio_pair(&near, 0, &far, 0);
    SSL_set_bio(s, near, near);
    SSL_set_bio(c, far, far);
    SSL_set_accept_state(s);
    SSL_set_connect_state(c);
    for (int i = 0; i < 10; i++) {
        int rc = SSL_do_handshake(c), rs = SSL_do_handshake(s);
        o.ok = rc == 1 && rs == 1;
    }
    const unsigned char *p;
    unsigned n;
    SSL_get0_alpn_selected(c, &p, &n);
    snprintf(o.alpn, sizeof(o.alpn), "%.*s", (int)n, (const char *)p);
    X509 *x = SSL_get1_peer_certificate(c);
    if (x)
        X509_NAME_get_text_by_NID(X509_get_subject_name(x), NID_commonName,
                                  o.peer, sizeof(o.peer));
    X509_free(x);
    SSL_free(s);
    SSL_free(c);
    SSL_CTX_free(client_ctx);
    return o;
}

static struct tls_server *start(bool http2, const char *client_ca)
{
    struct err err = {""};
    struct tls_server *t = tls_server_new(
        &(struct tls_server_options){.certificate = server_id.cert,
                                     .key = server_id.key,
                                     .client_ca = client_ca,
                                     .http2 = http2},
        &err);
    assert_string_equal(err.text, "");
    assert_non_null(t);
    return t;
}

static void serves_and_negotiates(void **state)
{
    static const struct {
        bool http2, ok;
        const char *offer, *chosen;
    } rows[] = {
        {true, true, "\x02h2\x08http/1.1", "h2"},
        {true, true, NULL, ""},
        {true, false, "\x08http/1.1", ""},
        {false, true, "\x02h2\x08http/1.1", "http/1.1"},
        {false, true, "\x02h2", ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct tls_server *t = start(rows[i].http2, NULL);
        struct outcome o = handshake(t, rows[i].offer, NULL, 0);
        assert_int_equal(o.ok, rows[i].ok);
        assert_string_equal(o.alpn, rows[i].chosen);
        tls_server_free(t);
    }
}

static void refuses_old_versions(void **state)
{
    struct tls_server *t = start(false, NULL);

    (void)state;
    assert_false(handshake(t, NULL, NULL, TLS1_1_VERSION).ok);
    assert_true(handshake(t, NULL, NULL, TLS1_2_VERSION).ok);
    tls_server_free(t);
}

static void asks_for_a_client_certificate(void **state)
{
    struct tls_server *t = start(true, client_id.cert);

    (void)state;
    assert_false(handshake(t, NULL, NULL, 0).ok);
    assert_false(handshake(t, NULL, &other_id, 0).ok);
    assert_true(handshake(t, NULL, &client_id, 0).ok);
    tls_server_free(t);
}

static void says_what_is_wrong_with_a_file(void **state)
{
    struct err err;
    struct tls_server_options o = {.certificate = "/nonexistent/a.pem",
                                   .key = server_id.key};

    (void)state;
    assert_null(tls_server_new(&o, &err));
    assert_string_equal(err.text, "TLS certificate /nonexistent/a.pem: "
                                  "No such file or directory");
    o.certificate = server_id.key; /* a PEM file, but no certificate */
    assert_null(tls_server_new(&o, &err));
    assert_non_null(strstr(err.text, server_id.key));
    o.certificate = server_id.cert;
    o.key = other_id.key; /* not the certificate's key */
    assert_null(tls_server_new(&o, &err));
    assert_non_null(strstr(err.text, "mismatch"));
    o.key = NULL;
    assert_null(tls_server_new(&o, &err));
    assert_string_equal(err.text, "TLS key: no file is named");
    o.key = server_id.key;
    o.client_ca = server_id.key;
    assert_null(tls_server_new(&o, &err));
    assert_non_null(strstr(err.text, "TLS client CA"));
}

static void reload_swaps_or_keeps(void **state)
{
    struct tls_server *t = start(false, NULL);
    char cert_backup[80], key_backup[80];
    struct err err;

    (void)state;
    snprintf(cert_backup, sizeof(cert_backup), "%s.old", server_id.cert);
    snprintf(key_backup, sizeof(key_backup), "%s.old", server_id.key);
    rename(server_id.cert, cert_backup);
    rename(server_id.key, key_backup);
    assert_int_equal(tls_server_reload(t, &err), -1);
    assert_string_equal(handshake(t, NULL, NULL, 0).peer, "server");

    assert_int_equal(link(other_id.cert, server_id.cert), 0);
    assert_int_equal(link(other_id.key, server_id.key), 0);
    assert_int_equal(tls_server_reload(t, &err), 0);
    assert_string_equal(handshake(t, NULL, NULL, 0).peer, "other");
    rename(cert_backup, server_id.cert);
    rename(key_backup, server_id.key);
    tls_server_free(t);
}

/* A connection of ours and a client's end, joined by a socket pair. */
struct pair {
    struct tls_server *server;
    struct tls_conn *conn;
    SSL_CTX *client_ctx;
    SSL *client;
    int fds[2];
};

static void pair_open(struct pair *p)
{
    p->server = start(false, NULL);
    assert_int_equal(
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, p->fds), 0);
    p->conn = tls_conn_new(p->server, p->fds[0]);
    assert_non_null(p->conn);
    p->client_ctx = SSL_CTX_new(TLS_client_method());
    p->client = SSL_new(p->client_ctx);
    SSL_set_fd(p->client, p->fds[1]);
    SSL_set_connect_state(p->client);
}

static void pair_close(struct pair *p)
{
    tls_conn_free(p->conn);
    SSL_free(p->client);
    SSL_CTX_free(p->client_ctx);
    tls_server_free(p->server);
    close(p->fds[0]);
    if (p->fds[1] >= 0)
        close(p->fds[1]);
}

/* Lets both ends step until the server's has read something. */
static long pair_read(struct pair *p, char *out, size_t n)
{
    long got = TLS_WANTS_READ;

    for (int i = 0; i < 10 && got == TLS_WANTS_READ; i++) {
        SSL_do_handshake(p->client);
        got = tls_conn_read(p->conn, out, n);
    }
    return got;
}

static void carries_bytes_both_ways(void **state)
{
    struct pair p;
    char text[16] = "";
    size_t put;

    (void)state;
    pair_open(&p);
    assert_int_equal(pair_read(&p, text, sizeof(text)), TLS_WANTS_READ);
    assert_int_equal(SSL_write_ex(p.client, "question", 8, &put), 1);
    assert_int_equal(pair_read(&p, text, 3), 3);
    assert_true(tls_conn_has_pending(p.conn));
    assert_int_equal(tls_conn_read(p.conn, text + 3, 13), 5);
    assert_string_equal(text, "question");
    assert_false(tls_conn_has_pending(p.conn));

    assert_int_equal(tls_conn_write(p.conn, SLICE("answer")), 6);
    assert_int_equal(SSL_read_ex(p.client, text, sizeof(text), &put), 1);
    assert_int_equal(put, 6);
    tls_conn_close(p.conn);
    assert_int_equal(SSL_read_ex(p.client, text, sizeof(text), &put), 0);
    assert_int_equal(SSL_get_error(p.client, 0), SSL_ERROR_ZERO_RETURN);
    pair_close(&p);
}

static void writes_until_the_socket_is_full(void **state)
{
    static char block[16384], back[16384];
    struct pair p;
    size_t sent = 0, got = 0, k;
    long n;

    (void)state;
    pair_open(&p);
    pair_read(&p, back, sizeof(back));
    memset(block, 'x', sizeof(block));
    while ((n = tls_conn_write(p.conn, slice_of(block, sizeof(block)))) > 0)
        sent += (size_t)n;
    assert_int_equal(n, TLS_WANTS_WRITE);
    while (SSL_read_ex(p.client, back, sizeof(back), &k) == 1)
        got += k;
    /* The write that waited is repeated, from other memory. */
    memset(back, 'x', sizeof(back));
    n = tls_conn_write(p.conn, slice_of(back, sizeof(back)));
    assert_true(n > 0);
    while (SSL_read_ex(p.client, block, sizeof(block), &k) == 1)
        got += k;
    assert_int_equal(got, sent + (size_t)n);
    pair_close(&p);
}

static void a_silent_close_is_the_end(void **state)
{
    struct pair p;
    char text[16];

    (void)state;
    pair_open(&p);
    pair_read(&p, text, sizeof(text));
    /* Takes the session tickets: unread bytes would make it a reset. */
    assert_int_equal(SSL_read(p.client, text, sizeof(text)), -1);
    close(p.fds[1]);
    p.fds[1] = -1;
    assert_int_equal(tls_conn_read(p.conn, text, sizeof(text)), 0);
    pair_close(&p);
}

static void plain_text_breaks_it(void **state)
{
    static const char request[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    struct pair p;
    struct err err;
    char text[16], path[80], log[1024] = "";

    (void)state;
    snprintf(path, sizeof(path), "%s.log", server_id.cert);
    assert_int_equal(log_open(path, false, &err), 0);
    pair_open(&p);
    assert_int_equal(write(p.fds[1], request, sizeof(request) - 1),
                     sizeof(request) - 1);
    assert_int_equal(tls_conn_read(p.conn, text, sizeof(text)), TLS_BROKEN);
    pair_close(&p);
    log_close();
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    assert_true(fread(log, 1, sizeof(log) - 1, f) > 0);
    fclose(f);
    unlink(path);
    assert_non_null(strstr(log, "failed: http request (0 more"));
    assert_non_null(strstr(log, server_id.cert));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(serves_and_negotiates),
        cmocka_unit_test(refuses_old_versions),
        cmocka_unit_test(asks_for_a_client_certificate),
        cmocka_unit_test(says_what_is_wrong_with_a_file),
        cmocka_unit_test(reload_swaps_or_keeps),
        cmocka_unit_test(carries_bytes_both_ways),
        cmocka_unit_test(writes_until_the_socket_is_full),
        cmocka_unit_test(a_silent_close_is_the_end),
        cmocka_unit_test(plain_text_breaks_it),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
