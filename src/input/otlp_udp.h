/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OTLP in X-Ray datagrams: what the ADOT exporters send behind the header
 * line. Private to input/.
 */
#ifndef XR_INPUT_OTLP_UDP_H
#define XR_INPUT_OTLP_UDP_H

#include "xr/pipeline.h"
#include "xr/translate.h"

struct otlp_udp;

/* Counts as intake "otlp_udp", in spans; a datagram that is not decoded counts
 * as one. pass: forward such bodies as they are, as the X-Ray daemon does.
 * unsampled: take T1U like T1S. NULL when memory is out. */
struct otlp_udp *otlp_udp_new(struct pipeline *p, struct translator *t,
                              bool pass, bool unsampled);
void otlp_udp_free(struct otlp_udp *o);
/* Whether the body behind the header is one of these. */
bool otlp_udp_is(struct slice body);
/* Takes a body for which otlp_udp_is said yes. */
void otlp_udp_handle(struct otlp_udp *o, struct slice body);

#endif
