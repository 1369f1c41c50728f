/* SPDX-License-Identifier: Apache-2.0 */
/* The inputs: bytes from a wire to pipeline_push. Each is made by relay.c. */
#ifndef XR_INPUT_H
#define XR_INPUT_H

#include "xr/http1.h"
#include "xr/loop.h"
#include "xr/pipeline.h"
#include "xr/translate.h"
#include "xr/udp.h"

/* --- X-Ray datagrams, and OTLP over UDP behind the same header */
struct xray_udp;
struct xray_udp_options {
    const char *address;
    uint64_t receive_buffer; /* bytes */
    bool otlp_pass;          /* forward T1S and the like raw */
    bool otlp_unsampled;     /* decode T1U too */
};
struct xray_udp *xray_udp_new(struct loop *l, struct pipeline *p,
                              struct translator *t,
                              const struct xray_udp_options *o,
                              struct err *err);
void xray_udp_free(struct xray_udp *u);
/* Asked for each datagram: true drops it, counted as REJECT_INJECTED. */
void xray_udp_on_datagram(struct xray_udp *u, bool (*drop)(void *arg),
                          void *arg);
struct udp *xray_udp_socket(struct xray_udp *u);

/* --- POST /TraceSegments on TCP 2000: documents into the same pipeline */
struct xray_tcp;
struct xray_tcp *xray_tcp_new(struct pipeline *p);
void xray_tcp_free(struct xray_tcp *x);
void xray_tcp_handle(void *x, struct http1_request *r);
/* Answers are held until what was taken is kept: commit is called for each
 * request, and calls done once, at once or later. */
void xray_tcp_on_commit(struct xray_tcp *x,
                        void (*commit)(void *arg,
                                       void (*done)(void *arg, bool kept),
                                       void *done_arg),
                        void *arg);

/* As the service itself takes them: ceilings of bodies and documents in
 * bytes, and its own message for what can't be read. */
void xray_tcp_as_service(struct xray_tcp *x, size_t body_max,
                         size_t document_max);

/* --- OTLP over HTTP, any server with a route to otlp_http_handle */
struct otlp_http;
struct otlp_http_options {
    size_t body_max; /* bytes after inflating */
    const char *const *cors_origins;
    size_t n_cors_origins;
    bool lambda; /* when full: partial success in place of 503 */
};
struct otlp_http *otlp_http_new(struct loop *l, struct pipeline *p,
                                struct translator *t,
                                const struct otlp_http_options *o);
void otlp_http_free(struct otlp_http *h);
void otlp_http_handle(void *h, struct http1_request *r);
/* For http1_on_refused: answers in OTLP's words and counts. */
bool otlp_http_refused(void *h, struct http1_request *r, int status,
                       const char *why);
/* A request in JSON that came some other way, borrowed until fn is called,
 * once. why: of those refused, or ""; full: none was taken, there may be room
 * later. NULL: fn was called; else for otlp_http_forget, after which it is
 * not. */
struct otlp_call;
typedef void (*otlp_spans_fn)(void *arg, uint64_t accepted, uint64_t refused,
                              const char *why, bool full);
struct otlp_call *otlp_http_import(struct otlp_http *h, struct slice json,
                                   otlp_spans_fn fn, void *arg);
void otlp_http_forget(struct otlp_call *c);
/* Routes of the OTLP port: /v1/traces with CORS, 404 texts for the others. */
void otlp_http_routes(struct otlp_http *h, struct http1 *server);

/* --- OTLP over gRPC */
struct otlp_grpc;
struct otlp_grpc_options {
    const char *address;
    size_t message_max; /* bytes */
    struct tls_server *tls;
    bool lambda;      /* as above */
    unsigned *hinted; /* mix-ups told of in the log, a bit each; servers share
                       * it. NULL: one of its own */
};
struct otlp_grpc *otlp_grpc_new(struct loop *l, struct pipeline *p,
                                struct translator *t,
                                const struct otlp_grpc_options *o,
                                struct err *err);
const char *otlp_grpc_bound(const struct otlp_grpc *g);
/* Lets calls with spans wait, or goes on with them. It pauses by itself when
 * pipeline_busy; who wires resumes on relief. The servers of otlp_http_routes
 * do the same, and are resumed by http1_pause. */
void otlp_grpc_pause(struct otlp_grpc *g, bool pause);
/* GOAWAY; streams under way are answered. */
void otlp_grpc_stop(struct otlp_grpc *g);
unsigned otlp_grpc_open_streams(const struct otlp_grpc *g);
void otlp_grpc_free(struct otlp_grpc *g);

#endif
