/* SPDX-License-Identifier: Apache-2.0 */
/* What a broken relay hands to the idle extension. Private to lambda/. */
#ifndef XR_LAMBDA_IDLE_H
#define XR_LAMBDA_IDLE_H

#define IDLE_ENV_ID "XRAY_RELAY_EXTENSION_ID"
#define IDLE_ENV_FD "XRAY_RELAY_EXTENSION_FD"

/* identifier NULL: registers first. fd: a connection on which the answer to a
 * registration or to GET next is due; -1: none. Gives 0 at SHUTDOWN. Safe in a
 * signal handler, as far as it goes. */
int idle_run(const char *program, const char *identifier, int fd);

#endif
