/* SPDX-License-Identifier: Apache-2.0 */
/* TLS and mutual TLS for the servers: certificate, key, client CA. */
#ifndef XR_TLS_H
#define XR_TLS_H

#include "xr/err.h"

struct tls_server;

struct tls_server_options {
    const char *certificate; /* PEM chain */
    const char *key;         /* PEM */
    const char *client_ca;   /* NULL: clients need no certificate */
    bool http2;              /* offer h2 by ALPN, else http/1.1 */
};

/* NULL with file and reason. */
struct tls_server *tls_server_new(const struct tls_server_options *o,
                                  struct err *err);
/* Reads the files again (SIGHUP); on -1 the former ones stay in use. */
int tls_server_reload(struct tls_server *t, struct err *err);
void tls_server_free(struct tls_server *t);
/* The SSL_CTX, for the other files of net/. */
void *tls_server_ctx(struct tls_server *t);

#endif
