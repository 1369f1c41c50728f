/* SPDX-License-Identifier: Apache-2.0 */
/* The connections of net/tls.c, over a pair of sockets, through the face that
 * the servers use (net/stream.c). */
#include "net/stream.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
/* cmocka wants the three above first */
#include <cmocka.h>
#include <fcntl.h>
#include <openssl/ssl.h>
#include <signal.h>

#include "../folder.h"
#include "identity.h"

static char dir[FOLDER_MAX];
static struct identity id;
static struct tls_server *server;
static SSL_CTX *client_ctx;
static struct stream stream;
static SSL *client;
static int client_fd;

static int make_files(void **state)
{
    struct err err;
    (void)state;
    folder_make(dir);
    identity_make(&id, dir, "server");
    struct tls_server_options o = {.certificate = id.cert, .key = id.key};
    server = tls_server_new(&o, &err);
    assert_non_null(server);
    client_ctx = SSL_CTX_new(TLS_client_method());
    signal(SIGPIPE, SIG_IGN);
    return 0;
}

static int remove_files(void **state)
{
    (void)state;
    tls_server_free(server);
    SSL_CTX_free(client_ctx);
    return folder_remove(dir);
}

static int setup(void **state)
{
    int fds[2];
    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds),
                     0);
    assert_true(stream_init(&stream, fds[0], server));
    client_fd = fds[1];
    client = SSL_new(client_ctx);
    SSL_set_fd(client, client_fd);
    SSL_set_connect_state(client);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    SSL_free(client);
    if (client_fd >= 0)
        close(client_fd);
    stream_fini(&stream);
    return 0;
}

static void shake_hands(void)
{
    char byte;
    for (int i = 0; i < 10 && SSL_do_handshake(client) != 1; i++)
        assert_int_equal(stream_read(&stream, &byte, 1), STREAM_AGAIN);
    assert_int_equal(stream_read(&stream, &byte, 1), STREAM_AGAIN);
    assert_true(SSL_is_init_finished(client));
}

static void test_both_ways(void **state)
{
    char got[64];
    struct slice first;
    (void)state;
    SSL_do_handshake(client);
    assert_true(stream_begin_tls(&stream, &first));
    assert_true(stream.begun);
    shake_hands();
    assert_int_equal(SSL_write(client, "hello", 5), 5);
    assert_int_equal(stream_read(&stream, got, 2), 2);
    assert_true(stream_has_pending(&stream));
    assert_int_equal(stream_read(&stream, got + 2, sizeof(got) - 2), 3);
    assert_memory_equal(got, "hello", 5);
    assert_false(stream_has_pending(&stream));
    assert_int_equal(stream_write(&stream, SLICE("answer")), 6);
    assert_int_equal(SSL_read(client, got, sizeof(got)), 6);
    SSL_shutdown(client);
    assert_int_equal(stream_read(&stream, got, sizeof(got)), 0);
}

/* A socket that is full asks for patience; bytes that moved meanwhile are
 * the same bytes. */
static void test_full_socket(void **state)
{
    static char block[65536], got[65536];
    size_t sent = 0, back = 0;
    long n;
    (void)state;
    shake_hands();
    memset(block, 'b', sizeof(block));
    while ((n = stream_write(&stream, slice_of(block, sizeof(block)))) > 0)
        sent += (size_t)n;
    assert_int_equal(n, STREAM_AGAIN);
    assert_true(sent > 0);
    char *moved = malloc(sizeof(block));
    memset(moved, 'b', sizeof(block));
    int r;
    while ((r = SSL_read(client, got, sizeof(got))) > 0)
        back += (size_t)r;
    n = stream_write(&stream, slice_of(moved, sizeof(block)));
    assert_true(n > 0);
    sent += (size_t)n;
    while ((r = SSL_read(client, got, sizeof(got))) > 0)
        back += (size_t)r;
    assert_int_equal(back, sent);
    free(moved);
}

static void test_rude_ends(void **state)
{
    char got[8];
    bool unread;
    (void)state;
    shake_hands();
    assert_false(stream_is_gone(&stream, &unread));
    close(client_fd);
    client_fd = -1;
    assert_true(stream_is_gone(&stream, &unread));
    assert_int_equal(stream_read(&stream, got, sizeof(got)), 0);
    while (stream_write(&stream, SLICE("x")) > 0)
        ;
    assert_int_equal(stream_write(&stream, SLICE("x")), STREAM_BROKEN);
}

static void test_no_tls(void **state)
{
    char got[128];
    struct slice first;
    (void)state;
    assert_int_equal(write(client_fd, "GET / HTTP/1.1\r\n", 16), 16);
    assert_false(stream_begin_tls(&stream, &first));
    assert_true(slice_starts(first, "GET / "));
    ssize_t n = read(client_fd, got, sizeof(got));
    assert_true(n > 0 && memmem(got, (size_t)n, "speaks TLS", 10));
    assert_int_equal(stream_read(&stream, got, sizeof(got)), STREAM_BROKEN);
}

static void test_first_bytes(void **state)
{
    (void)state;
    assert_int_equal(stream_first(SLICE("")), FIRST_UNKNOWN);
    assert_int_equal(stream_first(SLICE("\x16")), FIRST_UNKNOWN);
    assert_int_equal(stream_first(SLICE("\x16\x03")), FIRST_TLS);
    assert_int_equal(stream_first(SLICE("\x16\x04")), FIRST_OTHER);
    assert_int_equal(stream_first(SLICE("PRI")), FIRST_UNKNOWN);
    assert_int_equal(stream_first(SLICE("PRI *")), FIRST_HTTP2);
    assert_int_equal(stream_first(SLICE("PRI * HTTP/1.1")), FIRST_HTTP1);
    assert_int_equal(stream_first(SLICE("POST")), FIRST_UNKNOWN);
    assert_int_equal(stream_first(SLICE("POST /")), FIRST_HTTP1);
    assert_int_equal(stream_first(SLICE("ABCDEFGHIJ")), FIRST_OTHER);
    assert_int_equal(stream_first(SLICE("\x01\x02")), FIRST_OTHER);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_both_ways), T(test_full_socket), T(test_rude_ends),
        T(test_no_tls),    T(test_first_bytes),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
