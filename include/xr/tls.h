/* SPDX-License-Identifier: Apache-2.0 */
/* TLS and mutual TLS for the servers: certificate, key, client CA. */
#ifndef XR_TLS_H
#define XR_TLS_H

#include <stdbool.h>

#include "xr/err.h"
#include "xr/slice.h"

/* From here on the machine's openssl.cnf is not looked at. Before the first use
 * of TLS; later calls do nothing. */
void tls_skip_configuration(void);

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

/* One accepted connection, without blocking; the handshake is part of the
 * first reads and writes. The descriptor stays the caller's. */
struct tls_conn;
#define TLS_WANTS_READ (-1)  /* call again when readable */
#define TLS_WANTS_WRITE (-2) /* call again when writable */
#define TLS_BROKEN (-3)      /* in a handshake: a warning has said why */
/* NULL: out of memory. */
struct tls_conn *tls_conn_new(struct tls_server *t, int fd);
void tls_conn_free(struct tls_conn *c); /* NULL is fine */
/* Bytes, 0 at the end (a peer that closes without a word included), or one of
 * the three above; a write is never 0. A write that wants is repeated with the
 * same first bytes; the memory may have moved. */
long tls_conn_read(struct tls_conn *c, void *p, size_t n);
long tls_conn_write(struct tls_conn *c, struct slice data);
/* Whether decrypted bytes wait to be read. */
bool tls_conn_has_pending(const struct tls_conn *c);
/* Says close_notify, as far as it goes without waiting. */
void tls_conn_close(struct tls_conn *c);

#endif
