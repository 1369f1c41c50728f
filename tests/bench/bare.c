/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The limit for start-up and idle memory: a program linked with the same
 * libraries that touches a symbol of each, makes an SSL_CTX and a curl multi
 * handle, binds TCP and UDP on a port (argument, default 2000), prints a line
 * and waits for a signal.
 */
#include <arpa/inet.h>
#include <curl/curl.h>
#include <event2/event.h>
#include <jansson.h>
#include <nghttp2/nghttp2.h>
#include <openssl/ssl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <yaml.h>
#include <zlib.h>
#include <zstd.h>

static int bind_port(int type, int port)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, type, 0), on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, (struct sockaddr *)&a, sizeof(a)) != 0)
        return -1;
    return type == SOCK_STREAM ? listen(fd, 16) : 0;
}

int main(int argc, char **argv)
{
    int port = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 2000;
    const void *volatile touched[] = {zlibVersion(), ZSTD_versionString(),
                                      yaml_get_version_string(),
                                      sqlite3_libversion(), nghttp2_version(0)};
    json_t *json = json_object();
    struct event_base *base = event_base_new();
    SSL_CTX *tls = SSL_CTX_new(TLS_method());
    curl_global_init(CURL_GLOBAL_DEFAULT);
    CURLM *multi = curl_multi_init();
    if (json == NULL || base == NULL || tls == NULL || multi == NULL ||
        touched[0] == NULL || bind_port(SOCK_DGRAM, port) != 0 ||
        bind_port(SOCK_STREAM, port) != 0)
        return 1;
    puts("listening");
    fflush(stdout);
    pause();
    return 0;
}
