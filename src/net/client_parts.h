/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the HTTP client that need no libcurl; private to it. */
#ifndef XR_NET_CLIENT_PARTS_H
#define XR_NET_CLIENT_PARTS_H

#include "xr/buf.h"
#include "xr/client.h"
#include "xr/err.h"
#include "xr/loop.h"

/* What options and environment say about proxies and certificates. */
struct client_env {
    char *proxy;    /* "": none */
    char *no_proxy; /* hosts to reach without it, by commas; "": none */
    char *ca_file;  /* NULL: leave it to the library */
};

/* -1: an option is unusable. What is wrong in the environment is only logged,
 * and passed over. */
int client_env_init(struct client_env *e, const struct client_options *o,
                    struct err *err);
void client_env_fini(struct client_env *e);

#define CLIENT_HEADERS_MAX 1024
/* The headers that libcurl would add unasked. */
#define CLIENT_HEADERS_OURS 3

/* Lays out one line a header in text, each ended by NUL: the request's own and
 * those that switch libcurl's off. lines has room for n_headers +
 * CLIENT_HEADERS_OURS. The number of lines; -1: not to be sent. */
int client_headers_lay(const struct client_request *r, struct buf *text,
                       char **lines, struct err *err);

/* A socket of libcurl. Opened and not busy means idle. */
struct client_socket {
    struct client_socket *next;
    struct client *client;
    int fd;
    bool opened; /* by us for libcurl, not made by libcurl itself */
    bool busy;   /* a transfer wants it watched */
    struct watch *watch;
};

struct client_socket *client_socket_find(struct client_socket *list, int fd);
struct client_socket *client_socket_add(struct client_socket **list, int fd);
void client_socket_drop(struct client_socket **list, struct client_socket *s);
void client_sockets_shut_idle(struct client_socket *list);

/* Ends the program if p is NULL: small allocations do not fail in practice. */
void *client_must(void *p);

#endif
