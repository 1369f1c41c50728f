/* SPDX-License-Identifier: Apache-2.0 */
/* What a gRPC client sends behind the HTTP/2 preface. */
#include <stdint.h>

#include "grpc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
                                  "\0\0\0\4\0\0\0\0";
    struct otlp_grpc *g = grpc_server();
    struct wire w;

    wire_open(&w, otlp_grpc_bound(g));
    ssize_t sent = send(w.fd, preface, sizeof(preface), MSG_NOSIGNAL);
    assert(sent == sizeof(preface));
    (void)!send(w.fd, data, n, MSG_NOSIGNAL);
    for (int i = 0; i < 20 && !w.closed; i++) {
        grpc_turn();
        wire_take(&w);
    }
    grpc_reset(&w);
    for (int i = 0; i < 100 && otlp_grpc_open_streams(g) > 0; i++)
        grpc_turn();
    assert(otlp_grpc_open_streams(g) == 0);
    return 0;
}
